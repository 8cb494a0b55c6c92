//! One learner as the staff of the class sees them.
//!
//! What the checks read belongs to the learner's lab, which goes on after the class. The staff sees it of those who are in the
//! class; of others it sees what the class's log has.

use app::error::BackendError;
use app::model::CheckView;
use app::model::teach::{ClassLearnerView, LearnerStepView, Membership, Points, SentHintView};
use classroom::{CheckCell, Grade, MemberState};
use lab::{Lab, Variables};
use store::{Learner, LearnerId, Member};

use super::Classes;
use super::access::InClass;
use super::board_state::BoardState;
use super::rows::{earned, seconds, whole};
use super::{class_views, syllabus, timeline};
use crate::place::Place;
use crate::state::{internal, now, store_failed};
use crate::views::{self, Progress};

/// So much of what happened is shown.
const TIMELINE: u32 = 200;

/// A learner who is, or was, in the class.
pub async fn learner(
    classes: &Classes,
    entered: &InClass,
    learner: &str,
    site: &str,
) -> Result<ClassLearnerView, BackendError> {
    let id: LearnerId = learner.parse().map_err(|_| BackendError::NotFound)?;
    let store = classes.headwater().store();
    let (member, found, entries, hints) = tokio::try_join!(
        store.member(&id),
        store.learner(&id),
        store.log_of_learner(&entered.id, &id, TIMELINE),
        store.hints(&id)
    )
    .map_err(store_failed)?;
    // Who has joined another class since is here only by the log.
    let member = member.filter(|member| member.class == entered.id);
    let is_in = member.as_ref().is_some_and(|member| member.state == store::MemberState::Active);
    let lab = match found.filter(|_| is_in) {
        Some(learner) => Some((LearnersLab::of(classes, &learner)?, Progress::of_learner(store, &id).await?)),
        None => None,
    };
    let now = now();
    entered.board.read(|state| {
        let row = state.row(learner).ok_or(BackendError::NotFound)?;
        let grade = state.board().grade(learner).unwrap_or_default();
        let checks = state.board().checks(learner);
        let current = row.current().unwrap_or_default();
        let steps: Vec<LearnerStepView> = (state.syllabus.steps.iter())
            .map(|step| step_view(state, &step.slug, lab.as_ref(), &checks, &grade))
            .collect::<Option<_>>()
            .unwrap_or_default();
        let slug = state.syllabus.steps.get(current).map(|step| step.slug.as_str()).unwrap_or_default();
        let suggestions = match &lab {
            Some((lab, _)) => syllabus::suggestions(lab.lab, slug, &lab.variables),
            None => Vec::new(),
        };
        let sent = hints.into_iter().filter(|_| member.is_some()).map(|hint| SentHintView {
            at: hint.sent.unix_timestamp(),
            by: hint.sent_by,
            text: hint.words,
            seen_at: hint.seen.map(time::OffsetDateTime::unix_timestamp),
        });
        let mut timeline = timeline::timeline(state, &entries);
        timeline.sort_by_key(|line| std::cmp::Reverse(line.at));
        Ok(ClassLearnerView {
            class: class_views::class(entered, state, site, now),
            read_at: now.unix_timestamp(),
            membership: membership(state, learner, member.as_ref(), &entries),
            row,
            lab: lab.map_or_else(|| "not shown of one who is not in the class".to_owned(), |(lab, _)| lab.words()),
            points_possible: whole(grade.of),
            steps,
            timeline,
            hints: sent.collect(),
            suggestions,
        })
    })
}

/// Which lab a learner does, and in which names.
struct LearnersLab<'a> {
    lab: &'a Lab,
    variables: Variables,
    is_account: bool,
}

impl<'a> LearnersLab<'a> {
    fn of(classes: &'a Classes, learner: &Learner) -> Result<Self, BackendError> {
        let variables: Variables = serde_json::from_value(learner.variables.clone()).map_err(internal)?;
        let place: Place = serde_json::from_value(learner.place.clone()).map_err(internal)?;
        let lab = classes.headwater().lab(variables.engine);
        Ok(Self { lab, variables, is_account: place.is_account() })
    }

    fn words(&self) -> String {
        let place = if self.is_account { "an account of their own" } else { "the sandbox" };
        format!("{}, in {place}", views::engine(self.variables.engine))
    }
}

fn membership(
    state: &BoardState,
    learner: &str,
    member: Option<&Member>,
    entries: &[classroom::LogEntry],
) -> Membership {
    let since =
        member.map_or_else(|| seconds(state.person(learner).joined_ms), |member| member.joined.unix_timestamp());
    let at = |event: &classroom::Event| {
        let found = entries.iter().find(|entry| entry.event == *event);
        found.map_or(since, |entry| seconds(entry.at_ms))
    };
    match state.board().member_state(learner) {
        Some(MemberState::Active) => Membership::In { since },
        Some(MemberState::Left) => Membership::Left { at: at(&classroom::Event::Left) },
        Some(MemberState::Removed) => Membership::Removed { at: at(&classroom::Event::Removed) },
        Some(MemberState::Waiting) | None => Membership::Waiting { since },
    }
}

fn step_view(
    state: &BoardState,
    slug: &str,
    lab: Option<&(LearnersLab, Progress)>,
    seen: &[CheckCell],
    grade: &Grade,
) -> Option<LearnerStepView> {
    let step = state.syllabus.step(slug)?.clone();
    let (checks, hints_total) = match lab.and_then(|(lab, progress)| Some((lab.lab.step(slug)?, progress))) {
        Some((lab_step, progress)) => (views::checks(lab_step, progress), lab_step.hints.len() as u32),
        None => (step.checks.iter().map(|check| logged_check(&check.id, &check.title, seen)).collect(), 0),
    };
    let graded = grade.steps.iter().find(|graded| graded.step == slug);
    let hints_revealed = graded.map_or(0, |graded| graded.hints_revealed);
    Some(LearnerStepView {
        step,
        checks,
        points: graded.map_or_else(Points::default, |graded| earned(graded.points)),
        points_possible: graded.map_or(0, |graded| whole(graded.of)),
        hints_revealed,
        hints_total: hints_total.max(hints_revealed),
    })
}

/// A check as the log has it: whether it passed, and nothing of what it read.
fn logged_check(id: &str, title: &str, seen: &[CheckCell]) -> CheckView {
    let passed = seen.iter().find(|check| check.check == id).and_then(|check| check.first_passed_ms);
    CheckView {
        id: id.to_owned(),
        title: title.to_owned(),
        needs_consent: false,
        running: false,
        last: None,
        passed_at: passed.map(seconds),
        regression: None,
    }
}
