//! The classes' logs: entries are appended with the work that they tell of, and sealed into their chains afterwards.

use classroom::{Event, Head, LogEntry};
use sqlx::{FromRow, QueryBuilder};
use time::OffsetDateTime;

use crate::database::{AnyTransaction, Store, StoreError, Work, on, read};
use crate::feed::Change;
use crate::id::{ClassId, LearnerId};
use crate::moment::milliseconds;

/// Entries sealed in one unit of work.
const BATCH: i64 = 1000;
/// Entries written by one statement. Databases bound the values of a statement, four an entry.
const STATEMENT: usize = 250;
/// Without news the sealer looks this often: a server may have ended between appending and sealing.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);
/// The advisory lock that only one sealer holds.
const SEALER: i64 = 0x6865_6164_7761_7465;

impl Store {
    /// Seals what is appended, for ever. Any number of servers may do so at once: they take turns.
    pub async fn keep_sealing(self) {
        let mut news = self.news();
        loop {
            match self.seal().await {
                Ok(sealed) if sealed == BATCH.unsigned_abs() => continue,
                Ok(_) => (),
                Err(error) => tracing::error!(%error, "the log could not be sealed"),
            }
            let appended = async {
                while let Some(change) = news.next().await {
                    if matches!(change, Change::Appended | Change::Unknown) {
                        return;
                    }
                }
                std::future::pending::<()>().await;
            };
            // Too late is as good as told.
            let _ = tokio::time::timeout(LOOK, appended).await;
        }
    }

    /// Gives appended entries their numbers and hashes, at most a batch, and says how many.
    pub async fn seal(&self) -> Result<u64, StoreError> {
        let waiting: i64 = read!(self, database => {
            sqlx::query_scalar("SELECT count(*) FROM (SELECT 1 FROM event WHERE seq IS NULL LIMIT 1) AS waiting")
                .fetch_one(database)
                .await?
        });
        if waiting == 0 {
            return Ok(0);
        }
        let mut work = self.begin().await?;
        if let AnyTransaction::Postgres(transaction) = &mut work.transaction {
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SEALER).execute(&mut **transaction).await?;
        }
        let appended: Vec<AppendedRow> = on!(work, connection => {
            sqlx::query_as(
                "SELECT event_id, class_id, learner_id, at_ms, body FROM event WHERE seq IS NULL ORDER BY event_id LIMIT $1",
            )
            .bind(BATCH)
            .fetch_all(connection)
            .await?
        });
        let mut entries = Vec::with_capacity(appended.len());
        let mut heads: Vec<(String, Head)> = Vec::new();
        for row in appended {
            let head = match heads.iter_mut().find(|(class, _)| *class == row.class_id) {
                Some((_, head)) => head,
                None => {
                    heads.push((row.class_id.clone(), head_of(&mut work, &row.class_id).await?));
                    let (_, head) = heads.last_mut().ok_or(sqlx::Error::RowNotFound)?;
                    head
                }
            };
            let event: Event = serde_json::from_str(&row.body)?;
            let entry = classroom::seal(head, &row.class_id, row.at_ms, row.learner_id.as_deref(), event)?;
            entries.push((row.event_id, entry));
        }
        // One statement for all: a round trip each would take longer than a lively class leaves between two entries.
        for some in entries.chunks(STATEMENT) {
            on!(work, connection => {
                let mut statement = QueryBuilder::new(
                    "UPDATE event SET seq = sealed.column2, previous = sealed.column3, hash = sealed.column4 FROM (",
                );
                statement.push_values(some, |mut row, (event_id, entry)| {
                    row.push_bind(*event_id).push_bind(entry.seq).push_bind(&entry.previous).push_bind(&entry.hash);
                });
                statement.push(") AS sealed WHERE event.event_id = sealed.column1");
                // It is as long as there are entries, and not worth keeping.
                statement.build().persistent(false).execute(connection).await?;
            });
        }
        for (class, head) in heads {
            on!(work, connection => {
                sqlx::query("UPDATE class SET head_seq = $1, head_hash = $2 WHERE class_id = $3")
                    .bind(head.seq)
                    .bind(&head.hash)
                    .bind(&class)
                    .execute(connection)
                    .await?;
            });
            work.announce(Change::Sealed { class: ClassId::stored(class), seq: head.seq });
        }
        work.commit().await?;
        Ok(entries.len() as u64)
    }

    /// Where a class's log ends. `None` for a class that is not there.
    pub async fn head(&self, class: &ClassId) -> Result<Option<Head>, StoreError> {
        let head: Option<HeadRow> = read!(self, database => {
            sqlx::query_as("SELECT head_seq, head_hash FROM class WHERE class_id = $1")
                .bind(class.as_str())
                .fetch_optional(database)
                .await?
        });
        Ok(head.map(HeadRow::head))
    }

    /// The entries of a class after number `seq`, in order, `limit` at most.
    pub async fn log_after(&self, class: &ClassId, seq: i64, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        let rows: Vec<EventRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT class_id, seq, at_ms, learner_id, body, previous, hash FROM event
                 WHERE class_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            )
            .bind(class.as_str())
            .bind(seq)
            .bind(i64::from(limit))
            .fetch_all(database)
            .await?
        });
        rows.into_iter().map(EventRow::entry).collect()
    }

    /// The latest entries about a learner in a class, newest first, `limit` at most.
    pub async fn log_of_learner(
        &self,
        class: &ClassId,
        learner: &LearnerId,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let rows: Vec<EventRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT class_id, seq, at_ms, learner_id, body, previous, hash FROM event
                 WHERE learner_id = $1 AND class_id = $2 AND seq IS NOT NULL ORDER BY seq DESC LIMIT $3",
            )
            .bind(learner.as_str())
            .bind(class.as_str())
            .bind(i64::from(limit))
            .fetch_all(database)
            .await?
        });
        rows.into_iter().map(EventRow::entry).collect()
    }
}

