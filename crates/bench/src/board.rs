//! Entries through the board of a class: the fold alone, and with all that an instructor's page is told every second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use classroom::{Board, Event, Head, LogEntry, StuckRules, VerdictKind, clusters, help_queue, seal};

use crate::measurement::{HEADWATER, LIMIT, Measurement, Subject};

/// Steps and checks as in the lab.
const STEPS: usize = 7;
const CHECKS: usize = 7;
/// What a board has to show a second.
const ENTRIES_A_SECOND: usize = 500;

/// How much to fold.
#[derive(Clone, Debug, Args)]
pub struct BoardOptions {
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    learners: u64,
    /// Entries a round.
    #[arg(long, default_value_t = 600_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    entries: u64,
}

/// Entries a second, in two ways.
struct Rates {
    fold: f64,
    shown: f64,
}

/// Measures and prints four lines: each way, and what has to be reached.
pub fn run(options: &BoardOptions) -> anyhow::Result<()> {
    let rounds =
        (0..options.rounds).map(|_| round(options.learners, options.entries)).collect::<Result<Vec<_>, _>>()?;
    let of = |rate: fn(&Rates) -> f64| rounds.iter().map(rate).collect();
    for (how, values) in
        [("fold alone", of(|rates| rates.fold)), ("rows, clusters, queue told, too", of(|rates| rates.shown))]
    {
        let line = |target: &str, values| Measurement {
            subject: Subject::Entries,
            how: how.to_owned(),
            target: target.to_owned(),
            values,
        };
        line(HEADWATER, values).print()?;
        line(LIMIT, vec![ENTRIES_A_SECOND as f64]).print()?;
    }
    Ok(())
}

/// Folds a log second by second, and after each second takes what pages would be told.
fn round(learners: u64, count: u64) -> anyhow::Result<Rates> {
    let planned = BTreeMap::from_iter((0..STEPS).map(|step| (format!("step-{step}"), 15)));
    let rules = StuckRules::default();
    let mut board = Board::new("class");
    let mut head = Head::empty();
    let (mut folding, mut telling) = (Duration::ZERO, Duration::ZERO);
    let mut told = 0;
    while head.seq < i64::try_from(count)? {
        // The log is made outside the measured time.
        let second = (0..ENTRIES_A_SECOND).map(|_| entry(&mut head, learners)).collect::<Result<Vec<_>, _>>()?;
        let before = board.head().seq;
        let begin = Instant::now();
        for entry in &second {
            board.apply(entry)?;
        }
        folding += begin.elapsed();
        let begin = Instant::now();
        let now_ms = head.seq * 2;
        told += board.changed_since(before).len();
        told += clusters(&board, &rules, now_ms).len();
        told += help_queue(&board, &planned, &rules, now_ms).waiting.len();
        telling += begin.elapsed();
    }
    ensure!(board.head() == &head && told > 0, "the board does not show the log");
    let rate = |time: Duration| head.seq as f64 / time.as_secs_f64();
    Ok(Rates { fold: rate(folding), shown: rate(folding + telling) })
}

/// Learners take turns; each goes through step after step, with verdicts of which every third is a pass.
fn entry(head: &mut Head, learners: u64) -> Result<LogEntry, serde_json::Error> {
    let number = head.seq.unsigned_abs();
    let (learner, turn) = (number % learners, usize::try_from(number / learners).unwrap_or(0));
    let step = format!("step-{}", turn / (CHECKS + 3) % STEPS);
    let event = match turn % (CHECKS + 3) {
        0 => Event::StepOpened { step },
        1 => Event::Attempted { step, attempts: 1 },
        place if place < CHECKS + 2 => Event::Verdict {
            step,
            check: format!("check-{place}"),
            verdict: if place % 3 == 0 { VerdictKind::Pass } else { VerdictKind::Wrong },
            cause: "setting".to_owned(),
            first_passed_ms: None,
            evidence_sha256: "e".repeat(64),
        },
        _ => Event::Attempted { step, attempts: 2 },
    };
    let at_ms = head.seq * 2;
    seal(head, "class", at_ms, Some(&format!("{learner:032x}")), event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_shows_every_entry() {
        let rates = round(20, 1_200).unwrap();
        assert!(rates.fold >= rates.shown && rates.shown > 0.0);
    }
}
