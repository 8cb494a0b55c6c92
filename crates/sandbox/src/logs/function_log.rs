//! What functions print, written behind the invocation's answer to the group and stream that Lambda names, as far as the
//! function's role may.

use tokio::sync::mpsc;

use super::store::{self, NewEvent};
use super::{Logs, groups};
use crate::iam::Iam;
use crate::{AwsError, Database, Scope};

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

/// Writes what comes until all senders are gone.
pub(super) async fn write_all(database: Database, iam: Iam, mut waiting: mpsc::Receiver<FunctionLog>) {
    while let Some(log) = waiting.recv().await {
        match write(&database, &iam, log).await {
            Ok(true) => {}
            Ok(false) => tracing::debug!("a function's role does not let it write its log"),
            Err(error) => tracing::warn!(%error, "a function's log could not be written"),
        }
    }
}

/// Makes the group and the stream where they are missing, and writes. False when the role does not allow it.
async fn write(database: &Database, iam: &Iam, log: FunctionLog) -> Result<bool, AwsError> {
    let permissions = iam.permissions_of_role(&log.scope, &log.role).await?;
    // IAM sees what is done to a group as done to its stream without a name.
    let of_group = format!("{}:log-stream:", groups::group_arn(&log.scope, &log.group));
    let may = |action: &str, resource: &str| permissions.allow(action, resource);
    if !may("logs:PutLogEvents", &format!("{of_group}{}", log.stream)) {
        return Ok(false);
    }
    let mut transaction = database.write().await?;
    let group = match store::find_group(&mut *transaction, &log.scope, &log.group).await? {
        Some(group) => group,
        None if may("logs:CreateLogGroup", &of_group) => {
            store::create_group(&mut transaction, &log.scope, &log.group, "{}").await?
        }
        None => return Ok(false),
    };
    let stream = match store::find_stream(&mut *transaction, &group, &log.stream).await? {
        Some(stream) => stream,
        None if may("logs:CreateLogStream", &of_group) => {
            store::create_stream(&mut transaction, &group, &log.stream).await?
        }
        None => {
            // The group stays, as on AWS.
            transaction.commit().await?;
            return Ok(false);
        }
    };
    let event = |line: LogLine| NewEvent { timestamp_ms: line.timestamp_ms, message: line.message };
    let events: Vec<NewEvent> = log.lines.into_iter().map(event).collect();
    store::append(&mut transaction, &log.scope.account, &group, &stream, &events).await?;
    transaction.commit().await?;
    Ok(true)
}
