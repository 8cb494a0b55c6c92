//! The record tracer against accounts of canned answers, and against the sandbox: runs that arrive, and runs that do not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../sandbox/tests/common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each test program uses its own part of this module")]
#[path = "fixtures/world.rs"]
mod world;

use std::time::Duration;

use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationCodeConfigurationUpdate, ApplicationConfigurationUpdate, CodeContentUpdate, InputStartingPosition,
};
use checks::trace::{Hop, HopName, HopState, Run, Trace, trace};
use checks::{
    Clients, Engine, Subject,
    api_calls::{self, Part},
};
use clickstream::{Generator, Mark, Progress, RowSource, SdkClients, SendPlan, SendState, Sender, Target};
use common::pipeline::{PREPROCESS, Pipeline};
use common::{REGION, TestSandbox};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use world::{ACCOUNT, Reply, World};

const WINDOW_SECONDS: u32 = 2;

/// Counts marked pages by themselves.
const SQL: &str = r#"
CREATE OR REPLACE STREAM "WINDOW_COUNTS" (
  "metric" VARCHAR(32), "item" VARCHAR(512), "window_end" TIMESTAMP, "window_seconds" INTEGER, "amount" BIGINT);
CREATE OR REPLACE PUMP "VIEWS_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'views', '', STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '2' SECOND) + INTERVAL '2' SECOND, 2,
  SUM("hits")
FROM "SOURCE_SQL_STREAM_001"
GROUP BY STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '2' SECOND);
"#;
const TRACE_PUMP: &str = r#"
CREATE OR REPLACE PUMP "TRACE_PUMP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'trace', "curr_page", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '2' SECOND) + INTERVAL '2' SECOND,
  2, SUM("hits")
FROM "SOURCE_SQL_STREAM_001"
WHERE "curr_page" LIKE 'Headwater_run_%'
GROUP BY "curr_page", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '2' SECOND);
"#;

/// Stores the amount of a page in the map of pages.
const STORE: &str = r##"
import base64, json, os
from datetime import UTC, datetime
import boto3

dynamodb = boto3.client("dynamodb")

def handler(event, context):
    for record in event["records"]:
        row = json.loads(base64.b64decode(record["data"]))
        key = {"metric": {"S": row["metric"]},
               "window_end": {"S": row["window_end"].replace(" ", "T").split(".")[0] + "Z"}}
        times = "window_seconds = :seconds, written_at = if_not_exists(written_at, :now)"
        values = {":seconds": {"N": str(row["window_seconds"])},
                  ":now": {"S": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}}
        amount = {":amount": {"N": str(row["amount"])}}
        if row["item"]:
            update(key, f"SET pages = if_not_exists(pages, :empty), {times}", {":empty": {"M": {}}, **values})
            update(key, "SET pages.#title = :amount", amount, ExpressionAttributeNames={"#title": row["item"]})
        else:
            update(key, f"SET amount = :amount, {times}", {**amount, **values})
    return {"records": [{"recordId": record["recordId"], "result": "Ok"} for record in event["records"]]}

def update(key, expression, values, **more):
    dynamodb.update_item(TableName=os.environ["TABLE_NAME"], Key=key, UpdateExpression=expression,
                         ExpressionAttributeValues=values, **more)
"##;

struct Lab {
    sandbox: TestSandbox,
    pipeline: Pipeline,
    clients: Clients,
    subject: Subject,
}

impl Lab {
    async fn new() -> Self {
        let sandbox = TestSandbox::start().await;
        let pipeline = Pipeline::build(sandbox.sdk(), sandbox.account.as_str(), PREPROCESS, STORE).await;
        let clients = Clients::new(&sandbox.sdk(), []);
        let mut subject = Subject::new(sandbox.account.as_str(), REGION);
        subject.window_seconds = WINDOW_SECONDS;
        subject.bucket = "lake-of-clicks".to_owned();
        subject.table = "counts".to_owned();
        subject.functions.preprocess = "Preprocess".to_owned();
        subject.functions.output = "Store".to_owned();
        Self { sandbox, pipeline, clients, subject }
    }

