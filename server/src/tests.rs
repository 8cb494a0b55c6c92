//! The router as a browser meets it, on a data folder of its own and with the sandbox on a port of its own.

mod accounts;
#[path = "../tests/support/client.rs"]
mod client;
mod forms;
mod guards;
mod learners;
mod live;
mod pages;
mod sending;
mod world;
