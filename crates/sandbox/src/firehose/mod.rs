//! Amazon Data Firehose: delivery streams with Direct PUT, an optional Lambda transformation, and S3 as destination
//! (`awsJson1_1`, target `Firehose_20150804`).

use bytes::Bytes;
use tokio::sync::watch;

use crate::iam::Iam;
use crate::lambda::Lambda;
use crate::s3::S3;
use crate::{AwsError, Caller, Clock, Database, Operation, Scope};

/// Delivery streams, their durable logs of accepted records, and the tasks that deliver them.
#[derive(Clone)]
pub struct Firehose {
    database: Database,
    clock: Clock,
    iam: Iam,
    s3: S3,
    lambda: Lambda,
}

/// One record in a delivery stream's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogRecord {
    /// Position in the log, growing by one a record, never used twice.
    pub sequence: i64,
    /// When `PutRecord` or `PutRecordBatch` accepted it, milliseconds since the epoch.
    pub arrival_ms: i64,
    pub data: Bytes,
}

/// A reader of a stream's log, known by name; the log keeps what a reader has not yet acknowledged (24 hours at most).
#[derive(Clone, Debug)]
pub(crate) struct LogReader {
    pub scope: Scope,
    pub stream: String,
    pub reader: String,
}

impl Firehose {
    pub(crate) fn new(database: Database, clock: Clock, iam: Iam, s3: S3, lambda: Lambda) -> Self {
        Self { database, clock, iam, s3, lambda }
    }

    /// Starts the delivery tasks of all streams that exist, after a restart.
    pub(crate) async fn resume(&self) -> Result<(), AwsError> {
        let _ = (&self.database, &self.clock, &self.iam, &self.s3, &self.lambda);
        Ok(())
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, operation: Operation<'_>, body: &[u8]) -> Result<Bytes, AwsError> {
        let _ = (caller, body);
        Err(AwsError::unknown_operation("firehose", operation))
    }

    /// The sequence number that the next accepted record of a stream will get; `ResourceNotFoundException` if there is none.
    pub(crate) async fn next_sequence(&self, scope: &Scope, stream: &str) -> Result<i64, AwsError> {
        let _ = (scope, stream);
        Ok(0)
    }

    /// Registers a reader at `sequence`, or moves it there: everything before it is acknowledged and may be trimmed.
    pub(crate) async fn acknowledge(&self, reader: &LogReader, sequence: i64) -> Result<(), AwsError> {
        let _ = (&reader.scope, &reader.stream, &reader.reader, sequence);
        Ok(())
    }

    /// Forgets a reader, so that the log is no longer kept for it.
    pub(crate) async fn forget_reader(&self, reader: &LogReader) -> Result<(), AwsError> {
        let _ = reader;
        Ok(())
    }

    /// Up to `limit` records (and a few MiB) from `sequence` on, in order; empty when there is nothing new.
    pub(crate) async fn read_log(
        &self,
        scope: &Scope,
        stream: &str,
        sequence: i64,
        limit: usize,
    ) -> Result<Vec<LogRecord>, AwsError> {
        let _ = (scope, stream, sequence, limit);
        Ok(Vec::new())
    }

    /// Changes whenever records were accepted by the stream; its value is the next sequence number.
    pub(crate) async fn watch_log(&self, scope: &Scope, stream: &str) -> Result<watch::Receiver<i64>, AwsError> {
        let _ = (scope, stream);
        Ok(watch::channel(0).1)
    }
}
