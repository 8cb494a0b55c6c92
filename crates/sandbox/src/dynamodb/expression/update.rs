//! Update expressions: `SET`, `REMOVE`, `ADD` and `DELETE`.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use thiserror::Error;

use super::super::error::validation;
use super::super::number::{Number, NumberError};
use super::super::store::LARGEST_ITEM;
use super::super::value::{AttributeValue, Item};
use super::condition_rules::{arguments, incorrect_type};
use super::path::{Path, Step, first_clash};
use super::placeholders::Placeholders;
use super::syntax::{self, FunctionSyntax, OperandSyntax, SectionSyntax, SetValueSyntax};
use crate::AwsError;

/// Bytes of values that an update may put into an item. What is put there stays there, so that more makes no item that can
/// be stored; the exact size is checked afterwards. The little above is for joined lists, which are counted with their heads.
const MOST_COPIED: usize = LARGEST_ITEM + 1024;

/// What an `UpdateExpression` does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    set: Vec<(Path, SetValue)>,
    remove: Vec<Path>,
    add: Vec<(Path, Arc<AttributeValue>)>,
    delete: Vec<(Path, Arc<AttributeValue>)>,
}

#[derive(Clone, Debug, PartialEq)]
enum SetValue {
    Operand(Operand),
    Plus(Operand, Operand),
    Minus(Operand, Operand),
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Path(Path),
    Value(Arc<AttributeValue>),
    IfNotExists(Path, Box<Self>),
    ListAppend(Box<Self>, Box<Self>),
}

/// Why an update does not suit the item, in DynamoDB's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UpdateError {
    #[error("The document path provided in the update expression is invalid for update")]
    InvalidPath,
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    MissingAttribute,
    #[error("An operand in the update expression has an incorrect data type")]
    IncorrectType,
    #[error("Item size to update has exceeded the maximum allowed size")]
    TooLarge,
    #[error(transparent)]
    Number(#[from] NumberError),
}

impl Update {
    /// Reads an `UpdateExpression`.
    pub fn parse(expression: &str, placeholders: &mut Placeholders) -> Result<Self, AwsError> {
        syntax::update(expression)
            .and_then(|sections| resolve(&sections, placeholders))
            .map_err(|message| validation(format!("Invalid UpdateExpression: {message}")))
    }

    /// The paths that the update changes.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let set = self.set.iter().map(|(path, _)| path);
        let add = self.add.iter().map(|(path, _)| path);
        let delete = self.delete.iter().map(|(path, _)| path);
        set.chain(&self.remove).chain(add).chain(delete)
    }

    /// Applies the update to `base`. Operands are read from `before`, the item as it was (empty if there was none).
    pub fn apply(&self, before: &Item, mut base: Item) -> Result<Item, UpdateError> {
        let mut room = Room(MOST_COPIED);
        let mut values = Vec::with_capacity(self.set.len());
        for (path, value) in &self.set {
            let value = value.evaluate(before, &mut room)?;
            values.push((path, room.own(value)?));
        }
        // What is set beyond a list's end is appended in the order of the indexes.
        values.sort_by_key(|(path, _)| last_index(path));
        for (path, value) in values {
            set(&mut base, path, value)?;
        }
        for (path, value) in &self.add {
            if is_set(value) {
                room.take(value.size())?;
            }
            let sum = match path.find(before) {
                None => value.as_ref().clone(),
                Some(old) => add(old, value)?,
            };
            set(&mut base, path, sum)?;
        }
        for (path, value) in &self.delete {
            let Some(old) = path.find(before) else { continue };
            match subtract(old, value)? {
                Some(rest) => set(&mut base, path, rest)?,
                None => remove(&mut base, path)?,
            }
        }
        // Indexes mean the list as it was, so the last element goes first.
        let mut removed: Vec<&Path> = self.remove.iter().collect();
        removed.sort_by_key(|path| Reverse(last_index(path)));
        for path in removed {
            remove(&mut base, path)?;
        }
        Ok(base)
    }
}

fn last_index(path: &Path) -> usize {
    match path.steps.last() {
        Some(Step::Index(index)) => *index,
        _ => 0,
    }
}

