//! What somebody is in the course that the lab is opened from.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

const IN_COURSE: &str = "http://purl.imsglobal.org/vocab/lis/v2/membership";
const TEST_USER: &str = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser";
/// Most roles that are looked at.
const MOST: usize = 50;

/// A role in the course. Roles in the institution or the whole platform give no rights here: whoever teaches somewhere
/// is a learner in another's course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Administrator,
    ContentDeveloper,
    Instructor,
    Learner,
    Manager,
    Mentor,
    TeachingAssistant,
    /// A made-up person, such as a teacher's "student view".
    TestUser,
}

/// All roles that somebody has in the course.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether they teach. Platforms call teaching assistants instructors as well, so look for those first.
    pub fn teaches(&self) -> bool {
        self.has(Role::Instructor) || self.has(Role::Administrator)
    }

    pub fn iter(&self) -> impl Iterator<Item = Role> {
        self.0.iter().copied()
    }

    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().take(MOST).filter_map(role).collect())
    }
}

fn role(name: &str) -> Option<Role> {
    if name == TEST_USER {
        return Some(Role::TestUser);
    }
    let (principal, within) = match name.strip_prefix(IN_COURSE) {
        Some(rest) => match rest.strip_prefix('#') {
            Some(principal) => (principal, None),
            None => rest.strip_prefix('/')?.split_once('#').map(|(principal, sub)| (principal, Some(sub)))?,
        },
        // Short names are old, and still sent.
        None => (name, None),
    };
    Some(match (principal, within) {
        ("Instructor", Some(sub)) if sub.starts_with("TeachingAssistant") => Role::TeachingAssistant,
        ("Administrator", None) => Role::Administrator,
        ("ContentDeveloper", _) => Role::ContentDeveloper,
        ("Instructor", None) => Role::Instructor,
        // Guest lecturers, external instructors, graders and the like do not teach by their own.
        ("Instructor", Some("PrimaryInstructor" | "Lecturer")) => Role::Instructor,
        ("Learner", _) => Role::Learner,
        ("Manager", _) => Role::Manager,
        ("Mentor", _) => Role::Mentor,
        ("TeachingAssistant", None) => Role::TeachingAssistant,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_in_the_course_count_and_others_do_not() {
        for (name, expected) in [
            ("http://purl.imsglobal.org/vocab/lis/v2/membership#Learner", Some(Role::Learner)),
            ("http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor", Some(Role::Instructor)),
            ("Instructor", Some(Role::Instructor)),
            (
                "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant",
                Some(Role::TeachingAssistant),
            ),
            ("http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#Grader", None),
            ("http://purl.imsglobal.org/vocab/lis/v2/membership/Learner#GuestLearner", Some(Role::Learner)),
            ("http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor", None),
            ("http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator", None),
            (TEST_USER, Some(Role::TestUser)),
            ("http://elsewhere.example#Instructor", None),
            ("", None),
        ] {
            assert_eq!(Roles::of([name]).iter().next(), expected, "{name}");
        }
    }

    #[test]
    fn only_some_teach() {
        assert!(Roles::of(["Learner", "Instructor"]).teaches());
        assert!(!Roles::of(["Learner", "Mentor", "ContentDeveloper"]).teaches());
    }
}
