//! DynamoDB's number type: exact decimals of up to 38 significant digits, from 1E-130 to just below 1E+126 in magnitude.
//!
//! Source: "Naming rules and data types" and "Service quotas" in the Amazon DynamoDB Developer Guide.

use std::cmp::Ordering;
use std::fmt;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, Sign};
use thiserror::Error;

/// Significant digits that a number may have.
const PRECISION: u32 = 38;
/// The power of ten of the leading digit of the largest number.
const LARGEST_EXPONENT: i64 = 125;
/// The power of ten of the leading digit of the smallest positive number.
const SMALLEST_EXPONENT: i64 = -130;

/// An exact decimal in normal form, so that equal numbers are equal values: `1`, `1.0` and `10E-1` are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    /// The significant digits without trailing zeros; 0 for zero.
    digits: u128,
    /// The number is `digits` × 10^`exponent`.
    exponent: i16,
}

/// Why a text or a result is not a DynamoDB number, in DynamoDB's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NumberError {
    #[error("The parameter cannot be converted to a numeric value")]
    Empty,
    #[error("The parameter cannot be converted to a numeric value: {0}")]
    NotANumber(String),
    #[error("Attempting to store more than 38 significant digits in a Number")]
    Precision,
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self { negative: false, digits: 0, exponent: 0 };

    /// Reads a decimal such as `-12.50`, `.5` or `6.02E23`.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        let malformed = || NumberError::NotANumber(text.chars().take(100).collect());
        let (negative, unsigned) = match text.as_bytes()[0] {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, parse_power(power).ok_or_else(malformed)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_decimal(whole) || !is_decimal(fraction) {
            return Err(malformed());
        }
        let all = || whole.bytes().chain(fraction.bytes());
        let leading_zeros = all().take_while(|&digit| digit == b'0').count();
        let length = whole.len() + fraction.len();
        let trailing_zeros = all().rev().take_while(|&digit| digit == b'0').count();
        if leading_zeros == length {
            return Ok(Self::ZERO);
        }
        let significant = length - leading_zeros - trailing_zeros;
        let exponent = power + trailing_zeros as i64 - fraction.len() as i64;
        if significant > PRECISION as usize {
            check_range(significant as i64 + exponent - 1)?;
            return Err(NumberError::Precision);
        }
        let digits = all()
            .skip(leading_zeros)
            .take(significant)
            .fold(0_u128, |digits, digit| digits * 10 + u128::from(digit - b'0'));
        Self::checked(negative, digits, exponent)
    }

    /// The exact sum.
    pub fn add(self, other: Self) -> Result<Self, NumberError> {
        Self::from_decimal(&(self.to_decimal() + other.to_decimal()))
    }

    /// The exact difference.
    pub fn subtract(self, other: Self) -> Result<Self, NumberError> {
        Self::from_decimal(&(self.to_decimal() - other.to_decimal()))
    }

    /// Nineteen bytes that compare, byte by byte, as the numbers do.
    pub fn sort_key(self) -> [u8; 19] {
        let mut key = [0_u8; 19];
        if self.digits == 0 {
            key[0] = 1;
            return key;
        }
        key[0] = 2;
        key[1..3].copy_from_slice(&((self.leading_exponent() - SMALLEST_EXPONENT) as u16).to_be_bytes());
        key[3..].copy_from_slice(&self.aligned_digits().to_be_bytes());
        if self.negative {
            key[0] = 0;
            for byte in &mut key[1..] {
                *byte = !*byte;
            }
        }
        key
    }

    /// What the number counts towards an item's size, in bytes: one for every two significant digits and one more.
    pub fn size(self) -> usize {
        (self.digit_count() as usize).div_ceil(2) + 1 + usize::from(self.negative)
    }

    fn checked(negative: bool, digits: u128, exponent: i64) -> Result<Self, NumberError> {
        let number = Self { negative, digits, exponent: 0 };
        check_range(i64::from(number.digit_count()) + exponent - 1)?;
        Ok(Self { exponent: exponent as i16, ..number })
    }

    fn digit_count(self) -> u32 {
        self.digits.checked_ilog10().map_or(0, |power| power + 1)
    }

    /// The power of ten of the first digit.
    fn leading_exponent(self) -> i64 {
        i64::from(self.digit_count()) + i64::from(self.exponent) - 1
    }

    /// The digits filled with zeros to the full precision, which always fits 128 bits.
    fn aligned_digits(self) -> u128 {
        self.digits * 10_u128.pow(PRECISION - self.digit_count())
    }

    fn to_decimal(self) -> BigDecimal {
        let sign = if self.negative { Sign::Minus } else { Sign::Plus };
        let digits = BigInt::from_biguint(sign, self.digits.into());
        BigDecimal::new(digits, -i64::from(self.exponent))
    }

    fn from_decimal(decimal: &BigDecimal) -> Result<Self, NumberError> {
        let (digits, scale) = decimal.normalized().into_bigint_and_exponent();
        if digits.sign() == Sign::NoSign {
            return Ok(Self::ZERO);
        }
        let length = digits.magnitude().to_string().len() as i64;
        check_range(length - scale - 1)?;
        if length > i64::from(PRECISION) {
            return Err(NumberError::Precision);
        }
        let magnitude = u128::try_from(digits.magnitude()).map_err(|_| NumberError::Precision)?;
        Self::checked(digits.sign() == Sign::Minus, magnitude, -scale)
    }
}

