//! The built binary: its commands, its logs, and what is left when it is killed.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod apart;
mod audit;
mod backup;
mod carriage;
mod catch_up;
#[path = "../support/client.rs"]
mod client;
#[path = "../support/course.rs"]
mod course;
mod failover;
mod launches;
mod logs;
mod new_account;
mod options;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/receiver.rs"]
mod receiver;
mod restart;
mod role_offer;
mod server;
mod stopping;
mod verify;
mod watching;
