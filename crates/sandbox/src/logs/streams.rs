//! `CreateLogStream`, `DeleteLogStream` and `DescribeLogStreams`.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Logs;
use super::errors::{constraint, invalid, missing};
use super::groups::{group_arn, group_name, named_group, page_size, read_token};
use super::store::{self, Stream};
use crate::service::{empty_json, page_token, read_json, write_json};
use crate::{AwsError, Scope};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StreamRequest {
    log_group_name: Option<String>,
    log_stream_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeLogStreams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    descending: bool,
    next_token: Option<String>,
    limit: Option<i64>,
}

impl Logs {
    pub(super) async fn create_log_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: StreamRequest = read_json(body)?;
        let (group, stream) = (group_name(request.log_group_name)?, stream_name(request.log_stream_name)?);
        let mut transaction = self.database.write().await?;
        let group = store::group(&mut *transaction, scope, &group).await?;
        store::create_stream(&mut transaction, &group, &stream).await?;
        transaction.commit().await?;
        Ok(empty_json())
    }

    pub(super) async fn delete_log_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: StreamRequest = read_json(body)?;
        let (group, stream) = (group_name(request.log_group_name)?, stream_name(request.log_stream_name)?);
        let mut transaction = self.database.write().await?;
        let group = store::group(&mut *transaction, scope, &group).await?;
        let stream = store::stream(&mut *transaction, &group, &stream).await?;
        sqlx::query("DELETE FROM log_stream WHERE stream_id = ?")
            .bind(stream.stream_id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(empty_json())
    }

    pub(super) async fn describe_log_streams(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: DescribeLogStreams = read_json(body)?;
        let limit = page_size(request.limit)?;
        let by_time = match request.order_by.as_deref() {
            None | Some("LogStreamName") => false,
            Some("LastEventTime") => true,
            Some(other) => {
                let rule = "Member must satisfy enum value set: [LogStreamName, LastEventTime]";
                return Err(constraint(other, "orderBy", rule));
            }
        };
        if by_time && request.log_stream_name_prefix.is_some() {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let name = named_group(scope, request.log_group_name, request.log_group_identifier)?;
        let group = store::group(self.database.read(), scope, &name).await?;
        let mut streams: Vec<Stream> = sqlx::query_as("SELECT * FROM log_stream WHERE group_id = ? ORDER BY name")
            .bind(group.group_id)
            .fetch_all(self.database.read())
            .await?;
        if let Some(prefix) = &request.log_stream_name_prefix {
            streams.retain(|stream| stream.name.starts_with(prefix));
        }
        if by_time {
            streams.sort_by_key(|stream| stream.last_event_ms);
        }
        if request.descending {
            streams.reverse();
        }
        let from = match &request.next_token {
            None => 0,
            Some(token) => {
                let last = read_token(token)?;
                let last = streams.iter().position(|stream| stream.name == last);
                last.ok_or_else(|| invalid("The specified nextToken is invalid."))? + 1
            }
        };
        let page: Vec<&Stream> = streams.iter().skip(from).take(limit).collect();
        let last = page.last().filter(|_| from + page.len() < streams.len());
        let mut answer =
            json!({ "logStreams": page.iter().map(|stream| describe(scope, &name, stream)).collect::<Vec<_>>() });
        if let Some(last) = last {
            answer["nextToken"] = json!(page_token(&last.name));
        }
        write_json(&answer)
    }
}

pub(super) fn stream_name(name: Option<String>) -> Result<String, AwsError> {
    let name = name.ok_or_else(|| missing("logStreamName"))?;
    if !(1..=512).contains(&name.chars().count()) {
        return Err(constraint(name, "logStreamName", "Member must have length between 1 and 512"));
    }
    if name.contains([':', '*']) {
        return Err(constraint(name, "logStreamName", "Member must satisfy regular expression pattern: [^:*]*"));
    }
    Ok(name)
}

fn describe(scope: &Scope, group: &str, stream: &Stream) -> Value {
    let mut answer = json!({
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": format!("{}:log-stream:{}", group_arn(scope, group), stream.name),
        // AWS tells no size of streams since 2019.
        "storedBytes": 0,
    });
    let times = [
        ("firstEventTimestamp", stream.first_event_ms),
        ("lastEventTimestamp", stream.last_event_ms),
        ("lastIngestionTime", stream.last_ingestion_ms),
    ];
    for (member, time) in times {
        if let Some(time) = time {
            answer[member] = json!(time);
        }
    }
    answer
}
