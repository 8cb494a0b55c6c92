//! Functions in the database.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};
use time::OffsetDateTime;
use time::macros::format_description;

use super::configuration::Configuration;
use super::{function_name, report};
use crate::{AwsError, Database, Scope};

/// How long a new or changed function is `Pending` or its update `InProgress`. AWS takes seconds.
const SETTLES_AFTER_MS: i64 = 400;
const COLUMNS: &str =
    "function_name, configuration, policy, tags, revision_id, created_ms, modified_ms, code_size, code_sha256";

/// A function without its code.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub scope: Scope,
    pub name: String,
    pub configuration: Configuration,
    /// Statements of the resource-based policy, in order.
    pub policy: Vec<Value>,
    pub tags: BTreeMap<String, String>,
    /// Changes with every change of the code or the settings.
    pub revision_id: String,
    /// Machine's time, milliseconds since 1970.
    pub created_ms: i64,
    pub modified_ms: i64,
    pub code_size: i64,
    pub code_sha256: String,
}

/// Where a function is in its life, by the machine's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Just created; it cannot be invoked or changed.
    Pending,
    /// Just changed; it runs as before, or as it is to be, and cannot be changed again.
    Updating,
    Active,
}

impl Function {
    pub(super) fn arn(&self) -> String {
        function_name::arn(&self.scope, &self.name)
    }

    pub(super) fn state(&self) -> State {
        let now = report::now_ms();
        // A clock that was set back must not leave a function pending for long.
        let fresh = |since: i64| (0..SETTLES_AFTER_MS).contains(&(now - since));
        if fresh(self.created_ms) {
            State::Pending
        } else if fresh(self.modified_ms) {
            State::Updating
        } else {
            State::Active
        }
    }

    /// The shape `FunctionConfiguration`.
    pub(super) fn answer(&self) -> Value {
        let Configuration { runtime, .. } = &self.configuration;
        let configuration = &self.configuration;
        let mut answer = json!({
            "FunctionName": self.name,
            "FunctionArn": self.arn(),
            "Runtime": runtime,
            "Role": configuration.role,
            "Handler": configuration.handler,
            "CodeSize": self.code_size,
            "Description": configuration.description,
            "Timeout": configuration.timeout_seconds,
            "MemorySize": configuration.memory_mb,
            "LastModified": last_modified(self.modified_ms),
            "CodeSha256": self.code_sha256,
            "Version": "$LATEST",
            "TracingConfig": { "Mode": configuration.tracing },
            "RevisionId": self.revision_id,
            "PackageType": "Zip",
            "Architectures": [configuration.architecture],
            "EphemeralStorage": { "Size": configuration.storage_mb },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "RuntimeVersionConfig": {
                "RuntimeVersionArn": format!("arn:aws:lambda:{}::runtime:headwater-{runtime}", self.scope.region),
            },
            "LoggingConfig": { "LogFormat": configuration.log_format, "LogGroup": configuration.log_group },
        });
        if !configuration.variables.is_empty() {
            answer["Environment"] = json!({ "Variables": configuration.variables });
        }
        if let Some(level) = &configuration.application_log_level {
            answer["LoggingConfig"]["ApplicationLogLevel"] = json!(level);
        }
        if let Some(level) = &configuration.system_log_level {
            answer["LoggingConfig"]["SystemLogLevel"] = json!(level);
        }
        match self.state() {
            State::Pending => {
                answer["State"] = json!("Pending");
                answer["StateReason"] = json!("The function is being created.");
                answer["StateReasonCode"] = json!("Creating");
            }
            State::Updating => {
                answer["State"] = json!("Active");
                answer["LastUpdateStatus"] = json!("InProgress");
                answer["LastUpdateStatusReason"] = json!("The function is being created.");
                answer["LastUpdateStatusReasonCode"] = json!("Creating");
            }
            State::Active => {
                answer["State"] = json!("Active");
                answer["LastUpdateStatus"] = json!("Successful");
            }
        }
        answer
    }
}

/// The function, if this account has it in this region.
pub(super) async fn find(database: &Database, scope: &Scope, name: &str) -> Result<Option<Function>, AwsError> {
    let row = sqlx::query(&format!(
        "SELECT {COLUMNS} FROM lambda_function WHERE account_id = ? AND region = ? AND function_name = ?"
    ))
    .bind(scope.account.as_str())
    .bind(scope.region.as_str())
    .bind(name)
    .fetch_optional(database.read())
    .await?;
    row.map(|row| read(scope, &row)).transpose()
}

/// The same within a transaction that is going to change it.
pub(super) async fn find_to_change(
    transaction: &mut Transaction<'static, Sqlite>,
    scope: &Scope,
    name: &str,
) -> Result<Option<Function>, AwsError> {
    let row = sqlx::query(&format!(
        "SELECT {COLUMNS} FROM lambda_function WHERE account_id = ? AND region = ? AND function_name = ?"
    ))
    .bind(scope.account.as_str())
    .bind(scope.region.as_str())
    .bind(name)
    .fetch_optional(&mut **transaction)
    .await?;
    row.map(|row| read(scope, &row)).transpose()
}

