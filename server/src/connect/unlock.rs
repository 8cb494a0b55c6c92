//! What shows that somebody in a browser is the person who started this server.

use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

/// Letters and digits that are not mistaken for each other.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// 40 bits: each guess needs a request, and they are few.
const LENGTH: usize = 8;

/// A code that is printed in the terminal at each start.
pub struct UnlockCode(String);

impl UnlockCode {
    pub fn generate() -> Self {
        let mut random = rand::rng();
        Self((0..LENGTH).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect())
    }

    /// As it is printed: two groups of four.
    pub fn printed(&self) -> String {
        format!("{}-{}", &self.0[..4], &self.0[4..])
    }

    /// What is kept of it in a session: it does not give the code away without many guesses.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    /// Whether `typed` is this code, whatever its case, spaces and hyphens. Takes the same time for every wrong code.
    pub fn is(&self, typed: &str) -> bool {
        let typed: String = typed
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_uppercase())
            .take(LENGTH + 1)
            .collect();
        Sha256::digest(typed.as_bytes()) == Sha256::digest(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let code = UnlockCode::generate();
        let printed = code.printed();
        assert_eq!(printed.len(), 9);
        assert!(code.is(&printed) && code.is(&printed.to_lowercase()) && code.is(&format!(" {} ", code.0)));
        let other = if code.0.starts_with('2') { "3" } else { "2" };
        for wrong in [String::new(), format!("{}X", code.0), format!("{other}{}", &code.0[1..])] {
            assert!(!code.is(&wrong), "{wrong}");
        }
    }
}
