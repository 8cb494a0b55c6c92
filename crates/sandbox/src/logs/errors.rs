//! CloudWatch Logs' errors.

use crate::AwsError;

/// `InvalidParameterException`
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidParameterException", message)
}

/// The `InvalidParameterException` for a parameter whose value is outside its type's constraint.
pub(super) fn constraint(value: impl std::fmt::Display, member: &str, constraint: &str) -> AwsError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// The `InvalidParameterException` for a parameter that must be there.
pub(super) fn missing(member: &str) -> AwsError {
    invalid(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

/// The `InvalidParameterException` for what AWS has and the sandbox has not.
pub(super) fn not_offered(what: &str) -> AwsError {
    invalid(format!("The sandbox does not offer {what} in CloudWatch Logs."))
}

pub(super) fn group_not_found() -> AwsError {
    AwsError::client("ResourceNotFoundException", "The specified log group does not exist.")
}

pub(super) fn stream_not_found() -> AwsError {
    AwsError::client("ResourceNotFoundException", "The specified log stream does not exist.")
}

pub(super) fn already_exists(what: &str) -> AwsError {
    AwsError::client("ResourceAlreadyExistsException", format!("The specified {what} already exists"))
}
