//! Click rows: lines of `prev`, `curr`, `type` and `n`, split by tabs, as in Wikimedia's clickstream.

use std::fmt;

use serde::Deserialize;

use crate::text::clip;

/// What the lines of a text are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) good: usize,
    pub(crate) bad: usize,
    pub(crate) first_bad: Option<BadLine>,
}

/// A line that is no click row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// Counted from 1.
    pub(crate) number: usize,
    /// What is wrong with it.
    pub(crate) why: &'static str,
    /// The line, escaped and cut.
    pub(crate) shown: String,
    /// Whether it is the AWS console's demo data.
    pub(crate) ticker: bool,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} ({})", self.number, self.shown, self.why)
    }
}

/// Reads the lines of `text`; a last line without end is left out when the text was `cut`.
pub(crate) fn read_rows(text: &str, cut: bool) -> Rows {
    let text = match text.rfind('\n') {
        Some(end) if cut => &text[..=end],
        _ => text,
    };
    let mut rows = Rows::default();
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let Some(why) = fault(line) else {
            rows.good += 1;
            continue;
        };
        rows.bad += 1;
        if rows.first_bad.is_none() {
            rows.first_bad = Some(BadLine { number: index + 1, why, shown: clip(line, 80), ticker: is_ticker(line) });
        }
    }
    rows
}

/// What keeps `line` from being a click row.
fn fault(line: &str) -> Option<&'static str> {
    let mut columns = line.split('\t');
    let (Some(previous), Some(current), Some(kind), Some(hits)) =
        (columns.next(), columns.next(), columns.next(), columns.next())
    else {
        return Some(if is_ticker(line) { "a stock ticker" } else { "fewer than four columns" });
    };
    if columns.next().is_some() {
        return Some("more than four columns; does each record end with a line feed?");
    }
    if previous.is_empty() || current.is_empty() {
        return Some("a page without a title");
    }
    if !matches!(kind, "link" | "external" | "other") {
        return Some("the type is none of link, external and other");
    }
    let is_count = hits.bytes().all(|byte| byte.is_ascii_digit()) && hits.parse::<u64>().is_ok_and(|hits| hits >= 1);
    (!is_count).then_some("the number of hits is not a whole number of 1 or more")
}

/// The console sends `{"TICKER_SYMBOL":"QXZ","SECTOR":"HEALTHCARE","CHANGE":-0.05,"PRICE":84.51}`, one object
/// right behind the other.
fn is_ticker(line: &str) -> bool {
    #[derive(Deserialize)]
    struct Ticker {
        #[serde(rename = "TICKER_SYMBOL")]
        _symbol: String,
    }
    let mut objects = serde_json::Deserializer::from_str(line).into_iter::<Ticker>();
    matches!(objects.next(), Some(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_bad(text: &str) -> BadLine {
        read_rows(text, false).first_bad.unwrap()
    }

    #[test]
    fn click_rows_are_good() {
        let text =
            "Main_Page\tHypatia\tlink\t42\nother-search\tParis,_\"Texas\"\texternal\t1\r\n\nÜ\t\u{1f600}\tother\t9\n";
        assert_eq!(read_rows(text, false), Rows { good: 3, ..Rows::default() });
    }

    #[test]
    fn a_bad_line_is_named_with_its_number_and_reason() {
        for (line, why) in [
            ("a\tb\tlink", "fewer than four columns"),
            ("a\tb\tlink\t1a\tb\tlink\t1", "more than four columns; does each record end with a line feed?"),
            ("\tb\tlink\t1", "a page without a title"),
            ("a\tb\tLink\t1", "the type is none of link, external and other"),
            ("a\tb\tlink\t0", "the number of hits is not a whole number of 1 or more"),
            ("a\tb\tlink\t+1", "the number of hits is not a whole number of 1 or more"),
            ("a\tb\tlink\t", "the number of hits is not a whole number of 1 or more"),
            ("a\tb\tlink\t1e3", "the number of hits is not a whole number of 1 or more"),
        ] {
            let bad = first_bad(&format!("x\ty\tlink\t1\n{line}\n"));
            assert_eq!((bad.number, bad.why), (2, why), "{line:?}");
        }
        assert_eq!(first_bad("\u{1b}[2Jx\ty").shown, "\\u{1b}[2Jx\\ty");
        assert_eq!(first_bad(&"x".repeat(1_000_000)).shown.chars().count(), 81);
    }

    #[test]
    fn the_consoles_demo_data_is_recognised() {
        let ticker = r#"{"TICKER_SYMBOL":"QXZ","SECTOR":"HEALTHCARE","CHANGE":-0.05,"PRICE":84.51}"#;
        assert!(first_bad(ticker).ticker);
        assert!(first_bad(&ticker.repeat(3)).ticker, "also without line feeds");
        assert!(!first_bad(r#"{"page":1}"#).ticker);
        assert!(!first_bad(&"{\"TICKER_SYMBOL\":[".repeat(200_000)).ticker, "deep nesting is no trouble");
    }

    #[test]
    fn half_a_line_at_the_cut_is_left_out() {
        assert_eq!(read_rows("a\tb\tlink\t1\na\tb\tli", true), Rows { good: 1, ..Rows::default() });
        assert_eq!(read_rows("a\tb\tlink\t1\na\tb\tli", false).bad, 1);
    }
}
