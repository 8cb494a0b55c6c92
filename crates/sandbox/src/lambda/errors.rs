//! Lambda's errors: each has a `Type` beside its message.

use serde_json::json;

use crate::AwsError;
pub(super) use crate::error::validation;

pub(super) fn user(code: &str, status: u16, message: impl Into<String>) -> AwsError {
    AwsError::client(code, message).with_status(status).with_member("Type", json!("User"))
}

pub(super) fn invalid_parameter(message: impl Into<String>) -> AwsError {
    user("InvalidParameterValueException", 400, message)
}

pub(super) fn not_found(arn: &str) -> AwsError {
    user("ResourceNotFoundException", 404, format!("Function not found: {arn}"))
}

pub(super) fn resource_not_found(message: impl Into<String>) -> AwsError {
    user("ResourceNotFoundException", 404, message)
}

pub(super) fn conflict(message: impl Into<String>) -> AwsError {
    user("ResourceConflictException", 409, message)
}

pub(super) fn precondition_failed() -> AwsError {
    user(
        "PreconditionFailedException",
        412,
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve \
         the latest Revision Id",
    )
}

pub(super) fn access_denied(message: impl Into<String>) -> AwsError {
    user("AccessDeniedException", 403, message)
}

pub(super) fn code_storage_exceeded() -> AwsError {
    user("CodeStorageExceededException", 400, "Code storage limit exceeded.")
}

pub(super) fn invalid_request_content(message: impl Into<String>) -> AwsError {
    user("InvalidRequestContentException", 400, message)
}

pub(super) fn too_many_requests(message: impl Into<String>) -> AwsError {
    user("TooManyRequestsException", 429, message)
}

/// A body beyond what the operation takes.
pub(super) fn too_large(limit: usize, operation: &str) -> AwsError {
    user(
        "RequestEntityTooLargeException",
        413,
        format!("Request must be smaller than {limit} bytes for the {operation} operation"),
    )
}

/// A part of an operation that AWS has and the sandbox does not.
pub(super) fn not_offered(what: &str) -> AwsError {
    invalid_parameter(format!("The sandbox does not offer {what} for Lambda functions."))
}
