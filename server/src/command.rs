//! The command line, one file a command.

mod audit;
mod lab_lint;
mod new_account;
mod serve;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{LogFormat, ServeOptions};

/// A guided lab in data ingestion on AWS, with a sandbox that speaks the real AWS protocols.
#[derive(Debug, Parser)]
#[command(name = "headwater", version, propagate_version = true)]
pub struct Cli {
    /// How log lines are written to standard error; `RUST_LOG` chooses which.
    #[arg(long, env = "HEADWATER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the lab and its sandbox until interrupted.
    Serve(Box<ServeOptions>),
    /// Verify the lab in an account with the checks of the pages. Exit status 0: passed, 1: not passed, 2: could not tell.
    Verify(verify::VerifyOptions),
    /// Verify the export of a class: its chained log, and the grades that follow from it. Exit status 0: intact, 1: not, 2:
    /// it cannot be read.
    Audit(audit::AuditOptions),
    /// The sandbox of a running server.
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// The lab's content.
    #[command(subcommand)]
    Lab(LabCommand),
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Make a sandbox account at a running server and print its keys and endpoint as `export` lines.
    NewAccount(new_account::NewAccountOptions),
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Refuse broken lab content, each fault with file and line. Exit status 0: clean, 1: faults.
    Lint {
        /// Folder of a lab; the built-in lab if left out.
        folder: Option<PathBuf>,
    },
}

impl Cli {
    /// Runs the chosen command to its end.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        crate::config::start_logging(self.log_format);
        match self.command {
            Command::Serve(options) => serve::run(*options).await?,
            Command::Verify(options) => return Ok(verify::run(options).await),
            Command::Audit(options) => return Ok(audit::run(&options)),
            Command::Sandbox(SandboxCommand::NewAccount(options)) => new_account::run(options).await?,
            Command::Lab(LabCommand::Lint { folder }) => lab_lint::run(folder.as_deref())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