fn resolve(sections: &[SectionSyntax<'_>], names: &mut Placeholders) -> Result<Update, String> {
    let mut update = Update::default();
    let mut seen = Vec::new();
    for section in sections {
        let keyword = match section {
            SectionSyntax::Set(_) => "SET",
            SectionSyntax::Remove(_) => "REMOVE",
            SectionSyntax::Add(_) => "ADD",
            SectionSyntax::Delete(_) => "DELETE",
        };
        if seen.contains(&keyword) {
            return Err(format!("The \"{keyword}\" section can only be used once in an update expression;"));
        }
        seen.push(keyword);
        match section {
            SectionSyntax::Set(list) => {
                for (path, value) in list {
                    update.set.push((names.path(path)?, set_value(value, names)?));
                }
            }
            SectionSyntax::Remove(list) => {
                for path in list {
                    update.remove.push(names.path(path)?);
                }
            }
            SectionSyntax::Add(list) => {
                for (path, placeholder) in list {
                    let (path, value) = (names.path(path)?, names.value(placeholder)?);
                    if !matches!(*value, AttributeValue::N(_)) && !is_set(&value) {
                        return Err(incorrect_operand("ADD", &value));
                    }
                    update.add.push((path, value));
                }
            }
            SectionSyntax::Delete(list) => {
                for (path, placeholder) in list {
                    let (path, value) = (names.path(path)?, names.value(placeholder)?);
                    if !is_set(&value) {
                        return Err(incorrect_operand("DELETE", &value));
                    }
                    update.delete.push((path, value));
                }
            }
        }
    }
    match first_clash(update.paths()) {
        Some(clash) => Err(clash),
        None => Ok(update),
    }
}

fn is_set(value: &AttributeValue) -> bool {
    matches!(value, AttributeValue::Ss(_) | AttributeValue::Ns(_) | AttributeValue::Bs(_))
}

fn incorrect_operand(operator: &str, value: &AttributeValue) -> String {
    let type_name = match value {
        AttributeValue::S(_) => "STRING",
        AttributeValue::N(_) => "NUMBER",
        AttributeValue::B(_) => "BINARY",
        AttributeValue::Bool(_) => "BOOLEAN",
        AttributeValue::L(_) => "LIST",
        AttributeValue::M(_) => "MAP",
        other => other.type_name(),
    };
    format!("Incorrect operand type for operator or function; operator: {operator}, operand type: {type_name}")
}

fn set_value(syntax: &SetValueSyntax<'_>, names: &mut Placeholders) -> Result<SetValue, String> {
    let mut number = |syntax: &OperandSyntax<'_>, sign: &str| match operand(syntax, names)? {
        Operand::Value(value) if !matches!(*value, AttributeValue::N(_)) => {
            Err(incorrect_type(sign, value.type_name()))
        }
        operand => Ok(operand),
    };
    Ok(match syntax {
        SetValueSyntax::Plus(left, right) => SetValue::Plus(number(left, "+")?, number(right, "+")?),
        SetValueSyntax::Minus(left, right) => SetValue::Minus(number(left, "-")?, number(right, "-")?),
        SetValueSyntax::Operand(value) => SetValue::Operand(operand(value, names)?),
    })
}

fn operand(syntax: &OperandSyntax<'_>, names: &mut Placeholders) -> Result<Operand, String> {
    match syntax {
        OperandSyntax::Path(path) => Ok(Operand::Path(names.path(path)?)),
        OperandSyntax::Value(placeholder) => Ok(Operand::Value(names.value(placeholder)?)),
        OperandSyntax::Function(function) => function_operand(function, names),
    }
}

fn function_operand(function: &FunctionSyntax<'_>, names: &mut Placeholders) -> Result<Operand, String> {
    match function.name {
        "if_not_exists" => {
            let [path, value] = arguments::<2>(function)?;
            let Operand::Path(path) = operand(path, names)? else {
                return Err(
                    "Operator or function requires a document path; operator or function: if_not_exists".to_owned()
                );
            };
            Ok(Operand::IfNotExists(path, Box::new(operand(value, names)?)))
        }
        "list_append" => {
            let [first, second] = arguments::<2>(function)?;
            let (first, second) = (operand(first, names)?, operand(second, names)?);
            for part in [&first, &second] {
                if let Operand::Value(value) = part
                    && !matches!(**value, AttributeValue::L(_))
                {
                    return Err(incorrect_type("list_append", value.type_name()));
                }
            }
            Ok(Operand::ListAppend(Box::new(first), Box::new(second)))
        }
        "attribute_exists" | "attribute_not_exists" | "attribute_type" | "begins_with" | "contains" | "size" => {
            Err(format!("The function is not allowed in an update expression; function: {}", function.name))
        }
        name => Err(format!("Invalid function name; function: {name}")),
    }
}

