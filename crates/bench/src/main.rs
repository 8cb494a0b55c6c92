//! The Rust half of `make bench`: clients that measure, and the report that all measurements are put into.
//!
//! Each measuring command prints one [`measurement::Measurement`] a line, as JSON; `report` reads such lines, those of the
//! boto3 client too, and prints the table. `docs/benchmarks.md` tells what each line of it means.

mod board;
mod chart;
mod items;
mod learner;
mod load;
mod measurement;
mod records;
mod report;
mod sql;
mod target;

use clap::{Parser, Subcommand};

/// Measures a running Headwater and its peers.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Records a second into Firehose, by `PutRecordBatch`.
    Records(load::LoadOptions),
    /// Items a second into DynamoDB, by `PutItem`.
    Items(load::LoadOptions),
    /// Rows a second through the lab's streaming SQL, in this process.
    Sql(sql::SqlOptions),
    /// Entries a second through the board of a class, in this process.
    Board(board::BoardOptions),
    /// Time from a window's end to the event that brings its counts to the page.
    Chart(chart::ChartOptions),
    /// Reads measurements from standard input and prints the table. Exit status 1: Headwater is behind somewhere.
    Report(report::ReportOptions),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Records(options) => records::run(&options).await,
        Command::Items(options) => items::run(&options).await,
        Command::Sql(options) => sql::run(&options),
        Command::Board(options) => board::run(&options),
        Command::Chart(options) => chart::run(options).await,
        Command::Report(options) => report::run(&options),
    }
}
