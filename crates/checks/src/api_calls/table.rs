//! The table itself.

use super::{Access, ApiCall, Part, Resource, Service};
use crate::{
    engine::{APPLICATIONS, EVERY, SQL, STREAMS},
    name::CheckName::*,
};

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
