//! When something in an account last changed: a number for each account, which grows with every commit that changes what its
//! owner could see.
//!
//! Whoever waits for a change looks at the number instead of asking every service again and again. SQLite itself tells what a
//! commit changes, by temporary triggers on all tables that name an account, so that no writing code can forget to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use sqlx::Executor as _;
use sqlx::sqlite::SqliteConnection;

use crate::AccountId;

/// The triggers' table: a row is an account, and to write it again tells of a change.
const CHANGED: &str = "changed_account";

/// How far the services themselves have come with records. Nobody but them can see it, and it moves all the time.
const BOOKKEEPING: [(&str, &[&str]); 3] = [
    ("analytics_application", &["next_sequence", "last_time_ms", "complete_from_ms"]),
    ("data_stream", &["next_number", "kept_bytes"]),
    ("delivery_stream", &["next_sequence", "accepted_bytes", "kept_bytes"]),
];

/// Tables that do not name the account themselves: whose rows are a part of which table's rows, by which column.
const PARTS: [(&str, &str, &str); 6] = [
    ("analytics_tag", "analytics_application", "application_id"),
    ("data_stream_tag", "data_stream", "stream_id"),
    ("delivery_stream_tag", "delivery_stream", "stream_id"),
    ("dynamodb_item", "dynamodb_table", "table_id"),
    ("dynamodb_tag", "dynamodb_table", "table_id"),
    ("upload_part", "upload", "upload_id"),
];

/// The numbers of all accounts. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// No process before this one began with it, so that a number seen then is not met again.
    beginning: u64,
    /// Accounts in the transaction under way.
    touched: Mutex<HashSet<i64>>,
    counts: Mutex<HashMap<i64, u64>>,
}

impl Changes {
    pub(crate) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let beginning = u64::try_from(since_1970.as_micros()).unwrap_or_default();
        let inner = Inner { beginning, touched: Mutex::default(), counts: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The number of an account. It differs from an earlier one if something was committed in between.
    pub(crate) fn of(&self, account: &AccountId) -> u64 {
        let count = number(account).and_then(|number| lock(&self.inner.counts).get(&number).copied());
        self.inner.beginning + count.unwrap_or_default()
    }

    /// Has the one writing connection tell what it changes. To be called for each such connection, once the tables are there.
    pub(crate) fn watch(self, writer: &mut SqliteConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let columns: Vec<(String, String)> = sqlx::query_as(
                "SELECT tables.name, columns.name FROM sqlite_schema AS tables
                 JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'",
            )
            .fetch_all(&mut *writer)
            .await?;
            writer.execute(all_triggers(columns).as_str()).await?;
            writer.lock_handle().await?.set_update_hook(move |change| {
                if change.table == CHANGED {
                    lock(&self.inner.touched).insert(change.rowid);
                }
            });
            Ok(())
        })
    }

    /// Counts what the transaction has touched. To be called when it is over, since a reader sees nothing of it before.
    pub(crate) fn tell(&self) {
        let touched = std::mem::take(&mut *lock(&self.inner.touched));
        let mut counts = lock(&self.inner.counts);
        for account in touched {
            *counts.entry(account).or_default() += 1;
        }
    }
}

/// Statements that make the triggers' table and all triggers, for tables with these columns.
fn all_triggers(columns: Vec<(String, String)>) -> String {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in columns {
        tables.entry(table).or_default().push(column);
    }
    let mut statements = format!("CREATE TEMP TABLE {CHANGED} (account INTEGER PRIMARY KEY);");
    for (table, columns) in &tables {
        if let Some(account) = account_of(table, columns) {
            statements.push_str(&triggers(table, columns, &account));
        }
    }
    statements
}

/// How a trigger finds the account of a row, with `ROW` for the row's name; nothing for what no owner sees.
fn account_of(table: &str, columns: &[String]) -> Option<String> {
    if columns.iter().any(|column| column == "account_id") {
        return Some("SELECT CAST(ROW.account_id AS INTEGER)".to_owned());
    }
    let (_, whole, id) = PARTS.iter().find(|(part, _, _)| *part == table)?;
    Some(format!("SELECT CAST(account_id AS INTEGER) FROM main.{whole} WHERE {id} = ROW.{id}"))
}

