//! What learners are told of a class: the way in, and their own place in it.

use super::{LabChoice, StepLink, teach::ClassState};
use serde::{Deserialize, Serialize};

/// The form value that brings the lab of this browser into a class.
pub const BRING: &str = "bring";

/// What a join code leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassInvite {
    /// As it is shown, for example `K7QM-2XRD`.
    pub code: String,
    pub class_name: String,
    /// Those who own the class, by name.
    pub owners: Vec<String>,
    pub state: ClassState,
    pub starts_at: Option<i64>,
    pub ends_at: Option<i64>,
    /// Someone has to let learners in.
    pub approval: bool,
    /// Learners may do without a name.
    pub anonymous: bool,
    /// The labs to choose from: those of the class that this server has to offer.
    pub labs: Vec<LabChoice>,
    /// The lab in this browser, if there is one.
    pub own_lab: Option<OwnLab>,
    /// The server's time when this was read.
    pub read_at: i64,
}

/// The lab in this browser, as the way into a class sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnLab {
    pub choice: LabChoice,
    /// The slug of the step where it is.
    pub current_step: String,
    pub steps_passed: u32,
    pub steps_total: u32,
    pub standing: Standing,
}

/// How the lab in this browser stands to a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// In no class, or in none any more.
    Free,
    /// It was let in, or waits for it.
    Here(MembershipState),
    /// It is in another class with this name.
    Elsewhere(String),
}

/// What a learner asks for at the way into a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// As typed.
    pub code: String,
    /// As typed; nothing for who wants to stay anonymous.
    pub name: Option<String>,
    pub lab: JoinLab,
}

/// The lab with which a learner joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinLab {
    /// The one of this browser.
    Bring,
    New(LabChoice),
}

/// Where a learner came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    pub class_name: String,
    pub state: MembershipState,
    /// The slug of the step where the lab is.
    pub current_step: String,
}

/// A learner's place in a class. It says nothing that changes by time alone but the class's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipView {
    pub class_name: String,
    /// As the instructors see it; none for who stays anonymous.
    pub name: Option<String>,
    /// The class lets learners do without a name.
    pub anonymous: bool,
    pub state: MembershipState,
    pub class_state: ClassState,
    pub hand: Option<HandView>,
    /// From instructors, newest first.
    pub hints: Vec<ClassHintView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MembershipState {
    /// Someone has to let the learner in.
    Waiting,
    Active,
    /// An instructor took the learner out.
    Removed,
}

/// A raised hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandView {
    pub since: i64,
    /// The title of the step that it is about.
    pub step: String,
}

/// A hint that an instructor sent; other than the lab's own hints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassHintView {
    pub id: String,
    /// The step that it is about.
    pub step: Option<StepLink>,
    /// Plain text with line breaks.
    pub words: String,
    pub sent_by: String,
    pub sent_at: i64,
    /// When the learner put it away.
    pub seen_at: Option<i64>,
}

impl JoinLab {
    /// From what a form posts.
    pub fn parse(text: &str) -> Option<Self> {
        if text == BRING {
            return Some(Self::Bring);
        }
        LabChoice::ALL.into_iter().find(|choice| choice.as_str() == text).map(Self::New)
    }
}

impl MembershipView {
    /// Whether what the learner does is noted in the class, or will be.
    pub fn goes_on(&self) -> bool {
        self.state != MembershipState::Removed && matches!(self.class_state, ClassState::NotBegun | ClassState::Running)
    }

    /// Hints that the learner has not put away.
    pub fn unseen(&self) -> impl Iterator<Item = &ClassHintView> {
        self.hints.iter().filter(|hint| hint.seen_at.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_brings_a_lab_or_begins_one_of_a_kind() {
        assert_eq!(JoinLab::parse("bring"), Some(JoinLab::Bring));
        for choice in LabChoice::ALL {
            assert_eq!(JoinLab::parse(choice.as_str()), Some(JoinLab::New(choice)));
        }
        assert_eq!(JoinLab::parse(""), None);
        assert_eq!(JoinLab::parse("account"), None);
    }
}
