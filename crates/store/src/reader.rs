//! Readers of the logs that carry entries elsewhere, such as webhooks: how far each has come, and which server reads for it.

use sqlx::FromRow;
use time::OffsetDateTime;

use crate::database::{Store, StoreError, alter, on, read};
use crate::delivery::{Delivery, keep_deliveries};
use crate::feed::Change;
use crate::id::ClassId;
use crate::moment::{from_milliseconds, milliseconds};

/// A reader of a class's log. Its name is a kind, a colon and an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    pub class: ClassId,
    pub name: String,
    /// Number of the last entry that it has carried on.
    pub position: i64,
    /// Failures in a row.
    pub failures: u32,
    /// Since when it has failed at every try.
    pub failing_since: Option<OffsetDateTime>,
    /// It rests until then. Who has waited longest since then has its turn first.
    pub retry: OffsetDateTime,
    /// Since when it is switched off.
    pub off: Option<OffsetDateTime>,
    /// What happened last, in a sentence, and when.
    pub outcome: Option<(String, OffsetDateTime)>,
}

/// What waits for its readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Readers that have not come to the end of their log.
    pub readers: u64,
    /// When the oldest entry was noted that one of them has not carried yet.
    pub oldest: Option<OffsetDateTime>,
}

impl Store {
    /// Makes a reader that begins after entry `position`. One that is there stays as it is.
    pub async fn create_reader(&self, class: &ClassId, name: &str, position: i64) -> Result<(), StoreError> {
        alter!(self, database => {
            sqlx::query(
                "INSERT INTO reader (class_id, name, position) VALUES ($1, $2, $3) ON CONFLICT (class_id, name) DO NOTHING",
            )
            .bind(class.as_str())
            .bind(name)
            .bind(position)
            .execute(database)
            .await?;
        });
        Ok(())
    }

    /// Removes a reader with its deliveries.
    pub async fn delete_reader(&self, class: &ClassId, name: &str) -> Result<(), StoreError> {
        alter!(self, database => {
            sqlx::query("DELETE FROM reader WHERE class_id = $1 AND name = $2")
                .bind(class.as_str())
                .bind(name)
                .execute(database)
                .await?;
        });
        Ok(())
    }

