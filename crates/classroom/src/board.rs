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

pub use self::row::{
    BoardRow, CheckCell, FailingCheck, HandCell, HelpState, HintCell, MemberState, StepCell, StepState,
};
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
        let records =
            self.changed.range(seq.saturating_add(1)..).filter_map(|(_, index)| self.learners.get_index(*index));
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

#[cfg(test)]
mod tests {
    use crate::VerdictKind::{NoPermission, NotYet, Pass, ServiceFault, Settling, Wrong};
    use crate::test_log::{MINUTE, TestLog, attempted, hand, opened, scheme, verdict_of};

    use super::*;

    fn cell(log: &TestLog, step: usize) -> StepCell {
        log.board().row("anna").unwrap().steps.remove(step)
    }

    #[test]
    fn a_gap_and_another_class_are_refused_and_change_nothing() {
        let log = TestLog::of(&["anna", "ben"]);
        let mut board = Board::new("class");
        board.apply(&log.entries[0]).unwrap();
        assert_eq!(board.apply(&log.entries[2]), Err(BoardError::Gap { expected: 2, found: 3 }));
        assert_eq!(board.apply(&log.entries[0]), Ok(Applied::Known));
        let other = LogEntry { class: "other".to_owned(), ..log.entries[1].clone() };
        let error = board.apply(&other).unwrap_err().to_string();
        assert_eq!(error, "an entry of class other came to the board of class class");
        assert_eq!((board.head().seq, board.learners().len()), (1, 0));
    }

    #[test]
    fn a_member_waits_joins_leaves_and_is_removed() {
        let mut log = TestLog::of(&[]);
        let states = [
            (Event::Waiting, MemberState::Waiting),
            (Event::Joined, MemberState::Active),
            (Event::Left, MemberState::Left),
            (Event::Joined, MemberState::Active),
            (Event::Removed, MemberState::Removed),
        ];
        for (event, state) in states {
            log.add(0, "anna", event);
            assert_eq!(log.board().member_state("anna"), Some(state));
        }
        assert_eq!(log.board().member_state("ben"), None);
    }

    #[test]
    fn a_step_goes_from_unopened_to_passed_or_assisted() {
        let mut log = TestLog::of(&["anna"]);
        assert_eq!(cell(&log, 0).state, StepState::NotOpened);
        log.add(1, "anna", opened("stream"));
        log.add(1, "anna", verdict_of("stream", "bucket", NotYet, "absent"));
        assert_eq!(cell(&log, 0).state, StepState::Open);
        log.add(2, "anna", attempted("stream", 1));
        assert_eq!(cell(&log, 0).state, StepState::Working);
        log.add(4, "anna", verdict_of("stream", "bucket", Pass, ""));
        log.add(4, "anna", verdict_of("stream", "prefix", Pass, ""));
        log.add(4, "anna", Event::StepPassed { step: "stream".to_owned(), passed_ms: 4 * MINUTE });
        let passed = cell(&log, 0);
        assert_eq!((passed.state, passed.checks_passed, passed.checks_total), (StepState::Passed, 2, 2));
        assert_eq!(passed.time_ms(100 * MINUTE), Some(3 * MINUTE));
        log.add(5, "anna", Event::Assisted { step: "stream".to_owned() });
        assert_eq!(cell(&log, 0).state, StepState::Assisted);
    }

    #[test]
    fn time_counts_from_the_opening_if_the_class_saw_it() {
        let mut log = TestLog::of(&["anna"]);
        assert_eq!(cell(&log, 0).time_ms(MINUTE), None);
        log.add(10, "anna", opened("stream"));
        assert_eq!(cell(&log, 0).time_ms(12 * MINUTE), Some(2 * MINUTE));
        log.add(10, "anna", Event::StepPassed { step: "stream".to_owned(), passed_ms: MINUTE });
        assert_eq!(cell(&log, 0).time_ms(12 * MINUTE), None, "passed before the class saw it opened");
    }

    #[test]
    fn work_is_time_without_pauses_in_the_step_where_it_is_done() {
        let mut log = TestLog::of(&["anna"]);
        log.add(0, "anna", opened("stream"));
        log.add(15, "anna", attempted("stream", 1));
        log.add(31, "anna", attempted("stream", 2));
        log.add(35, "anna", opened("results"));
        log.add(36, "anna", verdict_of("stream", "bucket", Pass, ""));
        let row = log.board().row("anna").unwrap();
        let worked: Vec<i64> = row.steps.iter().map(|step| step.worked_ms / MINUTE).collect();
        assert_eq!(worked, [19, 1]);
        assert_eq!(row.current_step.as_deref(), Some("results"), "a verdict does not tell where the learner is");
        assert_eq!(row.last_active_ms, Some(36 * MINUTE));
    }

