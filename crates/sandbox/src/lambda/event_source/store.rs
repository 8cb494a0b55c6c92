//! Event source mappings and their open windows in the database.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, SqliteExecutor, SqlitePool, Transaction};

use super::settings::Settings;
use super::window::Window;
use crate::lambda::{function_name, report};
use crate::{AwsError, Scope};

/// How long a change of a mapping takes, as it is told. AWS takes longer.
const SETTLES_AFTER_MS: i64 = 400;
/// `LastProcessingResult` of a mapping that has read nothing yet.
pub(super) const NOTHING_YET: &str = "No records processed";
/// `LastProcessingResult` when all went well.
pub(super) const OK: &str = "OK";

/// An event source mapping.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub id: i64,
    pub uuid: String,
    pub scope: Scope,
    pub function_name: String,
    pub stream_name: String,
    pub settings: Settings,
    pub tags: BTreeMap<String, String>,
    pub enabled: bool,
    pub changing: Changing,
    /// Machine's time, milliseconds since 1970.
    pub changed_ms: i64,
    pub last_result: String,
}

/// What the last change of a mapping did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changing {
    Creating,
    Enabling,
    Disabling,
    Updating,
}

/// The window that is open in a shard, with what the function made of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenWindow {
    pub window: Window,
    /// JSON
    pub state: String,
    /// The state is too large to go on with.
    pub ends_early: bool,
}

impl Changing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Enabling => "Enabling",
            Self::Disabling => "Disabling",
            Self::Updating => "Updating",
        }
    }
}

impl Mapping {
    pub(super) fn function_arn(&self) -> String {
        function_name::arn(&self.scope, &self.function_name)
    }

    pub(super) fn stream_arn(&self) -> String {
        self.scope.arn("kinesis", &format!("stream/{}", self.stream_name))
    }

    pub(super) fn arn(&self) -> String {
        self.scope.arn("lambda", &format!("event-source-mapping:{}", self.uuid))
    }

    /// The name under which the mapping reads its stream.
    pub(super) fn reader(&self) -> String {
        format!("mapping/{}", self.id)
    }

    /// Whether its last change is under way, so that it cannot be changed again.
    pub(super) fn is_changing(&self) -> bool {
        // A clock that was set back must not leave a mapping so for long.
        (0..SETTLES_AFTER_MS).contains(&(report::now_ms() - self.changed_ms))
    }

    /// The shape `EventSourceMappingConfiguration`.
    pub(super) fn answer(&self) -> Value {
        let state = match (self.is_changing(), self.enabled) {
            (true, _) => self.changing.as_str(),
            (false, true) => "Enabled",
            (false, false) => "Disabled",
        };
        let mut answer = json!({
            "UUID": self.uuid,
            "EventSourceArn": self.stream_arn(),
            "FunctionArn": self.function_arn(),
            "LastModified": self.changed_ms as f64 / 1000.0,
            "LastProcessingResult": self.last_result,
            "State": state,
            "StateTransitionReason": "User action",
            "EventSourceMappingArn": self.arn(),
        });
        self.settings.describe(&mut answer);
        answer
    }
}

