//! The router as a browser meets it, on a data folder of its own and with the sandbox on a port of its own.

mod accounts;
mod catch_up;
#[path = "../tests/support/client.rs"]
mod client;
mod connect;
mod forms;
mod guards;
mod keys;
mod learners;
mod live;
mod options_table;
mod pages;
mod sending;
mod several_servers;
mod world;
