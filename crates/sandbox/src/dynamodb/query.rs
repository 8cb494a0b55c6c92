//! `Query`.

use bytes::Bytes;

use super::DynamoDb;
use super::error::validation;
use super::expression::{KeyCondition, SortCondition, compare_values};
use super::key::{beyond_sort_keys, lowest_sort_key, prefix_end, successor};
use super::page::PageRequest;
use super::request::required_item;
use super::table::{Table, table_name};
use super::value::{AttributeValue, GivenItem};
use crate::service::read_json;
use crate::{AwsError, Scope};

/// A range of encoded sort keys, from inclusive to exclusive.
struct SortRange {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl DynamoDb {
    /// Answers `Query`.
    pub(super) async fn query(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let mut request: PageRequest = read_json(body)?;
        let name = table_name(scope, request.table_name.take())?;
        let (rules, mut placeholders) = request.prepare()?;
        let expression = request.key_condition_expression.as_ref().ok_or_else(|| {
            validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
        })?;
        let table = Table::get(self.database.read(), scope, &name).await?;
        let condition = KeyCondition::parse(expression, &mut placeholders, &table.schema)?;
        placeholders.finish()?;
        if let Some(filter) = &rules.filter {
            let mut key = None;
            filter.visit_paths(&mut |path| {
                if table.schema.contains(&path.root) {
                    key = Some(path.root.to_string());
                }
            });
            if let Some(key) = key {
                return Err(validation(format!(
                    "Filter Expression can only contain non-primary key attributes: Primary key attribute: {key}"
                )));
            }
        }
        let partition = table.schema.encode_partition(&condition.partition)?;
        let mut range = SortRange::of(&table, condition.sort.as_ref())?;
        let forward = request.scan_index_forward.unwrap_or(true);
        if let Some(start) = request.exclusive_start_key.take() {
            range.start_after(&table, &condition, start, forward)?;
        }
        let statement = if forward {
            "SELECT item, size FROM dynamodb_item WHERE table_id = ? AND partition_key = ? AND sort_key >= ? AND sort_key < ? \
             ORDER BY sort_key LIMIT ?"
        } else {
            "SELECT item, size FROM dynamodb_item WHERE table_id = ? AND partition_key = ? AND sort_key >= ? AND sort_key < ? \
             ORDER BY sort_key DESC LIMIT ?"
        };
        let rows = sqlx::query(statement)
            .bind(table.row.table_id)
            .bind(partition)
            .bind(range.from)
            .bind(range.to)
            .bind(rules.row_limit())
            .fetch(self.database.read());
        rules.answer(&table, rows).await
    }
}

impl SortRange {
    fn of(table: &Table, condition: Option<&SortCondition>) -> Result<Self, AwsError> {
        let encode = |value: &AttributeValue| table.schema.encode_sort(value);
        let (from, to) = match condition {
            None => (lowest_sort_key(), beyond_sort_keys()),
            Some(SortCondition::Equal(value)) => (encode(value)?, successor(encode(value)?)),
            Some(SortCondition::Less(value)) => (lowest_sort_key(), encode(value)?),
            Some(SortCondition::LessOrEqual(value)) => (lowest_sort_key(), successor(encode(value)?)),
            Some(SortCondition::Greater(value)) => (successor(encode(value)?), beyond_sort_keys()),
            Some(SortCondition::GreaterOrEqual(value)) => (encode(value)?, beyond_sort_keys()),
            Some(SortCondition::Between(low, high)) => (encode(low)?, successor(encode(high)?)),
            Some(SortCondition::BeginsWith(AttributeValue::N(_))) => {
                return Err(validation(
                    "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: \
                     begins_with, operand type: N",
                ));
            }
            Some(SortCondition::BeginsWith(prefix)) => (encode(prefix)?, prefix_end(encode(prefix)?)),
        };
        Ok(Self { from, to })
    }

    /// Leaves only what comes after the key that the last page ended with.
    fn start_after(
        &mut self,
        table: &Table,
        condition: &KeyCondition,
        start: GivenItem,
        forward: bool,
    ) -> Result<(), AwsError> {
        let start = required_item("exclusiveStartKey", Some(start))?;
        let key = table
            .schema
            .key_of_key(&start)
            .map_err(|error| validation(format!("The provided starting key is invalid: {}", error.message)))?;
        let partition = start.get(&table.schema.partition.name);
        if partition.and_then(|value| compare_values(value, &condition.partition)) != Some(std::cmp::Ordering::Equal) {
            return Err(validation(
                "The provided starting key is outside query boundaries based on provided conditions",
            ));
        }
        if condition.sort.is_some() && (key.sort < self.from || key.sort >= self.to) {
            return Err(validation("The provided starting key does not match the range key predicate"));
        }
        if forward {
            self.from = successor(key.sort);
        } else {
            self.to = key.sort;
        }
        Ok(())
    }
}
