//! SQL types and values, and how a value goes from one type to another.

use std::fmt;
use std::hash::{Hash, Hasher};

use compact_str::CompactString;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use sqlparser::ast::{CharacterLength, DataType, ExactNumberInfo, TimezoneInfo};
use sqlparser::parser::Parser;
use time::format_description::BorrowedFormatItem;
use time::macros::{date, format_description};
use time::{Date, OffsetDateTime, PrimitiveDateTime};

use super::error::EvaluationError;
use super::parse::StreamingDialect;

/// The longest text a column may be declared for, in characters.
const MAX_TEXT: u64 = 65_535;
/// The most digits of a `DECIMAL`, as the service's SQL reference has it.
const MAX_DECIMAL_PRECISION: u64 = 18;
/// The longest name of a type, as the service's `RecordColumnSqlType`.
const MAX_TYPE_BYTES: usize = 100;
const EPOCH: Date = date!(1970 - 01 - 01);
const TIMESTAMP_FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3]");
const TIMESTAMP_INPUT: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[year]-[month]-[day][first [ ][T]][hour]:[minute]:[second][optional [.[subsecond]]][optional [Z]]"
);
const DATE_FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// The type of a column or of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlType {
    Boolean,
    TinyInt,
    SmallInt,
    Integer,
    BigInt,
    /// At most 18 digits, `scale` of them after the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    Real,
    Double,
    /// Text of at most so many characters; longer text is cut.
    Varchar(u32),
    /// As [`SqlType::Varchar`]: the sandbox does not pad.
    Char(u32),
    Timestamp,
    Date,
    /// A length of time, from an `INTERVAL` literal.
    Interval,
    /// The type of a bare `NULL`.
    Null,
}

/// A value of one column. Timestamps are milliseconds since the epoch, dates days since it, intervals milliseconds.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    Double(f64),
    Text(CompactString),
    Timestamp(i64),
    Date(i32),
    Interval(i64),
}

/// A row of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When the row entered the first in-application stream, milliseconds since the epoch.
    pub rowtime: i64,
    /// When the delivery stream accepted the record, milliseconds since the epoch.
    pub arrival: i64,
    /// One value for each column of the stream.
    pub values: Box<[Value]>,
}

impl SqlType {
    /// Reads a type such as `VARCHAR(16)`, as `RecordColumn.SqlType` has it.
    ///
    /// # Errors
    /// A sentence that names the type.
    pub fn parse(text: &str) -> Result<Self, String> {
        let dialect = StreamingDialect;
        let unreadable = |error: String| format!("{text:?} is not a SQL type: {error}");
        if text.len() > MAX_TYPE_BYTES {
            return Err(format!("a SQL type has at most {MAX_TYPE_BYTES} characters"));
        }
        let parser = Parser::new(&dialect).with_recursion_limit(8);
        let mut parser = parser.try_with_sql(text).map_err(|error| unreadable(error.to_string()))?;
        let data_type = parser.parse_data_type().map_err(|error| unreadable(error.to_string()))?;
        if parser.peek_token_ref().token != sqlparser::tokenizer::Token::EOF {
            return Err(unreadable("there is more text after it".to_owned()));
        }
        Self::from_ast(&data_type)
    }

    /// # Errors
    /// A sentence that names the type and says which ones there are.
    pub(super) fn from_ast(data_type: &DataType) -> Result<Self, String> {
        Ok(match data_type {
            DataType::Boolean | DataType::Bool => Self::Boolean,
            DataType::TinyInt(None) => Self::TinyInt,
            DataType::SmallInt(None) => Self::SmallInt,
            DataType::Int(None) | DataType::Integer(None) => Self::Integer,
            DataType::BigInt(None) => Self::BigInt,
            DataType::Decimal(info) | DataType::Numeric(info) | DataType::Dec(info) => decimal(*info)?,
            DataType::Real => Self::Real,
            DataType::Double(ExactNumberInfo::None) | DataType::DoublePrecision | DataType::Float(_) => Self::Double,
            DataType::Varchar(length) | DataType::CharVarying(length) | DataType::CharacterVarying(length) => {
                Self::Varchar(text_length(*length, None)?)
            }
            DataType::Char(length) | DataType::Character(length) => Self::Char(text_length(*length, Some(1))?),
            DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => Self::Timestamp,
            DataType::Date => Self::Date,
            other => {
                return Err(format!(
                    "the sandbox has no type {other}; it has VARCHAR(n), CHAR(n), BOOLEAN, TINYINT, SMALLINT, INTEGER, \
                     BIGINT, DECIMAL(p,s), REAL, DOUBLE, TIMESTAMP and DATE"
                ));
            }
        })
    }

