//! What the lab asks of the application's SQL, told from its words.
//!
//! The SQL dialect is Kinesis Data Analytics' own, and whether the code runs is for the service to say. Here
//! it is enough to split it into words and look for what the later steps depend on.

/// What is missing or different.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SqlFault {
    pub(crate) setting: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
    pub(crate) advice: String,
}

const STREAM: &str = "WINDOW_COUNTS";

/// The columns of the stream, each with the types that hold it.
const COLUMNS: [(&str, &[&str]); 5] = [
    ("metric", &["VARCHAR"]),
    ("item", &["VARCHAR"]),
    ("window_end", &["TIMESTAMP"]),
    ("window_seconds", &["INTEGER", "INT", "BIGINT"]),
    ("amount", &["BIGINT", "INTEGER", "INT"]),
];

/// A word of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// An identifier or keyword, as SQL reads it: folded to capitals unless it stood in double quotes.
    Name(String),
    /// A text in single quotes.
    Text(String),
    /// A number.
    Number(String),
    /// Any other character.
    Sign(char),
}

impl Word {
    fn is(&self, name: &str) -> bool {
        matches!(self, Self::Name(found) if found == name)
    }
}

/// Looks for the stream with its five columns, a pump into it, a tumbling window, and the metric "views".
pub(crate) fn check_sql(code: &str) -> Result<(), SqlFault> {
    let words = split(code);
    if words.iter().any(|word| *word == Word::Text("column1".to_owned())) {
        return Err(SqlFault {
            setting: "TextContent",
            expected: "'curr_page'".to_owned(),
            found: "'column1'".to_owned(),
            advice: "The SQL counts 'column1', a stand-in from AWS's template. Put 'curr_page' in its place."
                .to_owned(),
        });
    }
    columns_of_the_stream(&words)?;
    if !words.windows(3).any(|three| three[0].is("INSERT") && three[1].is("INTO") && three[2].is(STREAM)) {
        return Err(fault(
            "pump",
            format!("INSERT INTO \"{STREAM}\""),
            "no pump into it",
            "Nothing fills the stream. Add the pumps, each INSERT INTO \"WINDOW_COUNTS\" SELECT STREAM ….",
        ));
    }
    if !has_tumbling_window(&words) {
        return Err(fault(
            "window",
            "a tumbling window".to_owned(),
            if words.iter().any(|word| word.is("OVER")) { "a sliding window" } else { "no window" },
            "Count in tumbling windows: GROUP BY STEP(\"SOURCE_SQL_STREAM_001\".ROWTIME BY INTERVAL '60' SECOND), or a \
             function such as COUNT_DISTINCT_ITEMS_TUMBLING.",
        ));
    }
    if !words.iter().any(|word| *word == Word::Text("views".to_owned())) {
        return Err(fault(
            "metric",
            "'views'".to_owned(),
            "no row of that metric",
            "The chart shows the metric 'views'. Select it as the first column of the pump that sums the hits.",
        ));
    }
    Ok(())
}

fn fault(setting: &'static str, expected: String, found: &str, advice: &str) -> SqlFault {
    SqlFault { setting, expected, found: found.to_owned(), advice: advice.to_owned() }
}

