//! A learner's row: what the board knows, as the pages show it.

use app::model::teach::{CellState, CellView, Points, RowView};
use classroom::{Board, BoardRow, CheckCell, Hundredths, StepCell, StepState, VerdictKind};

use store::Member;

use super::syllabus::Syllabus;

/// Once a check of this step has passed, what is gone is no change for the worse.
const CLEAN_UP: &str = "clean-up";

/// What the row of a learner needs besides the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Empty for one who has no name.
    pub name: String,
    /// Unix milliseconds.
    pub joined_ms: i64,
}

/// A learner's row.
pub fn row_view(board: &Board, row: &BoardRow, person: &Person, is_stuck: bool, syllabus: &Syllabus) -> RowView {
    let checks = board.checks(&row.learner);
    let is_cleaned_up = checks.iter().any(|check| check.step == CLEAN_UP && check.first_passed_ms.is_some());
    let cells = syllabus.steps.iter().map(|step| {
        let Some(cell) = row.steps.iter().find(|cell| cell.step == step.slug) else { return CellView::default() };
        let failing = cell.failing.as_ref();
        let failing = failing.and_then(|failing| step.checks.iter().position(|check| check.id == failing.check));
        CellView {
            state: cell_state(cell, &checks, is_cleaned_up),
            opened_at: cell.opened_ms.map(seconds),
            passed_at: cell.passed_ms.map(seconds),
            attempts: cell.attempts,
            assisted: cell.assisted,
            failing: failing.filter(|_| cell.passed_ms.is_none()).and_then(|place| u32::try_from(place).ok()),
        }
    });
    RowView {
        learner: row.learner.clone(),
        name: person.name.clone(),
        hand: row.hand.as_ref().map(|hand| seconds(hand.since_ms)),
        stuck: is_stuck,
        points: earned(row.points),
        last_at: seconds(row.last_active_ms.unwrap_or_default().max(person.joined_ms)),
        cells: cells.collect(),
    }
}

/// Points that were earned, as the pages know them.
pub fn earned(points: Hundredths) -> Points {
    Points { hundredths: u32::try_from(points.hundredths()).unwrap_or(u32::MAX) }
}

/// Points that can be earned: checks give whole ones.
pub fn whole(points: Hundredths) -> u32 {
    u32::try_from(points.hundredths() / 100).unwrap_or(u32::MAX)
}

/// Unix seconds, as the pages count time.
pub fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000)
}

fn cell_state(cell: &StepCell, checks: &[CheckCell], is_cleaned_up: bool) -> CellState {
    if matches!(cell.state, StepState::Passed | StepState::Assisted) {
        let has_changed = |check: &CheckCell| check.step == cell.step && check.verdict.is_learners();
        let changed = !is_cleaned_up && checks.iter().any(has_changed);
        return if changed { CellState::Changed } else { CellState::Passed };
    }
    match cell.failing.as_ref().map(|failing| failing.verdict) {
        Some(VerdictKind::Wrong | VerdictKind::Elsewhere) => CellState::Wrong,
        Some(VerdictKind::NoPermission | VerdictKind::Settling | VerdictKind::ServiceFault) => CellState::Waiting,
        _ if cell.state == StepState::NotOpened => CellState::NotBegun,
        _ => CellState::UnderWay,
    }
}

impl Person {
    /// A member of a class.
    pub fn of(member: &Member) -> Self {
        let joined_ms = i64::try_from(member.joined.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        Self { name: member.name.clone().unwrap_or_default(), joined_ms }
    }
}
