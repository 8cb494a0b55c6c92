//! `ExpressionAttributeNames` and `ExpressionAttributeValues`: what `#name` and `:value` stand for, and which were used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::error::validation;
use super::super::value::{AttributeValue, GivenValue};
use super::path::{LONGEST_PATH, Path, Step};
use super::reserved::is_reserved;
use super::syntax::{NameSyntax, PathSyntax, StepSyntax};
use crate::AwsError;

/// Bytes that the names and values of a request may have together, as AWS.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// The placeholders of a request, as it has them.
#[derive(Clone, Debug, Default)]
pub struct GivenExpressions {
    pub names: Option<BTreeMap<String, String>>,
    pub values: Option<BTreeMap<String, GivenValue>>,
}

/// Placeholders that were checked, to be used by every expression of the request and then [`finished`](Self::finish).
///
/// Names and values are shared, since an expression may use each of them a thousand times.
#[derive(Debug, Default)]
pub struct Placeholders {
    names: BTreeMap<String, Arc<str>>,
    values: BTreeMap<String, Arc<AttributeValue>>,
    used_names: BTreeSet<String>,
    used_values: BTreeSet<String>,
}

impl Placeholders {
    /// Checks the placeholders. `expressions` are the request's expressions that may use values, by parameter name;
    /// placeholders without any of them are refused. Names may also serve a `ProjectionExpression`.
    pub fn new(
        given: GivenExpressions,
        expressions: &[(&str, &Option<String>)],
        projection: Option<&String>,
    ) -> Result<Self, AwsError> {
        let with_values = expressions.iter().any(|(_, text)| text.is_some());
        let names = match given.names {
            None => BTreeMap::new(),
            Some(_) if !with_values && projection.is_none() => {
                return Err(validation("ExpressionAttributeNames can only be specified when using expressions"));
            }
            Some(names) => check_names(names)?,
        };
        let values = match given.values {
            None => BTreeMap::new(),
            Some(_) if !with_values => {
                let parameters: Vec<&str> = expressions.iter().map(|(parameter, _)| *parameter).collect();
                let verb = if parameters.len() > 1 { "are" } else { "is" };
                return Err(validation(format!(
                    "ExpressionAttributeValues can only be specified when using expressions: {} {verb} null",
                    parameters.join(" and ")
                )));
            }
            Some(values) => check_values(values)?,
        };
        check_size(&names, &values)?;
        Ok(Self { names, values, ..Self::default() })
    }

    /// Refuses placeholders that no expression used.
    pub fn finish(self) -> Result<(), AwsError> {
        refuse_unused("ExpressionAttributeNames", self.names.keys(), &self.used_names)?;
        refuse_unused("ExpressionAttributeValues", self.values.keys(), &self.used_values)
    }

    /// The value that a placeholder such as `:v` stands for.
    pub(super) fn value(&mut self, placeholder: &str) -> Result<Arc<AttributeValue>, String> {
        let value = self.values.get(placeholder).cloned().ok_or_else(|| {
            format!("An expression attribute value used in expression is not defined; attribute value: {placeholder}")
        })?;
        self.used_values.insert(placeholder.to_owned());
        Ok(value)
    }

    /// The path with its names in place.
    pub(super) fn path(&mut self, path: &PathSyntax<'_>) -> Result<Path, String> {
        if path.steps.len() >= LONGEST_PATH {
            return Err(format!(
                "The document path has too many nesting elements; nesting levels: {}",
                path.steps.len() + 1
            ));
        }
        let root = self.name(path.root)?;
        let step = |step: &StepSyntax<'_>| match step {
            StepSyntax::Field(name) => self.name(*name).map(Step::Field),
            StepSyntax::Index(digits) => digits
                .parse::<u32>()
                .map(|index| Step::Index(index as usize))
                .map_err(|_| format!("List index is not within the allowable range; index: [{digits}]")),
        };
        let steps = path.steps.iter().map(step).collect::<Result<_, _>>()?;
        Ok(Path { root, steps })
    }

    fn name(&mut self, name: NameSyntax<'_>) -> Result<Arc<str>, String> {
        match name {
            NameSyntax::Word(word) if is_reserved(word) => {
                Err(format!("Attribute name is a reserved keyword; reserved keyword: {word}"))
            }
            NameSyntax::Word(word) => Ok(word.into()),
            NameSyntax::Placeholder(placeholder) => {
                let name = self.names.get(placeholder).cloned().ok_or_else(|| {
                    format!(
                        "An expression attribute name used in the document path is not defined; attribute name: \
                         {placeholder}"
                    )
                })?;
                self.used_names.insert(placeholder.to_owned());
                Ok(name)
            }
        }
    }
}

