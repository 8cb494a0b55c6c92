//! Learners, their progress, classes and their logs, in a SQLite file or in PostgreSQL.
//!
//! The store knows neither the lab nor AWS: steps and checks are names, results are JSON that the server makes and reads.
//! Every write is committed before its function returns, so that it survives `kill -9`. What a learner in a class does goes
//! into the class's log in the same commit.

mod class;
mod database;
mod delivery;
mod document;
mod fact;
mod feed;
mod id;
mod instructor;
mod join_code;
mod learner;
mod log;
mod member;
mod moment;
mod progress;
mod reader;
mod resume_code;

pub use class::{
    Class, ClassSettings, Invitation, InvitationCode, MemberCounts, OpenInvitation, Role, Staff, StaffError,
};
pub use database::{CONNECTIONS, Database, OpenError, Store, StoreError};
pub use delivery::{Delivery, KEPT_DELIVERIES};
pub use feed::{Change, News};
pub use id::{ClassId, HintId, InstructorId, InvitationId, LearnerId, NoId};
pub use instructor::{ExternalIdentity, Instructor, InstructorError, SignIn};
pub use join_code::JoinCode;
pub use learner::Learner;
pub use member::{Hand, Hint, JoinError, MAX_MEMBERS, Member, MemberState, NewHint};
pub use progress::{AnswerRecord, CheckOutcome, CheckRecord, StepRecord};
pub use reader::{Reader, Waiting};
pub use resume_code::ResumeCode;
