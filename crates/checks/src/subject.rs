//! What to look for: the learner's own names.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::engine::Engine;

/// The names and settings that the learner works with. Plain strings; nothing here is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What counts the clicks.
    #[serde(default)]
    pub engine: Engine,
    /// 12 digits; empty while it is not known (the Connect step then reports it and passes).
    pub account: String,
    /// Such as "us-east-1".
    pub region: String,
    /// The S3 bucket.
    pub bucket: String,
    /// The Firehose delivery stream.
    pub stream: String,
    /// The Kinesis data stream that clicks are sent to, with the engines that read one.
    pub data_stream: String,
    /// The Kinesis data stream that the Flink application writes its counts to.
    pub counts_stream: String,
    /// Prefix of delivered objects, such as "clicks/".
    pub prefix: String,
    /// Prefix of what could not be delivered, such as "errors/".
    pub error_prefix: String,
    /// The IAM roles.
    pub roles: Roles,
    /// The Lambda functions.
    pub functions: Functions,
    /// The application that counts, with the engines that have one.
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
    /// Cleans the records before they are counted or delivered.
    pub preprocess: String,
    /// Stores the window counts; with the engine of tumbling windows it counts them, too.
    pub output: String,
}

impl Subject {
    /// The lab's default names for `account` in `region` with the SQL application.
    pub fn new(account: &str, region: &str) -> Self {
        Self::new_for(Engine::SqlApplication, account, region)
    }

    /// The lab's default names for `account` in `region` with `engine`.
    pub fn new_for(engine: Engine, account: &str, region: &str) -> Self {
        let output = match engine {
            Engine::TumblingWindow => "CountClickWindows",
            Engine::SqlApplication | Engine::Flink => "StoreWindowCounts",
        };
        Self {
            engine,
            account: account.to_owned(),
            region: region.to_owned(),
            bucket: format!("clickstream-{account}-{region}"),
            stream: "ClickStreamData".to_owned(),
            data_stream: "ClickStreamInput".to_owned(),
            counts_stream: "ClickStreamCounts".to_owned(),
            prefix: "clicks/".to_owned(),
            error_prefix: "errors/".to_owned(),
            roles: Roles {
                firehose: "HeadwaterFirehoseRole".to_owned(),
                lambda: "HeadwaterLambdaRole".to_owned(),
                analytics: "HeadwaterAnalyticsRole".to_owned(),
            },
            functions: Functions { preprocess: "PreprocessClickstreamData".to_owned(), output: output.to_owned() },
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