/// Statements that make the triggers of a table. They delete before they insert, since a conflict is settled as the outer
/// statement says.
fn triggers(table: &str, columns: &[String], account: &str) -> String {
    let bookkeeping = BOOKKEEPING.iter().find(|(name, _)| *name == table).map_or(&[][..], |(_, columns)| columns);
    let seen: Vec<&str> = columns.iter().map(String::as_str).filter(|column| !bookkeeping.contains(column)).collect();
    let trigger = |name: &str, event: &str, row: &str| {
        let account = account.replace("ROW", row);
        format!(
            "CREATE TEMP TRIGGER {table}_{name} AFTER {event} ON main.{table} BEGIN
                 DELETE FROM {CHANGED} WHERE account IN ({account});
                 INSERT INTO {CHANGED} {account};
             END;"
        )
    };
    trigger("inserted", "INSERT", "new")
        + &trigger("updated", &format!("UPDATE OF {}", seen.join(", ")), "new")
        + &trigger("deleted", "DELETE", "old")
}

/// The account as the triggers write it.
fn number(account: &AccountId) -> Option<i64> {
    account.as_str().parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Database;

    /// What the services keep for themselves, without the account's name.
    const UNSEEN: [&str; 8] = [
        "_sqlx_migrations",
        "analytics_batch",
        "data_stream_log",
        "data_stream_reader",
        "delivery_log",
        "delivery_log_reader",
        "dynamodb_dropped_table",
        "lambda_event_source_window",
    ];

    async fn database() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        (folder, database)
    }

    /// Runs a statement in a transaction of its own, and waits until the writer is back.
    async fn run(database: &Database, statement: &str) {
        let mut transaction = database.write().await.unwrap();
        sqlx::raw_sql(statement).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        drop(database.write().await.unwrap());
    }

    #[tokio::test]
    async fn every_table_is_watched_or_known_to_hold_nothing_to_see() {
        let (_folder, database) = database().await;
        let tables: Vec<(String,)> =
            sqlx::query_as("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
                .fetch_all(database.read())
                .await
                .unwrap();
        let mut unwatched = BTreeSet::new();
        for (table,) in tables {
            let columns: Vec<(String,)> = sqlx::query_as("SELECT name FROM pragma_table_info(?)")
                .bind(&table)
                .fetch_all(database.read())
                .await
                .unwrap();
            let columns: Vec<String> = columns.into_iter().map(|(column,)| column).collect();
            if account_of(&table, &columns).is_none() {
                unwatched.insert(table);
            }
        }
        assert_eq!(unwatched.iter().map(String::as_str).collect::<Vec<_>>(), UNSEEN);
    }

    #[tokio::test]
    async fn a_commit_is_told_for_its_account_alone() {
        let (_folder, database) = database().await;
        let [one, other] = ["111122223333", "012345678901"].map(|id| id.parse::<AccountId>().unwrap());
        let both = || (database.changes().of(&one), database.changes().of(&other));
        run(&database, "INSERT INTO account VALUES ('111122223333', 0), ('012345678901', 0)").await;
        let before = both();
        for statement in [
            "INSERT INTO bucket VALUES ('012345678901', 'clicks', 'us-east-1', 0)",
            "UPDATE bucket SET created_ms = 1",
            "INSERT INTO bucket_tag VALUES ('012345678901', 'clicks', 'lab', 'x')",
            "INSERT OR IGNORE INTO bucket_tag VALUES ('012345678901', 'clicks', 'lab2', 'x')",
            "DELETE FROM bucket",
        ] {
            let (_, last) = both();
            run(&database, statement).await;
            assert!(both().1 > last, "{statement}");
        }
        assert_eq!(both().0, before.0);
        let last = both();
        run(&database, "UPDATE bucket SET created_ms = 2").await;
        run(&database, "SELECT count(*) FROM bucket").await;
        assert_eq!(both(), last, "nothing was changed");
    }

    #[tokio::test]
    async fn a_transaction_is_not_told_before_it_is_over() {
        let (_folder, database) = database().await;
        let account: AccountId = "111122223333".parse().unwrap();
        let before = database.changes().of(&account);
        let mut transaction = database.write().await.unwrap();
        sqlx::raw_sql("INSERT INTO account VALUES ('111122223333', 0)").execute(&mut *transaction).await.unwrap();
        assert_eq!(database.changes().of(&account), before, "nobody can see it yet");
    }

    #[tokio::test]
    async fn a_reopened_database_begins_with_another_number() {
        let (folder, database) = database().await;
        let account: AccountId = "111122223333".parse().unwrap();
        let before = database.changes().of(&account);
        drop(database);
        let again = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        assert_ne!(again.changes().of(&account), before);
    }
}
