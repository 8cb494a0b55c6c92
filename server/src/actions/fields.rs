//! The fields of a form, read with messages that name the field.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::ActionError;

/// Longest text field, in bytes; code may be longer.
const TEXT_LIMIT: usize = 1024;
/// Longest code field, in bytes: SQL and function code of the lab fit many times over.
const CODE_LIMIT: usize = 100 * 1024;

/// What the learner sent.
pub struct Fields<'a>(pub &'a BTreeMap<String, String>);

impl Fields<'_> {
    /// A line of text that must not be empty.
    pub fn text(&self, field: &str) -> Result<String, ActionError> {
        let text = self.0.get(field).map(|text| text.trim()).unwrap_or_default();
        if text.is_empty() {
            return Err(invalid(field, "fill this in"));
        }
        if text.len() > TEXT_LIMIT {
            return Err(invalid(field, "this is too long"));
        }
        Ok(text.to_owned())
    }

    /// A line of text that may be empty.
    pub fn optional_text(&self, field: &str) -> Result<String, ActionError> {
        if self.0.get(field).is_none_or(|text| text.trim().is_empty()) { Ok(String::new()) } else { self.text(field) }
    }

    /// Source code, kept as it is but for line ends: browsers send CRLF.
    pub fn code(&self, field: &str) -> Result<String, ActionError> {
        let code = self.0.get(field).map(String::as_str).unwrap_or_default();
        if code.trim().is_empty() {
            return Err(invalid(field, "there is no code"));
        }
        if code.len() > CODE_LIMIT {
            return Err(invalid(field, "the code is longer than 100 KiB"));
        }
        Ok(code.replace("\r\n", "\n"))
    }

    /// A whole number within `range`.
    pub fn number(&self, field: &str, range: RangeInclusive<i32>) -> Result<i32, ActionError> {
        self.text(field)?
            .parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| invalid(field, &format!("a whole number from {} to {}", range.start(), range.end())))
    }
}

pub fn invalid(field: &str, message: &str) -> ActionError {
    ActionError::Invalid { field: field.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(value: &str, read: impl FnOnce(&Fields<'_>) -> Result<T, ActionError>) -> Result<T, String> {
        let map = BTreeMap::from([("field".to_owned(), value.to_owned())]);
        read(&Fields(&map)).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_kept_in_their_range() {
        let number = |value| read(value, |fields| fields.number("field", 0..=900));
        assert_eq!(number(" 60 "), Ok(60));
        for wrong in ["901", "-1", "ten", "1.5"] {
            assert_eq!(number(wrong), Err("field: a whole number from 0 to 900".to_owned()));
        }
    }

    #[test]
    fn code_keeps_its_tabs_and_loses_its_carriage_returns() {
        assert_eq!(read("a\r\n\tb\r\n", |fields| fields.code("field")), Ok("a\n\tb\n".to_owned()));
        assert!(read(&"x".repeat(CODE_LIMIT + 1), |fields| fields.code("field")).is_err());
    }

    #[test]
    fn an_absent_field_is_named() {
        assert_eq!(read("", |fields| fields.text("other")), Err("other: fill this in".to_owned()));
        assert_eq!(read("", |fields| fields.optional_text("other")), Ok(String::new()));
    }
}
