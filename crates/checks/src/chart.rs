//! Window counts for the chart, read by Query from the learner's table.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    api_calls::QUERY,
    call::{CallError, Clock, make},
    clients::{CALL_TIMEOUT, Clients},
    items::{Item, is_of_trial},
    subject::Subject,
};

/// At most so many windows are returned, empty ones included.
pub const MOST_WINDOWS: usize = 500;
/// A window whose counts were stored longer than this after its end is late.
pub const LATE_AFTER: Duration = Duration::seconds(15);
/// At most so many pages of a Query are read for each metric.
const PAGES: usize = 8;
/// Titles shown beside the chart.
const TOP_PAGES: usize = 10;

/// What the chart shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowCounts {
    /// Windows in order of time. Those between the first and the last that have no counts stand as empty ones.
    pub windows: Vec<Window>,
    /// Whether the table holds earlier windows, which are left out.
    pub earlier: bool,
    /// Items of a shape that the lab's output function does not write. They are left out.
    pub unreadable: u32,
    /// When this was read.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// The counts of one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its end, exclusive.
    #[serde(with = "time::serde::rfc3339")]
    pub window_end: OffsetDateTime,
    /// Its length in seconds.
    pub window_seconds: u32,
    /// Page views; `None` when no count of them arrived (0 in an empty window).
    pub views: Option<u64>,
    /// Distinct pages; `None` as above.
    pub distinct_pages: Option<u64>,
    /// The pages viewed most, most views first.
    pub top_pages: Vec<PageViews>,
    /// When the first of its counts was stored.
    #[serde(with = "time::serde::rfc3339::option")]
    pub written_at: Option<OffsetDateTime>,
    /// Whether that was late ([`LATE_AFTER`]).
    pub late: bool,
    /// Whether nothing was counted in it.
    pub empty: bool,
}

/// A page and its views in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageViews {
    /// The title, as in the clicks.
    pub title: String,
    /// Its views.
    pub views: u64,
}

/// The latest `limit` windows (at most [`MOST_WINDOWS`]) in the learner's table.
///
/// A table that does not exist is [`CallError::Absent`].
pub async fn window_counts(
    clients: &Clients,
    subject: &Subject,
    limit: usize,
    now: OffsetDateTime,
) -> Result<WindowCounts, CallError> {
    let limit = limit.clamp(1, MOST_WINDOWS);
    let clock = Clock::starting_at(now);
    let (views, distinct, top) = futures::try_join!(
        latest(clients, subject, clock, "views", limit),
        latest(clients, subject, clock, "distinct_pages", limit),
        latest(clients, subject, clock, "top_pages", limit),
    )?;
    Ok(merge([views, distinct, top], limit, clock.now()))
}

/// The latest items of one metric, newest first, and whether there are earlier ones.
struct Latest {
    items: Vec<Item>,
    earlier: bool,
}

async fn latest(
    clients: &Clients,
    subject: &Subject,
    clock: Clock,
    metric: &str,
    limit: usize,
) -> Result<Latest, CallError> {
    let mut items: Vec<Item> = Vec::new();
    let mut start = None;
    // DynamoDB ends a page after 1 MB, and a page may be empty though more follow.
    for _ in 0..PAGES {
        let wanted = i32::try_from(limit - items.len()).unwrap_or(i32::MAX);
        let send = clients
            .dynamodb
            .query()
            .table_name(&subject.table)
            .key_condition_expression("#metric = :metric")
            .expression_attribute_names("#metric", "metric")
            .expression_attribute_values(":metric", AttributeValue::S(metric.to_owned()))
            .scan_index_forward(false)
            .limit(wanted)
            .set_exclusive_start_key(start.take())
            .send();
        let page = make(&QUERY, clock, CALL_TIMEOUT, send).await.result?;
        let mut page_items = page.items.unwrap_or_default();
        start = page.last_evaluated_key.filter(|key| !key.is_empty());
        // The windows of our own tests lie before all others: where they begin, there is nothing more to show.
        if let Some(trial) = page_items.iter().position(is_of_trial) {
            page_items.truncate(trial);
            start = None;
        }
        items.extend(page_items);
        if start.is_none() || items.len() >= limit {
            break;
        }
    }
    items.truncate(limit);
    Ok(Latest { items, earlier: start.is_some() })
}

#[derive(Default)]
struct Counts {
    seconds: u32,
    views: Option<u64>,
    distinct_pages: Option<u64>,
    top_pages: Vec<PageViews>,
    written_at: Option<OffsetDateTime>,
}

