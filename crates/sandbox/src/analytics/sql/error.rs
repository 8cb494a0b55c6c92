//! What is wrong with a learner's SQL, and where.

use sqlparser::tokenizer::Location;
use thiserror::Error;

/// SQL that cannot run, with the place to look at.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SqlError {
    /// Line in the application's code, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// What is wrong and what to do.
    pub message: String,
}

impl SqlError {
    pub(super) fn at(location: Location, message: impl Into<String>) -> Self {
        Self { line: location.line.max(1), column: location.column.max(1), message: message.into() }
    }
}

/// Why an expression has no value for one row; such a row goes to the error stream.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EvaluationError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("the value {value} does not fit the type {sql_type}")]
    OutOfRange { value: String, sql_type: String },
    #[error("{value:?} cannot be read as {sql_type}")]
    Cast { value: String, sql_type: String },
    #[error("{function} is not defined for {value}")]
    Domain { function: &'static str, value: String },
    #[error("the preprocessing function answered ProcessingFailed for the record")]
    ProcessingFailed,
    #[error("the row is wider than {limit} bytes")]
    TooWide { limit: usize },
    #[error("the rows made at one moment take more than {limit} bytes; those beyond are lost")]
    TooMuchAtOnce { limit: usize },
    #[error("the open windows hold more than {limit} {what}; the row is not counted")]
    TooManyGroups { limit: usize, what: &'static str },
}

impl EvaluationError {
    /// The `ERROR_NAME` in the error stream.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DivisionByZero => "Division by zero",
            Self::OutOfRange { .. } => "Numeric overflow",
            Self::Cast { .. } => "Coercion",
            Self::Domain { .. } => "Invalid argument",
            Self::ProcessingFailed => "Preprocessing failed",
            Self::TooWide { .. } => "Row too wide",
            Self::TooMuchAtOnce { .. } => "Too many rows",
            Self::TooManyGroups { .. } => "Too many groups",
        }
    }
}
