//! `BatchGetItem`.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::DynamoDb;
use super::capacity::{CapacityUse, ConsumedCapacity, ReturnCapacity, read_units};
use super::error::validation;
use super::get_item::{answered, read_projection};
use super::key::Key;
use super::request::{refuse_legacy, required_item};
use super::store;
use super::table::{Table, table_name};
use super::value::{GivenItem, Item};
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

/// Keys that one call may have.
const MOST_KEYS: usize = 100;
/// Bytes of items that one call answers; the keys of the others come back as unprocessed.
const MOST_BYTES: usize = 16 * 1024 * 1024;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BatchGetRequest {
    request_items: Option<BTreeMap<String, KeysAndAttributes>>,
    return_consumed_capacity: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct KeysAndAttributes {
    keys: Option<Vec<GivenItem>>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<BTreeMap<String, String>>,
    consistent_read: Option<bool>,
    attributes_to_get: Option<IgnoredAny>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGetAnswer {
    responses: BTreeMap<String, Vec<Box<RawValue>>>,
    unprocessed_keys: BTreeMap<String, UnprocessedKeys>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UnprocessedKeys {
    keys: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projection_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression_attribute_names: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consistent_read: Option<bool>,
}

impl DynamoDb {
    /// Answers `BatchGetItem`.
    pub(super) async fn batch_get_item(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: BatchGetRequest = read_json(body)?;
        let return_capacity = ReturnCapacity::parse(request.return_consumed_capacity.as_deref())?;
        let request_items = request
            .request_items
            .filter(|items| !items.is_empty())
            .ok_or_else(|| validation("The requestItems parameter is required for BatchGetItem"))?;
        let count: usize = request_items.values().map(|wanted| wanted.keys.as_ref().map_or(0, Vec::len)).sum();
        if count > MOST_KEYS {
            return Err(validation("Too many items requested for the BatchGetItem call"));
        }
        let mut answer = BatchGetAnswer {
            responses: BTreeMap::new(),
            unprocessed_keys: BTreeMap::new(),
            consumed_capacity: Vec::new(),
        };
        let mut bytes_left = MOST_BYTES;
        for (name, wanted) in request_items {
            refuse_legacy(&[("AttributesToGet", wanted.attributes_to_get, "ProjectionExpression")])?;
            let projection =
                read_projection(wanted.projection_expression.as_ref(), wanted.expression_attribute_names.clone())?;
            let table = Table::get(self.database.read(), scope, &table_name(scope, Some(name.clone()))?).await?;
            let (given, keys) = read_keys(&table, wanted.keys)?;
            let (found, processed) =
                store::find_many(self.database.read(), table.row.table_id, &keys, bytes_left).await?;
            bytes_left -= found.values().map(|stored| stored.size).sum::<usize>();
            let consistent = wanted.consistent_read.unwrap_or(false);
            let size_of = |position: usize| found.get(&position).map_or(0, |stored| stored.size);
            let units = (0..processed).map(|position| read_units(size_of(position), consistent)).sum();
            answer.consumed_capacity.extend(return_capacity.tell(&table.row.table_name, units, CapacityUse::Read));
            if processed < given.len() {
                let unprocessed = UnprocessedKeys {
                    keys: given[processed..].to_vec(),
                    projection_expression: wanted.projection_expression,
                    expression_attribute_names: wanted.expression_attribute_names,
                    consistent_read: wanted.consistent_read,
                };
                answer.unprocessed_keys.insert(name.clone(), unprocessed);
            }
            let items = found.into_values().map(|stored| answered(stored, projection.as_ref()));
            answer.responses.insert(name, items.collect::<Result<_, _>>()?);
        }
        write_json(&answer)
    }
}

fn read_keys(table: &Table, keys: Option<Vec<GivenItem>>) -> Result<(Vec<Item>, Vec<Key>), AwsError> {
    let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(|| {
        validation(
            "1 validation error detected: Value at 'requestItems.member.keys' failed to satisfy constraint: Member must \
             have length greater than or equal to 1",
        )
    })?;
    let given = keys.into_iter().map(|key| required_item("key", Some(key))).collect::<Result<Vec<_>, _>>()?;
    let encoded = given.iter().map(|key| table.schema.key_of_key(key)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = HashSet::new();
    if !encoded.iter().all(|key| seen.insert(key)) {
        return Err(validation("Provided list of item keys contains duplicates"));
    }
    Ok((given, encoded))
}
