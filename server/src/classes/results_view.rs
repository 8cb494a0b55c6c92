//! The results of a class: everyone's points, and how the class did in each check.

use app::model::teach::{
    CheckTally, ClassResultsView, LogHeadView, PAGE_ROWS, Points, ResultRow, ResultsQuery, StepPointsEarned, TallyStep,
};
use classroom::{Grade, MemberState};

use super::access::InClass;
use super::board_state::BoardState;
use super::class_views;
use super::rows::{earned, seconds, whole};
use super::syllabus::worth;
use crate::state::now;

/// The results of those who are in the class; the exports have everyone who ever was. Takes a while for a large class.
pub fn results(entered: &InClass, query: ResultsQuery, site: &str) -> ClassResultsView {
    let now = now();
    entered.board.read(|state| {
        let board = state.board();
        let active = board.learners().filter(|id| board.member_state(id) == Some(MemberState::Active));
        let grades: Vec<(&str, Grade)> = active.filter_map(|id| Some((id, board.grade(id)?))).collect();
        let mut order: Vec<(&str, &Grade, String)> =
            grades.iter().map(|(id, grade)| (*id, grade, state.name(id))).collect();
        order.sort_by_cached_key(|(id, grade, name)| {
            let points = query.by_points.then_some(std::cmp::Reverse(grade.points));
            (points, name.is_empty(), name.to_lowercase(), (*id).to_owned())
        });
        let learners = count(order.len());
        let pages = learners.div_ceil(PAGE_ROWS).max(1);
        let page = query.page.clamp(1, pages);
        let shown = order.iter().skip(((page - 1) * PAGE_ROWS) as usize).take(PAGE_ROWS as usize);
        let head = board.head();
        ClassResultsView {
            class: class_views::class(entered, state, site, now),
            steps: tally(state, &grades),
            points_possible: grades.first().map_or_else(|| possible(state), |(_, grade)| whole(grade.of)),
            rows: shown.map(|(id, grade, name)| row(state, id, grade, name)).collect(),
            learners,
            page,
            pages,
            totals: grades.iter().map(|(_, grade)| earned(grade.points)).collect(),
            head: LogHeadView { seq: head.seq, hash: head.hash.clone() },
        }
    })
}

fn possible(state: &BoardState) -> u32 {
    let steps = state.board().scheme().map_or(&[][..], |scheme| &scheme.steps);
    steps.iter().flat_map(|step| step.checks.values()).sum()
}

fn tally(state: &BoardState, grades: &[(&str, Grade)]) -> Vec<TallyStep> {
    let scheme = state.board().scheme();
    let steps = state.syllabus.steps.iter().map(|step| {
        let graded = || grades.iter().filter_map(|(_, grade)| grade.steps.iter().find(|one| one.step == step.slug));
        let checks: Vec<CheckTally> = (step.checks.iter())
            .map(|check| {
                let (mut passed, mut assisted) = (0, 0);
                for step in graded() {
                    let has_passed = |one: &classroom::CheckGrade| one.check == check.id && one.passed_ms.is_some();
                    if step.checks.iter().any(has_passed) {
                        passed += 1;
                        assisted += u32::from(step.assisted);
                    }
                }
                let points = scheme.and_then(|scheme| worth(scheme, &check.id)).unwrap_or_default();
                CheckTally { id: check.id.clone(), title: check.title.clone(), points, passed, assisted }
            })
            .collect();
        TallyStep {
            slug: step.slug.clone(),
            number: step.number,
            title: step.title.clone(),
            points: checks.iter().map(|check| check.points).sum(),
            checks,
        }
    });
    steps.collect()
}

fn row(state: &BoardState, id: &str, grade: &Grade, name: &str) -> ResultRow {
    let steps: Vec<StepPointsEarned> = (state.syllabus.steps.iter())
        .map(|step| match grade.steps.iter().find(|graded| graded.step == step.slug) {
            Some(graded) => StepPointsEarned {
                points: earned(graded.points),
                is_passed: graded.passed_ms.is_some(),
                assisted: graded.assisted,
            },
            None => StepPointsEarned { points: Points::default(), is_passed: false, assisted: false },
        })
        .collect();
    let passed: Option<Vec<i64>> = grade.steps.iter().map(|step| step.passed_ms).collect();
    ResultRow {
        learner: id.to_owned(),
        name: name.to_owned(),
        total: earned(grade.points),
        finished_at: passed.and_then(|passed| passed.into_iter().max()).map(seconds),
        steps,
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
