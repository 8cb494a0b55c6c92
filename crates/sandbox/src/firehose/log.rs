//! The durable log of a delivery stream: what was accepted and not yet dealt with by all of its readers.
//!
//! The records of one call are one row, written before the call is answered. A record's position is its sequence number,
//! which grows by one a record and is never used twice, not even by a later stream of the same name. A reader keeps its
//! position in the database, in the same transaction as its own work if it can; rows that no reader needs are deleted, and so
//! are rows older than 24 hours, as AWS does.

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, Sqlite, SqlitePool, Transaction};

use crate::record_batch::{Batch, split};
use crate::{AwsError, Scope};

/// How long a record is kept for readers that do not take it (Amazon Data Firehose, "Direct PUT data is kept 24 hours").
pub(super) const RETENTION_MS: i64 = 24 * 60 * 60 * 1000;
/// Roughly the most bytes that one read gives.
const READ_BYTES: usize = 8 * 1024 * 1024;

/// One record in a delivery stream's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogRecord {
    /// Position in the log, growing by one a record, never used twice.
    pub sequence: i64,
    /// When `PutRecord` or `PutRecordBatch` accepted it, milliseconds since the epoch.
    pub arrival_ms: i64,
    pub data: Bytes,
    /// Where it was before, if its delivery stream reads a data stream.
    pub origin: Option<Origin>,
}

/// A record of a data stream, as the function that transforms it is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Origin {
    pub shard_id: String,
    pub partition_key: String,
    pub sequence_number: String,
}

/// Where a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogEnd {
    pub next_sequence: i64,
    /// Bytes accepted since the stream was made.
    pub accepted_bytes: i64,
}

/// Whether a batch was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// The sequence number of its first record, and where the log ends now.
    Written { first_sequence: i64, end: LogEnd },
    /// The account has more undelivered data than the sandbox keeps.
    BacklogFull,
    /// The stream is being deleted or is gone.
    StreamGone,
}

/// Writes a batch. It is durable once `transaction` is committed.
pub(super) async fn append(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    batch: Batch,
    origins: Option<&[Origin]>,
    arrival_ms: i64,
    max_backlog_bytes: i64,
) -> Result<Appended, AwsError> {
    let origins = origins.map(serde_json::to_vec).transpose().map_err(AwsError::internal)?;
    let count = i64::try_from(batch.count()).map_err(AwsError::internal)?;
    let bytes = i64::try_from(batch.data_bytes()).map_err(AwsError::internal)?;
    let origin_bytes = origins.as_ref().map_or(0, Vec::len);
    let kept_bytes = bytes + i64::try_from(origin_bytes).map_err(AwsError::internal)?;
    let moved = sqlx::query(
        "UPDATE delivery_stream SET next_sequence = next_sequence + ?1, accepted_bytes = accepted_bytes + ?2, \
         kept_bytes = kept_bytes + ?5 WHERE stream_id = ?3 AND status = 'ACTIVE' AND ?5 + (SELECT SUM(kept_bytes) FROM \
         delivery_stream AS other WHERE other.account_id = delivery_stream.account_id) <= ?4 \
         RETURNING next_sequence, accepted_bytes",
    )
    .bind(count)
    .bind(bytes)
    .bind(stream_id)
    .bind(max_backlog_bytes)
    .bind(kept_bytes)
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(moved) = moved else {
        let active = sqlx::query("SELECT 1 FROM delivery_stream WHERE stream_id = ? AND status = 'ACTIVE'")
            .bind(stream_id)
            .fetch_optional(&mut **transaction)
            .await?;
        return Ok(if active.is_some() { Appended::BacklogFull } else { Appended::StreamGone });
    };
    let end = LogEnd { next_sequence: moved.get(0), accepted_bytes: moved.get(1) };
    let first_sequence = end.next_sequence - count;
    sqlx::query(
        "INSERT INTO delivery_log (stream_id, first_sequence, record_count, bytes, arrival_ms, records, origins) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(stream_id)
    .bind(first_sequence)
    .bind(count)
    .bind(bytes)
    .bind(arrival_ms)
    .bind(batch.into_joined())
    .bind(origins)
    .execute(&mut **transaction)
    .await?;
    Ok(Appended::Written { first_sequence, end })
}

/// Up to `max_records` records from `sequence` on, in order, until they have `max_bytes` of data; the first one is given
/// however large it is.
pub(super) async fn read(
    pool: &SqlitePool,
    stream_id: i64,
    sequence: i64,
    max_records: usize,
    max_bytes: usize,
) -> Result<Vec<LogRecord>, AwsError> {
    // A row that begins before `sequence` may hold it.
    let mut rows = sqlx::query(
        "SELECT first_sequence, arrival_ms, records, origins FROM delivery_log WHERE stream_id = ?1 AND first_sequence >= \
         COALESCE((SELECT MAX(first_sequence) FROM delivery_log WHERE stream_id = ?1 AND first_sequence <= ?2), ?2) \
         ORDER BY first_sequence",
    )
    .bind(stream_id)
    .bind(sequence)
    .fetch(pool);
    let mut records = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        let first: i64 = row.get(0);
        let arrival_ms = row.get(1);
        let joined = Bytes::from(row.get::<Vec<u8>, _>(2));
        let mut origins = match row.get::<Option<Vec<u8>>, _>(3) {
            None => Vec::new(),
            Some(origins) => serde_json::from_slice::<Vec<Origin>>(&origins).map_err(AwsError::internal)?,
        }
        .into_iter();
        for (sequence_of_record, data) in (first..).zip(split(joined)?) {
            let origin = origins.next();
            if sequence_of_record < sequence {
                continue;
            }
            let full = records.len() >= max_records || bytes + data.len() > max_bytes;
            if full && !records.is_empty() || max_records == 0 {
                return Ok(records);
            }
            bytes += data.len();
            records.push(LogRecord { sequence: sequence_of_record, arrival_ms, data, origin });
        }
    }
    Ok(records)
}

