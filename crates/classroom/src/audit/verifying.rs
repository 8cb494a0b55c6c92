//! What is verified of each part.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::audit::error::{AuditError, EntryFault, LearnerFault};
use crate::audit::{AuditReport, MAX_LEARNERS, MAX_NAMES};
use crate::board::Board;
use crate::chain::{Head, LogEntry};
use crate::export::{ExportedClass, ExportedLearner, FORMAT, Frame, Sum, exported_learner};
use crate::points::PointsScheme;

/// What was learnt of the document so far.
pub(crate) struct Verifier<'n> {
    noted: Option<&'n Head>,
    /// What ended the audit.
    pub finding: Option<AuditError>,
    /// None until the document was seen to be an export.
    begun: Option<Begun>,
    is_export: bool,
}

struct Begun {
    board: Board,
    listed: HashSet<String>,
    sum: Sum,
    /// The sum that the document states.
    stated_sum: Option<String>,
    report: AuditReport,
}

impl<'n> Verifier<'n> {
    pub(crate) fn new(noted: Option<&'n Head>) -> Self {
        Self { noted, finding: None, begun: None, is_export: false }
    }

    pub(crate) fn format(&mut self, format: &str) -> Result<(), AuditError> {
        self.is_export = format == FORMAT;
        if self.is_export {
            Ok(())
        } else {
            Err(AuditError::NotAnExport { reason: format!("its format is {format:?}") })
        }
    }

    pub(crate) fn begin(&mut self, class: ExportedClass, exported_ms: i64) {
        let report = AuditReport {
            class,
            exported_ms,
            head: Head::empty(),
            entries: 0,
            learners: 0,
            checks: 0,
            first_ms: None,
            last_ms: None,
            earlier_than_previous: 0,
            first_earlier: None,
            noted: self.noted.cloned(),
        };
        let board = Board::new(&report.class.id);
        self.begun = Some(Begun { board, listed: HashSet::new(), sum: Sum::new(), stated_sum: None, report });
    }

    pub(crate) fn entry(&mut self, value: &Value) -> Result<(), AuditError> {
        let noted = self.noted;
        let begun = self.begun()?;
        let head = begun.board.head().clone();
        let place = head.seq + 1;
        let entry =
            verified(value, &begun.report.class.id, &head).map_err(|fault| AuditError::Entry { place, fault })?;
        begun.board.apply(&entry).map_err(|error| {
            let fault = EntryFault::Unknown(error.to_string());
            AuditError::Entry { place, fault }
        })?;
        if let Some(noted) = noted
            && noted.seq == entry.seq
            && noted.hash != entry.hash
        {
            return Err(AuditError::Noted { noted: noted.clone(), found: Some(entry.hash) });
        }
        let report = &mut begun.report;
        report.entries += 1;
        report.first_ms.get_or_insert(entry.at_ms);
        if report.last_ms.is_some_and(|before| entry.at_ms < before) {
            report.earlier_than_previous += 1;
            report.first_earlier.get_or_insert(entry.seq);
        }
        report.last_ms = Some(entry.at_ms);
        if begun.board.learners().len() > MAX_LEARNERS || begun.board.names().len() > MAX_NAMES {
            let limit = format!("{MAX_LEARNERS} learners, {MAX_NAMES} names of steps, checks, causes and hints");
            return Err(AuditError::TooLarge { after: self.after(), limit });
        }
        Ok(())
    }

    pub(crate) fn end_of_log(&mut self, head: &Head, scheme: Option<&PointsScheme>) -> Result<(), AuditError> {
        let noted = self.noted;
        let begun = self.begun()?;
        let expected = begun.board.head();
        if let Some(noted) =
            noted.filter(|noted| noted.seq > expected.seq || (noted.seq == 0 && **noted != Head::empty()))
        {
            return Err(AuditError::Noted { noted: noted.clone(), found: None });
        }
        if head != expected {
            return Err(AuditError::Head { expected: expected.clone(), found: head.clone() });
        }
        if scheme != begun.board.scheme() {
            return Err(AuditError::Scheme);
        }
        begun.report.head = head.clone();
        let report = &begun.report;
        let frame = Frame { format: FORMAT, class: &report.class, exported_ms: report.exported_ms, head, scheme };
        begun.sum.add(&frame).map_err(|error| damaged("the log", &error))
    }

    pub(crate) fn learner(&mut self, value: &Value) -> Result<(), AuditError> {
        let begun = self.begun()?;
        let after = format!("learner {}", begun.report.learners);
        let stated = ExportedLearner::deserialize(value).map_err(|error| damaged(&after, &error))?;
        let fault = |fault| AuditError::Learner { learner: stated.id.clone(), fault };
        let expected = exported_learner(&begun.board, &stated.id, stated.name.clone());
        let expected = expected.ok_or_else(|| fault(LearnerFault::NotInLog))?;
        if !begun.listed.insert(stated.id.clone()) {
            return Err(fault(LearnerFault::Twice));
        }
        if stated != expected {
            let difference = difference(&expected, &stated).map_err(|error| damaged(&after, &error))?;
            return Err(fault(difference));
        }
        begun.report.learners += 1;
        begun.report.checks += stated.grade.steps.iter().map(|step| step.checks.len() as u64).sum::<u64>();
        begun.sum.add(value).map_err(|error| damaged(&after, &error))
    }

