//! The errors of Amazon Data Firehose, with its messages as far as they are known.

pub(super) use crate::error::{missing, validation};
use crate::{AccountId, AwsError};

/// A value that the service understands but does not accept.
pub(super) fn invalid_argument(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidArgumentException", message)
}

/// A setting that AWS has and the sandbox has not.
pub(super) fn not_offered(what: &str) -> AwsError {
    invalid_argument(format!("The sandbox does not offer {what} for delivery streams."))
}

/// There is no such stream in the caller's account and region.
pub(super) fn stream_not_found(name: &str, account: &AccountId) -> AwsError {
    AwsError::client("ResourceNotFoundException", format!("Firehose {name} under accountId {account} not found."))
}

/// More than the stream takes at present; clients send again.
pub(super) fn slow_down() -> AwsError {
    AwsError::client("ServiceUnavailableException", SLOW_DOWN).with_status(503)
}

/// The message with which single records are refused.
pub(super) const SLOW_DOWN: &str = "Slow down.";
