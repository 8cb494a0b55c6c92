//! `ListShards`.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Kinesis;
use super::errors::{invalid_argument, missing, validation};
use super::operations::not_active;
use super::request::Named;
use super::shard::{parse_shard_id, shard_id};
use super::stream::Status;
use crate::service::{page_token, read_json, read_page_token, write_json};
use crate::{AwsError, Scope};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListShardsInput {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    max_results: Option<i64>,
    shard_filter: Option<ShardFilter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter {
    #[serde(rename = "Type")]
    kind: String,
    shard_id: Option<String>,
}

impl Kinesis {
    /// Shards are never split or merged here, so that all are open from the beginning.
    pub(super) fn list_shards(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: ListShardsInput = read_json(body)?;
        let limit = input.max_results.unwrap_or(1000);
        let limit = u32::try_from(limit)
            .ok()
            .filter(|limit| (1..=10_000).contains(limit))
            .ok_or_else(|| validation(limit, "maxResults", "have value between 1 and 10000"))?;
        let (named, after) = match input.next_token {
            Some(token) => {
                if input.stream_name.is_some() || input.exclusive_start_shard_id.is_some() {
                    return Err(invalid_argument("NextToken and StreamName cannot be provided together."));
                }
                let (stream, shard) = read_page_token(&token)
                    .and_then(|token| {
                        token.split_once('/').map(|(stream, shard)| (stream.to_owned(), shard.to_owned()))
                    })
                    .ok_or_else(|| invalid_argument("Invalid NextToken."))?;
                (Named { stream_name: Some(stream), stream_arn: None }, Some(shard))
            }
            None => {
                let of_filter = input.shard_filter.map(after_by_filter).transpose()?.flatten();
                let named = Named { stream_name: input.stream_name, stream_arn: input.stream_arn };
                (named, input.exclusive_start_shard_id.or(of_filter))
            }
        };
        let stream = self.named(scope, &named)?;
        if stream.status() == Status::Creating {
            return Err(not_active(&stream));
        }
        let first = match after.as_deref().map(|id| parse_shard_id(id, stream.shard_count)) {
            None => 0,
            Some(Some(shard)) => shard + 1,
            Some(None) => return Err(invalid_argument("The shard to start after is no shard of the stream.")),
        };
        let end = stream.shard_count.min(first.saturating_add(limit));
        let shards: Vec<Value> = (first..end).map(|shard| stream.describe_shard(shard)).collect();
        let mut answer = json!({ "Shards": shards });
        if end < stream.shard_count && end > first {
            answer["NextToken"] = json!(page_token(&format!("{}/{}", stream.name, shard_id(end - 1))));
        }
        write_json(&answer)
    }
}

/// The shard after which the shards begin that a filter means.
fn after_by_filter(filter: ShardFilter) -> Result<Option<String>, AwsError> {
    match filter.kind.as_str() {
        "AFTER_SHARD_ID" => filter.shard_id.map(Some).ok_or_else(|| missing("shardFilter.shardId")),
        "AT_TRIM_HORIZON" | "FROM_TRIM_HORIZON" | "AT_LATEST" | "AT_TIMESTAMP" | "FROM_TIMESTAMP" => Ok(None),
        other => {
            let all = "satisfy enum value set: [AT_TRIM_HORIZON, FROM_TIMESTAMP, AFTER_SHARD_ID, AT_LATEST, \
                       AT_TIMESTAMP, FROM_TRIM_HORIZON]";
            Err(validation(other, "shardFilter.type", all))
        }
    }
}
