use super::{ClassView, board::shown_name};
use serde::{Deserialize, Serialize};

/// Who needs help, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpView {
    pub class: ClassView,
    /// The server's time.
    pub read_at: i64,
    /// Learners with the same trouble, most first.
    pub clusters: Vec<ClusterView>,
    /// What is open: raised hands and learners found stuck, longest first.
    pub open: Vec<HelpItemView>,
    /// What was dealt with, latest first; the server may leave out old ones.
    pub resolved: Vec<HelpItemView>,
}

/// One learner who needs, or needed, help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelpItemView {
    pub learner: LearnerLink,
    pub subject: HelpSubject,
    pub step_number: u32,
    pub step_title: String,
    /// Why, for example `5 attempts, and the prefix is still set differently`; may be empty for a hand.
    pub reason: String,
    pub since: i64,
    pub state: HelpState,
    /// When an instructor's hint went to the learner last, for this step.
    pub hinted_at: Option<i64>,
    pub suggestions: Vec<SuggestionView>,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HelpSubject {
    Hand,
    /// Being stuck in this step.
    Step(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HelpState {
    Open,
    /// Was dealt with, and is open again by an instructor's wish.
    Reopened {
        by: String,
        at: i64,
    },
    Resolved {
        by: String,
        at: i64,
    },
}

/// Learners whose step fails by the same check and cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterView {
    /// The same as long as check and cause are; lower-case letters, digits, `.` and `-`.
    pub id: String,
    pub step_number: u32,
    pub step_title: String,
    /// What the learners have in common, for example `S3 prefix`.
    pub cause: String,
    pub check_title: String,
    /// Something that the learners can mend; else a service gave no usable answer, and nobody is to blame.
    pub is_learners: bool,
    pub learners: Vec<LearnerLink>,
    /// Learners in that step.
    pub of: u32,
    /// How long they have been there: half of them longer, half of them less.
    pub median_seconds: u64,
    /// When a hint went to all of them last.
    pub hinted_at: Option<i64>,
    pub suggestions: Vec<SuggestionView>,
}

/// A learner by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerLink {
    pub id: String,
    /// May be empty.
    pub name: String,
}

/// A hint of the lab's own for that step, in plain text: what an instructor may send, or begin from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestionView {
    /// For example `A nudge`.
    pub title: String,
    pub text: String,
}

impl LearnerLink {
    pub fn shown_name(&self) -> String {
        shown_name(&self.name, &self.id)
    }
}

impl HelpSubject {
    /// As forms post it: `hand` or `step-SLUG`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Hand => "hand".to_owned(),
            Self::Step(slug) => format!("step-{slug}"),
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("step-") {
            Some(slug) if !slug.is_empty() => Some(Self::Step(slug.to_owned())),
            _ => (text == "hand").then_some(Self::Hand),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_go_through_a_form_and_back() {
        for subject in [HelpSubject::Hand, HelpSubject::Step("streaming-sql".to_owned())] {
            assert_eq!(HelpSubject::parse(&subject.to_text()), Some(subject));
        }
        assert_eq!(HelpSubject::parse("step-"), None);
        assert_eq!(HelpSubject::parse("hands"), None);
    }
}
