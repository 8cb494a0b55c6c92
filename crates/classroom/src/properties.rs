//! What holds for every log.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::test_log::{TestLog, board_of, export_of, scheme};
use crate::{Applied, BoardRow, Event, HelpSubject, LogEntry, PointsScheme, VerdictKind, audit, write_csv};

fn step() -> impl Strategy<Value = String> {
    select(vec!["stream", "results", "elsewhere"]).prop_map(str::to_owned)
}

fn subject() -> impl Strategy<Value = HelpSubject> {
    prop_oneof![Just(HelpSubject::Hand), step().prop_map(|step| HelpSubject::Step { step })]
}

fn verdict() -> impl Strategy<Value = Event> {
    use VerdictKind::{Elsewhere, NoPermission, NotYet, Pass, ServiceFault, Settling, Wrong};
    let kinds = vec![Pass, NotYet, Wrong, Elsewhere, NoPermission, Settling, ServiceFault];
    let check = select(vec!["bucket", "prefix", "rows"]);
    (step(), check, select(kinds), select(vec!["", "region", "absent"])).prop_map(|(step, check, verdict, cause)| {
        let first_passed_ms = (verdict == Pass).then_some(5);
        let (check, cause) = (check.to_owned(), cause.to_owned());
        Event::Verdict { step, check, verdict, cause, first_passed_ms, evidence_sha256: "e".repeat(64) }
    })
}

fn new_points() -> impl Strategy<Value = Event> {
    (0..=100_u8).prop_map(|assisted_percent| Event::PointsSet { scheme: PointsScheme { assisted_percent, ..scheme() } })
}

fn event() -> impl Strategy<Value = Event> {
    let by = || "teacher".to_owned();
    prop_oneof![
        1 => select(vec![Event::Waiting, Event::Joined, Event::Renamed, Event::Left, Event::Removed, Event::HandLowered]),
        2 => step().prop_map(|step| Event::StepOpened { step }),
        4 => (step(), 0..9_u32).prop_map(|(step, attempts)| Event::Attempted { step, attempts }),
        8 => verdict(),
        1 => (step(), 0..99_i64).prop_map(|(step, passed_ms)| Event::StepPassed { step, passed_ms }),
        1 => step().prop_map(|step| Event::Assisted { step }),
        1 => (step(), 0..4_u32).prop_map(|(step, revealed)| Event::HintRevealed { step, revealed }),
        1 => (step(), 0..3_u32, any::<bool>()).prop_map(|(step, question, correct)| {
            Event::Answered { step, question, correct, first_correct: correct, tries: 1 }
        }),
        1 => step().prop_map(|step| Event::HandRaised { step }),
        1 => (step(), 0..3_u32).prop_map(move |(step, hint)| {
            Event::HintSent { hint: format!("h{hint}"), step, check: None, by: by() }
        }),
        1 => (0..3_u32).prop_map(|hint| Event::HintSeen { hint: format!("h{hint}") }),
        1 => subject().prop_map(move |subject| Event::Resolved { subject, by: by() }),
        1 => subject().prop_map(move |subject| Event::Reopened { subject, by: by() }),
        1 => new_points(),
    ]
}

prop_compose! {
    fn log(most: usize)(steps in prop::collection::vec((0..4_usize, event(), -1_000..1_200_000_i64), 1..most)) -> Vec<LogEntry> {
        let mut log = TestLog::of(&["a", "b"]);
        let mut at_ms = 0;
        for (learner, event, later) in steps {
            at_ms += later;
            let learner = ["a", "b", "c", "d"][learner];
            log.push(at_ms, (!matches!(event, Event::PointsSet { .. })).then_some(learner), event);
        }
        log.entries
    }
}

fn by_learner(rows: impl IntoIterator<Item = BoardRow>) -> BTreeMap<String, BoardRow> {
    rows.into_iter().map(|row| (row.learner.clone(), row)).collect()
}

/// All places of a document that hold something simple.
fn leaves(path: &str, value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| leaves(&format!("{path}/{name}"), value, into)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| leaves(&format!("{path}/{at}"), value, into));
        }
        _ => into.push(path.to_owned()),
    }
}

fn other(value: &Value) -> Value {
    match value {
        Value::Null => 1.into(),
        Value::Bool(flag) => (!flag).into(),
        Value::Number(number) => (number.as_f64().unwrap_or_default() as i64 + 1).into(),
        Value::String(text) => format!("{text}0").into(),
        Value::Array(_) | Value::Object(_) => Value::Null,
    }
}

fn is_intact(document: &str) -> bool {
    audit(document.as_bytes(), None).is_ok()
}

