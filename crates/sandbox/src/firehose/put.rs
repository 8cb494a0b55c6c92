//! `PutRecord` and `PutRecordBatch`.

use std::borrow::Cow;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Firehose;
use super::errors::{SLOW_DOWN, invalid_argument, missing, slow_down, stream_not_found, validation};
use super::log::{self, Appended};
use super::stream::{Status, Stream};
use crate::record_batch::Batch;
use crate::service::write_json;
use crate::{AwsError, Scope};

/// The most records in a `PutRecordBatch`.
const MAX_RECORDS: usize = 500;
/// The most bytes in a record before base64: 1,000 KiB.
const MAX_RECORD_BYTES: usize = 1000 * 1024;
/// The most bytes of all records of a call before base64: 4 MiB.
const MAX_CALL_BYTES: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordInput<'a> {
    #[serde(borrow, default)]
    delivery_stream_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    record: Option<RecordInput<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordBatchInput<'a> {
    #[serde(borrow, default)]
    delivery_stream_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    records: Option<Vec<RecordInput<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordInput<'a> {
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordOutput {
    record_id: String,
    encrypted: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordBatchOutput {
    failed_put_count: usize,
    encrypted: bool,
    request_responses: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    #[serde(rename_all = "PascalCase")]
    Accepted { record_id: String },
    #[serde(rename_all = "PascalCase")]
    Refused { error_code: &'static str, error_message: &'static str },
}

/// What became of the records of a call: the first ones are accepted, the others refused for now.
struct Put {
    first_sequence: i64,
    accepted: usize,
}

impl Firehose {
    pub(super) async fn put_record(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: PutRecordInput = read(body)?;
        let stream = self.stream_to_put(scope, input.delivery_stream_name)?;
        let record = input.record.ok_or_else(|| missing("record"))?;
        let mut batch = Batch::with_capacity(record.data.as_ref().map_or(0, |data| data.len()));
        let size = decode(&mut batch, record, "record.data")?;
        let put = self.accept(&stream, batch, &[size]).await?;
        if put.accepted == 0 {
            return Err(slow_down());
        }
        write_json(&PutRecordOutput { record_id: record_id(&stream, put.first_sequence), encrypted: false })
    }

    pub(super) async fn put_record_batch(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: PutRecordBatchInput = read(body)?;
        let stream = self.stream_to_put(scope, input.delivery_stream_name)?;
        let records = input.records.ok_or_else(|| missing("records"))?;
        if !(1..=MAX_RECORDS).contains(&records.len()) {
            let bound = if records.is_empty() {
                "have length greater than or equal to 1".to_owned()
            } else {
                format!("have length less than or equal to {MAX_RECORDS}")
            };
            return Err(validation(format!("[{} records]", records.len()), "records", &bound));
        }
        let count = records.len();
        let mut batch = Batch::with_capacity(body.len());
        let mut sizes = Vec::with_capacity(count);
        for (index, record) in records.into_iter().enumerate() {
            sizes.push(decode(&mut batch, record, &format!("records.{}.member.data", index + 1))?);
        }
        if batch.data_bytes() > MAX_CALL_BYTES {
            return Err(invalid_argument("Records size exceeds 4 MB limit"));
        }
        let put = self.accept(&stream, batch, &sizes).await?;
        let request_responses = (0..count)
            .zip(put.first_sequence..)
            .map(|(index, sequence)| {
                if index < put.accepted {
                    Entry::Accepted { record_id: record_id(&stream, sequence) }
                } else {
                    Entry::Refused { error_code: "ServiceUnavailableException", error_message: SLOW_DOWN }
                }
            })
            .collect();
        write_json(&PutRecordBatchOutput {
            failed_put_count: count - put.accepted,
            encrypted: false,
            request_responses,
        })
    }

    fn stream_to_put(&self, scope: &Scope, name: Option<Cow<'_, str>>) -> Result<std::sync::Arc<Stream>, AwsError> {
        let name = name.ok_or_else(|| missing("deliveryStreamName"))?;
        let stream = self.streams.get(scope, &name)?;
        if stream.details().settings.source.is_some() {
            return Err(invalid_argument(
                "This operation is not permitted on KinesisStreamAsSource delivery stream type.",
            ));
        }
        match stream.details().status {
            Status::Active => Ok(stream),
            // Clients of AWS's SDKs try again by themselves, and soon it is there.
            Status::Creating => Err(AwsError::client(
                "ServiceUnavailableException",
                format!("Firehose {name} is still being created. Try again in a moment."),
            )
            .with_status(503)),
            Status::Deleting => Err(stream_not_found(&name, &scope.account)),
        }
    }

    /// Writes as many of the records as the stream takes now. They are durable when this returns.
    async fn accept(&self, stream: &Stream, mut batch: Batch, sizes: &[usize]) -> Result<Put, AwsError> {
        let admitted = stream.meter.admit(sizes, Instant::now()).ok_or_else(slow_down)?;
        if admitted == 0 {
            return Ok(Put { first_sequence: 0, accepted: 0 });
        }
        batch.truncate(admitted);
        let max_backlog = i64::try_from(self.limits.max_backlog_bytes).unwrap_or(i64::MAX);
        let mut transaction = self.database.write().await?;
        // Read within the transaction, so that arrival times grow with sequence numbers.
        let arrival_ms = self.clock.now_ms();
        match log::append(&mut transaction, stream.id, batch, None, arrival_ms, max_backlog).await? {
            Appended::Written { first_sequence, end } => {
                transaction.commit().await?;
                stream.tell_end(end);
                Ok(Put { first_sequence, accepted: admitted })
            }
            Appended::BacklogFull => Err(slow_down()),
            Appended::StreamGone => Err(stream_not_found(&stream.name, &stream.scope.account)),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, AwsError> {
    serde_json::from_slice(body).map_err(|error| AwsError::client("SerializationException", error.to_string()))
}

/// Adds a record's data to the batch and gives its length.
fn decode(batch: &mut Batch, record: RecordInput<'_>, member: &str) -> Result<usize, AwsError> {
    let encoded = record.data.ok_or_else(|| missing(member))?;
    let pushed = batch.push_with(MAX_RECORD_BYTES, |out| BASE64_STANDARD.decode_vec(encoded.as_bytes(), out));
    match pushed {
        Ok(Some(length)) => Ok(length),
        Ok(None) => {
            let length = encoded.len() / 4 * 3 - encoded.bytes().rev().take_while(|byte| *byte == b'=').count();
            let value = format!("java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]");
            Err(validation(value, member, &format!("have length less than or equal to {MAX_RECORD_BYTES}")))
        }
        Err(error) => Err(AwsError::client("SerializationException", format!("{member} is not base64: {error}"))),
    }
}

/// Unique among all records ever accepted.
fn record_id(stream: &Stream, sequence: i64) -> String {
    format!("{:016x}{sequence:016x}", stream.id)
}
