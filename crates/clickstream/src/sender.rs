//! Sends rows to a delivery stream: at a steady rate, refused records again, and no more.

use std::time::Duration;

use aws_sdk_firehose::Client;
use aws_sdk_firehose::config::retry::RetryConfig;
use aws_sdk_firehose::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_firehose::operation::put_record_batch::{PutRecordBatchError, PutRecordBatchOutput};
use aws_sdk_firehose::types::Record;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::packing::{PackedRecord, calls, pack};
use crate::{Click, Generator, Progress, RowSource, SendPlan, SendState};

/// How often the rows that have become due are sent: often enough to look steady, seldom enough to fill records.
const TICK: Duration = Duration::from_millis(500);
/// How long a call under way is waited for after a stop, to learn whether its records were accepted.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// After so many calls in a row of which nothing was accepted, the sending fails instead of going on in vain.
const VAIN_CALLS: u32 = 3;

/// Sends clicks through a Firehose client, whose retries it replaces with its own so that they can be counted.
///
/// A call that timed out or broke off may have been accepted all the same. Its records are sent again, so that the stream
/// may then hold them twice: Firehose promises delivery at least once, no more.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    backoff: Backoff,
}

/// What the answer to one call means for the records in it.
enum Answer {
    /// Some may be refused, to be sent again.
    Taken { refused: Vec<PackedRecord>, accepted: Vec<PackedRecord>, problem: Option<String> },
    /// All are to be sent again.
    TryAgain { problem: String },
    /// No further call will do better.
    Hopeless { reason: String },
}

/// Why a call's records were not all accepted and the sending ends.
enum Ended {
    Stopped,
    Failed { reason: String },
}

/// One sending under way.
struct Sending<'a> {
    sender: &'a Sender,
    stream: String,
    progress: Progress,
    watcher: watch::Sender<Progress>,
    stop: CancellationToken,
    started: Instant,
    random: StdRng,
    vain_calls: u32,
}

impl Sender {
    /// A sender through this client.
    pub fn new(client: Client) -> Self {
        Self { client, backoff: Backoff::default() }
    }

    /// Carries out `plan` until all rows are sent, `stop` is cancelled, or it cannot go on. Tells its progress after each
    /// call and at least twice a second; returns the last of it, which is the summary.
    ///
    /// Nothing is returned as an error: how it ended is in [`Progress::state`].
    pub async fn send(&self, plan: SendPlan, progress: watch::Sender<Progress>, stop: CancellationToken) -> Progress {
        let mut sending = Sending {
            sender: self,
            stream: plan.stream().to_owned(),
            progress: Progress::starting(plan.planned_rows()),
            watcher: progress,
            stop,
            started: Instant::now(),
            random: StdRng::seed_from_u64(rand::random()),
            vain_calls: 0,
        };
        sending.tell();
        let rate = plan.rate();
        let ended = match plan.into_source() {
            RowSource::Demo { seed, .. } => sending.run(rate, Generator::new(seed)).await,
            RowSource::Rows(rows) => sending.run(rate, rows.into_iter()).await,
        };
        sending.progress.state = match ended {
            Ok(()) => SendState::Finished,
            Err(Ended::Stopped) => SendState::Stopped,
            Err(Ended::Failed { reason }) => SendState::Failed { reason },
        };
        sending.tell();
        sending.progress
    }

    async fn put(&self, stream: &str, records: Vec<PackedRecord>) -> Answer {
        let entries = records.iter().filter_map(|record| Record::builder().data(record.data.clone()).build().ok());
        let call = self.client.put_record_batch().delivery_stream_name(stream).set_records(Some(entries.collect()));
        let own_retries = aws_sdk_firehose::config::Builder::new().retry_config(RetryConfig::disabled());
        match call.customize().config_override(own_retries).send().await {
            Ok(output) => read_answer(records, &output),
            Err(error) => read_error(stream, &error),
        }
    }
}

