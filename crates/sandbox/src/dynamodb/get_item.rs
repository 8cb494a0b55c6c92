//! `GetItem`, and what the reads by key have in common.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::DynamoDb;
use super::capacity::{CapacityUse, ConsumedCapacity, ReturnCapacity, read_units};
use super::expression::{GivenExpressions, Placeholders, Projection};
use super::request::{refuse_legacy, required_item};
use super::store::{self, StoredItem};
use super::table::{Table, table_name};
use super::value::{GivenItem, Item};
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

/// The parameters of a read by key; `TransactGetItems` has them in each `Get`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetRequest {
    pub table_name: Option<String>,
    key: Option<GivenItem>,
    projection_expression: Option<String>,
    expression_attribute_names: Option<BTreeMap<String, String>>,
    consistent_read: Option<bool>,
    return_consumed_capacity: Option<String>,
    attributes_to_get: Option<IgnoredAny>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

impl GetRequest {
    /// The key and what of the item is wanted.
    pub fn prepare(&mut self) -> Result<(Item, Option<Projection>), AwsError> {
        refuse_legacy(&[("AttributesToGet", self.attributes_to_get, "ProjectionExpression")])?;
        let projection = read_projection(self.projection_expression.as_ref(), self.expression_attribute_names.take())?;
        Ok((required_item("key", self.key.take())?, projection))
    }
}

/// Reads a `ProjectionExpression` that is the request's only expression.
pub fn read_projection(
    expression: Option<&String>,
    names: Option<BTreeMap<String, String>>,
) -> Result<Option<Projection>, AwsError> {
    let given = GivenExpressions { names, values: None };
    let mut placeholders = Placeholders::new(given, &[], expression)?;
    let projection = expression.map(|expression| Projection::parse(expression, &mut placeholders)).transpose()?;
    placeholders.finish()?;
    Ok(projection)
}

/// The stored item as it is answered: as it is, or the wanted parts.
pub fn answered(stored: StoredItem, projection: Option<&Projection>) -> Result<Box<RawValue>, AwsError> {
    match projection {
        None => RawValue::from_string(stored.json).map_err(AwsError::internal),
        Some(projection) => {
            serde_json::value::to_raw_value(&projection.apply(&stored.parse()?)).map_err(AwsError::internal)
        }
    }
}

impl DynamoDb {
    /// Answers `GetItem`.
    pub(super) async fn get_item(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let mut request: GetRequest = read_json(body)?;
        let return_capacity = ReturnCapacity::parse(request.return_consumed_capacity.as_deref())?;
        let table_name = table_name(scope, request.table_name.take())?;
        let (key, projection) = request.prepare()?;
        let table = Table::get(self.database.read(), scope, &table_name).await?;
        let key = table.schema.key_of_key(&key)?;
        let stored = store::find(self.database.read(), table.row.table_id, &key).await?;
        let size = stored.as_ref().map_or(0, |stored| stored.size);
        let units = read_units(size, request.consistent_read.unwrap_or(false));
        write_json(&GetAnswer {
            item: stored.map(|stored| answered(stored, projection.as_ref())).transpose()?,
            consumed_capacity: return_capacity.tell(&table_name, units, CapacityUse::Read),
        })
    }
}
