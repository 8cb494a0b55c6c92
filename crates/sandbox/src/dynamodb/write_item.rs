//! `PutItem`, `UpdateItem` and `DeleteItem`.

use bytes::Bytes;
use serde::Serialize;

use super::DynamoDb;
use super::capacity::{CapacityUse, ConsumedCapacity, write_units};
use super::error::condition_failed;
use super::limits::ComparisonBudget;
use super::table::{Table, table_name};
use super::value::Item;
use super::write::{WriteFailure, WriteKind, WriteRequest};
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WriteAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

impl DynamoDb {
    /// Writes one item, in one transaction with the check of its condition.
    pub(super) async fn write_item(&self, scope: &Scope, kind: WriteKind, body: &[u8]) -> Result<Bytes, AwsError> {
        let mut request: WriteRequest = read_json(body)?;
        let table_name = table_name(scope, request.table_name.take())?;
        let write = request.prepare(kind)?;
        let mut transaction = self.database.write().await?;
        let table = Table::get(&mut *transaction, scope, &table_name).await?;
        let key = write.key(&table)?;
        let mut budget = ComparisonBudget::new();
        let written = match write.execute(&mut transaction, &table, key, table.row.account_bytes, &mut budget).await {
            Ok(written) => written,
            Err(WriteFailure::Condition(item)) => {
                let item = item.filter(|_| write.return_item_on_failure);
                let item = item.map(serde_json::to_value).transpose().map_err(AwsError::internal)?;
                return Err(match item {
                    Some(item) => condition_failed().with_member("Item", item),
                    None => condition_failed(),
                });
            }
            Err(WriteFailure::Invalid(error) | WriteFailure::Internal(error)) => return Err(error),
        };
        transaction.commit().await?;
        let units = write_units(written.size);
        write_json(&WriteAnswer {
            attributes: write.attributes(&written),
            consumed_capacity: write.return_capacity.tell(&table_name, units, CapacityUse::Write),
        })
    }
}