/// Checks the columns in `CREATE [OR REPLACE] STREAM "WINDOW_COUNTS" (…)`.
fn columns_of_the_stream(words: &[Word]) -> Result<(), SqlFault> {
    let begin = words.windows(2).position(|two| {
        two[0].is("STREAM") && matches!(&two[1], Word::Name(name) if name.eq_ignore_ascii_case(STREAM))
    });
    let created = |at: usize| at > 0 && (words[at - 1].is("CREATE") || words[at - 1].is("REPLACE"));
    let Some(begin) = begin.filter(|at| created(*at)) else {
        return Err(fault(
            "stream",
            format!("CREATE OR REPLACE STREAM \"{STREAM}\""),
            "no such stream",
            "The output of the next step reads the stream WINDOW_COUNTS. Create it in the SQL.",
        ));
    };
    if !words[begin + 1].is(STREAM) {
        return Err(fault(
            "stream",
            STREAM.to_owned(),
            "the name in other letters",
            "Names in double quotes are case-sensitive. Write the stream's name in capitals: \"WINDOW_COUNTS\".",
        ));
    }
    let found = column_list(&words[begin + 2..]);
    for (index, (name, types)) in COLUMNS.iter().enumerate() {
        let expected = format!("\"{name}\" {}", types[0]);
        let advice = format!(
            "The stream {STREAM} differs first in column {}. Make it {expected}, in double quotes: without them SQL turns \
             the name into capitals, and the function would not know it.",
            index + 1
        );
        let (found_name, found_type) = found.get(index).cloned().unwrap_or_default();
        if found_name != *name || !types.contains(&found_type.as_str()) {
            let found = if found_name.is_empty() {
                format!("no column {}", index + 1)
            } else {
                crate::text::clip(&format!("\"{found_name}\" {found_type}"), 120)
            };
            return Err(SqlFault { setting: "columns", expected, found, advice });
        }
    }
    if let Some((name, _)) = found.get(COLUMNS.len()) {
        return Err(SqlFault {
            setting: "columns",
            expected: "five columns".to_owned(),
            found: crate::text::clip(&format!("a sixth, \"{name}\""), 120),
            advice: format!("The function reads five columns. Remove the others from {STREAM}."),
        });
    }
    Ok(())
}

/// Names and types in `( "a" VARCHAR(32), "b" TIMESTAMP, … )`.
fn column_list(words: &[Word]) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    let mut column: Vec<&str> = Vec::new();
    let mut depth = 0_u32;
    for word in words {
        match word {
            Word::Sign('(') => depth += 1,
            Word::Sign(')') if depth <= 1 => break,
            Word::Sign(')') => depth -= 1,
            Word::Sign(',') if depth == 1 => columns.push(std::mem::take(&mut column)),
            Word::Name(name) if depth == 1 => column.push(name),
            _ if depth == 0 => return Vec::new(),
            _ => {}
        }
    }
    columns.push(column);
    columns
        .into_iter()
        .filter(|column| !column.is_empty())
        .map(|column| {
            let mut column = column.into_iter().map(str::to_owned);
            (column.next().unwrap_or_default(), column.next().unwrap_or_default())
        })
        .collect()
}

/// A function of the TUMBLING family, or a GROUP BY over a STEP or FLOOR of ROWTIME.
fn has_tumbling_window(words: &[Word]) -> bool {
    let by_function = words.iter().any(|word| matches!(word, Word::Name(name) if name.ends_with("_ITEMS_TUMBLING")));
    let by_group = words.windows(2).enumerate().any(|(at, two)| {
        two[0].is("GROUP")
            && two[1].is("BY")
            && words[at + 2..]
                .iter()
                .take_while(|word| **word != Word::Sign(';'))
                .any(|word| word.is("STEP") || word.is("FLOOR"))
    });
    by_function || by_group
}

