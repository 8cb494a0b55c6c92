//! The engine against hand-made examples and a naive model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

/// The code of a clickstream application, with windows of ten seconds.
const CLICKSTREAM: &str = r#"
-- One row for each metric and window.
CREATE OR REPLACE STREAM "WINDOW_COUNTS" ("metric" VARCHAR(32), "item" VARCHAR(512), "window_end" TIMESTAMP, "window_seconds" INTEGER, "amount" BIGINT);

CREATE OR REPLACE PUMP "VIEWS_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'views', '', STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' SECOND) + INTERVAL '10' SECOND, 10, SUM("hits")
FROM "SOURCE_SQL_STREAM_001"
GROUP BY STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' SECOND);

CREATE OR REPLACE PUMP "DISTINCT_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'distinct_pages', '', STEP(ROWTIME BY INTERVAL '10' SECOND), 10, NUMBER_OF_DISTINCT_ITEMS
FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 'curr_page', 10));

CREATE OR REPLACE PUMP "TOP_PAGES_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'top_pages', ITEM, STEP(ROWTIME BY INTERVAL '10' SECOND), 10, ITEM_COUNT
FROM TABLE(TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 'curr_page', 2, 10));
"#;

fn source() -> SourceStream {
    let column = |name: &str, sql_type| Column { name: name.to_owned(), sql_type };
    SourceStream {
        name: "SOURCE_SQL_STREAM_001".to_owned(),
        columns: vec![
            column("prev_page", SqlType::Varchar(512)),
            column("curr_page", SqlType::Varchar(512)),
            column("link_type", SqlType::Varchar(8)),
            column("hits", SqlType::Integer),
        ],
    }
}

fn engine(code: &str, outputs: &[&str]) -> Engine {
    let program = Program::compile(code, &[source()]).unwrap_or_else(|error| panic!("{error}"));
    let mut engine = Engine::new(Arc::new(program), None);
    for output in outputs {
        let stream = engine.program().stream(output).unwrap();
        engine.keep(stream);
    }
    engine
}

fn click(page: &str, hits: i64) -> Row {
    let values = [Value::text("other-search"), Value::text(page), Value::text("external"), Value::Integer(hits)];
    Row { rowtime: 0, arrival: 0, values: Box::new(values) }
}

fn push(engine: &mut Engine, rowtime: i64, rows: &[(&str, i64)]) {
    let mut rows: Vec<Row> =
        rows.iter().map(|(page, hits)| Row { rowtime, arrival: rowtime - 5, ..click(page, *hits) }).collect();
    engine.push(0, rowtime, &mut rows);
}

