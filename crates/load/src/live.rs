//! The stream of live events that an open page follows, read to tell which steps are passed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::browser::Browser;
use crate::recorder::{Class, Recorder};

/// Longest event that is read, in bytes: a board may tell all its rows at once.
const MAX_EVENT: usize = 64 * 1024 * 1024;
/// The first event comes within this time, or the stream has failed.
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
    /// Opens the stream of a step and reads it, in the background as a browser does.
    pub fn begin(browser: Browser, step: String, recorder: Arc<Recorder>) -> Self {
        let (tell, passed) = watch::channel(BTreeSet::new());
        let reading = tokio::spawn(async move {
            let due = Instant::now();
            let mut unread = Vec::new();
            let opened = async {
                let mut events = browser.events(&format!("/live/{step}")).await?;
                let first = next(&mut events, &mut unread).await?;
                ensure!(first.is_some(), "it ended before its first event");
                Ok((events, first))
            };
            let opened = timeout(FIRST_EVENT, opened).await.context("no first event in time").flatten();
            let (mut events, mut event) = match opened {
                Ok(opened) => opened,
                Err(error) => return recorder.failed(Class::Live, &format!("live stream: {error:#}")),
            };
            recorder.succeeded(Class::Live, due.elapsed());
            while let Some(now) = event {
                if let Some(passed) = passed_in(&now) {
                    tell.send_replace(passed);
                }
                event = next(&mut events, &mut unread).await.unwrap_or_default();
            }
        });
        Self { passed, reading }
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

/// The data of the next event, without the comments in between; nothing when the stream has ended.
pub async fn next(events: &mut Incoming, unread: &mut Vec<u8>) -> anyhow::Result<Option<Vec<u8>>> {
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
        if let Some(data) = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: ")) {
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
        let mut unread = b": keep\n\nid: 7\ndata: {\"Demo\":{}}\n\ndata: {\"St".to_vec();
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
