//! The code with which a learner goes on in another browser.

use std::fmt;

use rand::RngExt as _;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Letters and digits that are not mistaken for one another when read aloud or copied by hand.
pub(crate) const ALPHABET: &[u8] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of a code: 30^16 possibilities, about 78 bits, so that a plain hash is enough to store.
const SYMBOLS: usize = 16;
/// Symbols between two dashes.
const GROUP: usize = 4;

/// A resume code such as `K7QM-2XRD-9HTV-W4BC`. Whoever has it can go on as the learner, so that only its hash is stored.
#[derive(Clone)]
pub struct ResumeCode(SecretString);

impl ResumeCode {
    /// A new code from the operating system's randomness.
    pub fn generate() -> Self {
        Self(SecretString::from(grouped(random_symbols(SYMBOLS).as_bytes())))
    }

    /// Reads what a person typed: case, spaces and dashes do not matter. `None` when it cannot be a code.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 4 * SYMBOLS {
            return None;
        }
        let symbols: Vec<u8> = typed
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-')
            .map(|byte| byte.to_ascii_uppercase())
            .collect();
        let well_formed = symbols.len() == SYMBOLS && symbols.iter().all(|symbol| ALPHABET.contains(symbol));
        well_formed.then(|| Self(SecretString::from(grouped(&symbols))))
    }

    /// The code as shown to the learner, once.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored: SHA-256 in hex.
    pub(crate) fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.expose_secret().as_bytes()))
    }
}

impl fmt::Debug for ResumeCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ResumeCode(secret)")
    }
}

/// Symbols from the operating system's randomness.
pub(crate) fn random_symbols(count: usize) -> String {
    let mut random = rand::rng();
    (0..count).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

fn grouped(symbols: &[u8]) -> String {
    let groups: Vec<String> = symbols.chunks(GROUP).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_code_is_read_whatever_its_case_and_spacing() {
        let code = ResumeCode::generate();
        let sloppy = code.expose().to_lowercase().replace('-', " ");
        assert_eq!(ResumeCode::parse(&sloppy).map(|parsed| parsed.hash()), Some(code.hash()));
    }

    #[test]
    fn what_cannot_be_a_code_is_refused() {
        for typed in ["", "K7QM-2XRD-9HTV", "K7QM-2XRD-9HTV-W4BI", &"2".repeat(17), &" ".repeat(1000)] {
            assert!(ResumeCode::parse(typed).is_none(), "{typed:?}");
        }
    }

    #[test]
    fn codes_differ_and_are_not_shown_by_debug() {
        let code = ResumeCode::generate();
        assert_ne!(code.hash(), ResumeCode::generate().hash());
        assert!(!format!("{code:?}").contains(code.expose()));
    }
}
