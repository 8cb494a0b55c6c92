//! The grammar of policy documents, as far as it can be checked without knowing every service.
//!
//! Source: "Grammar of the IAM JSON policy language" in the IAM User Guide.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

use crate::AwsError;

/// The operators of `Condition`, each of which may also end in `IfExists` or begin with `ForAllValues:` or `ForAnyValue:`.
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

/// A policy document of any kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct PolicyDocument {
    #[serde(default)]
    version: Option<String>,
    #[serde(default, rename = "Id")]
    _id: Option<String>,
    pub(super) statement: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Statement {
    #[serde(default, rename = "Sid")]
    _sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) principal: Option<Principals>,
    not_principal: Option<Value>,
    pub(super) action: Option<OneOrMany<String>>,
    pub(super) not_action: Option<OneOrMany<String>>,
    pub(super) resource: Option<OneOrMany<String>>,
    pub(super) not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    pub(super) condition: BTreeMap<String, BTreeMap<String, OneOrMany<Scalar>>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// `"*"` or a map from kinds to names.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"*\" or an object for Principal")]
pub(super) enum Principals {
    Everyone(String),
    Named(BTreeMap<String, OneOrMany<String>>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// A value in a condition, which may be written as a string, a number or a boolean.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string, a number or a boolean")]
pub(super) enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Boolean(bool),
}

impl<T> OneOrMany<T> {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter(),
            Self::Many(many) => many.iter(),
        }
    }
}

impl Scalar {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Boolean(boolean) => boolean.to_string(),
        }
    }
}

impl PolicyDocument {
    /// Reads a document and checks what holds for every kind of policy.
    pub(super) fn parse(document: &str) -> Result<Self, AwsError> {
        let mut json: Value =
            serde_json::from_str(document).map_err(|_| malformed("This policy contains invalid Json"))?;
        // A lone statement need not be in a list.
        if let Some(statement) = json.get_mut("Statement").filter(|statement| statement.is_object()) {
            *statement = Value::Array(vec![statement.take()]);
        }
        let policy: Self =
            serde_json::from_value(json).map_err(|error| malformed(&format!("Syntax errors in policy: {error}.")))?;
        if !matches!(policy.version.as_deref(), None | Some("2012-10-17" | "2008-10-17")) {
            return Err(malformed("Policy document must be version 2012-10-17 or greater."));
        }
        for statement in &policy.statement {
            if let Some(operator) = statement.condition.keys().find(|operator| !is_operator(operator)) {
                return Err(malformed(&format!("Invalid Condition type : {operator}.")));
            }
            if statement.action.is_some() == statement.not_action.is_some() {
                return Err(malformed("Policy statement must contain actions."));
            }
            let actions = statement.action.iter().chain(&statement.not_action).flat_map(OneOrMany::iter);
            let vendored = |action: &String| {
                action == "*" || action.split_once(':').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
            };
            if !actions.clone().all(vendored) {
                return Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
            }
            if actions.count() == 0 {
                return Err(malformed("Policy statement must contain actions."));
            }
        }
        if policy.statement.is_empty() {
            return Err(malformed("Syntax errors in policy: Statement is empty."));
        }
        Ok(policy)
    }
}

impl Statement {
    /// What a trust policy's statement must have and must not have.
    pub(super) fn check_trust(&self) -> Result<(), AwsError> {
        if self.resource.is_some() || self.not_resource.is_some() {
            return Err(malformed("Has prohibited field Resource"));
        }
        if self.not_principal.is_some() {
            return Err(malformed("Has prohibited field NotPrincipal"));
        }
        if self.principal.is_none() {
            return Err(malformed("Missing required field Principal"));
        }
        let Some(actions) = &self.action else { return Err(malformed("Missing required field Action")) };
        if !actions.iter().all(|action| action.to_ascii_lowercase().starts_with("sts:")) {
            return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
        }
        Ok(())
    }
}

/// Checks the policy of a role's permissions: `MalformedPolicyDocument` if it is not well-formed.
pub(super) fn check_identity_policy(document: &str) -> Result<(), AwsError> {
    for statement in &PolicyDocument::parse(document)?.statement {
        if statement.principal.is_some() || statement.not_principal.is_some() {
            return Err(malformed("Policy document should not specify a principal."));
        }
        if statement.resource.is_some() == statement.not_resource.is_some() {
            return Err(malformed("Policy statement must contain resources."));
        }
        for resource in statement.resource.iter().chain(&statement.not_resource).flat_map(OneOrMany::iter) {
            if resource != "*" && !(resource.starts_with("arn:") && resource.split(':').count() >= 6) {
                return Err(malformed(&format!("Resource {resource} must be in ARN format or \"*\".")));
            }
        }
    }
    Ok(())
}

/// Checks the `Policy` of STS `AssumeRole`, which is like a role's policy but bounded in plain characters.
pub(crate) fn check_session_policy(document: &str) -> Result<(), AwsError> {
    check_identity_policy(document)
}

/// The characters of a document that count against its quota: all but white space.
pub(super) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// Whether a document is within its quota.
pub(super) fn check_size(document: &str, max: usize) -> Result<(), ()> {
    if size(document) > max { Err(()) } else { Ok(()) }
}

pub(super) fn malformed(message: &str) -> AwsError {
    AwsError::client("MalformedPolicyDocument", message)
}

fn is_operator(name: &str) -> bool {
    let name = name.strip_prefix("ForAllValues:").or_else(|| name.strip_prefix("ForAnyValue:")).unwrap_or(name);
    OPERATORS.contains(&name.strip_suffix("IfExists").unwrap_or(name))
}
