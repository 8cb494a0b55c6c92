//! What a window holds while it is open: groups with their aggregates, distinct items, item counts.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher};

use hyperloglogplus::{HyperLogLog, HyperLogLogPlus};
use indexmap::IndexMap;

use super::error::EvaluationError;
use super::expression::{Expression, Operator, arithmetic, compare};
use super::functions::{average, integer_sum};
use super::types::Value;

/// Up to so many items `COUNT_DISTINCT_ITEMS_TUMBLING` counts exactly, as the service does.
pub(super) const EXACT_DISTINCT_ITEMS: usize = 10_000;
/// Bytes that an entry of a hash table takes beside its content, about.
pub(super) const ENTRY_BYTES: usize = 64;
/// Bytes that an estimate takes.
const ESTIMATOR_BYTES: usize = 1 << HYPERLOGLOG_PRECISION;
/// Precision of the estimate above: 2^14 registers, a standard error of 0.8 %.
const HYPERLOGLOG_PRECISION: u8 = 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AggregateKind {
    Count,
    Sum,
    Average,
    Minimum,
    Maximum,
}

/// An aggregate as the query asks for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AggregateCall {
    pub kind: AggregateKind,
    /// `None` for `COUNT(*)`.
    pub argument: Option<Expression>,
    pub distinct: bool,
}

/// An aggregate of the rows so far.
#[derive(Debug)]
pub(super) struct Accumulator {
    kind: AggregateKind,
    state: State,
    /// Values seen, for DISTINCT.
    seen: Option<HashSet<Value>>,
}

#[derive(Debug)]
enum State {
    /// Rows counted and, for SUM and AVG, their sum.
    Count(i64),
    IntegerSum(i128, i64),
    OtherSum(Value, i64),
    Extreme(Value),
}

impl AggregateKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Sum => "SUM",
            Self::Average => "AVG",
            Self::Minimum => "MIN",
            Self::Maximum => "MAX",
        }
    }
}

impl Accumulator {
    pub(super) fn new(call: &AggregateCall) -> Self {
        let state = match call.kind {
            AggregateKind::Count => State::Count(0),
            AggregateKind::Sum | AggregateKind::Average => State::IntegerSum(0, 0),
            AggregateKind::Minimum | AggregateKind::Maximum => State::Extreme(Value::Null),
        };
        Self { kind: call.kind, state, seen: call.distinct.then(HashSet::new) }
    }

    /// Takes the argument's value for one row in, `None` for `COUNT(*)`. Gives the bytes that the state grew by, for the bound
    /// on all open windows.
    pub(super) fn add(&mut self, value: Option<Value>) -> Result<isize, EvaluationError> {
        let Some(value) = value else {
            if let State::Count(count) = &mut self.state {
                *count += 1;
            }
            return Ok(0);
        };
        if matches!(value, Value::Null) {
            return Ok(0);
        }
        let mut grown = 0;
        if let Some(seen) = &mut self.seen {
            if seen.contains(&value) {
                return Ok(0);
            }
            grown = (ENTRY_BYTES + value.size()) as isize;
            seen.insert(value.clone());
        }
        match (&mut self.state, value) {
            (State::Count(count), _) => *count += 1,
            (State::IntegerSum(sum, count), Value::Integer(number)) => {
                *sum += i128::from(number);
                *count += 1;
            }
            // the first value tells that the sum is not of whole numbers
            (State::IntegerSum(..), value) => self.state = State::OtherSum(value, 1),
            (State::OtherSum(sum, count), value) => {
                *sum = arithmetic(Operator::Add, sum, &value)?;
                *count += 1;
            }
            (State::Extreme(extreme), value) => {
                if is_better(self.kind, &value, extreme) {
                    grown += value.size() as isize - extreme.size() as isize;
                    *extreme = value;
                }
            }
        }
        Ok(grown)
    }

    /// Whether it would take more memory with this value.
    pub(super) fn would_grow(&self, value: Option<&Value>) -> bool {
        let Some(value) = value.filter(|value| !matches!(value, Value::Null)) else { return false };
        match (&self.seen, &self.state) {
            (Some(seen), _) => !seen.contains(value),
            (None, State::Extreme(extreme)) => value.size() > extreme.size() && is_better(self.kind, value, extreme),
            _ => false,
        }
    }

    /// The aggregate's value; NULL when there was none but NULLs, but for COUNT.
    pub(super) fn finish(&self) -> Result<Value, EvaluationError> {
        match (&self.state, self.kind) {
            (State::Count(count), _) => Ok(Value::Integer(*count)),
            (State::IntegerSum(_, 0), _) => Ok(Value::Null),
            (State::IntegerSum(sum, count), AggregateKind::Average) => integer_sum(sum / i128::from(*count)),
            (State::IntegerSum(sum, _), _) => integer_sum(*sum),
            (State::OtherSum(sum, count), AggregateKind::Average) => average(sum, *count),
            (State::OtherSum(value, _) | State::Extreme(value), _) => Ok(value.clone()),
        }
    }
}

