//! DynamoDB's errors.

use crate::AwsError;

/// `ValidationException`: the request breaks a rule; the message is DynamoDB's.
pub fn validation(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationException", message)
}

/// The `ValidationException` for a parameter whose value is outside its type's constraint.
pub fn constraint(value: impl std::fmt::Display, member: &str, constraint: &str) -> AwsError {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// `One or more parameter values were invalid: ...`
pub fn invalid_parameter(message: impl std::fmt::Display) -> AwsError {
    validation(format!("One or more parameter values were invalid: {message}"))
}

/// The `ValidationException` for a parameter that AWS has and the sandbox has not.
pub fn not_offered(parameter: &str) -> AwsError {
    validation(format!("The sandbox does not offer the parameter {parameter} of DynamoDB."))
}

/// `ResourceNotFoundException`, as the operations on items word it.
pub fn resource_not_found() -> AwsError {
    AwsError::client("ResourceNotFoundException", "Requested resource not found")
}

/// `ResourceNotFoundException`, as the operations on tables word it.
pub fn table_not_found(table: &str) -> AwsError {
    AwsError::client("ResourceNotFoundException", format!("Requested resource not found: Table: {table} not found"))
}

/// `ConditionalCheckFailedException`
pub fn condition_failed() -> AwsError {
    AwsError::client("ConditionalCheckFailedException", "The conditional request failed")
}
