//! Time from a window's end to the chart: the whole pipeline of a learner, looked at as the page does.
//!
//! A learner sets the lab up by the page's own forms, sends demo clicks and follows the event stream of the results page. For
//! each window the clock is read when the event that brings its counts has been read; the window's end is subtracted.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use checks::chart::LATE_AFTER;
use clap::Args;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::learner::{Learner, field};
use crate::measurement::{HEADWATER, LIMIT, Measurement, Subject};

/// The forms in the lab's order, by step.
const ACTIONS: [(&str, &str); 9] = [
    ("delivery-stream", "create-bucket"),
    ("delivery-stream", "create-delivery-stream"),
    ("preprocess", "create-preprocess-function"),
    ("streaming-sql", "create-application"),
    ("streaming-sql", "attach-preprocessor"),
    ("streaming-sql", "start-application"),
    ("results", "create-table"),
    ("results", "create-output-function"),
    ("results", "attach-output"),
];
/// How long a thing may take to be ready for the next action.
const READY: Duration = Duration::from_secs(60);
const TRY_AGAIN: Duration = Duration::from_millis(250);
/// Rows a second that are sent meanwhile.
const RATE: u32 = 500;
/// Windows that may pass before the first one counts, and be missed at the end.
const SPARE_WINDOWS: u32 = 6;
/// Titles that a window shows when all its counts are there.
const TOP_PAGES: usize = 10;
/// Longest event that is read, in bytes.
const MAX_EVENT: usize = 4 * 1024 * 1024;

/// What to measure.
#[derive(Clone, Debug, Args)]
pub struct ChartOptions {
    /// Address of the pages.
    #[arg(long)]
    pages: String,
    /// Windows to measure.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100))]
    windows: u32,
    /// Length of a window in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    window_seconds: u32,
}

/// Delays of the windows, in seconds, by the windows' ends.
#[derive(Debug, Default)]
struct Delays {
    /// Until the number of clicks was there.
    first: BTreeMap<i64, f64>,
    /// Until the number of clicks, the number of pages and the top pages were there.
    whole: BTreeMap<i64, f64>,
}

/// Measures and prints a line for the first count of a window, one for all of them, and the limit of both.
pub async fn run(options: ChartOptions) -> anyhow::Result<()> {
    let mut learner = Learner::new(&options.pages);
    learner.start().await?;
    learner.post("save-names", &[field("fields[window_seconds]", options.window_seconds.to_string())]).await?;
    for (slug, action) in ACTIONS {
        perform(&learner, slug, action).await?;
    }
    let duration = (options.windows + SPARE_WINDOWS) * options.window_seconds;
    let demo = [
        field("slug", "results"),
        field("rate", RATE.to_string()),
        field("duration_seconds", duration.to_string()),
        field("seed", "1"),
    ];
    learner.post("start-demo", &demo).await?;
    let events = learner.live("results").await?;
    let patience = Duration::from_secs(u64::from(duration)) + READY;
    let delays = timeout(patience, follow(events, options.windows as usize))
        .await
        .context("the windows did not reach the chart in time")??;
    for (what, delays) in [("first count", &delays.first), ("all counts", &delays.whole)] {
        let how = format!("{what}, {} windows", delays.len());
        let values = delays.values().copied().collect();
        Measurement { subject: Subject::Delay, how: how.clone(), target: HEADWATER.to_owned(), values }.print()?;
        let values = vec![LATE_AFTER.as_seconds_f64()];
        Measurement { subject: Subject::Delay, how, target: LIMIT.to_owned(), values }.print()?;
    }
    Ok(())
}

/// Sends a form until it is accepted: what was just made may not be ready for the next.
async fn perform(learner: &Learner, slug: &str, action: &str) -> anyhow::Result<()> {
    let end = Instant::now() + READY;
    loop {
        match learner.perform(slug, action).await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= end => return Err(error),
            Err(_) => sleep(TRY_AGAIN).await,
        }
    }
}

/// Reads events until so many windows have all their counts.
async fn follow(mut events: Incoming, windows: usize) -> anyhow::Result<Delays> {
    let mut delays = Delays::default();
    let mut unread = Vec::new();
    while let Some(frame) = events.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
        unread.extend_from_slice(&data);
        while let Some(event) = take_event(&mut unread) {
            if let Some(chart) = chart_of(&event)? {
                delays.note(&chart, now);
            }
        }
        if delays.whole.len() >= windows {
            // A window of which only a part was seen is left out.
            delays.first.retain(|end, _| delays.whole.contains_key(end));
            return Ok(delays);
        }
        if unread.len() > MAX_EVENT {
            bail!("an event is longer than {MAX_EVENT} bytes");
        }
    }
    bail!("the event stream ended")
}

/// Takes the first whole event out of what was read.
fn take_event(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = unread.windows(2).position(|pair| pair == b"\n\n")?;
    let rest = unread.split_off(end + 2);
    Some(std::mem::replace(unread, rest))
}

/// The chart that an event brings, if it is such an event.
fn chart_of(event: &[u8]) -> anyhow::Result<Option<Value>> {
    let text = std::str::from_utf8(event)?;
    let Some(json) = text.lines().find_map(|line| line.strip_prefix("data: ")) else { return Ok(None) };
    let event: Value = serde_json::from_str(json)?;
    Ok(event.get("Chart").cloned())
}

impl Delays {
    fn note(&mut self, chart: &Value, now: f64) {
        for window in chart["windows"].as_array().into_iter().flatten() {
            let Some(end) = window["end"].as_i64() else { continue };
            if window["state"] == "Empty" || window["views"].is_null() {
                continue;
            }
            let delay = now - end as f64;
            self.first.entry(end).or_insert(delay);
            let titles = window["top_pages"].as_array().map_or(0, Vec::len);
            if !window["distinct_pages"].is_null() && titles >= TOP_PAGES {
                self.whole.entry(end).or_insert(delay);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_taken_whole() {
        let mut unread = b": keep\n\ndata: {\"Chart\":{\"windows\":[]}}\n\ndata: {\"De".to_vec();
        assert_eq!(chart_of(&take_event(&mut unread).unwrap()).unwrap(), None);
        let chart = chart_of(&take_event(&mut unread).unwrap()).unwrap();
        assert_eq!(chart, Some(json!({"windows": []})));
        assert_eq!(take_event(&mut unread), None);
        assert_eq!(unread, b"data: {\"De");
        assert_eq!(chart_of(b"data: {\"Steps\":[]}\n\n").unwrap(), None);
    }

    #[test]
    fn a_window_counts_when_it_is_first_seen() {
        let title = json!({"title": "Paris", "count": 1});
        let window = |views: Value, titles: usize| {
            let pages = vec![title.clone(); titles];
            json!({"windows": [{"start": 95, "end": 100, "views": views, "distinct_pages": 3, "top_pages": pages,
                                "state": "Complete"}]})
        };
        let mut delays = Delays::default();
        delays.note(&window(Value::Null, 0), 100.1);
        assert!(delays.first.is_empty());
        delays.note(&window(json!(7), 4), 100.5);
        assert_eq!((delays.first.get(&100), delays.whole.get(&100)), (Some(&0.5), None));
        delays.note(&window(json!(7), 10), 101.25);
        delays.note(&window(json!(7), 10), 109.0);
        assert_eq!((delays.first.get(&100), delays.whole.get(&100)), (Some(&0.5), Some(&1.25)));
    }
}
