//! One row of a clickstream and its TSV form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The largest `n` that fits the SQL type INTEGER, which applications read it as.
pub const MAX_HITS: u32 = i32::MAX as u32;
/// The longest page title, in characters; applications read titles as `VARCHAR(512)`.
pub const MAX_TITLE_CHARS: usize = 512;
/// The longest line, in bytes, its end not counted: two titles of four-byte characters with room for the rest.
pub const MAX_LINE_BYTES: usize = 8 * MAX_TITLE_CHARS + 64;

/// A number of clicks from one page (or kind of source) to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Click {
    /// The page the reader came from, or `other-search` and the like.
    pub prev: String,
    /// The page the reader came to.
    pub curr: String,
    /// The third column, `type`.
    pub kind: LinkKind,
    /// How many clicks this row stands for, 1 to [`MAX_HITS`].
    pub n: u32,
}

/// How the reader came from one page to the other: the column `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    /// Both are articles, and the first links to the second.
    Link,
    /// The reader came from elsewhere: a search engine, another site, or nobody knows where.
    External,
    /// Both are articles, but the first does not link to the second: typed into the search box, for instance.
    Other,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    #[error("it is not UTF-8 text")]
    NotUtf8,
    #[error("it is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    #[error("it has {found} tab-separated column{}, not the 4 of a clickstream row: prev, curr, type, n", if *found == 1 { "" } else { "s" })]
    Columns { found: usize },
    #[error("its column {column} is empty")]
    EmptyTitle { column: &'static str },
    #[error("its column {column} is longer than {MAX_TITLE_CHARS} characters")]
    LongTitle { column: &'static str },
    #[error("its type is {found:?}, not link, external or other")]
    Kind { found: String },
    #[error("its n is {found:?}, not a whole number from 1 to {MAX_HITS}")]
    Hits { found: String },
}

impl Click {
    /// Reads one line, with or without its line end (`\n` or `\r\n`).
    pub fn parse(line: &[u8]) -> Result<Self, LineError> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > MAX_LINE_BYTES {
            return Err(LineError::TooLong);
        }
        let line = std::str::from_utf8(line).map_err(|_| LineError::NotUtf8)?;
        let columns: Vec<&str> = line.split('\t').collect();
        let [prev, curr, kind, n] = columns[..] else {
            return Err(LineError::Columns { found: columns.len() });
        };
        Ok(Self { prev: title("prev", prev)?, curr: title("curr", curr)?, kind: kind.parse()?, n: hits(n)? })
    }

    /// Appends the row as TSV, line end included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prev.as_bytes());
        out.push(b'\t');
        out.extend_from_slice(self.curr.as_bytes());
        out.push(b'\t');
        out.extend_from_slice(self.kind.as_str().as_bytes());
        out.push(b'\t');
        out.extend_from_slice(self.n.to_string().as_bytes());
        out.push(b'\n');
    }
}

impl LinkKind {
    /// The word in the column `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::External => "external",
            Self::Other => "other",
        }
    }
}

impl FromStr for LinkKind {
    type Err = LineError;

    fn from_str(word: &str) -> Result<Self, LineError> {
        match word {
            "link" => Ok(Self::Link),
            "external" => Ok(Self::External),
            "other" => Ok(Self::Other),
            found => Err(LineError::Kind { found: excerpt(found) }),
        }
    }
}

impl fmt::Display for Click {
    /// The row as TSV without its line end.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\t{}\t{}\t{}", self.prev, self.curr, self.kind.as_str(), self.n)
    }
}

fn title(column: &'static str, text: &str) -> Result<String, LineError> {
    if text.is_empty() {
        return Err(LineError::EmptyTitle { column });
    }
    if text.chars().count() > MAX_TITLE_CHARS {
        return Err(LineError::LongTitle { column });
    }
    Ok(text.to_owned())
}

