//! Re-verifying an export: whether the log is whole, and whether the grades follow from it.
//!
//! The document is read as it comes. What stays in memory is the board, which grows with the learners and not with the log.

mod error;
mod reading;
mod verifying;

use std::cell::Cell;
use std::io::{BufReader, Read};

use serde::Serialize;
use serde::de::DeserializeSeed as _;

use crate::chain::Head;
use crate::export::ExportedClass;

pub use self::error::{AuditError, EntryFault, LearnerFault};
use self::reading::{Bounded, Document};
use self::verifying::Verifier;

/// No entry, learner or other part may be longer, in bytes.
pub const MAX_PART_BYTES: u64 = 1 << 20;
/// More learners than a class can have.
pub const MAX_LEARNERS: usize = 200_000;
/// More different steps, checks, causes and hints together than a class can have.
pub const MAX_NAMES: usize = 200_000;

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    pub class: ExportedClass,
    pub exported_ms: i64,
    pub head: Head,
    /// Entries of the log, each with the hash that it should have.
    pub entries: u64,
    /// Learners whose state and grade follow from the log.
    pub learners: u64,
    /// Checks whose points were computed anew.
    pub checks: u64,
    /// When the first and the last entry were noted.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    /// Entries noted before the one that they follow. A clock that was set back does that, so it is no fault.
    pub earlier_than_previous: u64,
    /// The first of them.
    pub first_earlier: Option<i64>,
    /// The head noted earlier, if one was given: it is in the log.
    pub noted: Option<Head>,
}