    pub(super) fn is_integer(self) -> bool {
        matches!(self, Self::TinyInt | Self::SmallInt | Self::Integer | Self::BigInt)
    }

    pub(super) fn is_numeric(self) -> bool {
        self.is_integer() || matches!(self, Self::Decimal { .. } | Self::Real | Self::Double)
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Varchar(_) | Self::Char(_))
    }

    /// Whether values of the two types can be compared, and chosen between by `CASE` and `COALESCE`.
    pub(super) fn matches(self, other: Self) -> bool {
        self == Self::Null
            || other == Self::Null
            || self == other
            || (self.is_numeric() && other.is_numeric())
            || (self.is_text() && other.is_text())
            || matches!((self, other), (Self::Timestamp, Self::Date) | (Self::Date, Self::Timestamp))
    }

    /// The type that holds the values of both; the two must [match](Self::matches).
    pub(super) fn common(self, other: Self) -> Self {
        match (self, other) {
            (Self::Null, any) | (any, Self::Null) => any,
            (left, right) if left == right => left,
            (Self::Double | Self::Real, _) | (_, Self::Double | Self::Real) => Self::Double,
            (Self::Decimal { scale: left, .. }, Self::Decimal { scale: right, .. }) => {
                Self::Decimal { precision: MAX_DECIMAL_PRECISION as u8, scale: left.max(right) }
            }
            (Self::Decimal { scale, .. }, _) | (_, Self::Decimal { scale, .. }) => {
                Self::Decimal { precision: MAX_DECIMAL_PRECISION as u8, scale }
            }
            (left, right) if left.is_integer() && right.is_integer() => {
                if left.integer_rank() >= right.integer_rank() {
                    left
                } else {
                    right
                }
            }
            (Self::Varchar(left) | Self::Char(left), Self::Varchar(right) | Self::Char(right)) => {
                Self::Varchar(left.max(right))
            }
            (Self::Timestamp | Self::Date, _) => Self::Timestamp,
            (left, _) => left,
        }
    }

    fn integer_rank(self) -> u8 {
        match self {
            Self::TinyInt => 0,
            Self::SmallInt => 1,
            Self::Integer => 2,
            _ => 3,
        }
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => formatter.write_str("BOOLEAN"),
            Self::TinyInt => formatter.write_str("TINYINT"),
            Self::SmallInt => formatter.write_str("SMALLINT"),
            Self::Integer => formatter.write_str("INTEGER"),
            Self::BigInt => formatter.write_str("BIGINT"),
            Self::Decimal { precision, scale } => write!(formatter, "DECIMAL({precision},{scale})"),
            Self::Real => formatter.write_str("REAL"),
            Self::Double => formatter.write_str("DOUBLE"),
            Self::Varchar(length) => write!(formatter, "VARCHAR({length})"),
            Self::Char(length) => write!(formatter, "CHAR({length})"),
            Self::Timestamp => formatter.write_str("TIMESTAMP"),
            Self::Date => formatter.write_str("DATE"),
            Self::Interval => formatter.write_str("INTERVAL"),
            Self::Null => formatter.write_str("NULL"),
        }
    }
}

fn decimal(info: ExactNumberInfo) -> Result<SqlType, String> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (MAX_DECIMAL_PRECISION, 0),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale.max(-1) as u64),
    };
    if (1..=MAX_DECIMAL_PRECISION).contains(&precision) && scale <= precision {
        Ok(SqlType::Decimal { precision: precision as u8, scale: scale as u8 })
    } else {
        Err(format!("a DECIMAL has 1 to {MAX_DECIMAL_PRECISION} digits and no more digits after the point than in all"))
    }
}

