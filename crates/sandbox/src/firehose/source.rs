//! A data stream as source: its settings, and the task that carries its records over into the log of the delivery stream.
//!
//! Records are added to the log in the transaction that moves the position in the data stream, so that each comes over once.
//! From there on they are delivered like records that were put.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::Firehose;
use super::errors::{invalid_argument, missing};
use super::log::{self, Appended, Origin};
use super::operations::PRINCIPAL;
use super::stream::{Status, Stream, seconds};
use crate::iam::Iam;
use crate::kinesis::{
    self, DataRecord, DataStream, Kinesis, Refusal, Start, may_read, readers, sequence_number, shard_id,
};
use crate::record_batch::Batch;
use crate::{AwsError, Database, Scope};

/// Most records that are carried over at once.
const MAX_RECORDS: usize = 500;
/// Roughly the most bytes of them.
const MAX_BYTES: usize = 1024 * 1024;
/// The longest wait before the stream is read again after something failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// `KinesisStreamSourceConfiguration`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SourceRequest {
    #[serde(rename = "KinesisStreamARN")]
    kinesis_stream_arn: Option<String>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
}

/// A source that was checked, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Source {
    pub stream_arn: String,
    pub role_arn: String,
    /// When reading began.
    pub started_ms: i64,
}

/// What the task of a delivery stream with a source works with.
pub(super) struct Pump {
    pub source: Source,
    pub stream: Arc<Stream>,
    pub database: Database,
    pub iam: Iam,
    pub kinesis: Kinesis,
    pub max_backlog_bytes: u64,
    /// The first wait after something failed; it doubles each time.
    pub pause: Duration,
}

/// Why nothing is read for now.
#[derive(Debug, Error)]
enum Problem {
    #[error("the role {0} cannot read the data stream: {1:?}")]
    Role(String, Refusal),
    #[error("as much waits for delivery as the sandbox keeps")]
    BacklogFull,
    #[error("the delivery stream is going")]
    StreamGone,
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::Aws(error.into())
    }
}

/// The name under which a delivery stream reads its source.
pub(super) fn reader(stream_id: i64) -> String {
    format!("delivery/{stream_id}")
}

impl Source {
    /// The member `Source` of a description.
    pub(super) fn describe(&self) -> Value {
        json!({
            "KinesisStreamSourceDescription": {
                "KinesisStreamARN": self.stream_arn,
                "RoleARN": self.role_arn,
                "DeliveryStartTimestamp": seconds(self.started_ms),
            },
        })
    }
}

impl Firehose {
    /// The stream must be there, and the role must be one with which Firehose can read it.
    pub(super) async fn check_source(
        &self,
        scope: &Scope,
        request: SourceRequest,
    ) -> Result<(Source, Arc<DataStream>), AwsError> {
        let path = "kinesisStreamSourceConfiguration";
        let stream_arn = request.kinesis_stream_arn.ok_or_else(|| missing(&format!("{path}.kinesisStreamARN")))?;
        let role_arn = request.role_arn.ok_or_else(|| missing(&format!("{path}.roleARN")))?;
        let stream = self.kinesis.stream_by_arn(scope, &stream_arn);
        let stream = stream.filter(|stream| stream.status() != kinesis::Status::Deleting).ok_or_else(|| {
            invalid_argument(format!(
                "Firehose cannot find the data stream {stream_arn}. Please check the stream provided."
            ))
        })?;
        match may_read(&self.iam, &stream, &role_arn, PRINCIPAL).await? {
            Ok(()) => {}
            Err(Refusal::NotAssumable) => {
                return Err(invalid_argument(format!(
                    "Firehose is unable to assume role {role_arn}. Please check the role provided."
                )));
            }
            Err(Refusal::NotAllowed(action)) => {
                return Err(invalid_argument(format!(
                    "The role {role_arn} is not authorized to perform: {action} on resource: {stream_arn}. Please check the \
                     role provided."
                )));
            }
        }
        Ok((Source { stream_arn, role_arn, started_ms: self.clock.now_ms() }, stream))
    }
}