impl Sending<'_> {
    async fn run(&mut self, rate: u32, mut rows: impl Iterator<Item = Click>) -> Result<(), Ended> {
        let mut ticks = interval_at(self.started + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut taken = 0;
        while taken < self.progress.planned_rows {
            let stop = self.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Ended::Stopped),
                _ = ticks.tick() => {}
            }
            // Reckoned from the start, so that a slow call or a late tick makes no drift.
            let due = (self.started.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            let due = due.min(self.progress.planned_rows).saturating_sub(taken);
            taken += due;
            let due = usize::try_from(due).unwrap_or(usize::MAX);
            for call in calls(pack(rows.by_ref().take(due))) {
                self.deliver(call).await?;
            }
            self.tell();
        }
        Ok(())
    }

    /// Sends the records of one call until each is accepted or given up.
    async fn deliver(&mut self, mut waiting: Vec<PackedRecord>) -> Result<(), Ended> {
        if self.stop.is_cancelled() {
            return Err(Ended::Stopped);
        }
        waiting.iter().for_each(|record| self.progress.sent.add_record(record.rows));
        let mut any_accepted = false;
        for attempt in 1.. {
            match self.put_unless_stopped(waiting.clone()).await {
                Some(Answer::Taken { refused, accepted, problem }) => {
                    any_accepted |= !accepted.is_empty();
                    for record in accepted {
                        self.progress.accepted.add_record(record.rows);
                        self.progress.bytes += record.data.as_ref().len() as u64;
                    }
                    self.progress.latest_problem = problem;
                    waiting = refused;
                }
                Some(Answer::TryAgain { problem }) => self.progress.latest_problem = Some(problem),
                Some(Answer::Hopeless { reason }) => {
                    self.give_up(&waiting);
                    return Err(Ended::Failed { reason });
                }
                None => {
                    self.give_up(&waiting);
                    return Err(Ended::Stopped);
                }
            }
            self.tell();
            if waiting.is_empty() || attempt >= self.sender.backoff.attempts {
                break;
            }
            let delay = self.sender.backoff.delay(attempt, &mut self.random);
            let stop = self.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.give_up(&waiting);
                    return Err(Ended::Stopped);
                }
                () = tokio::time::sleep(delay) => {}
            }
            waiting.iter().for_each(|record| self.progress.retried.add_record(record.rows));
        }
        self.give_up(&waiting);
        self.vain_calls = if any_accepted { 0 } else { self.vain_calls + 1 };
        if self.vain_calls >= VAIN_CALLS {
            let latest = self.progress.latest_problem.clone().unwrap_or_default();
            return Err(Ended::Failed {
                reason: format!("Nothing was accepted for a while, so the sending ended. {latest}"),
            });
        }
        Ok(())
    }

    /// `None` if it was stopped and the answer did not come soon after.
    async fn put_unless_stopped(&self, records: Vec<PackedRecord>) -> Option<Answer> {
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        tokio::select! {
            biased;
            answer = self.sender.put(&self.stream, records) => Some(answer),
            () = stopped => None,
        }
    }

    fn give_up(&mut self, records: &[PackedRecord]) {
        records.iter().for_each(|record| self.progress.failed.add_record(record.rows));
    }

    fn tell(&mut self) {
        self.progress.elapsed_ms = self.started.elapsed().as_millis() as u64;
        self.watcher.send_replace(self.progress.clone());
    }
}

/// An answer with status 200 may still refuse records, each in its place.
fn read_answer(records: Vec<PackedRecord>, output: &PutRecordBatchOutput) -> Answer {
    let entries = output.request_responses();
    if entries.len() != records.len() {
        let reason = format!("The stream answered for {} of {} records.", entries.len(), records.len());
        return Answer::Hopeless { reason };
    }
    let problem = entries.iter().find_map(|entry| {
        let code = entry.error_code()?;
        Some(format!("The stream refused records for now: {code}: {}", entry.error_message().unwrap_or_default()))
    });
    let (refused, accepted): (Vec<_>, Vec<_>) =
        records.into_iter().zip(entries).partition(|(_, entry)| entry.error_code().is_some());
    let records_only = |pairs: Vec<(PackedRecord, _)>| pairs.into_iter().map(|(record, _)| record).collect();
    Answer::Taken { refused: records_only(refused), accepted: records_only(accepted), problem }
}

fn read_error(stream: &str, error: &SdkError<PutRecordBatchError>) -> Answer {
    match error {
        SdkError::TimeoutError(_) => {
            Answer::TryAgain { problem: "The stream's endpoint did not answer in time.".to_owned() }
        }
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            Answer::TryAgain { problem: "The stream's endpoint cannot be reached.".to_owned() }
        }
        SdkError::ResponseError(_) => {
            Answer::TryAgain { problem: "The answer of the stream's endpoint could not be read.".to_owned() }
        }
        SdkError::ServiceError(refused) => {
            let code = refused.err().code().unwrap_or("an unnamed error");
            let message = refused.err().message().unwrap_or_default();
            if is_transient(refused.raw().status().as_u16(), code) {
                Answer::TryAgain { problem: format!("The stream refused the call for now: {code}: {message}") }
            } else {
                Answer::Hopeless { reason: explain(stream, code, message) }
            }
        }
        _ => Answer::Hopeless { reason: "The call could not be made: there are no usable credentials.".to_owned() },
    }
}

fn is_transient(status: u16, code: &str) -> bool {
    status >= 500
        || status == 429
        || matches!(
            code,
            "ServiceUnavailableException"
                | "ServiceUnavailable"
                | "InternalFailure"
                | "InternalServerError"
                | "LimitExceededException"
                | "RequestLimitExceeded"
                | "RequestThrottled"
                | "RequestTimeout"
                | "SlowDown"
                | "Throttling"
                | "ThrottlingException"
                | "ThrottledException"
                | "TooManyRequestsException"
        )
}

/// A permanent error in words that say what to do.
fn explain(stream: &str, code: &str, message: &str) -> String {
    match code {
        "ResourceNotFoundException" => {
            format!("There is no delivery stream {stream} in this account and region. Create it, or correct its name.")
        }
        "AccessDeniedException" | "AccessDenied" => {
            format!("These credentials may not send to {stream}: they need firehose:PutRecordBatch. {message}")
        }
        "ExpiredToken" | "ExpiredTokenException" => "The credentials have expired. Connect again.".to_owned(),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch" => {
            format!("The credentials were not accepted. Connect again. {message}")
        }
        _ => format!("The stream refused the call: {code}: {message}"),
    }
}

#[cfg(test)]
mod tests;
