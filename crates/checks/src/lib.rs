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
mod data_streams;
mod engine;
mod finding;
mod guard;
mod identity;
pub mod inventory;
mod invoke;
mod items;
mod mappings;
mod name;
mod objects;
mod observed;
mod policy;
mod preprocess_batch;
mod rates;
mod regions;
mod rows;
mod run;
mod sql;
mod steps;
mod subject;
mod text;
pub mod trace;
mod trial;
mod verdict;
mod wire;
mod wire_log;

pub use call::{CallError, CredentialsFault};
pub use clients::Clients;
pub use engine::Engine;
pub use guard::Guard;
pub use identity::{CallerIdentity, caller_identity};
pub use name::{CheckName, Step, UnknownName};
pub use policy::{PolicyError, policy, policy_for};
pub use regions::{DEFAULT_REGIONS, enabled_regions};
pub use run::run_step;
pub use subject::{Consent, Functions, Roles, Subject};
pub use verdict::{CheckResult, Evidence, Verdict, VerdictKind};
pub use wire_log::{Audit, AuditFault, WIRE_LOG_VARIABLE, WireLine, WireLog, audit};
