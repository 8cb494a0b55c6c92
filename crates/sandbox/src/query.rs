//! The AWS query protocol: a form in, XML out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use quick_xml::escape::escape;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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

    /// Whether any parameter's name starts so, such as `Tags.`.
    pub(crate) fn has_prefix(&self, prefix: &str) -> bool {
        self.0.keys().any(|name| name.starts_with(prefix))
    }

    /// The members of a list with their numbers, in the order of those: `NAME.member.1SUFFIX`, `NAME.member.2SUFFIX`, ...
    pub(crate) fn list(&self, name: &str, suffix: &str) -> Result<Vec<(u32, &str)>, AwsError> {
        let prefix = format!("{name}.member.");
        let mut members = Vec::new();
        for (parameter, value) in &self.0 {
            let Some(number) = parameter.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(suffix)) else {
                continue;
            };
            // A further member of a structure, such as `1.Value` where `.Key` is asked for, does not end so.
            if let Ok(number) = number.parse::<u32>() {
                members.push((number, value.as_str()));
            } else if suffix.is_empty() {
                return Err(AwsError::client("MalformedInput", format!("The parameter {parameter} is not expected.")));
            }
        }
        members.sort_unstable();
        Ok(members)
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

/// One page of a list by `MaxItems` and `Marker`, as IAM pages.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page starts, if there is one.
    marker: Option<String>,
}

impl<T> Page<T> {
    /// The page that a request asks for, of a list that is sorted by `key`.
    pub(crate) fn of(
        form: &Form,
        list: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> Result<Self, AwsError> {
        let max = form.integer("MaxItems")?.unwrap_or(100);
        if !(1..=1000).contains(&max) {
            return Err(validation_error(&format!(
                "Value '{max}' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000"
            )));
        }
        let after = form.optional("Marker").map(read_marker).transpose()?;
        let mut rest = list.into_iter().filter(|item| after.as_ref().is_none_or(|after| key(item) > *after)).peekable();
        let items: Vec<T> = rest.by_ref().take(usize::try_from(max).unwrap_or(100)).collect();
        let marker = rest.peek().and_then(|_| items.last()).map(|last| URL_SAFE_NO_PAD.encode(key(last)));
        Ok(Self { items, marker })
    }

    /// `IsTruncated` and `Marker`.
    pub(crate) fn to_xml(&self) -> String {
        let marker = self.marker.as_ref().map(|marker| element("Marker", marker)).unwrap_or_default();
        element("IsTruncated", &self.marker.is_some().to_string()) + &marker
    }
}

fn read_marker(marker: &str) -> Result<String, AwsError> {
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| validation_error(&format!("Invalid Marker: {marker}")))
}

/// An instant as the query protocol writes it, in whole seconds.
pub(crate) fn timestamp(ms: i64) -> Result<String, AwsError> {
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000))
        .map_err(AwsError::internal)?
        .format(&Rfc3339)
        .map_err(AwsError::internal)
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
