//! The kinds of things that the lab is made of.

use serde::{Deserialize, Serialize};

use super::GLOBAL;
use crate::{
    engine::{APPLICATIONS, EVERY, Engine, FLINK, STREAMS},
    subject::Subject,
};

/// A kind of thing, in the order in which things are best deleted: first what feeds on others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A SQL or Flink application.
    Application,
    /// What calls a function with the records of a data stream.
    EventSourceMapping,
    /// A Firehose delivery stream.
    DeliveryStream,
    /// A Kinesis data stream.
    DataStream,
    /// A Lambda function.
    Function,
    /// A DynamoDB table.
    Table,
    /// An S3 bucket.
    Bucket,
    /// The log that a function leaves.
    LogGroup,
    /// An IAM role.
    Role,
    /// Something else that has the lab's tag.
    Other,
}

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) kind: Kind,
    /// In which to look, or "global".
    pub(super) region: String,
    pub(super) name: String,
}

impl Kind {
    /// The kind as a title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::EventSourceMapping => "Event source mapping",
            Self::DeliveryStream => "Delivery stream",
            Self::DataStream => "Data stream",
            Self::Function => "Function",
            Self::Table => "Table",
            Self::Bucket => "Bucket",
            Self::LogGroup => "Log group",
            Self::Role => "Role",
            Self::Other => "Tagged resource",
        }
    }

    /// Whether such a thing costs money or holds data. Roles and logs may remain.
    pub fn must_go(self) -> bool {
        !matches!(self, Self::LogGroup | Self::Role)
    }

    /// Whether the lab makes such things with this engine. Others are not looked for by name: the policy of the engine
    /// does not allow it.
    pub(super) fn is_used_by(self, engine: Engine) -> bool {
        let engines = match self {
            Self::Application => APPLICATIONS,
            Self::EventSourceMapping | Self::DataStream => STREAMS,
            _ => EVERY,
        };
        engines.contains(&engine)
    }
}

impl Target {
    pub(super) fn new(kind: Kind, region: &str, name: &str) -> Self {
        Self { kind, region: region.to_owned(), name: name.to_owned() }
    }
}

/// What the learner's names stand for, in all `regions`. Event source mappings have no names; buckets and roles no region
/// to look in.
pub(super) fn named(subject: &Subject, regions: &[&str]) -> Vec<Target> {
    let functions = [subject.functions.preprocess.as_str(), subject.functions.output.as_str()];
    let mut names: Vec<(Kind, String)> = vec![
        (Kind::Application, subject.application.clone()),
        (Kind::DeliveryStream, subject.stream.clone()),
        (Kind::DataStream, subject.data_stream.clone()),
        (Kind::Table, subject.table.clone()),
    ];
    if FLINK.contains(&subject.engine) {
        names.push((Kind::DataStream, subject.counts_stream.clone()));
    }
    for function in functions {
        names.push((Kind::Function, function.to_owned()));
        names.push((Kind::LogGroup, log_group(function)));
    }
    names.retain(|(kind, name)| kind.is_used_by(subject.engine) && !name.is_empty());
    let regional = regions.iter().flat_map(|region| names.iter().map(|(kind, name)| Target::new(*kind, region, name)));
    let roles = [&subject.roles.firehose, &subject.roles.lambda, &subject.roles.analytics];
    let roles = roles.into_iter().filter(|role| !role.is_empty()).map(|role| Target::new(Kind::Role, GLOBAL, role));
    let bucket = Target::new(Kind::Bucket, &subject.region, &subject.bucket);
    regional.chain(roles).chain((!subject.bucket.is_empty()).then_some(bucket)).collect()
}

/// The log group that Lambda makes for a function.
pub(super) fn log_group(function: &str) -> String {
    format!("/aws/lambda/{function}")
}
