//! The SQL application: records through the preprocessing function, its rows through the lab's SQL.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sandbox::analytics::sql::{Column, Engine, Program, Row, SourceStream, SqlType, Value};
use serde::Deserialize;
use serde_json::json;

use crate::counts::{Counts, ResultRow, collect};
use crate::python;
use crate::records::Record;
use crate::shipped;

/// As a `VARCHAR(512)` of the lab's schema cuts a title.
const LONGEST_TITLE: usize = 512;

/// What the SQL application counts.
pub fn count(records: &[Record], window_seconds: u32) -> anyhow::Result<Counts> {
    let code = shipped::with_names(shipped::SQL, window_seconds);
    let mut engine = Engine::new(Arc::new(Program::compile(&code, &[source()])?), None);
    let counts = engine.program().stream("WINDOW_COUNTS").context("the lab's SQL has no WINDOW_COUNTS")?;
    engine.keep(counts);
    for (record, text) in records.iter().zip(preprocessed(records)?) {
        let rowtime = record.arrival_ms;
        let rows: anyhow::Result<Vec<Row>> = text.split_terminator('\n').map(|line| row(line, rowtime)).collect();
        engine.push(0, rowtime, &mut rows?);
    }
    engine.advance(i64::MAX / 2);
    ensure!(engine.errors() == 0, "{} rows failed", engine.errors());
    let rows: Vec<ResultRow> = engine.take_rows(counts).iter().map(result_row).collect::<anyhow::Result<_>>()?;
    collect(rows, window_seconds)
}

/// The input of the lab's application.
fn source() -> SourceStream {
    let column = |name: &str, sql_type| Column { name: name.to_owned(), sql_type };
    SourceStream {
        name: "SOURCE_SQL_STREAM_001".to_owned(),
        columns: vec![
            column("prev_page", SqlType::Varchar(512)),
            column("curr_page", SqlType::Varchar(512)),
            column("link_type", SqlType::Varchar(8)),
            column("hits", SqlType::Integer),
        ],
    }
}

fn row(line: &str, rowtime: i64) -> anyhow::Result<Row> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [prev, curr, kind, hits] = columns[..] else { bail!("the function let {line:?} through") };
    let title = |text: &str| Value::text(&text.chars().take(LONGEST_TITLE).collect::<String>());
    let values = [title(prev), title(curr), Value::text(kind), Value::Integer(hits.parse()?)];
    Ok(Row { rowtime, arrival: rowtime, values: Box::new(values) })
}

/// What the lab's preprocessing function leaves of each record.
fn preprocessed(records: &[Record]) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Answer {
        records: Vec<AnsweredRecord>,
    }
    #[derive(Deserialize)]
    struct AnsweredRecord {
        data: Option<String>,
    }
    let folder = tempfile::tempdir()?;
    let path = python::write(folder.path(), "lambda_function.py", shipped::PREPROCESS)?;
    let sent = records.iter().enumerate();
    let sent: Vec<_> = sent
        .map(|(id, record)| json!({"recordId": id.to_string(), "data": BASE64_STANDARD.encode(&record.data)}))
        .collect();
    let mut command = python::command("call_function.py");
    command.arg(path);
    let answer = python::run(command, json!({ "records": sent }).to_string() + "\n")?;
    let answer: Answer = serde_json::from_str(&answer)?;
    ensure!(answer.records.len() == records.len(), "every record must be answered");
    let text =
        |record: AnsweredRecord| Ok(String::from_utf8(BASE64_STANDARD.decode(record.data.unwrap_or_default())?)?);
    answer.records.into_iter().map(text).collect()
}

fn result_row(row: &Row) -> anyhow::Result<ResultRow> {
    let [metric, item, end, Value::Integer(seconds), Value::Integer(amount)] = &row.values[..] else {
        bail!("no row of WINDOW_COUNTS: {row:?}")
    };
    Ok(ResultRow {
        metric: metric.to_string(),
        item: item.to_string(),
        window_end: end.to_string(),
        window_seconds: u32::try_from(*seconds)?,
        amount: *amount,
    })
}
