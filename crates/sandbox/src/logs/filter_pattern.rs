//! Filter patterns for unstructured events: terms, phrases in double quotes, `-excluded` and `?optional` ones.
//!
//! Source: "Filter pattern syntax" in the CloudWatch Logs User Guide.

use super::errors::{invalid, not_offered};
use crate::AwsError;

/// Longest pattern, in characters.
const MAX_PATTERN: usize = 1024;

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FilterPattern {
    /// All of them must be in the message.
    required: Vec<String>,
    /// None of them may be in the message.
    excluded: Vec<String>,
    /// One of them must be in the message, if there are only such terms; beside others they say nothing.
    optional: Vec<String>,
}

impl FilterPattern {
    pub(super) fn parse(pattern: &str) -> Result<Self, AwsError> {
        if pattern.chars().count() > MAX_PATTERN {
            return Err(invalid(format!("A filter pattern has {MAX_PATTERN} characters at most.")));
        }
        let pattern = pattern.trim();
        if pattern.starts_with(['{', '[']) || pattern.contains('%') {
            return Err(not_offered("filter patterns for JSON, for columns, and with regular expressions"));
        }
        let mut parsed = Self::default();
        let mut rest = pattern;
        while !rest.is_empty() {
            let (kind, after) = match rest.as_bytes()[0] {
                b'-' => (&mut parsed.excluded, &rest[1..]),
                b'?' => (&mut parsed.optional, &rest[1..]),
                _ => (&mut parsed.required, rest),
            };
            let (term, after) = term(after)?;
            kind.push(term);
            rest = after.trim_start();
        }
        Ok(parsed)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| has_words(message, term);
        self.required.iter().all(has)
            && !self.excluded.iter().any(has)
            && (self.optional.is_empty() || !self.required.is_empty() || self.optional.iter().any(has))
    }
}

/// Whether a term or phrase is in the message as whole words: `ERROR` is in `[ERROR]` and not in `ERRORS`.
fn has_words(message: &str, term: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    // Where the term itself begins or ends with another character, anything may stand beside it.
    let (first, last) = (term.chars().next().is_some_and(is_word), term.chars().next_back().is_some_and(is_word));
    message.match_indices(term).any(|(at, _)| {
        let joined_before = first && message[..at].chars().next_back().is_some_and(is_word);
        let joined_after = last && message[at + term.len()..].chars().next().is_some_and(is_word);
        !joined_before && !joined_after
    })
}

/// The term at the start of a text, and what follows it.
fn term(text: &str) -> Result<(String, &str), AwsError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut term = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => return Ok((term, &quoted[at + 1..])),
                '\\' => term.extend(characters.next().map(|(_, escaped)| escaped)),
                other => term.push(other),
            }
        }
        return Err(invalid("Invalid filter pattern: a double quote is not closed."));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (term, after) = text.split_at(end);
    if term.is_empty() || !term.chars().all(|character| character.is_alphanumeric() || character == '_') {
        return Err(invalid(format!("Invalid character(s) in term '{term}'")));
    }
    Ok((term.to_owned(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, message: &str) -> bool {
        FilterPattern::parse(pattern).unwrap().matches(message)
    }

    #[test]
    fn terms_phrases_exclusions_and_options() {
        let message = "[ERROR] 2026 the page \"Main_Page\" is gone\n";
        for pattern in
            ["", "ERROR", "ERROR page", "\"is gone\"", "?WARN ?ERROR", "ERROR -WARN", "\"\\\"Main_Page\\\"\""]
        {
            assert!(matches(pattern, message), "{pattern}");
        }
        for pattern in
            ["error", "ERR", "RROR", "\"s gone\"", "ERROR WARN", "\"gone is\"", "?WARN ?INFO", "ERROR -page", "-ERROR"]
        {
            assert!(!matches(pattern, message), "{pattern}");
        }
        // As on AWS, optional terms beside others say nothing.
        assert!(matches("ERROR ?WARN", message));
    }

    #[test]
    fn what_is_no_term_is_refused() {
        let code = |pattern: &str| FilterPattern::parse(pattern).unwrap_err().to_string();
        assert_eq!(code("RequestId:"), "InvalidParameterException: Invalid character(s) in term 'RequestId:'");
        assert!(code("\"open").contains("not closed"));
        assert!(code("-").contains("Invalid character(s)"));
        for pattern in ["{ $.level = \"ERROR\" }", "[ip, user]", "%ERR.*%"] {
            assert!(code(pattern).contains("does not offer"), "{pattern}");
        }
        assert!(code(&"x".repeat(1025)).contains("1024"));
    }
}
