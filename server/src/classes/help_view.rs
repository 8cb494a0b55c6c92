//! The help queue, and those who have the same trouble.

use app::model::teach::{ClusterView, HelpItemView, HelpState, HelpSubject, HelpView, LearnerLink};
use classroom::{Cluster, HelpEntry, Resolution, StuckReason, VerdictKind, Whose};
use sha2::{Digest as _, Sha256};

use super::access::InClass;
use super::board_state::BoardState;
use super::class_views;
use super::rows::seconds;
use crate::state::{Headwater, now};

/// Of what was dealt with, the latest so many are shown.
const RESOLVED: usize = 50;

/// Who needs help, and with what.
pub fn help(headwater: &Headwater, entered: &InClass, site: &str) -> HelpView {
    let now = now();
    entered.board.read(|state| {
        let queue = state.help(now);
        let item = |entry: &HelpEntry| item(headwater, state, entry);
        HelpView {
            class: class_views::class(entered, state, site, now),
            read_at: now.unix_timestamp(),
            clusters: state.clusters(now).iter().map(|cluster| cluster_view(headwater, state, cluster)).collect(),
            open: queue.waiting.iter().map(item).collect(),
            resolved: queue.resolved.iter().take(RESOLVED).map(item).collect(),
        }
    })
}

/// The name of a cluster, which is the same as long as check and cause are.
pub fn cluster_id(cluster: &Cluster) -> String {
    let mut hash = Sha256::new();
    hash.update(&cluster.cause);
    hash.update([u8::from(cluster.whose == Whose::Ours)]);
    format!("{}.{}", cluster.check, hex::encode(&hash.finalize()[..4]))
}

/// Why somebody counts as stuck, in words.
pub fn reasons(state: &BoardState, step: &str, reasons: &[StuckReason]) -> String {
    let words: Vec<String> = reasons.iter().map(|reason| reason_words(state, step, reason)).collect();
    words.join("; ")
}

/// Who did something, by name; the log has accounts only.
pub fn by_name(state: &BoardState, account: &str) -> String {
    let found = state.staff.iter().find(|one| one.instructor.as_str() == account);
    found.map_or_else(|| "someone who is no longer on the staff".to_owned(), |one| one.name.clone())
}

fn item(headwater: &Headwater, state: &BoardState, entry: &HelpEntry) -> HelpItemView {
    let step = state.syllabus.step(&entry.step);
    let dealt = |Resolution { at_ms, by }: &Resolution| (by_name(state, by), seconds(*at_ms));
    let (by, at) = entry.dealt.as_ref().map(dealt).unwrap_or_default();
    HelpItemView {
        learner: link(state, &entry.learner),
        subject: subject_view(&entry.subject),
        step_number: step.map_or(0, |step| step.number),
        step_title: step.map_or_else(|| entry.step.clone(), |step| step.title.clone()),
        reason: reasons(state, &entry.step, &entry.reasons),
        since: seconds(entry.since_ms),
        state: match entry.state {
            classroom::HelpState::Open => HelpState::Open,
            classroom::HelpState::Resolved => HelpState::Resolved { by, at },
            // New trouble opens something again, too; it was then dealt with before.
            classroom::HelpState::Reopened => HelpState::Reopened { by, at },
        },
        hinted_at: hinted_at(state, &entry.learner, &entry.step),
        suggestions: state.syllabus.suggestions(headwater, &entry.step),
    }
}

fn cluster_view(headwater: &Headwater, state: &BoardState, cluster: &Cluster) -> ClusterView {
    let step = state.syllabus.step(&cluster.step);
    let check = step.and_then(|step| step.checks.iter().find(|check| check.id == cluster.check));
    let check_title = check.map_or_else(|| cluster.check.clone(), |check| check.title.clone());
    let cause = match cluster.whose {
        Whose::Ours => "a service that does not answer; no learner is to blame".to_owned(),
        Whose::Learners if cluster.cause.is_empty() => "not there yet, or elsewhere".to_owned(),
        Whose::Learners => cluster.cause.clone(),
    };
    // A hint to all of them is one that the last of them got, too.
    let hints = cluster.learners.iter().map(|learner| hinted_at(state, learner, &cluster.step));
    ClusterView {
        id: cluster_id(cluster),
        step_number: step.map_or(0, |step| step.number),
        step_title: step.map_or_else(|| cluster.step.clone(), |step| step.title.clone()),
        cause,
        check_title,
        is_learners: cluster.whose == Whose::Learners,
        learners: cluster.learners.iter().map(|learner| link(state, learner)).collect(),
        of: cluster.at_step,
        median_seconds: cluster.median_ms.unsigned_abs() / 1000,
        hinted_at: hints.min().flatten(),
        suggestions: state.syllabus.suggestions(headwater, &cluster.step),
    }
}

fn link(state: &BoardState, learner: &str) -> LearnerLink {
    LearnerLink { id: learner.to_owned(), name: state.name(learner) }
}

fn subject_view(subject: &classroom::HelpSubject) -> HelpSubject {
    match subject {
        classroom::HelpSubject::Hand => HelpSubject::Hand,
        classroom::HelpSubject::Step { step } => HelpSubject::Step(step.clone()),
    }
}

fn hinted_at(state: &BoardState, learner: &str, step: &str) -> Option<i64> {
    let row = state.board().row(learner)?;
    row.hints.iter().filter(|hint| hint.step == step).map(|hint| seconds(hint.sent_ms)).max()
}

fn reason_words(state: &BoardState, step: &str, reason: &StuckReason) -> String {
    match reason {
        StuckReason::FailedAttempts { check, verdict, cause, attempts } => {
            let step = state.syllabus.step(step);
            let title = step.and_then(|step| step.checks.iter().find(|one| one.id == *check));
            let title = title.map_or(check.as_str(), |check| &check.title);
            let what = match verdict {
                VerdictKind::NotYet => "is still missing".to_owned(),
                VerdictKind::Elsewhere => "is in another place".to_owned(),
                _ if cause.is_empty() => "is not right".to_owned(),
                _ => format!("is not right: {cause}"),
            };
            format!("{attempts} attempts, and “{title}” {what}")
        }
        StuckReason::TooLong { worked_ms, planned_minutes } => {
            format!("{} minutes at work, where {planned_minutes} are planned", worked_ms / 60_000)
        }
    }
}
