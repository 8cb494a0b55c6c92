use super::{ClassView, Points, board::shown_name};
use serde::{Deserialize, Serialize};

/// What of the results is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsQuery {
    /// By points, most first; else by name.
    pub by_points: bool,
    /// Counted from 1.
    pub page: u32,
}

/// The results of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassResultsView {
    pub class: ClassView,
    pub steps: Vec<TallyStep>,
    pub points_possible: u32,
    /// One page of learners, in the order asked for.
    pub rows: Vec<ResultRow>,
    /// Learners in all.
    pub learners: u32,
    /// Counted from 1.
    pub page: u32,
    pub pages: u32,
    /// Points in total, of all learners, in no particular order.
    pub totals: Vec<Points>,
    /// Where the log ends.
    pub head: LogHeadView,
}

/// A step with how the class did in its checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyStep {
    pub slug: String,
    /// Counted from 0.
    pub number: u32,
    pub title: String,
    pub points: u32,
    pub checks: Vec<CheckTally>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckTally {
    pub id: String,
    pub title: String,
    pub points: u32,
    pub passed: u32,
    /// Of those who passed, how many had the step done for them.
    pub assisted: u32,
}

/// A learner's points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRow {
    pub learner: String,
    /// May be empty.
    pub name: String,
    /// One a step.
    pub steps: Vec<StepPointsEarned>,
    pub total: Points,
    pub finished_at: Option<i64>,
}

/// What a step gave a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPointsEarned {
    pub points: Points,
    pub is_passed: bool,
    pub assisted: bool,
}

/// Where the class's log ends. Who keeps it can prove later that nothing before it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHeadView {
    /// Number of the last entry; 0 for an empty log.
    pub seq: i64,
    /// 64 hex digits.
    pub hash: String,
}

impl LogHeadView {
    /// As `headwater audit --head` takes it.
    pub fn into_text(self) -> String {
        format!("{}:{}", self.seq, self.hash)
    }
}

impl ResultRow {
    pub fn shown_name(&self) -> String {
        shown_name(&self.name, &self.learner)
    }
}