fn text_length(length: Option<CharacterLength>, default: Option<u64>) -> Result<u32, String> {
    let length = match length {
        Some(CharacterLength::IntegerLength { length, unit: _ }) => Some(length),
        Some(CharacterLength::Max) => None,
        None => default,
    };
    match length {
        Some(length @ 1..=MAX_TEXT) => Ok(length as u32),
        Some(_) => Err(format!("a text column holds 1 to {MAX_TEXT} characters")),
        None => Err("give the greatest length in characters, such as VARCHAR(512)".to_owned()),
    }
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(CompactString::new(text))
    }

    /// About how many bytes the value takes on the heap and off it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => 32 + text.len(),
            _ => 32,
        }
    }

    /// The number as a double, for arithmetic that mixes types.
    pub(super) fn as_double(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Decimal(number) => number.to_f64(),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Integer(number) => Some(Decimal::from(*number)),
            Self::Decimal(number) => Some(*number),
            Self::Double(number) => Decimal::from_f64(*number),
            _ => None,
        }
    }

    /// Fits the value into a column, as `INSERT` does: text is cut, numbers must be in range.
    ///
    /// # Errors
    /// [`EvaluationError::OutOfRange`].
    pub fn assign(self, sql_type: SqlType) -> Result<Self, EvaluationError> {
        match (self, sql_type) {
            (Self::Null, _) => Ok(Self::Null),
            (Self::Text(text), SqlType::Varchar(length) | SqlType::Char(length)) => Ok(Self::Text(cut(text, length))),
            (Self::Timestamp(millis), SqlType::Date) => Ok(Self::Date(millis.div_euclid(86_400_000) as i32)),
            (Self::Date(days), SqlType::Timestamp) => Ok(Self::Timestamp(i64::from(days) * 86_400_000)),
            (value @ (Self::Integer(_) | Self::Decimal(_) | Self::Double(_)), sql_type) if sql_type.is_numeric() => {
                number(&value, sql_type)
            }
            (value, _) => Ok(value),
        }
    }

    /// `CAST(value AS type)`.
    ///
    /// # Errors
    /// [`EvaluationError::Cast`] for text that is no such value, [`EvaluationError::OutOfRange`].
    pub fn cast(self, sql_type: SqlType) -> Result<Self, EvaluationError> {
        match (self, sql_type) {
            (Self::Text(text), sql_type) if !sql_type.is_text() => parse_value(&text, sql_type),
            (Self::Null, _) => Ok(Self::Null),
            (value, SqlType::Varchar(length) | SqlType::Char(length)) => {
                let text = match value {
                    Self::Text(text) => text,
                    other => CompactString::from(other.to_string()),
                };
                Ok(Self::Text(cut(text, length)))
            }
            (value, sql_type) => value.assign(sql_type),
        }
    }
}

/// Reads a value from text, as `CAST` and the input schema do. Space around it does not matter.
///
/// # Errors
/// [`EvaluationError::Cast`], [`EvaluationError::OutOfRange`].
pub(crate) fn parse_value(text: &str, sql_type: SqlType) -> Result<Value, EvaluationError> {
    let trimmed = text.trim();
    let unreadable = || EvaluationError::Cast {
        value: trimmed.chars().take(100).collect::<String>(),
        sql_type: sql_type.to_string(),
    };
    match sql_type {
        SqlType::Varchar(length) | SqlType::Char(length) => Ok(Value::Text(cut(CompactString::new(text), length))),
        SqlType::Boolean => match trimmed {
            _ if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
            _ if trimmed.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
            _ => Err(unreadable()),
        },
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Integer | SqlType::BigInt => match trimmed.parse::<i64>() {
            Ok(integer) => number(&Value::Integer(integer), sql_type),
            // "1e3", "2.0" and numbers beyond 64 bits
            Err(_) => match trimmed.parse::<Decimal>() {
                Ok(decimal) => number(&Value::Decimal(decimal), sql_type),
                Err(_) => Err(unreadable()),
            },
        },
        SqlType::Decimal { .. } => {
            let decimal = trimmed.parse::<Decimal>().or_else(|_| Decimal::from_scientific(trimmed));
            number(&Value::Decimal(decimal.map_err(|_| unreadable())?), sql_type)
        }
        SqlType::Real | SqlType::Double => match trimmed.parse::<f64>() {
            Ok(double) if double.is_finite() => number(&Value::Double(double), sql_type),
            _ => Err(unreadable()),
        },
        SqlType::Timestamp => match PrimitiveDateTime::parse(trimmed, TIMESTAMP_INPUT) {
            Ok(timestamp) => Ok(Value::Timestamp((timestamp.assume_utc().unix_timestamp_nanos() / 1_000_000) as i64)),
            Err(_) => match Date::parse(trimmed, DATE_FORMAT) {
                Ok(date) => Ok(Value::Timestamp((date - EPOCH).whole_milliseconds() as i64)),
                Err(_) => Err(unreadable()),
            },
        },
        SqlType::Date => match Date::parse(trimmed, DATE_FORMAT) {
            Ok(date) => Ok(Value::Date((date - EPOCH).whole_days() as i32)),
            Err(_) => Err(unreadable()),
        },
        SqlType::Interval | SqlType::Null => Err(unreadable()),
    }
}

