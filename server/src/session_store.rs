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
