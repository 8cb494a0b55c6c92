//! Groups, streams and events in the database, and the bounds of what an account may hold.

use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection, SqliteExecutor};
use time::OffsetDateTime;

use super::errors::{already_exists, group_not_found, stream_not_found};
use crate::{AccountId, AwsError, Scope};

/// Log groups that an account may have, in all regions together.
const MOST_GROUPS: i64 = 1000;
/// Log streams of an account, in all groups together; the oldest goes for one more.
const MOST_STREAMS: i64 = 2000;
/// What an account's events may come to; the oldest go for further ones.
const BOUNDS: Bounds = Bounds { events: 50_000, bytes: 32 * 1024 * 1024 };
/// What CloudWatch Logs counts for an event beside its message.
pub(super) const EVENT_OVERHEAD: usize = 26;
/// Rows that are written or removed by one statement.
const ROWS_AT_ONCE: usize = 1000;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// A log group as it is kept.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Group {
    pub group_id: i64,
    pub account_id: String,
    pub name: String,
    pub created_ms: i64,
    pub retention_days: Option<i64>,
    /// JSON
    pub tags: String,
}

/// A log stream as it is kept.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Stream {
    pub stream_id: i64,
    pub name: String,
    pub created_ms: i64,
    pub first_event_ms: Option<i64>,
    pub last_event_ms: Option<i64>,
    pub last_ingestion_ms: Option<i64>,
}

/// An event to be written.
#[derive(Clone, Debug)]
pub(super) struct NewEvent {
    pub timestamp_ms: i64,
    pub message: String,
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    events: i64,
    bytes: i64,
}

impl Group {
    /// The timestamp before which the group's events have expired.
    pub(super) fn expired_before(&self, now_ms: i64) -> i64 {
        self.retention_days.map_or(i64::MIN, |days| now_ms - days * DAY_MS)
    }
}

pub(super) async fn find_group(
    executor: impl SqliteExecutor<'_>,
    scope: &Scope,
    name: &str,
) -> Result<Option<Group>, AwsError> {
    Ok(sqlx::query_as("SELECT * FROM log_group WHERE account_id = ? AND region = ? AND name = ?")
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(name)
        .fetch_optional(executor)
        .await?)
}

/// The group, or `ResourceNotFoundException`.
pub(super) async fn group(executor: impl SqliteExecutor<'_>, scope: &Scope, name: &str) -> Result<Group, AwsError> {
    find_group(executor, scope, name).await?.ok_or_else(group_not_found)
}

/// Makes a group. `ResourceAlreadyExistsException` if there is one of the name, `LimitExceededException` if there are too
/// many.
pub(super) async fn create_group(
    connection: &mut SqliteConnection,
    scope: &Scope,
    name: &str,
    tags: &str,
) -> Result<Group, AwsError> {
    if find_group(&mut *connection, scope, name).await?.is_some() {
        return Err(already_exists("log group"));
    }
    let groups: i64 = sqlx::query_scalar("SELECT count(*) FROM log_group WHERE account_id = ?")
        .bind(scope.account.as_str())
        .fetch_one(&mut *connection)
        .await?;
    if groups >= MOST_GROUPS {
        return Err(AwsError::client("LimitExceededException", "Resource limit exceeded."));
    }
    Ok(sqlx::query_as(
        "INSERT INTO log_group (account_id, region, name, created_ms, tags) VALUES (?, ?, ?, ?, ?) RETURNING *",
    )
    .bind(scope.account.as_str())
    .bind(scope.region.as_str())
    .bind(name)
    .bind(now_ms())
    .bind(tags)
    .fetch_one(connection)
    .await?)
}

pub(super) async fn find_stream(
    executor: impl SqliteExecutor<'_>,
    group: &Group,
    name: &str,
) -> Result<Option<Stream>, AwsError> {
    Ok(sqlx::query_as("SELECT * FROM log_stream WHERE group_id = ? AND name = ?")
        .bind(group.group_id)
        .bind(name)
        .fetch_optional(executor)
        .await?)
}

/// The stream, or `ResourceNotFoundException`.
pub(super) async fn stream(executor: impl SqliteExecutor<'_>, group: &Group, name: &str) -> Result<Stream, AwsError> {
    find_stream(executor, group, name).await?.ok_or_else(stream_not_found)
}

/// Makes a stream, for which the account's oldest may go. `ResourceAlreadyExistsException` if there is one of the name.
pub(super) async fn create_stream(
    connection: &mut SqliteConnection,
    group: &Group,
    name: &str,
) -> Result<Stream, AwsError> {
    if find_stream(&mut *connection, group, name).await?.is_some() {
        return Err(already_exists("log stream"));
    }
    let stream = sqlx::query_as(
        "INSERT INTO log_stream (account_id, group_id, name, created_ms) VALUES (?, ?, ?, ?) RETURNING *",
    )
    .bind(&group.account_id)
    .bind(group.group_id)
    .bind(name)
    .bind(now_ms())
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM log_stream WHERE stream_id IN
         (SELECT stream_id FROM log_stream WHERE account_id = ? ORDER BY stream_id DESC LIMIT -1 OFFSET ?)",
    )
    .bind(&group.account_id)
    .bind(MOST_STREAMS)
    .execute(connection)
    .await?;
    Ok(stream)
}

