//! Answers as AWS sends them, byte for byte: what each service says when a thing is there, is not, or may not be seen.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "the canned AWS serves the fixtures, too")]

#[path = "fixtures/world.rs"]
mod world;

use checks::{CheckName, CheckResult, Consent, Engine, Step, Subject, Verdict, VerdictKind};
use world::{ACCOUNT, REGION, Reply, World};

use CheckName::*;

/// An answer with the headers that AWS puts on it.
fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let request_id = ("x-amzn-requestid", "d2b7f5f1-3f0b-9f0e-8bb4-3f2a5c1e7a90");
    let headers = headers.iter().chain([&request_id]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Reply::Bytes { status, headers: headers.collect(), body: body.as_bytes().to_vec() }
}

const JSON_1_1: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const JSON_1_0: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
const REST_JSON: (&str, &str) = ("content-type", "application/json");
const XML: (&str, &str) = ("content-type", "application/xml");
const MIA: &str = "arn:aws:sts::111122223333:assumed-role/HeadwaterLearner/headwater-mia";

async fn look(engine: Engine, step: Step, world: World) -> Vec<CheckResult> {
    world.run(step, &Subject::new_for(engine, ACCOUNT, REGION), Consent::No).await
}

async fn verdict(engine: Engine, check: CheckName, call: &str, reply: Reply) -> Verdict {
    let results = look(engine, check.step(), World::default().with(call, reply)).await;
    results.into_iter().find(|result| result.name == check).unwrap().verdict
}

