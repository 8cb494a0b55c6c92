//! The AWS query protocol: a form in, XML out.

use std::collections::BTreeMap;

use bytes::Bytes;
use quick_xml::escape::escape;

use crate::AwsError;

/// The parameters of one request.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads `Action=...&Version=...&...`.
    pub(crate) fn read(body: &[u8]) -> Result<Self, AwsError> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body)
            .map_err(|error| AwsError::client("MalformedInput", format!("The request is not a form: {error}")))?;
        Ok(Self(pairs.into_iter().collect()))
    }

    /// The operation that is asked for; `MissingAction` without one.
    pub(crate) fn action(&self) -> Result<&str, AwsError> {
        self.optional("Action")
            .ok_or_else(|| AwsError::client("MissingAction", "The request must contain the parameter Action."))
    }

    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that the operation cannot do without, as AWS's services refuse its absence.
    pub(crate) fn required(&self, name: &str) -> Result<&str, AwsError> {
        self.optional(name).ok_or_else(|| {
            let member = lower_first(name);
            validation_error(&format!("Value null at '{member}' failed to satisfy constraint: Member must not be null"))
        })
    }

    /// An integer parameter.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, AwsError> {
        self.optional(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    AwsError::client(
                        "MalformedInput",
                        format!("The parameter {name} must be an integer, not '{text}'."),
                    )
                })
            })
            .transpose()
    }
}

/// An `ActionResponse` document in the service's namespace; `result` is XML already.
pub(crate) fn answer(namespace: &str, action: &str, result: Option<&str>, request_id: &str) -> Bytes {
    let result = result.map(|xml| format!("<{action}Result>{xml}</{action}Result>")).unwrap_or_default();
    format!(
        "<{action}Response xmlns=\"{namespace}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId>\
         </ResponseMetadata></{action}Response>"
    )
    .into()
}

/// `<Name>value</Name>`, escaped.
pub(crate) fn element(name: &str, value: &str) -> String {
    format!("<{name}>{}</{name}>", escape(value))
}

/// The operation exists in AWS (or not) but not here.
pub(crate) fn unknown_action(service: &str, action: &str) -> AwsError {
    AwsError::client("InvalidAction", format!("The sandbox does not offer the operation {action} of {service}."))
}

/// `ValidationError` as STS and IAM word it.
pub(crate) fn validation_error(detail: &str) -> AwsError {
    AwsError::client("ValidationError", format!("1 validation error detected: {detail}"))
}

fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_lowercase().to_string() + characters.as_str()).unwrap_or_default()
}
