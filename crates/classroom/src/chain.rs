//! The log's chain: each entry holds the hash of the one before.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::event::Event;

/// An entry of a class's log. Its hash is SHA-256, in hex, of the entry without `hash` as canonical JSON (RFC 8785).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The class's id.
    pub class: String,
    /// Counted from 1, without gaps.
    pub seq: i64,
    /// When it was noted, in Unix milliseconds.
    pub at_ms: i64,
    /// The learner's id, if it is about one.
    pub learner: Option<String>,
    pub event: Event,
    /// Hash of the entry before; 64 zeros for the first.
    pub previous: String,
    pub hash: String,
}

/// Where a log ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last entry; 0 for an empty log.
    pub seq: i64,
    /// Its hash; 64 zeros for an empty log.
    pub hash: String,
}

/// An entry without its hash, as it is hashed.
#[derive(Serialize)]
struct Hashed<'a> {
    class: &'a str,
    seq: i64,
    at_ms: i64,
    learner: Option<&'a str>,
    event: &'a Event,
    previous: &'a str,
}

impl Head {
    /// The end of an empty log.
    pub fn empty() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}

/// Written as `SEQ:HASH`, which can be noted on paper.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// What should have been `SEQ:HASH` is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a head is SEQ:HASH: an entry's number, a colon, and its hash of 64 hex digits")]
pub struct NotAHead;

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (seq, hash) = text.trim().split_once(':').ok_or(NotAHead)?;
        let seq = seq.parse().ok().filter(|seq| *seq >= 0).ok_or(NotAHead)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self { seq, hash: hash.to_ascii_lowercase() }).ok_or(NotAHead)
    }
}

impl LogEntry {
    /// The hash that this entry should have.
    pub fn computed_hash(&self) -> Result<String, serde_json::Error> {
        let Self { class, seq, at_ms, learner, event, previous, hash: _ } = self;
        hash(&Hashed { class, seq: *seq, at_ms: *at_ms, learner: learner.as_deref(), event, previous })
    }
}

/// Makes the next entry of a log that ends at `head`, and moves `head` on.
pub fn seal(
    head: &mut Head,
    class: &str,
    at_ms: i64,
    learner: Option<&str>,
    event: Event,
) -> Result<LogEntry, serde_json::Error> {
    let seq = head.seq + 1;
    let hash = hash(&Hashed { class, seq, at_ms, learner, event: &event, previous: &head.hash })?;
    let previous = std::mem::replace(&mut head.hash, hash.clone());
    head.seq = seq;
    Ok(LogEntry { class: class.to_owned(), seq, at_ms, learner: learner.map(str::to_owned), event, previous, hash })
}

fn hash(entry: &Hashed<'_>) -> Result<String, serde_json::Error> {
    let canonical = serde_json_canonicalizer::to_vec(entry)?;
    Ok(hex::encode(Sha256::digest(canonical)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_holds_the_hash_of_the_one_before() {
        let mut head = Head::empty();
        let first = seal(&mut head, "c", 1, Some("l"), Event::Joined).unwrap();
        let second = seal(&mut head, "c", 2, Some("l"), Event::Left).unwrap();
        assert_eq!((first.seq, second.seq), (1, 2));
        assert_eq!(second.previous, first.hash);
        assert_eq!(second.computed_hash().unwrap(), second.hash);
        assert_eq!(head, Head { seq: 2, hash: second.hash });
    }

    #[test]
    fn a_head_can_be_noted_and_read_again() {
        let head = Head { seq: 12, hash: "ab".repeat(32) };
        assert_eq!(format!("{head}\n").parse(), Ok(head.clone()));
        assert_eq!(head.to_string().to_uppercase().parse(), Ok(head));
        for wrong in ["", "12", "12:ab", "-1:{0}", "x:{0}", "1:{0}0", "1:g"] {
            assert_eq!(wrong.replace("{0}", &"a".repeat(64)).parse::<Head>(), Err(NotAHead), "{wrong}");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_canonical_text() {
        let entry = seal(&mut Head::empty(), "c", 1, None, Event::Left).unwrap();
        let text = format!(
            r#"{{"at_ms":1,"class":"c","event":{{"kind":"left"}},"learner":null,"previous":"{}","seq":1}}"#,
            "0".repeat(64)
        );
        assert_eq!(entry.hash, hex::encode(Sha256::digest(text)));
    }
}
