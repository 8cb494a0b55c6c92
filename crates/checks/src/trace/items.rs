//! The items that a run left in the table.

use aws_sdk_dynamodb::types::AttributeValue;
use time::{Duration, OffsetDateTime};

use super::{Run, facts::Look};
use crate::{
    api_calls::QUERY,
    call::{Answer, make},
    chart::{moment, number},
    clients::CALL_TIMEOUT,
    items::Item,
    observed::Observed,
    steps::result_rows::window_close,
    text::clip,
    trial::iso,
};

/// So many pages of a Query are read.
const PAGES: usize = 5;
/// So many windows are cited.
const MOST_CITED: usize = 5;
/// Windows are looked for up to so long after a run, since an application may have been behind.
const LOOKED_FOR: Duration = Duration::days(1);

/// What one item of the metric `trace` says about the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TraceItem {
    pub(super) window_end: OffsetDateTime,
    pub(super) written_at: Option<OffsetDateTime>,
    /// Marked rows of this run; 0 in an item of other runs.
    pub(super) marks: u64,
    /// Whether the item tells pages apart at all. Without it a function of an earlier version stored it.
    pub(super) has_pages: bool,
}

/// A row that the function set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeadLetter {
    pub(super) reason: String,
    pub(super) written_at: OffsetDateTime,
}

/// The items of the metric `trace` since the run began.
pub(super) async fn of_run(observed: &Observed<'_>, run: &Run) -> Look<Vec<TraceItem>> {
    let until = run.last_accepted.unwrap_or(run.started) + LOOKED_FOR;
    let answer = query(observed, "trace", Some((run.started, until))).await;
    let items =
        answer.result.as_ref().map(|items| items.iter().filter_map(|item| trace_item(item, &run.title)).collect());
    let of_run = |item: &&TraceItem| item.marks > 0;
    let found: &[TraceItem] = items.as_ref().map_or(&[], Vec::as_slice);
    let mut evidence: Vec<_> = found
        .iter()
        .filter(of_run)
        .take(MOST_CITED)
        .map(|item| {
            answer.evidence([
                ("metric", "trace".to_owned()),
                ("window_end", iso(item.window_end)),
                (&run.title, item.marks.to_string()),
                ("written_at", item.written_at.map(iso).unwrap_or_default()),
            ])
        })
        .collect();
    if evidence.is_empty() {
        evidence.push(answer.evidence([("metric", "trace".to_owned()), ("items of this run", "0".to_owned())]));
    }
    Look { result: items.map_err(Clone::clone), evidence }
}

/// Page views, of whatever page, in the windows of the run.
pub(super) async fn views(observed: &Observed<'_>, run: &Run) -> Look<u64> {
    let length = Duration::seconds(i64::from(observed.subject.window_seconds.max(1)));
    let until = window_close(run.last_accepted.unwrap_or(run.started), length);
    let answer = query(observed, "views", Some((run.started, until))).await;
    let amount = |item: &Item| item.get("amount").and_then(number).unwrap_or(0);
    let views = answer.result.as_ref().map(|items| items.iter().map(amount).fold(0, u64::saturating_add));
    let shown = views.as_ref().map(ToString::to_string).unwrap_or_default();
    let evidence = answer.evidence([("metric", "views".to_owned()), ("amount in the run's windows", shown)]);
    Look { result: views.map_err(Clone::clone), evidence: vec![evidence] }
}

/// The newest row that was set aside since the run began.
pub(super) async fn dead_letter(observed: &Observed<'_>, run: &Run) -> Look<Option<DeadLetter>> {
    let answer = query(observed, "dead_letter", None).await;
    let newest = answer.result.as_ref().map(|items| {
        let letters = items.iter().filter_map(|item| {
            let written_at = item.get("written_at").and_then(moment)?;
            let reason =
                item.get("reason").and_then(|reason| reason.as_s().ok()).map_or("no reason given", String::as_str);
            Some(DeadLetter { reason: clip(reason, 120), written_at })
        });
        // Written to the second.
        letters
            .filter(|letter| letter.written_at >= run.started - Duration::SECOND)
            .max_by_key(|letter| letter.written_at)
    });
    let shown =
        newest.as_ref().ok().and_then(Option::as_ref).map_or("none", |letter| letter.reason.as_str()).to_owned();
    let evidence = answer.evidence([("metric", "dead_letter".to_owned()), ("reason", shown)]);
    Look { result: newest.map_err(Clone::clone), evidence: vec![evidence] }
}

