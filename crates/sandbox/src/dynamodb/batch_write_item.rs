//! `BatchWriteItem`.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::DynamoDb;
use super::capacity::{CapacityUse, ConsumedCapacity, ReturnCapacity, write_units};
use super::error::validation;
use super::key::Key;
use super::limits::check_account_bytes;
use super::request::required_item;
use super::store::{self, StoredItem};
use super::table::{Table, table_name};
use super::value::{GivenItem, Item};
use super::write::unfit_put;
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

/// Puts and deletes that one call may have.
const MOST_REQUESTS: usize = 25;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct BatchWriteRequest {
    request_items: Option<BTreeMap<String, Vec<WriteOne>>>,
    return_consumed_capacity: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WriteOne {
    put_request: Option<PutOne>,
    delete_request: Option<DeleteOne>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct PutOne {
    item: Option<GivenItem>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DeleteOne {
    key: Option<GivenItem>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchWriteAnswer {
    /// Always empty: a batch is written whole.
    unprocessed_items: BTreeMap<String, ()>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
}

enum Change {
    Put(Item),
    Delete(Item),
}

impl DynamoDb {
    /// Answers `BatchWriteItem`.
    pub(super) async fn batch_write_item(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: BatchWriteRequest = read_json(body)?;
        let return_capacity = ReturnCapacity::parse(request.return_consumed_capacity.as_deref())?;
        let changes = read_changes(scope, request.request_items)?;
        let mut transaction = self.database.write().await?;
        let mut consumed_capacity = Vec::new();
        let mut grown = 0;
        for (name, changes) in changes {
            let table = Table::get(&mut *transaction, scope, &name).await?;
            let (puts, deletes) = encode(&table, &changes)?;
            grown += puts.iter().map(|(_, stored)| stored.size as i64).sum::<i64>();
            // Replaced items are not subtracted, which errs on the side of the disk by one batch.
            check_account_bytes(table.row.account_bytes, grown)?;
            let mut units: f64 = puts.iter().map(|(_, stored)| write_units(stored.size)).sum();
            if return_capacity != ReturnCapacity::None {
                for key in &deletes {
                    let stored = store::find(&mut *transaction, table.row.table_id, key).await?;
                    units += write_units(stored.map_or(0, |stored| stored.size));
                }
            }
            store::put(&mut transaction, table.row.table_id, &puts).await?;
            store::delete(&mut transaction, table.row.table_id, &deletes).await?;
            consumed_capacity.extend(return_capacity.tell(&name, units, CapacityUse::Write));
        }
        transaction.commit().await?;
        write_json(&BatchWriteAnswer { unprocessed_items: BTreeMap::new(), consumed_capacity })
    }
}

fn read_changes(
    scope: &Scope,
    given: Option<BTreeMap<String, Vec<WriteOne>>>,
) -> Result<BTreeMap<String, Vec<Change>>, AwsError> {
    let given = given
        .filter(|items| !items.is_empty())
        .ok_or_else(|| validation("The requestItems parameter is required for BatchWriteItem"))?;
    let count: usize = given.values().map(Vec::len).sum();
    if count > MOST_REQUESTS {
        return Err(validation("Too many items requested for the BatchWriteItem call"));
    }
    let mut changes: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for (name, writes) in given {
        if writes.is_empty() {
            return Err(validation(format!(
                "1 validation error detected: Value '[]' at 'requestItems.{name}' failed to satisfy constraint: Member must \
                 have length greater than or equal to 1"
            )));
        }
        let of_table = changes.entry(table_name(scope, Some(name))?).or_default();
        for write in writes {
            of_table.push(match (write.put_request, write.delete_request) {
                (Some(put), None) => Change::Put(required_item("item", put.item)?),
                (None, Some(delete)) => Change::Delete(required_item("key", delete.key)?),
                (None, None) => {
                    return Err(validation(
                        "Supplied WriteRequest has no PutRequest or DeleteRequest; it must have one",
                    ));
                }
                (Some(_), Some(_)) => {
                    return Err(validation(
                        "Supplied WriteRequest has more than one of PutRequest and DeleteRequest; it must have one",
                    ));
                }
            });
        }
    }
    Ok(changes)
}

type Encoded = (Vec<(Key, StoredItem)>, Vec<Key>);

fn encode(table: &Table, changes: &[Change]) -> Result<Encoded, AwsError> {
    let mut puts = Vec::new();
    let mut deletes = Vec::new();
    let mut seen = HashSet::new();
    for change in changes {
        let key = match change {
            Change::Put(item) => table.schema.key_of_item(item)?,
            Change::Delete(key) => table.schema.key_of_key(key)?,
        };
        if !seen.insert(key.clone()) {
            return Err(validation("Provided list of item keys contains duplicates"));
        }
        match change {
            Change::Put(item) => puts.push((key, StoredItem::new(item)?.map_err(unfit_put)?)),
            Change::Delete(_) => deletes.push(key),
        }
    }
    Ok((puts, deletes))
}
