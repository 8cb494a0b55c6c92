//! CloudWatch Logs and what functions write there, as the Rust SDK, the `aws` CLI and boto3 use it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata as _;
use aws_sdk_cloudwatchlogs::types::{FilteredLogEvent, InputLogEvent};
use common::functions::{create_function, function_role, invoke_function};
use common::{REGION, TestSandbox};
use serde_json::{Value, json};

const GROUP: &str = "/aws/lambda/Clicks";
const SOURCE: &str = r#"
import logging
print("loading")
def handler(event, context):
    print("counting", event["page"])
    logging.getLogger().warning("a warning")
    if event["page"] == "none":
        raise ValueError("no such page")
    return "well"
"#;

async fn allow(sdk: &SdkConfig, actions: &[&str]) {
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": format!("arn:aws:logs:{REGION}:*:log-group:{GROUP}:*") });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    let iam = aws_sdk_iam::Client::new(sdk);
    let put = iam.put_role_policy().role_name("HeadwaterLambdaRole").policy_name("logs");
    put.policy_document(policy.to_string()).send().await.unwrap();
}

async fn run(sdk: &SdkConfig, page: &str) {
    invoke_function(&aws_sdk_lambda::Client::new(sdk), "Clicks", &json!({ "page": page })).await;
}

/// Everything in the group, once it has as many reports of invocations.
async fn events_of(client: &Client, reports: usize) -> Vec<FilteredLogEvent> {
    let there = async {
        loop {
            if let Ok(found) = client.filter_log_events().log_group_name(GROUP).send().await {
                let events = found.events.unwrap_or_default();
                let is_report = |event: &&FilteredLogEvent| event.message().unwrap().starts_with("REPORT");
                if events.iter().filter(is_report).count() >= reports {
                    return events;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), there).await.expect("the log must come")
}

fn messages(events: &[FilteredLogEvent]) -> Vec<&str> {
    events.iter().map(|event| event.message().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_writes_its_log_as_on_aws() {
    let sandbox = TestSandbox::start().await;
    let sdk = sandbox.sdk();
    let role = function_role(&sdk).await;
    create_function(&aws_sdk_lambda::Client::new(&sdk), &role, "Clicks", SOURCE, 10).await;
    let managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    let attach = ["iam", "attach-role-policy", "--role-name", "HeadwaterLambdaRole", "--policy-arn", managed];
    sandbox.aws_json(&attach).await;
    let client = Client::new(&sdk);
    assert!(client.describe_log_groups().send().await.unwrap().log_groups().is_empty());

    run(&sdk, "Main_Page").await;
    run(&sdk, "none").await;
    let events = events_of(&client, 2).await;
    let told = messages(&events);
    assert_eq!(told[0], "loading\n");
    assert!(told[1].starts_with("START RequestId: ") && told[1].ends_with(" Version: $LATEST\n"), "{told:?}");
    assert_eq!(told[2], "counting Main_Page\n");
    assert!(told[3].starts_with("[WARNING]") && told[3].contains("a warning"), "{told:?}");
    assert!(told[4].starts_with("END RequestId: ") && told[5].starts_with("REPORT RequestId: "), "{told:?}");
    assert!(told[5].contains("Init Duration"), "{told:?}");
    let error = told.iter().find(|line| line.contains("ValueError")).unwrap();
    assert!(error.starts_with("[ERROR] ValueError: no such page") && error.contains("Traceback"), "{error}");
    let streams: Vec<&str> = events.iter().map(|event| event.log_stream_name().unwrap()).collect();
    assert!(streams.iter().all(|stream| *stream == streams[0]), "one environment has one stream: {streams:?}");
    assert!(streams[0].contains("/[$LATEST]"), "{streams:?}");

    sandbox.aws_json(&["lambda", "delete-function", "--function-name", "Clicks"]).await;
    let sandbox = sandbox.restart().await;
    let client = Client::new(&sandbox.sdk());
    assert_eq!(messages(&events_of(&client, 2).await), told);
    let (_, stranger) = sandbox.another_account().await;
    for foreign in [sandbox.sdk_as(&stranger, REGION), sandbox.sdk_as(&sandbox.key, "eu-west-1")] {
        let client = Client::new(&foreign);
        assert!(client.describe_log_groups().send().await.unwrap().log_groups().is_empty());
        let missing = client.filter_log_events().log_group_name(GROUP).send().await.unwrap_err();
        assert_eq!(missing.code(), Some("ResourceNotFoundException"));
    }
    client.delete_log_group().log_group_name(GROUP).send().await.unwrap();
    let gone = client.delete_log_group().log_group_name(GROUP).send().await.unwrap_err();
    assert!(gone.into_service_error().is_resource_not_found_exception());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_decides_what_is_written() {
    let sandbox = TestSandbox::start().await;
    let sdk = sandbox.sdk();
    let role = function_role(&sdk).await;
    create_function(&aws_sdk_lambda::Client::new(&sdk), &role, "Clicks", SOURCE, 10).await;
    let client = Client::new(&sdk);
    run(&sdk, "without_a_policy").await;
    allow(&sdk, &["logs:CreateLogStream", "logs:PutLogEvents"]).await;
    run(&sdk, "without_a_group").await;
    allow(&sdk, &["logs:CreateLogGroup"]).await;
    run(&sdk, "without_events").await;
    allow(&sdk, &["logs:CreateLogGroup", "logs:PutLogEvents"]).await;
    run(&sdk, "without_a_stream").await;
    allow(&sdk, &["logs:Create*", "logs:PutLogEvents"]).await;
    run(&sdk, "with_all").await;
    // Logs are written in order, so that the others had their turn when this one is there.
    let events = events_of(&client, 1).await;
    let counting: Vec<&str> = messages(&events).into_iter().filter(|line| line.starts_with("counting")).collect();
    assert_eq!(counting, ["counting with_all\n"]);
}

async fn with_events(client: &Client, group: &str, stream: &str, count: i64) {
    // Those of the group may be there already.
    let _ = client.create_log_group().log_group_name(group).send().await;
    client.create_log_stream().log_group_name(group).log_stream_name(stream).send().await.unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let event = |n: i64| {
        let message = format!("{stream} event {n}{}", if n % 2 == 0 { " even" } else { "" });
        InputLogEvent::builder().timestamp(now - 60_000 + n).message(message).build().unwrap()
    };
    let put = client.put_log_events().log_group_name(group).log_stream_name(stream);
    put.set_log_events(Some((0..count).map(event).collect())).send().await.unwrap();
}

#[tokio::test]
async fn events_are_read_forward_and_backward() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    with_events(&client, "group", "s", 7).await;
    let get = || client.get_log_events().log_group_name("group").log_stream_name("s").limit(3);
    let numbers = |page: &aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsOutput| -> Vec<String> {
        let last = |message: &str| message.trim_end_matches(" even").rsplit(' ').next().unwrap().to_owned();
        page.events().iter().map(|event| last(event.message().unwrap())).collect()
    };
    let newest = get().send().await.unwrap();
    assert_eq!(numbers(&newest), ["4", "5", "6"]);
    let before = get().next_token(newest.next_backward_token().unwrap()).send().await.unwrap();
    assert_eq!(numbers(&before), ["1", "2", "3"]);
    let first = get().next_token(before.next_backward_token().unwrap()).send().await.unwrap();
    assert_eq!(numbers(&first), ["0"]);
    let none = get().next_token(first.next_backward_token().unwrap()).send().await.unwrap();
    assert!(none.events().is_empty());
    assert_eq!(none.next_backward_token(), first.next_backward_token());
    let again = get().next_token(none.next_forward_token().unwrap()).send().await.unwrap();
    assert_eq!(numbers(&again), ["0", "1", "2"]);

    let end = get().start_from_head(true).limit(10).send().await.unwrap();
    assert_eq!(end.events().len(), 7);
    let later = get().next_token(end.next_forward_token().unwrap()).send().await.unwrap();
    assert!(later.events().is_empty());
    assert_eq!(later.next_forward_token(), end.next_forward_token());
    let times: Vec<i64> = end.events().iter().map(|event| event.timestamp().unwrap()).collect();
    let within = get().start_time(times[2]).end_time(times[4]).send().await.unwrap();
    assert_eq!(numbers(&within), ["2", "3"]);
    let arn = format!("arn:aws:logs:{REGION}:{}:log-group:group", sandbox.account);
    let by_arn = client.get_log_events().log_group_identifier(arn).log_stream_name("s").send().await.unwrap();
    assert_eq!(by_arn.events().len(), 7);
}

#[tokio::test]
async fn events_are_filtered_by_terms_streams_and_time() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    with_events(&client, "group", "one", 4).await;
    with_events(&client, "group", "two", 4).await;
    let filter = || client.filter_log_events().log_group_name("group");
    let count = |events: &[FilteredLogEvent]| events.len();
    assert_eq!(count(filter().send().await.unwrap().events()), 8);
    assert_eq!(count(filter().filter_pattern("even -two").send().await.unwrap().events()), 2);
    assert_eq!(count(filter().log_stream_names("two").send().await.unwrap().events()), 4);
    assert_eq!(
        count(filter().log_stream_name_prefix("t").filter_pattern("\"event 3\"").send().await.unwrap().events()),
        1
    );
    let mut seen = Vec::new();
    let mut pages = filter().limit(3).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        seen.push(page.events().len());
        assert!(page.events().is_sorted_by_key(FilteredLogEvent::timestamp));
    }
    assert_eq!(seen, [3, 3, 2]);
    let refused = [
        filter().log_stream_names("one").log_stream_name_prefix("t"),
        filter().filter_pattern("a:b"),
        filter().next_token("?"),
        filter().limit(10_001),
    ];
    for request in refused {
        assert_eq!(request.send().await.unwrap_err().code(), Some("InvalidParameterException"));
    }
    let missing = filter().log_stream_names("three").send().await.unwrap_err();
    assert_eq!(missing.code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn the_cli_and_boto3_manage_groups() {
    let sandbox = TestSandbox::start().await;
    let create = |name: &'static str| {
        let sandbox = &sandbox;
        async move { sandbox.aws_json(&["logs", "create-log-group", "--log-group-name", name]).await }
    };
    for name in ["/aws/lambda/A", "/aws/lambda/B", "/aws/lambda/C", "other"] {
        create(name).await;
    }
    let again = sandbox.aws_error(&["logs", "create-log-group", "--log-group-name", "other"]).await;
    assert!(again.contains("(ResourceAlreadyExistsException)"), "{again}");
    let retain = ["logs", "put-retention-policy", "--log-group-name", "/aws/lambda/A", "--retention-in-days"];
    sandbox.aws_json(&[&retain[..], &["7"]].concat()).await;
    let refused = sandbox.aws_error(&[&retain[..], &["8"]].concat()).await;
    assert!(refused.contains("(InvalidParameterException)"), "{refused}");
    let listed = sandbox
        .aws_json(&["logs", "describe-log-groups", "--log-group-name-prefix", "/aws/lambda/", "--page-size", "2"])
        .await;
    let groups = listed["logGroups"].as_array().unwrap();
    assert_eq!(groups.len(), 3);
    assert_eq!(groups[0]["retentionInDays"], 7);
    let arn = format!("arn:aws:logs:{REGION}:{}:log-group:/aws/lambda/A", sandbox.account);
    assert_eq!((&groups[0]["arn"], &groups[0]["logGroupArn"]), (&json!(format!("{arn}:*")), &json!(arn)));
    assert!(groups[1].get("retentionInDays").is_none());

    let tagging = ["logs", "tag-resource", "--resource-arn", &arn, "--tags", "headwater=clickstream-lab"];
    sandbox.aws_json(&tagging).await;
    let tags = sandbox.aws_json(&["logs", "list-tags-for-resource", "--resource-arn", &arn]).await;
    assert_eq!(tags["tags"], json!({ "headwater": "clickstream-lab" }));
    sandbox.aws_json(&["logs", "untag-resource", "--resource-arn", &arn, "--tag-keys", "headwater"]).await;
    let tags = sandbox.aws_json(&["logs", "list-tags-for-resource", "--resource-arn", &arn]).await;
    assert_eq!(tags["tags"], json!({}));

    let told = sandbox
        .python(
            "
import boto3, json
logs = boto3.client('logs')
for n in range(3):
    logs.create_log_stream(logGroupName='other', logStreamName=f's{n}')
now = int(__import__('time').time() * 1000)
for n, at in ((0, now), (1, now - 2000), (2, now - 1000)):
    logs.put_log_events(logGroupName='other', logStreamName=f's{n}', logEvents=[{'timestamp': at, 'message': f'm{n}'}])
def streams(**more):
    found = logs.get_paginator('describe_log_streams').paginate(logGroupName='other', PaginationConfig={'PageSize': 2}, **more)
    return [stream['logStreamName'] for page in found for stream in page['logStreams']]
# What `aws logs tail` asks.
pages = logs.get_paginator('filter_log_events').paginate(logGroupName='other', startTime=now - 600000, interleaved=True)
tail = [event['message'] for page in pages for event in page['events']]
logs.delete_log_stream(logGroupName='other', logStreamName='s0')
print(json.dumps([streams(), streams(orderBy='LastEventTime', descending=True), streams(logStreamNamePrefix='s2'), tail]))
old = now - 3 * 24 * 3600 * 1000
logs.put_log_events(logGroupName='other', logStreamName='s1', logEvents=[{'timestamp': old, 'message': 'old'}])
before = len(logs.get_log_events(logGroupName='other', logStreamName='s1', startFromHead=True)['events'])
logs.put_retention_policy(logGroupName='other', retentionInDays=1)
after = len(logs.get_log_events(logGroupName='other', logStreamName='s1', startFromHead=True)['events'])
rejected = logs.put_log_events(logGroupName='other', logStreamName='s1', logEvents=[{'timestamp': old, 'message': 'old'}])
print(json.dumps([before, after, rejected['rejectedLogEventsInfo']]))
",
        )
        .await;
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        json!([["s1", "s2"], ["s2", "s1"], ["s2"], ["m1", "m2", "m0"]]),
        json!([2, 1, { "tooOldLogEventEndIndex": 1 }]),
    ];
    assert_eq!(told, expected);
}