/// Each call, with the check that makes it and what AWS answers to who may not make it.
fn denials() -> Vec<(Engine, CheckName, &'static str, &'static str, Reply)> {
    let identity_based = |action: &str, resource: &str| {
        format!(
            "User: {MIA} is not authorized to perform: {action} on resource: {resource} because no identity-based policy \
             allows the {action} action"
        )
    };
    let arn = |service: &str, rest: &str| format!("arn:aws:{service}:us-east-1:111122223333:{rest}");
    let json = |kind: &str, message: String| format!(r#"{{"__type":"{kind}","Message":"{message}"}}"#);
    let stream = identity_based("firehose:DescribeDeliveryStream", &arn("firehose", "deliverystream/ClickStreamData"));
    let data_stream = identity_based("kinesis:DescribeStreamSummary", &arn("kinesis", "stream/ClickStreamInput"));
    let application = identity_based(
        "kinesisanalytics:DescribeApplication",
        &arn("kinesisanalytics", "application/ClickstreamAnalytics"),
    );
    let table = identity_based("dynamodb:DescribeTable", &arn("dynamodb", "table/ClickstreamWindowCounts"));
    let query = identity_based("dynamodb:Query", &arn("dynamodb", "table/ClickstreamWindowCounts"));
    let function =
        identity_based("lambda:GetFunctionConfiguration", &arn("lambda", "function:PreprocessClickstreamData"));
    let mappings = identity_based("lambda:ListEventSourceMappings", "*");
    let bucket = format!(
        "User: {MIA} is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::clickstream-111122223333-us-east-1\" \
         because no session policy allows the s3:ListBucket action"
    );
    let rest = |message: &str| {
        let body = format!(r#"{{"Message":"{message}"}}"#);
        answer(403, &[REST_JSON, ("x-amzn-errortype", "AccessDeniedException")], &body)
    };
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>{}</Message>\
         <RequestId>4J0V7X0ZQ9</RequestId><HostId>8Uu=</HostId></Error>",
        bucket.replace('"', "&quot;")
    );
    vec![
        (
            Engine::SqlApplication,
            DeliveryStreamActive,
            "firehose:DescribeDeliveryStream",
            "firehose:DescribeDeliveryStream",
            answer(400, &[JSON_1_1], &json("AccessDeniedException", stream)),
        ),
        (
            Engine::TumblingWindow,
            DeliveryStreamDataStream,
            "kinesis:DescribeStreamSummary",
            "kinesis:DescribeStreamSummary",
            answer(400, &[JSON_1_1], &json("AccessDeniedException", data_stream)),
        ),
        (
            Engine::Flink,
            StreamingSqlApplicationFlink,
            "kinesisanalyticsv2:DescribeApplication",
            "kinesisanalytics:DescribeApplication",
            answer(400, &[JSON_1_1], &json("AccessDeniedException", application)),
        ),
        (
            Engine::TumblingWindow,
            ResultsTable,
            "dynamodb:DescribeTable",
            "dynamodb:DescribeTable",
            answer(400, &[JSON_1_0], &json("com.amazon.coral.service#AccessDeniedException", table)),
        ),
        (
            Engine::TumblingWindow,
            ResultsRows,
            "dynamodb:Query",
            "dynamodb:Query",
            answer(400, &[JSON_1_0], &json("com.amazon.coral.service#AccessDeniedException", query)),
        ),
        (
            Engine::TumblingWindow,
            PreprocessRuntime,
            "lambda:GetFunctionConfiguration",
            "lambda:GetFunctionConfiguration",
            rest(&function),
        ),
        (
            Engine::TumblingWindow,
            StreamingSqlMapping,
            "lambda:ListEventSourceMappings",
            "lambda:ListEventSourceMappings",
            rest(&mappings),
        ),
        (Engine::TumblingWindow, IngestObjects, "s3:ListObjectsV2", "s3:ListBucket", answer(403, &[XML], &xml)),
        // A HEAD request is answered without a body.
        (Engine::TumblingWindow, DeliveryStreamBucket, "s3:HeadBucket", "s3:ListBucket", answer(403, &[XML], "")),
    ]
}

#[tokio::test]
async fn a_denial_names_the_action_that_is_missing() {
    for (engine, check, call, action, reply) in denials() {
        let verdict = verdict(engine, check, call, reply).await;
        assert_eq!(verdict, Verdict::NoPermission { action: action.to_owned() }, "{check}");
    }
}

#[tokio::test]
async fn what_is_absent_is_told_from_what_is_denied() {
    let firehose = r#"{"__type":"ResourceNotFoundException","message":"Firehose ClickStreamData under account 111122223333 not found."}"#;
    let kinesis = r#"{"__type":"ResourceNotFoundException","message":"Stream ClickStreamInput under account 111122223333 not found."}"#;
    let analytics = r#"{"__type":"ResourceNotFoundException","message":"Application ClickstreamAnalytics not found"}"#;
    let dynamodb = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found: Table: ClickstreamWindowCounts not found"}"#;
    let lambda = r#"{"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:111122223333:function:PreprocessClickstreamData"}"#;
    let bucket = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket \
                  does not exist</Message><BucketName>b</BucketName><RequestId>1</RequestId><HostId>2</HostId></Error>";
    let lambda = answer(404, &[REST_JSON, ("x-amzn-errortype", "ResourceNotFoundException")], lambda);
    for (engine, check, call, reply) in [
        (
            Engine::TumblingWindow,
            DeliveryStreamActive,
            "firehose:DescribeDeliveryStream",
            answer(400, &[JSON_1_1], firehose),
        ),
        (
            Engine::TumblingWindow,
            DeliveryStreamDataStream,
            "kinesis:DescribeStreamSummary",
            answer(400, &[JSON_1_1], kinesis),
        ),
        (
            Engine::Flink,
            StreamingSqlFlinkRunning,
            "kinesisanalyticsv2:DescribeApplication",
            answer(400, &[JSON_1_1], analytics),
        ),
        (Engine::TumblingWindow, ResultsTable, "dynamodb:DescribeTable", answer(400, &[JSON_1_0], dynamodb)),
        (Engine::TumblingWindow, PreprocessHandler, "lambda:GetFunctionConfiguration", lambda),
        (Engine::TumblingWindow, IngestRows, "s3:ListObjectsV2", answer(404, &[XML], bucket)),
        (Engine::TumblingWindow, DeliveryStreamBucket, "s3:HeadBucket", answer(404, &[XML], "")),
    ] {
        let verdict = verdict(engine, check, call, reply).await;
        assert_eq!(verdict.kind(), VerdictKind::NotYet, "{check}: {verdict:?}");
    }
}

#[tokio::test]
async fn credentials_that_are_not_accepted_are_no_fault_of_the_work() {
    let sts = |code: &str, message: &str| {
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    \
             <Code>{code}</Code>\n    <Message>{message}</Message>\n  </Error>\n  <RequestId>1</RequestId>\n</ErrorResponse>\n"
        );
        answer(403, &[("content-type", "text/xml")], &body)
    };
    let invalid = "The security token included in the request is invalid.";
    let found =
        verdict(Engine::Flink, ConnectIdentity, "sts:GetCallerIdentity", sts("InvalidClientTokenId", invalid)).await;
    assert!(matches!(&found, Verdict::Wrong { found, .. } if found.contains("does not accept")), "{found:?}");
    let late = "Signature expired: 20261124T180000Z is now earlier than 20261124T184500Z (20261124T190000Z - 15 min.)";
    let found =
        verdict(Engine::Flink, ConnectIdentity, "sts:GetCallerIdentity", sts("SignatureDoesNotMatch", late)).await;
    assert!(matches!(&found, Verdict::Wrong { found, .. } if found.contains("clock")), "{found:?}");

    let expired =
        r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#;
    for (check, call) in [
        (DeliveryStreamActive, "firehose:DescribeDeliveryStream"),
        (DeliveryStreamDataStream, "kinesis:DescribeStreamSummary"),
    ] {
        let found = verdict(Engine::TumblingWindow, check, call, answer(400, &[JSON_1_1], expired)).await;
        assert_eq!(found, Verdict::NoPermission { action: call.to_owned() });
    }
}