fn show(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let values: Vec<String> = row
            .values
            .iter()
            .map(|value| match value {
                Value::Null => "NULL".to_owned(),
                value => value.to_string(),
            })
            .collect();
        format!("{} | {}", &format_timestamp(row.rowtime)[11..], values.join(", "))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn output(engine: &mut Engine, name: &str) -> String {
    let stream = engine.program().stream(name).unwrap();
    show(&engine.take_rows(stream))
}

/// One query over the clicks into a stream "OUT" of the given columns; its output after all windows closed.
fn query(columns: &str, select: &str, rows: &[(i64, &str, i64)]) -> String {
    let code = format!("CREATE STREAM \"OUT\" ({columns}); CREATE PUMP P AS INSERT INTO \"OUT\" {select}");
    let mut engine = engine(&code, &["OUT", "error_stream"]);
    for (rowtime, page, hits) in rows {
        push(&mut engine, *rowtime, &[(page, *hits)]);
    }
    engine.advance(100 * 3_600_000);
    let errors = output(&mut engine, "error_stream");
    let rows = output(&mut engine, "OUT");
    if errors.is_empty() { rows } else { format!("{rows}\nerrors:\n{errors}") }
}

fn mistake(code: &str) -> String {
    match Program::compile(code, &[source()]) {
        Ok(_) => "no mistake".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn query_mistake(columns: &str, select: &str) -> String {
    mistake(&format!("CREATE STREAM \"OUT\" ({columns});\nCREATE PUMP P AS INSERT INTO \"OUT\"\n{select}"))
}

#[test]
fn the_clickstream_application_counts() {
    let mut engine = engine(CLICKSTREAM, &["WINDOW_COUNTS"]);
    push(&mut engine, 20_000, &[("Paris,_Texas", 3), ("Berlin", 1)]);
    push(&mut engine, 25_000, &[("Berlin", 4), ("Zürich", 2), ("Berlin", 1)]);
    assert_eq!(engine.next_close(), Some(30_000));
    engine.advance(29_999);
    assert_eq!(output(&mut engine, "WINDOW_COUNTS"), "");
    engine.advance(30_000);
    assert_snapshot!(output(&mut engine, "WINDOW_COUNTS"), @r"
    00:00:30.000 | views, , 1970-01-01 00:00:30.000, 10, 11
    00:00:30.000 | distinct_pages, , 1970-01-01 00:00:30.000, 10, 3
    00:00:30.000 | top_pages, Berlin, 1970-01-01 00:00:30.000, 10, 3
    00:00:30.000 | top_pages, Paris,_Texas, 1970-01-01 00:00:30.000, 10, 1
    ");
    // a row at the very end of a window is in the next one, which closes when a later row comes
    push(&mut engine, 30_000, &[("Berlin", 5)]);
    push(&mut engine, 95_000, &[("Berlin", 1)]);
    assert_snapshot!(output(&mut engine, "WINDOW_COUNTS"), @r"
    00:00:40.000 | views, , 1970-01-01 00:00:40.000, 10, 5
    00:00:40.000 | distinct_pages, , 1970-01-01 00:00:40.000, 10, 1
    00:00:40.000 | top_pages, Berlin, 1970-01-01 00:00:40.000, 10, 1
    ");
    assert_eq!(engine.errors(), 0);
}

#[test]
fn marked_pages_are_counted_one_by_one() {
    let select = r#"SELECT STREAM 'trace', "curr_page", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' SECOND)
        + INTERVAL '10' SECOND, 10, SUM("hits") FROM "SOURCE_SQL_STREAM_001" WHERE "curr_page" LIKE 'Headwater_run_%'
        GROUP BY "curr_page", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' SECOND)"#;
    let columns = r#""metric" VARCHAR(32), "item" VARCHAR(512), "window_end" TIMESTAMP, "window_seconds" INTEGER, "amount" BIGINT"#;
    let rows = [
        (20_000, "Headwater_run_a2b3c4d5e6", 1),
        (21_000, "Berlin", 7),
        (22_000, "Headwater_run_zzzzzzzzzz", 1),
        (29_999, "Headwater_run_a2b3c4d5e6", 1),
        (30_000, "Headwater_run_a2b3c4d5e6", 1),
        (31_000, "About_Headwater_run_a2b3c4d5e6", 1),
        (32_000, "Headwater", 1),
    ];
    assert_snapshot!(query(columns, select, &rows), @r"
    00:00:30.000 | trace, Headwater_run_a2b3c4d5e6, 1970-01-01 00:00:30.000, 10, 2
    00:00:30.000 | trace, Headwater_run_zzzzzzzzzz, 1970-01-01 00:00:30.000, 10, 1
    00:00:40.000 | trace, Headwater_run_a2b3c4d5e6, 1970-01-01 00:00:40.000, 10, 1
    ");
}

#[test]
fn rows_pass_pumps_in_a_chain_whatever_their_order_in_the_code() {
    let code = r#"
        CREATE OR REPLACE STREAM "TOTALS" ("ends" TIMESTAMP, total BIGINT);
        CREATE OR REPLACE PUMP "LAST" AS INSERT INTO "TOTALS" ("ends", total)
            SELECT STREAM FLOOR(d.ROWTIME TO MINUTE) + INTERVAL '1' MINUTE, SUM(d."views") FROM "DEEP" AS d
            GROUP BY FLOOR(d.ROWTIME TO MINUTE);
        CREATE OR REPLACE STREAM "DEEP" ("page" VARCHAR(3), "views" INTEGER);
        CREATE OR REPLACE PUMP "FIRST" AS INSERT INTO "DEEP"
            SELECT STREAM "curr_page" AS p, SUM("hits") AS s FROM "SOURCE_SQL_STREAM_001"
            WHERE "curr_page" <> 'Main_Page'
            GROUP BY "curr_page", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '10' SECOND)
            HAVING COUNT(*) > 1;
    "#;
    let mut engine = engine(code, &["DEEP", "TOTALS"]);
    push(&mut engine, 41_000, &[("Berlin", 3), ("Berlin", 4), ("Main_Page", 9), ("Rome", 1)]);
    push(&mut engine, 59_999, &[("Rome", 1), ("Rome", 1)]);
    // closes 50 s and 60 s; the row of 60 s belongs to the minute that begins there
    engine.advance(61_000);
    assert_snapshot!(output(&mut engine, "DEEP"), @r"
    00:00:50.000 | Ber, 7
    00:01:00.000 | Rom, 2
    ");
    assert_snapshot!(output(&mut engine, "TOTALS"), @"00:01:00.000 | 1970-01-01 00:01:00.000, 7");
    engine.advance(1_000_000);
    assert_snapshot!(output(&mut engine, "TOTALS"), @"00:02:00.000 | 1970-01-01 00:02:00.000, 2");
}

#[test]
fn aggregates_ignore_nulls_and_keep_types() {
    assert_snapshot!(query(
        "a BIGINT, b BIGINT, c BIGINT, d BIGINT, e INTEGER, f VARCHAR(20), g DOUBLE, h BIGINT, i DECIMAL(8,2)",
        "SELECT STREAM COUNT(*), COUNT(NULLIF(\"hits\", 2)), SUM(\"hits\"), AVG(\"hits\"), MIN(\"hits\"), MAX(\"curr_page\"),
             AVG(CAST(\"hits\" AS DOUBLE)), COUNT(DISTINCT \"curr_page\"), SUM(\"hits\" * 1.25)
         FROM \"SOURCE_SQL_STREAM_001\" GROUP BY STEP(ROWTIME BY INTERVAL '1' MINUTE)",
        &[(1_000, "b", 2), (2_000, "a", 5), (3_000, "b", 2)],
    ), @"00:01:00.000 | 3, 1, 9, 3, 2, b, 3.0, 2, 11.25");
    assert_snapshot!(query(
        "a BIGINT, b BIGINT, c INTEGER",
        "SELECT STREAM SUM(NULLIF(\"hits\", 2)), COUNT(NULLIF(\"hits\", 2)), MAX(NULLIF(\"hits\", 2))
         FROM \"SOURCE_SQL_STREAM_001\" GROUP BY STEP(ROWTIME BY INTERVAL '1' MINUTE)",
        &[(1_000, "b", 2)],
    ), @"00:01:00.000 | NULL, 0, NULL");
}

#[test]
fn late_rows_are_told_apart_by_grouping_by_both_times() {
    assert_snapshot!(query(
        "processed TIMESTAMP, arrived TIMESTAMP, n BIGINT",
        "SELECT STREAM STEP(ROWTIME BY INTERVAL '10' SECOND), STEP(APPROXIMATE_ARRIVAL_TIME BY INTERVAL '10' SECOND), COUNT(*)
         FROM \"SOURCE_SQL_STREAM_001\"
         GROUP BY STEP(ROWTIME BY INTERVAL '10' SECOND), STEP(APPROXIMATE_ARRIVAL_TIME BY INTERVAL '10' SECOND)",
        &[(10_002, "a", 1), (10_007, "a", 1), (10_009, "a", 1)],
    ), @r"
    00:00:20.000 | 1970-01-01 00:00:10.000, 1970-01-01 00:00:00.000, 1
    00:00:20.000 | 1970-01-01 00:00:10.000, 1970-01-01 00:00:10.000, 2
    ");
}

#[test]
fn expressions_of_one_row() {
    assert_snapshot!(query(
        "a VARCHAR(40), b VARCHAR(5), c INTEGER, d VARCHAR(9), e BOOLEAN, f INTEGER, g TIMESTAMP, h DOUBLE, i VARCHAR(30)",
        "SELECT STREAM UPPER(\"curr_page\") || '/' || LOWER(\"link_type\"), SUBSTRING(\"curr_page\" FROM 2 FOR 3),
             CHAR_LENGTH(\"curr_page\"),
             CASE WHEN \"hits\" > 5 THEN 'many' WHEN \"hits\" BETWEEN 2 AND 5 THEN 'some' ELSE 'one' END,
             \"curr_page\" LIKE 'Z%' AND NOT \"link_type\" IN ('link', 'other'), POSITION('i' IN \"curr_page\") + \"hits\" * 2 - 7 / 2,
             ROWTIME + INTERVAL '1.5' SECOND, \"hits\" / 2.0, CAST(CAST('2026-11-24' AS DATE) AS VARCHAR(30))
         FROM \"SOURCE_SQL_STREAM_001\"",
        &[(1_000, "Zürich", 3)],
    ), @"00:00:01.000 | ZÜRICH/external, üri, 6, some, TRUE, 7, 1970-01-01 00:00:02.500, 1.5, 2026-11-24");
    assert_snapshot!(query(
        "a INTEGER, b VARCHAR(9), c VARCHAR(9), d BOOLEAN, e BOOLEAN, f INTEGER, g BIGINT",
        "SELECT STREAM COALESCE(NULL, NULLIF(\"hits\", 3), 7), TRIM(BOTH 'x' FROM 'xaxx'), TRIM('  b '), NULL = 1 OR \"hits\" = 3,
             CAST(NULL AS INTEGER) IS NULL, MOD(\"hits\", 2), EXTRACT(HOUR FROM ROWTIME)
         FROM (SELECT STREAM \"hits\" FROM \"SOURCE_SQL_STREAM_001\" WHERE \"hits\" >= 3) AS q",
        &[(7_200_000, "Zürich", 3), (7_200_000, "Rome", 1)],
    ), @"02:00:00.000 | 7, a, b, TRUE, TRUE, 1, 2");
}

#[test]
fn a_failing_row_goes_to_the_error_stream() {
    assert_snapshot!(query(
        "a SMALLINT",
        "SELECT STREAM 100000 / (\"hits\" - 2) FROM \"SOURCE_SQL_STREAM_001\"",
        &[(1_000, "ok", 102), (2_000, "zero", 2), (3_000, "wide", 3)],
    ), @r"
    00:00:01.000 | 1000
    errors:
    00:00:02.000 | 1970-01-01 00:00:02.000, ERROR, Division by zero, division by zero, 1970-01-01 00:00:02.000, 6F746865722D7365617263682C7A65726F2C65787465726E616C2C32, P
    00:00:03.000 | 1970-01-01 00:00:03.000, ERROR, Numeric overflow, the value 100000 does not fit the type SMALLINT, 1970-01-01 00:00:03.000, 6F746865722D7365617263682C776964652C65787465726E616C2C33, P
    ");
    assert_snapshot!(query(
        "a INTEGER",
        "SELECT STREAM CAST(\"curr_page\" AS INTEGER) FROM \"SOURCE_SQL_STREAM_001\"",
        &[(1_000, "42", 1), (2_000, "forty", 1)],
    ), @r#"
    00:00:01.000 | 42
    errors:
    00:00:02.000 | 1970-01-01 00:00:02.000, ERROR, Coercion, "forty" cannot be read as INTEGER, 1970-01-01 00:00:02.000, 6F746865722D7365617263682C666F7274792C65787465726E616C2C31, P
    "#);
}

/// An engine with one window of a minute over the clicks, a group for each page, which holds about `state_bytes`.
fn bounded(columns: &str, select: &str, state_bytes: usize) -> Engine {
    let code = format!(
        "CREATE STREAM \"OUT\" ({columns}); CREATE PUMP P AS INSERT INTO \"OUT\" SELECT STREAM {select}
         FROM \"SOURCE_SQL_STREAM_001\" GROUP BY STEP(ROWTIME BY INTERVAL '1' MINUTE), \"curr_page\""
    );
    let mut engine = engine(&code, &["OUT", "error_stream"]);
    engine.bounds.state_bytes = state_bytes;
    engine
}

fn push_pages(engine: &mut Engine, rowtime: i64, count: usize) {
    let pages: Vec<String> = (0..count).map(|number| format!("page{number}")).collect();
    let rows: Vec<(&str, i64)> = pages.iter().map(|page| (page.as_str(), 1)).collect();
    push(engine, rowtime, &rows);
}

/// 200 sums of 8 bytes and more for each of 200 pages are at least 320 KB.
#[test]
fn aggregates_count_towards_what_windows_may_hold() {
    let columns: Vec<String> = (0..200).map(|number| format!("c{number} BIGINT")).collect();
    let sums: Vec<String> = (0..200).map(|number| format!("SUM(\"hits\" + {number})")).collect();
    let mut engine = bounded(&columns.join(", "), &sums.join(", "), 160_000);
    push_pages(&mut engine, 1_000, 200);
    let errors = output(&mut engine, "error_stream");
    assert!(engine.errors() >= 100, "{}", engine.errors());
    let message = "Too many groups, the open windows hold more than 160000 bytes; the row is not counted";
    assert!(errors.lines().all(|line| line.contains(message)), "{errors}");
    // what is in may grow no more but is counted on, and a closed window makes room
    let let_in = 200 - engine.errors();
    push_pages(&mut engine, 2_000, 200);
    assert_eq!(engine.errors(), 2 * (200 - let_in));
    engine.advance(60_000);
    let rows = output(&mut engine, "OUT");
    assert_eq!(rows.lines().count() as u64, let_in);
    assert!(rows.lines().all(|line| line.starts_with("00:01:00.000 | 2, 4, 6, ")), "{rows}");
    push_pages(&mut engine, 61_000, let_in as usize);
    assert_eq!(engine.errors(), 2 * (200 - let_in));
}

#[test]
fn a_replaced_extreme_gives_its_room_back() {
    let mut engine = bounded("a INTEGER", "MAX(\"hits\")", 2_000);
    let rising: Vec<(&str, i64)> = (0..1_000).map(|hits| ("Berlin", hits)).collect();
    push(&mut engine, 1_000, &rising);
    push(&mut engine, 2_000, &[("Rome", 1)]);
    assert_eq!(engine.errors(), 0);
}

#[test]
fn full_windows_take_no_longer_text_and_no_further_item() {
    let code = r#"
        CREATE STREAM "OUT" (a VARCHAR(60000));
        CREATE PUMP P AS INSERT INTO "OUT" SELECT STREAM MAX("curr_page") FROM "SOURCE_SQL_STREAM_001" GROUP BY FLOOR(ROWTIME TO MINUTE);
        CREATE STREAM "COUNTS" (n BIGINT);
        CREATE PUMP Q AS INSERT INTO "COUNTS" SELECT STREAM NUMBER_OF_DISTINCT_ITEMS
        FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 'curr_page', 60));
    "#;
    let mut engine = engine(code, &["OUT", "COUNTS"]);
    engine.bounds.state_bytes = 5_000;
    push(&mut engine, 1_000, &[("a", 1)]);
    push(&mut engine, 2_000, &[(&"b".repeat(9_000), 1)]);
    assert_eq!(engine.errors(), 1, "the text is let in and leaves no room for the item");
    push(&mut engine, 3_000, &[(&"c".repeat(9_500), 1)]);
    assert_eq!(engine.errors(), 3);
    // a shorter text makes room again
    push(&mut engine, 4_000, &[("d", 1), ("a", 1)]);
    assert_eq!(engine.errors(), 3);
    engine.advance(60_000);
    assert_eq!(output(&mut engine, "OUT"), "00:01:00.000 | d");
    assert_eq!(output(&mut engine, "COUNTS"), "00:01:00.000 | 2");
}

#[test]
fn rows_lost_by_their_number_are_told_of_once() {
    let code = r#"
        CREATE STREAM "OUT" (n INTEGER);
        CREATE PUMP P AS INSERT INTO "OUT" SELECT STREAM "hits" FROM "SOURCE_SQL_STREAM_001";
    "#;
    let mut engine = engine(code, &["OUT", "error_stream"]);
    engine.bounds.flow_bytes = 32 * 100;
    push_pages(&mut engine, 1_000, 150);
    assert_eq!(output(&mut engine, "OUT").lines().count(), 100);
    assert_eq!(engine.errors(), 50);
    assert_snapshot!(output(&mut engine, "error_stream"), @"00:00:01.000 | 1970-01-01 00:00:01.000, ERROR, Too many rows, the rows made at one moment take more than 3200 bytes; those beyond are lost, 1970-01-01 00:00:01.000, , P");
    push_pages(&mut engine, 2_000, 150);
    assert_eq!(output(&mut engine, "error_stream").lines().count(), 1);
}

#[test]
fn the_time_is_that_of_the_row() {
    assert_snapshot!(query(
        "a TIMESTAMP, b TIMESTAMP, c TIMESTAMP, d DATE",
        "SELECT STREAM CURRENT_TIMESTAMP, LOCALTIMESTAMP, CURRENT_ROW_TIMESTAMP, CURRENT_DATE FROM \"SOURCE_SQL_STREAM_001\"",
        &[(86_401_000, "Rome", 1)],
    ), @"00:00:01.000 | 1970-01-02 00:00:01.000, 1970-01-02 00:00:01.000, 1970-01-02 00:00:01.000, 1970-01-02");
    assert_snapshot!(query(
        "a TIMESTAMP, b BIGINT",
        "SELECT STREAM CURRENT_TIMESTAMP, COUNT(*) FROM \"SOURCE_SQL_STREAM_001\"
         WHERE CURRENT_TIMESTAMP >= TIMESTAMP '1970-01-01 00:00:02' GROUP BY FLOOR(ROWTIME TO MINUTE)",
        &[(1_000, "Rome", 1), (2_000, "Rome", 1)],
    ), @"00:01:00.000 | 1970-01-01 00:01:00.000, 1");
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM CURRENT_TIME FROM \"SOURCE_SQL_STREAM_001\""), @"line 3, column 15: CURRENT_TIME is not offered, because there is no type TIME; CURRENT_TIMESTAMP is");
}

#[test]
fn errors_of_errors_do_not_run_in_a_circle() {
    let code = r#"
        CREATE STREAM "FAILED" (n INTEGER);
        CREATE PUMP A AS INSERT INTO "FAILED" SELECT STREAM 1 / 0 FROM "SOURCE_SQL_STREAM_001";
        CREATE PUMP B AS INSERT INTO "FAILED" SELECT STREAM CHAR_LENGTH(MESSAGE) / 0 FROM error_stream;
    "#;
    let mut engine = engine(code, &["FAILED", "error_stream"]);
    push(&mut engine, 1_000, &[("a", 1)]);
    assert_eq!(output(&mut engine, "FAILED"), "");
    assert_eq!(output(&mut engine, "error_stream").lines().count(), 1);
    assert_eq!(engine.errors(), 2);
}

#[test]
fn mistakes_are_told_with_their_place_and_a_remedy() {
    assert_snapshot!(mistake("CREATE STREAM \"A\" (a INTEGER"), @r#"line 1, column 29: Expected: ), found: EOF"#);
    assert_snapshot!(mistake("CREATE STREAM \"A\" (a INTEGER) CREATE PUMP"), @r#"line 1, column 31: CREATE is not expected here; statements end with a semicolon"#);
    assert_snapshot!(mistake("SELECT STREAM * FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 1, column 1: SELECT does not start a statement here, only CREATE STREAM and CREATE PUMP do; a query runs inside a pump: CREATE OR REPLACE PUMP "name" AS INSERT INTO ..."#);
    assert_snapshot!(mistake("CREATE FUNCTION f"), @r#"line 1, column 8: the sandbox does not offer CREATE FUNCTION, only CREATE STREAM and CREATE PUMP"#);
    assert_snapshot!(mistake("CREATE STREAM a (b INTEGER); CREATE STREAM A (b INTEGER)"), @r#"line 1, column 44: "A" exists already; write CREATE OR REPLACE"#);
    assert_snapshot!(mistake("CREATE STREAM \"SOURCE_SQL_STREAM_001\" (b INTEGER)"), @r#"line 1, column 15: the stream "SOURCE_SQL_STREAM_001" exists already and cannot be replaced"#);
    assert_snapshot!(mistake("CREATE STREAM a (b JSON)"), @r#"line 1, column 18: the sandbox has no type JSON; it has VARCHAR(n), CHAR(n), BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, DECIMAL(p,s), REAL, DOUBLE, TIMESTAMP and DATE"#);
    assert_snapshot!(mistake("CREATE STREAM a (b VARCHAR)"), @r#"line 1, column 18: give the greatest length in characters, such as VARCHAR(512)"#);
    assert_snapshot!(mistake("CREATE STREAM a (b INTEGER, \"B\" INTEGER)"), @r#"line 1, column 15: the column "B" is there twice"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT \"hits\" FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 3, column 1: a query over streams starts with SELECT STREAM"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM hits FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 3, column 15: "SOURCE_SQL_STREAM_001" has no column HITS; names without quotes mean upper case, so write "hits" in double quotes"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM \"column1\" FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 3, column 15: "SOURCE_SQL_STREAM_001" has no column "column1"; it has "prev_page", "curr_page", "link_type", "hits""#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM \"hits\" FROM source_sql_stream"), @r#"line 3, column 27: there is no stream "SOURCE_SQL_STREAM"; there are "SOURCE_SQL_STREAM_001", "error_stream", "OUT""#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM \"hits\" FROM \"source_sql_stream_001\""), @r#"line 3, column 27: there is no stream "source_sql_stream_001", but one named "SOURCE_SQL_STREAM_001": case matters in double quotes, and names without quotes mean upper case"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM \"curr_page\" FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 3, column 15: the column "A" is INTEGER, the value is VARCHAR(512); write CAST(... AS INTEGER)"#);
    assert_snapshot!(query_mistake("a INTEGER, b INTEGER", "SELECT STREAM \"hits\" FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 3, column 15: the query gives 1 columns, but "OUT" takes 2"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM SUM(\"hits\") FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 3, column 15: an aggregate needs a window that ends: GROUP BY STEP(ROWTIME BY INTERVAL '60' SECOND) or GROUP BY FLOOR(ROWTIME TO MINUTE)"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM SUM(\"hits\") FROM \"SOURCE_SQL_STREAM_001\" GROUP BY \"curr_page\""), @r#"line 3, column 65: an aggregate needs a window that ends: GROUP BY STEP(ROWTIME BY INTERVAL '60' SECOND) or GROUP BY FLOOR(ROWTIME TO MINUTE)"#);
    assert_snapshot!(query_mistake(
        "a INTEGER",
        "SELECT STREAM COUNT(*) FROM \"SOURCE_SQL_STREAM_001\" GROUP BY STEP(APPROXIMATE_ARRIVAL_TIME BY INTERVAL '1' MINUTE)"
    ), @r#"line 3, column 62: APPROXIMATE_ARRIVAL_TIME alone never tells that a window is complete, because a late row may still come: add STEP(ROWTIME BY ...) to the GROUP BY"#);
    assert_snapshot!(query_mistake(
        "a INTEGER",
        "SELECT STREAM \"hits\" FROM \"SOURCE_SQL_STREAM_001\" GROUP BY STEP(ROWTIME BY INTERVAL '1' MINUTE)"
    ), @r#"line 3, column 15: the column "hits" must be in GROUP BY or in an aggregate such as SUM"#);
    assert_snapshot!(query_mistake(
        "a INTEGER",
        "SELECT STREAM COUNT(*) FROM \"SOURCE_SQL_STREAM_001\" GROUP BY STEP(ROWTIME BY INTERVAL '120' SECOND)"
    ), @r#"line 3, column 87: the interval '120' has 3 digits: write INTERVAL '120' SECOND(3)"#);
    assert_snapshot!(query_mistake(
        "a INTEGER",
        "SELECT STREAM COUNT(*) FROM \"SOURCE_SQL_STREAM_001\" GROUP BY FLOOR(ROWTIME TO MONTH)"
    ), @r#"line 3, column 68: FLOOR goes TO SECOND, MINUTE, HOUR or DAY here, not to MONTH"#);
    assert_snapshot!(query_mistake(
        "a INTEGER",
        "SELECT STREAM SUM(\"hits\") OVER (ORDER BY ROWTIME RANGE INTERVAL '1' MINUTE PRECEDING) FROM \"SOURCE_SQL_STREAM_001\""
    ), @r#"line 3, column 15: SUM(...) OVER, a sliding window, is not offered; GROUP BY STEP(ROWTIME BY ...) is"#);
    assert_snapshot!(query_mistake(
        "a INTEGER",
        "SELECT STREAM a.\"hits\" FROM \"SOURCE_SQL_STREAM_001\" a JOIN \"SOURCE_SQL_STREAM_001\" b ON a.\"hits\" = b.\"hits\""
    ), @r#"line 3, column 60: JOIN is not offered; a query reads one stream"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM REGEX_REPLACE(\"curr_page\") FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 3, column 15: the sandbox's SQL has no function REGEX_REPLACE"#);
    assert_snapshot!(query_mistake(
        "a INTEGER",
        "SELECT STREAM NUMBER_OF_DISTINCT_ITEMS FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM \"SOURCE_SQL_STREAM_001\"), 'column1', 60))"
    ), @r#"line 3, column 135: there is no column 'column1' to count; there are 'prev_page', 'curr_page', 'link_type', 'hits'"#);
    assert_snapshot!(query_mistake(
        "a INTEGER",
        "SELECT STREAM ITEM_COUNT FROM TABLE(TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM \"SOURCE_SQL_STREAM_001\"), 'curr_page', 10, 3601))"
    ), @r#"line 3, column 129: the window is 1 to 3600 seconds"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM \"hits\" + \"curr_page\" FROM \"SOURCE_SQL_STREAM_001\""), @r#"line 3, column 15: INTEGER + VARCHAR(512) is not defined; CAST one side"#);
    assert_snapshot!(query_mistake("a INTEGER", "SELECT STREAM 1 FROM \"SOURCE_SQL_STREAM_001\" WHERE \"hits\" = 'x'"), @r#"line 3, column 52: INTEGER and VARCHAR(1) do not go together; CAST one of them"#);
    assert_snapshot!(mistake(
        "CREATE STREAM a (n INTEGER); CREATE STREAM b (n INTEGER);
         CREATE PUMP p AS INSERT INTO a SELECT STREAM n FROM b; CREATE PUMP q AS INSERT INTO b SELECT STREAM n FROM a"
    ), @r#"line 1, column 1: the pumps lead in a circle through "A"; rows would never end"#);
}

#[test]
fn hostile_code_is_refused_without_harm() {
    let pattern = "a".repeat(513);
    let like = format!("SELECT STREAM 1 FROM \"SOURCE_SQL_STREAM_001\" WHERE \"curr_page\" LIKE '{pattern}'");
    assert!(
        query_mistake("a INTEGER", &like).contains("line 3, column 69: a pattern of LIKE has at most 512 characters")
    );
    let deep = format!("({}1{})", "(".repeat(20_000), ")".repeat(20_000));
    assert!(
        query_mistake("a INTEGER", &format!("SELECT STREAM {deep} FROM \"SOURCE_SQL_STREAM_001\"")).contains("deeper")
    );
    let long = " ".repeat(200_000);
    assert!(mistake(&long).contains("longer than"));
    for (terms, mistake) in
        [(20_000, "operators and keywords"), (590, "nests deeper"), (150, "nests deeper"), (90, "no mistake")]
    {
        let chain = "1".to_owned() + &" + 1".repeat(terms);
        let select = format!("SELECT STREAM {chain} FROM \"SOURCE_SQL_STREAM_001\"");
        let found = query_mistake("a BIGINT", &select);
        assert!(found.contains(mistake), "{terms}: {found}");
    }
    let mut fan_out = String::from(
        "CREATE STREAM s0 (n INTEGER); CREATE PUMP q AS INSERT INTO s0 SELECT STREAM \"hits\" FROM \"SOURCE_SQL_STREAM_001\";",
    );
    for level in 1..10 {
        fan_out += &format!("CREATE STREAM s{level} (n INTEGER);");
        for pump in 0..2 {
            fan_out +=
                &format!("CREATE PUMP p{level}_{pump} AS INSERT INTO s{level} SELECT STREAM n FROM s{};", level - 1);
        }
    }
    assert!(mistake(&fan_out).contains("ways"), "{}", mistake(&fan_out));
    let many: String = (0..100).map(|number| format!("CREATE STREAM s{number} (n INTEGER);")).collect();
    assert!(mistake(&many).contains("at most 64 streams"));
    let hours = "SELECT STREAM COUNT(*) FROM \"SOURCE_SQL_STREAM_001\" GROUP BY STEP(ROWTIME BY INTERVAL '25' HOUR)";
    assert!(query_mistake("a INTEGER", hours).contains("24 hours"));
}

/// Batches of clicks: how much later than the batch before, and pages with hits.
fn batches() -> impl Strategy<Value = Vec<(i64, Vec<(u8, i64)>)>> {
    prop::collection::vec((1_i64..7_000, prop::collection::vec((0_u8..6, 1_i64..50), 0..6)), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Views, distinct pages and top pages of every window equal what a naive count comes to, whatever the times at which
    /// the timer closes windows.
    #[test]
    fn windows_agree_with_a_naive_count(batches in batches(), ticks in prop::collection::vec(0_i64..7_000, 30)) {
        let mut engine = engine(CLICKSTREAM, &["WINDOW_COUNTS"]);
        let mut naive: BTreeMap<i64, Vec<(String, i64)>> = BTreeMap::new();
        let mut now = 0;
        for ((delay, rows), tick) in batches.iter().zip(ticks) {
            now += delay;
            let rows: Vec<(String, i64)> = rows.iter().map(|(page, hits)| (format!("page{page}"), *hits)).collect();
            let borrowed: Vec<(&str, i64)> = rows.iter().map(|(page, hits)| (page.as_str(), *hits)).collect();
            push(&mut engine, now, &borrowed);
            if !rows.is_empty() {
                naive.entry(now - now % 10_000 + 10_000).or_default().extend(rows);
            }
            now += tick;
            engine.advance(now);
        }
        engine.advance(now + 20_000);
        let stream = engine.program().stream("WINDOW_COUNTS").unwrap();
        let found: BTreeSet<String> = engine.take_rows(stream).iter().map(|row| show(std::slice::from_ref(row))).collect();
        let mut expected = BTreeSet::new();
        for (end, rows) in naive {
            let time = format_timestamp(end);
            let mut add = |metric: &str, item: &str, amount: i64| {
                expected.insert(format!("{} | {metric}, {item}, {time}, 10, {amount}", &time[11..]));
            };
            add("views", "", rows.iter().map(|(_, hits)| hits).sum());
            let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
            for (page, _) in &rows {
                *counts.entry(page).or_default() += 1;
            }
            add("distinct_pages", "", counts.len() as i64);
            let mut top: Vec<(&str, i64)> = counts.into_iter().collect();
            top.sort_by_key(|(page, count)| (-count, page.to_owned()));
            for (page, count) in top.into_iter().take(2) {
                add("top_pages", page, count);
            }
        }
        prop_assert_eq!(found, expected);
    }

    /// No text makes the parser panic.
    #[test]
    fn any_text_is_read_or_refused(code in "[ -~]{0,200}") {
        let _ = Program::compile(&code, &[source()]);
    }

    /// Nor does code of the right words in any order.
    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(prop::sample::select(vec![
        "CREATE", "OR", "REPLACE", "STREAM", "PUMP", "\"A\"", "(", ")", "n", "INTEGER", ",", ";", "AS", "INSERT", "INTO", "SELECT STREAM",
        "*", "FROM", "\"SOURCE_SQL_STREAM_001\"", "GROUP BY", "STEP", "ROWTIME", "BY", "INTERVAL", "'60'", "SECOND", "SUM", "\"hits\"",
        "TABLE", "CURSOR", "COUNT_DISTINCT_ITEMS_TUMBLING", "'curr_page'", "60", "CASE", "WHEN", "END", "CAST", "FLOOR", "TO", "MINUTE", "-", "/", "NULL",
    ]), 0..60)) {
        let _ = Program::compile(&words.join(" "), &[source()]);
    }
}
