//! What an audit can find.

use crate::chain::Head;

/// Why an export is not intact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    #[error("the file cannot be read: {reason}")]
    Unreadable { reason: String },
    #[error("the file is no export of a class in the format {}: {reason}", crate::FORMAT)]
    NotAnExport { reason: String },
    #[error("the file is damaged or cut off after {after}: {reason}")]
    Damaged { after: String, reason: String },
    #[error("the file goes beyond a limit after {after}: {limit}")]
    TooLarge { after: String, limit: String },
    #[error("entry {place} of the log: {fault}")]
    Entry {
        /// Where it stands in the log, counted from 1.
        place: i64,
        fault: EntryFault,
    },
    #[error("the head should be {expected}, where the log ends, and is {found}")]
    Head { expected: Head, found: Head },
    #[error("the points are not those that the log sets last")]
    Scheme,
    #[error("learner {learner}: {fault}")]
    Learner { learner: String, fault: LearnerFault },
    #[error("the sum of names and grades should be {expected}, and is {found}")]
    Sum { expected: String, found: String },
    #[error("entry {} should have the hash {}, as noted, {}", noted.seq, noted.hash, match found {
        Some(hash) => format!("and has {hash}"),
        None => "and is not in the log".to_owned(),
    })]
    Noted { noted: Head, found: Option<String> },
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    #[error("it cannot be understood: {0}")]
    Unknown(String),
    #[error("its class should be {expected}, and is {found}")]
    Class { expected: String, found: String },
    #[error("its number should be {expected}, and is {found}")]
    Seq { expected: i64, found: i64 },
    #[error("the hash of the entry before should be {expected}, and is {found}")]
    Previous { expected: String, found: String },
    #[error("its hash should be {expected}, and is {found}")]
    Hash { expected: String, found: String },
}

/// What is wrong with a learner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnerFault {
    #[error("the log does not know them")]
    NotInLog,
    #[error("the log knows them, and they are not listed")]
    NotListed,
    #[error("they are listed twice")]
    Twice,
    #[error("{what} should be {expected} by the log, and is {found}")]
    Differs {
        /// The path to the field, such as `grade.points`.
        what: String,
        expected: String,
        found: String,
    },
}

impl AuditError {
    /// Whether there was nothing to verify, as against something that is not intact.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::NotAnExport { .. })
    }
}
