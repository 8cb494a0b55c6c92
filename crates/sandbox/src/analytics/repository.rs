//! Applications and their tags in the database, and the journal that makes a replay come to the same counts.
//!
//! Every range of records gets its ROWTIME in the journal before the SQL sees it. After a crash the ranges since the
//! checkpoint are read and evaluated again with the same ROWTIMEs. The checkpoint never passes the start of a window that is
//! open or not delivered; windows that began before it are left alone in the replay, because they would come out partial.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::model::{Definition, Tag};
use crate::{AwsError, Clock, Database, Scope};

/// Applications that an account may have in a region, as the service's quota.
const MAX_APPLICATIONS: i64 = 50;
/// Applications that an account may run at a time: each may hold as much memory as its windows are allowed.
pub(super) const MAX_RUNNING: i64 = 5;
/// Tags that an application may have.
const MAX_TAGS: i64 = 50;

/// What an application is doing, in the service's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ready,
    Starting,
    Running,
    Updating,
    Stopping,
    Deleting,
}

/// An application as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub id: i64,
    pub scope: Scope,
    pub name: String,
    pub version: i64,
    pub status: Status,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub definition: Definition,
    /// Whether there is a point to resume from.
    pub has_run: bool,
}

/// A range of records that entered the in-application stream together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub rowtime: i64,
    pub first_sequence: i64,
    pub end_sequence: i64,
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub next_sequence: i64,
    pub last_time: i64,
    pub complete_from: Option<i64>,
    /// The batches to replay, in order.
    pub batches: Vec<Batch>,
}

/// Whether an application may begin to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartAllowed {
    Yes,
    /// It is not READY.
    InUse,
    /// The account runs as many as it may.
    TooManyRun,
}

/// The tables of the service.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    database: Database,
    clock: Clock,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Updating => "UPDATING",
            Self::Stopping => "STOPPING",
            Self::Deleting => "DELETING",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "STARTING" => Self::Starting,
            "RUNNING" => Self::Running,
            "UPDATING" => Self::Updating,
            "STOPPING" => Self::Stopping,
            "DELETING" => Self::Deleting,
            _ => Self::Ready,
        }
    }
}