/// [`read`] with the usual bound on bytes.
pub(super) async fn read_some(
    pool: &SqlitePool,
    stream_id: i64,
    sequence: i64,
    max_records: usize,
) -> Result<Vec<LogRecord>, AwsError> {
    read(pool, stream_id, sequence, max_records, READ_BYTES).await
}

/// When the oldest record from `sequence` on arrived.
pub(super) async fn oldest_arrival_ms(
    pool: &SqlitePool,
    stream_id: i64,
    sequence: i64,
) -> Result<Option<i64>, AwsError> {
    let arrival = sqlx::query_scalar(
        "SELECT arrival_ms FROM delivery_log WHERE stream_id = ?1 AND first_sequence + record_count > ?2 \
         ORDER BY first_sequence LIMIT 1",
    )
    .bind(stream_id)
    .bind(sequence)
    .fetch_optional(pool)
    .await?;
    Ok(arrival)
}

/// Bytes in the rows that hold records from `sequence` on.
pub(super) async fn bytes_from(pool: &SqlitePool, stream_id: i64, sequence: i64) -> Result<i64, AwsError> {
    let bytes = sqlx::query_scalar(
        "SELECT COALESCE(SUM(bytes), 0) FROM delivery_log WHERE stream_id = ? AND first_sequence + record_count > ?",
    )
    .bind(stream_id)
    .bind(sequence)
    .fetch_one(pool)
    .await?;
    Ok(bytes)
}

/// The position of a reader, if it is known.
pub(super) async fn position(pool: &SqlitePool, stream_id: i64, reader: &str) -> Result<Option<i64>, AwsError> {
    let position =
        sqlx::query_scalar("SELECT next_sequence FROM delivery_log_reader WHERE stream_id = ? AND reader = ?")
            .bind(stream_id)
            .bind(reader)
            .fetch_optional(pool)
            .await?;
    Ok(position)
}

/// Moves a reader to `sequence`, making it known if it is not, and deletes the rows that no reader needs any longer.
pub(super) async fn acknowledge(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    reader: &str,
    sequence: i64,
) -> Result<(), AwsError> {
    sqlx::query(
        "INSERT INTO delivery_log_reader (stream_id, reader, next_sequence) VALUES (?, ?, ?) \
         ON CONFLICT (stream_id, reader) DO UPDATE SET next_sequence = excluded.next_sequence",
    )
    .bind(stream_id)
    .bind(reader)
    .bind(sequence)
    .execute(&mut **transaction)
    .await?;
    trim(transaction, stream_id).await
}

/// Moves a reader from one position to another, unless it is elsewhere; tells whether it did.
pub(super) async fn advance(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    reader: &str,
    from: i64,
    to: i64,
) -> Result<bool, AwsError> {
    let moved = sqlx::query(
        "UPDATE delivery_log_reader SET next_sequence = ? WHERE stream_id = ? AND reader = ? AND next_sequence = ?",
    )
    .bind(to)
    .bind(stream_id)
    .bind(reader)
    .bind(from)
    .execute(&mut **transaction)
    .await?;
    trim(transaction, stream_id).await?;
    Ok(moved.rows_affected() == 1)
}

/// The sequence number of the first record of a new stream in this account: above those of every stream that is gone.
pub(super) async fn origin(transaction: &mut Transaction<'static, Sqlite>, scope: &Scope) -> Result<i64, AwsError> {
    let origin = sqlx::query_scalar("SELECT next_sequence FROM delivery_log_origin WHERE account_id = ?")
        .bind(scope.account.as_str())
        .fetch_optional(&mut **transaction)
        .await?;
    Ok(origin.unwrap_or(0))
}

