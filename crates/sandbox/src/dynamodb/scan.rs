//! `Scan`, whole or in segments.

use bytes::Bytes;

use super::DynamoDb;
use super::error::{constraint, validation};
use super::key::segment_range;
use super::page::PageRequest;
use super::request::required_item;
use super::table::{Table, table_name};
use crate::service::read_json;
use crate::{AwsError, Scope};

/// Segments that a parallel scan may have.
const MOST_SEGMENTS: i64 = 1_000_000;

impl DynamoDb {
    /// Answers `Scan`. Items come in the order of their partition keys' hashes, as in AWS.
    pub(super) async fn scan(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let mut request: PageRequest = read_json(body)?;
        let name = table_name(scope, request.table_name.take())?;
        let (segment, total_segments) = read_segment(request.segment, request.total_segments)?;
        let (rules, placeholders) = request.prepare()?;
        placeholders.finish()?;
        let table = Table::get(self.database.read(), scope, &name).await?;
        let (mut from, to) = segment_range(segment, total_segments);
        let mut after_sort = Vec::new();
        if let Some(start) = request.exclusive_start_key.take() {
            let start = required_item("exclusiveStartKey", Some(start))?;
            let key = table
                .schema
                .key_of_key(&start)
                .map_err(|error| validation(format!("The provided starting key is invalid: {}", error.message)))?;
            if key.partition < from || key.partition >= to {
                return Err(validation(
                    "The provided Exclusive start key does not map to the provided Segment and TotalSegments values.",
                ));
            }
            (from, after_sort) = (key.partition, key.sort);
        }
        let rows = sqlx::query(
            "SELECT item, size FROM dynamodb_item WHERE table_id = ? AND (partition_key, sort_key) > (?, ?) \
             AND partition_key < ? ORDER BY partition_key, sort_key LIMIT ?",
        )
        .bind(table.row.table_id)
        .bind(from)
        .bind(after_sort)
        .bind(to)
        .bind(rules.row_limit())
        .fetch(self.database.read());
        rules.answer(&table, rows).await
    }
}

fn read_segment(segment: Option<i64>, total_segments: Option<i64>) -> Result<(u32, u32), AwsError> {
    let (segment, total) = match (segment, total_segments) {
        (None, None) => return Ok((0, 1)),
        (Some(segment), Some(total)) => (segment, total),
        (Some(_), None) => {
            return Err(validation(
                "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
            ));
        }
        (None, Some(_)) => {
            return Err(validation(
                "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
            ));
        }
    };
    if total < 1 {
        return Err(constraint(total, "totalSegments", "Member must have value greater than or equal to 1"));
    }
    if total > MOST_SEGMENTS {
        return Err(constraint(total, "totalSegments", "Member must have value less than or equal to 1000000"));
    }
    if segment < 0 {
        return Err(constraint(segment, "segment", "Member must have value greater than or equal to 0"));
    }
    if segment >= total {
        return Err(validation(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not \
             less than TotalSegments: {total}"
        )));
    }
    // Both are within MOST_SEGMENTS.
    Ok((segment as u32, total as u32))
}
