//! A class as one JSON document, written while the log is read, so that neither has to fit into memory.
//!
//! The log comes before what follows from it, one entry a line, then one learner a line. At the end stands a sum over what
//! the chain does not cover: see [`ExportWriter::finish`].

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::board::{Board, BoardError, MemberState};
use crate::chain::{Head, LogEntry};
use crate::grade::Grade;
use crate::points::PointsScheme;

/// What `format` says in documents of this kind.
pub const FORMAT: &str = "headwater-class/1";

/// Which class was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedClass {
    pub id: String,
    pub name: String,
}

/// A learner with the grade that follows from the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedLearner {
    pub id: String,
    /// None for a learner who was forgotten.
    pub name: Option<String>,
    pub state: MemberState,
    pub grade: Grade,
}

/// Why a class was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("the export cannot be written")]
    Write(#[from] io::Error),
    #[error("a part of the export is no JSON")]
    Json(#[from] serde_json::Error),
    #[error("the log is not whole")]
    Log(#[from] BoardError),
}

/// Writes a document: [`Self::new`], each entry of the log in order, [`Self::finish`].
pub struct ExportWriter<W> {
    out: W,
    class: ExportedClass,
    exported_ms: i64,
    board: Board,
}

/// The parts that come once, as the sum takes them.
#[derive(Serialize)]
pub(crate) struct Frame<'a> {
    pub format: &'a str,
    pub class: &'a ExportedClass,
    pub exported_ms: i64,
    pub head: &'a Head,
    pub scheme: Option<&'a PointsScheme>,
}

/// The sum over what the chain does not cover.
pub(crate) struct Sum(Sha256);

impl Sum {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    /// Adds a part as a line of canonical JSON.
    pub(crate) fn add(&mut self, part: &impl Serialize) -> Result<(), serde_json::Error> {
        self.0.update(serde_json_canonicalizer::to_vec(part)?);
        self.0.update(b"\n");
        Ok(())
    }

    pub(crate) fn hex(self) -> String {
        hex::encode(self.0.finalize())
    }
}

impl<W: Write> ExportWriter<W> {
    /// Writes the beginning.
    pub fn new(mut out: W, class: ExportedClass, exported_ms: i64) -> Result<Self, ExportError> {
        let board = Board::new(&class.id);
        write!(out, "{{\"format\":\"{FORMAT}\",\n\"class\":")?;
        serde_json::to_writer(&mut out, &class)?;
        write!(out, ",\n\"exported_ms\":{exported_ms},\n\"log\":[")?;
        Ok(Self { out, class, exported_ms, board })
    }

    /// Writes the next entry of the log.
    pub fn entry(&mut self, entry: &LogEntry) -> Result<(), ExportError> {
        let separator = if self.board.head().seq == 0 { "\n" } else { ",\n" };
        self.board.apply(entry)?;
        self.out.write_all(separator.as_bytes())?;
        Ok(serde_json::to_writer(&mut self.out, entry)?)
    }

    /// What was written to, for those who empty a buffer now and then.
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Writes what follows from the log, with the learners' names, and gives back what was written to. `sha256` is the sum of
    /// all but the log, which the head covers: of the canonical JSON of an object with all fields before `learners` but `log`,
    /// then that of each learner, each with a line feed after it.
    pub fn finish(mut self, name_of: impl Fn(&str) -> Option<String>) -> Result<W, ExportError> {
        let (board, out) = (&self.board, &mut self.out);
        let (head, scheme) = (board.head(), board.scheme());
        let mut sum = Sum::new();
        sum.add(&Frame { format: FORMAT, class: &self.class, exported_ms: self.exported_ms, head, scheme })?;
        out.write_all(b"\n],\n\"head\":")?;
        serde_json::to_writer(&mut *out, head)?;
        out.write_all(b",\n\"scheme\":")?;
        serde_json::to_writer(&mut *out, &scheme)?;
        out.write_all(b",\n\"learners\":[")?;
        let mut separator = "\n";
        for id in board.learners() {
            let Some(learner) = exported_learner(board, id, name_of(id)) else { continue };
            sum.add(&learner)?;
            out.write_all(separator.as_bytes())?;
            serde_json::to_writer(&mut *out, &learner)?;
            separator = ",\n";
        }
        writeln!(out, "\n],\n\"sha256\":\"{}\"}}", sum.hex())?;
        out.flush()?;
        Ok(self.out)
    }
}

/// A learner as the board tells of them.
pub(crate) fn exported_learner(board: &Board, id: &str, name: Option<String>) -> Option<ExportedLearner> {
    Some(ExportedLearner { id: id.to_owned(), name, state: board.member_state(id)?, grade: board.grade(id)? })
}

#[cfg(test)]
mod tests {
    use crate::Event;
    use crate::VerdictKind::Pass;
    use crate::test_log::{TestLog, shortened, verdict_of};

    use super::*;

    #[test]
    fn the_document_has_the_log_and_then_what_follows_from_it() {
        let mut log = TestLog { head: Head::empty(), entries: Vec::new() };
        let mut scheme = crate::test_log::scheme();
        scheme.steps.remove(0);
        log.push(1, None, Event::PointsSet { scheme });
        log.add(1, "anna", verdict_of("results", "rows", Pass, ""));
        insta::assert_snapshot!(shortened(&log.export()), @r#"
        {"format":"headwater-class/1",
        "class":{"id":"class","name":"Monday"},
        "exported_ms":7,
        "log":[
        {"class":"class","seq":1,"at_ms":1,"learner":null,"event":{"kind":"points-set","scheme":{"steps":[{"step":"results","checks":{"rows":15}}],"assisted_percent":50}},"previous":"0000…","hash":"9923…"},
        {"class":"class","seq":2,"at_ms":60000,"learner":"anna","event":{"kind":"verdict","step":"results","check":"rows","verdict":"pass","cause":"","first_passed_ms":null,"evidence_sha256":"eeee…"},"previous":"9923…","hash":"5515…"}
        ],
        "head":{"seq":2,"hash":"5515…"},
        "scheme":{"steps":[{"step":"results","checks":{"rows":15}}],"assisted_percent":50},
        "learners":[
        {"id":"anna","name":"ANNA","state":"waiting","grade":{"points":15,"of":15,"percent":100,"steps":[{"step":"results","passed_ms":null,"attempts":0,"hints_revealed":0,"assisted":false,"points":15,"of":15,"checks":[{"check":"rows","passed_ms":60000,"points":15,"of":15}]}]}}
        ],
        "sha256":"537f…"}
        "#);
    }

    #[test]
    fn an_empty_class_and_one_without_names_are_exported() {
        let class = || ExportedClass { id: "class".to_owned(), name: String::new() };
        let empty = ExportWriter::new(Vec::new(), class(), 7).unwrap().finish(|_| None).unwrap();
        let report = crate::audit(&empty[..], Some(&Head::empty())).unwrap();
        assert_eq!((report.entries, report.learners, report.head), (0, 0, Head::empty()));
        let mut writer = ExportWriter::new(Vec::new(), class(), 7).unwrap();
        TestLog::of(&["anna"]).entries.iter().for_each(|entry| writer.entry(entry).unwrap());
        assert!(writer.out().starts_with(br#"{"format":"headwater-class/1","#));
        let nameless = writer.finish(|_| None).unwrap();
        assert!(String::from_utf8_lossy(&nameless).contains(r#"{"id":"anna","name":null,"#));
        assert_eq!(crate::audit(&nameless[..], None).unwrap().learners, 1);
    }

    #[test]
    fn a_log_with_a_gap_is_not_exported() {
        let log = TestLog::of(&["anna"]);
        let class = ExportedClass { id: "class".to_owned(), name: String::new() };
        let mut writer = ExportWriter::new(Vec::new(), class, 7).unwrap();
        let refused = writer.entry(&log.entries[1]);
        assert!(matches!(refused, Err(ExportError::Log(BoardError::Gap { expected: 1, found: 2 }))), "{refused:?}");
    }
}
