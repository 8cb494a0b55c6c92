//! Operations on data streams: create, describe, list, change how long records are kept, delete.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{in_use, invalid_argument, limit_exceeded, missing, not_offered, validation};
use super::limits::{
    HIGHEST_RECORD_KIB, MAX_RECORD_KIB, MAX_RETENTION_HOURS, MAX_SHARDS, ON_DEMAND_SHARDS, RETENTION_HOURS,
};
use super::request::{Named, check_name};
use super::shard::parse_shard_id;
use super::stream::{DataStream, Details, Mode, Status, StreamRow, seconds};
use super::{Kinesis, tags};
use crate::service::{empty_json, page_token, read_json, read_page_token, write_json};
use crate::{AwsError, Scope};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateInput {
    stream_name: Option<String>,
    shard_count: Option<i64>,
    stream_mode_details: Option<ModeDetails>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    warm_throughput_mi_bps: Option<i64>,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: Option<i64>,
    record_distribution_strategy: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModeDetails {
    stream_mode: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeInput {
    #[serde(flatten)]
    named: Named,
    limit: Option<i64>,
    exclusive_start_shard_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    limit: Option<i64>,
    exclusive_start_stream_name: Option<String>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RetentionInput {
    #[serde(flatten)]
    named: Named,
    retention_period_hours: Option<i64>,
}

impl Kinesis {
    pub(super) async fn create_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: CreateInput = read_json(body)?;
        let name = input.stream_name.ok_or_else(|| missing("streamName"))?;
        check_name(&name)?;
        let (mode, shard_count) = shards(input.stream_mode_details.as_ref(), input.shard_count)?;
        if input.warm_throughput_mi_bps.is_some() {
            return Err(not_offered("WarmThroughputMiBps"));
        }
        if input.record_distribution_strategy.is_some_and(|strategy| strategy != "USER_PARTITION_KEY") {
            return Err(not_offered("a RecordDistributionStrategy other than USER_PARTITION_KEY"));
        }
        let max_record_kib = input.max_record_size_in_kib.unwrap_or(MAX_RECORD_KIB);
        if !(MAX_RECORD_KIB..=HIGHEST_RECORD_KIB).contains(&max_record_kib) {
            return Err(validation(max_record_kib, "maxRecordSizeInKiB", "have value between 1024 and 10240"));
        }
        tags::check(&input.tags)?;
        let created_ms = self.clock.now_ms();
        let mut transaction = self.database.write().await?;
        let used: u32 =
            sqlx::query_scalar("SELECT COALESCE(SUM(shard_count), 0) FROM data_stream WHERE account_id = ?")
                .bind(scope.account.as_str())
                .fetch_one(&mut *transaction)
                .await?;
        let stream_id: Option<i64> = sqlx::query_scalar(
            "INSERT INTO data_stream (account_id, region, name, status, mode, shard_count, retention_hours, \
             max_record_kib, created_ms, next_number) VALUES (?, ?, ?, 'CREATING', ?, ?, ?, ?, ?, 1) \
             ON CONFLICT DO NOTHING RETURNING stream_id",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(&name)
        .bind(mode.as_str())
        .bind(shard_count)
        .bind(RETENTION_HOURS)
        .bind(max_record_kib)
        .bind(created_ms)
        .fetch_optional(&mut *transaction)
        .await?;
        let id = stream_id
            .ok_or_else(|| in_use(format!("Stream {name} under account {} already exists.", scope.account)))?;
        if used.saturating_add(shard_count) > MAX_SHARDS {
            return Err(limit_exceeded(format!(
                "This request would exceed the shard limit for the account {}: {MAX_SHARDS} in all regions together. \
                 Current shard count for the account: {used}. Requested: {shard_count}.",
                scope.account
            )));
        }
        tags::write(&mut transaction, id, &input.tags).await?;
        transaction.commit().await?;
        let details = Details { status: Status::Creating, retention_hours: RETENTION_HOURS };
        let row = StreamRow {
            id,
            scope: scope.clone(),
            name,
            shard_count,
            mode,
            max_record_kib,
            created_ms,
            details,
            next_number: 1,
        };
        self.start(Arc::new(DataStream::new(row, self.limits.throughput)));
        Ok(empty_json())
    }

    pub(super) fn describe_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: DescribeInput = read_json(body)?;
        let stream = self.named(scope, &input.named)?;
        let limit = input.limit.unwrap_or(100);
        if !(1..=10_000).contains(&limit) {
            return Err(validation(limit, "limit", "have value between 1 and 10000"));
        }
        let after = input.exclusive_start_shard_id;
        let first = match after.as_deref().map(|id| parse_shard_id(id, stream.shard_count)) {
            None => 0,
            Some(Some(shard)) => shard + 1,
            Some(None) => return Err(invalid_argument("ExclusiveStartShardId names no shard of the stream.")),
        };
        let last = stream.shard_count.min(first.saturating_add(u32::try_from(limit).unwrap_or(u32::MAX)));
        let mut description = stream.describe();
        // As in AWS, a stream has its shards when it is made.
        let shards = if stream.status() == Status::Creating { 0..0 } else { first..last };
        description["HasMoreShards"] = json!(shards.end != 0 && last < stream.shard_count);
        description["Shards"] = shards.map(|shard| stream.describe_shard(shard)).collect();
        write_json(&json!({ "StreamDescription": description }))
    }

    pub(super) fn describe_stream_summary(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: Named = read_json(body)?;
        let stream = self.named(scope, &input)?;
        let mut summary = stream.describe();
        let open = if stream.status() == Status::Creating { 0 } else { stream.shard_count };
        summary["OpenShardCount"] = json!(open);
        summary["ConsumerCount"] = json!(0);
        summary["MaxRecordSizeInKiB"] = json!(stream.max_record_kib);
        write_json(&json!({ "StreamDescriptionSummary": summary }))
    }

    pub(super) fn describe_limits(&self, scope: &Scope) -> Bytes {
        let streams: Vec<_> =
            self.streams.all().into_iter().filter(|stream| stream.scope.account == scope.account).collect();
        let shards: u32 = streams.iter().map(|stream| stream.shard_count).sum();
        let on_demand = streams.iter().filter(|stream| stream.mode == Mode::OnDemand).count();
        let answer = json!({
            "ShardLimit": MAX_SHARDS,
            "OpenShardCount": shards,
            "OnDemandStreamCount": on_demand,
            "OnDemandStreamCountLimit": MAX_SHARDS / ON_DEMAND_SHARDS,
        });
        Bytes::from(answer.to_string())
    }

    pub(super) fn list_streams(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: ListInput = read_json(body)?;
        let limit = input.limit.unwrap_or(100);
        let limit = usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=10_000).contains(limit))
            .ok_or_else(|| validation(limit, "limit", "have value between 1 and 10000"))?;
        let after = match input.next_token {
            Some(token) => Some(read_page_token(&token).ok_or_else(|| invalid_argument("Invalid NextToken."))?),
            None => input.exclusive_start_stream_name,
        };
        let mut streams = self.streams.of(scope);
        if let Some(after) = after {
            streams.retain(|stream| stream.name > after);
        }
        let more = streams.len() > limit;
        streams.truncate(limit);
        let summary = |stream: &Arc<DataStream>| {
            json!({
                "StreamName": stream.name,
                "StreamARN": stream.arn(),
                "StreamStatus": stream.status().as_str(),
                "StreamModeDetails": {"StreamMode": stream.mode.as_str()},
                "StreamCreationTimestamp": seconds(stream.created_ms),
            })
        };
        let mut answer = json!({
            "StreamNames": streams.iter().map(|stream| stream.name.as_str()).collect::<Vec<_>>(),
            "HasMoreStreams": more,
            "StreamSummaries": streams.iter().map(summary).collect::<Vec<Value>>(),
        });
        if more && let Some(last) = streams.last() {
            answer["NextToken"] = json!(page_token(&last.name));
        }
        write_json(&answer)
    }

    /// Marks the stream; a moment later it is gone with its records.
    pub(super) async fn delete_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: Named = read_json(body)?;
        let stream = self.named(scope, &input)?;
        if stream.status() == Status::Deleting {
            return Err(not_active(&stream));
        }
        let mut transaction = self.database.write().await?;
        sqlx::query("UPDATE data_stream SET status = 'DELETING' WHERE stream_id = ?")
            .bind(stream.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        stream.details.send_modify(|details| details.status = Status::Deleting);
        self.streams.tell_change();
        self.settle(stream, Status::Deleting);
        Ok(empty_json())
    }

    pub(super) async fn change_retention(&self, scope: &Scope, body: &[u8], up: bool) -> Result<Bytes, AwsError> {
        let input: RetentionInput = read_json(body)?;
        let stream = self.named(scope, &input.named)?;
        let hours = input.retention_period_hours.ok_or_else(|| missing("retentionPeriodHours"))?;
        if stream.status() != Status::Active {
            return Err(not_active(&stream));
        }
        let before = stream.details.borrow().retention_hours;
        if !(RETENTION_HOURS..=MAX_RETENTION_HOURS).contains(&hours) {
            return Err(invalid_argument(format!(
                "Retention period must be between {RETENTION_HOURS} and {MAX_RETENTION_HOURS} hours, not {hours}."
            )));
        }
        if (up && hours < before) || (!up && hours > before) {
            let (way, other) = if up { ("less", "Decrease") } else { ("more", "Increase") };
            return Err(invalid_argument(format!(
                "Requested retention period ({hours} hours) for stream {} is {way} than the existing retention period \
                 ({before} hours). Use {other}StreamRetentionPeriod API.",
                stream.name
            )));
        }
        let mut transaction = self.database.write().await?;
        sqlx::query("UPDATE data_stream SET retention_hours = ? WHERE stream_id = ?")
            .bind(hours)
            .bind(stream.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        stream.details.send_modify(|details| details.retention_hours = hours);
        Ok(empty_json())
    }
}

/// The mode of a new stream and its number of shards.
fn shards(mode: Option<&ModeDetails>, shard_count: Option<i64>) -> Result<(Mode, u32), AwsError> {
    match (mode.map(|details| details.stream_mode.as_str()), shard_count) {
        (None | Some("PROVISIONED"), None) => Err(validation("null", "shardCount", "not be null")),
        (None | Some("PROVISIONED"), Some(count)) => match u32::try_from(count) {
            Ok(count) if count >= 1 => Ok((Mode::Provisioned, count)),
            Ok(_) | Err(_) if count < 1 => {
                Err(validation(count, "shardCount", "have value greater than or equal to 1"))
            }
            Ok(_) | Err(_) => Err(limit_exceeded(format!("{count} shards are more than an account may have."))),
        },
        (Some("ON_DEMAND"), None) => Ok((Mode::OnDemand, ON_DEMAND_SHARDS)),
        (Some("ON_DEMAND"), Some(_)) => {
            Err(AwsError::client("ValidationException", "ShardCount must not be given with the mode ON_DEMAND."))
        }
        (Some(other), _) => {
            let all = "satisfy enum value set: [PROVISIONED, ON_DEMAND]";
            Err(validation(other, "streamModeDetails.streamMode", all))
        }
    }
}

pub(super) fn not_active(stream: &DataStream) -> AwsError {
    in_use(format!(
        "Stream {} under account {} not ACTIVE, instead in state {}",
        stream.name,
        stream.scope.account,
        stream.status().as_str()
    ))
}
