//! Re-verifying an export: whether the log is whole, and whether the grades follow from it.
//!
//! The document is read as it comes. What stays in memory is the board, which grows with the learners and not with the log.

mod error;
mod reading;
mod verifying;

use std::cell::Cell;
use std::io::{BufReader, Read};

use serde::Serialize;
use serde::de::DeserializeSeed as _;

use crate::chain::Head;
use crate::export::ExportedClass;

pub use self::error::{AuditError, EntryFault, LearnerFault};
use self::reading::{Bounded, Document};
use self::verifying::Verifier;

/// No entry, learner or other part may be longer, in bytes.
pub const MAX_PART_BYTES: u64 = 1 << 20;
/// More learners than a class can have.
pub const MAX_LEARNERS: usize = 200_000;
/// More different steps, checks, causes and hints together than a class can have.
pub const MAX_NAMES: usize = 200_000;

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    pub class: ExportedClass,
    pub exported_ms: i64,
    pub head: Head,
    /// Entries of the log, each with the hash that it should have.
    pub entries: u64,
    /// Learners whose state and grade follow from the log.
    pub learners: u64,
    /// Checks whose points were computed anew.
    pub checks: u64,
    /// When the first and the last entry were noted.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    /// Entries noted before the one that they follow. A clock that was set back does that, so it is no fault.
    pub earlier_than_previous: u64,
    /// The first of them.
    pub first_earlier: Option<i64>,
    /// The head noted earlier, if one was given: it is in the log.
    pub noted: Option<Head>,
}

/// Verifies an export.
///
/// The chain alone shows that nothing was changed *within* it. Who can write the whole file can also make a whole new
/// chain: only a head `noted` at an earlier time, outside the file, tells that apart.
pub fn audit(reader: impl Read, noted: Option<&Head>) -> Result<AuditReport, AuditError> {
    let left = Cell::new(MAX_PART_BYTES);
    let bounded = Bounded { reader: BufReader::new(reader), left: &left };
    let mut verifier = Verifier::new(noted);
    let mut json = serde_json::Deserializer::from_reader(bounded);
    let read = Document { verifier: &mut verifier, left: &left }.deserialize(&mut json).and_then(|()| json.end());
    match read {
        Ok(()) => verifier.report(),
        Err(error) => Err(verifier.failed(&error, left.get() == 0)),
    }
}
