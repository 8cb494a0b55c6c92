//! The functions of one row's values.

use compact_str::{CompactString, ToCompactString};
use rust_decimal::prelude::{RoundingStrategy, ToPrimitive};
use time::OffsetDateTime;

use super::error::EvaluationError;
use super::types::{SqlType, Value};

/// The longest text that a function may make, in bytes.
const MAX_TEXT_BYTES: usize = 65_536;

/// The longest pattern of LIKE, in characters.
pub(super) const MAX_PATTERN: usize = 512;

/// A function of values. Each gives NULL when an argument is NULL, but for `COALESCE` and `NULLIF`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Upper,
    Lower,
    InitCap,
    CharLength,
    Concat,
    Substring,
    Trim(Side),
    Position,
    Coalesce,
    NullIf,
    Abs,
    Ceil,
    Floor,
    Mod,
    Power,
    SquareRoot,
    Exp,
    Ln,
    Log10,
    Extract(Field),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Both,
    Leading,
    Trailing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// What arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    Text,
    Number,
    Integer,
}

impl Function {
    /// The function of an ordinary call `NAME(arguments)`, with its parameters and how many may be left out at the end.
    pub(super) fn named(name: &str) -> Option<(Self, &'static [Parameter], usize)> {
        use Parameter::{Integer, Number, Text};
        Some(match name {
            "UPPER" => (Self::Upper, &[Text], 0),
            "LOWER" => (Self::Lower, &[Text], 0),
            "INITCAP" => (Self::InitCap, &[Text], 0),
            "CHAR_LENGTH" | "CHARACTER_LENGTH" => (Self::CharLength, &[Text], 0),
            "SUBSTRING" | "SUBSTR" => (Self::Substring, &[Text, Integer, Integer], 1),
            "ABS" => (Self::Abs, &[Number], 0),
            "CEIL" | "CEILING" => (Self::Ceil, &[Number], 0),
            "FLOOR" => (Self::Floor, &[Number], 0),
            "MOD" => (Self::Mod, &[Number, Number], 0),
            "POWER" => (Self::Power, &[Number, Number], 0),
            "SQRT" => (Self::SquareRoot, &[Number], 0),
            "EXP" => (Self::Exp, &[Number], 0),
            "LN" => (Self::Ln, &[Number], 0),
            "LOG10" => (Self::Log10, &[Number], 0),
            _ => return None,
        })
    }

    /// The type of the result, from the types of the arguments.
    pub(super) fn result_type(self, arguments: &[SqlType]) -> SqlType {
        let first = arguments.first().copied().unwrap_or(SqlType::Null);
        match self {
            Self::Upper | Self::Lower | Self::InitCap | Self::Substring | Self::Trim(_) | Self::NullIf | Self::Abs => {
                first
            }
            Self::Concat => SqlType::Varchar(MAX_TEXT_BYTES as u32 - 1),
            Self::CharLength | Self::Position => SqlType::Integer,
            Self::Extract(_) => SqlType::BigInt,
            Self::Coalesce => arguments.iter().fold(SqlType::Null, |all, one| all.common(*one)),
            Self::Mod => arguments.iter().fold(SqlType::Null, |all, one| all.common(*one)),
            Self::Ceil | Self::Floor => match first {
                SqlType::Decimal { precision, .. } => SqlType::Decimal { precision, scale: 0 },
                other => other,
            },
            Self::Power | Self::SquareRoot | Self::Exp | Self::Ln | Self::Log10 => SqlType::Double,
        }
    }
}

