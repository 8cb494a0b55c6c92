//! Sends rows to a stream: at a steady rate, refused records again, and no more.

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::packing::{PackedRecord, calls};
use crate::put::{Answer, SdkClients};
use crate::{Click, Generator, Mark, Progress, RowSource, SendPlan, SendState, Target};

/// How often the rows that have become due are sent: often enough to look steady, seldom enough to fill records.
const TICK: Duration = Duration::from_millis(500);
/// How long a call under way is waited for after a stop, to learn whether its records were accepted.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// After so many calls in a row of which nothing was accepted, the sending fails instead of going on in vain.
const VAIN_CALLS: u32 = 3;

/// Sends clicks through SDK clients, whose retries it replaces with its own so that they can be counted.
///
/// A call that timed out or broke off may have been accepted all the same. Its records are sent again, so that the stream
/// may then hold them twice: Firehose and Kinesis promise delivery at least once, no more.
#[derive(Clone, Debug)]
pub struct Sender {
    clients: SdkClients,
    backoff: Backoff,
}

/// Why a call's records were not all accepted and the sending ends.
enum Ended {
    Stopped,
    Failed { reason: String },
}

/// One sending under way.
struct Sending<'a> {
    sender: &'a Sender,
    target: Target,
    mark: Option<Mark>,
    progress: Progress,
    watcher: watch::Sender<Progress>,
    stop: CancellationToken,
    started: Instant,
    random: StdRng,
    vain_calls: u32,
}

impl Sender {
    /// A sender through these clients.
    pub fn new(clients: SdkClients) -> Self {
        Self { clients, backoff: Backoff::default() }
    }

    /// Carries out `plan` until all rows are sent, `stop` is cancelled, or it cannot go on. Tells its progress after each
    /// call and at least twice a second; returns the last of it, which is the summary.
    ///
    /// Nothing is returned as an error: how it ended is in [`Progress::state`].
    pub async fn send(&self, plan: SendPlan, progress: watch::Sender<Progress>, stop: CancellationToken) -> Progress {
        let (rate, planned_rows) = (plan.rate(), plan.planned_rows());
        let (target, mark, source) = plan.into_parts();
        let mut sending = Sending {
            sender: self,
            target,
            progress: Progress { mark: mark.clone(), ..Progress::starting(planned_rows) },
            mark,
            watcher: progress,
            stop,
            started: Instant::now(),
            random: StdRng::seed_from_u64(rand::random()),
            vain_calls: 0,
        };
        sending.tell();
        let ended = match source {
            RowSource::Demo { seed, .. } => sending.run(rate, planned_rows, Generator::new(seed)).await,
            RowSource::Rows(rows) => sending.run(rate, planned_rows, rows.into_iter()).await,
        };
        sending.progress.state = match ended {
            Ok(()) => SendState::Finished,
            Err(Ended::Stopped) => SendState::Stopped,
            Err(Ended::Failed { reason }) => SendState::Failed { reason },
        };
        sending.tell();
        sending.progress
    }
}

impl Sending<'_> {
    async fn run(&mut self, rate: u32, row_count: u64, mut rows: impl Iterator<Item = Click>) -> Result<(), Ended> {
        let mut ticks = interval_at(self.started + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut taken = 0;
        while taken < row_count {
            let stop = self.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Ended::Stopped),
                _ = ticks.tick() => {}
            }
            // Reckoned from the start, so that a slow call or a late tick makes no drift.
            let due = (self.started.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            let due = due.min(row_count).saturating_sub(taken);
            taken += due;
            let due = usize::try_from(due).unwrap_or(usize::MAX);
            let calls = calls(&self.target, self.mark.as_ref(), rows.by_ref().take(due));
            self.progress.planned_rows += calls.iter().flatten().map(|record| record.marks).sum::<u64>();
            for call in calls {
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
                    self.count_accepted(&accepted);
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
            answer = self.sender.clients.put(&self.target, records) => Some(answer),
            () = stopped => None,
        }
    }

    fn count_accepted(&mut self, records: &[PackedRecord]) {
        if records.is_empty() {
            return;
        }
        let now = OffsetDateTime::now_utc();
        let progress = &mut self.progress;
        progress.first_accepted.get_or_insert(now);
        progress.last_accepted = Some(now);
        for record in records {
            progress.accepted.add_record(record.rows);
            progress.clicks_accepted += record.clicks;
            progress.marks_accepted += record.marks;
            progress.bytes += record.data.as_ref().len() as u64;
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

#[cfg(test)]
mod tests;
