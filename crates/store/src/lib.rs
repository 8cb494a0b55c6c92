//! Learners and their progress, kept in one SQLite file that also holds the web sessions.
//!
//! The store knows neither the lab nor AWS: steps and checks are names, results are JSON that the server makes and reads.
//! Every write is committed before its function returns, so that it survives `kill -9`.

mod database;
mod learner;
mod progress;
mod resume_code;

pub use database::{OpenError, Store, StoreError};
pub use learner::{Learner, LearnerId};
pub use progress::{AnswerRecord, CheckOutcome, CheckRecord, StepRecord};
pub use resume_code::ResumeCode;
