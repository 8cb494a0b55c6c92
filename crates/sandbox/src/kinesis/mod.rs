//! Amazon Kinesis Data Streams: streams of shards that keep records for a day, and are read by whoever wants, each at their
//! own pace (`awsJson1_1`, target `Kinesis_20131202`).
//!
//! ```text
//! operations, shards, tags   streams           shard, sequence, iterator   names and numbers, pure
//! put, get                   records           log, readers                what is in the database
//! reading                    by roles
//! ```

mod errors;
mod get;
mod iterator;
mod limits;
mod log;
mod operations;
mod put;
pub(crate) mod readers;
mod reading;
mod request;
mod sequence;
mod shard;
mod shards;
mod stream;
mod tags;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};

pub(crate) use iterator::stream_of_iterator;
pub(crate) use log::{DataRecord, Start};
pub(crate) use reading::{Refusal, may_read};
pub(crate) use sequence::sequence_number;
pub(crate) use shard::shard_id;
pub(crate) use stream::{DataStream, Status};
use stream::{StreamRow, Streams};

use crate::firehose::FirehoseLimits;
use crate::tasks::Tasks;
use crate::{AwsError, Caller, Clock, Database, Operation, Scope};

/// How long a stream is CREATING or DELETING. AWS takes longer.
const SETTLES_AFTER: Duration = Duration::from_millis(500);
/// Answers to `GetRecords` that are made at the same time, each of which may be 10 MiB.
const READS: usize = 4;
/// How often records that are too old are deleted. They are not given to readers meanwhile.
const EXPIRY_INTERVAL_MS: i64 = 10 * 60 * 1000;

/// Data streams and their durable logs. Cheap to clone; the tasks end with the last clone.
#[derive(Clone)]
pub struct Kinesis {
    database: Database,
    clock: Clock,
    limits: FirehoseLimits,
    streams: Streams,
    /// Bounds the answers with records that are made at the same time.
    reads: Arc<Semaphore>,
    tasks: Tasks,
}

impl Kinesis {
    pub(crate) fn new(database: Database, clock: Clock, limits: FirehoseLimits) -> Self {
        let reads = Arc::new(Semaphore::new(READS));
        Self { database, clock, limits, streams: Streams::default(), reads, tasks: Tasks::default() }
    }

    /// Takes up the streams that exist, after a restart.
    pub(crate) async fn resume(&self) -> Result<(), AwsError> {
        let rows: Vec<StreamRow> = sqlx::query_as("SELECT * FROM data_stream").fetch_all(self.database.read()).await?;
        for row in rows {
            self.start(Arc::new(DataStream::new(row, self.limits.throughput)));
        }
        let (database, clock, streams) = (self.database.clone(), self.clock.clone(), self.streams.clone());
        self.tasks.spawn(async move {
            loop {
                if let Err(error) = expire(&database, &clock, &streams).await {
                    tracing::warn!(%error, "old records of data streams cannot be deleted for now");
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
            "PutRecords" => self.put_records(scope, body).await,
            "PutRecord" => self.put_record(scope, body).await,
            "GetRecords" => self.get_records(scope, body).await,
            "GetShardIterator" => self.get_shard_iterator(scope, body).await,
            "CreateStream" => self.create_stream(scope, body).await,
            "DescribeStream" => self.describe_stream(scope, body),
            "DescribeStreamSummary" => self.describe_stream_summary(scope, body),
            "DescribeLimits" => Ok(self.describe_limits(scope)),
            "ListStreams" => self.list_streams(scope, body),
            "ListShards" => self.list_shards(scope, body),
            "DeleteStream" => self.delete_stream(scope, body).await,
            "IncreaseStreamRetentionPeriod" => self.change_retention(scope, body, true).await,
            "DecreaseStreamRetentionPeriod" => self.change_retention(scope, body, false).await,
            "AddTagsToStream" => self.add_tags_to_stream(scope, body).await,
            "RemoveTagsFromStream" => self.remove_tags_from_stream(scope, body).await,
            "ListTagsForStream" => self.list_tags_for_stream(scope, body).await,
            "TagResource" => self.tag_resource(scope, body).await,
            "UntagResource" => self.untag_resource(scope, body).await,
            "ListTagsForResource" => self.list_tags_for_resource(scope, body).await,
            _ => Err(AwsError::unknown_operation("kinesis", operation)),
        }
    }

    /// The time that records arrive by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The stream that an ARN names, if this account has it in this region.
    pub(crate) fn stream_by_arn(&self, scope: &Scope, arn: &str) -> Option<Arc<DataStream>> {
        let name = arn.strip_prefix(&scope.arn("kinesis", "stream/"))?;
        self.streams.get(scope, name).ok()
    }

    /// Changes whenever a stream was made, became active or is going.
    pub(crate) fn watch_streams(&self) -> watch::Receiver<()> {
        self.streams.watch()
    }

    /// Up to `max_records` records of a shard from `number` on, in order, with up to `max_bytes` of data but for the first;
    /// empty when there is nothing new.
    pub(crate) async fn read(
        &self,
        stream: &DataStream,
        shard: u32,
        number: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<DataRecord>, AwsError> {
        let horizon_ms = stream.horizon_ms(self.clock.now_ms());
        log::read(self.database.read(), (stream.id, shard), number, horizon_ms, max_records, max_bytes).await
    }

    /// Makes a stream known and sees to it that it comes to be, or goes.
    fn start(&self, stream: Arc<DataStream>) {
        self.streams.add(stream.clone());
        match stream.status() {
            Status::Creating => self.settle(stream, Status::Active),
            Status::Active => {}
            Status::Deleting => self.settle(stream, Status::Deleting),
        }
    }

    /// After a moment, makes a new stream active or removes one that is being deleted.
    fn settle(&self, stream: Arc<DataStream>, to: Status) {
        let (database, streams) = (self.database.clone(), self.streams.clone());
        self.tasks.spawn(async move {
            loop {
                tokio::time::sleep(SETTLES_AFTER).await;
                let settled = match to {
                    Status::Deleting => remove(&database, &stream).await,
                    Status::Creating | Status::Active => activate(&database, &stream).await,
                };
                match settled {
                    Ok(()) if to == Status::Deleting => return streams.remove(&stream),
                    Ok(()) => return streams.tell_change(),
                    Err(error) => tracing::warn!(%error, stream = stream.arn(), "a data stream keeps its status"),
                }
            }
        });
    }
}

async fn activate(database: &Database, stream: &DataStream) -> Result<(), AwsError> {
    let mut transaction = database.write().await?;
    sqlx::query("UPDATE data_stream SET status = 'ACTIVE' WHERE stream_id = ? AND status = 'CREATING'")
        .bind(stream.id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    stream.details.send_if_modified(|details| {
        let creating = details.status == Status::Creating;
        if creating {
            details.status = Status::Active;
        }
        creating
    });
    Ok(())
}

async fn remove(database: &Database, stream: &DataStream) -> Result<(), AwsError> {
    let mut transaction = database.write().await?;
    sqlx::query("DELETE FROM data_stream WHERE stream_id = ?").bind(stream.id).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

async fn expire(database: &Database, clock: &Clock, streams: &Streams) -> Result<(), AwsError> {
    for stream in streams.all() {
        let mut transaction = database.write().await?;
        log::expire(&mut transaction, stream.id, stream.horizon_ms(clock.now_ms())).await?;
        transaction.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