proptest! {
    #[test]
    fn any_split_into_batches_gives_the_same_board(entries in log(60), cuts in prop::collection::vec(any::<Index>(), 0..6)) {
        let whole = board_of(&entries);
        let mut board = board_of(&[]);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(entries.len())).collect();
        ends.sort_unstable();
        ends.push(entries.len());
        for end in ends {
            // Each batch is read from the beginning, as one that came before and was sent again.
            let known = usize::try_from(board.head().seq).unwrap();
            for (index, entry) in entries[..end].iter().enumerate() {
                let expected = if index < known { Applied::Known } else { Applied::New };
                prop_assert_eq!(board.apply(entry).unwrap(), expected);
            }
        }
        prop_assert!(board.rows().eq(whole.rows()));
        prop_assert_eq!(board.head(), whole.head());
    }

    #[test]
    fn what_changed_since_over_what_was_gives_what_is(entries in log(60), at in any::<Index>()) {
        let at = at.index(entries.len());
        let (before, now) = (board_of(&entries[..at]), board_of(&entries));
        let mut rows = by_learner(before.rows());
        let changed = now.changed_since(before.head().seq);
        rows.extend(by_learner(changed.clone()));
        prop_assert_eq!(rows, by_learner(now.rows()));
        let has_new_points = entries[at..].iter().any(|entry| matches!(entry.event, Event::PointsSet { .. }));
        prop_assert!(has_new_points || changed.iter().all(|row| row.changed_seq > before.head().seq));
    }

    #[test]
    fn the_points_of_a_row_are_those_of_the_grade(entries in log(60)) {
        let board = board_of(&entries);
        for row in board.rows() {
            prop_assert_eq!(row.points, board.grade(&row.learner).unwrap().points);
        }
    }

    #[test]
    fn an_export_is_intact_by_its_own_audit(entries in log(40)) {
        let report = audit(export_of(&entries).as_bytes(), None).unwrap();
        prop_assert_eq!(report.entries, entries.len() as u64);
        prop_assert_eq!(report.learners, board_of(&entries).learners().len() as u64);
    }

    #[test]
    fn a_changed_byte_is_found(entries in log(12), at in any::<Index>(), byte in 32..127_u8) {
        let export = export_of(&entries);
        let mut changed = export.clone().into_bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        let changed = String::from_utf8(changed).unwrap();
        let says_the_same = serde_json::from_str::<Value>(&changed)
            .is_ok_and(|changed| changed == serde_json::from_str::<Value>(&export).unwrap());
        prop_assert_eq!(is_intact(&changed), says_the_same, "{}", changed);
    }

    #[test]
    fn a_changed_field_is_found(entries in log(12), at in any::<Index>()) {
        let mut document: Value = serde_json::from_str(&export_of(&entries)).unwrap();
        let mut places = Vec::new();
        leaves("", &document, &mut places);
        let place: &String = at.get(&places);
        let value = document.pointer_mut(place).unwrap();
        *value = other(value);
        prop_assert!(!is_intact(&document.to_string()), "{place}");
    }

    #[test]
    fn a_cut_off_file_is_found(entries in log(12), at in any::<Index>()) {
        let export = export_of(&entries);
        prop_assert!(!is_intact(&export[..at.index(export.trim_end().len())]));
    }

    #[test]
    fn removed_repeated_and_swapped_parts_are_found(entries in log(12), list in select(vec!["log", "learners"]), at in any::<Index>(), how in 0..3) {
        let mut document: Value = serde_json::from_str(&export_of(&entries)).unwrap();
        let parts = document[list].as_array_mut().unwrap();
        let at = at.index(parts.len() - 1);
        match how {
            0 => drop(parts.remove(at)),
            1 => parts.insert(at, parts[at].clone()),
            _ => parts.swap(at, at + 1),
        }
        prop_assert!(!is_intact(&document.to_string()));
    }

    #[test]
    fn the_table_reads_back(entries in log(40), names in prop::collection::vec(any::<String>(), 4)) {
        let board = board_of(&entries);
        let name_of = |id: &str| names[usize::from(id.as_bytes()[0] - b'a')].clone();
        let mut out = Vec::new();
        write_csv(&mut out, &board, |id| Some(name_of(id))).unwrap();
        let mut table = csv::Reader::from_reader(&out[..]);
        prop_assert_eq!(table.headers().unwrap().len(), 6 + 2 * 3 + 3);
        let mut rows = table.records();
        for id in board.learners() {
            let row = rows.next().unwrap().unwrap();
            let cells: Vec<&str> = row.iter().map(|cell| cell.strip_prefix('\'').unwrap_or(cell)).collect();
            let grade = board.grade(id).unwrap();
            let points: Vec<String> =
                grade.steps.iter().flat_map(|step| &step.checks).map(|check| check.points.to_string()).collect();
            prop_assert_eq!(cells[0], name_of(id));
            prop_assert_eq!(cells[1], id);
            prop_assert_eq!(cells[3], grade.points.to_string());
            prop_assert_eq!(&[&cells[9..11], &cells[14..]].concat(), &points);
            let begins_formula = |cell: &str| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
            prop_assert!(!row.iter().any(begins_formula));
        }
        prop_assert!(rows.next().is_none());
    }
}