    #[test]
    fn what_others_do_is_no_activity() {
        let mut log = TestLog::of(&["anna"]);
        log.add(1, "anna", opened("stream"));
        let (step, by) = ("stream".to_owned(), "teacher".to_owned());
        log.add(2, "anna", Event::HintSent { hint: "h".to_owned(), step, check: None, by: by.clone() });
        log.add(3, "anna", Event::Resolved { subject: crate::HelpSubject::Hand, by });
        log.add(4, "anna", Event::Renamed);
        for kind in [NoPermission, Settling, ServiceFault] {
            log.add(5, "anna", verdict_of("stream", "bucket", kind, ""));
        }
        assert_eq!(log.board().row("anna").unwrap().last_active_ms, Some(MINUTE));
    }

    #[test]
    fn a_pass_is_sticky_and_the_failing_check_is_the_latest_that_can_be_mended() {
        let mut log = TestLog::of(&["anna"]);
        log.add(1, "anna", verdict_of("stream", "bucket", Pass, ""));
        log.add(2, "anna", verdict_of("stream", "bucket", Wrong, "region"));
        let regressed = cell(&log, 0);
        assert_eq!((regressed.checks_passed, regressed.failing), (1, None));
        log.add(3, "anna", verdict_of("stream", "prefix", Wrong, "prefix"));
        log.add(4, "anna", verdict_of("stream", "prefix", Wrong, "prefix"));
        log.add(5, "anna", verdict_of("stream", "other", ServiceFault, "timeout"));
        let failing = cell(&log, 0).failing.unwrap();
        let expected = FailingCheck {
            check: "prefix".to_owned(),
            verdict: Wrong,
            cause: "prefix".to_owned(),
            since_ms: 3 * MINUTE,
        };
        assert_eq!(failing, expected);
        let checks = log.board().checks("anna");
        let bucket = &checks[0];
        assert_eq!((bucket.verdict, bucket.first_passed_ms, bucket.since_ms), (Wrong, Some(MINUTE), 2 * MINUTE));
        assert_eq!(checks.len(), 3);
    }

    #[test]
    fn hints_hands_and_answers_are_in_the_row() {
        let mut log = TestLog::of(&["anna"]);
        let sent = |hint: &str| Event::HintSent {
            hint: hint.to_owned(),
            step: "stream".to_owned(),
            check: Some("prefix".to_owned()),
            by: "teacher".to_owned(),
        };
        log.add(1, "anna", hand("stream"));
        log.add(2, "anna", sent("h1"));
        log.add(3, "anna", sent("h1"));
        log.add(4, "anna", Event::HintSeen { hint: "h1".to_owned() });
        log.add(5, "anna", Event::HintSeen { hint: "unknown".to_owned() });
        log.add(6, "anna", Event::HintRevealed { step: "stream".to_owned(), revealed: 2 });
        for (question, correct) in [(0, false), (1, true), (0, true), (2, false)] {
            let step = "stream".to_owned();
            log.add(7, "anna", Event::Answered { step, question, correct, first_correct: false, tries: 1 });
        }
        let row = log.board().row("anna").unwrap();
        assert_eq!(row.hand.unwrap(), HandCell { step: "stream".to_owned(), since_ms: MINUTE, state: HelpState::Open });
        let [hint] = &row.hints[..] else { panic!("one hint: {:?}", row.hints) };
        assert_eq!((hint.sent_ms, hint.seen_ms, hint.check.as_deref()), (2 * MINUTE, Some(4 * MINUTE), Some("prefix")));
        let step = &row.steps[0];
        assert_eq!((step.hints_revealed, step.questions_answered, step.questions_right), (2, 3, 2));
        log.add(8, "anna", Event::HandLowered);
        assert_eq!(log.board().row("anna").unwrap().hand, None);
    }

    #[test]
    fn only_rows_that_changed_are_given_unless_the_points_did() {
        let mut log = TestLog::of(&["anna", "ben", "cem"]);
        let seq = log.head.seq;
        assert_eq!(log.board().changed_since(seq), []);
        assert_eq!(log.board().changed_since(-1).len(), 3);
        log.add(1, "cem", opened("stream"));
        log.add(1, "anna", opened("stream"));
        log.add(2, "cem", opened("results"));
        let learners = |log: &TestLog, seq| -> Vec<String> {
            log.board().changed_since(seq).into_iter().map(|row| row.learner).collect()
        };
        assert_eq!(learners(&log, seq), ["anna", "cem"], "each once, the latest change last");
        assert_eq!(learners(&log, seq + 2), ["cem"]);
        log.push(3, None, Event::PointsSet { scheme: scheme() });
        assert_eq!(learners(&log, seq + 3), ["anna", "ben", "cem"]);
        assert_eq!(learners(&log, i64::MAX), [] as [&str; 0]);
    }

    #[test]
    fn a_row_has_the_steps_of_the_points_and_then_others() {
        let mut log = TestLog::of(&["anna"]);
        log.add(1, "anna", opened("extra"));
        let row = log.board().row("anna").unwrap();
        let steps: Vec<(&str, u32)> = row.steps.iter().map(|step| (&*step.step, step.checks_total)).collect();
        assert_eq!(steps, [("stream", 2), ("results", 1), ("extra", 0)]);
    }
}
