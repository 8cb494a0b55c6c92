//! Every AWS call that Headwater makes in a learner's account, in one table: those of the checks, the chart, the
//! demo sender, the record tracer, the inventory, and of connecting.
//!
//! The IAM policy shown to the learner and `docs/permissions.md` are derived from it, and the guard in each client
//! refuses a call that is not in it. Actions as in AWS's Service Authorization Reference.

use std::fmt;

use crate::{
    engine::{APPLICATIONS, EVERY, Engine, SQL, STREAMS},
    name::CheckName::{self, *},
};

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

/// Account and ARN of the credentials. AWS allows it to everybody.
pub static GET_CALLER_IDENTITY: ApiCall = ApiCall {
    service: Service::Sts,
    operation: "GetCallerIdentity",
    action: "sts:GetCallerIdentity",
    access: Access::Read,
    resource: Resource::Nothing,
    in_other_regions: false,
    engines: EVERY,
    checks: &[ConnectIdentity],
    parts: &[Part::Connect],
    why: "Tells whose account the credentials belong to.",
};

/// Temporary credentials for the role that the learner made. Its trust policy allows it, not the policy of the role.
pub static ASSUME_ROLE: ApiCall = ApiCall {
    service: Service::Sts,
    operation: "AssumeRole",
    action: "sts:AssumeRole",
    access: Access::Read,
    resource: Resource::Nothing,
    in_other_regions: false,
    engines: EVERY,
    checks: &[],
    parts: &[Part::Connect],
    why: "Takes on the role that you made for the lab, for a quarter of an hour at a time.",
};

/// The regions that are switched on in the account.
pub static LIST_REGIONS: ApiCall = ApiCall {
    service: Service::Account,
    operation: "ListRegions",
    action: "account:ListRegions",
    access: Access::Read,
    resource: Resource::Anything,
    in_other_regions: false,
    engines: EVERY,
    checks: &[],
    parts: &[Part::Connect],
    why: "Tells in which regions to look for what was created in the wrong one.",
};

/// The delivery stream's state and settings.
pub static DESCRIBE_DELIVERY_STREAM: ApiCall = ApiCall {
    service: Service::Firehose,
    operation: "DescribeDeliveryStream",
    action: "firehose:DescribeDeliveryStream",
    access: Access::Read,
    resource: Resource::DeliveryStream,
    in_other_regions: true,
    engines: EVERY,
    checks: &[
        DeliveryStreamActive,
        DeliveryStreamSource,
        DeliveryStreamDestination,
        DeliveryStreamPrefix,
        DeliveryStreamBuffering,
        DeliveryStreamCompression,
        IngestObjects,
        IngestReadable,
        IngestRows,
        PreprocessAttached,
        CleanUpStream,
    ],
    parts: &[Part::Tracer, Part::Inventory],
    why: "Reads the state and the settings of the delivery stream.",
};

/// Demo clicks, where the delivery stream takes them directly.
pub static PUT_RECORD_BATCH: ApiCall = ApiCall {
    service: Service::Firehose,
    operation: "PutRecordBatch",
    action: "firehose:PutRecordBatch",
    access: Access::DemoSend,
    resource: Resource::DeliveryStream,
    in_other_regions: false,
    engines: SQL,
    checks: &[],
    parts: &[Part::Sender],
    why: "Sends demo clicks and files when you press the button.",
};

/// Demo clicks, where a data stream takes them.
pub static PUT_RECORDS: ApiCall = ApiCall {
    service: Service::Kinesis,
    operation: "PutRecords",
    action: "kinesis:PutRecords",
    access: Access::DemoSend,
    resource: Resource::DataStream,
    in_other_regions: false,
    engines: STREAMS,
    checks: &[],
    parts: &[Part::Sender],
    why: "Sends demo clicks and files when you press the button.",
};