impl Repository {
    pub(super) fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Adds a new application with version 1. `ResourceInUseException` when the name is taken, `LimitExceededException` when
    /// there are too many.
    pub(super) async fn insert(
        &self,
        scope: &Scope,
        name: &str,
        definition: &Definition,
        tags: &[Tag],
    ) -> Result<Application, AwsError> {
        let now = self.clock.now_ms();
        let definition = serde_json::to_string(definition).map_err(AwsError::internal)?;
        let mut transaction = self.database.write().await?;
        let inserted: Option<i64> = sqlx::query_scalar(
            "INSERT INTO analytics_application (account_id, region, name, version, status, created_ms, updated_ms, definition)
             VALUES (?, ?, ?, 1, 'READY', ?, ?, ?) ON CONFLICT DO NOTHING RETURNING application_id",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(name)
        .bind(now)
        .bind(now)
        .bind(definition)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(id) = inserted else {
            return Err(AwsError::client("ResourceInUseException", format!("Application already exists: {name}")));
        };
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM analytics_application WHERE account_id = ? AND region = ?")
                .bind(scope.account.as_str())
                .bind(scope.region.as_str())
                .fetch_one(&mut *transaction)
                .await?;
        if count > MAX_APPLICATIONS {
            return Err(AwsError::client(
                "LimitExceededException",
                format!("An account has at most {MAX_APPLICATIONS} applications in a region; delete one first."),
            ));
        }
        write_tags(&mut transaction, id, tags).await?;
        transaction.commit().await?;
        self.find(scope, name).await
    }

    /// `None` when it was deleted.
    pub(super) async fn find_id(&self, id: i64) -> Result<Option<Application>, AwsError> {
        let row = sqlx::query("SELECT * FROM analytics_application WHERE application_id = ?")
            .bind(id)
            .fetch_optional(self.database.read())
            .await?;
        row.as_ref().map(application).transpose()
    }

    /// `ResourceNotFoundException` when there is none.
    pub(super) async fn find(&self, scope: &Scope, name: &str) -> Result<Application, AwsError> {
        let row = sqlx::query("SELECT * FROM analytics_application WHERE account_id = ? AND region = ? AND name = ?")
            .bind(scope.account.as_str())
            .bind(scope.region.as_str())
            .bind(name)
            .fetch_optional(self.database.read())
            .await?;
        match row {
            Some(row) => application(&row),
            None => Err(AwsError::client(
                "ResourceNotFoundException",
                format!("No application {name} was found in account {} and region {}.", scope.account, scope.region),
            )),
        }
    }

    /// Applications by name, from the one after `after` on.
    pub(super) async fn list(&self, scope: &Scope, after: &str, limit: i64) -> Result<Vec<Application>, AwsError> {
        let rows = sqlx::query(
            "SELECT * FROM analytics_application WHERE account_id = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all(self.database.read())
        .await?;
        rows.iter().map(application).collect()
    }

    /// The applications of everyone that are doing something.
    pub(super) async fn busy(&self) -> Result<Vec<Application>, AwsError> {
        let rows = sqlx::query("SELECT * FROM analytics_application WHERE status <> 'READY'")
            .fetch_all(self.database.read())
            .await?;
        rows.iter().map(application).collect()
    }

    /// Replaces the definition, as the next version, unless another request was faster (`ConcurrentModificationException`).
    /// With another delivery stream to read there is no point any more to resume from.
    pub(super) async fn update(
        &self,
        application: &Application,
        definition: &Definition,
        status: Status,
    ) -> Result<Application, AwsError> {
        let text = serde_json::to_string(definition).map_err(AwsError::internal)?;
        let same_stream = application.definition.stream_arn() == definition.stream_arn();
        let mut transaction = self.database.write().await?;
        let updated = sqlx::query(
            "UPDATE analytics_application SET definition = ?, version = version + 1, updated_ms = ?, status = ?,
             has_run = has_run AND ? WHERE application_id = ? AND version = ? AND status = ?",
        )
        .bind(text)
        .bind(self.clock.now_ms())
        .bind(status.as_str())
        .bind(same_stream)
        .bind(application.id)
        .bind(application.version)
        .bind(application.status.as_str())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        if updated.rows_affected() == 0 {
            return Err(AwsError::client(
                "ConcurrentModificationException",
                "Another request changed the application meanwhile; describe it and try again.",
            ));
        }
        self.find(&application.scope, &application.name).await
    }

    /// Keeps what a start changes in the definition, which is not a new version.
    pub(super) async fn keep_definition(&self, id: i64, definition: &Definition) -> Result<(), AwsError> {
        let text = serde_json::to_string(definition).map_err(AwsError::internal)?;
        let mut transaction = self.database.write().await?;
        sqlx::query("UPDATE analytics_application SET definition = ? WHERE application_id = ?")
            .bind(text)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Goes from READY to STARTING, if the account may run one more.
    pub(super) async fn begin_start(&self, application: &Application) -> Result<StartAllowed, AwsError> {
        let mut transaction = self.database.write().await?;
        let begun = sqlx::query(
            "UPDATE analytics_application SET status = 'STARTING' WHERE application_id = ? AND status = 'READY'",
        )
        .bind(application.id)
        .execute(&mut *transaction)
        .await?;
        if begun.rows_affected() == 0 {
            return Ok(StartAllowed::InUse);
        }
        let running: i64 =
            sqlx::query_scalar("SELECT count(*) FROM analytics_application WHERE account_id = ? AND status <> 'READY'")
                .bind(application.scope.account.as_str())
                .fetch_one(&mut *transaction)
                .await?;
        if running > MAX_RUNNING {
            return Ok(StartAllowed::TooManyRun);
        }
        transaction.commit().await?;
        Ok(StartAllowed::Yes)
    }

    /// Goes from one status to another; false when it had already another.
    pub(super) async fn change_status(&self, id: i64, from: &[Status], to: Status) -> Result<bool, AwsError> {
        let mut transaction = self.database.write().await?;
        let mut changed = false;
        for status in from {
            let result =
                sqlx::query("UPDATE analytics_application SET status = ? WHERE application_id = ? AND status = ?")
                    .bind(to.as_str())
                    .bind(id)
                    .bind(status.as_str())
                    .execute(&mut *transaction)
                    .await?;
            if result.rows_affected() > 0 {
                changed = true;
                break;
            }
        }
        transaction.commit().await?;
        Ok(changed)
    }

    pub(super) async fn tags(&self, id: i64) -> Result<Vec<Tag>, AwsError> {
        let rows = sqlx::query("SELECT key, value FROM analytics_tag WHERE application_id = ? ORDER BY key")
            .bind(id)
            .fetch_all(self.database.read())
            .await?;
        let tags: Result<Vec<Tag>, sqlx::Error> =
            rows.iter().map(|row| Ok(Tag { key: row.try_get(0)?, value: row.try_get(1)? })).collect();
        Ok(tags?)
    }

    /// The tags of all applications in a region: the application's name, key and value.
    pub(super) async fn all_tags(&self, scope: &Scope) -> Result<Vec<(String, String, Option<String>)>, AwsError> {
        let rows = sqlx::query_as(
            "SELECT name, key, value FROM analytics_application JOIN analytics_tag USING (application_id)
             WHERE account_id = ? AND region = ?",
        );
        Ok(rows.bind(scope.account.as_str()).bind(scope.region.as_str()).fetch_all(self.database.read()).await?)
    }

    /// Adds tags or replaces their values; all of them or none.
    pub(super) async fn tag(&self, id: i64, tags: &[Tag]) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        write_tags(&mut transaction, id, tags).await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn untag(&self, id: i64, keys: &[String]) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        for key in keys {
            sqlx::query("DELETE FROM analytics_tag WHERE application_id = ? AND key = ?")
                .bind(id)
                .bind(key)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn delete(&self, id: i64) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        sqlx::query("DELETE FROM analytics_application WHERE application_id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Begins a run at `next_sequence`, forgetting the run before.
    pub(super) async fn start_afresh(&self, id: i64, next_sequence: i64) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        sqlx::query("DELETE FROM analytics_batch WHERE application_id = ?").bind(id).execute(&mut *transaction).await?;
        sqlx::query(
            "UPDATE analytics_application SET has_run = 1, next_sequence = ?, complete_from_ms = NULL WHERE application_id = ?",
        )
        .bind(next_sequence)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Lets windows of changed code begin in the past: they may be partial, as after a fresh start.
    pub(super) async fn forget_completeness(&self, id: i64) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        sqlx::query("UPDATE analytics_application SET complete_from_ms = NULL WHERE application_id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn progress(&self, id: i64) -> Result<Progress, AwsError> {
        let row = sqlx::query(
            "SELECT next_sequence, last_time_ms, complete_from_ms FROM analytics_application WHERE application_id = ?",
        )
        .bind(id)
        .fetch_one(self.database.read())
        .await?;
        let batches = sqlx::query(
            "SELECT rowtime_ms, first_sequence, end_sequence FROM analytics_batch WHERE application_id = ? ORDER BY rowtime_ms",
        )
        .bind(id)
        .fetch_all(self.database.read())
        .await?;
        let batches: Result<Vec<Batch>, sqlx::Error> = batches
            .iter()
            .map(|row| {
                Ok(Batch { rowtime: row.try_get(0)?, first_sequence: row.try_get(1)?, end_sequence: row.try_get(2)? })
            })
            .collect();
        Ok(Progress {
            next_sequence: row.try_get(0)?,
            last_time: row.try_get(1)?,
            complete_from: row.try_get(2)?,
            batches: batches?,
        })
    }

    /// Gives a range of records its ROWTIME, for good.
    pub(super) async fn record_batch(&self, id: i64, batch: Batch) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        sqlx::query(
            "INSERT INTO analytics_batch (application_id, rowtime_ms, first_sequence, end_sequence) VALUES (?, ?, ?, ?)",
        )
        .bind(id)
        .bind(batch.rowtime)
        .bind(batch.first_sequence)
        .bind(batch.end_sequence)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("UPDATE analytics_application SET next_sequence = ?, last_time_ms = ? WHERE application_id = ?")
            .bind(batch.end_sequence)
            .bind(batch.rowtime)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Promises that no later row gets a ROWTIME up to `time`, before the windows that end by then are delivered.
    pub(super) async fn record_time(&self, id: i64, time: i64) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        sqlx::query("UPDATE analytics_application SET last_time_ms = max(last_time_ms, ?) WHERE application_id = ?")
            .bind(time)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets the batches before `complete_from`. Gives the first record that a replay would need.
    pub(super) async fn checkpoint(&self, id: i64, complete_from: i64) -> Result<i64, AwsError> {
        let mut transaction = self.database.write().await?;
        sqlx::query("DELETE FROM analytics_batch WHERE application_id = ? AND rowtime_ms < ?")
            .bind(id)
            .bind(complete_from)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE analytics_application SET complete_from_ms = ? WHERE application_id = ?")
            .bind(complete_from)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        let needed: i64 = sqlx::query_scalar(
            "SELECT coalesce((SELECT min(first_sequence) FROM analytics_batch WHERE application_id = ?1),
                             (SELECT next_sequence FROM analytics_application WHERE application_id = ?1), 0)",
        )
        .bind(id)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(needed)
    }
}

/// Adds tags to an application. `TooManyTagsException` when it has more than 50 then.
async fn write_tags(transaction: &mut Transaction<'static, Sqlite>, id: i64, tags: &[Tag]) -> Result<(), AwsError> {
    for tag in tags {
        sqlx::query("INSERT OR REPLACE INTO analytics_tag (application_id, key, value) VALUES (?, ?, ?)")
            .bind(id)
            .bind(&tag.key)
            .bind(&tag.value)
            .execute(&mut **transaction)
            .await?;
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM analytics_tag WHERE application_id = ?")
        .bind(id)
        .fetch_one(&mut **transaction)
        .await?;
    if count > MAX_TAGS {
        let message = format!("An application has at most {MAX_TAGS} tags.");
        return Err(AwsError::client("TooManyTagsException", message));
    }
    Ok(())
}

fn application(row: &SqliteRow) -> Result<Application, AwsError> {
    let account: String = row.try_get("account_id")?;
    let region: String = row.try_get("region")?;
    let status: String = row.try_get("status")?;
    let definition: String = row.try_get("definition")?;
    Ok(Application {
        id: row.try_get("application_id")?,
        scope: Scope {
            account: account.parse().map_err(AwsError::internal)?,
            region: region.parse().map_err(AwsError::internal)?,
        },
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        status: Status::parse(&status),
        created_ms: row.try_get("created_ms")?,
        updated_ms: row.try_get("updated_ms")?,
        definition: serde_json::from_str(&definition).map_err(AwsError::internal)?,
        has_run: row.try_get::<i64, _>("has_run")? != 0,
    })
}
