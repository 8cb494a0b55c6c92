//! Verification of the lab, step by step, on AWS SDK clients only.
//!
//! The same code judges the built-in sandbox and a real AWS account: it is given an SDK configuration
//! and knows nothing else. It reads; the one call that runs a learner's code, `lambda:Invoke`, is made
//! only with [`Consent::Invoke`]. Every call stands in [`api_calls`], from which [`policy()`] derives the
//! least-privilege IAM policy, and a guard inside each client refuses a call that does not.
//!
//! Start at [`run_step`].

pub mod api_calls;
mod arn;
mod call;
pub mod chart;
mod clients;
mod finding;
mod guard;
mod invoke;
mod name;
mod objects;
mod observed;
mod policy;
mod preprocess_batch;
mod rows;
mod run;
mod sql;
mod steps;
mod subject;
mod text;
mod verdict;

pub use call::{CallError, CredentialsFault};
pub use clients::Clients;
pub use name::{CheckName, Step, UnknownName};
pub use policy::{PolicyError, policy, policy_for};
pub use run::run_step;
pub use subject::{Consent, Functions, Roles, Subject};
pub use verdict::{CheckResult, Evidence, Verdict, VerdictKind};
