//! `make load`: learners at once, doing the whole lab by HTTP against one server; and the board of a large class.
//!
//! The load is open: when each learner comes and when each of their requests is due is fixed before anything is sent, and a
//! request's time is counted from that moment, so that a server that falls behind cannot slow its own examiners down.
//! `docs/benchmarks.md` tells what each line of the output means.

mod board_run;
mod browser;
mod lab_run;
mod learner;
mod limit;
mod live;
mod plan;
mod recorder;
mod report;
mod served;
mod usage;

use clap::{Parser, Subcommand};

/// Puts load on Headwater, and measures what comes of it.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Learners who do the whole lab at once, for each number of them against a fresh server.
    Lab(lab_run::LabOptions),
    /// The board of a class in which much happens: from an event's moment until every open board shows it.
    Board(board_run::BoardOptions),
    /// Answers every request with a small page: the trivial server that shows the generator's own limit.
    #[command(hide = true)]
    Trivial,
}

#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    match Cli::parse().command {
        Command::Lab(options) => lab_run::run(options).await,
        Command::Board(options) => board_run::run(options).await,
        Command::Trivial => limit::serve().await,
    }
}
