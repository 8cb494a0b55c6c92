//! The sandbox's durable state: one SQLite file in WAL mode, one writer, several readers.
//!
//! A commit is in the operating system's hands before it is acknowledged, so that it survives `kill -9`.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};
use thiserror::Error;

use crate::AccountId;
use crate::changes::Changes;

/// Readers that may run beside the one writer.
const READERS: u32 = 4;

/// The pools that every service shares. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
    changes: Changes,
    /// Statement that finds the regions of an account.
    regions: Arc<str>,
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
        let regions = regions_statement(&readers).await?.into();
        Ok(Self { writer, readers, changes, regions })
    }

    /// What tells whether something in an account has changed.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The regions in which an account has anything, in alphabetical order.
    pub(crate) async fn regions(&self, account: &AccountId) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(&self.regions).bind(account.as_str()).fetch_all(&self.readers).await
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

/// The statement of [`Database::regions`], which takes an account: over all tables that name an account and a region, so that
/// no service can be forgotten.
async fn regions_statement(readers: &SqlitePool) -> Result<String, sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tables.name FROM sqlite_schema AS tables
         WHERE tables.type = 'table'
         AND EXISTS (SELECT * FROM pragma_table_info(tables.name) WHERE name = 'account_id')
         AND EXISTS (SELECT * FROM pragma_table_info(tables.name) WHERE name = 'region')",
    )
    .fetch_all(readers)
    .await?;
    let of_table = |table: &String| format!("SELECT region FROM {table} WHERE account_id = ?1");
    let union = tables.iter().map(of_table).collect::<Vec<_>>().join(" UNION ");
    Ok(format!("SELECT region FROM ({union}) ORDER BY region"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_account_has_the_regions_that_it_has_something_in() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        let mut transaction = database.write().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO account VALUES ('111122223333', 0), ('444455556666', 0);
             INSERT INTO bucket VALUES ('111122223333', 'clicks', 'us-west-2', 0), ('444455556666', 'others', 'eu-west-1', 0);
             INSERT INTO log_group (account_id, region, name, created_ms, tags)
                 VALUES ('111122223333', 'ap-south-1', 'a', 0, '{}'), ('111122223333', 'ap-south-1', 'b', 0, '{}')",
        )
        .execute(&mut *transaction)
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(database.regions(&"111122223333".parse().unwrap()).await.unwrap(), ["ap-south-1", "us-west-2"]);
        assert_eq!(database.regions(&"444455556666".parse().unwrap()).await.unwrap(), ["eu-west-1"]);
        assert!(database.regions(&"777788889999".parse().unwrap()).await.unwrap().is_empty());
    }
}
