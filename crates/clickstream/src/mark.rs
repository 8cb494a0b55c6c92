//! The mark of a sending, by which its clicks are found again wherever they get to.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngExt as _};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Click, LinkKind};

/// What the titles of marked pages begin with. The lab's SQL counts such pages by themselves, as the metric `trace`.
const TITLE_PREFIX: &str = "Headwater_run_";
const ID_CHARS: usize = 10;
/// Base32 (RFC 4648) in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The id of one sending: 50 random bits. Its [`Mark::click`] goes with the sending's clicks, and is counted as one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mark(String);

/// A text that is no mark's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the id of a run has {ID_CHARS} characters from a to z and 2 to 7")]
pub struct BadMark;

impl Mark {
    /// A new mark.
    pub fn new(random: &mut impl Rng) -> Self {
        Self((0..ID_CHARS).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect())
    }

    /// Its ten characters.
    pub fn id(&self) -> &str {
        &self.0
    }

    /// The title of its page, such as `Headwater_run_k3v5q2mzta`.
    pub fn title(&self) -> String {
        format!("{TITLE_PREFIX}{}", self.0)
    }

    /// The click that it is sent as.
    pub fn click(&self) -> Click {
        Click { prev: "other-internal".to_owned(), curr: self.title(), kind: LinkKind::Other, n: 1 }
    }

    /// The mark whose page has this title, if it is one's.
    pub fn from_title(title: &str) -> Option<Self> {
        title.strip_prefix(TITLE_PREFIX)?.parse().ok()
    }

    /// The mark that this line of TSV is the click of, if it is one's.
    pub fn from_row(line: &[u8]) -> Option<Self> {
        let click = Click::parse(line).ok()?;
        Self::from_title(&click.curr).filter(|mark| mark.click() == click)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Mark {
    type Err = BadMark;

    fn from_str(id: &str) -> Result<Self, BadMark> {
        let fits = id.len() == ID_CHARS && id.bytes().all(|byte| ALPHABET.contains(&byte));
        if fits { Ok(Self(id.to_owned())) } else { Err(BadMark) }
    }
}

impl TryFrom<String> for Mark {
    type Error = BadMark;

    fn try_from(id: String) -> Result<Self, BadMark> {
        id.parse()
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> Self {
        mark.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn marks_are_distinct_and_use_the_whole_alphabet() {
        let mut random = StdRng::seed_from_u64(1);
        let marks: HashSet<Mark> = (0..1_000).map(|_| Mark::new(&mut random)).collect();
        assert_eq!(marks.len(), 1_000);
        let characters: HashSet<char> = marks.iter().flat_map(|mark| mark.id().chars()).collect();
        assert_eq!(characters.len(), ALPHABET.len());
    }

    #[test]
    fn its_row_is_the_one_that_all_agreed_on() {
        let mark: Mark = "k3v5q2mzta".parse().unwrap();
        let row = mark.click().to_string();
        assert_eq!(row, "other-internal\tHeadwater_run_k3v5q2mzta\tother\t1");
        assert_eq!(Mark::from_row(format!("{row}\r\n").as_bytes()), Some(mark.clone()));
        assert_eq!(serde_json::to_string(&mark).unwrap(), "\"k3v5q2mzta\"");
        assert_eq!(serde_json::from_str::<Mark>("\"k3v5q2mzta\"").unwrap(), mark);
    }

    #[test]
    fn nothing_else_is_taken_for_a_mark() {
        for title in
            ["Headwater_run_", "Headwater_run_K3V5Q2MZTA", "Headwater_run_k3v5q2mzt", "Headwater_run_k3v5q2mzt1"]
        {
            assert_eq!(Mark::from_title(title), None, "{title}");
        }
        assert_eq!(Mark::from_title("Main_Page"), None);
        assert_eq!(Mark::from_row(b"Main_Page\tHeadwater_run_k3v5q2mzta\tlink\t1"), None, "a click of a reader");
        assert_eq!(Mark::from_row(b"Headwater_run_k3v5q2mzta"), None);
        assert!(serde_json::from_str::<Mark>("\"a'; DROP\"").is_err());
    }

    proptest! {
        #[test]
        fn a_mark_is_found_again(seed: u64) {
            let mark = Mark::new(&mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(Mark::from_title(&mark.title()), Some(mark.clone()));
            let mut row = Vec::new();
            mark.click().encode(&mut row);
            prop_assert_eq!(Mark::from_row(&row), Some(mark));
        }
    }
}
