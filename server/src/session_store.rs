//! Where the browsers' sessions are kept: in the database, by a hash of their id, since whoever has an id is the learner.

use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use sqlx::SqlitePool;
use tower_sessions::ExpiredDeletion as _;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;
use tower_sessions_sqlx_store::SqliteStore;

/// How often sessions that have ended are deleted.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// The sessions of all browsers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionStore(SqliteStore);

impl SessionStore {
    /// The sessions in this database, with their table made if it is not there.
    pub async fn open(pool: &SqlitePool) -> std::result::Result<Self, sqlx::Error> {
        let sessions = SqliteStore::new(pool.clone());
        sessions.migrate().await?;
        Ok(Self(sessions))
    }

    /// Deletes what has ended, now and from time to time, for ever.
    pub async fn delete_expired(self) {
        let mut sweeps = tokio::time::interval(SWEEP);
        loop {
            sweeps.tick().await;
            if let Err(error) = self.0.delete_expired().await {
                tracing::warn!(%error, "sessions that have ended could not be deleted");
            }
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
        self.0.save(&Record { id: hashed(&record.id), ..record.clone() }).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        Ok(self.0.load(&hashed(id)).await?.map(|record| Record { id: *id, ..record }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.delete(&hashed(id)).await
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

    #[tokio::test]
    async fn what_has_ended_is_not_found_and_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let store = store::Store::open(&folder.path().join("sessions.sqlite3")).await.unwrap();
        let sessions = SessionStore::open(store.pool()).await.unwrap();
        let now = OffsetDateTime::now_utc();
        let (mut ended, mut alive) =
            (record(-1, now - Duration::from_secs(60)), record(2, now + Duration::from_secs(60)));
        sessions.create(&mut ended).await.unwrap();
        sessions.create(&mut alive).await.unwrap();
        assert_eq!(sessions.load(&ended.id).await.unwrap(), None);
        assert_eq!(sessions.load(&alive.id).await.unwrap(), Some(alive.clone()));

        sessions.0.delete_expired().await.unwrap();
        let (rows,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM tower_sessions").fetch_one(store.pool()).await.unwrap();
        assert_eq!(rows, 1);
        sessions.delete(&alive.id).await.unwrap();
        assert_eq!(sessions.load(&alive.id).await.unwrap(), None);
    }

    #[test]
    fn an_id_is_kept_as_the_first_half_of_its_hash() {
        // sha256sum of sixteen zero bytes begins with 374708fff7719dd5979ec875d56cd228.
        assert_eq!(hashed(&Id(0)), Id(0x3747_08ff_f771_9dd5_979e_c875_d56c_d228));
    }
}
