//! What to look for: the learner's own names.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The names and settings that the learner works with. Plain strings; nothing here is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// 12 digits; empty while it is not known (the Connect step then reports it and passes).
    pub account: String,
    /// Such as "us-east-1".
    pub region: String,
    /// The S3 bucket.
    pub bucket: String,
    /// The Firehose delivery stream.
    pub stream: String,
    /// Prefix of delivered objects, such as "clicks/".
    pub prefix: String,
    /// Prefix of what could not be delivered, such as "errors/".
    pub error_prefix: String,
    /// The IAM roles.
    pub roles: Roles,
    /// The Lambda functions.
    pub functions: Functions,
    /// The streaming SQL application.
    pub application: String,
    /// The DynamoDB table.
    pub table: String,
    /// Length of a counting window, in seconds (1..3600).
    pub window_seconds: u32,
    /// When the demo sender, or an upload, last sent something; `None` when nothing is known to be sent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub sent_at: Option<OffsetDateTime>,
}

/// Names of the IAM roles, without path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// Assumed by Firehose.
    pub firehose: String,
    /// Assumed by both functions.
    pub lambda: String,
    /// Assumed by the application.
    pub analytics: String,
}

/// Names of the Lambda functions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Functions {
    /// Cleans the records before the SQL sees them.
    pub preprocess: String,
    /// Stores the window counts.
    pub output: String,
}

impl Subject {
    /// The lab's default names for `account` in `region`.
    pub fn new(account: &str, region: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            bucket: format!("clickstream-{account}-{region}"),
            stream: "ClickStreamData".to_owned(),
            prefix: "clicks/".to_owned(),
            error_prefix: "errors/".to_owned(),
            roles: Roles {
                firehose: "HeadwaterFirehoseRole".to_owned(),
                lambda: "HeadwaterLambdaRole".to_owned(),
                analytics: "HeadwaterAnalyticsRole".to_owned(),
            },
            functions: Functions {
                preprocess: "PreprocessClickstreamData".to_owned(),
                output: "StoreWindowCounts".to_owned(),
            },
            application: "ClickstreamAnalytics".to_owned(),
            table: "ClickstreamWindowCounts".to_owned(),
            window_seconds: 60,
            sent_at: None,
        }
    }
}

/// Whether the learner agreed that their functions be run, which costs money and may have effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consent {
    /// The learner pressed the button of `preprocess.answer` or `results.idempotent` just now.
    Invoke,
    /// Read only.
    No,
}
