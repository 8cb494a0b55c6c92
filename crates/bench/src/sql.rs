//! Rows through the lab's streaming SQL: the engine alone, in this process.
//!
//! Measured is what the engine does with rows that are there already: the three pumps of the lab's code, windows opening and
//! closing, their counts taken out. Not measured are the delivery stream, the functions before and after, and the reading of
//! text to rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use clickstream::{Click, Generator};
use lab::{Lab, SQL_CODE, Variables};
use sandbox::analytics::sql::{Column, Engine, Program, Row, SourceStream, SqlType, Value};

use crate::measurement::{HEADWATER, LIMIT, Measurement, Subject};

/// Different clicks; the stream repeats them.
const CLICKS: usize = 200_000;
/// Rows handed over at once, as the sandbox does.
const ROWS_AT_ONCE: usize = 256;
/// Time between two such hand-overs, on the rows' own clock: 32,000 rows a second of it, two million a window.
const STEP_MS: i64 = 8;
/// What a delivery stream takes a second in us-east-1 (Amazon Data Firehose quotas, "Direct PUT").
const STREAM_BYTES_A_SECOND: f64 = 5.0 * 1024.0 * 1024.0;

/// How much to feed.
#[derive(Clone, Debug, Args)]
pub struct SqlOptions {
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Rows a round, at most fifty million.
    #[arg(long, default_value_t = 3_000_000, value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    rows: u64,
}

/// Measures and prints two lines: the engine's rate, and the most that one delivery stream could bring it.
pub fn run(options: &SqlOptions) -> anyhow::Result<()> {
    let clicks: Vec<Click> = Generator::new(1).take(CLICKS).collect();
    let mut bytes = Vec::new();
    clicks.iter().for_each(|click| click.encode(&mut bytes));
    let values = (0..options.rounds).map(|_| round(&clicks, options.rows)).collect::<anyhow::Result<_>>()?;
    let how = "the lab's SQL, engine alone".to_owned();
    Measurement { subject: Subject::Rows, how: how.clone(), target: HEADWATER.to_owned(), values }.print()?;
    let row_bytes = bytes.len() as f64 / clicks.len() as f64;
    let limit = STREAM_BYTES_A_SECOND / row_bytes;
    Measurement { subject: Subject::Rows, how, target: LIMIT.to_owned(), values: vec![limit] }.print()
}

/// Rows a second of one engine, from its first row until its last window is closed.
fn round(clicks: &[Click], count: u64) -> anyhow::Result<f64> {
    let mut engine = engine()?;
    let counts = engine.program().stream("WINDOW_COUNTS").context("the lab's SQL has no WINDOW_COUNTS")?;
    engine.keep(counts);
    let mut fed = 0;
    let mut views = 0;
    let mut rowtime = 0;
    let mut busy = Duration::ZERO;
    let mut source = clicks.iter().cycle();
    while fed < count {
        let size = ROWS_AT_ONCE.min(usize::try_from(count - fed)?);
        let mut rows: Vec<Row> = source.by_ref().take(size).map(|click| row(click, rowtime)).collect();
        let begin = Instant::now();
        engine.push(0, rowtime, &mut rows);
        let out = engine.take_rows(counts);
        busy += begin.elapsed();
        views += sum_of_views(&out);
        fed += size as u64;
        rowtime += STEP_MS;
    }
    let begin = Instant::now();
    engine.advance(i64::MAX / 2);
    let out = engine.take_rows(counts);
    busy += begin.elapsed();
    views += sum_of_views(&out);
    // Every row is one click, so that a fast but wrong engine is found out.
    ensure!(views == i64::try_from(count)?, "{count} clicks were counted as {views}");
    ensure!(engine.errors() == 0, "{} rows failed", engine.errors());
    Ok(count as f64 / busy.as_secs_f64())
}

/// The lab's program, with the input that the lab's application has.
fn engine() -> anyhow::Result<Engine> {
    let variables = Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566");
    let code = Lab::embedded().file(SQL_CODE, &variables).context("the lab has no SQL")?;
    let column = |name: &str, sql_type| Column { name: name.to_owned(), sql_type };
    let source = SourceStream {
        name: "SOURCE_SQL_STREAM_001".to_owned(),
        columns: vec![
            column("prev_page", SqlType::Varchar(512)),
            column("curr_page", SqlType::Varchar(512)),
            column("link_type", SqlType::Varchar(8)),
            column("hits", SqlType::Integer),
        ],
    };
    Ok(Engine::new(Arc::new(Program::compile(&code, &[source])?), None))
}

fn row(click: &Click, rowtime: i64) -> Row {
    let values = [
        Value::text(&click.prev),
        Value::text(&click.curr),
        Value::text(click.kind.as_str()),
        Value::Integer(i64::from(click.n)),
    ];
    Row { rowtime, arrival: rowtime, values: Box::new(values) }
}

/// Adds up the rows `views` of an output: columns metric, item, window end, window seconds, amount.
fn sum_of_views(rows: &[Row]) -> i64 {
    let amount = |row: &Row| match &row.values[..] {
        [Value::Text(metric), _, _, _, Value::Integer(amount)] if metric == "views" => *amount,
        _ => 0,
    };
    rows.iter().map(amount).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_counts_every_row() {
        let clicks: Vec<Click> = Generator::new(2).take(1_000).collect();
        assert!(round(&clicks, 10_001).unwrap() > 0.0);
    }
}