/// A data stream's state, mode and number of open shards.
pub static DESCRIBE_STREAM_SUMMARY: ApiCall = ApiCall {
    service: Service::Kinesis,
    operation: "DescribeStreamSummary",
    action: "kinesis:DescribeStreamSummary",
    access: Access::Read,
    resource: Resource::DataStreams,
    in_other_regions: true,
    engines: STREAMS,
    checks: &[DeliveryStreamDataStream, StreamingSqlCountsStream, CleanUpDataStream, CleanUpCountsStream],
    parts: &[Part::Inventory],
    why: "Reads the state of the data streams.",
};

/// Whether the bucket exists, and where.
pub static HEAD_BUCKET: ApiCall = ApiCall {
    service: Service::S3,
    operation: "HeadBucket",
    action: "s3:ListBucket",
    access: Access::Read,
    resource: Resource::Bucket,
    in_other_regions: false,
    engines: EVERY,
    checks: &[DeliveryStreamBucket, CleanUpBucket],
    parts: &[Part::Inventory],
    why: "Tells whether the bucket exists, and where.",
};

/// The keys of delivered objects.
pub static LIST_OBJECTS: ApiCall = ApiCall {
    service: Service::S3,
    operation: "ListObjectsV2",
    action: "s3:ListBucket",
    access: Access::Read,
    resource: Resource::Bucket,
    in_other_regions: false,
    engines: EVERY,
    checks: &[IngestObjects, IngestReadable, IngestRows],
    parts: &[Part::Tracer],
    why: "Finds the objects that were delivered.",
};

/// The beginning of a delivered object.
pub static GET_OBJECT: ApiCall = ApiCall {
    service: Service::S3,
    operation: "GetObject",
    action: "s3:GetObject",
    access: Access::Read,
    resource: Resource::Objects,
    in_other_regions: false,
    engines: EVERY,
    checks: &[IngestReadable, IngestRows],
    parts: &[Part::Tracer],
    why: "Reads the beginning of a delivered object, to see that it holds clicks.",
};

/// A function's settings and state. `GetFunction` would also hand out a link to the learner's code.
pub static GET_FUNCTION_CONFIGURATION: ApiCall = ApiCall {
    service: Service::Lambda,
    operation: "GetFunctionConfiguration",
    action: "lambda:GetFunctionConfiguration",
    access: Access::Read,
    resource: Resource::Functions,
    in_other_regions: true,
    engines: EVERY,
    checks: &[
        PreprocessFunction,
        PreprocessRuntime,
        PreprocessHandler,
        PreprocessTimeout,
        PreprocessAnswer,
        StreamingSqlCountFunction,
        StreamingSqlMapping,
        StreamingSqlWindow,
        StreamingSqlCountAnswer,
        ResultsFunction,
        ResultsCountsMapping,
        ResultsTableName,
        ResultsIdempotent,
        ResultsRows,
        CleanUpFunctions,
    ],
    parts: &[Part::Tracer, Part::Inventory],
    why: "Reads the state and the settings of the functions. Of their variables, only whether TABLE_NAME is right is used.",
};

/// A test run of a function, on the learner's consent.
pub static INVOKE: ApiCall = ApiCall {
    service: Service::Lambda,
    operation: "Invoke",
    action: "lambda:InvokeFunction",
    access: Access::ConsentedInvoke,
    resource: Resource::Functions,
    in_other_regions: false,
    engines: EVERY,
    checks: &[PreprocessAnswer, StreamingSqlCountAnswer, ResultsIdempotent],
    parts: &[],
    why: "Runs a function with made-up records when you press the button that says so.",
};

/// What calls the output function. AWS knows no resource for it.
pub static LIST_EVENT_SOURCE_MAPPINGS: ApiCall = ApiCall {
    service: Service::Lambda,
    operation: "ListEventSourceMappings",
    action: "lambda:ListEventSourceMappings",
    access: Access::Read,
    resource: Resource::Anything,
    in_other_regions: true,
    engines: STREAMS,
    checks: &[StreamingSqlMapping, StreamingSqlWindow, ResultsCountsMapping, ResultsRows, CleanUpMapping],
    parts: &[Part::Tracer, Part::Inventory],
    why: "Tells whether the function reads its stream, and in windows of which length.",
};