/// Calls a function. The types of the arguments were checked.
pub(super) fn call(function: Function, arguments: &[Value]) -> Result<Value, EvaluationError> {
    if function == Function::NullIf {
        let equal = super::expression::compare(&arguments[0], &arguments[1]).is_some_and(std::cmp::Ordering::is_eq);
        return Ok(if equal { Value::Null } else { arguments[0].clone() });
    }
    if arguments.iter().any(|argument| matches!(argument, Value::Null)) {
        return Ok(Value::Null);
    }
    match (function, arguments) {
        (Function::Upper, [Value::Text(text)]) => bounded(text.to_uppercase()),
        (Function::Lower, [Value::Text(text)]) => bounded(text.to_lowercase()),
        (Function::InitCap, [Value::Text(text)]) => bounded(init_cap(text)),
        (Function::CharLength, [Value::Text(text)]) => Ok(Value::Integer(text.chars().count() as i64)),
        (Function::Concat, [Value::Text(left), Value::Text(right)]) => {
            if left.len() + right.len() > MAX_TEXT_BYTES {
                return Err(EvaluationError::TooWide { limit: MAX_TEXT_BYTES });
            }
            let mut text = left.clone();
            text.push_str(right);
            Ok(Value::Text(text))
        }
        (Function::Substring, [Value::Text(text), Value::Integer(from), rest @ ..]) => {
            let length = match rest {
                [Value::Integer(length)] if *length < 0 => {
                    return Err(EvaluationError::Domain {
                        function: "SUBSTRING",
                        value: format!("the length {length}"),
                    });
                }
                [Value::Integer(length)] => *length,
                _ => i64::MAX,
            };
            // positions count from 1 and may lie before the text: SUBSTRING('abc' FROM 0 FOR 2) is 'a'
            let end = from.saturating_add(length).max(1);
            let start = (*from).max(1);
            let count = (end - start).max(0);
            Ok(Value::Text(text.chars().skip((start - 1) as usize).take(count as usize).collect::<CompactString>()))
        }
        (Function::Trim(side), [Value::Text(what), Value::Text(text)]) => {
            let mut characters = what.chars();
            let (Some(character), None) = (characters.next(), characters.next()) else {
                return Err(EvaluationError::Domain {
                    function: "TRIM",
                    value: format!("{what:?}, which is not one character"),
                });
            };
            Ok(Value::text(match side {
                Side::Both => text.trim_matches(character),
                Side::Leading => text.trim_start_matches(character),
                Side::Trailing => text.trim_end_matches(character),
            }))
        }
        (Function::Position, [Value::Text(what), Value::Text(text)]) => {
            Ok(Value::Integer(text.find(what.as_str()).map_or(0, |byte| text[..byte].chars().count() as i64 + 1)))
        }
        (Function::Abs, [value]) => match value {
            Value::Integer(number) => number.checked_abs().map(Value::Integer).ok_or_else(|| out_of_range(value)),
            Value::Decimal(number) => Ok(Value::Decimal(number.abs())),
            Value::Double(number) => Ok(Value::Double(number.abs())),
            _ => Ok(Value::Null),
        },
        (Function::Ceil, [value]) => Ok(match value {
            Value::Decimal(number) => Value::Decimal(number.ceil()),
            Value::Double(number) => Value::Double(number.ceil()),
            other => other.clone(),
        }),
        (Function::Floor, [value]) => Ok(match value {
            Value::Decimal(number) => Value::Decimal(number.floor()),
            Value::Double(number) => Value::Double(number.floor()),
            other => other.clone(),
        }),
        (Function::Mod, [left, right]) => {
            super::expression::arithmetic(super::expression::Operator::Modulo, left, right)
        }
        (Function::Power, [base, exponent]) => {
            let power = base.as_double().zip(exponent.as_double()).map(|(base, exponent)| base.powf(exponent));
            finite("POWER", &arguments[0], power)
        }
        (Function::SquareRoot, [value]) => finite("SQRT", value, value.as_double().map(f64::sqrt)),
        (Function::Exp, [value]) => finite("EXP", value, value.as_double().map(f64::exp)),
        (Function::Ln, [value]) => finite("LN", value, value.as_double().map(f64::ln)),
        (Function::Log10, [value]) => finite("LOG10", value, value.as_double().map(f64::log10)),
        (Function::Extract(field), [value]) => Ok(extract(field, value)),
        _ => Ok(Value::Null),
    }
}

fn bounded(text: impl Into<CompactString>) -> Result<Value, EvaluationError> {
    let text = text.into();
    if text.len() > MAX_TEXT_BYTES {
        return Err(EvaluationError::TooWide { limit: MAX_TEXT_BYTES });
    }
    Ok(Value::Text(text))
}

fn out_of_range(value: &Value) -> EvaluationError {
    EvaluationError::OutOfRange { value: value.to_string(), sql_type: "BIGINT".to_owned() }
}

