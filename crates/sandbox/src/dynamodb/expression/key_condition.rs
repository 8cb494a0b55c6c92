//! Key-condition expressions: one partition key, and a range of its sort keys.

use std::sync::Arc;

use super::super::error::{invalid_parameter, validation};
use super::super::key::KeySchema;
use super::super::value::AttributeValue;
use super::condition::{Comparator, Condition, Operand};
use super::path::Path;
use super::placeholders::Placeholders;
use crate::AwsError;

/// What a `KeyConditionExpression` asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyCondition {
    /// The value of the partition key.
    pub partition: AttributeValue,
    pub sort: Option<SortCondition>,
}

/// A condition on the sort key.
#[derive(Clone, Debug, PartialEq)]
pub enum SortCondition {
    Equal(AttributeValue),
    Less(AttributeValue),
    LessOrEqual(AttributeValue),
    Greater(AttributeValue),
    GreaterOrEqual(AttributeValue),
    Between(AttributeValue, AttributeValue),
    BeginsWith(AttributeValue),
}

impl KeyCondition {
    /// Reads a `KeyConditionExpression` for a table with these keys.
    pub fn parse(expression: &str, placeholders: &mut Placeholders, schema: &KeySchema) -> Result<Self, AwsError> {
        let condition = Condition::parse("KeyConditionExpression", expression, placeholders)?;
        let parts = match condition {
            Condition::And(parts) => parts,
            one => vec![one],
        };
        let mut conditions: Vec<(Arc<str>, SortCondition)> = Vec::new();
        for part in parts {
            let (name, sort) = simple_condition(part)?;
            if conditions.iter().any(|(other, _)| *other == name) {
                return Err(validation("KeyConditionExpressions must only contain one condition per key"));
            }
            conditions.push((name, sort));
            // Within the loop, since each condition has a copy of its value.
            if conditions.len() > 2 {
                return Err(validation("Conditions can be of length 1 or 2 only"));
            }
        }
        let partition = take(&mut conditions, &schema.partition.name).ok_or_else(|| missed(&schema.partition.name))?;
        let SortCondition::Equal(partition) = partition else {
            return Err(validation("Query key condition not supported"));
        };
        let sort = match (&schema.sort, conditions.is_empty()) {
            (_, true) => None,
            (Some(key), false) => Some(take(&mut conditions, &key.name).ok_or_else(|| missed(&key.name))?),
            (None, false) => return Err(validation("Query key condition not supported")),
        };
        check_types(schema, &partition, sort.as_ref())?;
        Ok(Self { partition, sort })
    }
}

fn take(conditions: &mut Vec<(Arc<str>, SortCondition)>, name: &str) -> Option<SortCondition> {
    let position = conditions.iter().position(|(other, _)| **other == *name)?;
    Some(conditions.swap_remove(position).1)
}

fn missed(name: &str) -> AwsError {
    validation(format!("Query condition missed key schema element: {name}"))
}

fn check_types(schema: &KeySchema, partition: &AttributeValue, sort: Option<&SortCondition>) -> Result<(), AwsError> {
    let mismatch = || invalid_parameter("Condition parameter type does not match schema type");
    if !schema.partition.kind.admits(partition) {
        return Err(mismatch());
    }
    let (Some(key), Some(sort)) = (&schema.sort, sort) else { return Ok(()) };
    let values = match sort {
        SortCondition::Between(low, high) => vec![low, high],
        SortCondition::Equal(value)
        | SortCondition::Less(value)
        | SortCondition::LessOrEqual(value)
        | SortCondition::Greater(value)
        | SortCondition::GreaterOrEqual(value)
        | SortCondition::BeginsWith(value) => vec![value],
    };
    if values.iter().all(|value| key.kind.admits(value)) { Ok(()) } else { Err(mismatch()) }
}

/// A condition on one attribute, told as if it were on the sort key.
fn simple_condition(condition: Condition) -> Result<(Arc<str>, SortCondition), AwsError> {
    let invalid_operator =
        |operator: &str| Err(validation(format!("Invalid operator used in KeyConditionExpression: {operator}")));
    match condition {
        Condition::Compare(comparator, left, right) => {
            let (path, value, comparator) = match (left, right) {
                (Operand::Path(path), right) => (path, literal(right)?, comparator),
                (left, Operand::Path(path)) => (path, literal(left)?, mirrored(comparator)),
                _ => return Err(invalid_condition("No key attribute specified")),
            };
            let sort = match comparator {
                Comparator::Equal => SortCondition::Equal(value),
                Comparator::Less => SortCondition::Less(value),
                Comparator::LessOrEqual => SortCondition::LessOrEqual(value),
                Comparator::Greater => SortCondition::Greater(value),
                Comparator::GreaterOrEqual => SortCondition::GreaterOrEqual(value),
                Comparator::NotEqual => return invalid_operator("<>"),
            };
            Ok((key_name(path)?, sort))
        }
        Condition::Between(Operand::Path(path), low, high) => {
            Ok((key_name(path)?, SortCondition::Between(literal(low)?, literal(high)?)))
        }
        Condition::BeginsWith(Operand::Path(path), prefix) => {
            let prefix = literal(prefix)?;
            Ok((key_name(path)?, SortCondition::BeginsWith(prefix)))
        }
        Condition::Between(..) | Condition::BeginsWith(..) => Err(invalid_condition("No key attribute specified")),
        Condition::And(_) => Err(validation("KeyConditionExpressions must only contain one condition per key")),
        Condition::Or(_) => invalid_operator("OR"),
        Condition::Not(_) => invalid_operator("NOT"),
        Condition::In(..) => invalid_operator("IN"),
        Condition::AttributeExists(_) => invalid_operator("attribute_exists"),
        Condition::AttributeNotExists(_) => invalid_operator("attribute_not_exists"),
        Condition::AttributeType(..) => invalid_operator("attribute_type"),
        Condition::Contains(..) => invalid_operator("contains"),
    }
}

fn invalid_condition(what: &str) -> AwsError {
    validation(format!("Invalid condition in KeyConditionExpression: {what}"))
}

fn literal(operand: Operand) -> Result<AttributeValue, AwsError> {
    match operand {
        Operand::Value(value) => Ok(Arc::unwrap_or_clone(value)),
        Operand::Path(_) => Err(invalid_condition("Multiple attribute names used in one condition")),
        Operand::Size(_) => Err(validation("KeyConditionExpressions cannot contain nested operations")),
    }
}

fn key_name(path: Path) -> Result<Arc<str>, AwsError> {
    if path.steps.is_empty() {
        Ok(path.root)
    } else {
        Err(validation("KeyConditionExpressions cannot have conditions on nested attributes"))
    }
}

/// The comparator that says the same with its operands swapped.
fn mirrored(comparator: Comparator) -> Comparator {
    match comparator {
        Comparator::Less => Comparator::Greater,
        Comparator::LessOrEqual => Comparator::GreaterOrEqual,
        Comparator::Greater => Comparator::Less,
        Comparator::GreaterOrEqual => Comparator::LessOrEqual,
        same => same,
    }
}
