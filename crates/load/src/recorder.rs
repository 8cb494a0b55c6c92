//! What was measured: a histogram a class of requests, and what failed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// Causes of failure that are told one by one.
const CAUSES: usize = 12;
/// Longest time that is told apart from longer ones, in microseconds.
const LONGEST: u64 = 600_000_000;

/// Kinds of requests that are measured apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A page, rendered by the server. The first one of a step also records that the step was opened.
    Page,
    /// A form that records progress and asks nothing of the learner's account: an answer, a hint.
    ProgressWrite,
    /// The button that checks a step: every check, with its calls to the learner's account.
    Check,
    /// A form that makes, changes, sends or deletes something in the learner's account.
    Action,
    /// Opening the stream of live events, until its first event.
    Live,
    /// From a learner's last doing at a step until the open page told that the step is passed.
    Verdict,
}

impl Class {
    pub const ALL: [Self; 6] = [Self::Page, Self::ProgressWrite, Self::Check, Self::Action, Self::Live, Self::Verdict];

    /// The class in the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::ProgressWrite => "progress write",
            Self::Check => "check",
            Self::Action => "sandbox action",
            Self::Live => "live stream, first event",
            Self::Verdict => "step passed, after last doing",
        }
    }

    /// The bound that the 99th percentile has to keep, if there is one.
    pub fn bound(self) -> Option<Duration> {
        match self {
            Self::Page => Some(Duration::from_millis(100)),
            Self::ProgressWrite => Some(Duration::from_millis(50)),
            Self::Check | Self::Action | Self::Live | Self::Verdict => None,
        }
    }

    /// Whether it counts requests.
    pub fn is_request(self) -> bool {
        self != Self::Verdict
    }
}

/// Where all learners write what they measured.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Recorded>);

/// Everything that was measured in one run.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    pub classes: BTreeMap<Class, Figures>,
    /// Causes of failures, with how often each was met.
    pub causes: BTreeMap<String, u64>,
    /// Requests that were refused because what they need was not ready, and were sent again.
    pub refused: u64,
    pub learners_finished: u64,
}

/// The figures of one class.
#[derive(Clone, Debug)]
pub struct Figures {
    pub failures: u64,
    pub total: Duration,
    times: Histogram<u64>,
}

impl Recorder {
    /// Notes a request that was answered as it should be.
    pub fn succeeded(&self, class: Class, time: Duration) {
        let mut recorded = self.recorded();
        recorded.classes.entry(class).or_default().record(time);
    }

    /// Notes one that was not.
    pub fn failed(&self, class: Class, cause: &str) {
        let mut recorded = self.recorded();
        recorded.classes.entry(class).or_default().failures += 1;
        let known = recorded.causes.contains_key(cause);
        let cause = if known || recorded.causes.len() < CAUSES { cause } else { "other causes" };
        *recorded.causes.entry(cause.to_owned()).or_default() += 1;
    }

    pub fn refused(&self) {
        self.recorded().refused += 1;
    }

    pub fn learner_finished(&self) {
        self.recorded().learners_finished += 1;
    }

    /// What was measured so far.
    pub fn so_far(&self) -> Recorded {
        self.recorded().clone()
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorded {
    /// Requests that were answered, and those that were not.
    pub fn requests(&self) -> (u64, u64) {
        let of_requests = self.classes.iter().filter(|(class, _)| class.is_request());
        of_requests
            .fold((0, 0), |(answered, failed), (_, figures)| (answered + figures.count(), failed + figures.failures))
    }

    /// Failures of any kind.
    pub fn failures(&self) -> u64 {
        self.classes.values().map(|figures| figures.failures).sum()
    }

    /// The mean time of all answered requests.
    pub fn mean(&self) -> Duration {
        let total: Duration =
            self.classes.iter().filter(|(class, _)| class.is_request()).map(|(_, figures)| figures.total).sum();
        total / u32::try_from(self.requests().0.max(1)).unwrap_or(u32::MAX)
    }
}

impl Default for Figures {
    fn default() -> Self {
        let times = Histogram::new_with_max(LONGEST, 3).expect("three digits below ten minutes is a valid histogram");
        Self { failures: 0, total: Duration::ZERO, times }
    }
}

impl Figures {
    pub fn record(&mut self, time: Duration) {
        self.total += time;
        self.times.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Self) {
        self.failures += other.failures;
        self.total += other.total;
        // Both have the same bounds, so that everything fits.
        let _ = self.times.add(&other.times);
    }

    /// How many were answered.
    pub fn count(&self) -> u64 {
        self.times.len()
    }

    /// The time within which this share of them was answered.
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.times.value_at_quantile(share))
    }

    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.times.max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_tell_quantiles_and_failures_are_counted_by_cause() {
        let recorder = Recorder::default();
        for milliseconds in 1..=100 {
            recorder.succeeded(Class::Page, Duration::from_millis(milliseconds));
        }
        recorder.succeeded(Class::Verdict, Duration::from_secs(9));
        recorder.failed(Class::Page, "500");
        recorder.failed(Class::Verdict, "a step did not pass");
        let recorded = recorder.so_far();
        let page = &recorded.classes[&Class::Page];
        let milliseconds = |share: f64| (page.quantile(share).as_secs_f64() * 1000.0).round() as u64;
        assert_eq!((page.count(), page.failures, milliseconds(0.5), milliseconds(0.99)), (100, 1, 50, 99));
        assert_eq!(recorded.requests(), (100, 1), "the waiting for a verdict is no request");
        assert_eq!(recorded.failures(), 2);
        assert_eq!(recorded.mean(), Duration::from_micros(50_500));
    }

    #[test]
    fn the_causes_are_bounded() {
        let recorder = Recorder::default();
        for number in 0..1000 {
            recorder.failed(Class::Page, &format!("cause {number}"));
        }
        let recorded = recorder.so_far();
        assert_eq!(recorded.causes.len(), CAUSES + 1);
        assert_eq!(recorded.causes["other causes"], 1000 - CAUSES as u64);
    }
}
