//! Logs for tests.

use std::collections::BTreeMap;

use crate::{Board, Event, ExportWriter, ExportedClass, Head, LogEntry, PointsScheme, StepPoints, VerdictKind, seal};

pub(crate) const MINUTE: i64 = 60_000;

/// A log that grows, with a time in minutes for each entry.
pub(crate) struct TestLog {
    pub head: Head,
    pub entries: Vec<LogEntry>,
}

impl TestLog {
    /// A class with points in which these learners are active.
    pub(crate) fn of(learners: &[&str]) -> Self {
        let mut log = Self { head: Head::empty(), entries: Vec::new() };
        log.push(0, None, Event::PointsSet { scheme: scheme() });
        learners.iter().for_each(|learner| log.add(0, learner, Event::Joined));
        log
    }

    pub(crate) fn add(&mut self, minute: i64, learner: &str, event: Event) {
        self.push(minute * MINUTE, Some(learner), event);
    }

    pub(crate) fn push(&mut self, at_ms: i64, learner: Option<&str>, event: Event) {
        self.entries.push(seal(&mut self.head, "class", at_ms, learner, event).unwrap());
    }

    /// An attempt and what it brought, as the server notes it: first the attempt.
    pub(crate) fn try_check(
        &mut self,
        minute: i64,
        learner: &str,
        attempts: u32,
        check: &str,
        verdict: VerdictKind,
        cause: &str,
    ) {
        self.add(minute, learner, attempted("stream", attempts));
        self.add(minute, learner, verdict_of("stream", check, verdict, cause));
    }

    pub(crate) fn board(&self) -> Board {
        board_of(&self.entries)
    }

    pub(crate) fn export(&self) -> String {
        export_of(&self.entries)
    }
}

pub(crate) fn board_of(entries: &[LogEntry]) -> Board {
    let mut board = Board::new("class");
    entries.iter().for_each(|entry| _ = board.apply(entry).unwrap());
    board
}

pub(crate) fn export_of(entries: &[LogEntry]) -> String {
    let class = ExportedClass { id: "class".to_owned(), name: "Monday".to_owned() };
    let mut writer = ExportWriter::new(Vec::new(), class, 7).unwrap();
    entries.iter().for_each(|entry| writer.entry(entry).unwrap());
    String::from_utf8(writer.finish(|id| Some(id.to_uppercase())).unwrap()).unwrap()
}

/// Two steps; what was done for the learner gives half.
pub(crate) fn scheme() -> PointsScheme {
    let step = |step: &str, checks: &[(&str, u32)]| StepPoints {
        step: step.to_owned(),
        checks: checks.iter().map(|(check, points)| ((*check).to_owned(), *points)).collect(),
    };
    let steps = vec![step("stream", &[("bucket", 10), ("prefix", 5)]), step("results", &[("rows", 15)])];
    PointsScheme { steps, assisted_percent: 50 }
}

/// Ten minutes for each step.
pub(crate) fn planned() -> BTreeMap<String, u32> {
    BTreeMap::from([("stream".to_owned(), 10), ("results".to_owned(), 10)])
}

pub(crate) fn opened(step: &str) -> Event {
    Event::StepOpened { step: step.to_owned() }
}

pub(crate) fn attempted(step: &str, attempts: u32) -> Event {
    Event::Attempted { step: step.to_owned(), attempts }
}

pub(crate) fn verdict_of(step: &str, check: &str, verdict: VerdictKind, cause: &str) -> Event {
    Event::Verdict {
        step: step.to_owned(),
        check: check.to_owned(),
        verdict,
        cause: cause.to_owned(),
        first_passed_ms: None,
        evidence_sha256: "e".repeat(64),
    }
}

pub(crate) fn hand(step: &str) -> Event {
    Event::HandRaised { step: step.to_owned() }
}

/// A text in which hashes can be read.
pub(crate) fn shortened(text: &str) -> String {
    let mut short = text.to_owned();
    while let Some(at) = short.as_bytes().windows(64).position(|part| part.iter().all(u8::is_ascii_hexdigit)) {
        short.replace_range(at + 4..at + 64, "…");
    }
    short
}
