//! Who is stuck, and what those who are have in common.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::board::{Board, CheckRecord, LearnerRecord, MemberState, PAUSE_MS, StepRecord};
use crate::event::VerdictKind;
use crate::names::NameId;

/// The minutes that the lab plans for each step.
pub type PlannedMinutes = BTreeMap<String, u32>;

/// From when a learner counts as stuck.
///
/// Only learners who are active in the class and not idle can be, and only in the step that they are at. Only `NotYet`,
/// `Wrong` and `Elsewhere` count, for checks that never passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StuckRules {
    /// So many attempts since the last progress that the same check has spoilt. Progress is a check's first pass.
    pub failed_attempts: u32,
    /// At work in the step, without progress, for longer than so many times the planned minutes.
    pub times_planned: u32,
    /// Idle from so long after the last activity.
    pub idle_ms: i64,
    /// So many attempts make that something which is not there yet belongs to a cluster; what is wrong or elsewhere does at
    /// once.
    pub cluster_attempts: u32,
    /// So many learners make a cluster.
    pub cluster_learners: u32,
}

/// What the learners of a cluster have in common: step, check, cause, and whose it is.
type Trouble = (NameId, NameId, NameId, Whose);

impl Default for StuckRules {
    fn default() -> Self {
        Self { failed_attempts: 3, times_planned: 3, idle_ms: PAUSE_MS, cluster_attempts: 1, cluster_learners: 2 }
    }
}

/// A learner who is stuck in a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckSignal {
    pub learner: String,
    pub step: String,
    /// Since when, by the oldest of the reasons.
    pub since_ms: i64,
    /// One or two.
    pub reasons: Vec<StuckReason>,
}

/// Why a learner counts as stuck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum StuckReason {
    /// The same check failed again and again.
    FailedAttempts { check: String, verdict: VerdictKind, cause: String, attempts: u32 },
    /// Far longer at work than planned.
    TooLong { worked_ms: i64, planned_minutes: u32 },
}

/// Learners with the same trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    pub step: String,
    pub check: String,
    pub cause: String,
    pub whose: Whose,
    /// How many have this trouble.
    pub affected: u32,
    /// How many are at the step, idle ones left out.
    pub at_step: u32,
    /// For how long they have had it.
    pub median_ms: i64,
    /// The number affected times one more than the median's minutes; the heaviest cluster comes first.
    pub weight: u64,
    /// Who they are, the longest in trouble first.
    pub learners: Vec<String>,
}

/// Whose trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// Something that the learners can mend.
    Learners,
    /// A service gave no usable answer. No learner is to blame.
    Ours,
}

/// Everyone who is stuck, in the order of the board.
pub fn stuck_signals(board: &Board, planned: &PlannedMinutes, rules: &StuckRules, now_ms: i64) -> Vec<StuckSignal> {
    let records = board.records();
    records.filter_map(|(learner, record)| signal(board, learner, record, planned, rules, now_ms)).collect()
}

/// All clusters, the heaviest first.
pub fn clusters(board: &Board, rules: &StuckRules, now_ms: i64) -> Vec<Cluster> {
    let mut at_step: HashMap<NameId, u32> = HashMap::new();
    let mut troubled: BTreeMap<Trouble, Vec<(i64, &str)>> = BTreeMap::new();
    for (learner, record) in board.records() {
        let Some(step) = step_at_work(record, rules, now_ms) else { continue };
        *at_step.entry(step.step).or_default() += 1;
        for check in &step.checks {
            if let Some(whose) = trouble(step, check, rules) {
                let for_ms = now_ms.saturating_sub(check.since_ms).max(0);
                troubled.entry((step.step, check.check, check.cause, whose)).or_default().push((for_ms, learner));
            }
        }
    }
    let names = board.names();
    let mut clusters: Vec<Cluster> = troubled
        .into_iter()
        .filter(|(_, learners)| learners.len() >= rules.cluster_learners as usize)
        .map(|((step, check, cause, whose), mut learners)| {
            learners.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
            let median_ms = median(&learners);
            let affected = u32::try_from(learners.len()).unwrap_or(u32::MAX);
            Cluster {
                step: names.owned(step),
                check: names.owned(check),
                cause: names.owned(cause),
                whose,
                affected,
                at_step: at_step.get(&step).copied().unwrap_or(0),
                median_ms,
                weight: u64::from(affected) * (1 + median_ms.unsigned_abs() / 60_000),
                learners: learners.into_iter().map(|(_, learner)| learner.to_owned()).collect(),
            }
        })
        .collect();
    clusters.sort_by(|a, b| {
        let place = |one: &Cluster| (one.step.clone(), one.check.clone(), one.cause.clone(), one.whose);
        (b.weight, b.affected).cmp(&(a.weight, a.affected)).then_with(|| place(a).cmp(&place(b)))
    });
    clusters
}