fn split(code: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        if rest.starts_with("--") || rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("/*") {
            rest = rest[2..].split_once("*/").map_or("", |(_, rest)| rest);
        } else if first == '\'' || first == '"' {
            let (text, behind) = quoted(after, first);
            words.push(if first == '"' { Word::Name(text) } else { Word::Text(text) });
            rest = behind;
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            words.push(Word::Number(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
            words.push(Word::Name(rest[..end].to_uppercase()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                words.push(Word::Sign(first));
            }
            rest = after;
        }
    }
    words
}

/// The text up to the closing `quote`, which stands doubled within it, and what follows.
fn quoted(rest: &str, quote: char) -> (String, &str) {
    let mut text = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            text.push(character);
        } else if rest[at + 1..].starts_with(quote) {
            text.push(quote);
            characters.next();
        } else {
            return (text, &rest[at + 1..]);
        }
    }
    (text, "")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// As the lab gives it.
    pub(crate) const GOOD: &str = r#"
-- One row for each metric and window.
CREATE OR REPLACE STREAM "WINDOW_COUNTS" ("metric" VARCHAR(32), "item" VARCHAR(512), "window_end" TIMESTAMP, "window_seconds" INTEGER, "amount" BIGINT);

CREATE OR REPLACE PUMP "VIEWS_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'views', '', STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '60' SECOND) + INTERVAL '60' SECOND, 60, SUM("hits")
FROM "SOURCE_SQL_STREAM_001"
GROUP BY STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '60' SECOND);
"#;

    fn fault(sql: &str) -> (&'static str, String) {
        let fault = check_sql(sql).unwrap_err();
        (fault.setting, fault.found)
    }

    #[test]
    fn the_labs_sql_passes() {
        assert_eq!(check_sql(GOOD), Ok(()));
        assert_eq!(check_sql(&GOOD.replace("CREATE OR REPLACE", "create")), Ok(()));
        assert_eq!(check_sql(&GOOD.replace("\"WINDOW_COUNTS\"", "window_counts")), Ok(()), "unquoted names fold");
    }

    #[test]
    fn a_window_function_is_a_tumbling_window() {
        let sql = GOOD.split("GROUP BY").next().unwrap().replace(
            "FROM \"SOURCE_SQL_STREAM_001\"",
            "FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM \"SOURCE_SQL_STREAM_001\"), 'curr_page', 60));",
        );
        assert_eq!(check_sql(&sql), Ok(()));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(fault("SELECT 1").0, "stream");
        assert_eq!(fault(&GOOD.replace("\"WINDOW_COUNTS\"", "\"Window_Counts\"")).1, "the name in other letters");
        assert_eq!(fault(&GOOD.replace("\"metric\" VARCHAR", "metric VARCHAR")).1, "\"METRIC\" VARCHAR");
        assert_eq!(fault(&GOOD.replace(", \"amount\" BIGINT", "")).1, "no column 5");
        assert_eq!(fault(&GOOD.replace("\"window_end\" TIMESTAMP", "\"window_end\" VARCHAR(30)")).0, "columns");
        assert_eq!(
            fault(&GOOD.replace("\"amount\" BIGINT", "\"amount\" BIGINT, \"more\" INTEGER")).1,
            "a sixth, \"more\""
        );
        assert_eq!(fault(&GOOD.replace("INSERT INTO \"WINDOW_COUNTS\"", "INSERT INTO \"OTHER\"")).0, "pump");
        assert_eq!(fault(GOOD.split("GROUP BY").next().unwrap()).1, "no window");
        let sliding = GOOD.split("GROUP BY").next().unwrap().to_owned()
            + "WINDOW W AS (RANGE INTERVAL '60' SECOND PRECEDING) OVER W";
        assert_eq!(fault(&sliding).1, "a sliding window");
        assert_eq!(fault(&GOOD.replace("'views'", "'clicks'")).0, "metric");
        assert_eq!(fault(&GOOD.replace("'views'", "'column1'")).1, "'column1'");
    }

    #[test]
    fn comments_and_texts_are_no_code() {
        let commented: String = GOOD.lines().map(|line| format!("-- {line}\n")).collect();
        assert_eq!(fault(&commented).0, "stream");
        assert_eq!(fault(&format!("/* {GOOD} */")).0, "stream");
        assert_eq!(fault(&format!("SELECT '{}'", GOOD.replace('\'', "''"))).0, "stream");
    }

    #[test]
    fn strange_code_does_not_panic() {
        for code in [
            "",
            "\"",
            "'",
            "/*",
            "--",
            "CREATE STREAM",
            "STREAM WINDOW_COUNTS",
            "ü\u{0}\"é''",
            "CREATE STREAM WINDOW_COUNTS )(",
        ] {
            assert!(check_sql(code).is_err(), "{code:?}");
        }
        assert!(check_sql(&"(".repeat(100_000)).is_err());
        assert!(check_sql(&format!("CREATE STREAM WINDOW_COUNTS {}", "(".repeat(100_000))).is_err());
    }
}
