//! AWS Lambda: functions in real Python processes, under bubblewrap, over the Lambda Runtime API (`rest-json`, 2015-03-31).

use bytes::Bytes;

use crate::{AwsError, Database, SandboxConfig, Scope};

/// Functions and the processes that run them.
#[derive(Clone)]
pub struct Lambda {
    database: Database,
    config: SandboxConfig,
}

/// What an invocation came to, as the `Invoke` operation tells it.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function's answer, or the error document when `function_error` is set.
    pub payload: Bytes,
    /// `Unhandled` or `Handled` when the function failed (header `X-Amz-Function-Error`).
    pub function_error: Option<String>,
    /// The last 4 KB of what the function wrote, not yet base64 (header `X-Amz-Log-Result`).
    pub log_tail: Bytes,
    /// The version that ran, `$LATEST`.
    pub executed_version: String,
}

impl Lambda {
    pub(crate) fn new(database: Database, config: SandboxConfig) -> Self {
        Self { database, config }
    }

    /// Invokes a function synchronously, as Firehose and the SQL application do. `function` is a name, a partial ARN or an
    /// ARN, with or without a version. Errors: `ResourceNotFoundException`, `TooManyRequestsException`, ...
    pub(crate) async fn invoke(&self, scope: &Scope, function: &str, payload: Bytes) -> Result<Invocation, AwsError> {
        let _ = (&self.database, &self.config, scope, function, payload);
        Err(AwsError::unknown_operation("lambda", "Invoke"))
    }
}
