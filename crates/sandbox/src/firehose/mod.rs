//! Amazon Data Firehose: delivery streams with Direct PUT or a data stream as source, an optional Lambda transformation, and S3 as destination
//! (`awsJson1_1`, target `Firehose_20150804`).

mod compression;
mod delivery;
mod destination;
mod errors;
mod limits;
mod log;
mod operations;
mod prefix;
mod put;
mod source;
mod stream;
mod tags;
mod time_pattern;
mod transformation;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};

use delivery::{Delivery, Patience};
pub(crate) use limits::Meter;
pub use limits::{FirehoseLimits, Throughput, ThroughputLimit};
pub(crate) use log::LogRecord;
use source::Pump;
use stream::{Stream, StreamRow, Streams};
use transformation::Invoke;

use crate::iam::Iam;
use crate::kinesis::Kinesis;
use crate::lambda::Lambda;
use crate::s3::S3;
use crate::tasks::Tasks;
use crate::{AwsError, Caller, Clock, Database, Operation, Scope};

/// Objects that are made at the same time, each of which may be 128 MiB.
const DELIVERIES: usize = 2;
/// How often records that nobody took in time are deleted.
const EXPIRY_INTERVAL_MS: i64 = 10 * 60 * 1000;

/// Delivery streams, their durable logs of accepted records, and the tasks that deliver them.
#[derive(Clone)]
pub struct Firehose {
    database: Database,
    clock: Clock,
    iam: Iam,
    s3: S3,
    invoker: Arc<dyn Invoke>,
    kinesis: Kinesis,
    limits: FirehoseLimits,
    patience: Patience,
    streams: Streams,
    slots: Arc<Semaphore>,
    tasks: Tasks,
}

/// A reader of a stream's log, known by name; the log keeps what a reader has not yet acknowledged (24 hours at most). It
/// stays the reader of a stream that is deleted and made anew.
#[derive(Clone, Debug)]
pub(crate) struct LogReader {
    pub scope: Scope,
    pub stream: String,
    pub reader: String,
}

impl Firehose {
    pub(crate) fn new(
        database: Database,
        clock: Clock,
        iam: Iam,
        s3: S3,
        lambda: Lambda,
        kinesis: Kinesis,
        limits: FirehoseLimits,
    ) -> Self {
        Self {
            database,
            clock,
            iam,
            s3,
            invoker: Arc::new(lambda),
            kinesis,
            limits,
            patience: Patience { creation: Duration::from_secs(1), pause: Duration::from_millis(500) },
            streams: Streams::default(),
            slots: Arc::new(Semaphore::new(DELIVERIES)),
            tasks: Tasks::default(),
        }
    }

    /// Starts the delivery tasks of all streams that exist, after a restart.
    pub(crate) async fn resume(&self) -> Result<(), AwsError> {
        let rows: Vec<StreamRow> =
            sqlx::query_as("SELECT * FROM delivery_stream").fetch_all(self.database.read()).await?;
        for row in rows {
            self.start(Arc::new(Stream::new(row, self.limits.throughput)));
        }
        let (database, clock) = (self.database.clone(), self.clock.clone());
        self.tasks.spawn(async move {
            loop {
                if let Err(error) = expire(&database, &clock).await {
                    tracing::warn!(%error, "old records cannot be deleted for now");
                }
                clock.wait_until_ms(clock.now_ms() + EXPIRY_INTERVAL_MS).await;
            }
        });
        Ok(())
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, operation: Operation<'_>, body: &[u8]) -> Result<Bytes, AwsError> {
        let scope = &caller.scope;
        match operation {
            "PutRecordBatch" => self.put_record_batch(scope, body).await,
            "PutRecord" => self.put_record(scope, body).await,
            "CreateDeliveryStream" => self.create_delivery_stream(scope, body).await,
            "DescribeDeliveryStream" => self.describe_delivery_stream(scope, body),
            "ListDeliveryStreams" => self.list_delivery_streams(scope, body),
            "UpdateDestination" => self.update_destination(scope, body).await,
            "DeleteDeliveryStream" => self.delete_delivery_stream(scope, body).await,
            "TagDeliveryStream" => self.tag_delivery_stream(scope, body).await,
            "UntagDeliveryStream" => self.untag_delivery_stream(scope, body).await,
            "ListTagsForDeliveryStream" => self.list_tags_for_delivery_stream(scope, body).await,
            _ => Err(AwsError::unknown_operation("firehose", operation)),
        }
    }

