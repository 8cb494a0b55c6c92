//! Items in the database.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteExecutor};

use super::key::Key;
use super::value::{AttributeValue, DEEPEST_NESTING, Item, item_size};
use crate::AwsError;

/// Bytes that an item may have.
pub const LARGEST_ITEM: usize = 400 * 1024;
/// Items removed of a dropped table in one transaction.
const PURGE_BATCH: i64 = 500;

/// An item in its stored form.
#[derive(Clone, Debug)]
pub struct StoredItem {
    /// The item as JSON, as it is answered.
    pub json: String,
    /// Its size in bytes by DynamoDB's rule.
    pub size: usize,
}

/// Why an item cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnfitItem {
    TooLarge,
    TooDeep,
    EmptyName,
}

impl StoredItem {
    /// Checks an item and brings it into its stored form.
    pub fn new(item: &Item) -> Result<Result<Self, UnfitItem>, AwsError> {
        let size = item_size(item);
        if size > LARGEST_ITEM {
            return Ok(Err(UnfitItem::TooLarge));
        }
        if item.values().any(|value| value.depth() > DEEPEST_NESTING) {
            return Ok(Err(UnfitItem::TooDeep));
        }
        if has_empty_name(item) {
            return Ok(Err(UnfitItem::EmptyName));
        }
        let json = serde_json::to_string(item).map_err(AwsError::internal)?;
        Ok(Ok(Self { json, size }))
    }

    /// The item.
    pub fn parse(&self) -> Result<Item, AwsError> {
        serde_json::from_str(&self.json).map_err(AwsError::internal)
    }
}

fn has_empty_name(item: &Item) -> bool {
    fn within(value: &AttributeValue) -> bool {
        match value {
            AttributeValue::L(list) => list.iter().any(within),
            AttributeValue::M(map) => has_empty_name(map),
            _ => false,
        }
    }
    item.iter().any(|(name, value)| name.is_empty() || within(value))
}

/// Finds one item.
pub async fn find(executor: impl SqliteExecutor<'_>, table_id: i64, key: &Key) -> Result<Option<StoredItem>, AwsError> {
    let row =
        sqlx::query("SELECT item, size FROM dynamodb_item WHERE table_id = ? AND partition_key = ? AND sort_key = ?")
            .bind(table_id)
            .bind(&key.partition)
            .bind(&key.sort)
            .fetch_optional(executor)
            .await?;
    row.map(|row| Ok(StoredItem { json: row.try_get(0)?, size: row.try_get::<i64, _>(1)? as usize })).transpose()
}

/// Finds many items of a table: by the position of the key, in the order of the keys, until `bytes` are exceeded.
/// The second value is the number of keys that were looked up.
pub async fn find_many(
    readers: &SqlitePool,
    table_id: i64,
    keys: &[Key],
    bytes: usize,
) -> Result<(BTreeMap<usize, StoredItem>, usize), AwsError> {
    let mut query = QueryBuilder::<Sqlite>::new("WITH wanted (position, partition_key, sort_key) AS (");
    query.push_values(keys.iter().enumerate(), |mut row, (position, key)| {
        row.push_bind(position as i64).push_bind(&key.partition).push_bind(&key.sort);
    });
    query.push(
        ") SELECT wanted.position, item.item, item.size FROM wanted CROSS JOIN dynamodb_item AS item \
         ON item.partition_key = wanted.partition_key AND item.sort_key = wanted.sort_key AND item.table_id = ",
    );
    query.push_bind(table_id);
    let mut rows = query.build().fetch(readers);
    let mut found = BTreeMap::new();
    let mut read = 0;
    while let Some(row) = rows.try_next().await? {
        let position = row.try_get::<i64, _>(0)? as usize;
        let stored = StoredItem { json: row.try_get(1)?, size: row.try_get::<i64, _>(2)? as usize };
        if read + stored.size > bytes {
            return Ok((found, position));
        }
        read += stored.size;
        found.insert(position, stored);
    }
    Ok((found, keys.len()))
}

/// Stores items, each in place of the one with its key.
pub async fn put(
    connection: &mut SqliteConnection,
    table_id: i64,
    items: &[(Key, StoredItem)],
) -> Result<(), AwsError> {
    if items.is_empty() {
        return Ok(());
    }
    let mut query =
        QueryBuilder::<Sqlite>::new("INSERT INTO dynamodb_item (table_id, partition_key, sort_key, size, item) ");
    query.push_values(items, |mut row, (key, stored)| {
        row.push_bind(table_id)
            .push_bind(&key.partition)
            .push_bind(&key.sort)
            .push_bind(stored.size as i64)
            .push_bind(&stored.json);
    });
    query.push(
        " ON CONFLICT (table_id, partition_key, sort_key) DO UPDATE SET size = excluded.size, item = excluded.item",
    );
    query.build().execute(connection).await?;
    Ok(())
}

/// Removes items, those that exist.
pub async fn delete(connection: &mut SqliteConnection, table_id: i64, keys: &[Key]) -> Result<(), AwsError> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut query =
        QueryBuilder::<Sqlite>::new("DELETE FROM dynamodb_item WHERE (table_id, partition_key, sort_key) IN (");
    query.push_values(keys, |mut row, key| {
        row.push_bind(table_id).push_bind(&key.partition).push_bind(&key.sort);
    });
    query.push(")");
    query.build().execute(connection).await?;
    Ok(())
}

/// Removes some items of dropped tables; whether there may be more.
pub async fn purge(connection: &mut SqliteConnection) -> Result<bool, AwsError> {
    let dropped: Option<i64> = sqlx::query_scalar("SELECT table_id FROM dynamodb_dropped_table LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let Some(table_id) = dropped else { return Ok(false) };
    let removed = sqlx::query(
        "DELETE FROM dynamodb_item WHERE table_id = ?1 AND (partition_key, sort_key) IN \
         (SELECT partition_key, sort_key FROM dynamodb_item WHERE table_id = ?1 LIMIT ?2)",
    )
    .bind(table_id)
    .bind(PURGE_BATCH)
    .execute(&mut *connection)
    .await?;
    if removed.rows_affected() == 0 {
        sqlx::query("DELETE FROM dynamodb_dropped_table WHERE table_id = ?").bind(table_id).execute(connection).await?;
    }
    Ok(true)
}