pub(crate) fn signal(
    board: &Board,
    learner: &str,
    record: &LearnerRecord,
    planned: &PlannedMinutes,
    rules: &StuckRules,
    now_ms: i64,
) -> Option<StuckSignal> {
    let step = step_at_work(record, rules, now_ms)?;
    let names = board.names();
    let mut reasons = Vec::new();
    let mut since_ms = now_ms;
    if let Some((check, attempts)) = worst_check(step)
        && attempts >= rules.failed_attempts
    {
        since_ms = since_ms.min(check.since_ms);
        let (verdict, cause) = (check.kind, names.owned(check.cause));
        reasons.push(StuckReason::FailedAttempts { check: names.owned(check.check), verdict, cause, attempts });
    }
    let step_name = names.text(step.step);
    if let Some(planned_minutes) = planned.get(step_name).copied() {
        let since_active_ms = record.active_ms.map_or(0, |active| now_ms.saturating_sub(active).max(0));
        let worked_ms = step.worked_since_progress_ms() + since_active_ms;
        if worked_ms > i64::from(planned_minutes) * i64::from(rules.times_planned) * 60_000 {
            since_ms = since_ms.min(now_ms.saturating_sub(worked_ms));
            reasons.push(StuckReason::TooLong { worked_ms, planned_minutes });
        }
    }
    (!reasons.is_empty()).then(|| StuckSignal {
        learner: learner.to_owned(),
        step: step_name.to_owned(),
        since_ms,
        reasons,
    })
}

/// The failing check that has spoilt the most attempts, and how many.
pub(crate) fn worst_check(step: &StepRecord) -> Option<(&CheckRecord, u32)> {
    let failing = step.checks.iter().rev().filter(|check| check.is_failing());
    let counted = failing.map(|check| (check, step.failed_attempts(check)));
    counted.max_by_key(|(check, attempts)| (*attempts, std::cmp::Reverse(check.since_ms)))
}

/// The step that an active learner is at, unless it is passed or the learner is idle.
fn step_at_work<'a>(record: &'a LearnerRecord, rules: &StuckRules, now_ms: i64) -> Option<&'a StepRecord> {
    let is_idle = now_ms.saturating_sub(record.active_ms?) > rules.idle_ms;
    if record.member != MemberState::Active || is_idle { None } else { record.at_step() }
}

/// Whether a verdict belongs to a cluster, and to whose.
fn trouble(step: &StepRecord, check: &CheckRecord, rules: &StuckRules) -> Option<Whose> {
    if check.first_passed_ms.is_some() {
        return None;
    }
    match check.kind {
        VerdictKind::Wrong | VerdictKind::Elsewhere => Some(Whose::Learners),
        VerdictKind::NotYet => (step.failed_attempts(check) >= rules.cluster_attempts).then_some(Whose::Learners),
        VerdictKind::ServiceFault => Some(Whose::Ours),
        VerdictKind::Pass | VerdictKind::NoPermission | VerdictKind::Settling => None,
    }
}

/// The middle of a sorted list; of an even number the mean of the two in the middle.
fn median(sorted: &[(i64, &str)]) -> i64 {
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).map_or(0, |(ms, _)| *ms);
    if sorted.len().is_multiple_of(2) { i64::midpoint(at(middle.saturating_sub(1)), at(middle)) } else { at(middle) }
}

#[cfg(test)]
mod tests {
    use crate::Event;
    use crate::VerdictKind::{Elsewhere, NoPermission, NotYet, Pass, ServiceFault, Settling, Wrong};
    use crate::test_log::{MINUTE, TestLog, attempted, opened, planned, verdict_of};

    use super::*;

    fn signals(log: &TestLog, minute: i64) -> Vec<StuckSignal> {
        stuck_signals(&log.board(), &planned(), &StuckRules::default(), minute * MINUTE)
    }

    /// Anna, who has opened the step and failed so many times, a minute each.
    fn failing(attempts: u32, verdict: VerdictKind) -> TestLog {
        let mut log = TestLog::of(&["anna"]);
        log.add(0, "anna", opened("stream"));
        for attempt in 1..=attempts {
            log.try_check(i64::from(attempt), "anna", attempt, "prefix", verdict, "slash");
        }
        log
    }

