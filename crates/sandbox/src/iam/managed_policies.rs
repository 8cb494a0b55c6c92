//! What AWS's managed policies allow, for those that the roles of this sandbox's services are likely to have.

/// The path and name of a policy and the actions that it allows on every resource. Services that the sandbox has not are left
/// out.
const POLICIES: &[(&str, &[&str])] = &[
    ("AdministratorAccess", &["*"]),
    ("service-role/AWSLambdaBasicExecutionRole", WRITE_LOGS),
    ("service-role/AWSLambdaBasicDurableExecutionRolePolicy", WRITE_LOGS),
    ("service-role/AWSLambdaDynamoDBExecutionRole", WRITE_LOGS),
    ("service-role/AWSLambdaMSKExecutionRole", WRITE_LOGS),
    ("service-role/AWSLambdaSQSQueueExecutionRole", WRITE_LOGS),
    ("service-role/AWSLambdaVPCAccessExecutionRole", WRITE_LOGS),
    (
        "service-role/AWSLambdaKinesisExecutionRole",
        &[
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "kinesis:ListStreams",
            "kinesis:SubscribeToShard",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
    ),
    ("AWSLambdaExecute", &["logs:*", "s3:GetObject", "s3:PutObject"]),
    ("CloudWatchLogsFullAccess", &["logs:*"]),
    ("CloudWatchFullAccess", &["logs:*", "iam:GetRole"]),
    ("CloudWatchFullAccessV2", &["logs:*", "iam:GetRole"]),
    ("AmazonS3FullAccess", &["s3:*"]),
    ("AmazonDynamoDBFullAccess_v2", &["dynamodb:*"]),
    ("AmazonKinesisFullAccess", &["kinesis:*"]),
    ("AmazonKinesisFirehoseFullAccess", &["firehose:*"]),
];
const WRITE_LOGS: &[&str] = &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];

/// The actions that a managed policy allows; nothing when its content is not known here.
pub(super) fn actions_of_managed_policy(arn: &str) -> Option<&'static [&'static str]> {
    let name = arn.strip_prefix("arn:aws:iam::aws:policy/")?;
    POLICIES.iter().find(|(known, _)| *known == name).map(|(_, actions)| *actions)
}
