//! Every AWS call that this crate makes, in one table.
//!
//! The IAM policy shown to the learner is derived from it, and the guard in each client refuses a call
//! that is not in it. Actions as in AWS's Service Authorization Reference.

use std::fmt;

use crate::name::CheckName::{self, *};

/// An AWS service that the checks speak to.
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
}

/// What a call is allowed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Nothing in particular: the call needs no permission.
    Nothing,
    /// The delivery stream.
    DeliveryStream,
    /// The bucket itself.
    Bucket,
    /// The objects under the prefix.
    Objects,
    /// Both functions.
    Functions,
    /// The SQL application.
    Application,
    /// The table.
    Table,
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
    /// The checks that use it.
    pub checks: &'static [CheckName],
    /// Whether the chart uses it.
    pub chart: bool,
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
    checks: &[ConnectIdentity],
    chart: false,
};

/// The delivery stream's state and settings.
pub static DESCRIBE_DELIVERY_STREAM: ApiCall = ApiCall {
    service: Service::Firehose,
    operation: "DescribeDeliveryStream",
    action: "firehose:DescribeDeliveryStream",
    access: Access::Read,
    resource: Resource::DeliveryStream,
    in_other_regions: true,
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
        CleanUpStream,
    ],
    chart: false,
};

/// Whether the bucket exists, and where.
pub static HEAD_BUCKET: ApiCall = ApiCall {
    service: Service::S3,
    operation: "HeadBucket",
    action: "s3:ListBucket",
    access: Access::Read,
    resource: Resource::Bucket,
    in_other_regions: false,
    checks: &[DeliveryStreamBucket, CleanUpBucket],
    chart: false,
};

/// The keys of delivered objects.
pub static LIST_OBJECTS: ApiCall = ApiCall {
    service: Service::S3,
    operation: "ListObjectsV2",
    action: "s3:ListBucket",
    access: Access::Read,
    resource: Resource::Bucket,
    in_other_regions: false,
    checks: &[IngestObjects, IngestReadable, IngestRows],
    chart: false,
};

/// The beginning of a delivered object.
pub static GET_OBJECT: ApiCall = ApiCall {
    service: Service::S3,
    operation: "GetObject",
    action: "s3:GetObject",
    access: Access::Read,
    resource: Resource::Objects,
    in_other_regions: false,
    checks: &[IngestReadable, IngestRows],
    chart: false,
};

/// A function's settings and state. `GetFunction` would also hand out a link to the learner's code.
pub static GET_FUNCTION_CONFIGURATION: ApiCall = ApiCall {
    service: Service::Lambda,
    operation: "GetFunctionConfiguration",
    action: "lambda:GetFunctionConfiguration",
    access: Access::Read,
    resource: Resource::Functions,
    in_other_regions: true,
    checks: &[
        PreprocessFunction,
        PreprocessRuntime,
        PreprocessHandler,
        PreprocessTimeout,
        PreprocessAnswer,
        ResultsFunction,
        ResultsIdempotent,
        CleanUpFunctions,
    ],
    chart: false,
};

/// A test run of a function, on the learner's consent.
pub static INVOKE: ApiCall = ApiCall {
    service: Service::Lambda,
    operation: "Invoke",
    action: "lambda:InvokeFunction",
    access: Access::ConsentedInvoke,
    resource: Resource::Functions,
    in_other_regions: false,
    checks: &[PreprocessAnswer, ResultsIdempotent],
    chart: false,
};

/// The application's state, code, inputs and outputs.
pub static DESCRIBE_APPLICATION: ApiCall = ApiCall {
    service: Service::KinesisAnalytics,
    operation: "DescribeApplication",
    action: "kinesisanalytics:DescribeApplication",
    access: Access::Read,
    resource: Resource::Application,
    in_other_regions: true,
    checks: &[
        StreamingSqlApplication,
        StreamingSqlInput,
        StreamingSqlPreprocessor,
        StreamingSqlSchema,
        StreamingSqlCode,
        StreamingSqlRunning,
        ResultsOutput,
        ResultsRows,
        CleanUpApplication,
    ],
    chart: false,
};

/// The table's state and keys.
pub static DESCRIBE_TABLE: ApiCall = ApiCall {
    service: Service::DynamoDb,
    operation: "DescribeTable",
    action: "dynamodb:DescribeTable",
    access: Access::Read,
    resource: Resource::Table,
    in_other_regions: true,
    checks: &[ResultsTable, ResultsKeys, ResultsIdempotent, ResultsRows, CleanUpTable],
    chart: false,
};

/// Window counts of one metric. The table's `ItemCount` would lag by hours.
pub static QUERY: ApiCall = ApiCall {
    service: Service::DynamoDb,
    operation: "Query",
    action: "dynamodb:Query",
    access: Access::Read,
    resource: Resource::Table,
    in_other_regions: false,
    checks: &[ResultsIdempotent, ResultsRows],
    chart: true,
};

/// All of them.
pub static ALL: [&ApiCall; 10] = [
    &GET_CALLER_IDENTITY,
    &DESCRIBE_DELIVERY_STREAM,
    &HEAD_BUCKET,
    &LIST_OBJECTS,
    &GET_OBJECT,
    &GET_FUNCTION_CONFIGURATION,
    &INVOKE,
    &DESCRIBE_APPLICATION,
    &DESCRIBE_TABLE,
    &QUERY,
];
