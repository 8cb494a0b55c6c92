//! Tags of data streams, by the operations on streams and by those on resources.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{Sqlite, Transaction};

use super::Kinesis;
use super::errors::{invalid_argument, limit_exceeded, missing, validation};
use super::limits::MAX_TAGS;
use super::request::{Named, name_of};
use crate::service::{empty_json, read_json, write_json};
use crate::tagging::{TaggedResource, TaggedResources, collect};
use crate::{AwsError, Scope};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagInput {
    #[serde(flatten)]
    named: Named,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagInput {
    #[serde(flatten)]
    named: Named,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    #[serde(flatten)]
    named: Named,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    exclusive_start_tag_key: Option<String>,
    limit: Option<i64>,
}

impl Kinesis {
    pub(super) async fn add_tags_to_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: TagInput = read_json(body)?;
        self.tag(scope, &input.named, &input.tags).await
    }

    pub(super) async fn tag_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: TagInput = read_json(body)?;
        self.tag(scope, &resource(scope, input.resource_arn.as_deref())?, &input.tags).await
    }

    pub(super) async fn remove_tags_from_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: UntagInput = read_json(body)?;
        self.untag(scope, &input.named, &input.tag_keys).await
    }

    pub(super) async fn untag_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: UntagInput = read_json(body)?;
        self.untag(scope, &resource(scope, input.resource_arn.as_deref())?, &input.tag_keys).await
    }

    pub(super) async fn list_tags_for_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: ListInput = read_json(body)?;
        let limit = input.limit.unwrap_or(MAX_TAGS as i64);
        let limit = usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=MAX_TAGS).contains(limit))
            .ok_or_else(|| validation(limit, "limit", "have value between 1 and 50"))?;
        let mut tags = self.tags_of(scope, &input.named).await?;
        if let Some(after) = input.exclusive_start_tag_key {
            tags.retain(|(key, _)| *key > after);
        }
        let more = tags.len() > limit;
        tags.truncate(limit);
        write_json(&json!({ "Tags": describe(&tags), "HasMoreTags": more }))
    }

    pub(super) async fn list_tags_for_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: ListInput = read_json(body)?;
        let tags = self.tags_of(scope, &resource(scope, input.resource_arn.as_deref())?).await?;
        write_json(&json!({ "Tags": describe(&tags) }))
    }

    async fn tag(&self, scope: &Scope, named: &Named, tags: &BTreeMap<String, String>) -> Result<Bytes, AwsError> {
        if tags.is_empty() {
            return Err(missing("tags"));
        }
        check(tags)?;
        let stream = self.named(scope, named)?;
        let mut transaction = self.database.write().await?;
        write(&mut transaction, stream.id, tags).await?;
        transaction.commit().await?;
        Ok(empty_json())
    }

    async fn untag(&self, scope: &Scope, named: &Named, keys: &[String]) -> Result<Bytes, AwsError> {
        if keys.is_empty() {
            return Err(missing("tagKeys"));
        }
        let stream = self.named(scope, named)?;
        let mut transaction = self.database.write().await?;
        for key in keys {
            sqlx::query("DELETE FROM data_stream_tag WHERE stream_id = ? AND key = ?")
                .bind(stream.id)
                .bind(key)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(empty_json())
    }

    async fn tags_of(&self, scope: &Scope, named: &Named) -> Result<Vec<(String, String)>, AwsError> {
        let stream = self.named(scope, named)?;
        let tags = sqlx::query_as("SELECT key, value FROM data_stream_tag WHERE stream_id = ? ORDER BY key")
            .bind(stream.id)
            .fetch_all(self.database.read())
            .await?;
        Ok(tags)
    }
}

#[async_trait::async_trait]
impl TaggedResources for Kinesis {
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError> {
        let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT name, key, value FROM data_stream JOIN data_stream_tag USING (stream_id) \
             WHERE account_id = ? AND region = ?",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .fetch_all(self.database.read())
        .await?;
        let arn = |name: String| scope.arn("kinesis", &format!("stream/{name}"));
        Ok(collect(rows.into_iter().map(|(name, key, value)| (arn(name), key, value))))
    }
}

/// Checks the tags of one request.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(invalid_argument("A tag's key has 1 to 128 characters and its value 256 at most."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_argument("Tags that begin with aws: are for AWS alone."));
        }
    }
    Ok(())
}

/// Adds tags to a stream. `LimitExceededException` if it would have too many.
pub(super) async fn write(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    tags: &BTreeMap<String, String>,
) -> Result<(), AwsError> {
    for (key, value) in tags {
        sqlx::query("INSERT OR REPLACE INTO data_stream_tag (stream_id, key, value) VALUES (?, ?, ?)")
            .bind(stream_id)
            .bind(key)
            .bind(value)
            .execute(&mut **transaction)
            .await?;
    }
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM data_stream_tag WHERE stream_id = ?")
        .bind(stream_id)
        .fetch_one(&mut **transaction)
        .await?;
    if usize::try_from(count).is_ok_and(|count| count <= MAX_TAGS) {
        return Ok(());
    }
    Err(limit_exceeded(format!("A stream can have {MAX_TAGS} tags at most.")))
}

fn resource(scope: &Scope, arn: Option<&str>) -> Result<Named, AwsError> {
    let arn = arn.ok_or_else(|| missing("resourceARN"))?;
    Ok(Named { stream_name: Some(name_of(scope, arn)?.to_owned()), stream_arn: None })
}

fn describe(tags: &[(String, String)]) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}
