//! A data stream as it is kept in memory, and all of them by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};
use tokio::sync::watch;

use super::errors::stream_not_found;
use super::limits::throughput_of_shard;
use super::sequence::sequence_number;
use super::shard::{hash_range, shard_id};
use crate::firehose::{Meter, ThroughputLimit};
use crate::{AwsError, Scope};

/// `StreamStatus`, as far as a stream in the sandbox can have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Creating,
    Active,
    Deleting,
}

/// `StreamMode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Provisioned,
    OnDemand,
}

/// What may change of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Details {
    pub status: Status,
    pub retention_hours: i64,
}

/// One data stream.
#[derive(Debug)]
pub(crate) struct DataStream {
    pub id: i64,
    pub scope: Scope,
    pub name: String,
    pub shard_count: u32,
    pub(super) mode: Mode,
    pub(super) max_record_kib: i64,
    pub(super) created_ms: i64,
    pub(super) details: watch::Sender<Details>,
    /// The number of the next record, told when records were accepted.
    pub(super) next_number: watch::Sender<i64>,
    /// What each shard takes.
    pub(super) meters: Vec<Meter>,
}

type StreamsByName = HashMap<(Scope, String), Arc<DataStream>>;

/// All data streams by account, region and name.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    by_name: Arc<Mutex<StreamsByName>>,
    changes: watch::Sender<()>,
}

/// A row of the table `data_stream`.
pub(super) struct StreamRow {
    pub id: i64,
    pub scope: Scope,
    pub name: String,
    pub shard_count: u32,
    pub mode: Mode,
    pub max_record_kib: i64,
    pub created_ms: i64,
    pub details: Details,
    pub next_number: i64,
}

impl DataStream {
    pub(super) fn new(row: StreamRow, limit: ThroughputLimit) -> Self {
        Self {
            id: row.id,
            scope: row.scope,
            name: row.name,
            shard_count: row.shard_count,
            mode: row.mode,
            max_record_kib: row.max_record_kib,
            created_ms: row.created_ms,
            details: watch::Sender::new(row.details),
            next_number: watch::Sender::new(row.next_number),
            meters: (0..row.shard_count).map(|_| Meter::of(throughput_of_shard(limit))).collect(),
        }
    }

    /// `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`
    pub(crate) fn arn(&self) -> String {
        self.scope.arn("kinesis", &format!("stream/{}", self.name))
    }

    pub(crate) fn status(&self) -> Status {
        self.details.borrow().status
    }

    /// Changes whenever records were accepted; its value is the number of the next record.
    pub(crate) fn growth(&self) -> watch::Receiver<i64> {
        self.next_number.subscribe()
    }

    /// Ends when the stream is no longer one that can be read.
    pub(crate) async fn ended(&self) {
        let mut details = self.details.subscribe();
        // The sender is this stream's own.
        let _ = details.wait_for(|details| details.status == Status::Deleting).await;
    }

    /// Records that arrived before are no longer kept.
    pub(super) fn horizon_ms(&self, now_ms: i64) -> i64 {
        now_ms - self.details.borrow().retention_hours * 60 * 60 * 1000
    }

    /// Tells the readers that the log has grown. Calls may end in another order than they were committed in.
    pub(super) fn tell_growth(&self, next_number: i64) {
        self.next_number.send_if_modified(|known| {
            let grown = next_number > *known;
            if grown {
                *known = next_number;
            }
            grown
        });
    }

    /// The members that `DescribeStream` and `DescribeStreamSummary` have in common.
    pub(super) fn describe(&self) -> Value {
        let details = *self.details.borrow();
        json!({
            "StreamName": self.name,
            "StreamARN": self.arn(),
            "StreamStatus": details.status.as_str(),
            "StreamModeDetails": {"StreamMode": self.mode.as_str()},
            "RetentionPeriodHours": details.retention_hours,
            "StreamCreationTimestamp": seconds(self.created_ms),
            "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
            "EncryptionType": "NONE",
        })
    }

    /// The structure `Shard`.
    pub(super) fn describe_shard(&self, shard: u32) -> Value {
        let (first, last) = hash_range(shard, self.shard_count);
        json!({
            "ShardId": shard_id(shard),
            "HashKeyRange": {"StartingHashKey": first.to_string(), "EndingHashKey": last.to_string()},
            "SequenceNumberRange": {"StartingSequenceNumber": sequence_number(self.id, 0)},
        })
    }
}

impl Streams {
    /// `ResourceNotFoundException` if there is none of this name.
    pub(super) fn get(&self, scope: &Scope, name: &str) -> Result<Arc<DataStream>, AwsError> {
        let stream = self.lock().get(&(scope.clone(), name.to_owned())).cloned();
        stream.ok_or_else(|| stream_not_found(name, &scope.account))
    }

    pub(super) fn add(&self, stream: Arc<DataStream>) {
        self.lock().insert((stream.scope.clone(), stream.name.clone()), stream);
        self.changes.send_replace(());
    }

    /// Forgets a stream, but not another one that has its name by now.
    pub(super) fn remove(&self, stream: &DataStream) {
        self.lock().retain(|_, known| known.id != stream.id);
        self.changes.send_replace(());
    }

    /// Tells that a stream has another status.
    pub(super) fn tell_change(&self) {
        self.changes.send_replace(());
    }

    /// Changes whenever a stream was made, became active or is going.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    pub(super) fn all(&self) -> Vec<Arc<DataStream>> {
        self.lock().values().cloned().collect()
    }

    /// A scope's streams in the order of their names.
    pub(super) fn of(&self, scope: &Scope) -> Vec<Arc<DataStream>> {
        let mut streams: Vec<_> = self.lock().values().filter(|stream| stream.scope == *scope).cloned().collect();
        streams.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        streams
    }

    fn lock(&self) -> MutexGuard<'_, StreamsByName> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
        }
    }
}

impl Mode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}

impl FromRow<'_, SqliteRow> for StreamRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let decode = |error: String| sqlx::Error::Decode(error.into());
        let status = match row.try_get("status")? {
            "CREATING" => Status::Creating,
            "ACTIVE" => Status::Active,
            "DELETING" => Status::Deleting,
            other => return Err(decode(format!("{other} is no status of a data stream"))),
        };
        let mode = match row.try_get("mode")? {
            "PROVISIONED" => Mode::Provisioned,
            "ON_DEMAND" => Mode::OnDemand,
            other => return Err(decode(format!("{other} is no mode of a data stream"))),
        };
        let account = row.try_get::<&str, _>("account_id")?.parse().map_err(|error| decode(format!("{error}")))?;
        let region = row.try_get::<&str, _>("region")?.parse().map_err(|error| decode(format!("{error}")))?;
        Ok(Self {
            id: row.try_get("stream_id")?,
            scope: Scope { account, region },
            name: row.try_get("name")?,
            shard_count: row.try_get("shard_count")?,
            mode,
            max_record_kib: row.try_get("max_record_kib")?,
            created_ms: row.try_get("created_ms")?,
            details: Details { status, retention_hours: row.try_get("retention_hours")? },
            next_number: row.try_get("next_number")?,
        })
    }
}

/// A timestamp as `awsJson1_1` has it.
pub(super) fn seconds(ms: i64) -> Value {
    json!(ms as f64 / 1000.0)
}
