//! The Headwater binary: the web server with its sandbox, and the command line.

mod actions;
mod backend;
mod catch_up;
mod checking;
mod command;
mod config;
mod connect;
mod demo;
mod desk;
mod enrolment;
mod live;
mod new_account;
mod origin;
mod pasted_keys;
mod place;
mod refusal;
mod role_file;
mod router;
mod security;
mod session;
mod session_store;
mod state;
mod stocktaking;
#[cfg(test)]
mod tests;
mod upload;
mod views;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    command::Cli::parse().run().await
}
