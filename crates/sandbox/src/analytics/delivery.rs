//! Rows of an output stream to its Lambda function: the contract of the developer guide's page "Using a Lambda Function as
//! Output". At least once, in order of chunks, for ever.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use super::preprocess::function_failure;
use super::run::Context;
use super::sql::StreamId;
use crate::lambda::Invocation;

/// Bytes of rows in one invocation: in base64 and with their envelope they stay below Lambda's 6 MB.
const MAX_CHUNK_BYTES: usize = 3 * 1024 * 1024;
/// Rows in one invocation.
const MAX_CHUNK_ROWS: usize = 1_000;
/// Rows that may wait before the application stops reading its input.
const MAX_WAITING_ROWS: usize = 20_000;
/// Bytes that may wait before the application stops reading its input.
const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// A row on its way to the function.
#[derive(Clone, Debug)]
struct Waiting {
    rowtime: i64,
    data: Bytes,
}

/// The rows of one output that were not yet delivered.
#[derive(Debug)]
pub(super) struct Outbox {
    pub stream: StreamId,
    pub function: String,
    state: Mutex<State>,
    filled: Notify,
    /// Told whenever rows were delivered; shared by all outboxes of an application.
    delivered: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    rows: VecDeque<Waiting>,
    bytes: usize,
    /// How many waiting rows have each ROWTIME.
    rowtimes: BTreeMap<i64, usize>,
}

impl Outbox {
    pub(super) fn new(stream: StreamId, function: String, delivered: Arc<Notify>) -> Self {
        Self { stream, function, state: Mutex::default(), filled: Notify::new(), delivered }
    }

    /// Adds rows with their ROWTIMEs.
    pub(super) fn add(&self, rows: impl IntoIterator<Item = (i64, Bytes)>) {
        let mut state = self.state();
        for (rowtime, data) in rows {
            state.bytes += data.len();
            *state.rowtimes.entry(rowtime).or_default() += 1;
            state.rows.push_back(Waiting { rowtime, data });
        }
        drop(state);
        self.filled.notify_one();
    }

    /// The earliest ROWTIME of a row that was not delivered.
    pub(super) fn earliest(&self) -> Option<i64> {
        self.state().rowtimes.first_key_value().map(|(rowtime, _)| *rowtime)
    }

    /// Whether the application may read on.
    pub(super) fn has_room(&self) -> bool {
        let state = self.state();
        state.rows.len() < MAX_WAITING_ROWS && state.bytes < MAX_WAITING_BYTES
    }

    async fn chunk(&self) -> Vec<Waiting> {
        loop {
            let filled = self.filled.notified();
            let mut bytes = 0;
            let chunk: Vec<Waiting> = self
                .state()
                .rows
                .iter()
                .take(MAX_CHUNK_ROWS)
                .take_while(|row| {
                    let first = bytes == 0;
                    bytes += row.data.len();
                    first || bytes <= MAX_CHUNK_BYTES
                })
                .cloned()
                .collect();
            if !chunk.is_empty() {
                return chunk;
            }
            filled.await;
        }
    }

    fn forget(&self, chunk: &[Waiting]) {
        let mut state = self.state();
        for row in chunk {
            state.rows.pop_front();
            state.bytes -= row.data.len();
            if let Some(count) = state.rowtimes.get_mut(&row.rowtime) {
                *count -= 1;
                if *count == 0 {
                    state.rowtimes.remove(&row.rowtime);
                }
            }
        }
        drop(state);
        self.delivered.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    invocation_id: String,
    application_arn: &'a str,
    records: Vec<EventRecord<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventRecord<'a> {
    record_id: &'a str,
    lambda_delivery_record_metadata: Metadata,
    data: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    retry_hint: u32,
}

#[derive(Deserialize)]
struct Answer {
    records: Vec<AnswerRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerRecord {
    record_id: String,
    result: String,
}

struct Attempt {
    id: String,
    retry_hint: u32,
    data: Bytes,
}

/// Delivers the rows of one output until the application stops.
pub(super) async fn deliver(context: Arc<Context>, outbox: Arc<Outbox>) {
    loop {
        let chunk = outbox.chunk().await;
        let mut undelivered: Vec<Attempt> = chunk
            .iter()
            .map(|row| Attempt { id: Uuid::new_v4().to_string(), retry_hint: 0, data: row.data.clone() })
            .collect();
        let mut failures = 0;
        while !undelivered.is_empty() {
            let payload = event(&context.arn, &undelivered);
            let invocation = context.functions.invoke(&context.scope, &context.role, &outbox.function, payload).await;
            let complaint = match invocation {
                Ok(invocation) => keep_failed(&invocation, &mut undelivered).err(),
                Err(error) => Some(error.to_string()),
            };
            if undelivered.is_empty() {
                break;
            }
            for attempt in &mut undelivered {
                attempt.retry_hint = attempt.retry_hint.saturating_add(1);
            }
            let complaint = complaint.unwrap_or_else(|| {
                format!("the function answered DeliveryFailed for {} of {} records", undelivered.len(), chunk.len())
            });
            context.complain(failures, &format!("Delivery to {} is tried again: {complaint}", outbox.function));
            tokio::time::sleep(context.backoff(failures)).await;
            failures += 1;
        }
        outbox.forget(&chunk);
    }
}

fn event(application_arn: &str, attempts: &[Attempt]) -> Bytes {
    let records = attempts
        .iter()
        .map(|attempt| EventRecord {
            record_id: &attempt.id,
            lambda_delivery_record_metadata: Metadata { retry_hint: attempt.retry_hint },
            data: STANDARD.encode(&attempt.data),
        })
        .collect();
    let event = Event { invocation_id: Uuid::new_v4().to_string(), application_arn, records };
    // texts and numbers always have a JSON form
    serde_json::to_vec(&event).map(Bytes::from).unwrap_or_default()
}

/// Keeps the attempts that were not answered `Ok`.
fn keep_failed(invocation: &Invocation, attempts: &mut Vec<Attempt>) -> Result<(), String> {
    if invocation.function_error.is_some() {
        return Err(function_failure(invocation));
    }
    let answer: Answer = serde_json::from_slice(&invocation.payload).map_err(|error| {
        format!("the function's answer is not {{\"records\": [{{\"recordId\", \"result\"}}]}}: {error}")
    })?;
    let results: HashMap<&str, &str> =
        answer.records.iter().map(|record| (record.record_id.as_str(), record.result.as_str())).collect();
    let mut complaint = Ok(());
    attempts.retain(|attempt| match results.get(attempt.id.as_str()) {
        Some(&"Ok") => false,
        Some(&"DeliveryFailed") => true,
        Some(other) => {
            complaint = Err(format!("the function answered {other:?}, not Ok or DeliveryFailed"));
            true
        }
        None => {
            complaint = Err("the function did not answer every record; every recordId must come back".to_owned());
            true
        }
    });
    complaint
}

/// Waits longer after each failure, up to ten seconds.
pub(super) fn growing_backoff(failures: u32) -> Duration {
    Duration::from_millis((200_u64 << failures.min(6)).min(10_000))
}
