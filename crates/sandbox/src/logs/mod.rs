//! Amazon CloudWatch Logs (`awsJson1_1`, target `Logs_20140328`): log groups, their streams, and what functions print.
//!
//! ```text
//! groups    operations on log groups           streams          operations on log streams
//! events    writing and reading events         filter_pattern   which events are wanted
//! store     rows, and what an account may hold function_log     what Lambda writes of its functions
//! ```

mod errors;
mod events;
mod filter_pattern;
mod function_log;
mod groups;
mod store;
mod streams;
mod tags;

use bytes::Bytes;
use tokio::sync::mpsc;

pub(crate) use function_log::{FunctionLog, LogLine};

use crate::iam::Iam;
use crate::{AwsError, Caller, Database, Operation};

/// Invocations whose lines may wait to be written, of all accounts together.
const MOST_WAITING: usize = 128;

/// Log groups. Cheap to clone; the task that writes for functions ends with the last clone.
#[derive(Clone)]
pub(crate) struct Logs {
    database: Database,
    function_logs: mpsc::Sender<FunctionLog>,
}

impl Logs {
    /// Starts the task that writes what functions print, as far as `iam` lets their roles.
    pub(crate) fn new(database: Database, iam: Iam) -> Self {
        let (function_logs, waiting) = mpsc::channel(MOST_WAITING);
        tokio::spawn(function_log::write_all(database.clone(), iam, waiting));
        Self { database, function_logs }
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, operation: Operation<'_>, body: &[u8]) -> Result<Bytes, AwsError> {
        let scope = &caller.scope;
        match operation {
            "CreateLogGroup" => self.create_log_group(scope, body).await,
            "DeleteLogGroup" => self.delete_log_group(scope, body).await,
            "DescribeLogGroups" => self.describe_log_groups(scope, body).await,
            "PutRetentionPolicy" => self.put_retention_policy(scope, body).await,
            "DeleteRetentionPolicy" => self.delete_retention_policy(scope, body).await,
            "TagResource" => self.tag_resource(scope, body).await,
            "UntagResource" => self.untag_resource(scope, body).await,
            "ListTagsForResource" => self.list_tags_for_resource(scope, body).await,
            "CreateLogStream" => self.create_log_stream(scope, body).await,
            "DeleteLogStream" => self.delete_log_stream(scope, body).await,
            "DescribeLogStreams" => self.describe_log_streams(scope, body).await,
            "PutLogEvents" => self.put_log_events(scope, body).await,
            "GetLogEvents" => self.get_log_events(scope, body).await,
            "FilterLogEvents" => self.filter_log_events(scope, body).await,
            _ => Err(AwsError::unknown_operation("logs", operation)),
        }
    }
}