/// The application's state, code, inputs and outputs.
pub static DESCRIBE_APPLICATION: ApiCall = ApiCall {
    service: Service::KinesisAnalytics,
    operation: "DescribeApplication",
    action: "kinesisanalytics:DescribeApplication",
    access: Access::Read,
    resource: Resource::Application,
    in_other_regions: true,
    engines: APPLICATIONS,
    checks: &[
        StreamingSqlApplication,
        StreamingSqlInput,
        StreamingSqlPreprocessor,
        StreamingSqlSchema,
        StreamingSqlCode,
        StreamingSqlRunning,
        StreamingSqlApplicationFlink,
        StreamingSqlFlinkInput,
        StreamingSqlFlinkRunning,
        ResultsOutput,
        ResultsRows,
        CleanUpApplication,
    ],
    parts: &[Part::Tracer, Part::Inventory],
    why: "Reads the state, the inputs and the code of the application.",
};

/// The table's state and keys.
pub static DESCRIBE_TABLE: ApiCall = ApiCall {
    service: Service::DynamoDb,
    operation: "DescribeTable",
    action: "dynamodb:DescribeTable",
    access: Access::Read,
    resource: Resource::Table,
    in_other_regions: true,
    engines: EVERY,
    checks: &[ResultsTable, ResultsKeys, ResultsIdempotent, ResultsRows, CleanUpTable],
    parts: &[Part::Inventory],
    why: "Reads the state and the keys of the table.",
};

/// Window counts of one metric. The table's `ItemCount` would lag by hours.
pub static QUERY: ApiCall = ApiCall {
    service: Service::DynamoDb,
    operation: "Query",
    action: "dynamodb:Query",
    access: Access::Read,
    resource: Resource::Table,
    in_other_regions: false,
    engines: EVERY,
    checks: &[ResultsIdempotent, ResultsRows],
    parts: &[Part::Chart, Part::Tracer],
    why: "Reads the window counts, for the checks and the chart.",
};

/// All that has the lab's tag. AWS knows no resource for it.
pub static GET_RESOURCES: ApiCall = ApiCall {
    service: Service::Tagging,
    operation: "GetResources",
    action: "tag:GetResources",
    access: Access::Read,
    resource: Resource::Anything,
    in_other_regions: true,
    engines: EVERY,
    checks: &[],
    parts: &[Part::Inventory],
    why: "Finds what the lab made by its tag, also under another name.",
};

/// The log groups that functions leave.
pub static DESCRIBE_LOG_GROUPS: ApiCall = ApiCall {
    service: Service::Logs,
    operation: "DescribeLogGroups",
    action: "logs:DescribeLogGroups",
    access: Access::Read,
    resource: Resource::LogGroups,
    in_other_regions: true,
    engines: EVERY,
    checks: &[],
    parts: &[Part::Inventory],
    why: "Finds the logs that the functions left.",
};

/// Whether a role is there.
pub static GET_ROLE: ApiCall = ApiCall {
    service: Service::Iam,
    operation: "GetRole",
    action: "iam:GetRole",
    access: Access::Read,
    resource: Resource::Roles,
    in_other_regions: false,
    engines: EVERY,
    checks: &[],
    parts: &[Part::Inventory],
    why: "Tells which of the lab's roles are still there.",
};

/// All of them.
pub static ALL: [&ApiCall; 19] = [
    &GET_CALLER_IDENTITY,
    &ASSUME_ROLE,
    &LIST_REGIONS,
    &DESCRIBE_DELIVERY_STREAM,
    &PUT_RECORD_BATCH,
    &PUT_RECORDS,
    &DESCRIBE_STREAM_SUMMARY,
    &HEAD_BUCKET,
    &LIST_OBJECTS,
    &GET_OBJECT,
    &GET_FUNCTION_CONFIGURATION,
    &INVOKE,
    &LIST_EVENT_SOURCE_MAPPINGS,
    &DESCRIBE_APPLICATION,
    &DESCRIBE_TABLE,
    &QUERY,
    &GET_RESOURCES,
    &DESCRIBE_LOG_GROUPS,
    &GET_ROLE,
];
