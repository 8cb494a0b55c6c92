//! The errors of Amazon Kinesis Data Streams, with its messages as far as they are known.

pub(super) use crate::error::{missing, validation};
use crate::{AccountId, AwsError};

/// A value that the service understands but does not accept.
pub(super) fn invalid_argument(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidArgumentException", message)
}

/// There is no such stream in the caller's account and region, or none that takes records yet.
pub(super) fn stream_not_found(name: &str, account: &AccountId) -> AwsError {
    AwsError::client("ResourceNotFoundException", format!("Stream {name} under account {account} not found."))
}

pub(super) fn shard_not_found(shard: &str, stream: &str, account: &AccountId) -> AwsError {
    AwsError::client(
        "ResourceNotFoundException",
        format!("Shard {shard} in stream {stream} under account {account} does not exist"),
    )
}

pub(super) fn in_use(message: impl Into<String>) -> AwsError {
    AwsError::client("ResourceInUseException", message)
}

pub(super) fn limit_exceeded(message: impl Into<String>) -> AwsError {
    AwsError::client("LimitExceededException", message)
}

/// The code of a record that its shard does not take at present; clients send it again.
pub(super) const THROUGHPUT_EXCEEDED: &str = "ProvisionedThroughputExceededException";

/// A part of an operation that AWS has and the sandbox does not.
pub(super) fn not_offered(what: &str) -> AwsError {
    invalid_argument(format!("The sandbox does not offer {what} for data streams."))
}