    /// Starts the application with other SQL.
    async fn run_sql(&self, sql: &str) {
        self.pipeline.stop().await;
        let analytics = aws_sdk_kinesisanalyticsv2::Client::new(&self.sandbox.sdk());
        let name = &self.subject.application;
        let described = analytics.describe_application().application_name(name).send().await.unwrap();
        let version = described.application_detail.unwrap().application_version_id;
        let content = CodeContentUpdate::builder().text_content_update(sql).build();
        let change = ApplicationCodeConfigurationUpdate::builder().code_content_update(content).build();
        let change = ApplicationConfigurationUpdate::builder().application_code_configuration_update(change).build();
        let update = analytics.update_application().application_name(name).current_application_version_id(version);
        update.application_configuration_update(change).send().await.unwrap();
        self.pipeline.start(InputStartingPosition::Now).await;
    }

    /// Sends marked clicks with the demo sender.
    async fn send(&self) -> Run {
        let sdk = self.sandbox.sdk();
        let firehose = aws_sdk_firehose::Client::new(&sdk);
        let sender = Sender::new(SdkClients { firehose, kinesis: aws_sdk_kinesis::Client::new(&sdk) });
        let mark = Mark::new(&mut rand::rng());
        let rows = Generator::new(1).take(600).collect();
        let target = Target::DeliveryStream(self.subject.stream.clone());
        let plan = SendPlan::new(target, 5_000, RowSource::Rows(rows)).unwrap().marked(mark.clone());
        let progress = sender.send(plan, watch::Sender::new(Progress::starting(0)), CancellationToken::new()).await;
        assert_eq!(progress.state, SendState::Finished);
        assert!(progress.marks_accepted >= 5, "{progress:?}");
        Run {
            title: mark.title(),
            started: progress.started,
            first_accepted: progress.first_accepted,
            last_accepted: progress.last_accepted,
            marks_accepted: progress.marks_accepted,
            clicks: progress.clicks_accepted,
            rows: progress.accepted.rows,
        }
    }

    async fn trace_at(&self, run: &Run, now: OffsetDateTime) -> Trace {
        trace(&self.clients, &self.subject, run, now).await
    }

