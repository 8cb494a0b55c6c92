//! Who is to be helped next: raised hands and stuck learners in one queue.

use serde::{Deserialize, Serialize};

use crate::board::{Board, HelpState, LearnerRecord, MemberState, StepRecord};
use crate::event::HelpSubject;
use crate::names::NameId;
use crate::stuck::{PlannedMinutes, StuckReason, StuckRules, StuckSignal, signal, worst_check};

/// The queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpQueue {
    /// Open and re-opened. Hands come before stuck learners, since they were promised an answer; among each, who has waited
    /// longest comes first.
    pub waiting: Vec<HelpEntry>,
    /// Dealt with, the latest first.
    pub resolved: Vec<HelpEntry>,
}

/// A learner in the queue. Who has raised a hand in the step where they are stuck is in it once, as a hand with reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpEntry {
    pub learner: String,
    /// What an instructor resolves or re-opens.
    pub subject: HelpSubject,
    pub step: String,
    pub state: HelpState,
    /// Since when the hand is raised, or the learner stuck.
    pub since_ms: i64,
    /// Why the learner counts as stuck; empty for one who does not.
    pub reasons: Vec<StuckReason>,
    /// Who last resolved or re-opened it.
    pub dealt: Option<Resolution>,
}

/// Something that an instructor did about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    pub at_ms: i64,
    pub by: String,
}

/// The queue at a time. What was resolved stays so until there is new trouble – a new hand, or as many failed attempts
/// after it as make a learner stuck – or until an instructor re-opens it.
pub fn help_queue(board: &Board, planned: &PlannedMinutes, rules: &StuckRules, now_ms: i64) -> HelpQueue {
    let mut queue = HelpQueue::default();
    for (learner, record) in board.records().filter(|(_, record)| record.member == MemberState::Active) {
        let signal = signal(board, learner, record, planned, rules, now_ms);
        let hand = hand(board, learner, record, signal.as_ref());
        let hand_step = record.hand.as_ref().map(|hand| (hand.step, hand.state));
        let steps = record.steps.iter().filter_map(|step| {
            let entry = stuck(board, learner, step, signal.as_ref(), rules)?;
            (!is_told_by_hand(hand_step, step.step, entry.state)).then_some(entry)
        });
        for entry in hand.into_iter().chain(steps) {
            let list = if entry.state == HelpState::Resolved { &mut queue.resolved } else { &mut queue.waiting };
            list.push(entry);
        }
    }
    queue.waiting.sort_by(|a, b| {
        let place = |one: &HelpEntry| (one.subject != HelpSubject::Hand, one.since_ms);
        place(a).cmp(&place(b)).then_with(|| a.learner.cmp(&b.learner))
    });
    queue.resolved.sort_by(|a, b| {
        let dealt = |one: &HelpEntry| one.dealt.as_ref().map(|dealt| dealt.at_ms);
        dealt(b).cmp(&dealt(a)).then_with(|| a.learner.cmp(&b.learner))
    });
    queue
}

fn hand(board: &Board, learner: &str, record: &LearnerRecord, signal: Option<&StuckSignal>) -> Option<HelpEntry> {
    let hand = record.hand.as_ref()?;
    let step = board.names().text(hand.step);
    let signal = signal.filter(|signal| signal.step == step && hand.state != HelpState::Resolved);
    Some(HelpEntry {
        learner: learner.to_owned(),
        subject: HelpSubject::Hand,
        step: step.to_owned(),
        state: hand.state,
        since_ms: hand.raised_ms,
        reasons: signal.map_or_else(Vec::new, |signal| signal.reasons.clone()),
        dealt: hand.dealt.map(|dealt| resolution(board, dealt)),
    })
}

/// An entry for a step that the learner is stuck in, or was until an instructor dealt with it.
fn stuck(
    board: &Board,
    learner: &str,
    step: &StepRecord,
    signal: Option<&StuckSignal>,
    rules: &StuckRules,
) -> Option<HelpEntry> {
    let name = board.names().text(step.step);
    let signal = signal.filter(|signal| signal.step == name);
    if step.passed_ms.is_some() {
        return None;
    }
    let (state, dealt) = match &step.help {
        None => {
            signal?;
            (HelpState::Open, None)
        }
        Some(help) => {
            let failed_since = worst_check(step).map_or(0, |(check, _)| {
                step.failed_attempts(check).min(step.attempts.saturating_sub(help.attempts))
            });
            let is_again = !help.is_resolved || (signal.is_some() && failed_since >= rules.failed_attempts);
            let state = if is_again { HelpState::Reopened } else { HelpState::Resolved };
            (state, Some((help.at_ms, help.by)))
        }
    };
    let dealt_ms = dealt.map_or(0, |(at_ms, _)| at_ms);
    Some(HelpEntry {
        learner: learner.to_owned(),
        subject: HelpSubject::Step { step: name.to_owned() },
        step: name.to_owned(),
        state,
        since_ms: signal.map_or(dealt_ms, |signal| signal.since_ms),
        reasons: signal.map_or_else(Vec::new, |signal| signal.reasons.clone()),
        dealt: dealt.map(|dealt| resolution(board, dealt)),
    })
}

/// Whether the entry of a hand says it already. It does not where a hand was dealt with and there is new trouble since.
fn is_told_by_hand(hand: Option<(NameId, HelpState)>, step: NameId, state: HelpState) -> bool {
    hand.is_some_and(|(hand_step, hand_state)| {
        hand_step == step && (state == HelpState::Resolved || hand_state != HelpState::Resolved)
    })
}

fn resolution(board: &Board, (at_ms, by): (i64, NameId)) -> Resolution {
    Resolution { at_ms, by: board.names().owned(by) }
}
