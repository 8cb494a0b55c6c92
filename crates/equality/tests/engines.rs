//! Whichever engine counts, it comes to the same.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use equality::counts::{Counts, WindowCounts, collect};
use equality::flink::{self, Ending, Job, replace_once};
use equality::records::{Record, hostile_clicks};
use equality::{sql_application, tumbling_window};

const WINDOW_SECONDS: u32 = 10;

#[test]
fn all_engines_count_alike() {
    let records = hostile_clicks();
    // Flink takes longest, the other two go on in the meantime.
    let (sql, function, flink) = std::thread::scope(|scope| {
        let flink = scope.spawn(|| flink::count(&flink::sql_of_the_lab(WINDOW_SECONDS), &records, WINDOW_SECONDS));
        let sql = sql_application::count(&records, WINDOW_SECONDS).unwrap();
        let function = tumbling_window::count(&records, WINDOW_SECONDS).unwrap();
        (sql, function, flink.join().unwrap().unwrap())
    });
    must_be_worth_comparing(&sql);
    must_be_equal("the counting function", &function, &sql);
    must_be_equal("Flink", &flink, &sql);
}

/// Equal counts would prove little if few things were counted.
fn must_be_worth_comparing(counts: &Counts) {
    assert!(counts.len() > 6, "{} windows", counts.len());
    let full = |window: &&WindowCounts| {
        window.top_pages.len() == 10 && window.distinct_pages > 100 && !window.trace.is_empty()
    };
    assert!(counts.values().filter(full).count() > 3, "{counts:?}");
    // More hits than an INTEGER can hold.
    assert!(counts.values().any(|window| window.views > 4_000_000_000), "{counts:?}");
}

fn must_be_equal(engine: &str, found: &Counts, expected: &Counts) {
    let ends = |counts: &Counts| counts.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ends(found), ends(expected), "the windows of {engine}");
    for (end, window) in expected {
        assert_eq!(&found[end], window, "{engine}, the window that ends at {end}");
    }
}

/// In Flink time passes with rows only; the last clicks must be counted all the same. And the comparison must be able to
/// fail: this SQL has two mistakes, which show in every window.
#[test]
fn in_flink_the_last_window_ends_without_more_clicks_and_mistakes_show() {
    let records: Vec<Record> = hostile_clicks().into_iter().take(1_500).collect();
    let expected = tumbling_window::count(&records, WINDOW_SECONDS).unwrap();
    let sql = flink::sql_of_the_lab(WINDOW_SECONDS);
    let sql = replace_once(&sql, "COUNT(DISTINCT `page`)", "COUNT(`page`)").unwrap();
    let sql = replace_once(&sql, "`place` <= 10", "`place` <= 9").unwrap();
    let sql =
        replace_once(&sql, "'table.exec.source.idle-timeout' = '20 s'", "'table.exec.source.idle-timeout' = '1 s'")
            .unwrap();
    let mut job = Job::start(&sql, &records, Ending::Never).unwrap();
    // The queries are independent, so that their rows come in any order.
    let all = expected.values().map(|window| 2 + window.top_pages.len().min(9) + window.trace.len()).sum::<usize>();
    let rows = job.wait_for_rows(|rows| rows.len() >= all).unwrap();
    let found = collect(rows, WINDOW_SECONDS).unwrap();
    for (end, window) in &expected {
        assert_eq!(found[end].views, window.views, "{end}");
        assert_ne!(found[end].distinct_pages, window.distinct_pages, "{end}");
        assert_ne!(found[end].top_pages, window.top_pages, "{end}");
    }
}
