//! Errors as AWS services answer them; `front` renders one in the protocol of the service that was called.

use thiserror::Error;

/// Whose fault an error is, as the protocols tell it (`Sender`/`Client` or `Receiver`/`Server`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Client,
    Server,
}

/// An error with an AWS error code, such as `ResourceNotFoundException`.
#[derive(Clone, Debug, Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// HTTP status of the answer.
    pub status: u16,
    /// The error code without namespace.
    pub code: String,
    /// The message that the client shows.
    pub message: String,
    /// Further members of the error's shape, such as `CancellationReasons`; JSON protocols only.
    pub members: Box<serde_json::Map<String, serde_json::Value>>,
}

impl AwsError {
    /// A client's fault, answered with status 400 as the JSON and query protocols do.
    pub fn client(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into(), members: Box::default() }
    }

    /// The same error with another HTTP status, which the REST protocols need.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same error with a further member in its body.
    pub fn with_member(mut self, name: &str, value: serde_json::Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// Our own fault: logged here, once, and told to the client without detail.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "the sandbox failed to serve a request");
        Self {
            status: 500,
            code: "InternalFailure".to_owned(),
            message: "The sandbox failed to serve this request; its log tells more.".to_owned(),
            members: Box::default(),
        }
    }

    /// The operation exists in AWS (or not) but not here.
    pub fn unknown_operation(service: &str, operation: &str) -> Self {
        Self::client(
            "UnknownOperationException",
            format!("The sandbox does not offer the operation {operation} of {service}."),
        )
    }

    /// Whose fault it is, by the status.
    pub fn fault(&self) -> Fault {
        if self.status >= 500 { Fault::Server } else { Fault::Client }
    }
}

impl From<sqlx::Error> for AwsError {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(error)
    }
}

/// A value that breaks the operation's declared constraints, in the words in which several services say it.
pub(crate) fn validation(value: impl std::fmt::Display, member: &str, constraint: &str) -> AwsError {
    AwsError::client(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {constraint}"
        ),
    )
}

/// A member that is required and absent.
pub(crate) fn missing(member: &str) -> AwsError {
    AwsError::client(
        "ValidationException",
        format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ),
    )
}
