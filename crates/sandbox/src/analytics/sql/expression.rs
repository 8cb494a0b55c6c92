//! Expressions, resolved and typed, and what they come to for one row.

use std::cmp::Ordering;

use super::error::EvaluationError;
use super::functions::{Function, call, like};
use super::types::{SqlType, Value};

/// An expression whose names are positions and whose types were checked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Literal(Value),
    /// A column of the stream that the query reads.
    Column(usize),
    /// The row's ROWTIME.
    Rowtime,
    /// The row's `APPROXIMATE_ARRIVAL_TIME`.
    Arrival,
    /// Start of the window, in a grouped query.
    WindowStart(i64),
    /// A GROUP BY expression, in a grouped query.
    Key(usize),
    /// An aggregate, in a grouped query.
    Aggregate(usize),
    Negate(Box<Self>),
    Arithmetic(Operator, Box<Self>, Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    IsNull(Box<Self>),
    /// `IS TRUE`, `IS FALSE`
    Is(bool, Box<Self>),
    In(Box<Self>, Vec<Self>),
    Like(Box<Self>, Box<Self>, Option<char>),
    Case(Vec<(Self, Self)>, Option<Box<Self>>),
    Cast(Box<Self>, SqlType),
    /// `STEP(time BY interval)` and `FLOOR(time TO unit)`: rounds down to a multiple of so many milliseconds since the epoch.
    Step(Box<Self>, i64),
    Call(Function, Vec<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What an expression may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub values: &'a [Value],
    pub rowtime: i64,
    pub arrival: i64,
    pub keys: &'a [Value],
    pub aggregates: &'a [Value],
}

impl Expression {
    /// The value for one row.
    pub(super) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluationError> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Column(index) => scope.values[*index].clone(),
            Self::Rowtime => Value::Timestamp(scope.rowtime),
            Self::Arrival => Value::Timestamp(scope.arrival),
            Self::WindowStart(size) => Value::Timestamp(scope.rowtime - size),
            Self::Key(index) => scope.keys[*index].clone(),
            Self::Aggregate(index) => scope.aggregates[*index].clone(),
            Self::Negate(inner) => negate(inner.evaluate(scope)?)?,
            Self::Arithmetic(operator, left, right) => {
                arithmetic(*operator, &left.evaluate(scope)?, &right.evaluate(scope)?)?
            }
            Self::Compare(comparison, left, right) => match compare(&left.evaluate(scope)?, &right.evaluate(scope)?) {
                Some(ordering) => Value::Boolean(comparison.holds(ordering)),
                None => Value::Null,
            },
            Self::And(left, right) => match left.evaluate(scope)? {
                Value::Boolean(false) => Value::Boolean(false),
                left => match (left, right.evaluate(scope)?) {
                    (_, Value::Boolean(false)) => Value::Boolean(false),
                    (Value::Boolean(true), Value::Boolean(true)) => Value::Boolean(true),
                    _ => Value::Null,
                },
            },
            Self::Or(left, right) => match left.evaluate(scope)? {
                Value::Boolean(true) => Value::Boolean(true),
                left => match (left, right.evaluate(scope)?) {
                    (_, Value::Boolean(true)) => Value::Boolean(true),
                    (Value::Boolean(false), Value::Boolean(false)) => Value::Boolean(false),
                    _ => Value::Null,
                },
            },
            Self::Not(inner) => match inner.evaluate(scope)? {
                Value::Boolean(value) => Value::Boolean(!value),
                _ => Value::Null,
            },
            Self::IsNull(inner) => Value::Boolean(matches!(inner.evaluate(scope)?, Value::Null)),
            Self::Is(wanted, inner) => Value::Boolean(inner.evaluate(scope)? == Value::Boolean(*wanted)),
            Self::In(inner, list) => {
                let value = inner.evaluate(scope)?;
                let mut unknown = false;
                for candidate in list {
                    match compare(&value, &candidate.evaluate(scope)?) {
                        Some(Ordering::Equal) => return Ok(Value::Boolean(true)),
                        Some(_) => {}
                        None => unknown = true,
                    }
                }
                if unknown { Value::Null } else { Value::Boolean(false) }
            }
            Self::Like(inner, pattern, escape) => match (inner.evaluate(scope)?, pattern.evaluate(scope)?) {
                (Value::Text(text), Value::Text(pattern)) => Value::Boolean(like(&text, &pattern, *escape)?),
                _ => Value::Null,
            },
            Self::Case(branches, otherwise) => {
                for (condition, result) in branches {
                    if condition.evaluate(scope)? == Value::Boolean(true) {
                        return result.evaluate(scope);
                    }
                }
                match otherwise {
                    Some(otherwise) => otherwise.evaluate(scope)?,
                    None => Value::Null,
                }
            }
            Self::Cast(inner, sql_type) => inner.evaluate(scope)?.cast(*sql_type)?,
            Self::Step(inner, size) => match inner.evaluate(scope)? {
                Value::Timestamp(millis) => Value::Timestamp(floor_to(millis, *size)),
                Value::Date(days) => Value::Timestamp(floor_to(i64::from(days) * 86_400_000, *size)),
                _ => Value::Null,
            },
            Self::Call(function, arguments) => {
                // COALESCE must not evaluate what it does not choose: a later argument may divide by zero
                if *function == Function::Coalesce {
                    for argument in arguments {
                        let value = argument.evaluate(scope)?;
                        if !matches!(value, Value::Null) {
                            return Ok(value);
                        }
                    }
                    return Ok(Value::Null);
                }
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(argument.evaluate(scope)?);
                }
                call(*function, &values)?
            }
        })
    }

    /// Whether a WHERE or HAVING condition lets the row pass: unknown does not.
    pub(super) fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
        Ok(self.evaluate(scope)? == Value::Boolean(true))
    }

    /// The expressions that this one is made of.
    pub(super) fn children_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Literal(_)
            | Self::Column(_)
            | Self::Rowtime
            | Self::Arrival
            | Self::WindowStart(_)
            | Self::Key(_)
            | Self::Aggregate(_) => Vec::new(),
            Self::Negate(inner)
            | Self::Not(inner)
            | Self::IsNull(inner)
            | Self::Is(_, inner)
            | Self::Cast(inner, _)
            | Self::Step(inner, _) => vec![inner],
            Self::Arithmetic(_, left, right)
            | Self::Compare(_, left, right)
            | Self::And(left, right)
            | Self::Or(left, right)
            | Self::Like(left, right, _) => vec![left, right],
            Self::In(inner, list) => std::iter::once(&mut **inner).chain(list).collect(),
            Self::Case(branches, otherwise) => branches
                .iter_mut()
                .flat_map(|(condition, result)| [condition, result])
                .chain(otherwise.as_deref_mut())
                .collect(),
            Self::Call(_, arguments) => arguments.iter_mut().collect(),
        }
    }
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// The greatest multiple of `size` that is not after `millis`.
pub(super) fn floor_to(millis: i64, size: i64) -> i64 {
    millis.saturating_sub(millis.rem_euclid(size))
}

