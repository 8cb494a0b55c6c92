//! What is remembered of a learner, with names as numbers.

use crate::board::row::{HelpState, MemberState};
use crate::event::VerdictKind;
use crate::names::NameId;

/// A learner of the class.
#[derive(Clone, Debug, Default)]
pub(crate) struct LearnerRecord {
    pub member: MemberState,
    /// The last entry about the learner; 0 before the first.
    pub changed_seq: i64,
    /// When the learner last did something.
    pub active_ms: Option<i64>,
    /// The step in which that was.
    pub current: Option<NameId>,
    pub hand: Option<HandRecord>,
    pub hints: Vec<HintRecord>,
    /// In the order in which they were first heard of.
    pub steps: Vec<StepRecord>,
}

/// A learner in a step.
#[derive(Clone, Debug)]
pub(crate) struct StepRecord {
    pub step: NameId,
    pub opened_ms: Option<i64>,
    pub passed_ms: Option<i64>,
    pub attempts: u32,
    /// Attempts before the last progress, and it included.
    pub attempts_at_progress: u32,
    /// Time at work in the step, pauses left out.
    pub worked_ms: i64,
    /// The same at the last progress.
    pub worked_at_progress_ms: i64,
    pub hints: u32,
    pub assisted: bool,
    pub help: Option<HelpRecord>,
    pub checks: Vec<CheckRecord>,
    pub answers: Vec<AnswerRecord>,
}

/// The latest verdict of a check.
#[derive(Clone, Debug)]
pub(crate) struct CheckRecord {
    pub check: NameId,
    pub kind: VerdictKind,
    pub cause: NameId,
    /// Since when kind and cause are the same.
    pub since_ms: i64,
    pub first_passed_ms: Option<i64>,
    /// Attempts before the first that the learner's present trouble with this check has spoilt.
    pub attempts_before_failing: u32,
}

/// An answered question.
#[derive(Clone, Debug)]
pub(crate) struct AnswerRecord {
    pub question: u32,
    pub correct: bool,
}

/// A raised hand; kept when resolved, so that it can be re-opened.
#[derive(Clone, Debug)]
pub(crate) struct HandRecord {
    pub step: NameId,
    pub raised_ms: i64,
    pub state: HelpState,
    /// When, and by whom, it was resolved or re-opened.
    pub dealt: Option<(i64, NameId)>,
}

/// What an instructor did about a step in which the learner was stuck.
#[derive(Clone, Debug)]
pub(crate) struct HelpRecord {
    pub is_resolved: bool,
    pub at_ms: i64,
    pub by: NameId,
    /// Attempts made by then.
    pub attempts: u32,
}

/// A hint from an instructor.
#[derive(Clone, Debug)]
pub(crate) struct HintRecord {
    pub hint: NameId,
    pub step: NameId,
    pub check: Option<NameId>,
    pub sent_ms: i64,
    pub seen_ms: Option<i64>,
}

impl LearnerRecord {
    pub(crate) fn step(&self, step: NameId) -> Option<&StepRecord> {
        self.steps.iter().find(|record| record.step == step)
    }

    /// The step that the learner is at, unless it is passed.
    pub(crate) fn at_step(&self) -> Option<&StepRecord> {
        self.step(self.current?).filter(|step| step.passed_ms.is_none())
    }

    pub(crate) fn step_mut(&mut self, step: NameId) -> &mut StepRecord {
        let index = self.steps.iter().position(|record| record.step == step).unwrap_or_else(|| {
            self.steps.push(StepRecord::new(step));
            self.steps.len() - 1
        });
        &mut self.steps[index]
    }
}

impl StepRecord {
    fn new(step: NameId) -> Self {
        Self {
            step,
            opened_ms: None,
            passed_ms: None,
            attempts: 0,
            attempts_at_progress: 0,
            worked_ms: 0,
            worked_at_progress_ms: 0,
            hints: 0,
            assisted: false,
            help: None,
            checks: Vec::new(),
            answers: Vec::new(),
        }
    }

    pub(crate) fn check(&self, check: NameId) -> Option<&CheckRecord> {
        self.checks.iter().find(|record| record.check == check)
    }

    /// Attempts since the last progress that a failing check has spoilt.
    pub(crate) fn failed_attempts(&self, check: &CheckRecord) -> u32 {
        self.attempts.saturating_sub(self.attempts_at_progress.max(check.attempts_before_failing))
    }

    /// Time at work since the last progress.
    pub(crate) fn worked_since_progress_ms(&self) -> i64 {
        self.worked_ms - self.worked_at_progress_ms
    }
}

impl CheckRecord {
    /// Whether it keeps the learner from passing: a pass is sticky, and what is not the learner's to mend is no failure.
    pub(crate) fn is_failing(&self) -> bool {
        self.first_passed_ms.is_none() && self.kind.is_learners()
    }
}
