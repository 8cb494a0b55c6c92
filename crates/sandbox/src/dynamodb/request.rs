//! What the requests of several operations have in common.

use serde::de::IgnoredAny;

use super::error::{constraint, validation};
use super::value::{GivenItem, Item};
use crate::AwsError;

/// Reads a parameter that has one of a few values; `member` is its name in the message.
pub fn one_of<T: Copy>(member: &str, given: Option<&str>, choices: &[(&str, T)]) -> Result<Option<T>, AwsError> {
    let Some(given) = given else { return Ok(None) };
    match choices.iter().find(|(name, _)| *name == given) {
        Some((_, choice)) => Ok(Some(*choice)),
        None => {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            Err(constraint(given, member, &format!("Member must satisfy enum value set: [{}]", names.join(", "))))
        }
    }
}

/// Refuses the parameters that DynamoDB itself calls legacy, naming the one that was given and what replaces it.
pub fn refuse_legacy(given: &[(&str, Option<IgnoredAny>, &str)]) -> Result<(), AwsError> {
    match given.iter().find(|(_, value, _)| value.is_some()) {
        None => Ok(()),
        Some((parameter, _, replacement)) => Err(validation(format!(
            "The sandbox does not offer the legacy parameter {parameter} of DynamoDB; use {replacement} instead."
        ))),
    }
}

/// A required map of attributes, `Item` or `Key`.
pub fn required_item(member: &str, given: Option<GivenItem>) -> Result<Item, AwsError> {
    let given = given.ok_or_else(|| {
        validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })?;
    given.checked().map_err(validation)
}
