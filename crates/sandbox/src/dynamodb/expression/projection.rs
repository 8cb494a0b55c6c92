//! Projection expressions: which parts of an item to answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::error::validation;
use super::super::value::{AttributeValue, Item};
use super::path::{Path, Step, first_clash};
use super::placeholders::Placeholders;
use super::syntax;
use crate::AwsError;

/// The wanted paths as a tree, so that paths with a common start yield one map or list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    fields: BTreeMap<Arc<str>, Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Whole,
    Fields(BTreeMap<Arc<str>, Self>),
    Indexes(BTreeMap<usize, Self>),
}

impl Projection {
    /// Reads a `ProjectionExpression`.
    pub fn parse(expression: &str, placeholders: &mut Placeholders) -> Result<Self, AwsError> {
        let mut read = || {
            let paths = syntax::projection(expression)?;
            let paths = paths.iter().map(|path| placeholders.path(path)).collect::<Result<Vec<_>, _>>()?;
            match first_clash(&paths) {
                Some(clash) => Err(clash),
                None => Ok(Self::of(&paths)),
            }
        };
        read().map_err(|message| validation(format!("Invalid ProjectionExpression: {message}")))
    }

    /// The projection to paths that do not clash.
    pub fn of<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut fields = BTreeMap::new();
        for path in paths {
            insert(&mut fields, &path.root, &path.steps);
        }
        Self { fields }
    }

    /// The wanted parts that the item has. List elements move together: `[0]` and `[5]` become two elements.
    pub fn apply(&self, item: &Item) -> Item {
        project_fields(&self.fields, item)
    }
}

fn insert(fields: &mut BTreeMap<Arc<str>, Part>, name: &Arc<str>, steps: &[Step]) {
    let part = fields.entry(Arc::clone(name)).or_insert_with(|| empty_part(steps));
    descend(part, steps);
}

fn empty_part(steps: &[Step]) -> Part {
    match steps.first() {
        None => Part::Whole,
        Some(Step::Field(_)) => Part::Fields(BTreeMap::new()),
        Some(Step::Index(_)) => Part::Indexes(BTreeMap::new()),
    }
}

fn descend(part: &mut Part, steps: &[Step]) {
    match (part, steps.split_first()) {
        (Part::Fields(fields), Some((Step::Field(name), rest))) => insert(fields, name, rest),
        (Part::Indexes(indexes), Some((Step::Index(index), rest))) => {
            descend(indexes.entry(*index).or_insert_with(|| empty_part(rest)), rest);
        }
        _ => {}
    }
}

fn project_fields(fields: &BTreeMap<Arc<str>, Part>, item: &Item) -> Item {
    let wanted = fields.iter().filter_map(|(name, part)| {
        let value = part.apply(item.get(&**name)?)?;
        Some((name.to_string(), value))
    });
    wanted.collect()
}

impl Part {
    fn apply(&self, value: &AttributeValue) -> Option<AttributeValue> {
        match (self, value) {
            (Self::Whole, value) => Some(value.clone()),
            (Self::Fields(fields), AttributeValue::M(map)) => {
                let projected = project_fields(fields, map);
                (!projected.is_empty()).then_some(AttributeValue::M(projected))
            }
            (Self::Indexes(indexes), AttributeValue::L(list)) => {
                let elements: Vec<_> =
                    indexes.iter().filter_map(|(index, part)| part.apply(list.get(*index)?)).collect();
                (!elements.is_empty()).then_some(AttributeValue::L(elements))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(expression: &str, item: &str) -> Result<String, String> {
        let projection = Projection::parse(expression, &mut Placeholders::default()).map_err(|error| error.message)?;
        Ok(serde_json::to_string(&projection.apply(&serde_json::from_str(item).unwrap())).unwrap())
    }

    #[test]
    fn paths_with_a_common_start_are_joined() {
        let item = r#"{"a":{"M":{"b":{"L":[{"S":"0"},{"S":"1"},{"S":"2"}]},"c":{"N":"1"}}},"d":{"S":"d"}}"#;
        assert_eq!(
            project("a.b[2], a.b[0], a.c, gone, d.e, a.gone", item).unwrap(),
            r#"{"a":{"M":{"b":{"L":[{"S":"0"},{"S":"2"}]},"c":{"N":"1"}}}}"#
        );
        assert_eq!(project("d", item).unwrap(), r#"{"d":{"S":"d"}}"#);
        assert_eq!(project("a.gone", item).unwrap(), "{}");
    }

    #[test]
    fn overlapping_paths_are_refused() {
        assert_eq!(
            project("a, a.b[1]", "{}").unwrap_err(),
            "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these \
             paths; path one: [a], path two: [a, b, [1]]"
        );
        assert!(project("a.b, a[0]", "{}").unwrap_err().contains("conflict with each other"));
    }
}
