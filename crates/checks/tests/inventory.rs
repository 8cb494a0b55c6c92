//! The inventory against accounts of canned answers, and against the sandbox.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../sandbox/tests/common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each test program uses its own part of this module")]
#[path = "fixtures/world.rs"]
mod world;

use std::collections::BTreeSet;

use checks::inventory::{FoundBy, Inventory, Kind, Receipt, inventory};
use checks::{
    Engine, Subject,
    api_calls::{self, Part},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use world::{ACCOUNT, NOW, OTHER_REGION, REGION, Reply, World};

const TAGGED: &str = "resourcegroupstaggingapi:GetResources";
const LOGS: &str = "logs:DescribeLogGroups";
const REGIONS: [&str; 3] = [REGION, OTHER_REGION, "us-west-2"];

fn subject(engine: Engine) -> Subject {
    Subject::new_for(engine, ACCOUNT, REGION)
}

fn arn(service: &str, region: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{region}:{ACCOUNT}:{resource}")
}

/// The key of a call in a region.
fn at(call: &str, region: &str) -> String {
    if region == REGION { call.to_owned() } else { format!("{call}@{region}") }
}

fn tagged(arns: &[String]) -> Value {
    let mappings: Vec<Value> = arns.iter().map(|arn| json!({"ResourceARN": arn, "Tags": []})).collect();
    json!({"PaginationToken": "", "ResourceTagMappingList": mappings})
}

/// An account in which there is nothing, and in which everything may be looked at.
fn empty() -> World {
    let mut world = World::default();
    for region in REGIONS {
        world = world
            .json(&at(TAGGED, region), tagged(&[]))
            .json(&at(LOGS, region), json!({"logGroups": []}))
            .json(&at("lambda:ListEventSourceMappings", region), json!({"EventSourceMappings": []}));
    }
    world
}

/// An account in which the lab was done with Flink and nothing was deleted.
fn full() -> World {
    let stream = |name: &str, shards: i32| {
        json!({"StreamDescriptionSummary": {
            "StreamName": name, "StreamARN": arn("kinesis", REGION, &format!("stream/{name}")), "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"}, "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 1_795_546_800, "EnhancedMonitoring": [], "OpenShardCount": shards,
        }})
    };
    let function = |name: &str| {
        json!({
            "FunctionName": name, "FunctionArn": arn("lambda", REGION, &format!("function:{name}")), "State": "Active",
            "Environment": {"Variables": {"TOKEN": "hunter2"}},
        })
    };
    let log_group = |function: &str, bytes: i64| {
        let name = format!("/aws/lambda/{function}");
        json!({"logGroups": [
            {"logGroupName": name, "storedBytes": bytes, "logGroupArn": arn("logs", REGION, &format!("log-group:{name}"))},
            {"logGroupName": format!("{name}2"), "storedBytes": 1, "arn": "another"},
        ]})
    };
    let mapping = |uuid: &str, stream: &str, function: &str| {
        json!({
            "UUID": uuid, "State": "Enabled", "EventSourceArn": arn("kinesis", REGION, &format!("stream/{stream}")),
            "FunctionArn": arn("lambda", REGION, &format!("function:{function}")),
            "EventSourceMappingArn": arn("lambda", REGION, &format!("event-source-mapping:{uuid}")),
        })
    };
    let role = |name: &str| {
        format!(
            "<GetRoleResponse><GetRoleResult><Role><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA</RoleId>\
             <Arn>arn:aws:iam::{ACCOUNT}:role/{name}</Arn><CreateDate>2026-11-24T18:00:00Z</CreateDate></Role>\
             </GetRoleResult></GetRoleResponse>"
        )
    };
    empty()
        .json(
            "kinesisanalyticsv2:DescribeApplication",
            json!({"ApplicationDetail": {
                "ApplicationARN": arn("kinesisanalytics", REGION, "application/ClickstreamAnalytics"),
                "ApplicationName": "ClickstreamAnalytics", "RuntimeEnvironment": "FLINK-1_20",
                "ApplicationStatus": "RUNNING", "ApplicationVersionId": 1, "CreateTimestamp": 1_795_546_800.25,
                "ApplicationConfigurationDescription": {"FlinkApplicationConfigurationDescription": {
                    "ParallelismConfigurationDescription": {"CurrentParallelism": 1, "ParallelismPerKPU": 1},
                }},
            }}),
        )
        .json(
            "firehose:DescribeDeliveryStream",
            json!({"DeliveryStreamDescription": {
                "DeliveryStreamName": "ClickStreamData",
                "DeliveryStreamARN": arn("firehose", REGION, "deliverystream/ClickStreamData"),
                "DeliveryStreamStatus": "ACTIVE", "DeliveryStreamType": "KinesisStreamAsSource", "VersionId": "1",
                "HasMoreDestinations": false, "Destinations": [],
            }}),
        )
        .json("kinesis:DescribeStreamSummary/ClickStreamInput", stream("ClickStreamInput", 1))
        .json("kinesis:DescribeStreamSummary/ClickStreamCounts", stream("ClickStreamCounts", 2))
        .json("lambda:GetFunctionConfiguration/PreprocessClickstreamData", function("PreprocessClickstreamData"))
        .json("lambda:GetFunctionConfiguration/StoreWindowCounts", function("StoreWindowCounts"))
        .json(
            "logs:DescribeLogGroups//aws/lambda/PreprocessClickstreamData",
            log_group("PreprocessClickstreamData", 512),
        )
        .json("logs:DescribeLogGroups//aws/lambda/StoreWindowCounts", log_group("StoreWindowCounts", 0))
        .json(
            "lambda:ListEventSourceMappings",
            json!({"EventSourceMappings": [
                mapping("u-1", "ClickStreamCounts", "StoreWindowCounts"),
                mapping("u-2", "Another", "Unrelated"),
                mapping("u-3", "ClickStreamInput", "Unrelated"),
            ]}),
        )
        .json(
            "dynamodb:DescribeTable",
            json!({"Table": {
                "TableName": "ClickstreamWindowCounts", "TableStatus": "ACTIVE",
                "TableArn": arn("dynamodb", REGION, "table/ClickstreamWindowCounts"),
                "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            }}),
        )
        .with(
            "s3:HeadBucket",
            Reply::Bytes {
                status: 200,
                headers: vec![("x-amz-bucket-region".to_owned(), REGION.to_owned())],
                body: Vec::new(),
            },
        )
        .bytes("iam:GetRole/HeadwaterFirehoseRole", role("HeadwaterFirehoseRole"))
        .bytes("iam:GetRole/HeadwaterAnalyticsRole", role("HeadwaterAnalyticsRole"))
}

async fn look(world: &World, engine: Engine) -> Inventory {
    inventory(&world.clients(), &subject(engine), NOW).await
}

/// Everything found, a line a thing.
fn lines(inventory: &Inventory) -> String {
    let line = |resource: &checks::inventory::Resource| {
        format!(
            "{} {} in {}, {}, {:?}, {} µ$/h ({}){}\n  {}",
            resource.kind.title(),
            resource.name,
            resource.region,
            resource.found_by.title(),
            resource.state,
            resource.cost.micro_dollars_an_hour,
            resource.cost.basis,
            if resource.must_go { "" } else { ", may remain" },
            resource.arn,
        )
    };
    inventory.found.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn everything_of_the_lab_is_found() {
    let world = full();
    let found = look(&world, Engine::Flink).await;
    insta::assert_snapshot!(lines(&found), @r#"
    Application ClickstreamAnalytics in us-east-1, by name, "RUNNING", 220000 µ$/h (2 KPUs, one of them for the orchestration, at $0.11 each; storage comes on top)
      arn:aws:kinesisanalytics:us-east-1:111122223333:application/ClickstreamAnalytics
    Data stream ClickStreamCounts in us-east-1, by name, "ACTIVE", 30000 µ$/h (2 shards, at $0.015 each)
      arn:aws:kinesis:us-east-1:111122223333:stream/ClickStreamCounts
    Data stream ClickStreamInput in us-east-1, by name, "ACTIVE", 15000 µ$/h (1 shard, at $0.015 each)
      arn:aws:kinesis:us-east-1:111122223333:stream/ClickStreamInput
    Event source mapping u-1 in us-east-1, by name, "Enabled, from ClickStreamCounts to StoreWindowCounts", 0 µ$/h (nothing while it is idle)
      arn:aws:lambda:us-east-1:111122223333:event-source-mapping:u-1
    Event source mapping u-3 in us-east-1, by name, "Enabled, from ClickStreamInput to Unrelated", 0 µ$/h (nothing while it is idle)
      arn:aws:lambda:us-east-1:111122223333:event-source-mapping:u-3
    Delivery stream ClickStreamData in us-east-1, by name, "ACTIVE", 0 µ$/h (nothing while it is idle)
      arn:aws:firehose:us-east-1:111122223333:deliverystream/ClickStreamData
    Function PreprocessClickstreamData in us-east-1, by name, "Active", 0 µ$/h (nothing while it is idle)
      arn:aws:lambda:us-east-1:111122223333:function:PreprocessClickstreamData
    Function StoreWindowCounts in us-east-1, by name, "Active", 0 µ$/h (nothing while it is idle)
      arn:aws:lambda:us-east-1:111122223333:function:StoreWindowCounts
    Table ClickstreamWindowCounts in us-east-1, by name, "ACTIVE", 0 µ$/h (below a cent, by what is stored)
      arn:aws:dynamodb:us-east-1:111122223333:table/ClickstreamWindowCounts
    Bucket clickstream-111122223333-us-east-1 in us-east-1, by name, "", 0 µ$/h (below a cent, by what is stored)
      arn:aws:s3:::clickstream-111122223333-us-east-1
    Log group /aws/lambda/PreprocessClickstreamData in us-east-1, by name, "512 bytes", 0 µ$/h (below a cent, by what is stored), may remain
      arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/PreprocessClickstreamData
    Log group /aws/lambda/StoreWindowCounts in us-east-1, by name, "0 bytes", 0 µ$/h (below a cent, by what is stored), may remain
      arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/StoreWindowCounts
    Role HeadwaterAnalyticsRole in global, by name, "", 0 µ$/h (nothing), may remain
      arn:aws:iam::111122223333:role/HeadwaterAnalyticsRole
    Role HeadwaterFirehoseRole in global, by name, "", 0 µ$/h (nothing), may remain
      arn:aws:iam::111122223333:role/HeadwaterFirehoseRole
    "#);
    assert_eq!(found.unknown, []);
    assert_eq!(found.micro_dollars_an_hour(), 220_000 + 3 * 15_000);
    assert!(!found.is_aws);
    let application = found.found.iter().find(|resource| resource.kind == Kind::Application).unwrap();
    assert_eq!(
        application.delete,
        ["aws kinesisanalyticsv2 delete-application --application-name ClickstreamAnalytics \
          --create-timestamp 2026-11-24T19:00:00.25Z --region us-east-1"]
    );
    let shown = serde_json::to_string(&found).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn every_call_is_in_the_table_and_of_the_engine() {
    for engine in Engine::ALL {
        let world = full();
        look(&world, engine).await;
        let calls = world.calls();
        assert!(calls.len() > 20, "{}", calls.len());
        for call in calls {
            let entry = api_calls::ALL.iter().find(|entry| entry.to_string() == call.name).unwrap();
            assert!(entry.parts.contains(&Part::Inventory), "{call:?}");
            assert!(entry.engines.contains(&engine), "{call:?} with {engine}");
            assert!(call.region == REGION || entry.in_other_regions, "{call:?} in another region");
        }
    }
}

#[tokio::test]
async fn an_empty_account_is_clean() {
    for engine in Engine::ALL {
        let found = look(&empty(), engine).await;
        assert_eq!((found.found.as_slice(), found.unknown.as_slice()), ([].as_slice(), [].as_slice()), "{engine}");
        assert!(Receipt::compare(None, &found).is_clean());
    }
}

#[tokio::test]
async fn a_refusal_is_no_proof_of_absence() {
    let denied = Reply::Error { status: 403, code: "AccessDeniedException", message: "no" };
    // What is not answered in the canned world must be refused, too.
    let mut world = full();
    for region in REGIONS {
        for call in api_calls::ALL.iter().filter(|call| call.parts.contains(&Part::Inventory)) {
            world = world.with(&at(&call.to_string(), region), denied.clone());
        }
    }
    let world = world.all(&denied, |_| true);
    let found = look(&world, Engine::Flink).await;
    assert_eq!(lines(&found), "");
    let unknown: Vec<String> = found
        .unknown
        .iter()
        .filter(|unknown| unknown.region == REGION || unknown.region == "global")
        .map(|unknown| {
            let kind = unknown.kind.map_or("anything with the tag", Kind::title);
            format!("{kind} in {}: {}", unknown.region, unknown.action.as_deref().unwrap_or_default())
        })
        .collect();
    insta::assert_snapshot!(unknown.join("\n"), @r#"
    Role in global: iam:GetRole
    anything with the tag in us-east-1: tag:GetResources
    Application in us-east-1: kinesisanalytics:DescribeApplication
    Event source mapping in us-east-1: lambda:ListEventSourceMappings
    Delivery stream in us-east-1: firehose:DescribeDeliveryStream
    Data stream in us-east-1: kinesis:DescribeStreamSummary
    Function in us-east-1: lambda:GetFunctionConfiguration
    Table in us-east-1: dynamodb:DescribeTable
    Bucket in us-east-1: s3:ListBucket
    Log group in us-east-1: logs:DescribeLogGroups
    "#);
    let regions: BTreeSet<&str> = found.unknown.iter().map(|unknown| unknown.region.as_str()).collect();
    assert_eq!(regions, BTreeSet::from(["eu-west-1", "global", "us-east-1", "us-west-2"]));
    let receipt = Receipt::compare(None, &found);
    assert!(!receipt.is_clean());
    // What was seen before is not taken for deleted.
    let before = Receipt::compare(None, &look(&full(), Engine::Flink).await);
    let after = Receipt::compare(Some(&before), &found);
    assert_eq!(after.deleted, []);
    assert_eq!(after.remaining.len(), before.remaining.len());
}

#[tokio::test]
async fn other_regions_and_other_names_are_found() {
    let in_ireland = |service: &str, resource: &str| arn(service, OTHER_REGION, resource);
    let world = empty()
        .json(
            &at("dynamodb:DescribeTable", OTHER_REGION),
            json!({"Table": {"TableName": "ClickstreamWindowCounts", "TableStatus": "ACTIVE",
                "TableArn": in_ireland("dynamodb", "table/ClickstreamWindowCounts"),
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}}),
        )
        .json(
            &at(TAGGED, OTHER_REGION),
            tagged(&[
                in_ireland("dynamodb", "table/ClickstreamWindowCounts"),
                in_ireland("kinesis", "stream/Old"),
                in_ireland("lambda", "function:Gone"),
                in_ireland("sqs", "queue"),
            ]),
        )
        .error(&at("kinesis:DescribeStreamSummary", OTHER_REGION), 400, "AccessDeniedException", "no");
    let found = look(&world, Engine::SqlApplication).await;
    insta::assert_snapshot!(lines(&found), @r#"
    Data stream Old in eu-west-1, by tag, "not looked at: the credentials lack the permission kinesis:DescribeStreamSummary", 15000 µ$/h (assumed, as it could not be looked at: 1 shard, at $0.015 each)
      arn:aws:kinesis:eu-west-1:111122223333:stream/Old
    Table ClickstreamWindowCounts in eu-west-1, by name and tag, "ACTIVE", 3900 µ$/h (5 read and 5 write units, at $0.00013 and $0.00065)
      arn:aws:dynamodb:eu-west-1:111122223333:table/ClickstreamWindowCounts
    Tagged resource sqs:queue in eu-west-1, by tag, "has the lab's tag", 0 µ$/h (not known to us)
      arn:aws:sqs:eu-west-1:111122223333:queue
    "#);
    assert_eq!(found.unknown, [], "the function with the tag is gone");
}

#[tokio::test]
async fn mappings_with_the_tag_are_found_whatever_they_join() {
    let uuid = |uuid: &str| arn("lambda", REGION, &format!("event-source-mapping:{uuid}"));
    let world = full().json(TAGGED, tagged(&[uuid("u-1"), uuid("u-2"), uuid("u-9")]));
    let found = look(&world, Engine::TumblingWindow).await;
    let mappings: Vec<(&str, FoundBy)> = found
        .found
        .iter()
        .filter(|resource| resource.kind == Kind::EventSourceMapping)
        .map(|resource| (resource.name.as_str(), resource.found_by))
        .collect();
    // u-9 has a tag and is in no list any more.
    assert_eq!(mappings, [("u-1", FoundBy::NameAndTag), ("u-2", FoundBy::Tag), ("u-3", FoundBy::Name)]);
}

#[tokio::test]
async fn a_service_that_fails_is_unknown() {
    let world = full().with("dynamodb:DescribeTable", Reply::Unreachable).with("s3:HeadBucket", Reply::TimedOut);
    let found = look(&world, Engine::SqlApplication).await;
    let unknown: Vec<_> = found.unknown.iter().map(|unknown| (unknown.kind, unknown.why.as_str())).collect();
    assert_eq!(
        unknown,
        [
            (Some(Kind::Table), "Amazon DynamoDB could not be reached"),
            (Some(Kind::Bucket), "Amazon S3 did not answer in time"),
        ]
    );
}

#[tokio::test]
async fn answers_that_no_service_gives_are_survived() {
    for body in ["", "{}", "null", "[]", "<a>", "{\"Table\": {}}"] {
        let reply = Reply::Bytes { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let found = look(&full().all(&reply, |_| true), Engine::Flink).await;
        assert!(!Receipt::compare(None, &found).is_clean(), "{body:?}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_is_searched_like_aws() {
    let sandbox = common::TestSandbox::start().await;
    let clients = checks::Clients::new(&sandbox.sdk(), [OTHER_REGION.to_owned()]);
    let subject = Subject::new(sandbox.account.as_str(), REGION);
    let nothing = inventory(&clients, &subject, OffsetDateTime::now_utc()).await;
    assert_eq!((nothing.found.as_slice(), nothing.unknown.as_slice()), ([].as_slice(), [].as_slice()));

    common::streams::create_stream(&sandbox.sdk(), &subject.stream, &subject.bucket).await;
    let elsewhere = sandbox.sdk_as(&sandbox.key, OTHER_REGION);
    common::pipeline::create_table(&elsewhere, &subject.table, "window_end").await;
    let tagged = aws_sdk_dynamodb::Client::new(&sandbox.sdk());
    common::pipeline::create_table(&sandbox.sdk(), "AnotherTable", "window_end").await;
    let table = arn_of_table(&sandbox, "AnotherTable");
    let tag = aws_sdk_dynamodb::types::Tag::builder().key("headwater").value("clickstream-lab").build().unwrap();
    // A table takes no tags before it is active.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while let Err(error) = tagged.tag_resource().resource_arn(&table).tags(tag.clone()).send().await {
        assert!(tokio::time::Instant::now() < deadline, "{error:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let found = inventory(&clients, &subject, OffsetDateTime::now_utc()).await;
    let names: BTreeSet<(Kind, &str, &str, FoundBy)> = found
        .found
        .iter()
        .map(|resource| (resource.kind, resource.region.as_str(), resource.name.as_str(), resource.found_by))
        .collect();
    let expected = BTreeSet::from([
        (Kind::DeliveryStream, REGION, subject.stream.as_str(), FoundBy::Name),
        (Kind::Table, OTHER_REGION, subject.table.as_str(), FoundBy::Name),
        (Kind::Table, REGION, "AnotherTable", FoundBy::Tag),
        (Kind::Bucket, REGION, subject.bucket.as_str(), FoundBy::Name),
        (Kind::Role, "global", subject.roles.firehose.as_str(), FoundBy::Name),
    ]);
    assert_eq!(names, expected);
    assert_eq!(found.unknown, []);
    let receipt = Receipt::compare(None, &found);

    // The commands of the receipt are the ones that do it.
    for command in found.found.iter().flat_map(|resource| &resource.delete) {
        let output = tokio::process::Command::new("sh")
            .args(["-c", command])
            .envs(sandbox.environment())
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let after = inventory(&clients, &subject, OffsetDateTime::now_utc()).await;
        let receipt = Receipt::compare(Some(&receipt), &after);
        if receipt.is_clean() && receipt.remaining.is_empty() {
            assert_eq!(receipt.deleted.len(), expected.len());
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{receipt:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

fn arn_of_table(sandbox: &common::TestSandbox, name: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{}:table/{name}", sandbox.account.as_str())
}
