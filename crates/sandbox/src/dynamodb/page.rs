//! A page of `Query` or `Scan`: what is read until a limit, filtered and projected.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::capacity::{CapacityUse, ConsumedCapacity, ReturnCapacity, read_units};
use super::error::{constraint, not_offered, validation};
use super::expression::{Condition, GivenExpressions, Placeholders, Projection};
use super::get_item::answered;
use super::limits::ComparisonBudget;
use super::request::{one_of, refuse_legacy};
use super::store::StoredItem;
use super::table::Table;
use super::value::{GivenItem, GivenValue, Item};
use crate::AwsError;
use crate::service::write_json;

/// Bytes of items that a page reads, before the filter.
const LARGEST_PAGE: usize = 1024 * 1024;

/// The parameters of `Query` and `Scan`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PageRequest {
    pub table_name: Option<String>,
    pub key_condition_expression: Option<String>,
    filter_expression: Option<String>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<BTreeMap<String, String>>,
    expression_attribute_values: Option<BTreeMap<String, GivenValue>>,
    pub exclusive_start_key: Option<GivenItem>,
    limit: Option<i64>,
    select: Option<String>,
    pub scan_index_forward: Option<bool>,
    consistent_read: Option<bool>,
    return_consumed_capacity: Option<String>,
    pub segment: Option<i64>,
    pub total_segments: Option<i64>,
    index_name: Option<IgnoredAny>,
    key_conditions: Option<IgnoredAny>,
    query_filter: Option<IgnoredAny>,
    scan_filter: Option<IgnoredAny>,
    conditional_operator: Option<IgnoredAny>,
    attributes_to_get: Option<IgnoredAny>,
}

/// How to read a page.
#[derive(Debug)]
pub struct PageRules {
    pub filter: Option<Condition>,
    projection: Option<Projection>,
    limit: Option<usize>,
    count_only: bool,
    consistent: bool,
    return_capacity: ReturnCapacity,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PageAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<Box<RawValue>>>,
    count: usize,
    scanned_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

impl PageRequest {
    /// Checks what both operations have, and the expressions; the placeholders are for `Query` to finish with its key
    /// condition.
    pub fn prepare(&mut self) -> Result<(PageRules, Placeholders), AwsError> {
        refuse_legacy(&[
            ("KeyConditions", self.key_conditions, "KeyConditionExpression"),
            ("QueryFilter", self.query_filter, "FilterExpression"),
            ("ScanFilter", self.scan_filter, "FilterExpression"),
            ("ConditionalOperator", self.conditional_operator, "FilterExpression"),
            ("AttributesToGet", self.attributes_to_get, "ProjectionExpression"),
        ])?;
        if self.index_name.is_some() {
            return Err(not_offered("IndexName"));
        }
        let limit = match self.limit {
            Some(limit) if limit < 1 => {
                return Err(constraint(limit, "limit", "Member must have value greater than or equal to 1"));
            }
            limit => limit.map(|limit| limit as usize),
        };
        let return_capacity = ReturnCapacity::parse(self.return_consumed_capacity.as_deref())?;
        let count_only = self.read_select()?;
        let given = GivenExpressions {
            names: self.expression_attribute_names.take(),
            values: self.expression_attribute_values.take(),
        };
        let expressions =
            [("FilterExpression", &self.filter_expression), ("KeyConditionExpression", &self.key_condition_expression)];
        let mut placeholders = Placeholders::new(given, &expressions, self.projection_expression.as_ref())?;
        let filter = self.filter_expression.as_ref();
        let filter = filter.map(|text| Condition::parse("FilterExpression", text, &mut placeholders)).transpose()?;
        let projection = self.projection_expression.as_ref();
        let projection = projection.map(|text| Projection::parse(text, &mut placeholders)).transpose()?;
        let consistent = self.consistent_read.unwrap_or(false);
        Ok((PageRules { filter, projection, limit, count_only, consistent, return_capacity }, placeholders))
    }

    /// Whether `Select` asks for nothing but the count.
    fn read_select(&self) -> Result<bool, AwsError> {
        let choices = ["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"];
        let choices = choices.map(|name| (name, name));
        let select = one_of("select", self.select.as_deref(), &choices)?;
        let projected = self.projection_expression.is_some();
        match select {
            Some("ALL_PROJECTED_ATTRIBUTES") => {
                Err(validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"))
            }
            Some("ALL_ATTRIBUTES") if projected => {
                Err(validation("Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"))
            }
            Some("COUNT") if projected => {
                Err(validation("Cannot specify the ProjectionExpression when choosing to get only the Count"))
            }
            Some("SPECIFIC_ATTRIBUTES") if !projected => Err(validation(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
            )),
            select => Ok(select == Some("COUNT")),
        }
    }
}

impl PageRules {
    /// How many rows the page can need, for the statement that reads them.
    pub fn row_limit(&self) -> i64 {
        self.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX))
    }

    /// Reads a page from rows of `(item, size)` in order, and writes the answer.
    pub async fn answer(
        &self,
        table: &Table,
        mut rows: impl Stream<Item = Result<SqliteRow, sqlx::Error>> + Unpin,
    ) -> Result<Bytes, AwsError> {
        let mut items = Vec::new();
        let (mut count, mut scanned, mut bytes) = (0, 0, 0);
        let mut last: Option<StoredItem> = None;
        let mut is_cut = false;
        let mut budget = ComparisonBudget::new();
        while let Some(row) = rows.try_next().await? {
            let stored = StoredItem { json: row.try_get(0)?, size: row.try_get::<i64, _>(1)? as usize };
            if bytes + stored.size > LARGEST_PAGE && scanned > 0 {
                is_cut = true;
                break;
            }
            if let Some(filter) = &self.filter
                && let Err(refused) = budget.take(filter, stored.size)
            {
                if scanned == 0 {
                    return Err(refused);
                }
                is_cut = true;
                break;
            }
            bytes += stored.size;
            scanned += 1;
            let wanted = match &self.filter {
                Some(filter) => filter.holds(&stored.parse()?),
                None => true,
            };
            if wanted {
                count += 1;
                if !self.count_only {
                    items.push(answered(stored.clone(), self.projection.as_ref())?);
                }
            }
            last = Some(stored);
            if Some(scanned) == self.limit {
                is_cut = true;
                break;
            }
        }
        let last = if is_cut { last.map(|last| last.parse()).transpose()? } else { None };
        let units = read_units(bytes, self.consistent);
        write_json(&PageAnswer {
            items: (!self.count_only).then_some(items),
            count,
            scanned_count: scanned,
            last_evaluated_key: last.map(|last| table.schema.project(&last)),
            consumed_capacity: self.return_capacity.tell(&table.row.table_name, units, CapacityUse::Read),
        })
    }
}
