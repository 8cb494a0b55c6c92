use super::{ClassView, Points};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The board: learner × step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardView {
    pub class: ClassView,
    /// In the order of the lab.
    pub steps: Vec<BoardStep>,
    /// All rows as the server keeps them; the page first shows a part.
    pub rows: RowsView,
    /// Who asks to be let in, longest first.
    pub waiting: Vec<WaitingView>,
}

/// The rows at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsView {
    /// The log's entry up to which the rows are told; the event stream goes on behind it.
    pub seq: i64,
    /// The server's time.
    pub read_at: i64,
    /// In no particular order. Shared, so that a server can hand out the rows it keeps.
    pub rows: Vec<Arc<RowView>>,
}

/// A step as the head of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardStep {
    pub slug: String,
    /// Counted from 0.
    pub number: u32,
    pub title: String,
    pub checks: Vec<BoardCheck>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardCheck {
    /// For example `delivery-stream.prefix`.
    pub id: String,
    pub title: String,
}

/// A learner of the class. A board may have ten thousand, so that what is usual is left out on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowView {
    /// 32 hex digits.
    pub learner: String,
    /// What the learner is called; empty for one who has no name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Since when the hand is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<i64>,
    /// The server found the learner stuck.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stuck: bool,
    pub points: Points,
    /// When anything of the learner changed last.
    pub last_at: i64,
    /// One a step, in the order of the lab.
    pub cells: Vec<CellView>,
}

/// A learner in a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellView {
    #[serde(default, skip_serializing_if = "CellState::is_not_begun")]
    pub state: CellState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_at: Option<i64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// The step was done for the learner.
    #[serde(default, skip_serializing_if = "is_false")]
    pub assisted: bool,
    /// The first check that does not pass, as its place in [`BoardStep::checks`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<u32>,
}

/// How a learner stands in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellState {
    #[default]
    NotBegun,
    /// Opened, and nothing is found wrong.
    UnderWay,
    /// A check found something that the learner has to mend.
    Wrong,
    /// Something settles, or could not be looked at; not the learner's fault.
    Waiting,
    Passed,
    /// Passed once, but a check no longer passes now.
    Changed,
}

impl CellState {
    pub fn is_passed(self) -> bool {
        matches!(self, Self::Passed | Self::Changed)
    }

    fn is_not_begun(&self) -> bool {
        *self == Self::NotBegun
    }
}

impl RowView {
    /// What to call the learner; one without a name by the first digits of the id.
    pub fn shown_name(&self) -> String {
        shown_name(&self.name, &self.learner)
    }

    pub fn steps_passed(&self) -> u32 {
        self.cells.iter().filter(|cell| cell.state.is_passed()).count() as u32
    }

    pub fn is_finished(&self) -> bool {
        !self.cells.is_empty() && self.cells.iter().all(|cell| cell.state.is_passed())
    }

    /// Where the learner works: the last step that is begun and not passed.
    pub fn current(&self) -> Option<usize> {
        self.cells.iter().rposition(|cell| cell.state != CellState::NotBegun && !cell.state.is_passed())
    }
}

impl CellView {
    /// How long the learner was, or is, in the step.
    pub fn seconds(&self, now: i64) -> Option<u64> {
        let opened_at = self.opened_at?;
        u64::try_from(self.passed_at.unwrap_or(now) - opened_at).ok()
    }
}

/// A learner who asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    pub learner: String,
    pub name: String,
    pub since: i64,
}

impl WaitingView {
    pub fn shown_name(&self) -> String {
        shown_name(&self.name, &self.learner)
    }
}

/// What to call a learner, also one without a name.
pub(super) fn shown_name(name: &str, learner: &str) -> String {
    if name.is_empty() { format!("Learner {}", learner.get(..6).unwrap_or(learner)) } else { name.to_owned() }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_does_not_travel() {
        let cell = serde_json::to_string(&CellView::default()).unwrap();
        assert_eq!(cell, "{}");
        assert_eq!(serde_json::from_str::<CellView>(&cell).unwrap(), CellView::default());
    }

    #[test]
    fn a_learner_without_a_name_is_called_by_the_id() {
        assert_eq!(shown_name("", "3fa94c00"), "Learner 3fa94c");
        assert_eq!(shown_name("Ada", "3fa94c00"), "Ada");
    }

    #[test]
    fn time_in_a_step_ends_with_its_pass() {
        let cell = CellView { opened_at: Some(100), passed_at: Some(160), ..CellView::default() };
        assert_eq!(cell.seconds(1000), Some(60));
        assert_eq!(CellView { passed_at: None, ..cell }.seconds(1000), Some(900));
    }
}
