//! The durable log of a data stream: what its shards accepted, for as long as the stream keeps it.
//!
//! The records of one call for one shard are one row, written before the call is answered. A record's number grows with each
//! record of the stream, whatever its shard. Rows are deleted when they are older than the stream keeps them; sooner, the
//! oldest first, when the account's room is used up and none of the sandbox's own readers (`readers`) needs them.

use bytes::Bytes;
use futures::TryStreamExt as _;
use sqlx::{Row as _, Sqlite, SqliteExecutor, SqlitePool, Transaction};

use super::stream::DataStream;
use crate::record_batch::{Batch, split};
use crate::{AccountId, AwsError};

/// What a row takes beside its records, so that many small ones are bounded as well.
const ROW_BYTES: i64 = 128;
/// Most rows that one call deletes to make room.
const MOST_ROWS_AT_ONCE: i64 = 5_000;
const KEY_LENGTH_BYTES: usize = 2;

/// One record of a data stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataRecord {
    /// Position in the stream's log, growing with each record.
    pub number: i64,
    /// When it was accepted, milliseconds since the epoch.
    pub arrival_ms: i64,
    pub partition_key: String,
    pub data: Bytes,
}

/// Where a reader begins in a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the oldest record that is kept.
    TrimHorizon,
    /// With the next record.
    Latest,
    /// With the first record that arrived then or later, milliseconds since the epoch.
    AtTimestamp(i64),
}

/// Whether records were written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// The number of the first record. They have one after the other, shard after shard.
    Written { first_number: i64 },
    /// The account's streams hold as much as the sandbox keeps, and its readers still need it.
    NoRoom,
    /// The stream is being deleted or is gone.
    StreamGone,
}

/// Adds a record to a batch: its key's length, its key, and its data, which `write` appends.
pub(super) fn push_record<E>(
    batch: &mut Batch,
    partition_key: &str,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    // Bounded by the largest partition key.
    let length = u16::try_from(partition_key.len()).unwrap_or(u16::MAX);
    batch
        .push_with(usize::MAX, |out| {
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&partition_key.as_bytes()[..usize::from(length)]);
            write(out)
        })
        .map(|_| ())
}

/// Writes the records of a call, by shard. They are durable once `transaction` is committed.
pub(super) async fn append(
    transaction: &mut Transaction<'static, Sqlite>,
    stream: &DataStream,
    batches: Vec<(u32, Batch)>,
    arrival_ms: i64,
    most_bytes: i64,
) -> Result<Appended, AwsError> {
    let rows: i64 = batches.len().try_into().map_err(AwsError::internal)?;
    let count: usize = batches.iter().map(|(_, batch)| batch.count()).sum();
    let count: i64 = count.try_into().map_err(AwsError::internal)?;
    let bytes: usize = batches.iter().map(|(_, batch)| batch.data_bytes()).sum();
    let bytes: i64 = rows * ROW_BYTES + i64::try_from(bytes).map_err(AwsError::internal)?;
    if !make_room(transaction, &stream.scope.account, bytes, most_bytes).await? {
        return Ok(Appended::NoRoom);
    }
    let next: Option<i64> = sqlx::query_scalar(
        "UPDATE data_stream SET next_number = next_number + ?, kept_bytes = kept_bytes + ? \
         WHERE stream_id = ? AND status = 'ACTIVE' RETURNING next_number",
    )
    .bind(count)
    .bind(bytes)
    .bind(stream.id)
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(next) = next else { return Ok(Appended::StreamGone) };
    let first_number = next - count;
    let mut number = first_number;
    for (shard, batch) in batches {
        let count = i64::try_from(batch.count()).map_err(AwsError::internal)?;
        let bytes = ROW_BYTES + i64::try_from(batch.data_bytes()).map_err(AwsError::internal)?;
        sqlx::query(
            "INSERT INTO data_stream_log (stream_id, shard, first_number, record_count, bytes, arrival_ms, records) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(stream.id)
        .bind(shard)
        .bind(number)
        .bind(count)
        .bind(bytes)
        .bind(arrival_ms)
        .bind(batch.into_joined())
        .execute(&mut **transaction)
        .await?;
        number += count;
    }
    Ok(Appended::Written { first_number })
}

/// Deletes the account's oldest records that no reader of the sandbox needs, as far as they stand in the way of `bytes` more.
async fn make_room(
    transaction: &mut Transaction<'static, Sqlite>,
    account: &AccountId,
    bytes: i64,
    most_bytes: i64,
) -> Result<bool, AwsError> {
    let kept: i64 = sqlx::query_scalar("SELECT COALESCE(SUM(kept_bytes), 0) FROM data_stream WHERE account_id = ?")
        .bind(account.as_str())
        .fetch_one(&mut **transaction)
        .await?;
    if kept + bytes <= most_bytes {
        return Ok(true);
    }
    // A little more than needed, so that the next call finds room.
    let wanted = kept + bytes - most_bytes + most_bytes / 64;
    let unneeded = sqlx::query(
        "SELECT log_id, stream_id, bytes FROM data_stream_log AS log JOIN data_stream USING (stream_id) \
         WHERE account_id = ? AND NOT EXISTS (SELECT 1 FROM data_stream_reader AS reader WHERE \
         reader.stream_id = log.stream_id AND reader.shard = log.shard \
         AND reader.next_number < log.first_number + log.record_count) ORDER BY log_id LIMIT ?",
    )
    .bind(account.as_str())
    .bind(MOST_ROWS_AT_ONCE)
    .fetch_all(&mut **transaction)
    .await?;
    let mut freed = 0;
    for row in unneeded {
        if freed >= wanted {
            break;
        }
        let bytes: i64 = row.get(2);
        sqlx::query("DELETE FROM data_stream_log WHERE log_id = ?")
            .bind(row.get::<i64, _>(0))
            .execute(&mut **transaction)
            .await?;
        reduce_kept(transaction, row.get(1), bytes).await?;
        freed += bytes;
    }
    Ok(kept - freed + bytes <= most_bytes)
}

/// Up to `max_records` records of a shard from `number` on, in order, until they have `max_bytes` of data; the first one is
/// given however large it is. Records that arrived before `horizon_ms` are left out.
pub(super) async fn read(
    pool: &SqlitePool,
    (stream_id, shard): (i64, u32),
    number: i64,
    horizon_ms: i64,
    max_records: usize,
    max_bytes: usize,
) -> Result<Vec<DataRecord>, AwsError> {
    // A row that begins before `number` may hold it.
    let mut rows = sqlx::query(
        "SELECT first_number, arrival_ms, records FROM data_stream_log WHERE stream_id = ?1 AND shard = ?2 \
         AND first_number >= COALESCE((SELECT MAX(first_number) FROM data_stream_log WHERE stream_id = ?1 AND shard = ?2 \
         AND first_number <= ?3), ?3) AND arrival_ms >= ?4 ORDER BY first_number",
    )
    .bind(stream_id)
    .bind(shard)
    .bind(number)
    .bind(horizon_ms)
    .fetch(pool);
    let mut records = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        let first: i64 = row.get(0);
        let arrival_ms = row.get(1);
        let joined = Bytes::from(row.get::<Vec<u8>, _>(2));
        for (number_of_record, stored) in (first..).zip(split(joined)?) {
            if number_of_record < number {
                continue;
            }
            let full = records.len() >= max_records || bytes + stored.len() > max_bytes;
            if full && !records.is_empty() || max_records == 0 {
                return Ok(records);
            }
            bytes += stored.len();
            let (partition_key, data) = split_record(&stored)?;
            records.push(DataRecord { number: number_of_record, arrival_ms, partition_key, data });
        }
    }
    Ok(records)
}

