//! A class: what happens in it, as an append-only chained log, and what follows from that log.
//!
//! This crate is pure. It knows no database, no web and no AWS: steps and checks are names. No learner's name stands in the
//! log, so that a person can be forgotten without breaking its chain.

mod audit;
mod board;
mod chain;
mod event;
mod export;
mod grade;
mod help;
mod hundredths;
mod names;
mod points;
#[cfg(test)]
mod properties;
mod spreadsheet;
mod stuck;
#[cfg(test)]
mod test_log;

pub use audit::{AuditError, AuditReport, EntryFault, LearnerFault, audit};
pub use board::{
    Applied, Board, BoardError, BoardRow, CheckCell, FailingCheck, HandCell, HelpState, HintCell, MemberState,
    PAUSE_MS, StepCell, StepState,
};
pub use chain::{Head, LogEntry, NotAHead, seal};
pub use event::{Event, HelpSubject, VerdictKind};
pub use export::{ExportError, ExportWriter, ExportedClass, ExportedLearner, FORMAT};
pub use grade::{CheckGrade, Grade, StepGrade};
pub use help::{HelpEntry, HelpQueue, Resolution, help_queue};
pub use hundredths::Hundredths;
pub use points::{PointsScheme, StepPoints};
pub use spreadsheet::write_csv;
pub use stuck::{Cluster, PlannedMinutes, StuckReason, StuckRules, StuckSignal, Whose, clusters, stuck_signals};
