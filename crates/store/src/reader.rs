//! Readers of the logs that carry entries elsewhere, such as webhooks: how far each has come, and which server reads for it.

use sqlx::FromRow;
use time::OffsetDateTime;

use crate::database::{Store, StoreError, alter, read};
use crate::id::ClassId;
use crate::moment::{from_milliseconds, milliseconds};

/// A reader of a class's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    pub class: ClassId,
    pub name: String,
    /// Number of the last entry that it has carried on.
    pub position: i64,
    /// Failures in a row.
    pub failures: u32,
    /// It rests until then.
    pub retry: OffsetDateTime,
    /// What happened last, in a sentence, and when.
    pub outcome: Option<(String, OffsetDateTime)>,
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

    /// Removes a reader.
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
                "SELECT class_id, name, position, failures, retry_ms, outcome, outcome_ms FROM reader
                 WHERE class_id = $1 ORDER BY name",
            )
            .bind(class.as_str())
            .fetch_all(database)
            .await?
        });
        Ok(rows.into_iter().map(ReaderRow::reader).collect())
    }

    /// The readers whose class's log goes on after their position, who do not rest and whom no other server holds.
    pub async fn readers_behind(&self, holder: &str, now: OffsetDateTime) -> Result<Vec<Reader>, StoreError> {
        let rows: Vec<ReaderRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT reader.class_id, reader.name, position, failures, retry_ms, outcome, outcome_ms FROM reader
                 JOIN class ON class.class_id = reader.class_id
                 WHERE position < head_seq AND retry_ms <= $1
                     AND (held_until_ms <= $1 OR holder = $2)
                 ORDER BY retry_ms LIMIT 100",
            )
            .bind(milliseconds(now))
            .bind(holder)
            .fetch_all(database)
            .await?
        });
        Ok(rows.into_iter().map(ReaderRow::reader).collect())
    }

    /// Lets one server read for a reader until `until`. False when another does.
    pub async fn hold_reader(
        &self,
        reader: &Reader,
        holder: &str,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let held = alter!(self, database => {
            sqlx::query(
                "UPDATE reader SET holder = $1, held_until_ms = $2
                 WHERE class_id = $3 AND name = $4 AND (held_until_ms <= $5 OR holder = $1)",
            )
            .bind(holder)
            .bind(milliseconds(until))
            .bind(reader.class.as_str())
            .bind(&reader.name)
            .bind(milliseconds(now))
            .execute(database)
            .await?
            .rows_affected()
        });
        Ok(held > 0)
    }

    /// Notes how far a reader has come: its position, failures, rest and outcome.
    pub async fn save_reader(&self, reader: &Reader) -> Result<(), StoreError> {
        let (outcome, outcome_at) = match &reader.outcome {
            Some((outcome, at)) => (Some(outcome), Some(milliseconds(*at))),
            None => (None, None),
        };
        alter!(self, database => {
            sqlx::query(
                "UPDATE reader SET position = $1, failures = $2, retry_ms = $3, outcome = $4, outcome_ms = $5
                 WHERE class_id = $6 AND name = $7",
            )
            .bind(reader.position)
            .bind(i64::from(reader.failures))
            .bind(milliseconds(reader.retry))
            .bind(outcome)
            .bind(outcome_at)
            .bind(reader.class.as_str())
            .bind(&reader.name)
            .execute(database)
            .await?;
        });
        Ok(())
    }
}

#[derive(FromRow)]
struct ReaderRow {
    class_id: String,
    name: String,
    position: i64,
    failures: i64,
    retry_ms: i64,
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
            retry: from_milliseconds(self.retry_ms),
            outcome: self.outcome.zip(self.outcome_ms.map(from_milliseconds)),
        }
    }
}