impl SetValue {
    fn evaluate<'v>(&'v self, item: &'v Item, room: &mut Room) -> Result<Cow<'v, AttributeValue>, UpdateError> {
        let mut number = |operand: &Operand| match operand.evaluate(item, room)?.as_ref() {
            AttributeValue::N(number) => Ok::<Number, UpdateError>(*number),
            _ => Err(UpdateError::IncorrectType),
        };
        let sum = match self {
            Self::Operand(operand) => return operand.evaluate(item, room),
            Self::Plus(left, right) => number(left)?.add(number(right)?)?,
            Self::Minus(left, right) => number(left)?.subtract(number(right)?)?,
        };
        Ok(Cow::Owned(AttributeValue::N(sum)))
    }
}

impl Operand {
    fn evaluate<'v>(&'v self, item: &'v Item, room: &mut Room) -> Result<Cow<'v, AttributeValue>, UpdateError> {
        match self {
            Self::Path(path) => path.find(item).map(Cow::Borrowed).ok_or(UpdateError::MissingAttribute),
            Self::Value(value) => Ok(Cow::Borrowed(value.as_ref())),
            Self::IfNotExists(path, value) => match path.find(item) {
                Some(present) => Ok(Cow::Borrowed(present)),
                None => value.evaluate(item, room),
            },
            Self::ListAppend(first, second) => {
                let (first, second) = (first.evaluate(item, room)?, second.evaluate(item, room)?);
                if ![&first, &second].iter().all(|part| matches!(part.as_ref(), AttributeValue::L(_))) {
                    return Err(UpdateError::IncorrectType);
                }
                match (room.own(first)?, room.own(second)?) {
                    (AttributeValue::L(mut list), AttributeValue::L(more)) => {
                        list.extend(more);
                        Ok(Cow::Owned(AttributeValue::L(list)))
                    }
                    _ => Err(UpdateError::IncorrectType),
                }
            }
        }
    }
}

/// What is left of the bytes that an update may copy.
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), UpdateError> {
        self.0 = self.0.checked_sub(bytes).ok_or(UpdateError::TooLarge)?;
        Ok(())
    }

    /// The value itself, copied if it is only borrowed.
    fn own(&mut self, value: Cow<'_, AttributeValue>) -> Result<AttributeValue, UpdateError> {
        if let Cow::Borrowed(value) = &value {
            self.take(value.size())?;
        }
        Ok(value.into_owned())
    }
}

/// The map or list that holds what the path's last step names; the path has at least one step.
fn parent<'i>(item: &'i mut Item, path: &Path) -> Result<&'i mut AttributeValue, UpdateError> {
    let mut value = item.get_mut(&*path.root).ok_or(UpdateError::InvalidPath)?;
    for step in &path.steps[..path.steps.len() - 1] {
        value = match (step, value) {
            (Step::Field(name), AttributeValue::M(map)) => map.get_mut(&**name),
            (Step::Index(index), AttributeValue::L(list)) => list.get_mut(*index),
            _ => None,
        }
        .ok_or(UpdateError::InvalidPath)?;
    }
    Ok(value)
}

fn set(item: &mut Item, path: &Path, value: AttributeValue) -> Result<(), UpdateError> {
    let Some(last) = path.steps.last() else {
        item.insert(path.root.to_string(), value);
        return Ok(());
    };
    match (last, parent(item, path)?) {
        (Step::Field(name), AttributeValue::M(map)) => {
            map.insert(name.to_string(), value);
        }
        (Step::Index(index), AttributeValue::L(list)) => match list.get_mut(*index) {
            Some(element) => *element = value,
            None => list.push(value),
        },
        _ => return Err(UpdateError::InvalidPath),
    }
    Ok(())
}

fn remove(item: &mut Item, path: &Path) -> Result<(), UpdateError> {
    let Some(last) = path.steps.last() else {
        item.remove(&*path.root);
        return Ok(());
    };
    match (last, parent(item, path)?) {
        (Step::Field(name), AttributeValue::M(map)) => {
            map.remove(&**name);
        }
        (Step::Index(index), AttributeValue::L(list)) => {
            if *index < list.len() {
                list.remove(*index);
            }
        }
        _ => return Err(UpdateError::InvalidPath),
    }
    Ok(())
}

fn add(old: &AttributeValue, value: &AttributeValue) -> Result<AttributeValue, UpdateError> {
    Ok(match (old, value) {
        (AttributeValue::N(old), AttributeValue::N(value)) => AttributeValue::N(old.add(*value)?),
        (AttributeValue::Ss(old), AttributeValue::Ss(value)) => AttributeValue::Ss(old | value),
        (AttributeValue::Ns(old), AttributeValue::Ns(value)) => AttributeValue::Ns(old | value),
        (AttributeValue::Bs(old), AttributeValue::Bs(value)) => AttributeValue::Bs(old | value),
        _ => return Err(UpdateError::IncorrectType),
    })
}

