//! How far the sandbox's own readers of a data stream have come: event source mappings and delivery streams. A position moves
//! in the transaction that keeps what was made of the records before it.

use sqlx::{Sqlite, SqlitePool, Transaction};

use super::log::{self, Start};
use super::stream::DataStream;
use crate::AwsError;

/// Makes a reader known in all shards of a stream.
pub(crate) async fn register(
    transaction: &mut Transaction<'static, Sqlite>,
    stream: &DataStream,
    reader: &str,
    start: Start,
) -> Result<(), AwsError> {
    for shard in 0..stream.shard_count {
        let number = log::first_number(&mut **transaction, (stream.id, shard), start).await?;
        sqlx::query(
            "INSERT OR REPLACE INTO data_stream_reader (stream_id, shard, reader, next_number) VALUES (?, ?, ?, ?)",
        )
        .bind(stream.id)
        .bind(shard)
        .bind(reader)
        .bind(number)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// The number that is next for a reader, if it is known there.
pub(crate) async fn position(
    pool: &SqlitePool,
    stream: &DataStream,
    shard: u32,
    reader: &str,
) -> Result<Option<i64>, AwsError> {
    let position = sqlx::query_scalar(
        "SELECT next_number FROM data_stream_reader WHERE stream_id = ? AND shard = ? AND reader = ?",
    )
    .bind(stream.id)
    .bind(shard)
    .bind(reader)
    .fetch_optional(pool)
    .await?;
    Ok(position)
}

/// Moves a reader from one position to another, unless it is elsewhere; tells whether it did.
pub(crate) async fn advance(
    transaction: &mut Transaction<'static, Sqlite>,
    (stream_id, shard): (i64, u32),
    reader: &str,
    from: i64,
    to: i64,
) -> Result<bool, AwsError> {
    let moved = sqlx::query(
        "UPDATE data_stream_reader SET next_number = ? WHERE stream_id = ? AND shard = ? AND reader = ? \
         AND next_number = ?",
    )
    .bind(to)
    .bind(stream_id)
    .bind(shard)
    .bind(reader)
    .bind(from)
    .execute(&mut **transaction)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Forgets a reader, whatever it read.
pub(crate) async fn forget(transaction: &mut Transaction<'static, Sqlite>, reader: &str) -> Result<(), AwsError> {
    sqlx::query("DELETE FROM data_stream_reader WHERE reader = ?").bind(reader).execute(&mut **transaction).await?;
    Ok(())
}