fn check_names(names: BTreeMap<String, String>) -> Result<BTreeMap<String, Arc<str>>, AwsError> {
    if names.is_empty() {
        return Err(validation("ExpressionAttributeNames must not be empty"));
    }
    for (placeholder, name) in &names {
        check_placeholder("ExpressionAttributeNames", placeholder, '#')?;
        if name.is_empty() || name.len() > 65_535 {
            return Err(validation(format!(
                "ExpressionAttributeNames contains invalid value for key {placeholder}: an attribute name has 1 to \
                 65535 bytes"
            )));
        }
    }
    Ok(names.into_iter().map(|(placeholder, name)| (placeholder, name.into())).collect())
}

fn check_values(values: BTreeMap<String, GivenValue>) -> Result<BTreeMap<String, Arc<AttributeValue>>, AwsError> {
    if values.is_empty() {
        return Err(validation("ExpressionAttributeValues must not be empty"));
    }
    let check = |(placeholder, value): (String, GivenValue)| {
        check_placeholder("ExpressionAttributeValues", &placeholder, ':')?;
        let value = value.0.map_err(|message| {
            validation(format!("ExpressionAttributeValues contains invalid value: {message} for key {placeholder}"))
        })?;
        Ok((placeholder, Arc::new(value)))
    };
    values.into_iter().map(check).collect()
}

fn check_size(
    names: &BTreeMap<String, Arc<str>>,
    values: &BTreeMap<String, Arc<AttributeValue>>,
) -> Result<(), AwsError> {
    let names: usize = names.iter().map(|(placeholder, name)| placeholder.len() + name.len()).sum();
    let values: usize = values.iter().map(|(placeholder, value)| placeholder.len() + value.size()).sum();
    if names + values <= MOST_BYTES {
        return Ok(());
    }
    Err(validation(format!(
        "ExpressionAttributeNames and ExpressionAttributeValues have exceeded the maximum allowed size of {MOST_BYTES} \
         bytes; size: {}",
        names + values
    )))
}

fn check_placeholder(parameter: &str, placeholder: &str, sign: char) -> Result<(), AwsError> {
    let well_formed = placeholder.strip_prefix(sign).is_some_and(|name| {
        !name.is_empty() && name.len() < 255 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if well_formed {
        Ok(())
    } else {
        Err(validation(format!("{parameter} contains invalid key: Syntax error; key: \"{placeholder}\"")))
    }
}

fn refuse_unused<'k>(
    parameter: &str,
    defined: impl Iterator<Item = &'k String>,
    used: &BTreeSet<String>,
) -> Result<(), AwsError> {
    let unused: Vec<&str> = defined.filter(|key| !used.contains(*key)).map(String::as_str).collect();
    if unused.is_empty() {
        return Ok(());
    }
    Err(validation(format!("Value provided in {parameter} unused in expressions: keys: {{{}}}", unused.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(bytes: usize) -> Result<Placeholders, AwsError> {
        let value = GivenValue(Ok(AttributeValue::S("x".repeat(bytes))));
        let given = GivenExpressions { names: None, values: Some([(":v".to_owned(), value)].into()) };
        Placeholders::new(given, &[("UpdateExpression", &Some(String::new()))], None)
    }

    #[test]
    fn every_use_of_a_value_shares_it() {
        let mut placeholders = given(1000).unwrap();
        assert!(Arc::ptr_eq(&placeholders.value(":v").unwrap(), &placeholders.value(":v").unwrap()));
    }

    #[test]
    fn names_and_values_are_bounded_together() {
        assert!(given(MOST_BYTES - 2).is_ok());
        let error = given(MOST_BYTES - 1).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert!(error.message.contains("maximum allowed size"), "{error}");
    }
}
