//! The claims of a platform's token as they stand in it, and how much of each is taken.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::endpoints::{AgsEndpoint, NamesEndpoint, Scope};
use crate::service_url::ServiceUrl;

/// Longest identifier, as LTI has it.
const LONGEST_ID: usize = 255;
/// Longest text for people, in letters; more is cut off.
const LONGEST_TEXT: usize = 255;
/// Most custom parameters, and the longest of their names and values, in letters; more is left out.
const MOST_CUSTOM: usize = 100;
const LONGEST_CUSTOM: usize = 2000;

#[derive(Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: Audience,
    pub(crate) azp: Option<String>,
    pub(crate) sub: Option<String>,
    /// Seconds; fractions are allowed.
    pub(crate) exp: f64,
    pub(crate) iat: f64,
    pub(crate) nonce: String,
    pub(crate) name: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
    pub(crate) email: Option<String>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/message_type")]
    pub(crate) message_type: String,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/version")]
    pub(crate) version: String,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/deployment_id")]
    pub(crate) deployment_id: String,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/target_link_uri")]
    pub(crate) target_link: Option<String>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/roles", default)]
    pub(crate) roles: Vec<String>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/context")]
    pub(crate) context: Option<ContextClaim>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/resource_link")]
    pub(crate) resource_link: Option<ResourceLinkClaim>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/custom")]
    pub(crate) custom: Option<BTreeMap<String, Value>>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti/claim/launch_presentation")]
    pub(crate) presentation: Option<PresentationClaim>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint")]
    pub(crate) ags: Option<AgsClaim>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice")]
    pub(crate) names: Option<NamesClaim>,
    #[serde(rename = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings")]
    pub(crate) deep_linking: Option<DeepLinkingClaim>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
pub(crate) struct ContextClaim {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
    pub(crate) title: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ResourceLinkClaim {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct PresentationClaim {
    pub(crate) return_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct AgsClaim {
    #[serde(default)]
    scope: Vec<String>,
    lineitems: Option<String>,
    lineitem: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct NamesClaim {
    context_memberships_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct DeepLinkingClaim {
    pub(crate) deep_link_return_url: String,
    #[serde(default)]
    pub(crate) accept_types: Vec<String>,
    pub(crate) accept_multiple: Option<bool>,
    pub(crate) accept_lineitem: Option<bool>,
    pub(crate) data: Option<Value>,
}

impl Audience {
    pub(crate) fn list(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

impl AgsClaim {
    /// What of the service can be used; an address that may not be called counts as none.
    pub(crate) fn endpoint(&self) -> AgsEndpoint {
        let address = |text: &Option<String>| text.as_deref().and_then(|text| ServiceUrl::parse(text).ok());
        AgsEndpoint {
            line_items: address(&self.lineitems),
            line_item: address(&self.lineitem),
            scopes: self.scope.iter().filter_map(|uri| Scope::of(uri)).collect::<BTreeSet<_>>(),
        }
    }
}

impl NamesClaim {
    pub(crate) fn endpoint(&self) -> Option<NamesEndpoint> {
        let members = ServiceUrl::parse(self.context_memberships_url.as_deref()?).ok()?;
        Some(NamesEndpoint { members })
    }
}

/// An identifier, if it has a length that identifiers have.
pub(crate) fn id(text: String) -> Option<String> {
    (!text.is_empty() && text.len() <= LONGEST_ID).then_some(text)
}

/// A text for people: on one line, cut to a bearable length; `None` if nothing is left.
pub(crate) fn text(text: Option<&str>) -> Option<String> {
    let words: Vec<&str> = text?.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(LONGEST_TEXT).collect();
    (!line.is_empty()).then_some(line)
}

/// Custom parameters as texts. Some platforms send numbers and truth values; other shapes are left out.
pub(crate) fn custom(parameters: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let short = |text: &str| text.chars().take(LONGEST_CUSTOM + 1).count() <= LONGEST_CUSTOM;
    parameters
        .into_iter()
        .filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            Value::Number(number) => Some((name, number.to_string())),
            Value::Bool(truth) => Some((name, truth.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
        .filter(|(name, value)| short(name) && short(value))
        .take(MOST_CUSTOM)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_one_short_line() {
        assert_eq!(text(Some(" Ada\n\u{7}Lovelace ")).as_deref(), Some("Ada Lovelace"));
        assert_eq!(text(Some(&"é".repeat(300))).unwrap().chars().count(), LONGEST_TEXT);
        assert_eq!(text(Some(" \n")), None);
        assert_eq!(text(None), None);
    }

    #[test]
    fn custom_parameters_are_texts_and_not_too_many() {
        let given = json!({ "a": "1", "b": 2, "c": true, "d": null, "e": ["x"], "f": "x".repeat(LONGEST_CUSTOM + 1) });
        let taken = custom(serde_json::from_value(given).unwrap());
        assert_eq!(serde_json::to_value(taken).unwrap(), json!({ "a": "1", "b": "2", "c": "true" }));
        let many = (0..2 * MOST_CUSTOM).map(|number| (number.to_string(), json!(""))).collect();
        assert_eq!(custom(many).len(), MOST_CUSTOM);
    }
}
