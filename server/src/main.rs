//! The Headwater binary: the web server with its sandbox, and the command line.

mod actions;
mod backend;
mod checking;
mod command;
mod config;
mod demo;
mod desk;
mod live;
mod new_account;
mod origin;
mod refusal;
mod router;
mod security;
mod session;
mod session_store;
mod state;
#[cfg(test)]
mod tests;
mod upload;
mod views;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    command::Cli::parse().run().await
}
