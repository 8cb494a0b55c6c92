use super::{BoardStep, ClassView, Points, RowView, SuggestionView};
use crate::model::CheckView;
use serde::{Deserialize, Serialize};

/// A learner as the staff of the class sees them: what they did and what the checks read, never their secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassLearnerView {
    pub class: ClassView,
    /// The server's time.
    pub read_at: i64,
    pub row: RowView,
    pub membership: Membership,
    /// Which lab it is, for example `a SQL application, in the sandbox`.
    pub lab: String,
    pub points_possible: u32,
    /// In the order of the lab; `row.cells` go along.
    pub steps: Vec<LearnerStepView>,
    /// Latest first; the server may leave out old ones.
    pub timeline: Vec<TimelineView>,
    /// Latest first.
    pub hints: Vec<SentHintView>,
    /// The lab's hints for the step of now.
    pub suggestions: Vec<SuggestionView>,
}

/// How the learner belongs to the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Membership {
    Waiting {
        since: i64,
    },
    In {
        since: i64,
    },
    /// Went by themselves.
    Left {
        at: i64,
    },
    Removed {
        at: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerStepView {
    pub step: BoardStep,
    /// With the last verdict known and its evidence.
    pub checks: Vec<CheckView>,
    pub points: Points,
    pub points_possible: u32,
    /// The lab's own hints that the learner revealed.
    pub hints_revealed: u32,
    pub hints_total: u32,
}

/// Something that happened, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineView {
    pub at: i64,
    /// For example `Check passes: Objects go under the prefix clicks/`.
    pub text: String,
    /// The title of the step, if it is about one.
    pub step: Option<String>,
}

/// A hint that an instructor sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentHintView {
    pub at: i64,
    pub by: String,
    pub text: String,
    /// When the learner put it away.
    pub seen_at: Option<i64>,
}
