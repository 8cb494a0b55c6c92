//! What functions print, written behind the invocation's answer to the group and stream that Lambda names, as far as the
//! function's role may.

use sqlx::SqliteConnection;
use tokio::sync::mpsc;

use super::store::{self, NewEvent};
use super::{Logs, groups};
use crate::iam::Iam;
use crate::{AwsError, Database, Scope};

/// Logs that are written in one transaction.
const AT_ONCE: usize = 64;

/// A line with the time at which it came, milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub timestamp_ms: i64,
    pub message: String,
}

/// The lines of an invocation and where they go.
#[derive(Clone, Debug)]
pub(crate) struct FunctionLog {
    pub scope: Scope,
    /// The function's role by name, which writes them.
    pub role: String,
    pub group: String,
    pub stream: String,
    pub lines: Vec<LogLine>,
}

impl Logs {
    /// Has lines written. When too many wait already they are lost, since an invocation must not wait for its log.
    pub(crate) fn write_function_log(&self, log: FunctionLog) {
        if !log.lines.is_empty() && self.function_logs.try_send(log).is_err() {
            tracing::warn!("a function's log is lost, since too much waits to be written");
        }
    }
}

/// Writes what comes until all senders are gone, as much as waits in one transaction: where many functions run, each would
/// otherwise wait for the only writer by itself.
pub(super) async fn write_all(database: Database, iam: Iam, mut waiting: mpsc::Receiver<FunctionLog>) {
    let mut logs = Vec::new();
    while waiting.recv_many(&mut logs, AT_ONCE).await > 0 {
        let allowed = allowed(&iam, std::mem::take(&mut logs)).await;
        if let Err(error) = write(&database, &allowed).await {
            tracing::debug!(%error, "the logs of functions could not be written together");
            for log in allowed {
                if let Err(error) = write(&database, std::slice::from_ref(&log)).await {
                    tracing::warn!(%error, "a function's log could not be written");
                }
            }
        }
    }
}

/// A log whose function's role lets it write there.
struct Allowed {
    log: FunctionLog,
    may_create_group: bool,
    may_create_stream: bool,
}

/// Those that may be written.
async fn allowed(iam: &Iam, logs: Vec<FunctionLog>) -> Vec<Allowed> {
    let mut all = Vec::with_capacity(logs.len());
    for log in logs {
        let permissions = match iam.permissions_of_role(&log.scope, &log.role).await {
            Ok(permissions) => permissions,
            Err(error) => {
                tracing::warn!(%error, "a function's log could not be written");
                continue;
            }
        };
        // IAM sees what is done to a group as done to its stream without a name.
        let of_group = format!("{}:log-stream:", groups::group_arn(&log.scope, &log.group));
        let may = |action: &str, resource: &str| permissions.allow(action, resource);
        if may("logs:PutLogEvents", &format!("{of_group}{}", log.stream)) {
            let may_create_group = may("logs:CreateLogGroup", &of_group);
            let may_create_stream = may("logs:CreateLogStream", &of_group);
            all.push(Allowed { log, may_create_group, may_create_stream });
        } else {
            not_allowed();
        }
    }
    all
}

/// Writes logs in one transaction.
async fn write(database: &Database, logs: &[Allowed]) -> Result<(), AwsError> {
    if logs.is_empty() {
        return Ok(());
    }
    let mut transaction = database.write().await?;
    for log in logs {
        if !append(&mut transaction, log).await? {
            not_allowed();
        }
    }
    Ok(transaction.commit().await?)
}

/// Makes the group and the stream where they are missing, and writes. False when the role does not allow it; a group that was
/// made stays, as on AWS.
async fn append(transaction: &mut SqliteConnection, allowed: &Allowed) -> Result<bool, AwsError> {
    let Allowed { log, may_create_group, may_create_stream } = allowed;
    let group = match store::find_group(&mut *transaction, &log.scope, &log.group).await? {
        Some(group) => group,
        None if *may_create_group => store::create_group(transaction, &log.scope, &log.group, "{}").await?,
        None => return Ok(false),
    };
    let stream = match store::find_stream(&mut *transaction, &group, &log.stream).await? {
        Some(stream) => stream,
        None if *may_create_stream => store::create_stream(transaction, &group, &log.stream).await?,
        None => return Ok(false),
    };
    let event = |line: &LogLine| NewEvent { timestamp_ms: line.timestamp_ms, message: line.message.clone() };
    let events: Vec<NewEvent> = log.lines.iter().map(event).collect();
    store::append(transaction, &log.scope.account, &group, &stream, &events).await?;
    Ok(true)
}

fn not_allowed() {
    tracing::debug!("a function's role does not let it write its log");
}
