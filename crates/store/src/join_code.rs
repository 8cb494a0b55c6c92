//! The code by which learners come into a class: short, to be read off a wall.

use std::fmt;

use crate::resume_code::{ALPHABET, random_symbols};

/// Symbols of a code: 30^8 possibilities, about 39 bits. It lets in, no more, and can be renewed at any time.
const SYMBOLS: usize = 8;

/// A join code such as `K7QM-2XRD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinCode(String);

impl JoinCode {
    pub(crate) fn generate() -> Self {
        let symbols = random_symbols(SYMBOLS);
        let (first, second) = symbols.split_at(SYMBOLS / 2);
        Self(format!("{first}-{second}"))
    }

    /// Reads what a person typed: case, spaces and dashes do not matter. `None` when it cannot be a code.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 4 * SYMBOLS {
            return None;
        }
        let symbols: String =
            typed.chars().filter(|symbol| !symbol.is_whitespace() && *symbol != '-').collect::<String>().to_uppercase();
        let well_formed = symbols.len() == SYMBOLS && symbols.bytes().all(|symbol| ALPHABET.contains(&symbol));
        well_formed.then(|| {
            let (first, second) = symbols.split_at(SYMBOLS / 2);
            Self(format!("{first}-{second}"))
        })
    }

    /// The code as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for JoinCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_code_is_read_whatever_its_case_and_spacing() {
        let code = JoinCode::generate();
        assert_eq!(JoinCode::parse(&format!(" {} ", code.as_str().to_lowercase().replace('-', " "))), Some(code));
        for typed in ["", "K7QM-2XR", "K7QM-2XRDX", "K7QM-2XRI", &"2".repeat(100)] {
            assert_eq!(JoinCode::parse(typed), None, "{typed:?}");
        }
    }
}
