//! The local AWS: the services of the lab inside one process, spoken to with the real AWS wire protocols.
//!
//! Every learner has an account of their own. A request is authenticated by its SigV4 signature (`sigv4`), routed by the
//! service in its credential scope (`front`) and answered by one module a service. Resources are keyed by [`Scope`]
//! (account and region), so that one learner sees nothing of another's and a region sees nothing of another region.
//!
//! The pipeline joins the services in one direction only: `kinesis` keeps a durable log of the records of data streams, from
//! which the event source mappings of `lambda` and `firehose` read; `firehose` keeps a durable log of accepted records; its
//! delivery task calls `lambda` and `s3`; `analytics` reads the same log, calls `lambda` to preprocess, runs SQL, and calls
//! `lambda` with the results. Learners' code reaches the other services over HTTP, like any client.
//!
//! This crate knows no lab.

mod account;
mod account_management;
pub mod analytics;
mod authorization;
pub mod backup;
mod body;
mod clock;
mod config;
mod control;
mod database;
pub mod dynamodb;
mod error;
mod fair_share;
pub mod firehose;
mod front;
pub mod iam;
mod keyring;
pub mod kinesis;
pub mod lambda;
mod logs;
mod master_key;
mod measures;
mod protocol;
mod query;
mod record_batch;
mod remote;
pub mod s3;
mod service;
mod sigv4;
pub mod sts;
mod tagging;
mod tasks;

pub use account::{AccessKey, AccountId, Caller, InvalidAccountId, InvalidRegion, Principal, Region, Scope};
pub use clock::Clock;
pub use config::{PythonRuntime, SandboxConfig};
pub use control::{ControlToken, WeakToken};
pub use database::{Database, DatabaseError};
pub use error::{AwsError, Fault};
pub use front::{OpenError, Sandbox};
pub use keyring::AccessKeyMetadata;
pub use remote::{RemoteCredentials, RemoteError, RemoteSandbox};
pub use service::Operation;