    #[test]
    fn three_attempts_spoilt_by_the_same_check_are_a_signal() {
        assert_eq!(signals(&failing(2, Wrong), 3), []);
        for verdict in [NotYet, Wrong, Elsewhere] {
            let (check, cause) = ("prefix".to_owned(), "slash".to_owned());
            let reasons = vec![StuckReason::FailedAttempts { check, verdict, cause, attempts: 3 }];
            let (learner, step) = ("anna".to_owned(), "stream".to_owned());
            let expected = StuckSignal { learner, step, since_ms: MINUTE, reasons };
            assert_eq!(signals(&failing(3, verdict), 3), [expected]);
        }
    }

    #[test]
    fn what_is_not_the_learners_to_mend_is_no_signal() {
        for verdict in [NoPermission, Settling, ServiceFault, Pass] {
            assert_eq!(signals(&failing(9, verdict), 10), [], "{verdict:?}");
        }
        let mut log = failing(2, Wrong);
        log.try_check(3, "anna", 3, "prefix", ServiceFault, "timeout");
        log.try_check(4, "anna", 4, "prefix", Wrong, "slash");
        assert_eq!(signals(&log, 4), [], "a fault of ours in between makes the count begin anew");
    }

    #[test]
    fn progress_makes_the_count_begin_anew() {
        let mut log = failing(2, Wrong);
        log.try_check(3, "anna", 3, "bucket", Pass, "");
        log.add(4, "anna", attempted("stream", 4));
        log.add(5, "anna", attempted("stream", 5));
        assert_eq!(signals(&log, 5), []);
        log.add(6, "anna", attempted("stream", 6));
        assert_eq!(signals(&log, 6).len(), 1);
        log.try_check(7, "anna", 7, "bucket", Wrong, "region");
        log.try_check(8, "anna", 8, "bucket", Pass, "");
        assert_eq!(signals(&log, 8).len(), 1, "a second pass is no progress");
    }

    #[test]
    fn attempts_that_the_class_did_not_see_do_not_count() {
        let mut log = TestLog::of(&["anna"]);
        log.add(0, "anna", opened("stream"));
        log.try_check(0, "anna", 12, "prefix", Wrong, "slash");
        assert_eq!(signals(&log, 1), []);
        log.add(2, "anna", attempted("stream", 13));
        log.add(3, "anna", attempted("stream", 14));
        assert_eq!(signals(&log, 3), []);
        log.add(4, "anna", attempted("stream", 15));
        assert_eq!(signals(&log, 4).len(), 1);
    }

    /// Anna, at work in a step of ten planned minutes; something happens every ten minutes.
    fn long(minutes: i64) -> TestLog {
        let mut log = TestLog::of(&["anna"]);
        log.add(0, "anna", opened("stream"));
        for minute in (10..=minutes).step_by(10) {
            log.add(minute, "anna", Event::HintRevealed { step: "stream".to_owned(), revealed: 1 });
        }
        log
    }

    #[test]
    fn three_times_the_planned_minutes_without_progress_are_a_signal() {
        let log = long(30);
        assert_eq!(signals(&log, 30), []);
        let [signal] = &signals(&log, 31)[..] else { panic!("one signal") };
        assert_eq!(signal.reasons, [StuckReason::TooLong { worked_ms: 31 * MINUTE, planned_minutes: 10 }]);
        assert_eq!(signal.since_ms, 0);
        let without_plan = stuck_signals(&log.board(), &PlannedMinutes::new(), &StuckRules::default(), 31 * MINUTE);
        assert_eq!(without_plan, []);
    }

    #[test]
    fn progress_and_pauses_make_no_signal() {
        let mut log = long(30);
        log.add(31, "anna", verdict_of("stream", "bucket", Pass, ""));
        assert_eq!(signals(&log, 32), [], "a pass is progress");
        let mut log = long(20);
        log.add(60, "anna", attempted("stream", 1));
        assert_eq!(signals(&log, 69), [], "20 minutes, a pause, then 9");
        assert_eq!(signals(&log, 71).len(), 1);
    }

    #[test]
    fn both_reasons_stand_in_one_signal() {
        let mut log = long(30);
        (1..=3).for_each(|attempt| log.try_check(30, "anna", attempt, "prefix", Wrong, "slash"));
        let [signal] = &signals(&log, 32)[..] else { panic!("one signal") };
        assert_eq!((signal.reasons.len(), signal.since_ms), (2, 0));
    }

    #[test]
    fn who_is_idle_gone_elsewhere_or_done_is_not_stuck() {
        let log = failing(3, Wrong);
        assert_eq!(signals(&log, 3 + 15).len(), 1);
        assert_eq!(signals(&log, 3 + 16), [], "idle");
        for event in [Event::Left, Event::Removed, Event::Waiting] {
            let mut log = failing(3, Wrong);
            log.add(3, "anna", event);
            assert_eq!(signals(&log, 3), []);
        }
        let mut log = failing(3, Wrong);
        log.add(4, "anna", opened("results"));
        assert_eq!(signals(&log, 4), [], "in another step");
        let mut log = failing(3, Wrong);
        log.add(4, "anna", Event::StepPassed { step: "stream".to_owned(), passed_ms: 4 * MINUTE });
        assert_eq!(signals(&log, 4), [], "passed");
    }

