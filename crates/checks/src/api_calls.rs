//! Every AWS call that Headwater makes in a learner's account, in one table: those of the checks, the chart, the
//! demo sender, the record tracer, the inventory, and of connecting.
//!
//! The IAM policy shown to the learner and `docs/permissions.md` are derived from it, and the guard in each client
//! refuses a call that is not in it. Actions as in AWS's Service Authorization Reference.

use std::fmt;

use crate::{engine::Engine, name::CheckName};

mod table;

pub use table::*;

/// An AWS service that Headwater speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// AWS Security Token Service.
    Sts,
    /// Amazon Data Firehose.
    Firehose,
    /// Amazon S3.
    S3,
    /// AWS Lambda.
    Lambda,
    /// Kinesis Data Analytics, now Managed Service for Apache Flink.
    KinesisAnalytics,
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon Kinesis Data Streams.
    Kinesis,
    /// AWS Account Management.
    Account,
    /// AWS Resource Groups Tagging API.
    Tagging,
    /// Amazon CloudWatch Logs.
    Logs,
    /// AWS Identity and Access Management.
    Iam,
}

impl Service {
    /// The service as the SDK and the CLI call it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Firehose => "firehose",
            Self::S3 => "s3",
            Self::Lambda => "lambda",
            Self::KinesisAnalytics => "kinesisanalyticsv2",
            Self::DynamoDb => "dynamodb",
            Self::Kinesis => "kinesis",
            Self::Account => "account",
            Self::Tagging => "resourcegroupstaggingapi",
            Self::Logs => "logs",
            Self::Iam => "iam",
        }
    }

    /// The service's name in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sts => "AWS STS",
            Self::Firehose => "Amazon Data Firehose",
            Self::S3 => "Amazon S3",
            Self::Lambda => "AWS Lambda",
            Self::KinesisAnalytics => "Kinesis Data Analytics",
            Self::DynamoDb => "Amazon DynamoDB",
            Self::Kinesis => "Amazon Kinesis Data Streams",
            Self::Account => "AWS Account Management",
            Self::Tagging => "AWS Resource Groups Tagging API",
            Self::Logs => "Amazon CloudWatch Logs",
            Self::Iam => "AWS IAM",
        }
    }

    /// The service as it stands in the metadata of an SDK operation.
    pub(crate) fn sdk_id(self) -> &'static str {
        match self {
            Self::Sts => "STS",
            Self::Firehose => "Firehose",
            Self::S3 => "S3",
            Self::Lambda => "Lambda",
            Self::KinesisAnalytics => "Kinesis Analytics V2",
            Self::DynamoDb => "DynamoDB",
            Self::Kinesis => "Kinesis",
            Self::Account => "Account",
            Self::Tagging => "Resource Groups Tagging API",
            Self::Logs => "CloudWatch Logs",
            Self::Iam => "IAM",
        }
    }
}

/// What a call may do to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reads, and changes nothing.
    Read,
    /// Runs the learner's own function, with the learner's consent only.
    ConsentedInvoke,
    /// Sends demo clicks into the learner's stream, when the learner presses the button.
    DemoSend,
}

/// A part of Headwater that makes calls without being a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The chart of window counts.
    Chart,
    /// The sender of demo clicks and files.
    Sender,
    /// Signing in to a learner's account.
    Connect,
    /// The record tracer.
    Tracer,
    /// The inventory of what the lab left in the account.
    Inventory,
}

impl Part {
    /// The part's name in a list.
    pub fn title(self) -> &'static str {
        match self {
            Self::Chart => "the chart",
            Self::Sender => "the demo sender",
            Self::Connect => "connecting",
            Self::Tracer => "the record tracer",
            Self::Inventory => "the inventory",
        }
    }
}

/// Who makes a call: the owner of an SDK client. Each may make the calls of its own parts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// [`crate::Clients`]: the checks, the chart, the tracer and the inventory.
    Checks,
    /// The sender of demo clicks and files.
    Sender,
    /// Whoever signs in to a learner's account.
    Connect,
}

impl Caller {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Checks, Self::Sender, Self::Connect];

    /// The name in the wire log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Checks => "checks",
            Self::Sender => "sender",
            Self::Connect => "connect",
        }
    }

    /// Whether this caller makes `call`.
    pub fn may(self, call: &ApiCall) -> bool {
        match self {
            Self::Checks => {
                let reads = [Part::Chart, Part::Tracer, Part::Inventory];
                call.access != Access::DemoSend
                    && (!call.checks.is_empty() || call.parts.iter().any(|part| reads.contains(part)))
            }
            Self::Sender => call.parts.contains(&Part::Sender),
            Self::Connect => call.parts.contains(&Part::Connect),
        }
    }
}

/// What a call is allowed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Nothing of the account: the call needs no permission there.
    Nothing,
    /// Anything: AWS knows no resource for the action.
    Anything,
    /// The data stream that clicks are sent to.
    DataStream,
    /// The data streams of the engine: also the one for the counts, if there is one.
    DataStreams,
    /// The delivery stream.
    DeliveryStream,
    /// The bucket itself.
    Bucket,
    /// The objects under the prefix.
    Objects,
    /// Both functions.
    Functions,
    /// The application.
    Application,
    /// The table.
    Table,
    /// The logs of functions; AWS tells log groups apart only once they are found.
    LogGroups,
    /// The lab's roles.
    Roles,
}

impl Resource {
    /// The resource in a list.
    pub fn title(self) -> &'static str {
        match self {
            Self::Nothing => "nothing of the account",
            Self::Anything => "`*`: AWS knows no resource for it",
            Self::DataStream => "the data stream",
            Self::DataStreams => "the data streams",
            Self::DeliveryStream => "the delivery stream",
            Self::Bucket => "the bucket",
            Self::Objects => "the objects under the prefix",
            Self::Functions => "both functions",
            Self::Application => "the application",
            Self::Table => "the table",
            Self::LogGroups => "all log groups",
            Self::Roles => "the lab's roles",
        }
    }
}

/// An entry of the table.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ApiCall {
    /// The service called.
    pub service: Service,
    /// The operation, as in the API reference.
    pub operation: &'static str,
    /// The IAM action that allows it.
    pub action: &'static str,
    /// What it may do.
    pub access: Access,
    /// What it is made on.
    pub resource: Resource,
    /// Whether it is also made in the learner's other regions, to find what was created in the wrong one.
    pub in_other_regions: bool,
    /// The engines with which it is made.
    pub engines: &'static [Engine],
    /// The checks that use it.
    pub checks: &'static [CheckName],
    /// The other parts that use it.
    pub parts: &'static [Part],
    /// What for, for the learner who is to allow it.
    pub why: &'static str,
}

impl fmt::Display for ApiCall {
    /// As in evidence: "firehose:DescribeDeliveryStream".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service.id(), self.operation)
    }
}
