//! The store against a real SQLite file and a real PostgreSQL: the same tests for both.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[macro_use]
mod home;
mod classes;
mod learners;
mod log;
mod staff;
