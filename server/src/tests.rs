//! The router as a browser meets it, on a data folder of its own and with the sandbox on a port of its own.

mod accounts;
mod board;
mod carriage;
mod catch_up;
mod classes;
#[path = "../tests/support/client.rs"]
mod client;
mod connect;
#[path = "../tests/support/course.rs"]
mod course;
mod forms;
mod guards;
mod instructors;
mod keys;
mod launch;
mod learners;
mod live;
mod looking;
mod membership;
mod options_table;
mod pages;
#[path = "../tests/support/program.rs"]
mod program;
mod provider;
#[path = "../tests/support/receiver.rs"]
mod receiver;
mod school;
mod sending;
mod several_servers;
mod world;