    pub(crate) fn end(&mut self, sum: String) -> Result<(), AuditError> {
        let begun = self.begun()?;
        begun.stated_sum = Some(sum);
        match begun.board.learners().find(|learner| !begun.listed.contains(*learner)) {
            Some(learner) => Err(AuditError::Learner { learner: learner.to_owned(), fault: LearnerFault::NotListed }),
            None => Ok(()),
        }
    }

    /// What an audit that went to the end found.
    pub(crate) fn report(self) -> Result<AuditReport, AuditError> {
        let begun = self.begun.ok_or_else(nothing)?;
        let (expected, found) = (begun.sum.hex(), begun.stated_sum.ok_or_else(nothing)?);
        if expected == found { Ok(begun.report) } else { Err(AuditError::Sum { expected, found }) }
    }

    /// What an audit that was ended by an error found.
    pub(crate) fn failed(mut self, error: &serde_json::Error, is_too_long: bool) -> AuditError {
        if let Some(finding) = self.finding.take() {
            return finding;
        }
        let reason = error.to_string();
        match (is_too_long, error.is_io(), self.is_export) {
            (true, _, true) => {
                let limit = format!("a part may have {} bytes", super::MAX_PART_BYTES);
                AuditError::TooLarge { after: self.after(), limit }
            }
            (false, true, _) => AuditError::Unreadable { reason },
            (_, _, false) => AuditError::NotAnExport { reason },
            (false, false, true) => AuditError::Damaged { after: self.after(), reason },
        }
    }

    fn begun(&mut self) -> Result<&mut Begun, AuditError> {
        self.begun.as_mut().ok_or_else(nothing)
    }

    /// The last part that was intact.
    fn after(&self) -> String {
        match &self.begun {
            Some(begun) if begun.report.learners > 0 => format!("learner {}", begun.report.learners),
            Some(begun) => format!("entry {}", begun.report.entries),
            None => "its beginning".to_owned(),
        }
    }
}

/// An entry that is what should come next.
fn verified(value: &Value, class: &str, head: &Head) -> Result<LogEntry, EntryFault> {
    let unknown = |error: serde_json::Error| EntryFault::Unknown(error.to_string());
    let entry = LogEntry::deserialize(value).map_err(unknown)?;
    if entry.class != class {
        return Err(EntryFault::Class { expected: class.to_owned(), found: entry.class });
    }
    if entry.seq != head.seq + 1 {
        return Err(EntryFault::Seq { expected: head.seq + 1, found: entry.seq });
    }
    if entry.previous != head.hash {
        return Err(EntryFault::Previous { expected: head.hash.clone(), found: entry.previous });
    }
    if has_inexact_number(value) {
        return Err(EntryFault::Unknown("a number that JSON does not keep exactly".to_owned()));
    }
    let expected = hash_of(value).map_err(unknown)?;
    if entry.hash != expected {
        return Err(EntryFault::Hash { expected, found: entry.hash });
    }
    Ok(entry)
}

/// The hash of what the file has, and not of what was understood of it: a field that is not known is part of it, too.
fn hash_of(entry: &Value) -> Result<String, serde_json::Error> {
    let fields = entry.as_object().into_iter().flatten();
    let hashed: BTreeMap<&String, &Value> = fields.filter(|(name, _)| *name != "hash").collect();
    Ok(hex::encode(Sha256::digest(serde_json_canonicalizer::to_vec(&hashed)?)))
}

/// Whether there is a whole number beyond 2^53: canonical JSON writes two such numbers alike.
fn has_inexact_number(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_none_or(|number| number.abs() >= (1_u64 << 53) as f64),
        Value::Array(list) => list.iter().any(has_inexact_number),
        Value::Object(fields) => fields.values().any(has_inexact_number),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// The first field in which two learners differ.
fn difference(expected: &ExportedLearner, found: &ExportedLearner) -> Result<LearnerFault, serde_json::Error> {
    let (expected, found) = (serde_json::to_value(expected)?, serde_json::to_value(found)?);
    let (what, expected, found) = first_difference(String::new(), &expected, &found);
    Ok(LearnerFault::Differs { what, expected, found })
}

fn first_difference(path: String, expected: &Value, found: &Value) -> (String, String, String) {
    let deeper = match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(name, one)| {
            let other = found.get(name).filter(|other| *other != one)?;
            let dot = if path.is_empty() { "" } else { "." };
            Some((format!("{path}{dot}{name}"), one, other))
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs
                .find(|(_, (one, other))| one != other)
                .map(|(index, (one, other))| (format!("{path}[{index}]"), one, other))
        }
        _ => None,
    };
    match deeper {
        Some((path, expected, found)) => first_difference(path, expected, found),
        None => (path, expected.to_string(), found.to_string()),
    }
}

fn damaged(after: &str, error: &serde_json::Error) -> AuditError {
    AuditError::Damaged { after: after.to_owned(), reason: error.to_string() }
}

fn nothing() -> AuditError {
    AuditError::NotAnExport { reason: "it has no beginning".to_owned() }
}
