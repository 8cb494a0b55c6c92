//! The sandbox's durable state: one SQLite file in WAL mode, one writer, several readers.
//!
//! A commit is in the operating system's hands before it is acknowledged, so that it survives `kill -9`.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};
use thiserror::Error;

use crate::changes::Changes;

/// Readers that may run beside the one writer.
const READERS: u32 = 4;

/// The pools that every service shares. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
    changes: Changes,
}

/// The database could not be opened or brought up to date.
#[derive(Debug, Error)]
pub enum DatabaseError {
    #[error("the sandbox's database cannot be opened: {0}")]
    Open(#[from] sqlx::Error),
    #[error("the sandbox's database cannot be migrated: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Database {
    /// Opens or creates the database at `path` and applies the migrations of every service.
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(std::time::Duration::from_secs(10));
        let mut migrating = SqliteConnection::connect_with(&options).await?;
        sqlx::migrate!("./migrations").run(&mut migrating).await?;
        migrating.close().await?;
        let changes = Changes::new();
        let writer = writer(options.clone(), &changes).await?;
        // A file does not hang up: to ask a connection before each use whether it is still there is a wait for nothing.
        let readers = SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false);
        let readers = readers.connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers, changes })
    }

    /// What tells whether something in an account has changed.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Begins a writing transaction. It holds the only writer, so keep it short and call no other service within it.
    pub async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin().await
    }

    /// The pool for reads, each of which sees the last commit.
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }
}

/// The pool with the one connection that writes. What it changes is told when it comes back, which is after the commit.
async fn writer(options: SqliteConnectOptions, changes: &Changes) -> Result<SqlitePool, sqlx::Error> {
    let (watching, telling) = (changes.clone(), changes.clone());
    SqlitePoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .after_connect(move |connection, _| watching.clone().watch(connection))
        .after_release(move |_, _| {
            telling.tell();
            Box::pin(async { Ok(true) })
        })
        .connect_with(options)
        .await
}