/// The rest of a set; `None` when nothing is left, since DynamoDB has no empty sets.
fn subtract(old: &AttributeValue, value: &AttributeValue) -> Result<Option<AttributeValue>, UpdateError> {
    let rest = match (old, value) {
        (AttributeValue::Ss(old), AttributeValue::Ss(value)) => AttributeValue::Ss(old - value),
        (AttributeValue::Ns(old), AttributeValue::Ns(value)) => AttributeValue::Ns(old - value),
        (AttributeValue::Bs(old), AttributeValue::Bs(value)) => AttributeValue::Bs(old - value),
        _ => return Err(UpdateError::IncorrectType),
    };
    let is_empty = match &rest {
        AttributeValue::Ss(set) => set.is_empty(),
        AttributeValue::Ns(set) => set.is_empty(),
        AttributeValue::Bs(set) => set.is_empty(),
        _ => false,
    };
    Ok((!is_empty).then_some(rest))
}

#[cfg(test)]
mod tests {
    use super::super::placeholders::GivenExpressions;
    use super::*;

    const ITEM: &str = r#"{"id":{"S":"1"},"n":{"N":"5"},"tags":{"SS":["a","b"]},"seq":{"L":[{"S":"0"},{"S":"1"},{"S":"2"}]},"doc":{"M":{"k":{"N":"1"}}}}"#;

    fn update(expression: &str, values: &str) -> Result<Update, String> {
        let given = GivenExpressions { names: None, values: serde_json::from_str(values).unwrap() };
        let mut placeholders =
            Placeholders::new(given, &[("UpdateExpression", &Some(expression.to_owned()))], None).unwrap();
        Update::parse(expression, &mut placeholders).map_err(|error| error.message)
    }

    fn changed(expression: &str, values: &str) -> Result<serde_json::Value, UpdateError> {
        let item: Item = serde_json::from_str(ITEM).unwrap();
        let after = update(expression, values).unwrap().apply(&item, item.clone())?;
        let mut after = serde_json::to_value(after).unwrap();
        let before: serde_json::Value = serde_json::from_str(ITEM).unwrap();
        let unchanged = |name: &String, value: &mut serde_json::Value| before.get(name) == Some(value);
        after.as_object_mut().unwrap().retain(|name, value| !unchanged(name, value));
        Ok(after)
    }