fn trace_item(item: &Item, title: &str) -> Option<TraceItem> {
    let window_end = moment(item.get("window_end")?)?;
    let pages = item.get("pages").and_then(|pages| pages.as_m().ok());
    Some(TraceItem {
        window_end,
        written_at: item.get("written_at").and_then(moment),
        marks: pages.and_then(|pages| pages.get(title)).and_then(number).unwrap_or(0),
        has_pages: pages.is_some(),
    })
}

/// Items of one metric, those of windows that end in `between` alone. Without it (the sort key of a row set aside is no
/// time) only what tells when and why is read.
async fn query(
    observed: &Observed<'_>,
    metric: &str,
    between: Option<(OffsetDateTime, OffsetDateTime)>,
) -> Answer<Vec<Item>> {
    let mut items: Vec<Item> = Vec::new();
    let mut start = None;
    let mut at = observed.clock.now();
    for _ in 0..PAGES {
        let query = observed.clients.dynamodb.query().table_name(&observed.subject.table).consistent_read(true);
        let query = query
            .expression_attribute_names("#metric", "metric")
            .expression_attribute_values(":metric", AttributeValue::S(metric.to_owned()))
            .set_exclusive_start_key(start.take());
        let query = match between {
            Some((from, until)) => query
                .key_condition_expression("#metric = :metric AND window_end BETWEEN :from AND :until")
                .expression_attribute_values(":from", AttributeValue::S(iso(to_the_second(from))))
                .expression_attribute_values(":until", AttributeValue::S(iso(to_the_second(until)))),
            None => query.key_condition_expression("#metric = :metric").projection_expression("reason, written_at"),
        };
        let page = make(&QUERY, observed.clock, CALL_TIMEOUT, query.send()).await;
        at = page.at;
        match page.result {
            Ok(page) => {
                items.extend(page.items.unwrap_or_default());
                start = page.last_evaluated_key.filter(|key| !key.is_empty());
            }
            Err(error) => return Answer { call: &QUERY, at, result: Err(error) },
        }
        if start.is_none() {
            break;
        }
    }
    Answer { call: &QUERY, at, result: Ok(items) }
}

/// As keys are written: times with a fraction do not sort among those without.
fn to_the_second(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use time::macros::datetime;

    use super::*;

    fn item(attributes: &[(&str, AttributeValue)]) -> Item {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    #[test]
    fn an_item_tells_the_marked_rows_of_its_window() {
        let pages = HashMap::from([("Headwater_run_a".to_owned(), AttributeValue::N("12".to_owned()))]);
        let stored = item(&[
            ("metric", text("trace")),
            ("window_end", text("2026-11-24T19:00:00Z")),
            ("written_at", text("2026-11-24T19:00:02Z")),
            ("pages", AttributeValue::M(pages)),
        ]);
        let read = trace_item(&stored, "Headwater_run_a").unwrap();
        let expected = TraceItem {
            window_end: datetime!(2026-11-24 19:00 UTC),
            written_at: Some(datetime!(2026-11-24 19:00:02 UTC)),
            marks: 12,
            has_pages: true,
        };
        assert_eq!(read, expected);
        assert_eq!(trace_item(&stored, "Headwater_run_b").unwrap(), TraceItem { marks: 0, ..expected });
    }

    #[test]
    fn items_of_another_shape_are_survived() {
        let end = ("window_end", text("2026-11-24T19:00:00Z"));
        let without_pages = item(&[end.clone(), ("amount", AttributeValue::N("3".to_owned()))]);
        assert!(!trace_item(&without_pages, "a").unwrap().has_pages);
        assert_eq!(trace_item(&item(&[end, ("pages", text("?"))]), "a").unwrap().marks, 0);
        assert_eq!(trace_item(&item(&[("window_end", text("tomorrow"))]), "a"), None);
        assert_eq!(trace_item(&Item::new(), "a"), None);
    }
}
