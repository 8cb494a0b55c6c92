//! The command line, one file a command.

mod audit;
mod backup;
mod check_config;
mod data_folder;
mod lab_lint;
mod new_account;
mod restore;
mod sandbox_serve;
mod serve;
mod stopping;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{Configured, LogFormat, ServeOptions, config_option, with_file};

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
    /// Tell what `serve` would use, where each option comes from, and what would not work. Exit status 0: it would start,
    /// 1: it would not.
    CheckConfig(Box<ServeOptions>),
    /// Copy the data folder into a new folder, also while a server uses it.
    Backup(backup::BackupOptions),
    /// Put a copy that `backup` made back into an empty data folder.
    Restore(restore::RestoreOptions),
    /// Verify the lab in an account with the checks of the pages. Exit status 0: passed, 1: not passed, 2: could not tell.
    Verify(verify::VerifyOptions),
    /// Verify the export of a class: its chained log, and the grades that follow from it. Exit status 0: intact, 1: not, 2:
    /// it cannot be read.
    Audit(audit::AuditOptions),
    /// The sandbox, of a running server or by itself.
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// The lab's content.
    #[command(subcommand)]
    Lab(LabCommand),
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Serve the sandbox alone, for web servers elsewhere that are started with --sandbox-control.
    Serve(Box<sandbox_serve::SandboxServeOptions>),
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

/// Reads the command line, the environment and the configuration file, and runs the chosen command to its end.
pub async fn run(arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let mut configured = with_file(command_line(), &arguments)?;
    let matches = configured.command.try_get_matches_from_mut(arguments).unwrap_or_else(|error| error.exit());
    let chosen = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    chosen.run(&configured, &matches).await
}

/// The whole command line, as `--help` tells it.
pub fn command_line() -> clap::Command {
    Cli::command().arg(config_option())
}

impl Cli {
    async fn run(self, configured: &Configured, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
        crate::config::start_logging(self.log_format);
        match self.command {
            Command::Serve(options) => serve::run(*options).await?,
            Command::CheckConfig(options) => return Ok(check_config::run(*options, configured, matches).await),
            Command::Backup(options) => backup::run(options).await?,
            Command::Restore(options) => restore::run(options)?,
            Command::Verify(options) => return Ok(verify::run(options).await),
            Command::Sandbox(SandboxCommand::Serve(options)) => sandbox_serve::run(*options).await?,
            Command::Audit(options) => return Ok(audit::run(&options)),
            Command::Sandbox(SandboxCommand::NewAccount(options)) => new_account::run(options).await?,
            Command::Lab(LabCommand::Lint { folder }) => lab_lint::run(folder.as_deref())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
