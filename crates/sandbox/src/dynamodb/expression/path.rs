//! Document paths.

use std::fmt;
use std::sync::Arc;

use super::super::value::{AttributeValue, Item};

/// Steps that a path may have.
pub const LONGEST_PATH: usize = 32;

/// A step from an item, a map or a list into what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Shared with the placeholder that it came from, as a name may be long and used often.
    Field(Arc<str>),
    Index(usize),
}

/// A path such as `pages.Title[0]`, placeholders resolved. Its first step is a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub root: Arc<str>,
    pub steps: Vec<Step>,
}

impl Path {
    /// What the path leads to in an item.
    pub fn find<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue> {
        let mut value = item.get(&*self.root)?;
        for step in &self.steps {
            value = match (step, value) {
                (Step::Field(name), AttributeValue::M(map)) => map.get(&**name)?,
                (Step::Index(index), AttributeValue::L(list)) => list.get(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Why the two paths may not be used together, if so: one lies within the other, or they take the same value for a
    /// list and for a map.
    pub fn clash(&self, other: &Self) -> Option<String> {
        if self.root != other.root {
            return None;
        }
        let tell = |verb: &str| {
            Some(format!(
                "Two document paths {verb} with each other; must remove or rewrite one of these paths; path one: {self}, \
                 path two: {other}"
            ))
        };
        for pair in self.steps.iter().zip(&other.steps) {
            match pair {
                (Step::Field(one), Step::Field(two)) if one != two => return None,
                (Step::Index(one), Step::Index(two)) if one != two => return None,
                (Step::Field(_), Step::Index(_)) | (Step::Index(_), Step::Field(_)) => return tell("conflict"),
                _ => {}
            }
        }
        tell("overlap")
    }
}

/// The first clash among the paths of an expression.
pub fn first_clash<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Option<String> {
    let paths: Vec<&Path> = paths.into_iter().collect();
    let mut pairs = paths.iter().enumerate().flat_map(|(i, two)| paths[..i].iter().map(move |one| (one, two)));
    pairs.find_map(|(one, two)| one.clash(two))
}

/// As DynamoDB's messages show a path: `[a, b, [0]]`.
impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{}", self.root)?;
        for step in &self.steps {
            match step {
                Step::Field(name) => write!(formatter, ", {name}")?,
                Step::Index(index) => write!(formatter, ", [{index}]")?,
            }
        }
        formatter.write_str("]")
    }
}
