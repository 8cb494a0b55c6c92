//! The table that `make bench` prints.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, stdin};
use std::process::exit;

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::measurement::{HEADWATER, LIMIT, MOTO, Measurement, Subject};

/// In the table's order.
const SUBJECTS: [Subject; 6] =
    [Subject::Records, Subject::Items, Subject::Rows, Subject::Entries, Subject::Frames, Subject::Delay];
/// Wider than any name of a measurement.
const NAME_WIDTH: usize = 38;
/// Wider than any median with its range.
const VALUES_WIDTH: usize = 37;

/// What the report says besides the measurements.
#[derive(Clone, Debug, Args)]
pub struct ReportOptions {
    /// The peer's name with its version.
    #[arg(long, default_value = "moto")]
    peer: String,
    /// How the rounds were made, for the heading.
    #[arg(long, default_value = "")]
    rounds: String,
}

/// Prints the report; ends with status 1 if Headwater is behind its peer or beyond a limit anywhere.
pub fn run(options: &ReportOptions) -> anyhow::Result<()> {
    let mut measurements = Vec::new();
    for line in stdin().lock().lines() {
        measurements.push(serde_json::from_str(&line?).context("a line is no measurement")?);
    }
    let (table, behind) = table(&measurements, &options.peer)?;
    println!("Machine: {}", machine());
    if !options.rounds.is_empty() {
        println!("Rounds:  {}", options.rounds);
    }
    println!("\n{table}");
    println!("Medians of all rounds (lowest to highest). docs/benchmarks.md tells what each line means.");
    if behind > 0 {
        println!("Headwater is behind in {behind} of these lines.");
        exit(1);
    }
    Ok(())
}

/// The table and the number of its lines in which Headwater is behind.
fn table(measurements: &[Measurement], peer: &str) -> anyhow::Result<(String, usize)> {
    let mut table = String::new();
    let mut behind = 0;
    for subject in SUBJECTS {
        let ours: Vec<&Measurement> =
            measurements.iter().filter(|one| one.subject == subject && one.target == HEADWATER).collect();
        ensure!(!ours.is_empty(), "nothing was measured of {subject:?}");
        let (title, rival, rival_title) = match subject {
            Subject::Records => ("Firehose PutRecordBatch, records/s", MOTO, peer),
            Subject::Items => ("DynamoDB PutItem, items/s", MOTO, peer),
            Subject::Rows => ("Streaming SQL, rows/s", LIMIT, "one stream's most"),
            Subject::Entries => ("A class's board, entries/s", LIMIT, "what it has to show"),
            Subject::Frames => ("Scrolling a board, ms a frame", LIMIT, "a frame of 60 a second"),
            Subject::Delay => ("From a window's end to the chart, s", LIMIT, "counts as late from"),
        };
        if !table.is_empty() {
            table.push('\n');
        }
        writeln!(table, "{}", line(title, "Headwater", rival_title, "ratio"))?;
        for one in ours {
            let against = measurements
                .iter()
                .find(|other| other.subject == subject && other.target == rival && other.how == one.how)
                .with_context(|| format!("nothing to compare with: {}", one.how))?;
            let (value, other) = (one.median()?, against.median()?);
            if other <= 0.0 || value <= 0.0 {
                bail!("a measurement of nothing: {}", one.how);
            }
            // The ratio tells how many times better, so that below one is always behind.
            let ratio = if subject.is_better_small() { other / value } else { value / other };
            behind += usize::from(ratio < 1.0);
            let name = format!("  {}", one.how);
            writeln!(table, "{}", line(&name, &values(one)?, &values(against)?, &format!("{ratio:.1}x")))?;
        }
    }
    Ok((table, behind))
}

fn line(name: &str, ours: &str, theirs: &str, ratio: &str) -> String {
    format!("{name:NAME_WIDTH$}{ours:VALUES_WIDTH$}{theirs:VALUES_WIDTH$}{ratio:>7}")
}

/// The median, and the range if there were several rounds.
fn values(measurement: &Measurement) -> anyhow::Result<String> {
    let subject = measurement.subject;
    let median = number(subject, measurement.median()?);
    let (low, high) = measurement.range();
    Ok(if measurement.values.len() > 1 {
        format!("{median} ({} to {})", number(subject, low), number(subject, high))
    } else {
        median
    })
}

/// A rate without decimals and with commas, a time with two decimals.
fn number(subject: Subject, value: f64) -> String {
    if subject.is_better_small() {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Cores that may be used, and their model where Linux tells it.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = format!("{cores} core{}", if cores == 1 { "" } else { "s" });
    match model {
        Some((_, model)) => format!("{cores}, {}", model.trim()),
        None => cores,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(subject: Subject, how: &str, target: &str, values: &[f64]) -> Measurement {
        Measurement { subject, how: how.to_owned(), target: target.to_owned(), values: values.to_vec() }
    }

    fn all(records_of_moto: f64) -> Vec<Measurement> {
        vec![
            of(Subject::Records, "boto3", HEADWATER, &[29_000.0, 30_000.0, 31_000.0]),
            of(Subject::Records, "boto3", MOTO, &[records_of_moto]),
            of(Subject::Items, "boto3", HEADWATER, &[1_220.0]),
            of(Subject::Items, "boto3", MOTO, &[122.0]),
            of(Subject::Rows, "SQL", HEADWATER, &[1_234_567.0]),
            of(Subject::Rows, "SQL", LIMIT, &[100_000.0]),
            of(Subject::Entries, "fold", HEADWATER, &[50_000.0]),
            of(Subject::Entries, "fold", LIMIT, &[500.0]),
            of(Subject::Frames, "large", HEADWATER, &[4.0]),
            of(Subject::Frames, "large", LIMIT, &[16.0]),
            of(Subject::Delay, "first count", HEADWATER, &[0.5, 0.75, 2.0]),
            of(Subject::Delay, "first count", LIMIT, &[15.0]),
        ]
    }

    #[test]
    fn the_table_tells_how_many_times_better() {
        let (table, behind) = table(&all(20_000.0), "moto 5.2.5").unwrap();
        let lines: Vec<String> =
            table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(lines.contains(&"boto3 30,000 (29,000 to 31,000) 20,000 1.5x".to_owned()), "{table}");
        assert!(lines.contains(&"SQL 1,234,567 100,000 12.3x".to_owned()), "{table}");
        assert!(lines.contains(&"fold 50,000 500 100.0x".to_owned()), "{table}");
        assert!(lines.contains(&"large 4.00 16.00 4.0x".to_owned()), "{table}");
        assert!(lines.contains(&"first count 0.75 (0.50 to 2.00) 15.00 20.0x".to_owned()), "{table}");
        assert_eq!(behind, 0);
    }

    #[test]
    fn being_behind_is_told() {
        assert_eq!(table(&all(40_000.0), "moto").unwrap().1, 1);
    }

    #[test]
    fn nothing_may_be_missing() {
        for missing in 0..all(1.0).len() {
            let mut measurements = all(1.0);
            measurements.remove(missing);
            assert!(table(&measurements, "moto").is_err(), "{missing}");
        }
    }
}