fn check_range(leading_exponent: i64) -> Result<(), NumberError> {
    if leading_exponent > LARGEST_EXPONENT {
        Err(NumberError::Overflow)
    } else if leading_exponent < SMALLEST_EXPONENT {
        Err(NumberError::Underflow)
    } else {
        Ok(())
    }
}

/// Reads the exponent after an `E`. One too large for `i64` arithmetic is cut to a value that is out of range anyway.
fn parse_power(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000_000_000);
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// Any 64-bit count is within the precision.
impl From<u64> for Number {
    fn from(count: u64) -> Self {
        let zeros = (1..=19).take_while(|&power| count != 0 && count.is_multiple_of(10_u64.pow(power))).count() as u32;
        Self { negative: false, digits: u128::from(count / 10_u64.pow(zeros)), exponent: zeros as i16 }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Plain decimal notation without an exponent, as DynamoDB answers it.
impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            formatter.write_str("-")?;
        }
        let digits = self.digits.to_string();
        if self.exponent >= 0 {
            return write!(formatter, "{digits}{}", "0".repeat(self.exponent as usize));
        }
        let decimals = usize::from(self.exponent.unsigned_abs());
        if digits.len() > decimals {
            let (whole, fraction) = digits.split_at(digits.len() - decimals);
            write!(formatter, "{whole}.{fraction}")
        } else {
            write!(formatter, "0.{}{digits}", "0".repeat(decimals - digits.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn equal_numbers_have_one_form() {
        for (text, plain) in [
            ("1", "1"),
            ("1.0", "1"),
            ("10E-1", "1"),
            ("+007.50", "7.5"),
            ("-0.0", "0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("-12.5E-3", "-0.0125"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ] {
            assert_eq!(number(text).to_string(), plain, "{text}");
        }
    }

    #[test]
    fn the_range_is_dynamodbs() {
        assert_eq!(number("1E125").to_string().len(), 126);
        assert_eq!(number("1E-130").to_string().len(), 132);
        assert!(Number::parse("9.9999999999999999999999999999999999999E+125").is_ok());
        assert_eq!(Number::parse("1E126"), Err(NumberError::Overflow));
        assert_eq!(Number::parse("-1E99999999999999999999"), Err(NumberError::Overflow));
        assert_eq!(Number::parse("9E-131"), Err(NumberError::Underflow));
        assert_eq!(Number::parse("123456789012345678901234567890123456789"), Err(NumberError::Precision));
        assert!(Number::parse("100000000000000000000000000000000000000000").is_ok());
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["", "-", ".", "1.2.3", "0x10", "NaN", "Infinity", "1e", "1e+", " 1", "1 ", "--1", "1_000", "١"] {
            assert!(Number::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact() {
        assert_eq!(number("0.1").add(number("0.2")), Ok(number("0.3")));
        assert_eq!(number("1").subtract(number("1")), Ok(Number::ZERO));
        assert_eq!(number("1E20").add(number("1E-17")), Ok(number("100000000000000000000.00000000000000001")));
        assert_eq!(number("1E20").add(number("1E-18")), Err(NumberError::Precision));
        assert_eq!(number("9E125").add(number("9E125")), Err(NumberError::Overflow));
    }

    fn any_number() -> impl Strategy<Value = Number> {
        let digits = prop_oneof![0..100_u128, 0..10_u128.pow(38)];
        (any::<bool>(), digits, prop_oneof![-3..3_i32, -130..88_i32]).prop_filter_map("in range", |parts| {
            let sign = if parts.0 { "-" } else { "" };
            Number::parse(&format!("{sign}{}E{}", parts.1, parts.2)).ok()
        })
    }

    proptest! {
        #[test]
        fn counts_are_numbers(count in any::<u64>(), zeros in 0..19_u32) {
            let count = (count / 10_u64.pow(zeros)) * 10_u64.pow(zeros);
            prop_assert_eq!(Number::from(count), number(&count.to_string()));
        }

        #[test]
        fn keys_sort_as_exact_decimals_do(left in any_number(), right in any_number()) {
            let expected = left.to_decimal().cmp(&right.to_decimal());
            prop_assert_eq!(left.sort_key().cmp(&right.sort_key()), expected);
            prop_assert_eq!(left == right, expected == Ordering::Equal);
        }

        #[test]
        fn text_and_number_are_one_to_one(number in any_number()) {
            prop_assert_eq!(Number::parse(&number.to_string()), Ok(number));
        }

        #[test]
        fn a_sum_can_be_undone(left in -1_000_000_i64..1_000_000, right in -1_000_000_i64..1_000_000) {
            let (a, b) = (number(&left.to_string()), number(&right.to_string()));
            prop_assert_eq!(a.add(b), Ok(number(&(left + right).to_string())));
            prop_assert_eq!(a.add(b).unwrap().subtract(b), Ok(a));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+]?[0-9.]{0,60}([eE][-+]?[0-9]{0,25})?") {
            let _ = Number::parse(&text);
        }
    }
}
