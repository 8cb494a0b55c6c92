//! The stream of live events that an open page follows, read to tell which steps are passed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, bail};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longest event that is read, in bytes.
const MAX_EVENT: usize = 4 * 1024 * 1024;
/// The server ends a stream after a quarter of an hour; the browser then opens another.
const FIRST_EVENT: Duration = Duration::from_secs(60);

/// The stream of an open page. It ends when this is dropped.
pub struct Followed {
    /// The steps that the page has shown as passed.
    passed: watch::Receiver<BTreeSet<String>>,
    reading: JoinHandle<()>,
}

/// A step in an event; the event tells more, which is not needed here.
#[derive(Debug, Deserialize)]
struct Step {
    slug: String,
    state: String,
}

#[derive(Debug, Deserialize)]
struct Steps {
    #[serde(rename = "Steps")]
    steps: Vec<Step>,
}

impl Followed {
    /// Waits for the first event, then follows the rest in the background.
    pub async fn begin(mut events: Incoming) -> anyhow::Result<Self> {
        let mut unread = Vec::new();
        let first = tokio::time::timeout(FIRST_EVENT, next(&mut events, &mut unread)).await;
        let first = first.context("no first event in time")??.context("the stream ended before its first event")?;
        let (tell, passed) = watch::channel(passed_in(&first).unwrap_or_default());
        let reading = tokio::spawn(async move {
            while let Ok(Some(event)) = next(&mut events, &mut unread).await {
                if let Some(now) = passed_in(&event) {
                    tell.send_replace(now);
                }
            }
        });
        Ok(Self { passed, reading })
    }

    /// Waits until the page shows this step as passed. False when the stream ends before.
    pub async fn passes(&mut self, step: &str) -> bool {
        self.passed.wait_for(|passed| passed.contains(step)).await.is_ok()
    }

    /// Whether the server has ended it.
    pub fn has_ended(&self) -> bool {
        self.reading.is_finished()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// The next event, without the comments in between; nothing when the stream has ended.
async fn next(events: &mut Incoming, unread: &mut Vec<u8>) -> anyhow::Result<Option<Vec<u8>>> {
    loop {
        if let Some(event) = take_event(unread) {
            return Ok(Some(event));
        }
        let Some(frame) = events.frame().await else { return Ok(None) };
        if let Ok(data) = frame?.into_data() {
            unread.extend_from_slice(&data);
        }
        if unread.len() > MAX_EVENT {
            bail!("an event is longer than {MAX_EVENT} bytes");
        }
    }
}

/// Takes the data of the first whole event out of what was read.
fn take_event(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        let end = unread.windows(2).position(|pair| pair == b"\n\n")?;
        let rest = unread.split_off(end + 2);
        let mut event = std::mem::replace(unread, rest);
        event.truncate(end);
        if let Some(data) = event.strip_prefix(b"data: ") {
            return Some(data.to_vec());
        }
    }
}

/// The passed steps, if the event tells of steps.
fn passed_in(event: &[u8]) -> Option<BTreeSet<String>> {
    // Other events are large and not needed: they are not even read as JSON.
    event.starts_with(b"{\"Steps\"").then(|| serde_json::from_slice::<Steps>(event).ok()).flatten().map(|event| {
        let passed = event.steps.into_iter().filter(|step| step.state.starts_with("Passed"));
        passed.map(|step| step.slug).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_whole_and_comments_are_left_out() {
        let mut unread = b": keep\n\ndata: {\"Demo\":{}}\n\ndata: {\"St".to_vec();
        assert_eq!(take_event(&mut unread).unwrap(), b"{\"Demo\":{}}");
        assert_eq!(take_event(&mut unread), None);
        assert_eq!(unread, b"data: {\"St");
    }

    #[test]
    fn passed_steps_are_read_out_of_the_event_that_tells_them() {
        let event = br#"{"Steps":[{"slug":"connect","state":"Passed"},{"slug":"ingest","state":"UnderWay"},
                         {"slug":"preprocess","state":"PassedThenChanged","number":3}]}"#;
        let passed = passed_in(event).unwrap();
        assert_eq!(passed.into_iter().collect::<Vec<_>>(), ["connect", "preprocess"]);
        assert_eq!(passed_in(br#"{"Checks":[]}"#), None);
    }
}
