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
    let mut troubled: BTreeMap<(NameId, NameId, NameId, Whose), Vec<(i64, &str)>> = BTreeMap::new();
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
    (!reasons.is_empty()).then(|| StuckSignal { learner: learner.to_owned(), step: step_name.to_owned(), since_ms, reasons })
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
