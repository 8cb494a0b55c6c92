//! One shard of a running mapping: batches of records to the function, in order, one after the other.
//!
//! The position in the shard, the state of the open window and the result are kept in one transaction after each call. A crash
//! between a call and its transaction makes the same call again, with the state of before: at least once, as in AWS.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;

use super::answer::{self, MAX_STATE_BYTES, Progress};
use super::event::{self, InWindow, Origin};
use super::operations::cannot_access;
use super::poller::{Poller, pause};
use super::store::{self, OK, OpenWindow};
use super::window::Window;
use crate::AwsError;
use crate::kinesis::{DataRecord, DataStream, may_read, readers};
use crate::lambda::{Invocation, PRINCIPAL};

/// What a window's state begins with.
const NO_STATE: &str = "{}";
/// How long after a window's end it is closed, unless a record of a later window comes before.
const CLOSES_AFTER_MS: i64 = 200;
const FUNCTION_CALL_FAILED: &str = "PROBLEM: Function call failed";
const STATE_TOO_LARGE: &str = "PROBLEM: The state of a window was too large to be passed on and is lost";
/// Most bytes that one read gives: more than an invocation takes.
const READ_BYTES: usize = 6 * 1024 * 1024;

/// How long a shard waits for a place among those that read at the same time.
const PLACE_PAUSE: Duration = Duration::from_millis(50);

/// Reads one shard for a mapping.
pub(super) struct ShardReader<'a> {
    poller: &'a Poller,
    stream: &'a DataStream,
    shard: u32,
    /// The number that is next.
    position: i64,
    open: Option<OpenWindow>,
    /// Where batches end that were cut in half after a failure, the next one last.
    cuts: Vec<i64>,
    /// How often the next batch was tried.
    attempts: i64,
    /// Calls that failed one after the other.
    failures: u32,
}

/// What to do next.
enum Next {
    /// Call the function with these records, in this window if there is one.
    Call { records: Vec<DataRecord>, window: Option<Window> },
    /// Close the open window.
    Close,
    /// Leave out what is too old, up to this number.
    Skip { to: i64 },
    /// Wait until then, if ever, or until records come.
    Wait { until_ms: Option<i64> },
}

/// What follows on a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    GoOn,
    Rest,
}

/// How a call ended.
enum Called {
    Answered(Bytes),
    /// The function failed by itself.
    Failed,
    /// The payload is more than Lambda takes.
    TooLarge,
    /// It was not called, for a reason that is not its own and passes.
    NotNow,
}

impl<'a> ShardReader<'a> {
    pub(super) async fn open(poller: &'a Poller, stream: &'a DataStream, shard: u32) -> Result<Self, AwsError> {
        let database = poller.services.database.read();
        let position = readers::position(database, stream, shard, &poller.mapping.reader()).await?;
        Ok(Self {
            poller,
            stream,
            shard,
            position: position.ok_or_else(|| AwsError::internal("a mapping is unknown to its stream"))?,
            open: store::open_window(database, poller.mapping.id, shard).await?,
            cuts: Vec::new(),
            attempts: 0,
            failures: 0,
        })
    }

