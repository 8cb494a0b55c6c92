//! The database behind the store: a SQLite file, or PostgreSQL.
//!
//! Statements are written once, in the SQL that both understand, and run on either by the macros here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Postgres, Sqlite, Transaction};
use thiserror::Error;

use crate::feed::{CHANNEL, Change, Feed};

/// Connections that read a SQLite file at once.
const READERS: u32 = 4;
/// Connections to PostgreSQL, unless the server is told otherwise.
pub const CONNECTIONS: u32 = 16;
/// A connection that is not to be had for this long is an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// Learners, progress, classes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) database: Database,
    pub(crate) feed: Arc<Feed>,
}

/// Where everything is kept.
#[derive(Clone, Debug)]
pub enum Database {
    Sqlite {
        readers: SqlitePool,
        /// One connection, so that writers wait in a queue and not for a lock.
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// The store could not be opened or brought up to date.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("the store at {path} cannot be opened: {cause}")]
    Open { path: String, cause: sqlx::Error },
    #[error("DATABASE_URL is not the address of a PostgreSQL database, such as postgres://user:password@host/database")]
    Url,
    #[error("PostgreSQL at {host} cannot be used: {cause}")]
    Connect { host: String, cause: sqlx::Error },
    #[error("the store cannot be migrated: {0}")]
    Migrate(#[from] MigrateError),
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
    #[error("the store holds a value that no release of this program wrote")]
    Value,
}

/// A unit of work: its writes are kept together or not at all.
pub(crate) struct Work {
    pub(crate) transaction: AnyTransaction,
    feed: Arc<Feed>,
    /// What is told once the work is kept.
    news: Vec<Change>,
}

pub(crate) enum AnyTransaction {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Reads from whichever database it is: `read!(store, database => sqlx::query(…).fetch_all(database).await?)`.
macro_rules! read {
    ($store:expr, $database:ident => $read:expr) => {
        match &$store.database {
            $crate::database::Database::Sqlite { readers: $database, .. } => $read,
            $crate::database::Database::Postgres($database) => $read,
        }
    };
}

/// Writes by one statement, which is kept when this returns: `alter!(store, database => sqlx::query(…).execute(database).await?)`.
macro_rules! alter {
    ($store:expr, $database:ident => $write:expr) => {
        match &$store.database {
            $crate::database::Database::Sqlite { writer: $database, .. } => $write,
            $crate::database::Database::Postgres($database) => $write,
        }
    };
}

/// Reads or writes in a unit of work: `on!(work, connection => sqlx::query(…).execute(connection).await?.rows_affected())`.
macro_rules! on {
    ($work:expr, $connection:ident => $run:expr) => {
        match &mut $work.transaction {
            $crate::database::AnyTransaction::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $run
            }
            $crate::database::AnyTransaction::Postgres(transaction) => {
                let $connection = &mut **transaction;
                $run
            }
        }
    };
}

pub(crate) use {alter, on, read};

/// Migrations only ever add, so that a server of the release before works on with what a newer one has made.
fn forward_safe(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true);
    migrator
}

impl Store {
    /// Opens or creates the SQLite file at `path` and applies the migrations.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let failed = |cause| OpenError::Open { path: path.display().to_string(), cause };
        // A connection to a file does not break, so that it need not be asked before each use.
        let pool = |connections| {
            SqlitePoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE).test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(failed)?;
        forward_safe(sqlx::migrate!("./migrations/sqlite")).run(&writer).await?;
        let readers = pool(READERS).connect_with(options).await.map_err(failed)?;
        Ok(Self { database: Database::Sqlite { readers, writer }, feed: Arc::default() })
    }

    /// Opens the PostgreSQL database at `url` and applies the migrations. Several servers may use it at once.
    pub async fn connect(url: &SecretString, connections: u32) -> Result<Self, OpenError> {
        let options: PgConnectOptions = url.expose_secret().parse().map_err(|_| OpenError::Url)?;
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.expose_secret().starts_with(scheme)) {
            return Err(OpenError::Url);
        }
        let host = format!("{}:{}", options.get_host(), options.get_port());
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(|cause| OpenError::Connect { host, cause })?;
        forward_safe(sqlx::migrate!("./migrations/postgres")).run(&pool).await?;
        Ok(Self { database: Database::Postgres(pool), feed: Arc::default() })
    }

    /// The database itself, for the session store that lives in it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// An error when the database does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _: i64 = read!(self, database => sqlx::query_scalar("SELECT CAST(1 AS BIGINT)").fetch_one(database).await?);
        Ok(())
    }

    /// Begins a unit of work. Dropped without [`Work::commit`], it leaves nothing behind.
    pub(crate) async fn begin(&self) -> Result<Work, StoreError> {
        let transaction = match &self.database {
            Database::Sqlite { writer, .. } => AnyTransaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Database::Postgres(pool) => AnyTransaction::Postgres(pool.begin().await?),
        };
        Ok(Work { transaction, feed: Arc::clone(&self.feed), news: Vec::new() })
    }
}

impl Work {
    /// Tells all servers of a change once it is kept.
    pub(crate) fn announce(&mut self, change: Change) {
        self.news.push(change);
    }

    /// Keeps what was done.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Self { transaction, feed, news } = self;
        match transaction {
            AnyTransaction::Sqlite(transaction) => {
                transaction.commit().await?;
                news.into_iter().for_each(|change| feed.tell(change));
            }
            AnyTransaction::Postgres(mut transaction) => {
                // What only this server's sealer has to know is not worth a notification: these queue behind one another.
                let (here, everywhere): (Vec<_>, Vec<_>) =
                    news.into_iter().partition(|change| *change == Change::Appended);
                for change in everywhere {
                    sqlx::query("SELECT pg_notify($1, $2)")
                        .bind(CHANNEL)
                        .bind(change.to_string())
                        .execute(&mut *transaction)
                        .await?;
                }
                transaction.commit().await?;
                here.into_iter().for_each(|change| feed.tell(change));
            }
        }
        Ok(())
    }
}
