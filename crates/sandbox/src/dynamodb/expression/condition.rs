//! Conditions and filters: their typed form and whether an item meets them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use memchr::memmem;

use super::super::number::Number;
use super::super::value::{AttributeValue, Item};
use super::path::Path;

/// A condition whose placeholders are resolved and whose operands were checked (see `condition_rules`).
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare(Comparator, Operand, Operand),
    /// operand, low, high
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    AttributeExists(Path),
    AttributeNotExists(Path),
    AttributeType(Path, String),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Something that has a value, or none when it names an attribute that the item lacks.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Path(Path),
    Value(Arc<AttributeValue>),
    /// `size(operand)`
    Size(Box<Self>),
}

impl Condition {
    /// Whether the item meets the condition. An item that does not exist is an empty one.
    pub fn holds(&self, item: &Item) -> bool {
        match self {
            Self::And(conditions) => conditions.iter().all(|condition| condition.holds(item)),
            Self::Or(conditions) => conditions.iter().any(|condition| condition.holds(item)),
            Self::Not(condition) => !condition.holds(item),
            Self::Compare(comparator, left, right) => {
                comparator.holds(left.value(item).as_deref(), right.value(item).as_deref())
            }
            Self::Between(operand, low, high) => {
                let value = operand.value(item);
                Comparator::GreaterOrEqual.holds(value.as_deref(), low.value(item).as_deref())
                    && Comparator::LessOrEqual.holds(value.as_deref(), high.value(item).as_deref())
            }
            Self::In(operand, list) => operand
                .value(item)
                .is_some_and(|value| list.iter().any(|other| other.value(item).is_some_and(|other| value == other))),
            Self::AttributeExists(path) => path.find(item).is_some(),
            Self::AttributeNotExists(path) => path.find(item).is_none(),
            Self::AttributeType(path, type_name) => path.find(item).is_some_and(|value| value.type_name() == type_name),
            Self::BeginsWith(operand, prefix) => {
                match (operand.value(item).as_deref(), prefix.value(item).as_deref()) {
                    (Some(AttributeValue::S(text)), Some(AttributeValue::S(prefix))) => {
                        text.starts_with(prefix.as_str())
                    }
                    (Some(AttributeValue::B(bytes)), Some(AttributeValue::B(prefix))) => bytes.starts_with(prefix),
                    _ => false,
                }
            }
            Self::Contains(operand, part) => match (operand.value(item), part.value(item)) {
                (Some(whole), Some(part)) => contains(&whole, &part),
                _ => false,
            },
        }
    }

    /// How many comparisons the condition makes at most; each looks at a whole item in the worst case.
    pub fn comparisons(&self) -> usize {
        match self {
            Self::And(conditions) | Self::Or(conditions) => conditions.iter().map(Self::comparisons).sum(),
            Self::Not(condition) => condition.comparisons(),
            Self::Between(..) => 2,
            Self::In(_, list) => list.len(),
            _ => 1,
        }
    }

    /// Calls `visit` with every path in the condition.
    pub fn visit_paths(&self, visit: &mut impl FnMut(&Path)) {
        match self {
            Self::And(conditions) | Self::Or(conditions) => conditions.iter().for_each(|part| part.visit_paths(visit)),
            Self::Not(condition) => condition.visit_paths(visit),
            Self::Compare(_, left, right) | Self::BeginsWith(left, right) | Self::Contains(left, right) => {
                left.visit_paths(visit);
                right.visit_paths(visit);
            }
            Self::Between(operand, low, high) => [operand, low, high].iter().for_each(|part| part.visit_paths(visit)),
            Self::In(operand, list) => {
                operand.visit_paths(visit);
                list.iter().for_each(|part| part.visit_paths(visit));
            }
            Self::AttributeExists(path) | Self::AttributeNotExists(path) | Self::AttributeType(path, _) => visit(path),
        }
    }
}