    pub(super) async fn run(&mut self) -> Result<Infallible, AwsError> {
        let mut growth = self.stream.growth();
        loop {
            growth.mark_unchanged();
            // Held only while records are in memory.
            let mut place = self.poller.services.places.share(&self.poller.mapping.scope.account);
            if !place.grow(1) {
                tokio::time::sleep(PLACE_PAUSE).await;
                continue;
            }
            let then = match self.next().await? {
                Next::Call { records, window } => self.call(&records, window).await?,
                Next::Close => self.close().await?,
                Next::Skip { to } => self.advance(to, self.open.clone(), None).await?,
                Next::Wait { until_ms } => {
                    drop(place);
                    let clock = self.poller.services.kinesis.clock();
                    let due = async {
                        match until_ms {
                            Some(until_ms) => clock.wait_until_ms(until_ms).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        _ = growth.changed() => {}
                        () = due => {}
                    }
                    continue;
                }
            };
            drop(place);
            if then == Then::Rest {
                tokio::time::sleep(pause(self.failures)).await;
                self.failures = self.failures.saturating_add(1);
            }
        }
    }

    async fn next(&self) -> Result<Next, AwsError> {
        let settings = &self.poller.mapping.settings;
        let now_ms = self.poller.services.kinesis.clock().now_ms();
        if self.open.as_ref().is_some_and(|open| open.ends_early) {
            return Ok(Next::Close);
        }
        let most = settings.batch_size as usize;
        let kinesis = &self.poller.services.kinesis;
        let mut records = kinesis.read(self.stream, self.shard, self.position, most, READ_BYTES).await?;
        let Some(first) = records.first() else { return self.next_without_records(now_ms).await };
        if settings.record_age_seconds >= 0 {
            let oldest_ms = now_ms - settings.record_age_seconds * 1000;
            let old = records.iter().take_while(|record| record.arrival_ms < oldest_ms).last();
            if let Some(old) = old {
                return Ok(Next::Skip { to: old.number + 1 });
            }
        }
        let window = match &self.open {
            // Records arrive in order, so that none of the open window is to come.
            Some(open) if !open.window.contains(first.arrival_ms) => return Ok(Next::Close),
            Some(open) => Some(open.window),
            None if settings.tumbling_window_seconds > 0 => {
                Some(Window::of(first.arrival_ms, settings.tumbling_window_seconds))
            }
            None => None,
        };
        let first_arrival_ms = first.arrival_ms;
        let read = records.len();
        if let Some(window) = window {
            records.truncate(records.iter().take_while(|record| window.contains(record.arrival_ms)).count());
        }
        if let Some(cut) = self.cuts.last() {
            records.truncate(records.iter().take_while(|record| record.number < *cut).count().max(1));
        }
        let state_bytes = self.open.as_ref().map_or(0, |open| open.state.len());
        records.truncate(event::fitting(&records, state_bytes));
        let is_all_there_is = read == records.len() && read < most;
        if is_all_there_is && self.attempts == 0 && settings.batching_window_seconds > 0 {
            let mut due_ms = first_arrival_ms + i64::from(settings.batching_window_seconds) * 1000;
            if let Some(window) = window {
                due_ms = due_ms.min(window.end_ms);
            }
            if now_ms < due_ms {
                return Ok(Next::Wait { until_ms: Some(due_ms) });
            }
        }
        Ok(Next::Call { records, window })
    }

    async fn next_without_records(&self, now_ms: i64) -> Result<Next, AwsError> {
        let Some(open) = &self.open else { return Ok(Next::Wait { until_ms: None }) };
        let due_ms = open.window.end_ms + CLOSES_AFTER_MS;
        if now_ms < due_ms && self.poller.mapping.settings.tumbling_window_seconds > 0 {
            return Ok(Next::Wait { until_ms: Some(due_ms) });
        }
        // Records get their time of arrival while they hold the only writer. Once it was ours, those of the window are there.
        drop(self.poller.services.database.write().await?);
        let late = self.poller.services.kinesis.read(self.stream, self.shard, self.position, 1, 1).await?;
        Ok(if late.is_empty() { Next::Close } else { Next::Wait { until_ms: Some(now_ms) } })
    }

    async fn call(&mut self, records: &[DataRecord], window: Option<Window>) -> Result<Then, AwsError> {
        let state = self.open.as_ref().map_or(NO_STATE, |open| &open.state);
        let in_window = window.map(|window| InWindow { window, state, is_final: false, ended_early: false });
        let called = self.invoke(records, in_window).await?;
        let settings = &self.poller.mapping.settings;
        let progress = match called {
            Called::Answered(payload) => {
                answer::read(&payload, records, self.stream.id, settings.reports_failures, window.is_some())
            }
            Called::Failed => None,
            Called::TooLarge if records.len() > 1 => None,
            Called::TooLarge => return self.discard(records).await,
            Called::NotNow => return Ok(Then::Rest),
        };
        let Some(Progress { next_number, state }) = progress else { return self.failed(records).await };
        let all_done = records.last().is_none_or(|last| next_number > last.number);
        let open = window.zip(state).map(|(window, state)| {
            let ends_early = state.len() > MAX_STATE_BYTES;
            OpenWindow { window, state, ends_early }
        });
        self.advance(next_number, open, Some(OK)).await?;
        self.failures = 0;
        if all_done {
            return Ok(Then::GoOn);
        }
        // What is left is a batch of its own that has failed once.
        self.attempts = 1;
        Ok(Then::Rest)
    }

    /// The last call of a window, again and again until it succeeds; then its state is gone.
    async fn close(&mut self) -> Result<Then, AwsError> {
        let Some(open) = &self.open else { return Ok(Then::GoOn) };
        let in_window =
            InWindow { window: open.window, state: &open.state, is_final: true, ended_early: open.ends_early };
        match self.invoke(&[], Some(in_window)).await? {
            Called::Answered(_) => {
                self.failures = 0;
                self.advance(self.position, None, Some(OK)).await
            }
            Called::TooLarge => self.advance(self.position, None, Some(STATE_TOO_LARGE)).await,
            Called::Failed => {
                self.poller.tell(FUNCTION_CALL_FAILED).await;
                Ok(Then::Rest)
            }
            Called::NotNow => Ok(Then::Rest),
        }
    }

    /// Calls the function in the name of its role.
    async fn invoke(&self, records: &[DataRecord], window: Option<InWindow<'_>>) -> Result<Called, AwsError> {
        let Poller { services, mapping } = self.poller;
        let function = match services.lambda.find(&mapping.scope, &mapping.function_name, None).await {
            Ok(function) => function,
            Err(error) if error.code == "ResourceNotFoundException" => {
                self.poller.tell(&format!("PROBLEM: {}", error.message)).await;
                return Ok(Called::NotNow);
            }
            Err(error) => return Err(error),
        };
        let role_arn = &function.configuration.role;
        if may_read(&services.iam, self.stream, role_arn, PRINCIPAL).await?.is_err() {
            self.poller.tell(&format!("PROBLEM: {}", cannot_access(&self.stream.arn()))).await;
            return Ok(Called::NotNow);
        }
        let origin = Origin { stream: self.stream, shard: self.shard, role_arn };
        let payload = event::event(&origin, records, window).map_err(AwsError::internal)?;
        Ok(match services.lambda.invoke(&mapping.scope, &mapping.function_name, payload).await {
            Ok(Invocation { function_error: None, payload, .. }) => Called::Answered(payload),
            Ok(_) => Called::Failed,
            Err(error) if error.code == "RequestEntityTooLargeException" => Called::TooLarge,
            Err(error) => {
                tracing::debug!(%error, mapping = mapping.uuid, "a function could not be called");
                Called::NotNow
            }
        })
    }

    /// What is done with a batch that failed: cut in half, tried again, or given up.
    async fn failed(&mut self, records: &[DataRecord]) -> Result<Then, AwsError> {
        self.poller.tell(FUNCTION_CALL_FAILED).await;
        let settings = &self.poller.mapping.settings;
        let middle = records.get(records.len() / 2).filter(|_| settings.bisects && records.len() > 1);
        match middle {
            // A cut does not count as an attempt, as in AWS.
            Some(middle) => self.cuts.push(middle.number),
            None => {
                self.attempts += 1;
                if settings.retry_attempts >= 0 && self.attempts > settings.retry_attempts {
                    return self.discard(records).await;
                }
            }
        }
        Ok(Then::Rest)
    }

    async fn discard(&mut self, records: &[DataRecord]) -> Result<Then, AwsError> {
        tracing::info!(mapping = self.poller.mapping.uuid, count = records.len(), "records of a stream are given up");
        let next = records.last().map_or(self.position, |last| last.number + 1);
        self.advance(next, self.open.clone(), None).await
    }

    /// Keeps how far the shard was read, with its open window and what came of it.
    async fn advance(&mut self, to: i64, open: Option<OpenWindow>, result: Option<&str>) -> Result<Then, AwsError> {
        let Poller { services, mapping } = self.poller;
        let mut transaction = services.database.write().await?;
        let place = (self.stream.id, self.shard);
        if !readers::advance(&mut transaction, place, &mapping.reader(), self.position, to).await? {
            return Err(AwsError::internal("another task has read the same records"));
        }
        if open != self.open {
            store::write_window(&mut transaction, mapping.id, self.shard, open.as_ref()).await?;
        }
        if let Some(result) = result {
            store::write_result(&mut transaction, mapping.id, result).await?;
        }
        transaction.commit().await?;
        self.position = to;
        self.open = open;
        self.attempts = 0;
        self.cuts.retain(|cut| *cut > to);
        Ok(Then::GoOn)
    }
}
