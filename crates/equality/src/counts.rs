//! The counts of windows in one form, whichever engine made them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use time::PrimitiveDateTime;
use time::macros::format_description;

/// Counts by the end of their window, as `2026-11-24T19:00:10`.
pub type Counts = BTreeMap<String, WindowCounts>;

/// The counts of one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WindowCounts {
    pub views: i64,
    pub distinct_pages: i64,
    /// All pages with their rows, at most ten. Ties are no matter of luck: every engine prefers the lesser title.
    pub top_pages: BTreeMap<String, i64>,
    pub trace: BTreeMap<String, i64>,
}

/// One row of an engine's output, as the output function gets it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultRow {
    pub metric: String,
    pub item: String,
    pub window_end: String,
    pub window_seconds: u32,
    pub amount: i64,
}

/// Puts rows together. Each metric, and each page of one, may be there once a window.
pub fn collect(rows: impl IntoIterator<Item = ResultRow>, window_seconds: u32) -> anyhow::Result<Counts> {
    let mut counts = Counts::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        ensure!(row.window_seconds == window_seconds, "a window of another length: {row:?}");
        let end = window_end(&row.window_end)?;
        ensure!(seen.insert((end.clone(), row.metric.clone(), row.item.clone())), "given out twice: {row:?}");
        let window = counts.entry(end).or_default();
        match row.metric.as_str() {
            "views" if row.item.is_empty() => window.views = row.amount,
            "distinct_pages" if row.item.is_empty() => window.distinct_pages = row.amount,
            "top_pages" => drop(window.top_pages.insert(row.item, row.amount)),
            "trace" => drop(window.trace.insert(row.item, row.amount)),
            _ => bail!("no row of the lab: {row:?}"),
        }
    }
    Ok(counts)
}

/// A window's end in one form: engines write `2026-11-24 19:00:10.000`, `2026-11-24T19:00:10` or `2026-11-24T19:00:10Z`.
pub(crate) fn window_end(text: &str) -> anyhow::Result<String> {
    let plain = text.replace(' ', "T");
    let plain = plain.trim_end_matches('Z').trim_end_matches(".000");
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    PrimitiveDateTime::parse(plain, form).with_context(|| format!("the window's end {text:?}"))?;
    Ok(plain.to_owned())
}
