//! One write: what `PutItem`, `UpdateItem`, `DeleteItem` and each action of `TransactWriteItems` have in common.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use sqlx::sqlite::SqliteConnection;

use super::capacity::ReturnCapacity;
use super::error::{invalid_parameter, validation};
use super::expression::{Condition, GivenExpressions, Placeholders, Projection, Update};
use super::key::Key;
use super::limits::{ComparisonBudget, check_account_bytes};
use super::request::{one_of, refuse_legacy, required_item};
use super::store::{self, StoredItem, UnfitItem};
use super::table::Table;
use super::value::{GivenItem, GivenValue, Item};
use crate::AwsError;

/// The parameters of any write.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WriteRequest {
    pub table_name: Option<String>,
    item: Option<GivenItem>,
    key: Option<GivenItem>,
    update_expression: Option<String>,
    condition_expression: Option<String>,
    expression_attribute_names: Option<BTreeMap<String, String>>,
    expression_attribute_values: Option<BTreeMap<String, GivenValue>>,
    return_values: Option<String>,
    return_values_on_condition_check_failure: Option<String>,
    return_consumed_capacity: Option<String>,
    expected: Option<IgnoredAny>,
    attribute_updates: Option<IgnoredAny>,
    conditional_operator: Option<IgnoredAny>,
}

/// The operations that write one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    Put,
    Update,
    Delete,
    /// `ConditionCheck` in a transaction, which writes nothing.
    Check,
}

/// A write whose parameters were checked as far as that goes without the table.
#[derive(Debug)]
pub struct Write {
    pub action: Action,
    condition: Option<Condition>,
    pub return_values: ReturnValues,
    /// Whether a failed condition is answered with the item.
    pub return_item_on_failure: bool,
    pub return_capacity: ReturnCapacity,
}

