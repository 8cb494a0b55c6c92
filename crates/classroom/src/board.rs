//! Where everyone in a class is: a fold over its log.

mod fold;
mod row;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::chain::{Head, LogEntry};
use crate::event::Event;
use crate::names::{NameId, Names};
use crate::points::PointsScheme;

pub use self::row::{BoardRow, CheckCell, FailingCheck, HandCell, HelpState, HintCell, MemberState, StepCell, StepState};
pub(crate) use self::state::{CheckRecord, LearnerRecord, StepRecord};

/// Who does nothing for longer than this has made a pause: that time counts as no work.
pub const PAUSE_MS: i64 = 15 * 60 * 1000;

/// The state of all learners of a class, after the entries that were applied.
#[derive(Clone, Debug)]
pub struct Board {
    class: String,
    head: Head,
    names: Names,
    learners: IndexMap<Arc<str>, LearnerRecord>,
    /// Learners by the last entry that changed them, so that what is new is found without looking at all.
    changed: BTreeMap<i64, usize>,
    points: Option<Points>,
}

/// The points that the class gives now.
#[derive(Clone, Debug)]
struct Points {
    scheme: PointsScheme,
    /// The entry that set them. It changes every row.
    seq: i64,
    /// Steps in the lab's order, with the number of each check and its points.
    steps: Vec<(NameId, Vec<(NameId, u32)>)>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is part of the board now.
    New,
    /// It was already.
    Known,
}

/// Why an entry cannot be applied. The board stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardError {
    #[error("entry {found} came where entry {expected} was due")]
    Gap { expected: i64, found: i64 },
    #[error("an entry of class {found} came to the board of class {expected}")]
    OtherClass { expected: String, found: String },
}

impl Board {
    /// The board of a class in which nothing has happened.
    pub fn new(class: &str) -> Self {
        Self {
            class: class.to_owned(),
            head: Head::empty(),
            names: Names::default(),
            learners: IndexMap::new(),
            changed: BTreeMap::new(),
            points: None,
        }
    }

    /// Takes in the next entry. One that was taken in before changes nothing. That the chain is unbroken is not looked at
    /// here: that is the audit's part.
    pub fn apply(&mut self, entry: &LogEntry) -> Result<Applied, BoardError> {
        if entry.class != self.class {
            return Err(BoardError::OtherClass { expected: self.class.clone(), found: entry.class.clone() });
        }
        if entry.seq <= self.head.seq {
            return Ok(Applied::Known);
        }
        let expected = self.head.seq + 1;
        if entry.seq != expected {
            return Err(BoardError::Gap { expected, found: entry.seq });
        }
        if let Event::PointsSet { scheme } = &entry.event {
            self.set_points(entry.seq, scheme);
        }
        if let Some(learner) = &entry.learner {
            self.change(learner, entry);
        }
        self.head.seq = entry.seq;
        self.head.hash.clone_from(&entry.hash);
        Ok(Applied::New)
    }

    /// The class's id.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The last entry that was applied.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The points that the class gives, once they are set.
    pub fn scheme(&self) -> Option<&PointsScheme> {
        self.points.as_ref().map(|points| &points.scheme)
    }

    /// Everyone who was ever in the class, in the order of their coming.
    pub fn learners(&self) -> impl ExactSizeIterator<Item = &str> {
        self.learners.keys().map(|id| &**id)
    }

    /// Whether a learner is, or was, in the class, and how.
    pub fn member_state(&self, learner: &str) -> Option<MemberState> {
        self.learners.get(learner).map(|record| record.member)
    }

    /// All rows, in the order of the learners' coming.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = BoardRow> {
        self.learners.iter().map(|(id, record)| self.make_row(id, record))
    }

    /// One learner's row.
    pub fn row(&self, learner: &str) -> Option<BoardRow> {
        self.learners.get(learner).map(|record| self.make_row(learner, record))
    }

    /// The rows that are new or other than after entry `seq`. Put over the rows of that time, by learner, they give the rows
    /// of now. The cost is that of the rows given: with new points that is all of them.
    pub fn changed_since(&self, seq: i64) -> Vec<BoardRow> {
        if self.points.as_ref().is_some_and(|points| points.seq > seq) {
            return self.rows().collect();
        }
        let records = self.changed.range(seq.saturating_add(1)..).filter_map(|(_, index)| self.learners.get_index(*index));
        records.map(|(id, record)| self.make_row(id, record)).collect()
    }

    /// The latest verdict of every check that a learner was told one of.
    pub fn checks(&self, learner: &str) -> Vec<CheckCell> {
        let steps = self.learners.get(learner).map_or(&[][..], |record| &record.steps);
        steps.iter().flat_map(|step| step.checks.iter().map(|check| self.make_check(step, check))).collect()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = (&str, &LearnerRecord)> {
        self.learners.iter().map(|(id, record)| (&**id, record))
    }

    pub(crate) fn record(&self, learner: &str) -> Option<&LearnerRecord> {
        self.learners.get(learner)
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Steps of the scheme in the lab's order, with their checks and what these are worth.
    pub(crate) fn worth(&self) -> &[(NameId, Vec<(NameId, u32)>)] {
        self.points.as_ref().map_or(&[], |points| &points.steps)
    }

    fn set_points(&mut self, seq: i64, scheme: &PointsScheme) {
        let names = &mut self.names;
        let steps = scheme.steps.iter().map(|step| {
            let checks = step.checks.iter().map(|(check, points)| (names.id(check), *points)).collect();
            (names.id(&step.step), checks)
        });
        let steps = steps.collect();
        self.points = Some(Points { scheme: scheme.clone(), seq, steps });
    }

    fn change(&mut self, learner: &str, entry: &LogEntry) {
        let index = match self.learners.get_index_of(learner) {
            Some(index) => index,
            None => self.learners.insert_full(Arc::from(learner), LearnerRecord::default()).0,
        };
        let record = &mut self.learners[index];
        self.changed.remove(&record.changed_seq);
        self.changed.insert(entry.seq, index);
        record.changed_seq = entry.seq;
        record.fold(&mut self.names, entry.at_ms, &entry.event);
    }
}