fn finite(function: &'static str, argument: &Value, result: Option<f64>) -> Result<Value, EvaluationError> {
    match result {
        Some(number) if number.is_finite() => Ok(Value::Double(number)),
        _ => Err(EvaluationError::Domain { function, value: argument.to_string() }),
    }
}

fn init_cap(text: &str) -> String {
    let mut inside_word = false;
    text.chars()
        .flat_map(|character| {
            let lower = inside_word;
            inside_word = character.is_alphanumeric();
            if lower { character.to_lowercase().collect::<Vec<_>>() } else { character.to_uppercase().collect() }
        })
        .collect()
}

fn extract(field: Field, value: &Value) -> Value {
    let millis = match value {
        Value::Timestamp(millis) => *millis,
        Value::Date(days) => i64::from(*days) * 86_400_000,
        _ => return Value::Null,
    };
    let Ok(moment) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000) else {
        return Value::Null;
    };
    Value::Integer(match field {
        Field::Year => i64::from(moment.year()),
        Field::Month => i64::from(u8::from(moment.month())),
        Field::Day => i64::from(moment.day()),
        Field::Hour => i64::from(moment.hour()),
        Field::Minute => i64::from(moment.minute()),
        Field::Second => i64::from(moment.second()),
    })
}

/// SQL's LIKE: `%` stands for any text, `_` for one character. Takes time proportional to the text alone, because a pattern
/// is short.
pub(super) fn like(text: &str, pattern: &str, escape: Option<char>) -> Result<bool, EvaluationError> {
    Pattern::read(pattern, escape).map(|pattern| pattern.matches(text))
}

/// A pattern of LIKE as an automaton. In state `n` the first `n` of its characters are matched; a set of states is a row of
/// bits, so that 64 of them move at once.
struct Pattern {
    /// How many characters it has, `%` not counted.
    length: usize,
    /// The states that any character leaves as they are: those at a `%`.
    stay: Vec<u64>,
    /// The states that any character moves on from: those before a `_`.
    any: Vec<u64>,
    /// The states that this character moves on from, those of `any` included; by character.
    literals: Vec<(char, Vec<u64>)>,
}

impl Pattern {
    fn read(pattern: &str, escape: Option<char>) -> Result<Self, EvaluationError> {
        if pattern.chars().count() > MAX_PATTERN {
            let value = format!("a pattern of more than {MAX_PATTERN} characters");
            return Err(EvaluationError::Domain { function: "LIKE", value });
        }
        let words = pattern.chars().count() / 64 + 1;
        let (mut stay, mut any) = (vec![0; words], vec![0; words]);
        let mut literals: Vec<(char, Vec<u64>)> = Vec::new();
        let mut length = 0;
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            let literal = match character {
                _ if Some(character) == escape => characters.next().unwrap_or(character),
                '%' => {
                    set(&mut stay, length);
                    continue;
                }
                '_' => {
                    set(&mut any, length);
                    length += 1;
                    continue;
                }
                other => other,
            };
            let index = literals.binary_search_by_key(&literal, |(known, _)| *known).unwrap_or_else(|index| {
                literals.insert(index, (literal, vec![0; words]));
                index
            });
            set(&mut literals[index].1, length);
            length += 1;
        }
        for (_, states) in &mut literals {
            states.iter_mut().zip(&any).for_each(|(states, any)| *states |= any);
        }
        Ok(Self { length, stay, any, literals })
    }

    fn matches(&self, text: &str) -> bool {
        let mut states = vec![0_u64; self.any.len()];
        set(&mut states, 0);
        for character in text.chars() {
            if contains(&states, self.length) && contains(&self.stay, self.length) {
                // what follows is for the last %
                return true;
            }
            let moves = match self.literals.binary_search_by_key(&character, |(known, _)| *known) {
                Ok(index) => &self.literals[index].1,
                Err(_) => &self.any,
            };
            let (mut carry, mut alive) = (0, 0);
            for ((states, moves), stay) in states.iter_mut().zip(moves).zip(&self.stay) {
                let moved = *states & moves;
                *states = (moved << 1) | carry | (*states & stay);
                carry = moved >> 63;
                alive |= *states;
            }
            if alive == 0 {
                return false;
            }
        }
        contains(&states, self.length)
    }
}