fn hits(text: &str) -> Result<u32, LineError> {
    let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(n) if digits_only && (1..=MAX_HITS).contains(&n) => Ok(n),
        _ => Err(LineError::Hits { found: excerpt(text) }),
    }
}

/// As much of a faulty value as a message should repeat.
fn excerpt(text: &str) -> String {
    const SHOWN: usize = 40;
    if text.chars().count() <= SHOWN { text.to_owned() } else { text.chars().take(SHOWN).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn click(line: &str) -> Result<Click, LineError> {
        Click::parse(line.as_bytes())
    }

    #[test]
    fn reads_a_row_with_any_line_end() {
        let expected =
            Click { prev: "other-search".to_owned(), curr: "Paris,_Texas".to_owned(), kind: LinkKind::External, n: 19 };
        for end in ["", "\n", "\r\n"] {
            assert_eq!(click(&format!("other-search\tParis,_Texas\texternal\t19{end}")).as_ref(), Ok(&expected));
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_line() {
        let wrong = [
            (
                "{\"TICKER_SYMBOL\":\"QXZ\"}",
                "it has 1 tab-separated column, not the 4 of a clickstream row: prev, curr, type, n",
            ),
            ("a\tb\tlink", "it has 3 tab-separated columns, not the 4 of a clickstream row: prev, curr, type, n"),
            ("a\tb\tlink\t1\t", "it has 5 tab-separated columns, not the 4 of a clickstream row: prev, curr, type, n"),
            ("\tb\tlink\t1", "its column prev is empty"),
            ("a\t\tlink\t1", "its column curr is empty"),
            ("a\tb\tLink\t1", "its type is \"Link\", not link, external or other"),
            ("a\tb\tlink\t0", "its n is \"0\", not a whole number from 1 to 2147483647"),
            ("a\tb\tlink\t+1", "its n is \"+1\", not a whole number from 1 to 2147483647"),
            ("a\tb\tlink\t2147483648", "its n is \"2147483648\", not a whole number from 1 to 2147483647"),
            ("a\tb\tlink\t1 ", "its n is \"1 \", not a whole number from 1 to 2147483647"),
        ];
        for (line, message) in wrong {
            assert_eq!(click(line).unwrap_err().to_string(), message, "{line:?}");
        }
        assert_eq!(Click::parse(b"a\xff\tb\tlink\t1"), Err(LineError::NotUtf8));
        assert_eq!(click(&format!("{}\tb\tlink\t1", "é".repeat(513))), Err(LineError::LongTitle { column: "prev" }));
        assert_eq!(click(&"x".repeat(MAX_LINE_BYTES + 1)), Err(LineError::TooLong));
    }

    #[test]
    fn a_message_repeats_only_the_beginning_of_a_long_value() {
        let message = click(&format!("a\tb\t{}\t1", "ü".repeat(3000))).unwrap_err().to_string();
        assert!(message.chars().count() < 100, "{message}");
    }

    #[test]
    fn the_longest_titles_fit_a_line() {
        let title = "\u{1F30D}".repeat(MAX_TITLE_CHARS);
        let longest = Click { prev: title.clone(), curr: title, kind: LinkKind::External, n: MAX_HITS };
        let mut line = Vec::new();
        longest.encode(&mut line);
        assert_eq!(Click::parse(&line), Ok(longest));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(
            prev in "[^\t\r\n]{1,80}",
            curr in "[^\t\r\n]{1,80}",
            kind in prop_oneof![Just(LinkKind::Link), Just(LinkKind::External), Just(LinkKind::Other)],
            n in 1..=MAX_HITS,
        ) {
            let click = Click { prev, curr, kind, n };
            let mut line = Vec::new();
            click.encode(&mut line);
            prop_assert!(line.ends_with(b"\n"));
            prop_assert_eq!(Click::parse(&line), Ok(click));
        }

        #[test]
        fn no_line_makes_the_parser_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Click::parse(&line);
        }
    }
}