/// Whether MIN or MAX takes the value rather than the one that it has.
fn is_better(kind: AggregateKind, value: &Value, extreme: &Value) -> bool {
    match compare(value, extreme) {
        None => true,
        Some(ordering) if kind == AggregateKind::Minimum => ordering.is_lt(),
        Some(ordering) => ordering.is_gt(),
    }
}

/// A hasher with fixed keys, so that a replay after a restart gives the same estimate.
type FixedHasher = BuildHasherDefault<DefaultHasher>;

/// Counts distinct items: exactly at first, by `HyperLogLog` when there are many.
#[derive(Debug)]
pub(super) enum DistinctItems {
    Exact(HashSet<Value>),
    Estimated(Box<HyperLogLogPlus<Value, FixedHasher>>),
}

impl DistinctItems {
    pub(super) fn new() -> Self {
        Self::Exact(HashSet::new())
    }

    /// Whether it would take more memory with this item.
    pub(super) fn would_grow(&self, item: &Value) -> bool {
        match self {
            Self::Exact(items) => items.len() < EXACT_DISTINCT_ITEMS && !items.contains(item),
            Self::Estimated(_) => false,
        }
    }

    /// Takes an item in. Gives the bytes that the state grew by, which are fewer than none when the items give way to an
    /// estimate.
    pub(super) fn add(&mut self, item: &Value) -> isize {
        match self {
            Self::Exact(items) => {
                if items.contains(item) {
                    return 0;
                }
                if items.len() < EXACT_DISTINCT_ITEMS {
                    items.insert(item.clone());
                    return (ENTRY_BYTES + item.size()) as isize;
                }
                // the precision is within 4..=18, so that there is always an estimator
                if let Ok(mut estimator) = HyperLogLogPlus::new(HYPERLOGLOG_PRECISION, FixedHasher::default()) {
                    let freed: usize = items.iter().map(|item| ENTRY_BYTES + item.size()).sum();
                    items.iter().for_each(|item| estimator.insert(item));
                    estimator.insert(item);
                    *self = Self::Estimated(Box::new(estimator));
                    return ESTIMATOR_BYTES as isize - freed as isize;
                }
                0
            }
            Self::Estimated(estimator) => {
                estimator.insert(item);
                0
            }
        }
    }

    pub(super) fn count(&mut self) -> i64 {
        match self {
            Self::Exact(items) => items.len() as i64,
            Self::Estimated(estimator) => estimator.count().round() as i64,
        }
    }
}

/// One open window of one pump.
#[derive(Debug)]
pub(super) enum Window {
    Groups(IndexMap<Box<[Value]>, Box<[Accumulator]>>),
    Distinct(DistinctItems),
    Items(IndexMap<Value, i64>),
}

impl Window {
    /// How many groups or items it holds one by one.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Groups(groups) => groups.len(),
            Self::Distinct(_) => 0,
            Self::Items(items) => items.len(),
        }
    }
}

/// The `k` most frequent items, the most frequent first; of equally frequent ones the lesser first, so that the answer
/// does not depend on the order of arrival.
pub(super) fn top_items(items: IndexMap<Value, i64>, k: usize) -> Vec<(Value, i64)> {
    let mut items: Vec<(Value, i64)> = items.into_iter().collect();
    items.sort_unstable_by(|(left, left_count), (right, right_count)| {
        right_count.cmp(left_count).then_with(|| compare(left, right).unwrap_or(std::cmp::Ordering::Equal))
    });
    items.truncate(k);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_items_are_exact_to_ten_thousand_and_close_above() {
        let mut items = DistinctItems::new();
        for number in 0..10_000 {
            items.add(&Value::text(&format!("page {number}")));
            items.add(&Value::text(&format!("page {}", number / 2)));
        }
        assert_eq!(items.count(), 10_000);
        for number in 10_000..100_000 {
            items.add(&Value::text(&format!("page {number}")));
        }
        let estimate = items.count();
        assert_ne!(estimate, 10_000);
        assert!((97_000..=103_000).contains(&estimate), "{estimate}");
    }

    #[test]
    fn equally_frequent_items_come_in_their_own_order() {
        let items = [("b", 2), ("c", 5), ("a", 2), ("d", 1)];
        let items = items.into_iter().map(|(item, count)| (Value::text(item), count)).collect();
        let top = top_items(items, 3);
        let names: Vec<String> = top.iter().map(|(item, count)| format!("{item}={count}")).collect();
        assert_eq!(names, ["c=5", "a=2", "b=2"]);
    }
}