fn set(states: &mut [u64], state: usize) {
    states[state / 64] |= 1 << (state % 64);
}

fn contains(states: &[u64], state: usize) -> bool {
    states[state / 64] & (1 << (state % 64)) != 0
}

/// Divides a sum by a count, for `AVG`: whole numbers stay whole, as the sum's type does.
pub(super) fn average(sum: &Value, count: i64) -> Result<Value, EvaluationError> {
    super::expression::arithmetic(super::expression::Operator::Divide, sum, &Value::Integer(count)).map(|value| {
        match value {
            // more digits than a column has would only hide the rounding
            Value::Decimal(number) => {
                Value::Decimal(number.round_dp_with_strategy(18, RoundingStrategy::MidpointNearestEven))
            }
            other => other,
        }
    })
}

/// A whole number that may exceed 64 bits while it is summed up.
pub(super) fn integer_sum(sum: i128) -> Result<Value, EvaluationError> {
    sum.to_i64().map(Value::Integer).ok_or_else(|| EvaluationError::OutOfRange {
        value: sum.to_compact_string().into(),
        sql_type: "BIGINT".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn like_matches_as_sql_has_it() {
        for (text, pattern, expected) in [
            ("other-search", "other-%", true),
            ("Main_Page", "%\\_Page", true),
            ("MainXPage", "%\\_Page", false),
            ("abc", "a_c", true),
            ("abc", "", false),
            ("", "%%", true),
            ("aXbXc", "a%b%c", true),
            ("Zürich", "Z_rich", true),
        ] {
            assert_eq!(like(text, pattern, Some('\\')), Ok(expected), "{text} LIKE {pattern}");
        }
    }

    proptest! {
        /// Compared with the definition, read straight from the pattern.
        #[test]
        fn like_agrees_with_its_definition(text in "[ab]{0,8}", pattern in "[ab%_]{0,8}") {
            fn definition(text: &[char], pattern: &[char]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some(('%', rest)) => (0..=text.len()).any(|skip| definition(&text[skip..], rest)),
                    Some(('_', rest)) => !text.is_empty() && definition(&text[1..], rest),
                    Some((literal, rest)) => text.first() == Some(literal) && definition(&text[1..], rest),
                }
            }
            let characters: Vec<char> = text.chars().collect();
            let symbols: Vec<char> = pattern.chars().collect();
            prop_assert_eq!(like(&text, &pattern, None), Ok(definition(&characters, &symbols)));
            // the same where the states take more than one word of bits
            let before = "x".repeat(61);
            let long = like(&format!("{before}{text}"), &format!("{before}{pattern}"), None);
            prop_assert_eq!(long, Ok(definition(&characters, &symbols)));
        }
    }

    /// A matcher that goes back to the last % takes 33 million steps for each of these.
    #[test]
    fn a_hostile_pattern_takes_no_longer_than_its_text() {
        let text = "a".repeat(64 * 1024);
        let pattern = format!("%{}b", "a".repeat(510));
        let start = std::time::Instant::now();
        for _ in 0..10 {
            assert_eq!(like(&text, &pattern, None), Ok(false));
        }
        let took = start.elapsed();
        assert!(took < std::time::Duration::from_secs(2), "{took:?}");
        let error = like("a", &"a".repeat(513), None).unwrap_err();
        assert_eq!(error.to_string(), "LIKE is not defined for a pattern of more than 512 characters");
    }

    #[test]
    fn substring_counts_characters_from_one() {
        let substring = |from, length: Option<i64>| {
            let mut arguments = vec![Value::text("Zürich"), Value::Integer(from)];
            arguments.extend(length.map(Value::Integer));
            call(Function::Substring, &arguments).map(|value| value.to_string())
        };
        assert_eq!(substring(2, None), Ok("ürich".to_owned()));
        assert_eq!(substring(2, Some(2)), Ok("ür".to_owned()));
        assert_eq!(substring(0, Some(2)), Ok("Z".to_owned()));
        assert_eq!(substring(9, Some(2)), Ok(String::new()));
        assert_eq!(substring(1, Some(-1)).unwrap_err().name(), "Invalid argument");
    }
}
