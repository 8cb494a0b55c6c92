//! Points and percentages, exact to two decimals.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number with two decimals, kept as a whole number of hundredths. In JSON it is a number such as `7` or `7.25`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hundredths(u64);

impl Hundredths {
    /// So many whole ones.
    pub fn whole(number: u64) -> Self {
        Self(number.saturating_mul(100))
    }

    /// So many percent of a whole number.
    pub fn percent_of(number: u32, percent: u8) -> Self {
        Self(u64::from(number) * u64::from(percent))
    }

    /// How many percent this is of a whole, rounded half up; none if the whole is nothing.
    pub fn percentage(self, whole: Self) -> Option<Self> {
        let hundredths = (u128::from(self.0) * 20_000 + u128::from(whole.0)).checked_div(u128::from(whole.0) * 2)?;
        Some(Self(u64::try_from(hundredths).unwrap_or(u64::MAX)))
    }

    /// The hundredths themselves.
    pub fn hundredths(self) -> u64 {
        self.0
    }

    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As a floating-point number, for protocols that want one.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 100.0
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, rest) if rest % 10 == 0 => write!(f, "{whole}.{}", rest / 10),
            (whole, rest) => write!(f, "{whole}.{rest:02}"),
        }
    }
}

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u64(self.0 / 100)
        } else {
            serializer.serialize_f64(self.as_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Hundredths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Hundredths;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of two decimals at most, not below zero")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Hundredths, E> {
        number.checked_mul(100).map(Hundredths).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    /// A third decimal is refused and not rounded away: what is read must be what was written.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Hundredths, E> {
        let read = Hundredths((number * 100.0).round() as u64);
        if read.as_f64() == number { Ok(read) } else { Err(E::invalid_value(de::Unexpected::Float(number), &self)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentages_are_rounded_half_up() {
        let of = |part, whole| Hundredths::whole(part).percentage(Hundredths::whole(whole)).map(|one| one.to_string());
        assert_eq!(of(1, 3).as_deref(), Some("33.33"));
        assert_eq!(of(2, 3).as_deref(), Some("66.67"));
        assert_eq!(of(1, 80_000).as_deref(), Some("0"));
        assert_eq!(of(1, 20_000).as_deref(), Some("0.01"));
        assert_eq!(of(4, 4).as_deref(), Some("100"));
        assert_eq!(of(0, 0), None);
    }

    #[test]
    fn a_third_decimal_is_refused() {
        for wrong in ["7.505", "-1", "-0.5", "1e400", "\"7\"", "99999999999999999999"] {
            assert!(serde_json::from_str::<Hundredths>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(serde_json::from_str::<Hundredths>("7.0").unwrap(), Hundredths::whole(7));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(hundredths in 0..1_u64 << 50) {
            let number = Hundredths(hundredths);
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(&json, &number.to_string());
            prop_assert_eq!(serde_json::from_str::<Hundredths>(&json).unwrap(), number);
        }
    }
}