impl Comparator {
    fn holds(self, left: Option<&AttributeValue>, right: Option<&AttributeValue>) -> bool {
        let (Some(left), Some(right)) = (left, right) else {
            return self == Self::NotEqual;
        };
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => compare_values(left, right).is_some_and(Ordering::is_lt),
            Self::LessOrEqual => compare_values(left, right).is_some_and(Ordering::is_le),
            Self::Greater => compare_values(left, right).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => compare_values(left, right).is_some_and(Ordering::is_ge),
        }
    }
}

impl Operand {
    /// The value that the expression itself gives.
    pub fn literal(&self) -> Option<&AttributeValue> {
        match self {
            Self::Value(value) => Some(value),
            Self::Path(_) | Self::Size(_) => None,
        }
    }

    fn value<'v>(&'v self, item: &'v Item) -> Option<Cow<'v, AttributeValue>> {
        match self {
            Self::Path(path) => path.find(item).map(Cow::Borrowed),
            Self::Value(value) => Some(Cow::Borrowed(value.as_ref())),
            Self::Size(operand) => {
                let size = match operand.value(item)?.as_ref() {
                    AttributeValue::S(text) => text.len(),
                    AttributeValue::B(bytes) => bytes.len(),
                    AttributeValue::Ss(set) => set.len(),
                    AttributeValue::Ns(set) => set.len(),
                    AttributeValue::Bs(set) => set.len(),
                    AttributeValue::L(list) => list.len(),
                    AttributeValue::M(map) => map.len(),
                    AttributeValue::N(_) | AttributeValue::Bool(_) | AttributeValue::Null => return None,
                };
                Some(Cow::Owned(AttributeValue::N(Number::from(size as u64))))
            }
        }
    }

    fn visit_paths(&self, visit: &mut impl FnMut(&Path)) {
        match self {
            Self::Path(path) => visit(path),
            Self::Value(_) => {}
            Self::Size(operand) => operand.visit_paths(visit),
        }
    }
}

/// The order of two values of one type that has an order (string, number, binary).
pub fn compare_values(left: &AttributeValue, right: &AttributeValue) -> Option<Ordering> {
    match (left, right) {
        (AttributeValue::S(left), AttributeValue::S(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (AttributeValue::N(left), AttributeValue::N(right)) => Some(left.cmp(right)),
        (AttributeValue::B(left), AttributeValue::B(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn contains(whole: &AttributeValue, part: &AttributeValue) -> bool {
    match (whole, part) {
        (AttributeValue::S(text), AttributeValue::S(part)) => text.contains(part.as_str()),
        (AttributeValue::B(bytes), AttributeValue::B(part)) => memmem::find(bytes, part).is_some(),
        (AttributeValue::Ss(set), AttributeValue::S(text)) => set.contains(text),
        (AttributeValue::Ns(set), AttributeValue::N(number)) => set.contains(number),
        (AttributeValue::Bs(set), AttributeValue::B(bytes)) => set.contains(bytes),
        (AttributeValue::L(list), part) => list.contains(part),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn bytes_are_found_in_linear_time() {
        // Every place but the last differs only at its end, which costs a naive search hundreds of millions of steps.
        let mut whole = vec![0; 400 * 1024];
        let mut part = vec![0; 200 * 1024];
        (*whole.last_mut().unwrap(), *part.last_mut().unwrap()) = (1, 1);
        let begun = Instant::now();
        for _ in 0..20 {
            assert!(contains(&AttributeValue::B(whole.clone()), &AttributeValue::B(part.clone())));
        }
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        let bytes = |bytes: &[u8]| AttributeValue::B(bytes.to_vec());
        assert!(contains(&bytes(&[1, 2, 3]), &bytes(&[2, 3])));
        assert!(contains(&bytes(&[1]), &bytes(&[])));
        assert!(!contains(&bytes(&[1, 2]), &bytes(&[2, 1])));
    }
}