    /// The trace when everything should have arrived, once it says what is expected of it.
    async fn trace_later(&self, run: &Run, is_expected: impl Fn(&Trace) -> bool) -> Trace {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let trace = self.trace_at(run, OffsetDateTime::now_utc() + time::Duration::HOUR).await;
            if is_expected(&trace) {
                return trace;
            }
            assert!(Instant::now() < deadline, "{trace:#?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn hop(trace: &Trace, name: HopName) -> &Hop {
    trace.hops.iter().find(|hop| hop.name == name).unwrap()
}

fn is_reached(trace: &Trace, name: HopName) -> bool {
    matches!(hop(trace, name).state, HopState::Reached { count, .. } if count == trace.marks)
}

/// Why it got no further than before this hop.
fn stopped(trace: &Trace, name: HopName) -> &str {
    match &hop(trace, name).state {
        HopState::Stopped { why, .. } => why,
        _ => "",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_followed_as_far_as_it_comes() {
    let lab = Lab::new().await;
    arrives(&lab).await;
    application_is_not_running(&lab).await;
    sql_counts_no_marks(&lab).await;
    function_is_gone(&lab).await;
}

async fn arrives(lab: &Lab) {
    lab.run_sql(&format!("{SQL}{TRACE_PUMP}")).await;
    let earlier = lab.send().await;
    let run = lab.send().await;
    let now = OffsetDateTime::now_utc();
    // While its window may be open nothing is said against anybody.
    let soon = lab.trace_at(&run, now).await;
    assert!(soon.hops.iter().all(|hop| !matches!(hop.state, HopState::Stopped { .. })), "{soon:#?}");
    for run in [&run, &earlier] {
        let trace = lab.trace_later(run, Trace::is_complete).await;
        assert!(HopName::ALL.into_iter().all(|name| is_reached(&trace, name)), "{trace:#?}");
        let object = &hop(&trace, HopName::Object).evidence;
        assert!(object.iter().any(|evidence| {
            evidence.call == "s3:GetObject"
                && evidence.fields.iter().any(|(name, value)| name == "Key" && value.starts_with("clicks/"))
        }));
        let item = &hop(&trace, HopName::Item).evidence[0];
        assert!(item.call == "dynamodb:Query" && item.fields.iter().any(|(name, _)| *name == run.title), "{item:?}");
        let HopState::Reached { at: Some(at), .. } = hop(&trace, HopName::Item).state else { panic!("{trace:#?}") };
        assert!(at + time::Duration::SECOND >= run.started && at <= OffsetDateTime::now_utc());
    }
}

async fn application_is_not_running(lab: &Lab) {
    lab.pipeline.stop().await;
    let run = lab.send().await;
    let trace = lab.trace_later(&run, |trace| is_reached(trace, HopName::Object)).await;
    assert_eq!(
        stopped(&trace, HopName::Window),
        "The application ClickstreamAnalytics is not running, so that nothing counts the rows."
    );
    assert!(matches!(hop(&trace, HopName::Item).state, HopState::Unknown { .. }), "{trace:#?}");
    lab.pipeline.start(InputStartingPosition::Now).await;
}

async fn sql_counts_no_marks(lab: &Lab) {
    lab.run_sql(SQL).await;
    let run = lab.send().await;
    let trace =
        lab.trace_later(&run, |trace| stopped(trace, HopName::Window).starts_with("Your clicks were counted:")).await;
    assert!(stopped(&trace, HopName::Window).contains("no rows of the metric trace"), "{trace:#?}");
}

async fn function_is_gone(lab: &Lab) {
    let lambda = aws_sdk_lambda::Client::new(&lab.sandbox.sdk());
    lambda.delete_function().function_name("Store").send().await.unwrap();
    let run = lab.send().await;
    let trace = lab.trace_later(&run, |trace| is_reached(trace, HopName::Object)).await;
    assert_eq!(stopped(&trace, HopName::Function), "There is no function Store.");
    let missing = Subject { bucket: "another-lake".to_owned(), ..lab.subject.clone() };
    let trace = checks::trace::trace(&lab.clients, &missing, &run, OffsetDateTime::now_utc()).await;
    assert_eq!(stopped(&trace, HopName::Object), "There is no bucket another-lake.");
}

// Accounts of canned answers.

const TITLE: &str = "Headwater_run_k3v5q2mzta";
const STARTED: OffsetDateTime = datetime!(2026-11-24 19:00:10 UTC);
const LATER: OffsetDateTime = datetime!(2026-11-24 19:30 UTC);

fn canned_run() -> Run {
    Run {
        title: TITLE.to_owned(),
        started: STARTED,
        first_accepted: Some(STARTED),
        last_accepted: Some(datetime!(2026-11-24 19:00:40 UTC)),
        marks_accepted: 3,
        clicks: 103,
        rows: 103,
    }
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

/// A listing with these keys, all written at 19:01:20.
fn keys(keys: &[&str]) -> String {
    let object = |key: &&str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-24T19:01:20.000Z</LastModified><Size>100</Size></Contents>"
        )
    };
    let contents: String = keys.iter().map(object).collect();
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>")
}

fn items(items: &Value) -> Value {
    json!({"Items": items, "Count": items.as_array().unwrap().len()})
}

/// A pipeline that counts with tumbling windows, through which the run went.
fn arrived() -> World {
    let row = format!("other-internal\t{TITLE}\tother\t1\n");
    World::default()
        .json(
            "firehose:DescribeDeliveryStream",
            json!({"DeliveryStreamDescription": {
                "DeliveryStreamName": "ClickStreamData",
                "DeliveryStreamARN": arn("firehose", "deliverystream/ClickStreamData"),
                "DeliveryStreamStatus": "ACTIVE", "DeliveryStreamType": "KinesisStreamAsSource", "VersionId": "1",
                "CreateTimestamp": 1_795_540_000,
                "Source": {"KinesisStreamSourceDescription": {"KinesisStreamARN": arn("kinesis", "stream/ClickStreamInput")}},
                "HasMoreDestinations": false,
                "Destinations": [{"DestinationId": "1", "ExtendedS3DestinationDescription": {
                    "RoleARN": "r", "BucketARN": "b",
                    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 10},
                    "CompressionFormat": "UNCOMPRESSED",
                    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
                    "ProcessingConfiguration": {"Enabled": true, "Processors": [{"Type": "Lambda", "Parameters": [
                        {"ParameterName": "BufferIntervalInSeconds", "ParameterValue": "20"},
                    ]}]},
                }}],
            }}),
        )
        .bytes("s3:ListObjectsV2", keys(&[]))
        .bytes("s3:ListObjectsV2/clicks/2026/11/24/19/", keys(&["clicks/2026/11/24/19/a"]))
        .bytes("s3:GetObject", format!("{row}a\tb\tlink\t1\n{row}{row}"))
        .json(
            "dynamodb:Query/trace",
            items(&json!([{
                "metric": {"S": "trace"}, "window_end": {"S": "2026-11-24T19:01:00Z"},
                "written_at": {"S": "2026-11-24T19:01:04Z"}, "window_seconds": {"N": "60"},
                "pages": {"M": {TITLE: {"N": "3"}, "Headwater_run_aaaaaaaaaa": {"N": "9"}}},
            }])),
        )
        .json("dynamodb:Query/views", items(&json!([])))
        .json("dynamodb:Query/dead_letter", items(&json!([])))
        .json("lambda:GetFunctionConfiguration", json!({"FunctionArn": arn("lambda", "function:F"), "State": "Active"}))
        .json("lambda:ListEventSourceMappings", json!({"EventSourceMappings": [mapping("ClickStreamInput", "OK")]}))
        .json(
            "kinesisanalyticsv2:DescribeApplication",
            json!({"ApplicationDetail": {
                "ApplicationARN": arn("kinesisanalytics", "application/ClickstreamAnalytics"),
                "ApplicationName": "ClickstreamAnalytics", "RuntimeEnvironment": "FLINK-1_20",
                "ApplicationStatus": "READY", "ApplicationVersionId": 1, "CreateTimestamp": 1_795_540_000,
            }}),
        )
}

fn mapping(stream: &str, result: &str) -> Value {
    json!({
        "UUID": "u", "State": "Enabled", "LastProcessingResult": result, "LastModified": 1_795_540_000,
        "EventSourceArn": arn("kinesis", &format!("stream/{stream}")), "FunctionArn": arn("lambda", "function:F"),
    })
}

async fn trace_in(world: &World, engine: Engine, now: OffsetDateTime) -> Trace {
    let subject = Subject::new_for(engine, ACCOUNT, REGION);
    let trace = trace(&world.clients(), &subject, &canned_run(), now).await;
    for call in world.calls() {
        let entry = api_calls::ALL.iter().find(|entry| entry.to_string() == call.name).unwrap();
        assert!(entry.parts.contains(&Part::Tracer), "{call:?}");
        assert!(entry.engines.contains(&engine), "{call:?} with {engine}");
        assert_eq!(call.region, REGION);
    }
    trace
}

#[tokio::test]
async fn a_run_through_tumbling_windows_is_found() {
    let world = arrived();
    let trace = trace_in(&world, Engine::TumblingWindow, LATER).await;
    assert!(trace.is_complete(), "{trace:#?}");
    let at = |name| match hop(&trace, name).state {
        HopState::Reached { at, .. } => at,
        _ => None,
    };
    assert_eq!(at(HopName::Object), Some(datetime!(2026-11-24 19:01:20 UTC)));
    assert_eq!(at(HopName::Window), Some(datetime!(2026-11-24 19:01 UTC)));
    assert_eq!(at(HopName::Item), Some(datetime!(2026-11-24 19:01:04 UTC)));
    // Nobody asks why when all is there.
    assert!(!world.calls().iter().any(|call| call.name == "lambda:ListEventSourceMappings"));
    let kept = serde_json::to_string(&trace).unwrap();
    assert_eq!(serde_json::from_str::<Trace>(&kept).unwrap(), trace);
}

#[tokio::test]
async fn what_stands_in_the_way_is_read() {
    let world = arrived()
        .bytes("s3:ListObjectsV2/clicks/2026/11/24/19/", keys(&[]))
        .json("dynamodb:Query/trace", items(&json!([])))
        .json(
            "lambda:ListEventSourceMappings",
            json!({"EventSourceMappings": [
                mapping("Another", "OK"),
                mapping("ClickStreamInput", "PROBLEM: Function call failed"),
            ]}),
        );
    // 19:00:40, buffered for 10 s and for 20 s before the function, and 30 s to read and deliver.
    let soon = trace_in(&world, Engine::TumblingWindow, datetime!(2026-11-24 19:01:00 UTC)).await;
    let HopState::Waiting { until, .. } = hop(&soon, HopName::Object).state else { panic!("{soon:#?}") };
    assert_eq!(until, datetime!(2026-11-24 19:01:40 UTC));
    assert_eq!(
        stopped(&soon, HopName::Function),
        "Lambda could not hand records to CountClickWindows: PROBLEM: Function call failed."
    );
    let failed = world.bytes("s3:ListObjectsV2/errors/", keys(&["errors/processing-failed/2026/11/24/19/x"]));
    let later = trace_in(&failed, Engine::TumblingWindow, LATER).await;
    assert!(stopped(&later, HopName::Object).starts_with("Firehose gave up on the function"), "{later:#?}");
    let letter = json!([
        {"reason": {"S": "of last week"}, "written_at": {"S": "2026-11-17T19:01:04Z"}},
        {"reason": {"S": "window_end is no time"}, "written_at": {"S": "2026-11-24T19:01:04Z"}},
    ]);
    let set_aside = failed
        .json("lambda:ListEventSourceMappings", json!({"EventSourceMappings": [mapping("ClickStreamInput", "OK")]}))
        .json("dynamodb:Query/dead_letter", items(&letter));
    let later = trace_in(&set_aside, Engine::TumblingWindow, LATER).await;
    assert!(stopped(&later, HopName::Function).ends_with("could not store: window_end is no time."), "{later:#?}");
}

#[tokio::test]
async fn with_flink_both_the_application_and_the_mapping_are_read() {
    let world = arrived().json("dynamodb:Query/trace", items(&json!([])));
    let trace = trace_in(&world, Engine::Flink, LATER).await;
    assert!(is_reached(&trace, HopName::Object));
    assert!(
        stopped(&trace, HopName::Window).ends_with("is not running, so that nothing counts the rows."),
        "{trace:#?}"
    );
    assert_eq!(
        stopped(&trace, HopName::Function),
        "No event source mapping calls StoreWindowCounts with the records of ClickStreamCounts."
    );
}

#[tokio::test]
async fn an_account_that_may_not_be_read_is_not_blamed() {
    let replies = [
        Reply::Error { status: 403, code: "AccessDeniedException", message: "no" },
        Reply::Error { status: 503, code: "ServiceUnavailableException", message: "later" },
        Reply::Unreachable,
        Reply::TimedOut,
        Reply::Bytes { status: 200, headers: Vec::new(), body: vec![b'['; 20_000] },
    ];
    for reply in replies {
        for engine in Engine::ALL {
            let trace = trace_in(&arrived().all(&reply, |_| true), engine, LATER).await;
            for hop in &trace.hops[1..] {
                assert!(matches!(hop.state, HopState::Unknown { .. }), "{engine}: {hop:#?}");
            }
        }
    }
}

#[tokio::test]
async fn an_empty_account_has_an_answer_for_every_hop() {
    for engine in Engine::ALL {
        let trace = trace_in(&World::default(), engine, LATER).await;
        assert_eq!(stopped(&trace, HopName::Object), format!("There is no bucket clickstream-{ACCOUNT}-{REGION}."));
        assert_ne!(stopped(&trace, HopName::Window), "", "{trace:#?}");
        assert_ne!(stopped(&trace, HopName::Function), "", "{trace:#?}");
        assert_eq!(stopped(&trace, HopName::Item), "There is no table ClickstreamWindowCounts.");
    }
}
