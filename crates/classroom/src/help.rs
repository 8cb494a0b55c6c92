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
            let failed_since = worst_check(step)
                .map_or(0, |(check, _)| step.failed_attempts(check).min(step.attempts.saturating_sub(help.attempts)));
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

#[cfg(test)]
mod tests {
    use crate::Event;
    use crate::VerdictKind::{Pass, Wrong};
    use crate::test_log::{MINUTE, TestLog, attempted, hand, opened, planned};

    use super::*;

    /// The queue in words: first who waits, then who does not.
    fn told(log: &TestLog, minute: i64) -> String {
        let HelpQueue { waiting, resolved } =
            help_queue(&log.board(), &planned(), &StuckRules::default(), minute * MINUTE);
        let line = |one: &HelpEntry| {
            let what = if one.subject == HelpSubject::Hand { "hand" } else { "stuck" };
            let HelpEntry { learner, step, state, reasons, since_ms, .. } = one;
            format!("{learner} {what} in {step}, {state:?}, since {}, {} reasons", since_ms / MINUTE, reasons.len())
        };
        waiting.iter().chain(&resolved).map(line).collect::<Vec<_>>().join("\n")
    }

    fn resolved(subject: HelpSubject) -> Event {
        Event::Resolved { subject, by: "teacher".to_owned() }
    }

    fn reopened(subject: HelpSubject) -> Event {
        Event::Reopened { subject, by: "teacher".to_owned() }
    }

    fn in_stream() -> HelpSubject {
        HelpSubject::Step { step: "stream".to_owned() }
    }

    /// Adds three failed attempts, all in one minute.
    fn fail(log: &mut TestLog, learner: &str, minute: i64) {
        log.add(minute, learner, opened("stream"));
        (1..=3).for_each(|attempt| log.try_check(minute, learner, attempt, "prefix", Wrong, "slash"));
    }