/// Keeps a new stream's records from `sequence` on for those who read the stream that had its name before.
pub(super) async fn inherit(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    sequence: i64,
) -> Result<(), AwsError> {
    sqlx::query(
        "INSERT INTO delivery_log_reader (stream_id, reader, next_sequence) SELECT stream_id, reader, ?2 FROM \
         delivery_log_waiting_reader NATURAL JOIN delivery_stream WHERE stream_id = ?1",
    )
    .bind(stream_id)
    .bind(sequence)
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        "DELETE FROM delivery_log_waiting_reader WHERE (account_id, region, name) = (SELECT account_id, region, name FROM \
         delivery_stream WHERE stream_id = ?)",
    )
    .bind(stream_id)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Removes a stream with its log. The numbers of its records stay used, and its readers other than `delivery` wait for a
/// stream of the same name.
pub(super) async fn remove(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    delivery: &str,
) -> Result<(), AwsError> {
    sqlx::query(
        "INSERT INTO delivery_log_origin (account_id, next_sequence) SELECT account_id, next_sequence FROM delivery_stream \
         WHERE stream_id = ? ON CONFLICT (account_id) DO UPDATE SET next_sequence = max(next_sequence, \
         excluded.next_sequence)",
    )
    .bind(stream_id)
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        "INSERT OR IGNORE INTO delivery_log_waiting_reader (account_id, region, name, reader) SELECT account_id, region, \
         name, reader FROM delivery_stream JOIN delivery_log_reader USING (stream_id) WHERE stream_id = ? AND reader <> ?",
    )
    .bind(stream_id)
    .bind(delivery)
    .execute(&mut **transaction)
    .await?;
    sqlx::query("DELETE FROM delivery_stream WHERE stream_id = ?").bind(stream_id).execute(&mut **transaction).await?;
    Ok(())
}

/// Forgets a reader that waits for a stream of this name to be made.
pub(super) async fn forget_waiting(
    transaction: &mut Transaction<'static, Sqlite>,
    scope: &Scope,
    stream: &str,
    reader: &str,
) -> Result<(), AwsError> {
    sqlx::query(
        "DELETE FROM delivery_log_waiting_reader WHERE account_id = ? AND region = ? AND name = ? AND reader = ?",
    )
    .bind(scope.account.as_str())
    .bind(scope.region.as_str())
    .bind(stream)
    .bind(reader)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Forgets a reader and deletes the rows that only it needed.
pub(super) async fn forget(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    reader: &str,
) -> Result<(), AwsError> {
    sqlx::query("DELETE FROM delivery_log_reader WHERE stream_id = ? AND reader = ?")
        .bind(stream_id)
        .bind(reader)
        .execute(&mut **transaction)
        .await?;
    trim(transaction, stream_id).await
}

async fn trim(transaction: &mut Transaction<'static, Sqlite>, stream_id: i64) -> Result<(), AwsError> {
    let deleted: Vec<i64> = sqlx::query_scalar(
        "WITH needed (sequence) AS (SELECT MIN(next_sequence) FROM delivery_log_reader WHERE stream_id = ?1) \
         DELETE FROM delivery_log WHERE stream_id = ?1 AND first_sequence < (SELECT sequence FROM needed) \
         AND first_sequence + record_count <= (SELECT sequence FROM needed) \
         RETURNING bytes + COALESCE(LENGTH(origins), 0)",
    )
    .bind(stream_id)
    .fetch_all(&mut **transaction)
    .await?;
    reduce_kept(transaction, stream_id, deleted.iter().sum()).await
}

/// Deletes the rows of all streams that arrived before `before_ms`, whoever still wants them. Gives their number of records.
pub(super) async fn expire(transaction: &mut Transaction<'static, Sqlite>, before_ms: i64) -> Result<i64, AwsError> {
    let deleted = sqlx::query(
        "DELETE FROM delivery_log WHERE arrival_ms < ? \
         RETURNING stream_id, bytes + COALESCE(LENGTH(origins), 0), record_count",
    )
    .bind(before_ms)
    .fetch_all(&mut **transaction)
    .await?;
    let mut records = 0;
    for row in deleted {
        reduce_kept(transaction, row.get(0), row.get(1)).await?;
        records += row.get::<i64, _>(2);
    }
    Ok(records)
}

async fn reduce_kept(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    bytes: i64,
) -> Result<(), AwsError> {
    if bytes > 0 {
        sqlx::query("UPDATE delivery_stream SET kept_bytes = kept_bytes - ? WHERE stream_id = ?")
            .bind(bytes)
            .bind(stream_id)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

/// The data of several records, one after the other without separators, as Firehose writes them.
pub(super) fn concatenate(records: &[LogRecord]) -> Bytes {
    let mut joined = BytesMut::with_capacity(records.iter().map(|record| record.data.len()).sum());
    records.iter().for_each(|record| joined.extend_from_slice(&record.data));
    joined.freeze()
}