fn split_record(stored: &Bytes) -> Result<(String, Bytes), AwsError> {
    let damaged = || AwsError::internal("a record of a data stream is damaged");
    let length = usize::from(u16::from_le_bytes(*stored.first_chunk::<KEY_LENGTH_BYTES>().ok_or_else(damaged)?));
    let end = KEY_LENGTH_BYTES + length;
    let key = stored.get(KEY_LENGTH_BYTES..end).ok_or_else(damaged)?;
    let key = str::from_utf8(key).map_err(|_| damaged())?;
    Ok((key.to_owned(), stored.slice(end..)))
}

/// When the first record of a shard from `number` on arrived that is still kept.
pub(super) async fn arrival_ms(
    pool: &SqlitePool,
    (stream_id, shard): (i64, u32),
    number: i64,
    horizon_ms: i64,
) -> Result<Option<i64>, AwsError> {
    let arrival = sqlx::query_scalar(
        "SELECT arrival_ms FROM data_stream_log WHERE stream_id = ?1 AND shard = ?2 AND first_number >= \
         COALESCE((SELECT MAX(first_number) FROM data_stream_log WHERE stream_id = ?1 AND shard = ?2 \
         AND first_number <= ?3), ?3) AND first_number + record_count > ?3 AND arrival_ms >= ?4 \
         ORDER BY first_number LIMIT 1",
    )
    .bind(stream_id)
    .bind(shard)
    .bind(number)
    .bind(horizon_ms)
    .fetch_optional(pool)
    .await?;
    Ok(arrival)
}

/// The number with which a reader begins that starts like this.
pub(super) async fn first_number(
    database: impl SqliteExecutor<'_>,
    (stream_id, shard): (i64, u32),
    start: Start,
) -> Result<i64, AwsError> {
    const NEXT: &str = "SELECT next_number FROM data_stream WHERE stream_id = ?1";
    let query = match start {
        Start::TrimHorizon => return Ok(0),
        Start::Latest => sqlx::query_scalar(NEXT).bind(stream_id),
        Start::AtTimestamp(ms) => sqlx::query_scalar(
            "SELECT COALESCE((SELECT MIN(first_number) FROM data_stream_log WHERE stream_id = ?1 AND shard = ?2 AND \
             arrival_ms >= ?3), (SELECT next_number FROM data_stream WHERE stream_id = ?1))",
        )
        .bind(stream_id)
        .bind(shard)
        .bind(ms),
    };
    Ok(query.fetch_one(database).await?)
}

/// Deletes the rows of a stream that arrived before `before_ms`, whoever still wants them.
pub(super) async fn expire(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    before_ms: i64,
) -> Result<(), AwsError> {
    let deleted: Vec<i64> =
        sqlx::query_scalar("DELETE FROM data_stream_log WHERE stream_id = ? AND arrival_ms < ? RETURNING bytes")
            .bind(stream_id)
            .bind(before_ms)
            .fetch_all(&mut **transaction)
            .await?;
    reduce_kept(transaction, stream_id, deleted.iter().sum()).await
}

async fn reduce_kept(
    transaction: &mut Transaction<'static, Sqlite>,
    stream_id: i64,
    bytes: i64,
) -> Result<(), AwsError> {
    if bytes > 0 {
        sqlx::query("UPDATE data_stream SET kept_bytes = kept_bytes - ? WHERE stream_id = ?")
            .bind(bytes)
            .bind(stream_id)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}