impl Pump {
    /// Runs until the delivery stream is deleted.
    pub(super) async fn run(self) {
        let mut details = self.stream.details.subscribe();
        // The sender is the stream's own.
        let _ = details.wait_for(|details| details.status != Status::Creating).await;
        let mut deleting = details.clone();
        tokio::select! {
            _ = deleting.wait_for(|details| details.status == Status::Deleting) => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&self) {
        let mut streams = self.kinesis.watch_streams();
        let mut failures = 0;
        loop {
            streams.mark_unchanged();
            let stream = self.kinesis.stream_by_arn(&self.stream.scope, &self.source.stream_arn);
            match stream.filter(|stream| stream.status() == kinesis::Status::Active) {
                Some(stream) => {
                    tokio::select! {
                        ended = self.read(&stream, &mut failures) => {
                            let Err(problem) = ended;
                            let pause = self.pause.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
                            failures += 1;
                            tracing::warn!(stream = self.stream.arn(), %problem, ?pause, "a source is read again");
                            tokio::time::sleep(pause).await;
                        }
                        () = stream.ended() => {}
                    }
                }
                None => {
                    if streams.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn read(&self, stream: &DataStream, failures: &mut u32) -> Result<Infallible, Problem> {
        let reader = reader(self.stream.id);
        let mut growth = stream.growth();
        let mut positions = Vec::new();
        for shard in 0..stream.shard_count {
            positions.push(self.position(stream, shard, &reader).await?);
        }
        loop {
            growth.mark_unchanged();
            let mut idle = true;
            for (shard, position) in (0..stream.shard_count).zip(&mut positions) {
                let records = self.kinesis.read(stream, shard, *position, MAX_RECORDS, MAX_BYTES).await?;
                if !records.is_empty() {
                    *position = self.carry_over(stream, shard, *position, &records).await?;
                    *failures = 0;
                    idle = false;
                }
            }
            if idle {
                // The sender is the stream's own.
                let _ = growth.changed().await;
            }
        }
    }

    async fn position(&self, stream: &DataStream, shard: u32, reader: &str) -> Result<i64, Problem> {
        if let Some(position) = readers::position(self.database.read(), stream, shard, reader).await? {
            return Ok(position);
        }
        // The stream that was read before is gone, and this one has its name.
        let mut transaction = self.database.write().await?;
        readers::register(&mut transaction, stream, reader, Start::TrimHorizon).await?;
        transaction.commit().await?;
        Ok(0)
    }

    /// Adds records to the log of the delivery stream and gives the position after them.
    async fn carry_over(
        &self,
        stream: &DataStream,
        shard: u32,
        position: i64,
        records: &[DataRecord],
    ) -> Result<i64, Problem> {
        if let Err(refusal) = may_read(&self.iam, stream, &self.source.role_arn, PRINCIPAL).await? {
            return Err(Problem::Role(self.source.role_arn.clone(), refusal));
        }
        let most_bytes = i64::try_from(self.max_backlog_bytes).unwrap_or(i64::MAX);
        let mut transaction = self.database.write().await?;
        let mut end = None;
        for records in records.chunk_by(|left, right| left.arrival_ms == right.arrival_ms) {
            let mut batch = Batch::with_capacity(records.iter().map(|record| record.data.len()).sum());
            for record in records {
                batch.push_with(usize::MAX, |out| {
                    out.extend_from_slice(&record.data);
                    Ok::<(), AwsError>(())
                })?;
            }
            let origins: Vec<Origin> = records.iter().map(|record| origin(stream, shard, record)).collect();
            let arrival_ms = records.first().map_or(0, |record| record.arrival_ms);
            let id = self.stream.id;
            match log::append(&mut transaction, id, batch, Some(&origins), arrival_ms, most_bytes).await? {
                Appended::Written { end: written, .. } => end = Some(written),
                Appended::BacklogFull => return Err(Problem::BacklogFull),
                Appended::StreamGone => return Err(Problem::StreamGone),
            }
        }
        let next = records.last().map_or(position, |last| last.number + 1);
        let place = (stream.id, shard);
        if !readers::advance(&mut transaction, place, &reader(self.stream.id), position, next).await? {
            return Err(AwsError::internal("another task has carried over the same records").into());
        }
        transaction.commit().await?;
        if let Some(end) = end {
            self.stream.tell_end(end);
        }
        Ok(next)
    }
}

fn origin(stream: &DataStream, shard: u32, record: &DataRecord) -> Origin {
    Origin {
        shard_id: shard_id(shard),
        partition_key: record.partition_key.clone(),
        sequence_number: sequence_number(stream.id, record.number),
    }
}
