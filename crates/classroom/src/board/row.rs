//! The board as others see it.

use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::board::state::{CheckRecord, LearnerRecord, StepRecord};
use crate::event::VerdictKind;
use crate::hundredths::Hundredths;
use crate::names::NameId;

/// A learner on the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardRow {
    /// The learner's id.
    pub learner: String,
    pub state: MemberState,
    /// The last entry about the learner.
    pub changed_seq: i64,
    /// When the learner last did something.
    pub last_active_ms: Option<i64>,
    /// The step in which that was.
    pub current_step: Option<String>,
    /// A raised hand that nobody has dealt with.
    pub hand: Option<HandCell>,
    /// Hints from instructors, the oldest first.
    pub hints: Vec<HintCell>,
    pub points: Hundredths,
    /// The steps of the class's points in the lab's order, then others that the learner is known in.
    pub steps: Vec<StepCell>,
}

/// How a learner is in the class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberState {
    /// Waits to be let in.
    #[default]
    Waiting,
    Active,
    Left,
    Removed,
}

/// A learner in a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCell {
    /// The step's slug.
    pub step: String,
    pub state: StepState,
    pub opened_ms: Option<i64>,
    pub passed_ms: Option<i64>,
    /// Time at work in the step until the learner was last active, pauses of more than [`crate::PAUSE_MS`] left out.
    pub worked_ms: i64,
    pub attempts: u32,
    /// Hints of the lab that were revealed.
    pub hints_revealed: u32,
    /// The step was done for the learner.
    pub assisted: bool,
    pub checks_passed: u32,
    pub checks_total: u32,
    /// The latest verdict that keeps the step from being passed; one that the learner can mend before others.
    pub failing: Option<FailingCheck>,
    pub questions_answered: u32,
    /// Those whose last answer was right.
    pub questions_right: u32,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    NotOpened,
    /// Opened, and nothing tried yet.
    Open,
    /// Something was tried, or one of the checks has passed.
    Working,
    /// All checks passed.
    Passed,
    /// The same, after the step was done for the learner.
    Assisted,
}

/// A verdict that is no pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingCheck {
    pub check: String,
    pub verdict: VerdictKind,
    pub cause: String,
    /// Since when verdict and cause are the same.
    pub since_ms: i64,
}

/// A raised hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandCell {
    pub step: String,
    pub since_ms: i64,
    pub state: HelpState,
}

/// What has become of a wish or need for help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HelpState {
    Open,
    /// Dealt with by an instructor.
    Resolved,
    /// Dealt with once, and there is new trouble, or an instructor opened it again.
    Reopened,
}

/// A hint from an instructor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HintCell {
    pub hint: String,
    pub step: String,
    pub check: Option<String>,
    pub sent_ms: i64,
    pub seen_ms: Option<i64>,
}

/// The latest verdict of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCell {
    pub step: String,
    pub check: String,
    pub verdict: VerdictKind,
    pub cause: String,
    /// Since when verdict and cause are the same.
    pub since_ms: i64,
    /// First pass; it stays whatever comes later.
    pub first_passed_ms: Option<i64>,
}

impl StepCell {
    /// From the opening to the pass, or until now. None if it was not opened, or passed before the class saw it opened.
    pub fn time_ms(&self, now_ms: i64) -> Option<i64> {
        let time = self.passed_ms.unwrap_or(now_ms).saturating_sub(self.opened_ms?);
        (time >= 0).then_some(time)
    }
}

impl Board {
    pub(super) fn make_row(&self, learner: &str, record: &LearnerRecord) -> BoardRow {
        let names = self.names();
        let of_scheme = self.worth().iter().map(|(step, checks)| self.make_step(record, *step, checks));
        let is_other = |step: &&StepRecord| !self.worth().iter().any(|(known, _)| *known == step.step);
        let others = record.steps.iter().filter(is_other).map(|step| self.make_step(record, step.step, &[]));
        let hints = record.hints.iter().map(|hint| HintCell {
            hint: names.owned(hint.hint),
            step: names.owned(hint.step),
            check: hint.check.map(|check| names.owned(check)),
            sent_ms: hint.sent_ms,
            seen_ms: hint.seen_ms,
        });
        let hand = record.hand.as_ref().filter(|hand| hand.state != HelpState::Resolved).map(|hand| HandCell {
            step: names.owned(hand.step),
            since_ms: hand.raised_ms,
            state: hand.state,
        });
        BoardRow {
            learner: learner.to_owned(),
            state: record.member,
            changed_seq: record.changed_seq,
            last_active_ms: record.active_ms,
            current_step: record.current.map(|step| names.owned(step)),
            hand,
            hints: hints.collect(),
            points: self.points_of(record),
            steps: of_scheme.chain(others).collect(),
        }
    }

    /// A step of a learner; `checks` are those that it should have.
    fn make_step(&self, learner: &LearnerRecord, step: NameId, checks: &[(NameId, u32)]) -> StepCell {
        let record = learner.step(step);
        let seen = record.map_or(&[][..], |record| &record.checks);
        let unseen = checks.iter().filter(|(check, _)| !seen.iter().any(|record| record.check == *check)).count();
        let passed = seen.iter().filter(|check| check.first_passed_ms.is_some()).count();
        // The first of the latest: `max_by_key` would give the last.
        let open = seen.iter().rev().filter(|check| check.first_passed_ms.is_none());
        let failing = open.max_by_key(|check| (check.kind.is_learners(), check.since_ms));
        let answers = record.map_or(&[][..], |record| &record.answers);
        StepCell {
            step: self.names().owned(step),
            state: record.map_or(StepState::NotOpened, |record| state(record, passed)),
            opened_ms: record.and_then(|record| record.opened_ms),
            passed_ms: record.and_then(|record| record.passed_ms),
            worked_ms: record.map_or(0, |record| record.worked_ms),
            attempts: record.map_or(0, |record| record.attempts),
            hints_revealed: record.map_or(0, |record| record.hints),
            assisted: record.is_some_and(|record| record.assisted),
            checks_passed: count(passed),
            checks_total: count(seen.len() + unseen),
            failing: failing.map(|check| FailingCheck {
                check: self.names().owned(check.check),
                verdict: check.kind,
                cause: self.names().owned(check.cause),
                since_ms: check.since_ms,
            }),
            questions_answered: count(answers.len()),
            questions_right: count(answers.iter().filter(|answer| answer.correct).count()),
        }
    }

    pub(super) fn make_check(&self, step: &StepRecord, check: &CheckRecord) -> CheckCell {
        CheckCell {
            step: self.names().owned(step.step),
            check: self.names().owned(check.check),
            verdict: check.kind,
            cause: self.names().owned(check.cause),
            since_ms: check.since_ms,
            first_passed_ms: check.first_passed_ms,
        }
    }
}

fn state(record: &StepRecord, checks_passed: usize) -> StepState {
    match record.passed_ms {
        Some(_) if record.assisted => StepState::Assisted,
        Some(_) => StepState::Passed,
        None if record.attempts > 0 || checks_passed > 0 || record.assisted => StepState::Working,
        None if record.opened_ms.is_some() => StepState::Open,
        None => StepState::NotOpened,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