/// Writes events, drops those of the group that have expired, and the account's oldest while it holds too much.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    account: &AccountId,
    group: &Group,
    stream: &Stream,
    events: &[NewEvent],
) -> Result<(), AwsError> {
    let now = now_ms();
    for chunk in events.chunks(ROWS_AT_ONCE) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO log_event (account_id, group_id, stream_id, timestamp_ms, ingested_ms, bytes, message) ",
        );
        insert.push_values(chunk, |mut row, event| {
            row.push_bind(account.as_str())
                .push_bind(group.group_id)
                .push_bind(stream.stream_id)
                .push_bind(event.timestamp_ms)
                .push_bind(now)
                .push_bind((event.message.len() + EVENT_OVERHEAD) as i64)
                .push_bind(&event.message);
        });
        insert.build().execute(&mut *connection).await?;
    }
    let times = || events.iter().map(|event| event.timestamp_ms);
    sqlx::query(
        "UPDATE log_stream SET first_event_ms = min(coalesce(first_event_ms, ?1), ?1),
         last_event_ms = max(coalesce(last_event_ms, ?2), ?2), last_ingestion_ms = ?3 WHERE stream_id = ?4",
    )
    .bind(times().min().unwrap_or(now))
    .bind(times().max().unwrap_or(now))
    .bind(now)
    .bind(stream.stream_id)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM log_event WHERE group_id = ? AND timestamp_ms < ?")
        .bind(group.group_id)
        .bind(group.expired_before(now))
        .execute(&mut *connection)
        .await?;
    drop_oldest(connection, account, BOUNDS).await
}

/// Drops events in the order in which they came. A tenth more goes than must, so that not every call has to.
async fn drop_oldest(connection: &mut SqliteConnection, account: &AccountId, most: Bounds) -> Result<(), AwsError> {
    let mut allowed = most;
    loop {
        let held: Option<(i64, i64)> = sqlx::query_as("SELECT events, bytes FROM log_usage WHERE account_id = ?")
            .bind(account.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        let (events, bytes) = held.unwrap_or_default();
        if events <= allowed.events && bytes <= allowed.bytes {
            return Ok(());
        }
        allowed = Bounds { events: most.events * 9 / 10, bytes: most.bytes * 9 / 10 };
        // Never more than the events that are too many, unless the bytes are.
        let rows = if bytes > allowed.bytes { ROWS_AT_ONCE as i64 / 10 } else { events - allowed.events };
        sqlx::query(
            "DELETE FROM log_event WHERE event_id IN
             (SELECT event_id FROM log_event WHERE account_id = ? ORDER BY event_id LIMIT ?)",
        )
        .bind(account.as_str())
        .bind(rows.clamp(1, ROWS_AT_ONCE as i64))
        .execute(&mut *connection)
        .await?;
    }
}

/// The machine's time, as functions tell it.
pub(super) fn now_ms() -> i64 {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;

    async fn with_events(count: i64, size: usize) -> (tempfile::TempDir, Database, Scope, Group, Stream) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        let scope = Scope { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() };
        let mut transaction = database.write().await.unwrap();
        let group = create_group(&mut transaction, &scope, "/aws/lambda/F", "{}").await.unwrap();
        let stream = create_stream(&mut transaction, &group, "s").await.unwrap();
        let events: Vec<NewEvent> =
            (0..count).map(|n| NewEvent { timestamp_ms: now_ms() - n, message: "x".repeat(size) }).collect();
        append(&mut transaction, &scope.account, &group, &stream, &events).await.unwrap();
        transaction.commit().await.unwrap();
        (folder, database, scope, group, stream)
    }

    async fn held(database: &Database) -> (i64, i64, i64) {
        let counted: i64 =
            sqlx::query_scalar("SELECT count(*) FROM log_event").fetch_one(database.read()).await.unwrap();
        let (events, bytes): (i64, i64) =
            sqlx::query_as("SELECT events, bytes FROM log_usage").fetch_one(database.read()).await.unwrap();
        (counted, events, bytes)
    }

    #[tokio::test]
    async fn the_oldest_go_when_an_account_holds_too_much() {
        let (_folder, database, scope, ..) = with_events(2500, 74).await;
        assert_eq!(held(&database).await, (2500, 2500, 250_000));
        let mut transaction = database.write().await.unwrap();
        drop_oldest(&mut transaction, &scope.account, Bounds { events: 2500, bytes: 250_000 }).await.unwrap();
        drop_oldest(&mut transaction, &scope.account, Bounds { events: 2000, bytes: 250_000 }).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(held(&database).await, (1800, 1800, 180_000));
        let oldest: i64 =
            sqlx::query_scalar("SELECT min(event_id) FROM log_event").fetch_one(database.read()).await.unwrap();
        assert_eq!(oldest, 701);
        let mut transaction = database.write().await.unwrap();
        drop_oldest(&mut transaction, &scope.account, Bounds { events: 2000, bytes: 100_000 }).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(held(&database).await, (900, 900, 90_000));
    }

    #[tokio::test]
    async fn a_group_goes_with_all_that_is_in_it() {
        let (_folder, database, ..) = with_events(10, 10).await;
        let mut transaction = database.write().await.unwrap();
        sqlx::query("DELETE FROM log_group").execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(held(&database).await, (0, 0, 0));
    }

    #[tokio::test]
    async fn an_account_has_its_newest_streams() {
        let (_folder, database, _, group, first) = with_events(1, 10).await;
        let mut transaction = database.write().await.unwrap();
        for n in 0..MOST_STREAMS {
            create_stream(&mut transaction, &group, &n.to_string()).await.unwrap();
        }
        assert!(find_stream(&mut *transaction, &group, &first.name).await.unwrap().is_none());
        assert!(find_stream(&mut *transaction, &group, "0").await.unwrap().is_some());
        transaction.commit().await.unwrap();
        assert_eq!(held(&database).await, (0, 0, 0));
    }
}
