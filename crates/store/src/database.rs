//! The SQLite file behind the store.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use thiserror::Error;

/// Connections that may read or wait to write at once.
const CONNECTIONS: u32 = 4;

/// Learners and progress. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: SqlitePool,
}

/// The store could not be opened or brought up to date.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("the store at {path} cannot be opened: {cause}")]
    Open { path: String, cause: sqlx::Error },
    #[error("the store cannot be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// A read or a write failed; nothing of it was kept.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("the store failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the store holds a value that cannot be read: {0}")]
    Decode(#[from] serde_json::Error),
    #[error("there is no such learner")]
    NoSuchLearner,
}

impl Store {
    /// Opens or creates the file at `path` and applies the migrations.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(options)
            .await
            .map_err(|cause| OpenError::Open { path: path.display().to_string(), cause })?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self { pool })
    }

    /// The pool, for the session store that lives in the same file.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}
