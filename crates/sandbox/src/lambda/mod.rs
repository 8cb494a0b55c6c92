//! AWS Lambda: functions in real Python processes, under bubblewrap, over the Lambda Runtime API (`rest-json`, 2015-03-31).

use bytes::Bytes;

use crate::keyring::Keyring;
use crate::{AwsError, Caller, Database, SandboxConfig, Scope};

/// Functions and the processes that run them.
#[derive(Clone)]
pub struct Lambda {
    database: Database,
    config: SandboxConfig,
    keyring: Keyring,
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
    /// `keyring` gives a function the temporary credentials of its role (`Keyring::session_credentials`).
    pub(crate) fn new(database: Database, config: SandboxConfig, keyring: Keyring) -> Self {
        Self { database, config, keyring }
    }

    /// Answers one HTTP request, whose signature is verified; paths are as the Lambda API has them
    /// (`/2015-03-31/functions/...`), still percent-encoded. Errors are rendered by the front door.
    pub(crate) async fn handle(
        &self,
        caller: Caller,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, AwsError> {
        let _ = (&self.keyring, caller);
        Err(AwsError::unknown_operation("lambda", &format!("{} {}", request.method(), request.uri().path())))
    }

    /// Invokes a function synchronously, as Firehose and the SQL application do. `function` is a name, a partial ARN or an
    /// ARN, with or without a version. Errors: `ResourceNotFoundException`, `TooManyRequestsException`, ...
    pub(crate) async fn invoke(&self, scope: &Scope, function: &str, payload: Bytes) -> Result<Invocation, AwsError> {
        let _ = (&self.database, &self.config, scope, function, payload);
        Err(AwsError::unknown_operation("lambda", "Invoke"))
    }
}
