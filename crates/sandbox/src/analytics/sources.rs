//! What a running application needs from other services, so that tests can stand in for them.

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::firehose::{Firehose, LogReader, LogRecord};
use crate::iam::Iam;
use crate::lambda::{Invocation, Lambda};
use crate::{AwsError, Scope};

/// The service that an application's role must trust.
pub(super) const SERVICE_PRINCIPAL: &str = "kinesisanalytics.amazonaws.com";

/// The durable log of a delivery stream.
#[async_trait]
pub(super) trait InputLog: Send + Sync {
    /// The sequence number that the next record will get.
    async fn next_sequence(&self, scope: &Scope, stream: &str) -> Result<i64, AwsError>;
    /// Everything before `sequence` may be trimmed.
    async fn acknowledge(&self, reader: &LogReader, sequence: i64) -> Result<(), AwsError>;
    /// The log is no longer kept for this reader.
    async fn forget_reader(&self, reader: &LogReader) -> Result<(), AwsError>;
    /// Records from `sequence` on, in order; empty when there is nothing new.
    async fn read_log(
        &self,
        scope: &Scope,
        stream: &str,
        sequence: i64,
        limit: usize,
    ) -> Result<Vec<LogRecord>, AwsError>;
    /// Changes whenever records were accepted.
    async fn watch_log(&self, scope: &Scope, stream: &str) -> Result<watch::Receiver<i64>, AwsError>;
}

/// Invokes functions in the name of an application's role.
#[async_trait]
pub(super) trait InvokeFunction: Send + Sync {
    async fn invoke(&self, scope: &Scope, role: &str, function: &str, payload: Bytes) -> Result<Invocation, AwsError>;
}

/// [`Lambda`], called only while the application's role trusts the service.
pub(super) struct RoleFunctions {
    pub iam: Iam,
    pub lambda: Lambda,
}

#[async_trait]
impl InputLog for Firehose {
    async fn next_sequence(&self, scope: &Scope, stream: &str) -> Result<i64, AwsError> {
        Self::next_sequence(self, scope, stream).await
    }

    async fn acknowledge(&self, reader: &LogReader, sequence: i64) -> Result<(), AwsError> {
        Self::acknowledge(self, reader, sequence).await
    }

    async fn forget_reader(&self, reader: &LogReader) -> Result<(), AwsError> {
        Self::forget_reader(self, reader).await
    }

    async fn read_log(
        &self,
        scope: &Scope,
        stream: &str,
        sequence: i64,
        limit: usize,
    ) -> Result<Vec<LogRecord>, AwsError> {
        Self::read_log(self, scope, stream, sequence, limit).await
    }

    async fn watch_log(&self, scope: &Scope, stream: &str) -> Result<watch::Receiver<i64>, AwsError> {
        Self::watch_log(self, scope, stream).await
    }
}

#[async_trait]
impl InvokeFunction for RoleFunctions {
    async fn invoke(&self, scope: &Scope, role: &str, function: &str, payload: Bytes) -> Result<Invocation, AwsError> {
        if !self.iam.may_assume(scope, role, SERVICE_PRINCIPAL).await? {
            let message =
                format!("{SERVICE_PRINCIPAL} cannot assume the role {role}: it is gone or does not trust the service.");
            return Err(AwsError::client("InvalidArgumentException", message));
        }
        self.lambda.invoke(scope, function, payload).await
    }
}