#[derive(Debug)]
pub enum Action {
    Put(Item),
    Update { key: Item, update: Update },
    Delete { key: Item },
    Check { key: Item },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnValues {
    #[default]
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

/// What a write did.
#[derive(Debug, Default)]
pub struct Written {
    /// The item before, when it was read or asked for.
    pub before: Option<Item>,
    /// The item after; `None` when there is none or nothing was written.
    pub after: Option<Item>,
    /// The larger of the item's sizes before and after, in bytes, as far as it was read.
    pub size: usize,
    /// How many bytes the table grew by, as far as known.
    pub grown: i64,
}

/// Why a write did not happen.
#[derive(Debug)]
pub enum WriteFailure {
    /// The condition was not met, by this item if there is one.
    Condition(Option<Item>),
    /// The write breaks a rule; `ValidationException`.
    Invalid(AwsError),
    /// The sandbox failed.
    Internal(AwsError),
}

impl From<AwsError> for WriteFailure {
    fn from(error: AwsError) -> Self {
        if error.status >= 500 { Self::Internal(error) } else { Self::Invalid(error) }
    }
}

impl WriteRequest {
    /// Checks the parameters and reads the expressions.
    pub fn prepare(self, kind: WriteKind) -> Result<Write, AwsError> {
        refuse_legacy(&[
            ("Expected", self.expected, "ConditionExpression"),
            ("AttributeUpdates", self.attribute_updates, "UpdateExpression"),
            ("ConditionalOperator", self.conditional_operator, "ConditionExpression"),
        ])?;
        let return_values = return_values(self.return_values.as_deref(), kind)?;
        let return_capacity = ReturnCapacity::parse(self.return_consumed_capacity.as_deref())?;
        let on_failure = one_of(
            "returnValuesOnConditionCheckFailure",
            self.return_values_on_condition_check_failure.as_deref(),
            &[("ALL_OLD", true), ("NONE", false)],
        )?;
        let mut expressions = vec![("ConditionExpression", &self.condition_expression)];
        if kind == WriteKind::Update {
            expressions.insert(0, ("UpdateExpression", &self.update_expression));
        }
        let given =
            GivenExpressions { names: self.expression_attribute_names, values: self.expression_attribute_values };
        let mut placeholders = Placeholders::new(given, &expressions, None)?;
        let update = match (&self.update_expression, kind) {
            (Some(expression), WriteKind::Update) => Update::parse(expression, &mut placeholders)?,
            _ => Update::default(),
        };
        let condition = match &self.condition_expression {
            Some(expression) => Some(Condition::parse("ConditionExpression", expression, &mut placeholders)?),
            None if kind == WriteKind::Check => {
                return Err(validation("The conditionExpression parameter is required for ConditionCheck"));
            }
            None => None,
        };
        placeholders.finish()?;
        let action = match kind {
            WriteKind::Put => Action::Put(required_item("item", self.item)?),
            WriteKind::Update => Action::Update { key: required_item("key", self.key)?, update },
            WriteKind::Delete => Action::Delete { key: required_item("key", self.key)? },
            WriteKind::Check => Action::Check { key: required_item("key", self.key)? },
        };
        Ok(Write {
            action,
            condition,
            return_values,
            return_item_on_failure: on_failure.unwrap_or(false),
            return_capacity,
        })
    }
}

fn return_values(given: Option<&str>, kind: WriteKind) -> Result<ReturnValues, AwsError> {
    let choices = [
        ("ALL_NEW", ReturnValues::AllNew),
        ("UPDATED_OLD", ReturnValues::UpdatedOld),
        ("ALL_OLD", ReturnValues::AllOld),
        ("NONE", ReturnValues::None),
        ("UPDATED_NEW", ReturnValues::UpdatedNew),
    ];
    let chosen = one_of("returnValues", given, &choices)?.unwrap_or_default();
    if kind != WriteKind::Update && !matches!(chosen, ReturnValues::None | ReturnValues::AllOld) {
        return Err(validation("Return values set to invalid value"));
    }
    Ok(chosen)
}

impl Write {
    /// The key of the item that is written, which must suit the table.
    pub fn key(&self, table: &Table) -> Result<Key, AwsError> {
        match &self.action {
            Action::Put(item) => table.schema.key_of_item(item),
            Action::Update { key, update } => {
                if let Some(path) = update.paths().find(|path| table.schema.contains(&path.root)) {
                    return Err(invalid_parameter(format!(
                        "Cannot update attribute {}. This attribute is part of the key",
                        path.root
                    )));
                }
                table.schema.key_of_key(key)
            }
            Action::Delete { key } | Action::Check { key } => table.schema.key_of_key(key),
        }
    }

    /// Checks the condition and writes, within the caller's transaction. `account_bytes` is what the account stores;
    /// `budget` is for all conditions of the request.
    pub async fn execute(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
        key: Key,
        account_bytes: i64,
        budget: &mut ComparisonBudget,
    ) -> Result<Written, WriteFailure> {
        let table_id = table.row.table_id;
        let stored = if self.needs_item() { store::find(&mut *connection, table_id, &key).await? } else { None };
        let size_before = stored.as_ref().map_or(0, |stored| stored.size);
        if let Some(condition) = &self.condition {
            budget.take(condition, size_before)?;
        }
        let before = stored.map(|stored| stored.parse()).transpose()?;
        let nothing = Item::new();
        if let Some(condition) = &self.condition
            && !condition.holds(before.as_ref().unwrap_or(&nothing))
        {
            return Err(WriteFailure::Condition(before));
        }
        let (after, unfit): (Option<Item>, fn(UnfitItem) -> AwsError) = match &self.action {
            Action::Check { .. } => return Ok(Written { before, after: None, size: size_before, grown: 0 }),
            Action::Delete { .. } => {
                store::delete(connection, table_id, &[key]).await?;
                return Ok(Written { before, after: None, size: size_before, grown: -(size_before as i64) });
            }
            Action::Put(item) => (Some(item.clone()), unfit_put),
            Action::Update { key, update } => {
                let base = before.clone().unwrap_or_else(|| key.clone());
                let after = update.apply(before.as_ref().unwrap_or(&nothing), base);
                (Some(after.map_err(|error| WriteFailure::Invalid(validation(error.to_string())))?), unfit_update)
            }
        };
        let stored = StoredItem::new(after.as_ref().unwrap_or(&nothing))?.map_err(unfit)?;
        let grown = stored.size as i64 - size_before as i64;
        check_account_bytes(account_bytes, grown)?;
        let size = stored.size.max(size_before);
        store::put(connection, table_id, &[(key, stored)]).await?;
        Ok(Written { before, after, size, grown })
    }

    /// The answer's `Attributes`, if they were asked for and there are any.
    pub fn attributes(&self, written: &Written) -> Option<Item> {
        let updated = |item: &Option<Item>| match &self.action {
            Action::Update { update, .. } => item.as_ref().map(|item| Projection::of(update.paths()).apply(item)),
            _ => None,
        };
        let attributes = match self.return_values {
            ReturnValues::None => None,
            ReturnValues::AllOld => written.before.clone(),
            ReturnValues::AllNew => written.after.clone(),
            ReturnValues::UpdatedOld => updated(&written.before),
            ReturnValues::UpdatedNew => updated(&written.after),
        };
        attributes.filter(|attributes| !attributes.is_empty())
    }

    /// A plain put needs nothing of what was there before, which saves reading it.
    fn needs_item(&self) -> bool {
        !matches!(self.action, Action::Put(_))
            || self.condition.is_some()
            || self.return_values != ReturnValues::None
            || self.return_capacity != ReturnCapacity::None
    }
}

/// The error for an item that `PutItem` or `BatchWriteItem` cannot store.
pub fn unfit_put(unfit: UnfitItem) -> AwsError {
    match unfit {
        UnfitItem::TooLarge => validation("Item size has exceeded the maximum allowed size"),
        other => unfit_shape(other),
    }
}

fn unfit_update(unfit: UnfitItem) -> AwsError {
    match unfit {
        UnfitItem::TooLarge => validation("Item size to update has exceeded the maximum allowed size"),
        other => unfit_shape(other),
    }
}

fn unfit_shape(unfit: UnfitItem) -> AwsError {
    match unfit {
        UnfitItem::EmptyName => invalid_parameter("An attribute name may not be empty"),
        _ => validation(
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported \
             limit",
        ),
    }
}
