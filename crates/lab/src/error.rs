//! What is wrong with a lab's content, and where.

use serde::{Deserialize, Serialize};

/// One fault in the content, shown as `file:line: message`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct LintError {
    /// The file's path inside the lab's folder, with `/` between its parts.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl LintError {
    pub(crate) fn new(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}