    /// The readers of a class, by name.
    pub async fn readers(&self, class: &ClassId) -> Result<Vec<Reader>, StoreError> {
        let rows: Vec<ReaderRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT class_id, name, position, failures, failing_since_ms, retry_ms, off_ms, outcome, outcome_ms
                 FROM reader WHERE class_id = $1 ORDER BY name",
            )
            .bind(class.as_str())
            .fetch_all(database)
            .await?
        });
        Ok(rows.into_iter().map(ReaderRow::reader).collect())
    }

    /// The readers of a kind whose class's log goes on after their position, who do not rest and whom no server holds, those
    /// that have waited longest first.
    pub async fn readers_behind(&self, kind: &str, now: OffsetDateTime, limit: u32) -> Result<Vec<Reader>, StoreError> {
        let rows: Vec<ReaderRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT reader.class_id, reader.name, position, failures, failing_since_ms, retry_ms, off_ms, outcome,
                     outcome_ms
                 FROM reader JOIN class ON class.class_id = reader.class_id
                 WHERE position < head_seq AND off_ms IS NULL AND retry_ms <= $1 AND held_until_ms <= $1
                     AND substr(reader.name, 1, length($2)) = $2
                 ORDER BY retry_ms, reader.class_id, reader.name LIMIT $3",
            )
            .bind(milliseconds(now))
            .bind(prefix(kind))
            .bind(i64::from(limit))
            .fetch_all(database)
            .await?
        });
        Ok(rows.into_iter().map(ReaderRow::reader).collect())
    }

    /// When the next reader of a kind that is behind has rested, or is held no longer. It may be past.
    pub async fn next_reader_due(&self, kind: &str) -> Result<Option<OffsetDateTime>, StoreError> {
        let due: Option<i64> = read!(self, database => {
            sqlx::query_scalar(
                "SELECT min(CASE WHEN retry_ms > held_until_ms THEN retry_ms ELSE held_until_ms END)
                 FROM reader JOIN class ON class.class_id = reader.class_id
                 WHERE position < head_seq AND off_ms IS NULL AND substr(reader.name, 1, length($1)) = $1",
            )
            .bind(prefix(kind))
            .fetch_one(database)
            .await?
        });
        Ok(due.map(from_milliseconds))
    }

    /// Lets one server read for a reader until `until`, and gives the reader as it is then. `None` when another reads, or when
    /// it rests, is switched off or gone.
    pub async fn hold_reader(
        &self,
        reader: &Reader,
        holder: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<Reader>, StoreError> {
        let held: Vec<ReaderRow> = alter!(self, database => {
            sqlx::query_as(
                "UPDATE reader SET holder = $1, held_until_ms = $2
                 WHERE class_id = $3 AND name = $4 AND held_until_ms <= $5 AND retry_ms <= $5 AND off_ms IS NULL
                 RETURNING class_id, name, position, failures, failing_since_ms, retry_ms, off_ms, outcome, outcome_ms",
            )
            .bind(holder)
            .bind(milliseconds(until))
            .bind(reader.class.as_str())
            .bind(&reader.name)
            .bind(milliseconds(now))
            .fetch_all(database)
            .await?
        });
        Ok(held.into_iter().next().map(ReaderRow::reader))
    }

    /// Holds on to a reader. False when it is another's by now, or gone.
    pub async fn keep_reader(&self, reader: &Reader, holder: &str, until: OffsetDateTime) -> Result<bool, StoreError> {
        let held = alter!(self, database => {
            sqlx::query("UPDATE reader SET held_until_ms = $1 WHERE class_id = $2 AND name = $3 AND holder = $4")
                .bind(milliseconds(until))
                .bind(reader.class.as_str())
                .bind(&reader.name)
                .bind(holder)
                .execute(database)
                .await?
                .rows_affected()
        });
        Ok(held > 0)
    }

    /// Notes how far a reader has come and what was tried, and lets go of it. False when it is another's by now, or gone: then
    /// nothing is noted.
    pub async fn save_reader(
        &self,
        reader: &Reader,
        holder: &str,
        deliveries: &[Delivery],
    ) -> Result<bool, StoreError> {
        let (outcome, outcome_at) = match &reader.outcome {
            Some((outcome, at)) => (Some(outcome), Some(milliseconds(*at))),
            None => (None, None),
        };
        let mut work = self.begin().await?;
        let saved = on!(work, connection => {
            sqlx::query(
                "UPDATE reader SET position = $1, failures = $2, failing_since_ms = $3, retry_ms = $4, off_ms = $5,
                     outcome = $6, outcome_ms = $7, holder = NULL, held_until_ms = 0
                 WHERE class_id = $8 AND name = $9 AND holder = $10",
            )
            .bind(reader.position)
            .bind(i64::from(reader.failures))
            .bind(reader.failing_since.map(milliseconds))
            .bind(milliseconds(reader.retry))
            .bind(reader.off.map(milliseconds))
            .bind(outcome)
            .bind(outcome_at)
            .bind(reader.class.as_str())
            .bind(&reader.name)
            .bind(holder)
            .execute(connection)
            .await?
            .rows_affected()
        });
        if saved == 0 {
            return Ok(false);
        }
        keep_deliveries(&mut work, reader, deliveries).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Switches a reader on, and lets it try at once.
    pub async fn switch_on_reader(&self, class: &ClassId, name: &str) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let found = on!(work, connection => {
            sqlx::query(
                "UPDATE reader SET off_ms = NULL, failures = 0, failing_since_ms = NULL, retry_ms = 0
                 WHERE class_id = $1 AND name = $2",
            )
            .bind(class.as_str())
            .bind(name)
            .execute(connection)
            .await?
            .rows_affected()
        });
        work.announce(Change::Class(class.clone()));
        work.commit().await?;
        Ok(found > 0)
    }

    /// What waits for readers that are not switched off.
    pub async fn readers_waiting(&self) -> Result<Waiting, StoreError> {
        let (readers, oldest): (i64, Option<i64>) = read!(self, database => {
            sqlx::query_as(
                "SELECT count(*), min(event.at_ms) FROM reader
                 JOIN event ON event.class_id = reader.class_id AND event.seq = reader.position + 1
                 WHERE off_ms IS NULL",
            )
            .fetch_one(database)
            .await?
        });
        Ok(Waiting { readers: readers.unsigned_abs(), oldest: oldest.map(from_milliseconds) })
    }
}

/// How the names of a kind's readers begin.
fn prefix(kind: &str) -> String {
    format!("{kind}:")
}

#[derive(FromRow)]
struct ReaderRow {
    class_id: String,
    name: String,
    position: i64,
    failures: i64,
    failing_since_ms: Option<i64>,
    retry_ms: i64,
    off_ms: Option<i64>,
    outcome: Option<String>,
    outcome_ms: Option<i64>,
}

impl ReaderRow {
    fn reader(self) -> Reader {
        Reader {
            class: ClassId::stored(self.class_id),
            name: self.name,
            position: self.position,
            failures: u32::try_from(self.failures).unwrap_or(u32::MAX),
            failing_since: self.failing_since_ms.map(from_milliseconds),
            retry: from_milliseconds(self.retry_ms),
            off: self.off_ms.map(from_milliseconds),
            outcome: self.outcome.zip(self.outcome_ms.map(from_milliseconds)),
        }
    }
}
