//! `TagDeliveryStream`, `UntagDeliveryStream` and `ListTagsForDeliveryStream`.

use std::collections::HashSet;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{Row as _, Sqlite, Transaction};

use super::Firehose;
use super::errors::{invalid_argument, missing, validation};
use crate::service::{empty_json, read_json, write_json};
use crate::tagging::{TaggedResource, TaggedResources, collect};
use crate::{AwsError, Scope};

const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// A tag as requests have it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagInput {
    delivery_stream_name: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagInput {
    delivery_stream_name: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    delivery_stream_name: String,
    exclusive_start_tag_key: Option<String>,
    limit: Option<i64>,
}

impl Firehose {
    pub(super) async fn tag_delivery_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: TagInput = read_json(body)?;
        check(&input.tags)?;
        let stream = self.streams.get(scope, &input.delivery_stream_name)?;
        let mut transaction = self.database.write().await?;
        write(&mut transaction, stream.id, &input.tags).await?;
        transaction.commit().await?;
        Ok(empty_json())
    }

    pub(super) async fn untag_delivery_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: UntagInput = read_json(body)?;
        if input.tag_keys.is_empty() {
            return Err(missing("tagKeys"));
        }
        let stream = self.streams.get(scope, &input.delivery_stream_name)?;
        let mut transaction = self.database.write().await?;
        for key in &input.tag_keys {
            sqlx::query("DELETE FROM delivery_stream_tag WHERE stream_id = ? AND key = ?")
                .bind(stream.id)
                .bind(key)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(empty_json())
    }

    pub(super) async fn list_tags_for_delivery_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: ListInput = read_json(body)?;
        let stream = self.streams.get(scope, &input.delivery_stream_name)?;
        let limit = input.limit.unwrap_or(50);
        if !(1..=50).contains(&limit) {
            return Err(validation(limit, "limit", "have value between 1 and 50"));
        }
        let rows = sqlx::query(
            "SELECT key, value FROM delivery_stream_tag WHERE stream_id = ? AND key > ? ORDER BY key LIMIT ?",
        )
        .bind(stream.id)
        .bind(input.exclusive_start_tag_key.unwrap_or_default())
        .bind(limit + 1)
        .fetch_all(self.database.read())
        .await?;
        let wanted = usize::try_from(limit).unwrap_or(0);
        let tags: Vec<Value> = rows
            .iter()
            .take(wanted)
            .map(|row| match row.get::<Option<String>, _>(1) {
                Some(value) => json!({"Key": row.get::<String, _>(0), "Value": value}),
                None => json!({"Key": row.get::<String, _>(0)}),
            })
            .collect();
        write_json(&json!({"Tags": tags, "HasMoreTags": rows.len() > wanted}))
    }
}

#[async_trait::async_trait]
impl TaggedResources for Firehose {
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError> {
        let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT name, key, value FROM delivery_stream JOIN delivery_stream_tag USING (stream_id)
             WHERE account_id = ? AND region = ?",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .fetch_all(self.database.read())
        .await?;
        let arn = |name: String| scope.arn("firehose", &format!("deliverystream/{name}"));
        Ok(collect(rows.into_iter().map(|(name, key, value)| (arn(name), key, value))))
    }
}

/// Checks the tags of a request.
pub(super) fn check(tags: &[Tag]) -> Result<(), AwsError> {
    if tags.len() > MAX_TAGS {
        return Err(validation(format!("[{} tags]", tags.len()), "tags", "have length less than or equal to 50"));
    }
    let allowed = |text: &str| {
        text.chars().all(|letter| letter.is_alphanumeric() || letter.is_whitespace() || "_.:/=+-@%".contains(letter))
    };
    let mut keys = HashSet::new();
    for tag in tags {
        let key = &tag.key;
        if key.is_empty() || key.chars().count() > MAX_KEY || !allowed(key) || key.starts_with("aws:") {
            return Err(invalid_argument(format!("The tag key {key:?} is not valid.")));
        }
        if tag.value.as_ref().is_some_and(|value| value.chars().count() > MAX_VALUE || !allowed(value)) {
            return Err(invalid_argument(format!("The value of the tag {key:?} is not valid.")));
        }
        if !keys.insert(key) {
            return Err(invalid_argument(format!("The tag key {key:?} is specified more than once.")));
        }
    }
    Ok(())
}

/// Adds checked tags to a stream, which may have 50 in all.
pub(super) async fn write(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    tags: &[Tag],
) -> Result<(), AwsError> {
    for tag in tags {
        sqlx::query("INSERT OR REPLACE INTO delivery_stream_tag (stream_id, key, value) VALUES (?, ?, ?)")
            .bind(stream_id)
            .bind(&tag.key)
            .bind(&tag.value)
            .execute(&mut **transaction)
            .await?;
    }
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM delivery_stream_tag WHERE stream_id = ?")
        .bind(stream_id)
        .fetch_one(&mut **transaction)
        .await?;
    if count > MAX_TAGS as i64 {
        return Err(AwsError::client("LimitExceededException", "A delivery stream can have 50 tags at most."));
    }
    Ok(())
}
