//! `TransactWriteItems` and `TransactGetItems`: all or nothing.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnection;

use super::DynamoDb;
use super::capacity::{CapacityUse, ConsumedCapacity, ReturnCapacity, read_units, write_units};
use super::error::validation;
use super::get_item::{GetRequest, answered};
use super::limits::ComparisonBudget;
use super::request::one_of;
use super::store;
use super::table::{Table, table_name};
use super::value::item_size;
use super::write::{Action, Write, WriteFailure, WriteKind, WriteRequest};
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

/// Actions that one transaction may have.
const MOST_ACTIONS: usize = 100;
/// Bytes of items that one transaction may touch.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How long a `ClientRequestToken` is remembered, in milliseconds.
const TOKEN_LIFE_MS: i64 = 10 * 60 * 1000;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TransactWriteRequest {
    transact_items: Option<Vec<TransactWriteItem>>,
    client_request_token: Option<String>,
    return_consumed_capacity: Option<String>,
    return_item_collection_metrics: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TransactWriteItem {
    put: Option<WriteRequest>,
    update: Option<WriteRequest>,
    delete: Option<WriteRequest>,
    condition_check: Option<WriteRequest>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TransactGetRequest {
    transact_items: Option<Vec<TransactGetItem>>,
    return_consumed_capacity: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TransactGetItem {
    get: Option<GetRequest>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TransactAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    responses: Option<Vec<ItemResponse>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ItemResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Box<RawValue>>,
}

impl DynamoDb {
    /// Answers `TransactWriteItems`.
    pub(super) async fn transact_write_items(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TransactWriteRequest = read_json(body)?;
        let return_capacity = ReturnCapacity::parse(request.return_consumed_capacity.as_deref())?;
        let metrics = request.return_item_collection_metrics.as_deref();
        one_of("returnItemCollectionMetrics", metrics, &[("SIZE", ()), ("NONE", ())])?;
        let writes = read_writes(scope, request.transact_items)?;
        // Before the transaction begins, since all accounts wait for it.
        let token = match request.client_request_token {
            Some(token) => Some((token, request_digest(body)?)),
            None => None,
        };
        let mut transaction = self.database.write().await?;
        if let Some((token, digest)) = &token
            && self.is_repeated(&mut transaction, scope, token, digest).await?
        {
            transaction.commit().await?;
            return write_json(&TransactAnswer { responses: None, consumed_capacity: Vec::new() });
        }
        let sizes = execute(&mut transaction, scope, &writes).await?;
        transaction.commit().await?;
        let mut units: BTreeMap<&str, f64> = BTreeMap::new();
        for ((name, _), size) in writes.iter().zip(sizes) {
            *units.entry(name).or_default() += write_units(size);
        }
        let tell = |(name, units)| return_capacity.tell(name, units, CapacityUse::TransactionalWrite);
        write_json(&TransactAnswer { responses: None, consumed_capacity: units.into_iter().filter_map(tell).collect() })
    }

    /// Answers `TransactGetItems`.
    pub(super) async fn transact_get_items(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TransactGetRequest = read_json(body)?;
        let return_capacity = ReturnCapacity::parse(request.return_consumed_capacity.as_deref())?;
        let mut gets = Vec::new();
        for item in bounded(request.transact_items)? {
            let mut get = item.get.ok_or_else(|| validation("The Get parameter is required for TransactGetItems"))?;
            let name = table_name(scope, get.table_name.take())?;
            let (key, projection) = get.prepare()?;
            gets.push((name, key, projection));
        }
        // One transaction, so that all items are of the same moment.
        let mut snapshot = self.database.read().begin().await?;
        let mut responses = Vec::new();
        let mut units: BTreeMap<String, f64> = BTreeMap::new();
        let mut bytes = 0;
        for (name, key, projection) in gets {
            let table = Table::get(&mut *snapshot, scope, &name).await?;
            let key = table.schema.key_of_key(&key)?;
            let stored = store::find(&mut *snapshot, table.row.table_id, &key).await?;
            let size = stored.as_ref().map_or(0, |stored| stored.size);
            bytes += size;
            if bytes > MOST_BYTES {
                return Err(validation("Aggregated size of all items in the transaction exceeds 4 MB"));
            }
            *units.entry(name).or_default() += read_units(size, true);
            let item = stored.map(|stored| answered(stored, projection.as_ref())).transpose()?;
            responses.push(ItemResponse { item });
        }
        let tell = |(name, units): (String, f64)| return_capacity.tell(&name, units, CapacityUse::TransactionalRead);
        write_json(&TransactAnswer {
            responses: Some(responses),
            consumed_capacity: units.into_iter().filter_map(tell).collect(),
        })
    }

    /// Whether the transaction with this token was already carried out; remembers it if not.
    async fn is_repeated(
        &self,
        connection: &mut SqliteConnection,
        scope: &Scope,
        token: &str,
        digest: &[u8],
    ) -> Result<bool, AwsError> {
        if token.is_empty() || token.chars().count() > 36 {
            return Err(validation(format!(
                "1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: Member \
                 must have length less than or equal to 36"
            )));
        }
        let now = self.clock.now_ms();
        sqlx::query("DELETE FROM dynamodb_transaction WHERE created_ms < ?")
            .bind(now - TOKEN_LIFE_MS)
            .execute(&mut *connection)
            .await?;
        let known: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT request_sha256 FROM dynamodb_transaction WHERE account_id = ? AND region = ? AND token = ?",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(token)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(known) = known {
            return if known == digest {
                Ok(true)
            } else {
                Err(AwsError::client(
                    "IdempotentParameterMismatchException",
                    "The client request token was already used with different parameters within the last 10 minutes",
                ))
            };
        }
        sqlx::query(
            "INSERT INTO dynamodb_transaction (account_id, region, token, request_sha256, created_ms) \
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(token)
        .bind(digest)
        .bind(now)
        .execute(connection)
        .await?;
        Ok(false)
    }
}

/// The digest of what a request does, whatever the order of its members and what it asks to be told.
fn request_digest(body: &[u8]) -> Result<Vec<u8>, AwsError> {
    let request: Value = read_json(body)?;
    let actions = request.get("TransactItems").map(sorted).unwrap_or_default();
    Ok(Sha256::digest(actions.to_string()).to_vec())
}

/// The same JSON with the members of its objects in the order of their names.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<&String, Value> = members.iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(members.into_iter().map(|(name, value)| (name.clone(), value)).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn bounded<T>(items: Option<Vec<T>>) -> Result<Vec<T>, AwsError> {
    let items = items.unwrap_or_default();
    let bound = |rule: &str| {
        Err(validation(format!(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length \
             {rule}"
        )))
    };
    match items.len() {
        0 => bound("greater than or equal to 1"),
        1..=MOST_ACTIONS => Ok(items),
        _ => bound("less than or equal to 100"),
    }
}

fn read_writes(scope: &Scope, items: Option<Vec<TransactWriteItem>>) -> Result<Vec<(String, Write)>, AwsError> {
    let mut writes = Vec::new();
    for item in bounded(items)? {
        let given = [
            (WriteKind::Check, item.condition_check),
            (WriteKind::Put, item.put),
            (WriteKind::Update, item.update),
            (WriteKind::Delete, item.delete),
        ];
        let mut given = given.into_iter().filter_map(|(kind, request)| Some((kind, request?)));
        let (Some((kind, mut request)), None) = (given.next(), given.next()) else {
            return Err(validation("TransactItems can only contain one of Check, Put, Update or Delete"));
        };
        let name = table_name(scope, request.table_name.take())?;
        writes.push((name, request.prepare(kind)?));
    }
    Ok(writes)
}

/// Carries out the actions, or answers why the transaction is cancelled. The sizes of the items, in the order of the
/// actions.
async fn execute(
    connection: &mut SqliteConnection,
    scope: &Scope,
    writes: &[(String, Write)],
) -> Result<Vec<usize>, AwsError> {
    let mut tables: BTreeMap<&str, Table> = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for (name, write) in writes {
        if !tables.contains_key(name.as_str()) {
            tables.insert(name, Table::get(&mut *connection, scope, name).await?);
        }
        let key = write.key(&tables[name.as_str()])?;
        if !seen.insert((name, key.clone())) {
            return Err(validation("Transaction request cannot include multiple operations on one item"));
        }
        keys.push(key);
    }
    let mut reasons = Vec::new();
    let mut sizes = Vec::new();
    let mut grown = 0;
    let mut budget = ComparisonBudget::new();
    for ((name, write), key) in writes.iter().zip(keys) {
        let table = &tables[name.as_str()];
        match write.execute(connection, table, key, table.row.account_bytes + grown, &mut budget).await {
            Ok(written) => {
                grown += written.grown;
                let given = if let Action::Put(item) = &write.action { item_size(item) } else { 0 };
                sizes.push(written.size.max(given));
                // Within the loop, so that the other accounts do not wait for what comes to nothing.
                if sizes.iter().sum::<usize>() > MOST_BYTES {
                    return Err(validation("Aggregated size of all items in the transaction exceeds 4 MB"));
                }
                reasons.push(None);
            }
            Err(WriteFailure::Condition(item)) => {
                let mut reason = json!({
                    "Code": "ConditionalCheckFailed", "Message": "The conditional request failed",
                });
                if let Some(item) = item.filter(|_| write.return_item_on_failure) {
                    reason["Item"] = serde_json::to_value(item).map_err(AwsError::internal)?;
                }
                reasons.push(Some(reason));
            }
            Err(WriteFailure::Invalid(error)) => {
                let code = match error.code.as_str() {
                    "ItemCollectionSizeLimitExceededException" => "ItemCollectionSizeLimitExceeded",
                    _ => "ValidationError",
                };
                reasons.push(Some(json!({"Code": code, "Message": error.message})));
            }
            Err(WriteFailure::Internal(error)) => return Err(error),
        }
    }
    if reasons.iter().any(Option::is_some) {
        return Err(cancelled(&reasons));
    }
    Ok(sizes)
}

/// `TransactionCanceledException` with a reason for each action, `None` for one that would have succeeded.
fn cancelled(reasons: &[Option<Value>]) -> AwsError {
    let reasons: Vec<Value> = reasons.iter().map(|reason| reason.clone().unwrap_or(json!({"Code": "None"}))).collect();
    let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason["Code"].as_str()).collect();
    let message =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    AwsError::client("TransactionCanceledException", message).with_member("CancellationReasons", Value::Array(reasons))
}