/// Compares two values; nothing when one is NULL.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right))
        | (Value::Timestamp(left), Value::Timestamp(right))
        | (Value::Interval(left), Value::Interval(right)) => Some(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Some(left.as_str().cmp(right.as_str())),
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::Timestamp(left), Value::Date(right)) => Some(left.cmp(&(i64::from(*right) * 86_400_000))),
        (Value::Date(left), Value::Timestamp(right)) => Some((i64::from(*left) * 86_400_000).cmp(right)),
        (Value::Double(_), _) | (_, Value::Double(_)) => left.as_double()?.partial_cmp(&right.as_double()?),
        _ => Some(left.as_decimal()?.cmp(&right.as_decimal()?)),
    }
}

/// Adds, subtracts, multiplies or divides; NULL when one of the values is.
pub(super) fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Result<Value, EvaluationError> {
    let result = match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Ok(Value::Null),
        (Value::Integer(left), Value::Integer(right)) => {
            integer_arithmetic(operator, *left, *right)?.map(Value::Integer)
        }
        (Value::Timestamp(millis), Value::Interval(interval))
        | (Value::Interval(interval), Value::Timestamp(millis)) => match operator {
            Operator::Add => millis.checked_add(*interval),
            _ => millis.checked_sub(*interval),
        }
        .map(Value::Timestamp),
        (Value::Date(days), Value::Interval(interval)) | (Value::Interval(interval), Value::Date(days)) => {
            let millis = i64::from(*days) * 86_400_000;
            match operator {
                Operator::Add => millis.checked_add(*interval),
                _ => millis.checked_sub(*interval),
            }
            .map(Value::Timestamp)
        }
        (Value::Interval(interval), Value::Integer(factor)) | (Value::Integer(factor), Value::Interval(interval)) => {
            integer_arithmetic(operator, *interval, *factor)?.map(Value::Interval)
        }
        (Value::Interval(left), Value::Interval(right)) => {
            integer_arithmetic(operator, *left, *right)?.map(Value::Interval)
        }
        (Value::Double(_), _) | (_, Value::Double(_)) => match (left.as_double(), right.as_double()) {
            (Some(_), Some(0.0)) if matches!(operator, Operator::Divide | Operator::Modulo) => {
                return Err(EvaluationError::DivisionByZero);
            }
            (Some(left), Some(right)) => Some(match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
                Operator::Modulo => left % right,
            })
            .filter(|double| double.is_finite())
            .map(Value::Double),
            _ => None,
        },
        _ => match (left.as_decimal(), right.as_decimal()) {
            (Some(_), Some(right)) if right.is_zero() && matches!(operator, Operator::Divide | Operator::Modulo) => {
                return Err(EvaluationError::DivisionByZero);
            }
            (Some(left), Some(right)) => match operator {
                Operator::Add => left.checked_add(right),
                Operator::Subtract => left.checked_sub(right),
                Operator::Multiply => left.checked_mul(right),
                Operator::Divide => left.checked_div(right),
                Operator::Modulo => left.checked_rem(right),
            }
            .map(Value::Decimal),
            _ => None,
        },
    };
    result.ok_or_else(|| EvaluationError::OutOfRange {
        value: format!("{left} {} {right}", operator.symbol()),
        sql_type: if matches!(left, Value::Integer(_)) { "BIGINT" } else { "its type" }.to_owned(),
    })
}

impl Operator {
    pub(super) fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
            Self::Modulo => '%',
        }
    }
}

fn integer_arithmetic(operator: Operator, left: i64, right: i64) -> Result<Option<i64>, EvaluationError> {
    Ok(match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide | Operator::Modulo if right == 0 => return Err(EvaluationError::DivisionByZero),
        Operator::Divide => left.checked_div(right),
        Operator::Modulo => left.checked_rem(right),
    })
}

fn negate(value: Value) -> Result<Value, EvaluationError> {
    match value {
        Value::Decimal(number) => Ok(Value::Decimal(-number)),
        Value::Double(number) => Ok(Value::Double(-number)),
        value @ Value::Interval(_) => arithmetic(Operator::Multiply, &value, &Value::Integer(-1)),
        value => arithmetic(Operator::Subtract, &Value::Integer(0), &value),
    }
}