    #[test]
    fn each_action_changes_what_it_should() {
        for (expression, values, expected) in [
            ("SET n = n + :v", r#"{":v":{"N":"0.5"}}"#, r#"{"n":{"N":"5.5"}}"#),
            ("SET n = :v - n", r#"{":v":{"N":"1"}}"#, r#"{"n":{"N":"-4"}}"#),
            ("SET m = if_not_exists(m, :v) + :v", r#"{":v":{"N":"1"}}"#, r#"{"m":{"N":"2"}}"#),
            ("SET n = if_not_exists(n, :v)", r#"{":v":{"N":"1"}}"#, "{}"),
            ("SET a = n, n = :v", r#"{":v":{"N":"1"}}"#, r#"{"a":{"N":"5"},"n":{"N":"1"}}"#),
            ("SET doc.fresh = :v", r#"{":v":{"S":"x"}}"#, r#"{"doc":{"M":{"fresh":{"S":"x"},"k":{"N":"1"}}}}"#),
            (
                "SET seq[9] = :b, seq[7] = :a, seq[0] = :c",
                r#"{":a":{"S":"a"},":b":{"S":"b"},":c":{"S":"c"}}"#,
                r#"{"seq":{"L":[{"S":"c"},{"S":"1"},{"S":"2"},{"S":"a"},{"S":"b"}]}}"#,
            ),
            (
                "SET seq = list_append(:v, seq)",
                r#"{":v":{"L":[{"N":"9"}]}}"#,
                r#"{"seq":{"L":[{"N":"9"},{"S":"0"},{"S":"1"},{"S":"2"}]}}"#,
            ),
            ("REMOVE seq[0], seq[1], doc.k, gone", "null", r#"{"seq":{"L":[{"S":"2"}]},"doc":{"M":{}}}"#),
            (
                "ADD n :v, fresh :v, tags :t",
                r#"{":v":{"N":"2"},":t":{"SS":["b","c"]}}"#,
                r#"{"fresh":{"N":"2"},"n":{"N":"7"},"tags":{"SS":["a","b","c"]}}"#,
            ),
            ("DELETE tags :t, gone :t", r#"{":t":{"SS":["b","z"]}}"#, r#"{"tags":{"SS":["a"]}}"#),
        ] {
            let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
            assert_eq!(changed(expression, values), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn a_set_that_loses_all_members_is_removed() {
        let item: Item = serde_json::from_str(ITEM).unwrap();
        let update = update("DELETE tags :t", r#"{":t":{"SS":["a","b"]}}"#).unwrap();
        assert!(!update.apply(&item, item.clone()).unwrap().contains_key("tags"));
    }

    #[test]
    fn updates_that_do_not_suit_the_item_are_refused() {
        for (expression, values, error) in [
            ("SET gone.a = :v", r#"{":v":{"N":"1"}}"#, UpdateError::InvalidPath),
            ("SET n.a = :v", r#"{":v":{"N":"1"}}"#, UpdateError::InvalidPath),
            ("SET doc[0] = :v", r#"{":v":{"N":"1"}}"#, UpdateError::InvalidPath),
            ("REMOVE gone.a", "null", UpdateError::InvalidPath),
            ("SET a = gone", "null", UpdateError::MissingAttribute),
            ("SET a = id + :v", r#"{":v":{"N":"1"}}"#, UpdateError::IncorrectType),
            ("SET a = list_append(n, seq)", "null", UpdateError::IncorrectType),
            ("ADD id :v", r#"{":v":{"N":"1"}}"#, UpdateError::IncorrectType),
            ("DELETE tags :v", r#"{":v":{"NS":["1"]}}"#, UpdateError::IncorrectType),
            ("ADD n :v", r#"{":v":{"N":"1E-100"}}"#, UpdateError::Number(NumberError::Precision)),
        ] {
            assert_eq!(changed(expression, values), Err(error), "{expression}");
        }
    }

    #[test]
    fn faults_of_the_expression_are_told_in_dynamodbs_words() {
        for (expression, values, message) in [
            (
                "SET a = :v SET b = :v",
                r#"{":v":{"N":"1"}}"#,
                "The \"SET\" section can only be used once in an update expression;",
            ),
            (
                "SET a.b = :v, a = :v",
                r#"{":v":{"N":"1"}}"#,
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]",
            ),
            (
                "SET status = :v",
                r#"{":v":{"N":"1"}}"#,
                "Attribute name is a reserved keyword; reserved keyword: status",
            ),
            (
                "ADD a :v",
                r#"{":v":{"S":"1"}}"#,
                "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
            ),
            (
                "DELETE a :v",
                r#"{":v":{"N":"1"}}"#,
                "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
            ),
            (
                "SET a = n + :v",
                r#"{":v":{"S":"1"}}"#,
                "Incorrect operand type for operator or function; operator or function: +, operand type: S",
            ),
            (
                "SET a = list_append(a, :v)",
                r#"{":v":{"S":"1"}}"#,
                "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
            ),
            ("SET a = foo(b)", "null", "Invalid function name; function: foo"),
            (
                "SET a = if_not_exists(b)",
                "null",
                "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
            ),
        ] {
            assert_eq!(update(expression, values), Err(format!("Invalid UpdateExpression: {message}")));
        }
    }

    #[test]
    fn an_update_copies_no_more_than_an_item_may_have() {
        let large = format!(r#"{{":v":{{"L":[{{"S":"{}"}}]}}}}"#, "x".repeat(300 * 1024));
        let many: Vec<String> = (0..250).map(|number| format!("a{number}=:v")).collect();
        let nested = format!("SET a = {}:v{}", "list_append(:v,".repeat(60), ")".repeat(60));
        let joined = "SET a = :v, b = list_append(:v, :v)".to_owned();
        for expression in [format!("SET {}", many.join(",")), nested, joined] {
            assert_eq!(changed(&expression, &large), Err(UpdateError::TooLarge), "{expression}");
        }
        assert!(changed("SET a = :v", &large).is_ok());
        assert!(changed("SET a = list_append(if_not_exists(a, :v), seq)", &large).is_ok());
        let set = format!(r#"{{":s":{{"SS":["{}"]}}}}"#, "x".repeat(300 * 1024));
        assert!(changed("ADD a :s", &set).is_ok());
        assert_eq!(changed("ADD a :s, b :s", &set), Err(UpdateError::TooLarge));
    }
}
