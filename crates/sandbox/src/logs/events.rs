//! `PutLogEvents`, `GetLogEvents` and `FilterLogEvents`.

use bytes::Bytes;
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{FromRow, QueryBuilder, Sqlite};

use super::Logs;
use super::errors::{constraint, invalid, missing};
use super::filter_pattern::FilterPattern;
use super::groups::{group_name, named_group};
use super::store::{self, EVENT_OVERHEAD, Group, NewEvent};
use super::streams::stream_name;
use crate::service::{read_json, write_json};
use crate::{AwsError, Scope};

/// Events in an answer, and bytes of them.
const LONGEST_PAGE: i64 = 10_000;
const MAX_PAGE_BYTES: usize = 1024 * 1024;
/// Events that one call of `FilterLogEvents` looks at.
const MOST_SEARCHED: usize = 10_000;
/// What one `PutLogEvents` may have.
const MAX_BATCH: usize = 10_000;
const MAX_BATCH_BYTES: usize = 1_048_576;
const MAX_BATCH_SPAN_MS: i64 = 24 * 3600 * 1000;
/// How old and how far in the future an event may be.
const TOO_OLD_MS: i64 = 14 * 24 * 3600 * 1000;
const TOO_NEW_MS: i64 = 2 * 3600 * 1000;
const MAX_STREAM_NAMES: usize = 100;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PutLogEvents {
    log_group_name: Option<String>,
    log_stream_name: Option<String>,
    log_events: Option<Vec<InputEvent>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputEvent {
    timestamp: i64,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GetLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<i64>,
    start_from_head: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FilterLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Vec<String>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

/// A place between events, which are sorted by time and id: before or after one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gap {
    timestamp_ms: i64,
    /// Twice the id of the event, less or more by one.
    double_id: i64,
}

#[derive(FromRow)]
struct EventRow {
    event_id: i64,
    timestamp_ms: i64,
    ingested_ms: i64,
    message: String,
    stream: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputEvent {
    #[serde(skip_serializing_if = "Option::is_none")]
    log_stream_name: Option<String>,
    timestamp: i64,
    message: String,
    ingestion_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
}

impl Logs {
    pub(super) async fn put_log_events(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: PutLogEvents = read_json(body)?;
        let (group, stream) = (group_name(request.log_group_name)?, stream_name(request.log_stream_name)?);
        let events = request.log_events.ok_or_else(|| missing("logEvents"))?;
        check_batch(&events)?;
        let mut transaction = self.database.write().await?;
        let group = store::group(&mut *transaction, scope, &group).await?;
        let stream = store::stream(&mut *transaction, &group, &stream).await?;
        let now = store::now_ms();
        let (oldest, newest) = ((now - TOO_OLD_MS).max(group.expired_before(now)), now + TOO_NEW_MS);
        let too_new = events.iter().position(|event| event.timestamp > newest);
        let expired = events.iter().take_while(|event| event.timestamp < oldest).count();
        let taken: Vec<NewEvent> = events
            .into_iter()
            .filter(|event| (oldest..=newest).contains(&event.timestamp))
            .map(|event| NewEvent { timestamp_ms: event.timestamp, message: event.message })
            .collect();
        if !taken.is_empty() {
            store::append(&mut transaction, &scope.account, &group, &stream, &taken).await?;
        }
        transaction.commit().await?;
        // The sequence token is of no use any more, but AWS still gives one.
        let mut answer = json!({ "nextSequenceToken": format!("{now:056}") });
        if let Some(index) = too_new {
            answer["rejectedLogEventsInfo"]["tooNewLogEventStartIndex"] = json!(index);
        }
        if expired > 0 {
            answer["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"] = json!(expired);
        }
        write_json(&answer)
    }

    pub(super) async fn get_log_events(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: GetLogEvents = read_json(body)?;
        let limit = event_limit(request.limit)?;
        let name = named_group(scope, request.log_group_name, request.log_group_identifier)?;
        let stream = stream_name(request.log_stream_name)?;
        let token = request.next_token.as_deref().map(Gap::read_directed).transpose()?;
        let group = store::group(self.database.read(), scope, &name).await?;
        let stream = store::stream(self.database.read(), &group, &stream).await?;
        let forward = token.map_or(request.start_from_head, |(forward, _)| forward);
        let mut query = select(&group, request.start_time, request.end_time);
        query.push(" AND log_event.stream_id = ").push_bind(stream.stream_id);
        if let Some((_, gap)) = token {
            gap.restrict(&mut query, forward);
        }
        let order = if forward { "ASC" } else { "DESC" };
        query.push(format!(" ORDER BY timestamp_ms {order}, event_id {order} LIMIT ")).push_bind(limit);
        let mut events = Vec::new();
        let mut bytes = 0;
        let mut rows = query.build_query_as::<EventRow>().fetch(self.database.read());
        while let Some(row) = rows.try_next().await? {
            bytes += row.message.len() + EVENT_OVERHEAD;
            if bytes > MAX_PAGE_BYTES && !events.is_empty() {
                break;
            }
            events.push(row);
        }
        if !forward {
            events.reverse();
        }
        // An empty page leads to itself, so that a reader can come back for what is written later.
        let here = token.map_or(Gap { timestamp_ms: request.start_time.unwrap_or(0), double_id: 0 }, |(_, gap)| gap);
        let before = events.first().map_or(here, Gap::before);
        let after = events.last().map_or(here, Gap::after);
        let events: Vec<OutputEvent> = events.into_iter().map(|row| row.output(false)).collect();
        write_json(&json!({
            "events": events,
            "nextForwardToken": format!("f/{after}"),
            "nextBackwardToken": format!("b/{before}"),
        }))
    }

    pub(super) async fn filter_log_events(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: FilterLogEvents = read_json(body)?;
        let limit = usize::try_from(event_limit(request.limit)?).map_err(AwsError::internal)?;
        if !request.log_stream_names.is_empty() && request.log_stream_name_prefix.is_some() {
            return Err(invalid("logStreamNames and logStreamNamePrefix cannot be given together."));
        }
        if request.log_stream_names.len() > MAX_STREAM_NAMES {
            return Err(constraint("[...]", "logStreamNames", "Member must have length less than or equal to 100"));
        }
        let pattern = FilterPattern::parse(request.filter_pattern.as_deref().unwrap_or_default())?;
        let name = named_group(scope, request.log_group_name, request.log_group_identifier)?;
        let from = request.next_token.as_deref().map(Gap::read).transpose()?;
        let group = store::group(self.database.read(), scope, &name).await?;
        for stream in &request.log_stream_names {
            store::stream(self.database.read(), &group, stream).await?;
        }
        let mut query = select(&group, request.start_time, request.end_time);
        if !request.log_stream_names.is_empty() {
            query.push(" AND log_stream.name IN (");
            let mut names = query.separated(", ");
            for stream in &request.log_stream_names {
                names.push_bind(stream);
            }
            query.push(")");
        }
        if let Some(prefix) = &request.log_stream_name_prefix {
            query.push(" AND substr(log_stream.name, 1, length(").push_bind(prefix).push(")) = ").push_bind(prefix);
        }
        if let Some(gap) = from {
            gap.restrict(&mut query, true);
        }
        query.push(" ORDER BY timestamp_ms, event_id");
        let mut found = Vec::new();
        let (mut bytes, mut searched, mut next) = (0, 0, None);
        let mut rows = query.build_query_as::<EventRow>().fetch(self.database.read());
        while let Some(row) = rows.try_next().await? {
            if searched == MOST_SEARCHED || found.len() == limit || bytes > MAX_PAGE_BYTES {
                next = Some(Gap::before(&row));
                break;
            }
            searched += 1;
            if pattern.matches(&row.message) {
                bytes += row.message.len() + EVENT_OVERHEAD;
                found.push(row.output(true));
            }
        }
        // The list of searched streams is empty since 2020.
        let mut answer = json!({ "events": found, "searchedLogStreams": [] });
        if let Some(next) = next {
            answer["nextToken"] = json!(next.to_string());
        }
        write_json(&answer)
    }
}

/// The events of a group within a time, but for those that have expired; to be narrowed and sorted.
fn select<'a>(group: &Group, start: Option<i64>, end: Option<i64>) -> QueryBuilder<'a, Sqlite> {
    let mut query = QueryBuilder::new(
        "SELECT event_id, timestamp_ms, ingested_ms, message, log_stream.name AS stream
         FROM log_event JOIN log_stream USING (stream_id) WHERE log_event.group_id = ",
    );
    query.push_bind(group.group_id);
    let oldest = group.expired_before(store::now_ms()).max(start.unwrap_or(i64::MIN));
    query.push(" AND timestamp_ms >= ").push_bind(oldest);
    query.push(" AND timestamp_ms < ").push_bind(end.unwrap_or(i64::MAX));
    query
}

fn check_batch(events: &[InputEvent]) -> Result<(), AwsError> {
    if events.is_empty() || events.len() > MAX_BATCH {
        return Err(constraint("[...]", "logEvents", "Member must have length between 1 and 10000"));
    }
    if events.iter().any(|event| event.message.is_empty()) {
        return Err(constraint("", "logEvents.1.member.message", "Member must have length greater than or equal to 1"));
    }
    let bytes: usize = events.iter().map(|event| event.message.len() + EVENT_OVERHEAD).sum();
    if bytes > MAX_BATCH_BYTES {
        return Err(invalid(format!("Upload too large: {bytes} bytes exceeds limit of {MAX_BATCH_BYTES}")));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let span = events.last().map_or(0, |event| event.timestamp).saturating_sub(events[0].timestamp);
    if span > MAX_BATCH_SPAN_MS {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}

fn event_limit(limit: Option<i64>) -> Result<i64, AwsError> {
    let limit = limit.unwrap_or(LONGEST_PAGE);
    let rule = match limit {
        ..1 => "Member must have value greater than or equal to 1",
        1..=LONGEST_PAGE => return Ok(limit),
        _ => "Member must have value less than or equal to 10000",
    };
    Err(constraint(limit, "limit", rule))
}

impl EventRow {
    fn output(self, with_origin: bool) -> OutputEvent {
        // As long as those of AWS, which are 56 digits.
        let event_id = with_origin.then(|| format!("{:020}{:036}", self.timestamp_ms, self.event_id));
        OutputEvent {
            log_stream_name: with_origin.then_some(self.stream),
            timestamp: self.timestamp_ms,
            message: self.message,
            ingestion_time: self.ingested_ms,
            event_id,
        }
    }
}

impl Gap {
    fn before(row: &EventRow) -> Self {
        Self { timestamp_ms: row.timestamp_ms, double_id: row.event_id * 2 - 1 }
    }

    fn after(row: &EventRow) -> Self {
        Self { timestamp_ms: row.timestamp_ms, double_id: row.event_id * 2 + 1 }
    }

    /// Narrows a query to the events behind the gap, or to those before it.
    fn restrict(self, query: &mut QueryBuilder<'_, Sqlite>, forward: bool) {
        // The first condition is what the index can be used for.
        let operator = if forward { ">" } else { "<" };
        query.push(format!(" AND timestamp_ms {operator}= ")).push_bind(self.timestamp_ms);
        query.push(format!(" AND (timestamp_ms, event_id * 2) {operator} (")).push_bind(self.timestamp_ms);
        query.push(", ").push_bind(self.double_id).push(")");
    }

    fn read(token: &str) -> Result<Self, AwsError> {
        let read = |digits: &str| digits.parse::<i64>().ok();
        token
            .split_at_checked(20)
            .and_then(|(time, id)| Some(Self { timestamp_ms: read(time)?, double_id: read(id)? }))
            .ok_or_else(|| invalid("The specified nextToken is invalid."))
    }

    /// Reads a token of `GetLogEvents`, and whether it leads forward.
    fn read_directed(token: &str) -> Result<(bool, Self), AwsError> {
        match token.split_once('/') {
            Some(("f", gap)) => Ok((true, Self::read(gap)?)),
            Some(("b", gap)) => Ok((false, Self::read(gap)?)),
            _ => Err(invalid("The specified nextToken is invalid.")),
        }
    }
}

impl std::fmt::Display for Gap {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:020}{:036}", self.timestamp_ms, self.double_id)
    }
}
