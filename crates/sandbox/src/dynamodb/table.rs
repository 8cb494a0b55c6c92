//! A table's description, as it is stored and as it is answered.

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{FromRow, SqliteExecutor};

use super::error::{constraint, resource_not_found, validation};
use super::key::{KeyAttribute, KeyKind, KeySchema};
use crate::{AwsError, Scope};

/// A table, as far as the operations on its items need it.
#[derive(Clone, Debug)]
pub struct Table {
    pub row: TableRow,
    pub schema: KeySchema,
}

/// A row of `dynamodb_table`.
#[derive(Clone, Debug, FromRow)]
pub struct TableRow {
    pub table_id: i64,
    pub table_name: String,
    pub uuid: String,
    pub partition_name: String,
    pub partition_type: String,
    pub sort_name: Option<String>,
    pub sort_type: Option<String>,
    pub billing_mode: String,
    pub read_units: i64,
    pub write_units: i64,
    pub on_demand_since_ms: Option<i64>,
    pub deletion_protected: bool,
    pub created_ms: i64,
    pub item_count: i64,
    pub byte_count: i64,
    /// Bytes in all tables of the account, in every region.
    pub account_bytes: i64,
}

/// What `TableStatus` says. Tables change at once here, so that the other states are only in the answer to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableStatus {
    Creating,
    Active,
    Updating,
    Deleting,
}

/// An answer that holds a description under `Table` or `TableDescription`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TableAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_description: Option<Value>,
}

impl Table {
    /// Finds a table; `None` if the scope has none of that name.
    pub async fn find(executor: impl SqliteExecutor<'_>, scope: &Scope, name: &str) -> Result<Option<Self>, AwsError> {
        let row: Option<TableRow> = sqlx::query_as(
            "SELECT *, (SELECT sum(byte_count) FROM dynamodb_table WHERE account_id = ?1) AS account_bytes \
             FROM dynamodb_table WHERE account_id = ?1 AND region = ?2 AND table_name = ?3",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(name)
        .fetch_optional(executor)
        .await?;
        row.map(Self::from_row).transpose()
    }

    /// Finds a table, or answers `ResourceNotFoundException` as the operations on items do.
    pub async fn get(executor: impl SqliteExecutor<'_>, scope: &Scope, name: &str) -> Result<Self, AwsError> {
        Self::find(executor, scope, name).await?.ok_or_else(resource_not_found)
    }

    /// The description that `DescribeTable` and others answer.
    pub fn describe(&self, scope: &Scope, status: TableStatus) -> Value {
        let row = &self.row;
        let key_schema: Vec<Value> = self
            .schema
            .attributes()
            .zip(["HASH", "RANGE"])
            .map(|(attribute, role)| json!({"AttributeName": attribute.name, "KeyType": role}))
            .collect();
        let definitions: Vec<Value> = self
            .schema
            .attributes()
            .map(|attribute| json!({"AttributeName": attribute.name, "AttributeType": attribute.kind.name()}))
            .collect();
        let mut description = json!({
            "TableName": row.table_name,
            "TableArn": table_arn(scope, &row.table_name),
            "TableId": row.uuid,
            "TableStatus": status.name(),
            "CreationDateTime": row.created_ms as f64 / 1000.0,
            "AttributeDefinitions": definitions,
            "KeySchema": key_schema,
            "ItemCount": row.item_count,
            "TableSizeBytes": row.byte_count,
            "ProvisionedThroughput": {
                "NumberOfDecreasesToday": 0,
                "ReadCapacityUnits": row.read_units,
                "WriteCapacityUnits": row.write_units,
            },
            "DeletionProtectionEnabled": row.deletion_protected,
        });
        if let Some(since) = row.on_demand_since_ms {
            description["BillingModeSummary"] = json!({
                "BillingMode": row.billing_mode,
                "LastUpdateToPayPerRequestDateTime": since as f64 / 1000.0,
            });
        }
        description
    }

    fn from_row(row: TableRow) -> Result<Self, AwsError> {
        let attribute = |name: &str, kind: &str| {
            let kind = KeyKind::from_name(kind).ok_or_else(|| AwsError::internal(format!("key type {kind}")))?;
            Ok::<_, AwsError>(KeyAttribute { name: name.to_owned(), kind })
        };
        let partition = attribute(&row.partition_name, &row.partition_type)?;
        let sort = match (&row.sort_name, &row.sort_type) {
            (Some(name), Some(kind)) => Some(attribute(name, kind)?),
            _ => None,
        };
        Ok(Self { row, schema: KeySchema { partition, sort } })
    }
}

impl TableStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

/// The ARN of a table.
pub fn table_arn(scope: &Scope, name: &str) -> String {
    scope.arn("dynamodb", &format!("table/{name}"))
}

/// The table's name that a request gives, as a name or as an ARN of the caller's account and region.
pub fn table_name(scope: &Scope, given: Option<String>) -> Result<String, AwsError> {
    let Some(given) = given else {
        return Err(validation(
            "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null",
        ));
    };
    if given.starts_with("arn:") {
        // A foreign ARN names nothing here, as the caller sees only its own account.
        let prefix = table_arn(scope, "");
        return given.strip_prefix(&prefix).map(str::to_owned).ok_or_else(resource_not_found);
    }
    if !(3..=255).contains(&given.len()) {
        return Err(validation("TableName must be at least 3 characters long and at most 255 characters long"));
    }
    if !given.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) {
        let rule = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
        return Err(constraint(given, "tableName", rule));
    }
    Ok(given)
}