    #[test]
    fn hands_come_first_and_then_the_stuck_each_by_age() {
        let mut log = TestLog::of(&["anna", "ben", "cem", "dora"]);
        fail(&mut log, "anna", 2);
        fail(&mut log, "ben", 1);
        log.add(4, "cem", hand("stream"));
        log.add(3, "dora", hand("results"));
        insta::assert_snapshot!(told(&log, 5), @r"
        dora hand in results, Open, since 3, 0 reasons
        cem hand in stream, Open, since 4, 0 reasons
        ben stuck in stream, Open, since 1, 1 reasons
        anna stuck in stream, Open, since 2, 1 reasons
        ");
    }

    #[test]
    fn a_hand_where_the_learner_is_stuck_is_one_entry_and_keeps_its_place() {
        let mut log = TestLog::of(&["anna"]);
        fail(&mut log, "anna", 1);
        log.add(2, "anna", hand("stream"));
        log.add(4, "anna", hand("stream"));
        insta::assert_snapshot!(told(&log, 5), @"anna hand in stream, Open, since 2, 1 reasons");
        log.add(6, "anna", Event::HandLowered);
        insta::assert_snapshot!(told(&log, 6), @"anna stuck in stream, Open, since 1, 1 reasons");
    }

    #[test]
    fn a_resolved_hand_waits_for_a_new_one_or_is_reopened() {
        let mut log = TestLog::of(&["anna"]);
        fail(&mut log, "anna", 1);
        log.add(2, "anna", hand("stream"));
        log.add(3, "anna", resolved(HelpSubject::Hand));
        insta::assert_snapshot!(told(&log, 3), @"anna hand in stream, Resolved, since 2, 0 reasons");
        assert_eq!(log.board().row("anna").unwrap().hand, None);
        log.add(4, "anna", Event::HandLowered);
        log.add(5, "anna", reopened(HelpSubject::Hand));
        insta::assert_snapshot!(told(&log, 5), @"anna hand in stream, Reopened, since 2, 1 reasons");
        log.add(6, "anna", resolved(HelpSubject::Hand));
        log.add(7, "anna", hand("stream"));
        insta::assert_snapshot!(told(&log, 7), @"anna hand in stream, Open, since 7, 1 reasons");
        log.add(8, "anna", Event::Left);
        insta::assert_snapshot!(told(&log, 8), @"");
    }

    #[test]
    fn a_resolved_step_waits_for_three_more_failed_attempts() {
        let mut log = TestLog::of(&["anna"]);
        fail(&mut log, "anna", 1);
        log.add(2, "anna", resolved(in_stream()));
        log.add(3, "anna", attempted("stream", 4));
        log.add(4, "anna", attempted("stream", 5));
        insta::assert_snapshot!(told(&log, 4), @"anna stuck in stream, Resolved, since 1, 1 reasons");
        log.add(5, "anna", attempted("stream", 6));
        insta::assert_snapshot!(told(&log, 5), @"anna stuck in stream, Reopened, since 1, 1 reasons");
        log.add(6, "anna", resolved(in_stream()));
        insta::assert_snapshot!(told(&log, 6), @"anna stuck in stream, Resolved, since 1, 1 reasons");
    }

    #[test]
    fn time_alone_does_not_reopen_and_an_instructor_does() {
        let mut log = TestLog::of(&["anna"]);
        log.add(0, "anna", opened("stream"));
        (1..=4).for_each(|ten| log.add(ten * 10, "anna", opened("stream")));
        insta::assert_snapshot!(told(&log, 41), @"anna stuck in stream, Open, since 0, 1 reasons");
        log.add(41, "anna", resolved(in_stream()));
        log.add(50, "anna", opened("stream"));
        insta::assert_snapshot!(told(&log, 51), @"anna stuck in stream, Resolved, since 0, 1 reasons");
        log.add(52, "anna", reopened(in_stream()));
        insta::assert_snapshot!(told(&log, 52), @"anna stuck in stream, Reopened, since 0, 1 reasons");
        insta::assert_snapshot!(told(&log, 90), @"anna stuck in stream, Reopened, since 52, 0 reasons");
        log.add(91, "anna", Event::StepPassed { step: "stream".to_owned(), passed_ms: 91 });
        insta::assert_snapshot!(told(&log, 91), @"");
    }

    #[test]
    fn trouble_after_a_resolved_hand_is_an_entry_of_its_own() {
        let mut log = TestLog::of(&["anna"]);
        log.add(1, "anna", hand("stream"));
        log.add(2, "anna", resolved(HelpSubject::Hand));
        fail(&mut log, "anna", 3);
        insta::assert_snapshot!(told(&log, 3), @r"
        anna stuck in stream, Reopened, since 3, 1 reasons
        anna hand in stream, Resolved, since 1, 0 reasons
        ");
        log.try_check(4, "anna", 4, "prefix", Pass, "");
        insta::assert_snapshot!(told(&log, 4), @"anna hand in stream, Resolved, since 1, 0 reasons");
    }

    #[test]
    fn an_entry_tells_who_dealt_with_it() {
        let mut log = TestLog::of(&["anna", "ben"]);
        fail(&mut log, "anna", 1);
        log.add(1, "ben", hand("stream"));
        log.add(2, "anna", resolved(in_stream()));
        log.add(3, "ben", resolved(HelpSubject::Hand));
        log.add(4, "ben", reopened(in_stream()));
        log.add(5, "ben", resolved(in_stream()));
        let queue = help_queue(&log.board(), &planned(), &StuckRules::default(), 5 * MINUTE);
        let dealt: Vec<_> = queue.resolved.iter().map(|one| (&*one.learner, one.dealt.clone().unwrap())).collect();
        let teacher = |minute| Resolution { at_ms: minute * MINUTE, by: "teacher".to_owned() };
        assert_eq!(dealt, [("ben", teacher(3)), ("anna", teacher(2))], "the latest first, a hand in place of its step");
        assert_eq!(queue.waiting, []);
    }
}
