//! `PutRecord` and `PutRecords`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Kinesis;
use super::errors::{THROUGHPUT_EXCEEDED, invalid_argument, missing, not_offered, stream_not_found, validation};
use super::limits::{MAX_CALL_BYTES, MAX_PARTITION_KEY, MAX_RECORDS};
use super::log::{self, Appended};
use super::request::Named;
use super::sequence::sequence_number;
use super::shard::{hash_key, shard_id, shard_of};
use super::stream::DataStream;
use crate::record_batch::Batch;
use crate::service::write_json;
use crate::{AwsError, Scope};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordInput<'a> {
    #[serde(flatten)]
    named: Named,
    #[serde(flatten, borrow)]
    record: RecordInput<'a>,
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordsInput<'a> {
    // Not flattened, so that the records are read where they lie.
    #[serde(default)]
    stream_name: Option<String>,
    #[serde(default, rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(borrow, default)]
    records: Option<Vec<RecordInput<'a>>>,
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordInput<'a> {
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    partition_key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    explicit_hash_key: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordOutput {
    shard_id: String,
    sequence_number: String,
    encryption_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordsOutput {
    failed_record_count: usize,
    encryption_type: &'static str,
    records: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    #[serde(rename_all = "PascalCase")]
    Accepted { sequence_number: String, shard_id: String },
    #[serde(rename_all = "PascalCase")]
    Refused { error_code: &'static str, error_message: String },
}

/// A record that was checked.
struct Incoming<'a> {
    shard: u32,
    partition_key: Cow<'a, str>,
    data: Vec<u8>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Accepted { number: i64 },
    Refused,
}

impl Kinesis {
    pub(super) async fn put_record(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: PutRecordInput = read(body)?;
        refuse_dry_run(input.dry_run)?;
        let stream = self.named_active(scope, &input.named)?;
        let record = check(&stream, input.record, "")?;
        let shard = record.shard;
        match self.accept(&stream, std::slice::from_ref(&record)).await?[..] {
            [Fate::Accepted { number }] => write_json(&PutRecordOutput {
                shard_id: shard_id(shard),
                sequence_number: sequence_number(stream.id, number),
                encryption_type: "NONE",
            }),
            _ => Err(AwsError::client(THROUGHPUT_EXCEEDED, rate_exceeded(&stream, shard))),
        }
    }

    pub(super) async fn put_records(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: PutRecordsInput = read(body)?;
        refuse_dry_run(input.dry_run)?;
        let named = Named { stream_name: input.stream_name, stream_arn: input.stream_arn };
        let stream = self.named_active(scope, &named)?;
        let records = input.records.ok_or_else(|| missing("records"))?;
        if !(1..=MAX_RECORDS).contains(&records.len()) {
            let bound = if records.is_empty() {
                "have length greater than or equal to 1".to_owned()
            } else {
                format!("have length less than or equal to {MAX_RECORDS}")
            };
            return Err(validation(format!("[{} records]", records.len()), "records", &bound));
        }
        let records = records
            .into_iter()
            .enumerate()
            .map(|(index, record)| check(&stream, record, &format!("records.{}.member.", index + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        if records.iter().map(Incoming::bytes).sum::<usize>() > MAX_CALL_BYTES {
            return Err(invalid_argument(format!("Records size exceeds {} MB limit", MAX_CALL_BYTES / 1024 / 1024)));
        }
        let fates = self.accept(&stream, &records).await?;
        let entries = records.iter().zip(&fates).map(|(record, fate)| match fate {
            Fate::Accepted { number } => Entry::Accepted {
                sequence_number: sequence_number(stream.id, *number),
                shard_id: shard_id(record.shard),
            },
            Fate::Refused => {
                Entry::Refused { error_code: THROUGHPUT_EXCEEDED, error_message: rate_exceeded(&stream, record.shard) }
            }
        });
        write_json(&PutRecordsOutput {
            failed_record_count: fates.iter().filter(|fate| **fate == Fate::Refused).count(),
            encryption_type: "NONE",
            records: entries.collect(),
        })
    }

    /// Writes as many of the records as their shards take now. They are durable when this returns.
    async fn accept(&self, stream: &DataStream, records: &[Incoming<'_>]) -> Result<Vec<Fate>, AwsError> {
        let mut by_shard: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, record) in records.iter().enumerate() {
            by_shard.entry(record.shard).or_default().push(index);
        }
        let now = Instant::now();
        let mut admitted: Vec<usize> = Vec::with_capacity(records.len());
        let mut batches = Vec::with_capacity(by_shard.len());
        for (shard, indices) in by_shard {
            let sizes: Vec<usize> = indices.iter().map(|index| records[*index].bytes()).collect();
            let meter = usize::try_from(shard).ok().and_then(|shard| stream.meters.get(shard));
            let count = meter.and_then(|meter| meter.admit(&sizes, now)).unwrap_or(0);
            if count == 0 {
                continue;
            }
            let mut batch = Batch::with_capacity(sizes.iter().sum());
            for index in &indices[..count] {
                let record = &records[*index];
                log::push_record(&mut batch, &record.partition_key, |out| {
                    out.extend_from_slice(&record.data);
                    Ok::<(), AwsError>(())
                })?;
            }
            admitted.extend_from_slice(&indices[..count]);
            batches.push((shard, batch));
        }
        let mut fates = vec![Fate::Refused; records.len()];
        if batches.is_empty() {
            return Ok(fates);
        }
        let most_bytes = i64::try_from(self.limits.max_backlog_bytes).unwrap_or(i64::MAX);
        let mut transaction = self.database.write().await?;
        // Read within the transaction, so that arrival times grow with numbers.
        let arrival_ms = self.clock.now_ms();
        match log::append(&mut transaction, stream, batches, arrival_ms, most_bytes).await? {
            Appended::Written { first_number } => {
                transaction.commit().await?;
                let mut next_number = first_number;
                for index in admitted {
                    fates[index] = Fate::Accepted { number: next_number };
                    next_number += 1;
                }
                stream.tell_growth(next_number);
                Ok(fates)
            }
            Appended::NoRoom => Err(AwsError::client(
                THROUGHPUT_EXCEEDED,
                format!(
                    "The data streams of account {} hold {} MiB that their readers have not yet read, the most that the \
                     sandbox keeps.",
                    stream.scope.account,
                    most_bytes / 1024 / 1024
                ),
            )),
            Appended::StreamGone => Err(stream_not_found(&stream.name, &stream.scope.account)),
        }
    }
}

impl Incoming<'_> {
    /// What counts towards the limits: the data and the partition key.
    fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }
}

/// Checks a record. `path` is what its members' names begin with in messages.
fn check<'a>(stream: &DataStream, record: RecordInput<'a>, path: &str) -> Result<Incoming<'a>, AwsError> {
    let partition_key = record.partition_key.ok_or_else(|| missing(&format!("{path}partitionKey")))?;
    let encoded = record.data.ok_or_else(|| missing(&format!("{path}data")))?;
    let characters = partition_key.chars().count();
    if !(1..=MAX_PARTITION_KEY).contains(&characters) {
        let bound = if characters == 0 { "greater than or equal to 1" } else { "less than or equal to 256" };
        return Err(validation(&partition_key, &format!("{path}partitionKey"), &format!("have length {bound}")));
    }
    let hash_key = match record.explicit_hash_key {
        None => hash_key(&partition_key),
        Some(text) => read_hash_key(&text).ok_or_else(|| {
            invalid_argument(format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
                 Specified value was {text}"
            ))
        })?,
    };
    let data = BASE64_STANDARD
        .decode(encoded.as_bytes())
        .map_err(|error| AwsError::client("SerializationException", format!("{path}data is not base64: {error}")))?;
    let most = usize::try_from(stream.max_record_kib).unwrap_or_default() * 1024;
    if data.len() + partition_key.len() > most {
        let value = format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", data.len());
        return Err(validation(
            value,
            &format!("{path}data"),
            &format!("have length less than or equal to {most}, its partition key included"),
        ));
    }
    Ok(Incoming { shard: shard_of(hash_key, stream.shard_count), partition_key, data })
}

fn refuse_dry_run(dry_run: Option<bool>) -> Result<(), AwsError> {
    if dry_run == Some(true) { Err(not_offered("DryRun")) } else { Ok(()) }
}

/// `0|([1-9]\d{0,38})`, below 2^128.
fn read_hash_key(text: &str) -> Option<u128> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| canonical)
}

fn rate_exceeded(stream: &DataStream, shard: u32) -> String {
    format!(
        "Rate exceeded for shard {} in stream {} under account {}.",
        shard_id(shard),
        stream.name,
        stream.scope.account
    )
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, AwsError> {
    serde_json::from_slice(body).map_err(|error| AwsError::client("SerializationException", error.to_string()))
}