/// A mapping of this account and region.
pub(super) async fn find(
    database: impl SqliteExecutor<'_>,
    scope: &Scope,
    uuid: &str,
) -> Result<Option<Mapping>, AwsError> {
    let row = sqlx::query("SELECT * FROM lambda_event_source_mapping WHERE account_id = ? AND region = ? AND uuid = ?")
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(uuid)
        .fetch_optional(database)
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// The mapping of this stream and function, if there is one.
pub(super) async fn find_same(
    transaction: &mut Transaction<'static, Sqlite>,
    mapping: &Mapping,
) -> Result<Option<String>, AwsError> {
    let uuid = sqlx::query_scalar(
        "SELECT uuid FROM lambda_event_source_mapping WHERE account_id = ? AND region = ? AND function_name = ? \
         AND stream_name = ? AND uuid <> ?",
    )
    .bind(mapping.scope.account.as_str())
    .bind(mapping.scope.region.as_str())
    .bind(&mapping.function_name)
    .bind(&mapping.stream_name)
    .bind(&mapping.uuid)
    .fetch_optional(&mut **transaction)
    .await?;
    Ok(uuid)
}

/// Mappings in the order in which they were made, after the one with the id `after`.
pub(super) async fn list(
    pool: &SqlitePool,
    scope: &Scope,
    function_name: Option<&str>,
    stream_name: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<Mapping>, AwsError> {
    let rows = sqlx::query(
        "SELECT * FROM lambda_event_source_mapping WHERE account_id = ?1 AND region = ?2 AND mapping_id > ?5 \
         AND (?3 IS NULL OR function_name = ?3) AND (?4 IS NULL OR stream_name = ?4) ORDER BY mapping_id LIMIT ?6",
    )
    .bind(scope.account.as_str())
    .bind(scope.region.as_str())
    .bind(function_name)
    .bind(stream_name)
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(read).collect()
}

/// The mappings of all accounts that are to read.
pub(super) async fn enabled(pool: &SqlitePool) -> Result<Vec<Mapping>, AwsError> {
    let rows = sqlx::query("SELECT * FROM lambda_event_source_mapping WHERE enabled").fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

/// How many mappings an account has in all regions.
pub(super) async fn count(transaction: &mut Transaction<'static, Sqlite>, scope: &Scope) -> Result<i64, AwsError> {
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM lambda_event_source_mapping WHERE account_id = ?")
        .bind(scope.account.as_str())
        .fetch_one(&mut **transaction)
        .await?;
    Ok(count)
}

/// Writes a new mapping and gives its id.
pub(super) async fn insert(transaction: &mut Transaction<'static, Sqlite>, mapping: &Mapping) -> Result<i64, AwsError> {
    let id = sqlx::query_scalar(
        "INSERT INTO lambda_event_source_mapping (uuid, account_id, region, function_name, stream_name, settings, tags, \
         enabled, changing, changed_ms, last_result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING mapping_id",
    )
    .bind(&mapping.uuid)
    .bind(mapping.scope.account.as_str())
    .bind(mapping.scope.region.as_str())
    .bind(&mapping.function_name)
    .bind(&mapping.stream_name)
    .bind(to_json(&mapping.settings)?)
    .bind(to_json(&mapping.tags)?)
    .bind(mapping.enabled)
    .bind(mapping.changing.as_str())
    .bind(mapping.changed_ms)
    .bind(&mapping.last_result)
    .fetch_one(&mut **transaction)
    .await?;
    Ok(id)
}

/// Writes what of a mapping an update or a change of its tags may change.
pub(super) async fn update(transaction: &mut Transaction<'static, Sqlite>, mapping: &Mapping) -> Result<(), AwsError> {
    sqlx::query(
        "UPDATE lambda_event_source_mapping SET function_name = ?, settings = ?, tags = ?, enabled = ?, changing = ?, \
         changed_ms = ? WHERE mapping_id = ?",
    )
    .bind(&mapping.function_name)
    .bind(to_json(&mapping.settings)?)
    .bind(to_json(&mapping.tags)?)
    .bind(mapping.enabled)
    .bind(mapping.changing.as_str())
    .bind(mapping.changed_ms)
    .bind(mapping.id)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Removes a mapping with its windows.
pub(super) async fn delete(transaction: &mut Transaction<'static, Sqlite>, id: i64) -> Result<(), AwsError> {
    sqlx::query("DELETE FROM lambda_event_source_mapping WHERE mapping_id = ?")
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Writes `LastProcessingResult`.
pub(super) async fn write_result(
    transaction: &mut Transaction<'static, Sqlite>,
    id: i64,
    result: &str,
) -> Result<(), AwsError> {
    sqlx::query("UPDATE lambda_event_source_mapping SET last_result = ?1 WHERE mapping_id = ?2 AND last_result <> ?1")
        .bind(result)
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The window that is open in a shard.
pub(super) async fn open_window(pool: &SqlitePool, id: i64, shard: u32) -> Result<Option<OpenWindow>, AwsError> {
    let row = sqlx::query(
        "SELECT start_ms, end_ms, state, ends_early FROM lambda_event_source_window WHERE mapping_id = ? AND shard = ?",
    )
    .bind(id)
    .bind(shard)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| OpenWindow {
        window: Window { start_ms: row.get(0), end_ms: row.get(1) },
        state: row.get(2),
        ends_early: row.get(3),
    }))
}

/// Keeps the window that is open in a shard, or that none is.
pub(super) async fn write_window(
    transaction: &mut Transaction<'static, Sqlite>,
    id: i64,
    shard: u32,
    open: Option<&OpenWindow>,
) -> Result<(), AwsError> {
    match open {
        None => sqlx::query("DELETE FROM lambda_event_source_window WHERE mapping_id = ? AND shard = ?")
            .bind(id)
            .bind(shard),
        Some(open) => sqlx::query(
            "INSERT OR REPLACE INTO lambda_event_source_window (mapping_id, shard, start_ms, end_ms, state, ends_early) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(shard)
        .bind(open.window.start_ms)
        .bind(open.window.end_ms)
        .bind(&open.state)
        .bind(open.ends_early),
    }
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Mapping, AwsError> {
    let changing = match row.try_get("changing")? {
        "Creating" => Changing::Creating,
        "Enabling" => Changing::Enabling,
        "Disabling" => Changing::Disabling,
        _ => Changing::Updating,
    };
    let account: &str = row.try_get("account_id")?;
    let region: &str = row.try_get("region")?;
    Ok(Mapping {
        id: row.try_get("mapping_id")?,
        uuid: row.try_get("uuid")?,
        scope: Scope {
            account: account.parse().map_err(AwsError::internal)?,
            region: region.parse().map_err(AwsError::internal)?,
        },
        function_name: row.try_get("function_name")?,
        stream_name: row.try_get("stream_name")?,
        settings: serde_json::from_str(row.try_get("settings")?).map_err(AwsError::internal)?,
        tags: serde_json::from_str(row.try_get("tags")?).map_err(AwsError::internal)?,
        enabled: row.try_get("enabled")?,
        changing,
        changed_ms: row.try_get("changed_ms")?,
        last_result: row.try_get("last_result")?,
    })
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, AwsError> {
    serde_json::to_string(value).map_err(AwsError::internal)
}
