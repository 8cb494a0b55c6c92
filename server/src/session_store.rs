//! Where the browsers' sessions are kept: in the database, by a hash of their id, since whoever has an id is the learner.

use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use store::{Database, Store};
use tower_sessions::ExpiredDeletion as _;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

/// How often sessions that have ended are deleted.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// The sessions of all browsers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionStore(Kept);

/// Where they are kept: beside everything else.
#[derive(Clone, Debug)]
enum Kept {
    Sqlite { readers: SqliteStore, writer: SqliteStore },
    Postgres(PostgresStore),
}

impl SessionStore {
    /// The sessions in the store's database, with their table made if it is not there.
    pub async fn open(store: &Store) -> std::result::Result<Self, sqlx::Error> {
        Ok(Self(match store.database() {
            Database::Sqlite { readers, writer } => {
                let writer = SqliteStore::new(writer.clone());
                writer.migrate().await?;
                Kept::Sqlite { readers: SqliteStore::new(readers.clone()), writer }
            }
            Database::Postgres(pool) => {
                let sessions = PostgresStore::new(pool.clone());
                sessions.migrate().await?;
                Kept::Postgres(sessions)
            }
        }))
    }

    /// Deletes what has ended, now and from time to time, for ever.
    pub async fn delete_expired(self) {
        let mut sweeps = tokio::time::interval(SWEEP);
        loop {
            sweeps.tick().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "sessions that have ended could not be deleted");
            }
        }
    }

    async fn sweep(&self) -> Result<()> {
        match &self.0 {
            Kept::Sqlite { writer, .. } => writer.delete_expired().await,
            Kept::Postgres(sessions) => sessions.delete_expired().await,
        }
    }
}

#[async_trait]
impl tower_sessions::SessionStore for SessionStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // An id is 128 random bits: no two are the same.
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let record = Record { id: hashed(&record.id), ..record.clone() };
        match &self.0 {
            Kept::Sqlite { writer, .. } => writer.save(&record).await,
            Kept::Postgres(sessions) => sessions.save(&record).await,
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let hashed = hashed(id);
        let record = match &self.0 {
            Kept::Sqlite { readers, .. } => readers.load(&hashed).await?,
            Kept::Postgres(sessions) => sessions.load(&hashed).await?,
        };
        Ok(record.map(|record| Record { id: *id, ..record }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let id = hashed(id);
        match &self.0 {
            Kept::Sqlite { writer, .. } => writer.delete(&id).await,
            Kept::Postgres(sessions) => sessions.delete(&id).await,
        }
    }
}

/// The first half of SHA-256. An id is random enough for a plain hash.
fn hashed(id: &Id) -> Id {
    let hash: [u8; 32] = Sha256::digest(id.0.to_be_bytes()).into();
    let (first, _) = hash.split_at(size_of::<i128>());
    Id(first.iter().fold(0, |number, byte| number << 8 | i128::from(*byte)))
}

#[cfg(test)]
mod tests {
    use tower_sessions::SessionStore as _;
    use tower_sessions::cookie::time::OffsetDateTime;

    use super::*;

    fn record(id: i128, ends: OffsetDateTime) -> Record {
        Record { id: Id(id), data: [("learner".to_owned(), "x".into())].into(), expiry_date: ends }
    }

    async fn what_has_ended_is_not_found_and_swept_away(store: &Store) {
        let sessions = SessionStore::open(store).await.unwrap();
        let now = OffsetDateTime::now_utc();
        let (mut ended, mut alive) =
            (record(-1, now - Duration::from_secs(60)), record(2, now + Duration::from_secs(60)));
        sessions.create(&mut ended).await.unwrap();
        sessions.create(&mut alive).await.unwrap();
        assert_eq!(sessions.load(&ended.id).await.unwrap(), None);
        assert_eq!(sessions.load(&alive.id).await.unwrap(), Some(alive.clone()));

        sessions.sweep().await.unwrap();
        let rows: i64 = match store.database() {
            Database::Sqlite { readers, .. } => {
                sqlx::query_scalar("SELECT count(*) FROM tower_sessions").fetch_one(readers).await.unwrap()
            }
            Database::Postgres(pool) => {
                sqlx::query_scalar("SELECT count(*) FROM tower_sessions.session").fetch_one(pool).await.unwrap()
            }
        };
        assert_eq!(rows, 1);
        sessions.delete(&alive.id).await.unwrap();
        assert_eq!(sessions.load(&alive.id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn sessions_end_in_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("sessions.sqlite3")).await.unwrap();
        what_has_ended_is_not_found_and_swept_away(&store).await;
    }

    #[tokio::test]
    async fn sessions_end_in_postgresql() {
        let url = scratch_postgres::new_database().await.unwrap();
        what_has_ended_is_not_found_and_swept_away(&Store::connect(&url.into(), 2).await.unwrap()).await;
    }

    #[test]
    fn an_id_is_kept_as_the_first_half_of_its_hash() {
        // sha256sum of sixteen zero bytes begins with 374708fff7719dd5979ec875d56cd228.
        assert_eq!(hashed(&Id(0)), Id(0x3747_08ff_f771_9dd5_979e_c875_d56c_d228));
    }
}