    /// The sequence number that the next accepted record of a stream will get; `ResourceNotFoundException` if there is none.
    pub(crate) async fn next_sequence(&self, scope: &Scope, stream: &str) -> Result<i64, AwsError> {
        Ok(self.streams.get(scope, stream)?.end.borrow().next_sequence)
    }

    /// Registers a reader at `sequence`, or moves it there: everything before it is acknowledged and may be trimmed.
    pub(crate) async fn acknowledge(&self, reader: &LogReader, sequence: i64) -> Result<(), AwsError> {
        let stream = self.streams.get(&reader.scope, &reader.stream)?;
        let mut transaction = self.database.write().await?;
        log::acknowledge(&mut transaction, stream.id, &reader_name(reader), sequence).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets a reader, so that the log is no longer kept for it, also not by a stream that is yet to be made.
    pub(crate) async fn forget_reader(&self, reader: &LogReader) -> Result<(), AwsError> {
        let name = reader_name(reader);
        let mut transaction = self.database.write().await?;
        if let Ok(stream) = self.streams.get(&reader.scope, &reader.stream) {
            log::forget(&mut transaction, stream.id, &name).await?;
        }
        log::forget_waiting(&mut transaction, &reader.scope, &reader.stream, &name).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Up to `limit` records (and a few MiB) from `sequence` on, in order; empty when there is nothing new. The first may have
    /// a higher sequence number than asked for, when older ones have expired.
    pub(crate) async fn read_log(
        &self,
        scope: &Scope,
        stream: &str,
        sequence: i64,
        limit: usize,
    ) -> Result<Vec<LogRecord>, AwsError> {
        let stream = self.streams.get(scope, stream)?;
        log::read_some(self.database.read(), stream.id, sequence, limit).await
    }

    /// Changes whenever records were accepted by the stream; its value is the next sequence number.
    pub(crate) async fn watch_log(&self, scope: &Scope, stream: &str) -> Result<watch::Receiver<i64>, AwsError> {
        Ok(self.streams.get(scope, stream)?.next_sequence.subscribe())
    }

    /// Makes a stream known and starts its task.
    fn start(&self, stream: Arc<Stream>) {
        self.streams.add(stream.clone());
        if let Some(source) = stream.details().settings.source.clone() {
            let pump = Pump {
                source,
                stream: stream.clone(),
                database: self.database.clone(),
                iam: self.iam.clone(),
                kinesis: self.kinesis.clone(),
                max_backlog_bytes: self.limits.max_backlog_bytes,
                pause: self.patience.pause,
            };
            self.tasks.spawn(pump.run());
        }
        let delivery = Delivery {
            stream,
            streams: self.streams.clone(),
            database: self.database.clone(),
            clock: self.clock.clone(),
            iam: self.iam.clone(),
            s3: self.s3.clone(),
            invoker: self.invoker.clone(),
            slots: self.slots.clone(),
            patience: self.patience,
        };
        self.tasks.spawn(delivery.run());
    }
}

/// Readers of other services are named apart from the delivery.
fn reader_name(reader: &LogReader) -> String {
    format!("reader/{}", reader.reader)
}

async fn expire(database: &Database, clock: &Clock) -> Result<(), AwsError> {
    let mut transaction = database.write().await?;
    let records = log::expire(&mut transaction, clock.now_ms() - log::RETENTION_MS).await?;
    transaction.commit().await?;
    if records > 0 {
        tracing::warn!(records, "records were not delivered within 24 hours and are gone");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
