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
