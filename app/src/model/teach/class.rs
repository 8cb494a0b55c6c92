use crate::model::LabChoice;
use serde::{Deserialize, Serialize};

/// What a member of the staff is in a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything and changes nothing.
    Viewer,
    /// Also helps learners and decides who is in the class.
    Teacher,
    /// Also sets the class up, and may delete it.
    Owner,
}

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To look.
    See,
    /// To deal with learners: hints, hands, who is in the class.
    Help,
    /// To set the class up.
    Manage,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Teacher, Self::Viewer];

    /// As forms post it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Teacher => "teacher",
            Self::Owner => "owner",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether this role is enough for an operation. The server decides by it, and pages hide what is not allowed.
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::See => true,
            Right::Help => self >= Self::Teacher,
            Right::Manage => self == Self::Owner,
        }
    }
}

/// Where a class is in its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassState {
    NotBegun,
    Running,
    Ended,
    /// Put away: nothing in it changes any more.
    Archived,
}

/// The classes of the instructor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassesView {
    /// As the top of the page greets them.
    pub instructor: String,
    /// Running first, then those to come, ended and archived.
    pub classes: Vec<ClassSummary>,
}

/// A class in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassSummary {
    pub id: String,
    pub name: String,
    pub state: ClassState,
    pub starts_at: i64,
    pub ends_at: i64,
    pub role: Role,
    pub learners: u32,
    pub waiting: u32,
    pub hands: u32,
    /// Hands that were raised since this instructor looked at the help queue last.
    pub unread: u32,
}

/// What a new class begins with in its form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewClassView {
    /// The labs that classes may be given.
    pub labs: Vec<LabChoice>,
    /// When the form was made, in Unix seconds.
    pub read_at: i64,
}

/// What every page of a class needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassView {
    pub id: String,
    pub name: String,
    pub state: ClassState,
    pub starts_at: i64,
    pub ends_at: i64,
    /// For example `K7QM-2XRD`.
    pub join_code: String,
    /// The whole address, for example `https://lab.example/join/K7QM-2XRD`.
    pub join_link: String,
    /// Learners wait until someone lets them in.
    pub approval: bool,
    /// The role of who is looking.
    pub role: Role,
    pub counters: ClassCounters,
}

/// How many learners are where; changes while the page is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounters {
    pub learners: u32,
    pub waiting: u32,
    pub hands: u32,
    pub stuck: u32,
    pub finished: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_one_below_may() {
        let rights = |role: Role| [Right::See, Right::Help, Right::Manage].map(|right| role.may(right));
        assert_eq!(rights(Role::Viewer), [true, false, false]);
        assert_eq!(rights(Role::Teacher), [true, true, false]);
        assert_eq!(rights(Role::Owner), [true, true, true]);
    }
}