fn number(value: &Value, sql_type: SqlType) -> Result<Value, EvaluationError> {
    let out_of_range = || EvaluationError::OutOfRange { value: value.to_string(), sql_type: sql_type.to_string() };
    match sql_type {
        SqlType::Real => match value.as_double() {
            Some(double) if double.abs() <= f64::from(f32::MAX) => Ok(Value::Double(f64::from(double as f32))),
            _ => Err(out_of_range()),
        },
        SqlType::Double => {
            value.as_double().filter(|double| double.is_finite()).map(Value::Double).ok_or_else(out_of_range)
        }
        SqlType::Decimal { precision, scale } => {
            let mut decimal = value.as_decimal().ok_or_else(out_of_range)?;
            if decimal.scale() > u32::from(scale) {
                decimal = decimal.round_dp(u32::from(scale));
            }
            let bound = Decimal::from(10_i64.pow(u32::from(precision - scale)));
            if decimal.abs() < bound { Ok(Value::Decimal(decimal)) } else { Err(out_of_range()) }
        }
        _ => {
            let integer = match value {
                Value::Integer(integer) => Some(*integer),
                Value::Decimal(decimal) => decimal.trunc().to_i64(),
                // the cast saturates, so that a double beyond 64 bits must be caught before it
                Value::Double(double) if double.abs() < 9.2e18 => Some(double.trunc() as i64),
                _ => None,
            };
            let bits = match sql_type {
                SqlType::TinyInt => 8,
                SqlType::SmallInt => 16,
                SqlType::Integer => 32,
                _ => 64,
            };
            let smallest = i64::MIN >> (64 - bits);
            let greatest = i64::MAX >> (64 - bits);
            integer
                .filter(|integer| (smallest..=greatest).contains(integer))
                .map(Value::Integer)
                .ok_or_else(out_of_range)
        }
    }
}

fn cut(mut text: CompactString, length: u32) -> CompactString {
    let length = length as usize;
    if text.len() > length
        && let Some((end, _)) = text.char_indices().nth(length)
    {
        text.truncate(end);
    }
    text
}

/// `2026-11-24 19:00:00.000`, UTC.
pub fn format_timestamp(millis: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|timestamp| timestamp.format(TIMESTAMP_FORMAT).ok())
        .unwrap_or_else(|| millis.to_string())
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Boolean(value) => formatter.write_str(if *value { "TRUE" } else { "FALSE" }),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Decimal(number) => write!(formatter, "{number}"),
            Self::Double(number) => write!(formatter, "{number:?}"),
            Self::Text(text) => formatter.write_str(text),
            Self::Timestamp(millis) => formatter.write_str(&format_timestamp(*millis)),
            Self::Date(days) => {
                let date = EPOCH.checked_add(time::Duration::days(i64::from(*days)));
                match date.and_then(|date| date.format(DATE_FORMAT).ok()) {
                    Some(date) => formatter.write_str(&date),
                    None => write!(formatter, "{days}"),
                }
            }
            Self::Interval(millis) => write!(formatter, "{millis} ms"),
        }
    }
}

