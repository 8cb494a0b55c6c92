//! The items of the learner's table, read by Query.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::{
    api_calls::QUERY,
    call::{Answer, make},
    clients::CALL_TIMEOUT,
    finding::Finding,
    observed::Observed,
    text::clip,
    trial::{TRIAL_YEAR, TRIALS_END},
};

/// An item of the table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Which windows to read of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Windows {
    /// Those of [`Trial`](crate::trial::Trial)s. The table must have the lab's keys.
    Trials,
    /// All others. They are told apart here, not by DynamoDB, which would refuse the question for a table with
    /// another sort key.
    Real,
}

/// The items of one metric, newest window first. `limit` ends the search early; otherwise the pages are followed
/// within bounds, as one may be empty though more follow.
pub(crate) async fn query(
    observed: &Observed<'_>,
    metric: &str,
    windows: Windows,
    limit: Option<i32>,
) -> Answer<Vec<Item>> {
    const PAGES: usize = 10;
    let mut items: Vec<Item> = Vec::new();
    let mut start = None;
    let mut at = observed.clock.now();
    for _ in 0..PAGES {
        let query = observed.clients.dynamodb.query().table_name(&observed.subject.table);
        let query = match windows {
            Windows::Real => query.key_condition_expression("#metric = :metric"),
            Windows::Trials => query
                .key_condition_expression("#metric = :metric AND #window_end < :trials_end")
                .expression_attribute_names("#window_end", "window_end")
                .expression_attribute_values(":trials_end", AttributeValue::S(TRIALS_END.to_owned())),
        };
        let send = query
            .expression_attribute_names("#metric", "metric")
            .expression_attribute_values(":metric", AttributeValue::S(metric.to_owned()))
            .scan_index_forward(false)
            .consistent_read(true)
            .set_limit(limit)
            .set_exclusive_start_key(start.take())
            .send();
        let page = make(&QUERY, observed.clock, CALL_TIMEOUT, send).await;
        at = page.at;
        match page.result {
            Ok(page) => {
                let kept = |item: &Item| windows == Windows::Trials || !is_of_trial(item);
                items.extend(page.items.unwrap_or_default().into_iter().filter(kept));
                start = page.last_evaluated_key.filter(|key| !key.is_empty());
            }
            Err(error) => return Answer { call: &QUERY, at, result: Err(error) },
        }
        if start.is_none() || limit.is_some() && !items.is_empty() {
            break;
        }
    }
    Answer { call: &QUERY, at, result: Ok(items) }
}

/// Whether the item belongs to a window of our own tests.
pub(crate) fn is_of_trial(item: &Item) -> bool {
    item.get("window_end").and_then(|end| end.as_s().ok()).is_some_and(|end| end.starts_with(TRIAL_YEAR))
}

pub(crate) fn good(answer: &Answer<Vec<Item>>) -> Result<&[Item], Finding> {
    match &answer.result {
        Ok(items) => Ok(items),
        Err(error) => Err(Finding::could_not_look(answer, error)),
    }
}

pub(crate) fn sort_key(item: &Item) -> String {
    item.get("window_end").map(plain).unwrap_or_default()
}

/// A scalar as text, cut.
pub(crate) fn plain(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => clip(text, 60),
        _ => "(not a text or number)".to_owned(),
    }
}

pub(crate) fn is_number(value: Option<&AttributeValue>) -> bool {
    value.is_some_and(AttributeValue::is_n)
}