/// Whole answers, with all that AWS puts into them beside what is read.
#[tokio::test]
async fn whole_answers_of_a_finished_lab_pass() {
    let stream = include_str!("replay/describe-delivery-stream.json");
    let data_stream = include_str!("replay/describe-stream-summary.json");
    let function = include_str!("replay/get-function-configuration.json");
    let mappings = include_str!("replay/list-event-source-mappings.json");
    let table = include_str!("replay/describe-table.json");
    let query = r#"{"Count":1,"Items":[{"metric":{"S":"views"},"window_end":{"S":"2026-11-24T19:00:00Z"},"amount":{"N":"1234"},"window_seconds":{"N":"60"},"written_at":{"S":"2026-11-24T19:00:01Z"}}],"ScannedCount":1,"LastEvaluatedKey":{"metric":{"S":"views"},"window_end":{"S":"2026-11-24T19:00:00Z"}}}"#;
    let mut aws = World::default()
        .with("firehose:DescribeDeliveryStream", answer(200, &[JSON_1_1], stream))
        .with("kinesis:DescribeStreamSummary", answer(200, &[JSON_1_1], data_stream))
        .with("lambda:GetFunctionConfiguration", answer(200, &[REST_JSON], function))
        .with("lambda:ListEventSourceMappings", answer(200, &[REST_JSON], mappings))
        .with("dynamodb:DescribeTable", answer(200, &[JSON_1_0, ("x-amz-crc32", "1")], table))
        .with("dynamodb:Query", answer(200, &[JSON_1_0], query))
        .with("s3:HeadBucket", answer(200, &[XML, ("x-amz-bucket-region", "us-east-1")], ""));
    // Real names of hosts: the bucket before that of S3, and no endpoint of our own.
    aws.is_aws = true;
    for step in [Step::DeliveryStream, Step::Preprocess, Step::StreamingSql, Step::Results] {
        for result in look(Engine::TumblingWindow, step, aws.clone()).await {
            let needs_consent = matches!(result.name, PreprocessAnswer | StreamingSqlCountAnswer | ResultsIdempotent);
            let expected = if needs_consent { VerdictKind::NotYet } else { VerdictKind::Pass };
            assert_eq!(result.verdict.kind(), expected, "{result:?}");
        }
    }
}
