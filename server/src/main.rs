//! The Headwater binary: the web server with its sandbox, and the command line.

mod command;
mod config;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    command::Cli::parse().run().await
}