fn merge(metrics: [Latest; 3], limit: usize, at: OffsetDateTime) -> WindowCounts {
    let mut windows: BTreeMap<OffsetDateTime, Counts> = BTreeMap::new();
    let mut unreadable = 0;
    let mut earlier = false;
    for latest in metrics {
        earlier |= latest.earlier;
        for item in &latest.items {
            if add(&mut windows, item).is_none() {
                unreadable += 1;
            }
        }
    }
    let mut shown: Vec<Window> = Vec::new();
    // From the newest back, so that a long pause at the beginning cannot crowd out what is new.
    for (window_end, counts) in windows.into_iter().rev() {
        fill_gap(&mut shown, window_end, limit);
        if shown.len() == limit {
            earlier = true;
            break;
        }
        shown.push(counts.into_window(window_end));
    }
    shown.reverse();
    WindowCounts { windows: shown, earlier, unreadable, at }
}

/// Adds empty windows between the oldest of `shown` and `window_end`.
fn fill_gap(shown: &mut Vec<Window>, window_end: OffsetDateTime, limit: usize) {
    let Some(next) = shown.last() else { return };
    let seconds = next.window_seconds;
    let length = Duration::seconds(i64::from(seconds));
    let mut end = next.window_end - length;
    while end - window_end >= length && shown.len() < limit {
        shown.push(Window {
            window_end: end,
            window_seconds: seconds,
            views: Some(0),
            distinct_pages: Some(0),
            top_pages: Vec::new(),
            written_at: None,
            late: false,
            empty: true,
        });
        end -= length;
    }
}

impl Counts {
    fn into_window(self, window_end: OffsetDateTime) -> Window {
        Window {
            window_end,
            window_seconds: self.seconds,
            late: self.written_at.is_some_and(|written_at| written_at - window_end > LATE_AFTER),
            empty: false,
            views: self.views,
            distinct_pages: self.distinct_pages,
            top_pages: self.top_pages,
            written_at: self.written_at,
        }
    }
}

/// Adds an item as the lab's output function writes it; `None` when it is of another shape.
fn add(windows: &mut BTreeMap<OffsetDateTime, Counts>, item: &Item) -> Option<()> {
    let metric = item.get("metric")?.as_s().ok()?;
    let window_end = moment(item.get("window_end")?)?;
    let seconds =
        u32::try_from(number(item.get("window_seconds")?)?).ok().filter(|seconds| (1..=86_400).contains(seconds))?;
    let amount = || number(item.get("amount")?);
    // Everything is read before anything is added, so that a bad item leaves no trace.
    let mut counts = Counts { seconds, written_at: item.get("written_at").and_then(moment), ..Counts::default() };
    match metric.as_str() {
        "views" => counts.views = Some(amount()?),
        "distinct_pages" => counts.distinct_pages = Some(amount()?),
        "top_pages" => counts.top_pages = pages(item.get("pages")?)?,
        _ => return None,
    }
    let window = windows.entry(window_end).or_default();
    window.seconds = seconds;
    window.views = window.views.or(counts.views);
    window.distinct_pages = window.distinct_pages.or(counts.distinct_pages);
    if window.top_pages.is_empty() {
        window.top_pages = counts.top_pages;
    }
    window.written_at = match (window.written_at, counts.written_at) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Some(())
}

/// The window's end in a year that leaves room for arithmetic.
pub(crate) fn moment(value: &AttributeValue) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.as_s().ok()?, &Rfc3339).ok().filter(|moment| (1970..9000).contains(&moment.year()))
}

/// A whole number of zero or more. DynamoDB may write it as `1E+3`.
pub(crate) fn number(value: &AttributeValue) -> Option<u64> {
    let text = value.as_n().ok()?;
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        // Whole numbers up to 2^53 are exact.
        (number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number)).then_some(number as u64)
    })
}

fn pages(value: &AttributeValue) -> Option<Vec<PageViews>> {
    let mut pages = value
        .as_m()
        .ok()?
        .iter()
        .map(|(title, views)| Some(PageViews { title: title.clone(), views: number(views)? }))
        .collect::<Option<Vec<_>>>()?;
    pages.sort_by(|a, b| b.views.cmp(&a.views).then_with(|| a.title.cmp(&b.title)));
    pages.truncate(TOP_PAGES);
    Some(pages)
}
