//! A class: what happens in it, as an append-only chained log, and what follows from that log.
//!
//! This crate is pure. It knows no database, no web and no AWS: steps and checks are names. No learner's name stands in the
//! log, so that a person can be forgotten without breaking its chain.

mod chain;
mod event;
mod points;

pub use chain::{Head, LogEntry, seal};
pub use event::{Event, HelpSubject, VerdictKind};
pub use points::{PointsScheme, StepPoints};