/// Functions in the order of their names, after the name `after`.
pub(super) async fn list(
    database: &Database,
    scope: &Scope,
    after: &str,
    limit: i64,
) -> Result<Vec<Function>, AwsError> {
    let rows = sqlx::query(&format!(
        "SELECT {COLUMNS} FROM lambda_function
         WHERE account_id = ? AND region = ? AND function_name > ? ORDER BY function_name LIMIT ?"
    ))
    .bind(scope.account.as_str())
    .bind(scope.region.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(database.read())
    .await?;
    rows.iter().map(|row| read(scope, row)).collect()
}

/// The zip file of this revision; nothing when the function has changed or gone meanwhile.
pub(super) async fn code(database: &Database, function: &Function) -> Result<Option<Bytes>, AwsError> {
    let code: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT code FROM lambda_function
         WHERE account_id = ? AND region = ? AND function_name = ? AND revision_id = ?",
    )
    .bind(function.scope.account.as_str())
    .bind(function.scope.region.as_str())
    .bind(&function.name)
    .bind(&function.revision_id)
    .fetch_optional(database.read())
    .await?;
    Ok(code.map(Bytes::from))
}

/// How many functions the account has in this region, and how many bytes of code in all regions.
pub(super) async fn totals(
    transaction: &mut Transaction<'static, Sqlite>,
    scope: &Scope,
) -> Result<(i64, i64), AwsError> {
    let (functions, bytes): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*) FILTER (WHERE region = ?), COALESCE(SUM(code_size), 0)
         FROM lambda_function WHERE account_id = ?",
    )
    .bind(scope.region.as_str())
    .bind(scope.account.as_str())
    .fetch_one(&mut **transaction)
    .await?;
    Ok((functions, bytes))
}

/// Writes a new function.
pub(super) async fn insert(
    transaction: &mut Transaction<'static, Sqlite>,
    function: &Function,
    code: &[u8],
) -> Result<(), AwsError> {
    sqlx::query(
        "INSERT INTO lambda_function (account_id, region, function_name, configuration, policy, tags, revision_id,
             created_ms, modified_ms, code_size, code_sha256, code)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(function.scope.account.as_str())
    .bind(function.scope.region.as_str())
    .bind(&function.name)
    .bind(to_json(&function.configuration)?)
    .bind(to_json(&function.policy)?)
    .bind(to_json(&function.tags)?)
    .bind(&function.revision_id)
    .bind(function.created_ms)
    .bind(function.modified_ms)
    .bind(function.code_size)
    .bind(&function.code_sha256)
    .bind(code)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Writes everything of a function but its code.
pub(super) async fn update(
    transaction: &mut Transaction<'static, Sqlite>,
    function: &Function,
) -> Result<(), AwsError> {
    sqlx::query(
        "UPDATE lambda_function
         SET configuration = ?, policy = ?, tags = ?, revision_id = ?, modified_ms = ?, code_size = ?, code_sha256 = ?
         WHERE account_id = ? AND region = ? AND function_name = ?",
    )
    .bind(to_json(&function.configuration)?)
    .bind(to_json(&function.policy)?)
    .bind(to_json(&function.tags)?)
    .bind(&function.revision_id)
    .bind(function.modified_ms)
    .bind(function.code_size)
    .bind(&function.code_sha256)
    .bind(function.scope.account.as_str())
    .bind(function.scope.region.as_str())
    .bind(&function.name)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Replaces a function's code.
pub(super) async fn update_code(
    transaction: &mut Transaction<'static, Sqlite>,
    function: &Function,
    code: &[u8],
) -> Result<(), AwsError> {
    sqlx::query("UPDATE lambda_function SET code = ? WHERE account_id = ? AND region = ? AND function_name = ?")
        .bind(code)
        .bind(function.scope.account.as_str())
        .bind(function.scope.region.as_str())
        .bind(&function.name)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Removes a function and the asynchronous invocations that wait for it. False when there is none.
pub(super) async fn delete(database: &Database, scope: &Scope, name: &str) -> Result<bool, AwsError> {
    let mut transaction = database.write().await?;
    let mut deleted = 0;
    for (index, table) in ["lambda_function", "lambda_event"].into_iter().enumerate() {
        let done =
            sqlx::query(&format!("DELETE FROM {table} WHERE account_id = ? AND region = ? AND function_name = ?"))
                .bind(scope.account.as_str())
                .bind(scope.region.as_str())
                .bind(name)
                .execute(&mut *transaction)
                .await?;
        if index == 0 {
            deleted = done.rows_affected();
        }
    }
    transaction.commit().await?;
    Ok(deleted > 0)
}

fn read(scope: &Scope, row: &SqliteRow) -> Result<Function, AwsError> {
    let json = |column: &str| -> Result<String, sqlx::Error> { row.try_get(column) };
    Ok(Function {
        scope: scope.clone(),
        name: row.try_get("function_name")?,
        configuration: serde_json::from_str(&json("configuration")?).map_err(AwsError::internal)?,
        policy: serde_json::from_str(&json("policy")?).map_err(AwsError::internal)?,
        tags: serde_json::from_str(&json("tags")?).map_err(AwsError::internal)?,
        revision_id: row.try_get("revision_id")?,
        created_ms: row.try_get("created_ms")?,
        modified_ms: row.try_get("modified_ms")?,
        code_size: row.try_get("code_size")?,
        code_sha256: row.try_get("code_sha256")?,
    })
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, AwsError> {
    serde_json::to_string(value).map_err(AwsError::internal)
}

/// A time as Lambda tells it: `2026-11-24T19:00:00.000+0000`.
fn last_modified(milliseconds: i64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&format).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_modified_has_the_form_of_aws() {
        assert_eq!(last_modified(1_795_546_800_123), "2026-11-24T19:00:00.123+0000");
    }
}