    /// How clusters are told: `3 of 4: stream prefix slash, median 9 min (learners)`.
    fn told(log: &TestLog, minute: i64) -> String {
        let clusters = clusters(&log.board(), &StuckRules::default(), minute * MINUTE);
        let line = |one: &Cluster| {
            let Cluster { step, check, cause, whose, affected, at_step, median_ms, weight, learners } = one;
            let (minutes, learners) = (median_ms / MINUTE, learners.join(" "));
            format!(
                "{affected} of {at_step}: {step} {check} {cause}, median {minutes} min, {whose:?}, {weight} ({learners})"
            )
        };
        clusters.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn class_of_five() -> TestLog {
        let learners = ["anna", "ben", "cem", "dora", "eva"];
        let mut log = TestLog::of(&learners);
        learners.iter().for_each(|learner| log.add(0, learner, opened("stream")));
        log
    }

    #[test]
    fn learners_with_the_same_trouble_are_a_cluster() {
        let mut log = class_of_five();
        for (minute, learner, cause) in
            [(1, "anna", "slash"), (3, "ben", "slash"), (9, "cem", "slash"), (9, "dora", "name")]
        {
            log.try_check(minute, learner, 1, "prefix", Wrong, cause);
        }
        insta::assert_snapshot!(told(&log, 12), @"3 of 5: stream prefix slash, median 9 min, Learners, 30 (anna ben cem)");
        log.try_check(11, "eva", 1, "prefix", Elsewhere, "slash");
        insta::assert_snapshot!(told(&log, 12), @"4 of 5: stream prefix slash, median 6 min, Learners, 28 (anna ben cem eva)");
    }

    #[test]
    fn what_is_not_there_yet_is_trouble_only_when_it_was_tried() {
        let mut log = class_of_five();
        for learner in ["anna", "ben"] {
            log.add(1, learner, verdict_of("stream", "bucket", NotYet, "absent"));
        }
        insta::assert_snapshot!(told(&log, 2), @"");
        log.add(2, "anna", attempted("stream", 1));
        log.add(2, "ben", attempted("stream", 1));
        insta::assert_snapshot!(told(&log, 2), @"2 of 5: stream bucket absent, median 1 min, Learners, 4 (anna ben)");
    }

    #[test]
    fn a_fault_of_a_service_is_ours_and_other_excuses_are_no_cluster() {
        let mut log = class_of_five();
        for learner in ["anna", "ben"] {
            log.add(1, learner, verdict_of("stream", "bucket", ServiceFault, "timeout"));
        }
        for learner in ["cem", "dora"] {
            log.add(1, learner, verdict_of("stream", "bucket", NoPermission, "denied"));
            log.add(1, learner, verdict_of("stream", "prefix", Settling, "creating"));
        }
        insta::assert_snapshot!(told(&log, 1), @"2 of 5: stream bucket timeout, median 0 min, Ours, 2 (anna ben)");
    }

    #[test]
    fn the_heaviest_cluster_comes_first() {
        let mut log = class_of_five();
        for learner in ["anna", "ben", "cem"] {
            log.try_check(9, learner, 1, "bucket", Wrong, "region");
        }
        for learner in ["dora", "eva"] {
            log.try_check(1, learner, 1, "prefix", Wrong, "slash");
        }
        insta::assert_snapshot!(told(&log, 10), @r"
        2 of 5: stream prefix slash, median 9 min, Learners, 20 (dora eva)
        3 of 5: stream bucket region, median 1 min, Learners, 6 (anna ben cem)
        ");
    }

    #[test]
    fn passed_idle_and_single_trouble_is_no_cluster() {
        let mut log = class_of_five();
        for learner in ["anna", "ben", "cem"] {
            log.try_check(1, learner, 1, "bucket", Pass, "");
            log.try_check(2, learner, 2, "bucket", Wrong, "region");
        }
        log.try_check(2, "dora", 1, "prefix", Wrong, "slash");
        insta::assert_snapshot!(told(&log, 3), @"");
        log.try_check(3, "eva", 1, "prefix", Wrong, "slash");
        insta::assert_snapshot!(told(&log, 3), @"2 of 5: stream prefix slash, median 0 min, Learners, 2 (dora eva)");
        log.add(15, "eva", attempted("stream", 2));
        insta::assert_snapshot!(told(&log, 20), @"");
    }
}
