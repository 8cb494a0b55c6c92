//! The counting function, called as Lambda calls it for a stream with tumbling windows.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use crate::counts::{Counts, WindowCounts, window_end};
use crate::python;
use crate::records::Record;
use crate::shipped;

/// What the function prints of a window where it has no table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Printed {
    window_end: String,
    window_seconds: u32,
    views: i64,
    distinct_pages: i64,
    top_pages: BTreeMap<String, i64>,
    #[serde(default)]
    trace: BTreeMap<String, i64>,
}

/// What the counting function counts.
pub fn count(records: &[Record], window_seconds: u32) -> anyhow::Result<Counts> {
    let folder = tempfile::tempdir()?;
    let path = python::write(folder.path(), "lambda_function.py", shipped::COUNT)?;
    let mut command = python::command("call_windows.py");
    command.arg(path).arg(window_seconds.to_string()).env_remove("TABLE_NAME");
    let sent: Vec<_> = records.iter().map(|record| (record.arrival_ms, BASE64_STANDARD.encode(&record.data))).collect();
    let printed = python::run(command, serde_json::to_string(&sent)?)?;

    let mut counts = Counts::new();
    for line in printed.lines().filter(|line| !line.is_empty()) {
        let printed: Printed = serde_json::from_str(line).with_context(|| line.to_owned())?;
        ensure!(printed.window_seconds == window_seconds, "a window of another length: {line}");
        let Printed { views, distinct_pages, top_pages, trace, .. } = printed;
        let window = WindowCounts { views, distinct_pages, top_pages, trace };
        ensure!(counts.insert(window_end(&printed.window_end)?, window).is_none(), "printed twice: {line}");
    }
    Ok(counts)
}
