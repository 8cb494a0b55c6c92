//! `TagResource`, `UntagResource` and `ListTagsOfResource`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::DynamoDb;
use super::error::{invalid_parameter, validation};
use super::table::{Table, table_arn};
use crate::service::{empty_json, read_json, write_json};
use crate::tagging::rules::{self, MAX_TAGS};
use crate::tagging::{TaggedResource, TaggedResources, collect};
use crate::{AwsError, Scope};

/// A tag as requests and answers have it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tag {
    key: String,
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagRequest {
    resource_arn: Option<String>,
    tags: Option<Vec<Tag>>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListTagsAnswer {
    tags: Vec<Tag>,
}

impl DynamoDb {
    /// Answers `TagResource`.
    pub(super) async fn tag_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TagRequest = read_json(body)?;
        let tags = request.tags.unwrap_or_default();
        if tags.is_empty() {
            return Err(validation("Atleast one Tag needs to be provided as Input."));
        }
        check(&tags)?;
        let mut transaction = self.database.write().await?;
        let table = tagged_table(&mut transaction, scope, request.resource_arn).await?;
        write(&mut transaction, table.row.table_id, &tags).await?;
        transaction.commit().await?;
        Ok(empty_json())
    }

    /// Answers `UntagResource`.
    pub(super) async fn untag_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TagRequest = read_json(body)?;
        let keys = request.tag_keys.unwrap_or_default();
        if keys.is_empty() {
            return Err(validation("Atleast one Tag Key needs to be provided as Input."));
        }
        let mut transaction = self.database.write().await?;
        let table = tagged_table(&mut transaction, scope, request.resource_arn).await?;
        for key in &keys {
            sqlx::query("DELETE FROM dynamodb_tag WHERE table_id = ? AND key = ?")
                .bind(table.row.table_id)
                .bind(key)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(empty_json())
    }

    /// Answers `ListTagsOfResource`: all tags, since they fit one page.
    pub(super) async fn list_tags_of_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TagRequest = read_json(body)?;
        let mut connection = self.database.read().acquire().await?;
        let table = tagged_table(&mut connection, scope, request.resource_arn).await?;
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT key, value FROM dynamodb_tag WHERE table_id = ? ORDER BY key")
                .bind(table.row.table_id)
                .fetch_all(&mut *connection)
                .await?;
        write_json(&ListTagsAnswer { tags: rows.into_iter().map(|(key, value)| Tag { key, value }).collect() })
    }
}

#[async_trait::async_trait]
impl TaggedResources for DynamoDb {
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT table_name, key, value FROM dynamodb_table JOIN dynamodb_tag USING (table_id) \
             WHERE account_id = ? AND region = ?",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .fetch_all(self.database.read())
        .await?;
        Ok(collect(rows.into_iter().map(|(table, key, value)| (table_arn(scope, &table), key, Some(value)))))
    }
}

/// Checks the tags of a request.
pub(super) fn check(tags: &[Tag]) -> Result<(), AwsError> {
    if tags.len() > MAX_TAGS {
        return Err(too_many());
    }
    rules::check(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))).map_err(invalid_parameter)
}

/// Adds checked tags to a table, which may have 50 in all.
pub(super) async fn write(connection: &mut SqliteConnection, table_id: i64, tags: &[Tag]) -> Result<(), AwsError> {
    for tag in tags {
        sqlx::query("INSERT OR REPLACE INTO dynamodb_tag (table_id, key, value) VALUES (?, ?, ?)")
            .bind(table_id)
            .bind(&tag.key)
            .bind(&tag.value)
            .execute(&mut *connection)
            .await?;
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM dynamodb_tag WHERE table_id = ?")
        .bind(table_id)
        .fetch_one(connection)
        .await?;
    if count > MAX_TAGS as i64 { Err(too_many()) } else { Ok(()) }
}

/// The table that `ResourceArn` names.
async fn tagged_table(
    connection: &mut SqliteConnection,
    scope: &Scope,
    arn: Option<String>,
) -> Result<Table, AwsError> {
    let arn = arn.ok_or_else(|| {
        validation(
            "1 validation error detected: Value null at 'resourceArn' failed to satisfy constraint: Member must not be null",
        )
    })?;
    let not_found = || {
        AwsError::client(
            "ResourceNotFoundException",
            format!("Requested resource not found: ResourcArn: {arn} not found"),
        )
    };
    if !(arn.starts_with("arn:aws:dynamodb:") && arn.contains(":table/")) {
        return Err(validation(format!("Invalid TableArn: Invalid ResourceArn provided as input {arn}")));
    }
    // Another account's table is not known here, and another region's is not there.
    let name = arn.strip_prefix(&table_arn(scope, "")).ok_or_else(not_found)?;
    Table::find(connection, scope, name).await?.ok_or_else(not_found)
}

fn too_many() -> AwsError {
    invalid_parameter(format!("A table can have {MAX_TAGS} tags at most"))
}