/// Appends an entry to a class's log.
pub(crate) async fn append(
    work: &mut Work,
    class: &ClassId,
    learner: Option<&LearnerId>,
    event: &Event,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(event)?;
    on!(work, connection => {
        sqlx::query("INSERT INTO event (class_id, learner_id, at_ms, body) VALUES ($1, $2, $3, $4)")
            .bind(class.as_str())
            .bind(learner.map(LearnerId::as_str))
            .bind(milliseconds(now))
            .bind(&body)
            .execute(connection)
            .await?;
    });
    work.announce(Change::Appended);
    Ok(())
}

/// Appends an entry to the log of the class that the learner is in now; nothing for who is in none, or after its end.
pub(crate) async fn append_progress(
    work: &mut Work,
    learner: &LearnerId,
    event: &Event,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(event)?;
    let appended = on!(work, connection => {
        sqlx::query(
            "INSERT INTO event (class_id, learner_id, at_ms, body)
             SELECT class.class_id, member.learner_id, $1, $2
             FROM member JOIN class ON class.class_id = member.class_id
             WHERE member.learner_id = $3 AND member.state = 'active' AND class.archived_ms IS NULL
                 AND (class.ends_ms IS NULL OR class.ends_ms > $1)",
        )
        .bind(milliseconds(now))
        .bind(&body)
        .bind(learner.as_str())
        .execute(connection)
        .await?
        .rows_affected()
    });
    if appended > 0 {
        work.announce(Change::Appended);
    }
    Ok(())
}

async fn head_of(work: &mut Work, class: &str) -> Result<Head, StoreError> {
    let head: HeadRow = on!(work, connection => {
        sqlx::query_as("SELECT head_seq, head_hash FROM class WHERE class_id = $1")
            .bind(class)
            .fetch_one(connection)
            .await?
    });
    Ok(head.head())
}

#[derive(FromRow)]
struct AppendedRow {
    event_id: i64,
    class_id: String,
    learner_id: Option<String>,
    at_ms: i64,
    body: String,
}

#[derive(FromRow)]
struct HeadRow {
    head_seq: i64,
    head_hash: String,
}

impl HeadRow {
    fn head(self) -> Head {
        Head { seq: self.head_seq, hash: self.head_hash }
    }
}

#[derive(FromRow)]
struct EventRow {
    class_id: String,
    seq: i64,
    at_ms: i64,
    learner_id: Option<String>,
    body: String,
    previous: String,
    hash: String,
}

impl EventRow {
    fn entry(self) -> Result<LogEntry, StoreError> {
        let Self { class_id: class, seq, at_ms, learner_id: learner, body, previous, hash } = self;
        Ok(LogEntry { class, seq, at_ms, learner, event: serde_json::from_str(&body)?, previous, hash })
    }
}