/// Verifies an export.
///
/// The chain alone shows that nothing was changed *within* it. Who can write the whole file can also make a whole new
/// chain: only a head `noted` at an earlier time, outside the file, tells that apart.
pub fn audit(reader: impl Read, noted: Option<&Head>) -> Result<AuditReport, AuditError> {
    let left = Cell::new(MAX_PART_BYTES);
    let bounded = Bounded { reader: BufReader::new(reader), left: &left };
    let mut verifier = Verifier::new(noted);
    let mut json = serde_json::Deserializer::from_reader(bounded);
    let read = Document { verifier: &mut verifier, left: &left }.deserialize(&mut json).and_then(|()| json.end());
    match read {
        Ok(()) => verifier.report(),
        Err(error) => Err(verifier.failed(&error, left.get() == 0)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::VerdictKind::{Pass, Wrong};
    use crate::test_log::{TestLog, attempted, export_of, scheme, shortened, verdict_of};
    use crate::{Event, FORMAT, LogEntry};

    use super::*;

    fn log() -> TestLog {
        let mut log = TestLog::of(&["anna", "ben"]);
        log.add(1, "anna", attempted("stream", 1));
        log.add(2, "anna", verdict_of("stream", "prefix", Pass, ""));
        log
    }

    fn document() -> Value {
        serde_json::from_str(&log().export()).unwrap()
    }

    fn finding(document: &Value) -> AuditError {
        audit(document.to_string().as_bytes(), None).unwrap_err()
    }

    /// What is said of a document in which one place has another value.
    fn with(place: &str, value: impl Into<Value>) -> String {
        let mut document = document();
        *document.pointer_mut(place).unwrap() = value.into();
        finding(&document).to_string()
    }

    #[test]
    fn an_intact_export_is_counted() {
        let log = log();
        let report = audit(log.export().as_bytes(), Some(&log.head)).unwrap();
        assert_eq!((report.entries, report.learners, report.checks), (5, 2, 6));
        assert_eq!((report.first_ms, report.last_ms, report.exported_ms), (Some(0), Some(120_000), 7));
        assert_eq!((report.earlier_than_previous, &report.head), (0, &log.head));
        assert_eq!((&*report.class.name, report.noted), ("Monday", Some(log.head)));
    }

    #[test]
    fn a_clock_that_went_back_is_told_and_is_no_fault() {
        let mut log = log();
        log.add(1, "ben", attempted("stream", 1));
        log.add(0, "ben", attempted("stream", 2));
        let report = audit(log.export().as_bytes(), None).unwrap();
        assert_eq!((report.earlier_than_previous, report.first_earlier), (2, Some(6)));
    }

    #[test]
    fn the_first_bad_entry_is_named_with_what_was_expected() {
        insta::assert_snapshot!(shortened(&with("/log/4/event/verdict", "wrong")), @"entry 5 of the log: its hash should be c0e6…, and is 4652…");
        insta::assert_snapshot!(shortened(&with("/log/4/event/verdict", "fine")), @"entry 5 of the log: it cannot be understood: unknown variant `fine`, expected one of `pass`, `not-yet`, `wrong`, `elsewhere`, `no-permission`, `settling`, `service-fault`");
        insta::assert_snapshot!(shortened(&with("/log/2/previous", "0")), @"entry 3 of the log: the hash of the entry before should be 49ca…, and is 0");
        insta::assert_snapshot!(shortened(&with("/log/2/class", "other")), @"entry 3 of the log: its class should be class, and is other");
        insta::assert_snapshot!(shortened(&with("/log/2/seq", 7)), @"entry 3 of the log: its number should be 3, and is 7");
        insta::assert_snapshot!(shortened(&with("/log/2/at_ms", (1_i64 << 53) + 1)), @"entry 3 of the log: it cannot be understood: a number that JSON does not keep exactly");
        let mut removed = document();
        removed["log"].as_array_mut().unwrap().remove(1);
        insta::assert_snapshot!(finding(&removed), @"entry 2 of the log: its number should be 2, and is 3");
        let mut added = document();
        added["log"][1]["extra"] = true.into();
        assert!(matches!(finding(&added), AuditError::Entry { place: 2, fault: EntryFault::Hash { .. } }));
    }

    #[test]
    fn what_does_not_follow_from_the_log_is_named() {
        insta::assert_snapshot!(shortened(&with("/head/seq", 4)), @"the head should be 5:4652…, where the log ends, and is 4:4652…");
        insta::assert_snapshot!(with("/scheme/assisted_percent", 51), @"the points are not those that the log sets last");
        insta::assert_snapshot!(with("/learners/0/grade/points", 6), @"learner anna: grade.points should be 5 by the log, and is 6");
        insta::assert_snapshot!(with("/learners/0/grade/steps/0/checks/1/passed_ms", Value::Null), @"learner anna: grade.steps[0].checks[1].passed_ms should be 120000 by the log, and is null");
        insta::assert_snapshot!(with("/learners/1/state", "left"), @r#"learner ben: state should be "active" by the log, and is "left""#);
        insta::assert_snapshot!(with("/learners/1/id", "eva"), @"learner eva: the log does not know them");
        insta::assert_snapshot!(with("/learners/1/id", "anna"), @"learner anna: they are listed twice");
        insta::assert_snapshot!(shortened(&with("/learners/0/name", "Eve")), @"the sum of names and grades should be 6b0d…, and is 01dc…");
        assert!(with("/class/name", "Tuesday").starts_with("the sum of names and grades should be "));
        let mut missing = document();
        missing["learners"].as_array_mut().unwrap().pop();
        insta::assert_snapshot!(finding(&missing), @"learner ben: the log knows them, and they are not listed");
        let mut twice = document();
        let anna = twice["learners"][0].clone();
        twice["learners"].as_array_mut().unwrap().push(anna);
        insta::assert_snapshot!(finding(&twice), @"learner anna: they are listed twice");
        let mut last = document();
        last["learners"][0]["grade"]["steps"] = json!([]);
        assert!(finding(&last).to_string().starts_with("learner anna: grade.steps should be [{"));
    }

    /// The log with another verdict, and a chain that is whole again.
    fn forged() -> Vec<LogEntry> {
        let mut forged = TestLog { head: Head::empty(), entries: Vec::new() };
        for entry in log().entries {
            let event = match entry.event {
                Event::Verdict { .. } => verdict_of("stream", "prefix", Wrong, "slash"),
                event => event,
            };
            forged.push(entry.at_ms, entry.learner.as_deref(), event);
        }
        forged.entries
    }

    #[test]
    fn a_new_chain_is_found_by_a_head_that_was_noted() {
        let honest = log();
        let export = export_of(&forged());
        assert!(audit(export.as_bytes(), None).is_ok(), "the chain alone cannot tell");
        let error = audit(export.as_bytes(), Some(&honest.head)).unwrap_err();
        insta::assert_snapshot!(shortened(&error.to_string()), @"entry 5 should have the hash 4652…, as noted, and has 3624…");
        let before = Head { seq: 4, hash: honest.entries[3].hash.clone() };
        assert!(audit(export.as_bytes(), Some(&before)).is_ok(), "up to there it is the same log");
        let later = Head { seq: 9, ..honest.head };
        let error = audit(export.as_bytes(), Some(&later)).unwrap_err();
        insta::assert_snapshot!(shortened(&error.to_string()), @"entry 9 should have the hash 4652…, as noted, and is not in the log");
        let nothing = Head { seq: 0, hash: "1".repeat(64) };
        assert!(audit(export.as_bytes(), Some(&nothing)).is_err());
    }

    #[test]
    fn what_is_no_export_is_told_from_what_is_damaged() {
        let said = |text: &str| {
            let error = audit(text.as_bytes(), None).unwrap_err();
            (error.is_unreadable(), error.to_string())
        };
        for foreign in ["", "{}", "[]", "nonsense", r#"{"format":"other/1"}"#, r#"{"class":{}}"#] {
            let (is_unreadable, told) = said(foreign);
            assert!(is_unreadable && told.starts_with("the file is no export of a class"), "{foreign}: {told}");
        }
        let export = log().export();
        let damaged = [
            (&export[..export.find("\"seq\":3").unwrap()], "entry 2"),
            (&export[..export.find("\"head\"").unwrap()], "entry 5"),
            (&export[..export.find("\"id\":\"ben\"").unwrap()], "learner 1"),
            (&format!("{{\"format\":\"{FORMAT}\","), "its beginning"),
            (&export.replace("\"exported_ms\"", "\"exported\""), "its beginning"),
            (&export.replace("\"sha256\"", "\"x\":1,\"sha256\""), "learner 2"),
            (&format!("{export}x"), "learner 2"),
        ];
        for (text, after) in damaged {
            let (is_unreadable, told) = said(text);
            let expected = format!("the file is damaged or cut off after {after}: ");
            assert!(!is_unreadable && told.starts_with(&expected), "{told}");
        }
    }

    /// A reader that fails when it is read.
    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_finding() {
        let error = audit(Broken, None).unwrap_err();
        assert!(error.is_unreadable() && error.to_string().contains("the disk is gone"), "{error}");
    }

    #[test]
    fn no_part_may_be_endless() {
        let export = log().export();
        let at = export.find("{\"class\":\"class\",\"seq\":3").unwrap();
        let endless = export.as_bytes()[..at].chain(&b"{\"class\":\""[..]).chain(std::io::repeat(b'x'));
        let error = audit(endless, None).unwrap_err();
        assert_eq!(error.to_string(), "the file goes beyond a limit after entry 2: a part may have 1048576 bytes");
        assert!(!error.is_unreadable());
        let foreign = audit(std::io::repeat(b' '), None).unwrap_err();
        assert!(foreign.is_unreadable(), "{foreign}");
    }

    #[test]
    fn every_part_may_have_its_size_anew() {
        let mut log = TestLog::of(&[]);
        let mut large = scheme();
        large.steps[0].checks = (0..20_000).map(|check| (format!("check {check}"), 1)).collect();
        (0..4).for_each(|_| log.push(1, None, Event::PointsSet { scheme: large.clone() }));
        let export = log.export();
        assert!(export.len() as u64 > MAX_PART_BYTES);
        assert_eq!(audit(export.as_bytes(), None).unwrap().entries, 5);
    }
}
