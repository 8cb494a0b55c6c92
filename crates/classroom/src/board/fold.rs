//! What each event changes.

use crate::board::PAUSE_MS;
use crate::board::row::{HelpState, MemberState};
use crate::board::state::{AnswerRecord, CheckRecord, HandRecord, HelpRecord, HintRecord, LearnerRecord, StepRecord};
use crate::event::{Event, HelpSubject, VerdictKind};
use crate::names::{NameId, Names};

impl LearnerRecord {
    /// Takes in an event about this learner.
    pub(crate) fn fold(&mut self, names: &mut Names, at_ms: i64, event: &Event) {
        match event {
            Event::PointsSet { .. } | Event::Renamed => {}
            Event::Waiting => self.member = MemberState::Waiting,
            Event::Joined => self.member = MemberState::Active,
            Event::Left => self.part(MemberState::Left),
            Event::Removed => self.part(MemberState::Removed),
            Event::StepOpened { step } => self.at_work(names.id(step), at_ms).open(at_ms),
            Event::Attempted { step, attempts } => self.at_work(names.id(step), at_ms).attempt(*attempts),
            Event::Verdict { step, check, verdict, cause, first_passed_ms, evidence_sha256: _ } => {
                // The checks of several steps run at once, so that a verdict does not tell which step the learner is at.
                if verdict.is_learners() || *verdict == VerdictKind::Pass {
                    self.work(at_ms);
                }
                let (step, check, cause) = (names.id(step), names.id(check), names.id(cause));
                self.step_mut(step).judge(at_ms, check, *verdict, cause, *first_passed_ms);
            }
            Event::StepPassed { step, passed_ms } => {
                self.work(at_ms);
                self.step_mut(names.id(step)).passed_ms.get_or_insert(*passed_ms);
            }
            Event::Assisted { step } => self.at_work(names.id(step), at_ms).assisted = true,
            Event::HintRevealed { step, revealed } => self.at_work(names.id(step), at_ms).hints = *revealed,
            Event::Answered { step, question, correct, first_correct: _, tries: _ } => {
                self.at_work(names.id(step), at_ms).answer(*question, *correct);
            }
            Event::HandRaised { step } => self.raise_hand(names.id(step), at_ms),
            Event::HandLowered => {
                self.work(at_ms);
                // A hand that was dealt with can still be re-opened.
                self.hand.take_if(|hand| hand.state != HelpState::Resolved);
            }
            Event::HintSent { hint, step, check, by: _ } => {
                let check = check.as_deref().map(|check| names.id(check));
                self.take_hint(names.id(hint), names.id(step), check, at_ms);
            }
            Event::HintSeen { hint } => {
                self.work(at_ms);
                let hint = names.id(hint);
                if let Some(sent) = self.hints.iter_mut().find(|sent| sent.hint == hint) {
                    sent.seen_ms.get_or_insert(at_ms);
                }
            }
            Event::Resolved { subject, by } => self.deal(names, subject, true, at_ms, by),
            Event::Reopened { subject, by } => self.deal(names, subject, false, at_ms, by),
        }
    }

    fn part(&mut self, member: MemberState) {
        self.member = member;
        self.hand = None;
    }

    /// Notes that the learner is at work: the time since they last were is time in the step where they have been.
    fn work(&mut self, at_ms: i64) {
        let gap = self.active_ms.map_or(0, |before| at_ms.saturating_sub(before));
        if let Some(current) = self.current
            && (1..=PAUSE_MS).contains(&gap)
        {
            self.step_mut(current).worked_ms += gap;
        }
        self.active_ms = self.active_ms.max(Some(at_ms));
    }

    /// Notes that the learner is at work in a step.
    fn at_work(&mut self, step: NameId, at_ms: i64) -> &mut StepRecord {
        self.work(at_ms);
        self.current = Some(step);
        self.step_mut(step)
    }

    fn raise_hand(&mut self, step: NameId, at_ms: i64) {
        self.at_work(step, at_ms);
        match &mut self.hand {
            // Who asks again keeps their place.
            Some(hand) if hand.state != HelpState::Resolved => hand.step = step,
            hand => *hand = Some(HandRecord { step, raised_ms: at_ms, state: HelpState::Open, dealt: None }),
        }
    }

    fn take_hint(&mut self, hint: NameId, step: NameId, check: Option<NameId>, sent_ms: i64) {
        if !self.hints.iter().any(|sent| sent.hint == hint) {
            self.hints.push(HintRecord { hint, step, check, sent_ms, seen_ms: None });
        }
    }

    fn deal(&mut self, names: &mut Names, subject: &HelpSubject, is_resolved: bool, at_ms: i64, by: &str) {
        let by = names.id(by);
        let step = match subject {
            HelpSubject::Hand => {
                let Some(hand) = &mut self.hand else { return };
                hand.state = if is_resolved { HelpState::Resolved } else { HelpState::Reopened };
                hand.dealt = Some((at_ms, by));
                if !is_resolved {
                    return;
                }
                // Who has been helped in a step is not told as stuck in it at once.
                hand.step
            }
            HelpSubject::Step { step } => names.id(step),
        };
        let step = self.step_mut(step);
        step.help = Some(HelpRecord { is_resolved, at_ms, by, attempts: step.attempts });
    }
}

impl StepRecord {
    fn open(&mut self, at_ms: i64) {
        self.opened_ms.get_or_insert(at_ms);
    }

    fn attempt(&mut self, attempts: u32) {
        // What was tried before the learner joined, or while the class was closed, is not held against them.
        if attempts > self.attempts.saturating_add(1) {
            self.attempts_at_progress = attempts;
        }
        self.attempts = attempts;
    }

    fn answer(&mut self, question: u32, correct: bool) {
        match self.answers.iter_mut().find(|answer| answer.question == question) {
            Some(answer) => answer.correct = correct,
            None => self.answers.push(AnswerRecord { question, correct }),
        }
    }

    fn judge(&mut self, at_ms: i64, check: NameId, kind: VerdictKind, cause: NameId, passed_ms: Option<i64>) {
        let passed_ms = passed_ms.or((kind == VerdictKind::Pass).then_some(at_ms));
        let attempts_before = self.attempts.saturating_sub(1);
        let index = self.checks.iter().position(|record| record.check == check).unwrap_or_else(|| {
            self.checks.push(CheckRecord {
                check,
                kind,
                cause,
                since_ms: at_ms,
                first_passed_ms: None,
                attempts_before_failing: attempts_before,
            });
            self.checks.len() - 1
        });
        let record = &mut self.checks[index];
        if (record.kind, record.cause) != (kind, cause) {
            record.since_ms = at_ms;
            if !record.kind.is_learners() {
                record.attempts_before_failing = attempts_before;
            }
        }
        (record.kind, record.cause) = (kind, cause);
        if record.first_passed_ms.is_none() && passed_ms.is_some() {
            record.first_passed_ms = passed_ms;
            self.attempts_at_progress = self.attempts;
            self.worked_at_progress_ms = self.worked_ms;
        }
    }
}
