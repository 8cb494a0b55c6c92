//! `GetShardIterator` and `GetRecords`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Kinesis;
use super::errors::{invalid_argument, missing, shard_not_found, stream_not_found, validation};
use super::iterator::ShardIterator;
use super::limits::{ITERATOR_LASTS_MS, MAX_READ_BYTES, MAX_READ_RECORDS};
use super::log::{self, DataRecord, Start};
use super::request::Named;
use super::sequence::{parse_sequence_number, sequence_number};
use super::shard::parse_shard_id;
use super::stream::{DataStream, seconds};
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetShardIteratorInput {
    #[serde(flatten)]
    named: Named,
    shard_id: Option<String>,
    shard_iterator_type: Option<String>,
    starting_sequence_number: Option<String>,
    /// Seconds since the epoch.
    timestamp: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRecordsInput {
    shard_iterator: Option<String>,
    limit: Option<i64>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

impl Kinesis {
    pub(super) async fn get_shard_iterator(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: GetShardIteratorInput = read_json(body)?;
        let stream = self.named_active(scope, &input.named)?;
        let name = input.shard_id.as_deref().ok_or_else(|| missing("shardId"))?;
        let shard = parse_shard_id(name, stream.shard_count)
            .ok_or_else(|| shard_not_found(name, &stream.name, &scope.account))?;
        let kind = input.shard_iterator_type.as_deref().ok_or_else(|| missing("shardIteratorType"))?;
        let number = match kind {
            "AT_SEQUENCE_NUMBER" => starting_number(&stream, name, &input)?,
            "AFTER_SEQUENCE_NUMBER" => starting_number(&stream, name, &input)? + 1,
            "TRIM_HORIZON" => 0,
            "LATEST" => log::first_number(self.database.read(), (stream.id, shard), Start::Latest).await?,
            "AT_TIMESTAMP" => {
                let ms = self.timestamp_ms(&input)?;
                log::first_number(self.database.read(), (stream.id, shard), Start::AtTimestamp(ms)).await?
            }
            other => {
                let all = "satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, \
                           TRIM_HORIZON]";
                return Err(validation(other, "shardIteratorType", all));
            }
        };
        write_json(&json!({ "ShardIterator": self.iterator(&stream, shard, number) }))
    }

    pub(super) async fn get_records(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: GetRecordsInput = read_json(body)?;
        let iterator = input.shard_iterator.ok_or_else(|| missing("shardIterator"))?;
        let limit = input.limit.unwrap_or(MAX_READ_RECORDS as i64);
        let limit = usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=MAX_READ_RECORDS).contains(limit))
            .ok_or_else(|| validation(limit, "limit", "have value between 1 and 10000"))?;
        let iterator = ShardIterator::decode(&iterator)?;
        let named = Named { stream_name: Some(iterator.stream.clone()), stream_arn: input.stream_arn };
        let stream = self.named_active(scope, &named)?;
        if stream.id != iterator.stream_id {
            // Its stream was deleted, and another one has the name.
            return Err(stream_not_found(&stream.name, &scope.account));
        }
        let now_ms = self.clock.now_ms();
        if now_ms - iterator.told_ms > ITERATOR_LASTS_MS {
            return Err(AwsError::client(
                "ExpiredIteratorException",
                format!(
                    "Iterator expired. The iterator was created at time {} while right now it is {now_ms}, which is \
                     further in the future than the tolerated delay of {ITERATOR_LASTS_MS} milliseconds.",
                    iterator.told_ms
                ),
            ));
        }
        let ShardIterator { shard, number, .. } = iterator;
        let _turn = self.reads.acquire().await;
        let records = self.read(&stream, shard, number, limit, MAX_READ_BYTES).await?;
        let next = records.last().map_or(number, |last| last.number + 1);
        let unread = log::arrival_ms(self.database.read(), (stream.id, shard), next, stream.horizon_ms(now_ms)).await?;
        write_json(&json!({
            "Records": records.iter().map(|record| describe(&stream, record)).collect::<Vec<_>>(),
            "NextShardIterator": self.iterator(&stream, shard, next),
            "MillisBehindLatest": unread.map_or(0, |arrival_ms| (now_ms - arrival_ms).max(0)),
        }))
    }

    fn iterator(&self, stream: &DataStream, shard: u32, number: i64) -> String {
        let told_ms = self.clock.now_ms();
        ShardIterator { stream: stream.name.clone(), stream_id: stream.id, shard, number, told_ms }.encode()
    }

    fn timestamp_ms(&self, input: &GetShardIteratorInput) -> Result<i64, AwsError> {
        let seconds = input
            .timestamp
            .ok_or_else(|| invalid_argument("Must specify timestamp parameter for iterator of type AT_TIMESTAMP."))?;
        let (ms, now_ms) = ((seconds * 1000.0) as i64, self.clock.now_ms());
        if ms > now_ms {
            return Err(invalid_argument(format!(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                 timestampInMillis: {ms}, currentTimestampInMillis: {now_ms}"
            )));
        }
        Ok(ms)
    }
}

fn starting_number(stream: &DataStream, shard: &str, input: &GetShardIteratorInput) -> Result<i64, AwsError> {
    let text = input.starting_sequence_number.as_deref().ok_or_else(|| {
        let kind = input.shard_iterator_type.as_deref().unwrap_or_default();
        invalid_argument(format!("Must specify startingSequenceNumber parameter for iterator of type {kind}."))
    })?;
    parse_sequence_number(text, stream.id).ok_or_else(|| {
        invalid_argument(format!(
            "StartingSequenceNumber {text} used in GetShardIterator on shard {shard} in stream {} under account {} is \
             invalid because it did not come from this stream.",
            stream.name, stream.scope.account
        ))
    })
}

fn describe(stream: &DataStream, record: &DataRecord) -> Value {
    json!({
        "SequenceNumber": sequence_number(stream.id, record.number),
        "ApproximateArrivalTimestamp": seconds(record.arrival_ms),
        "Data": BASE64_STANDARD.encode(&record.data),
        "PartitionKey": record.partition_key,
        "EncryptionType": "NONE",
    })
}