/// Equality as `GROUP BY` and `DISTINCT` have it: NULL equals NULL.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(left), Self::Boolean(right)) => left == right,
            (Self::Integer(left), Self::Integer(right))
            | (Self::Timestamp(left), Self::Timestamp(right))
            | (Self::Interval(left), Self::Interval(right)) => left == right,
            (Self::Decimal(left), Self::Decimal(right)) => left == right,
            (Self::Double(left), Self::Double(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Date(left), Self::Date(right)) => left == right,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Null => state.write_u8(0),
            Self::Boolean(value) => state.write_u8(1 + u8::from(*value)),
            Self::Integer(number) | Self::Timestamp(number) | Self::Interval(number) => state.write_i64(*number),
            Self::Decimal(number) => number.hash(state),
            // 0.0 and -0.0 are equal and must hash alike; NaN never becomes a value
            Self::Double(number) => state.write_u64(if *number == 0.0 { 0 } else { number.to_bits() }),
            Self::Text(text) => text.as_str().hash(state),
            Self::Date(days) => state.write_i32(*days),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_the_input_schema_writes_them() {
        assert_eq!(SqlType::parse("VARCHAR(16)"), Ok(SqlType::Varchar(16)));
        assert_eq!(SqlType::parse("integer"), Ok(SqlType::Integer));
        assert_eq!(SqlType::parse("DECIMAL(5,2)"), Ok(SqlType::Decimal { precision: 5, scale: 2 }));
        assert_eq!(SqlType::parse("DOUBLE"), Ok(SqlType::Double));
        for wrong in ["", "VARCHAR", "VARCHAR(0)", "DECIMAL(19,0)", "DECIMAL(3,4)", "JSON", "INTEGER INTEGER"] {
            assert!(SqlType::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_is_cut_at_a_character_and_numbers_must_fit() {
        let cut = Value::text("Zürich").assign(SqlType::Varchar(2));
        assert_eq!(cut, Ok(Value::text("Zü")));
        assert_eq!(Value::Integer(127).assign(SqlType::TinyInt), Ok(Value::Integer(127)));
        assert_eq!(Value::Integer(128).assign(SqlType::TinyInt).unwrap_err().name(), "Numeric overflow");
        assert_eq!(Value::Integer(-32_769).assign(SqlType::SmallInt).unwrap_err().name(), "Numeric overflow");
        assert!(Value::Integer(i64::MIN).assign(SqlType::BigInt).is_ok());
        assert!(Value::Double(1e19).assign(SqlType::BigInt).is_err());
        assert!(Value::Double(1e39).assign(SqlType::Real).is_err());
        let decimal = SqlType::Decimal { precision: 4, scale: 2 };
        assert_eq!(Value::Double(12.345).assign(decimal).map(|value| value.to_string()), Ok("12.34".to_owned()));
        assert!(Value::Integer(100).assign(decimal).is_err());
    }

    #[test]
    fn text_is_read_as_values() {
        assert_eq!(parse_value(" 42 ", SqlType::Integer), Ok(Value::Integer(42)));
        assert_eq!(parse_value("2.0", SqlType::Integer), Ok(Value::Integer(2)));
        assert_eq!(parse_value("forty", SqlType::Integer).unwrap_err().name(), "Coercion");
        assert_eq!(parse_value("NaN", SqlType::Double).unwrap_err().name(), "Coercion");
        assert_eq!(parse_value("True", SqlType::Boolean), Ok(Value::Boolean(true)));
        let moment = parse_value("2026-11-24 19:00:00.5", SqlType::Timestamp).unwrap();
        assert_eq!(moment.to_string(), "2026-11-24 19:00:00.500");
        assert_eq!(
            parse_value("2026-11-24T19:00:00Z", SqlType::Timestamp).unwrap().to_string(),
            "2026-11-24 19:00:00.000"
        );
        assert_eq!(parse_value("2026-11-24", SqlType::Date).unwrap().to_string(), "2026-11-24");
    }
}
