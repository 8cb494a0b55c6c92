//! Event source mappings with real functions: batches, windows, failures, restarts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{EventSourcePosition, FunctionResponseType};
use common::TestSandbox;
use common::data_streams::{create_counter, create_data_stream, eventually, map, put, wait_for_result, wait_for_state};
use common::functions::{wait_until_active, zip};
use common::pipeline::create_table;
use sandbox::Clock;
use serde_json::{Value, json};
use time::macros::datetime;

const FAILED: &str = "PROBLEM: Function call failed";

/// Counts texts in the state of the window, and writes them down when it ends.
const COUNT: &str = r#"
import base64, boto3, json

def handler(event, context):
    state = event["state"]
    for record in event["Records"]:
        text = base64.b64decode(record["kinesis"]["data"]).decode()
        state[text] = state.get(text, 0) + 1
    if not event["isFinalInvokeForWindow"]:
        return {"state": state}
    assert event["Records"] == []
    item = {"metric": event["shardId"], "window_end": event["window"]["end"], "start": event["window"]["start"], "counts": json.dumps(state)}
    boto3.client("dynamodb").put_item(TableName="counts", Item={name: {"S": value} for name, value in item.items()})
"#;

/// Writes every event down, and does `extra` then.
fn note_and(extra: &str) -> String {
    format!(
        r#"
import base64, boto3, json, uuid

def handler(event, context):
    texts = [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
    note = {{"metric": "note", "window_end": context.aws_request_id, "texts": json.dumps(texts), "event": json.dumps(event)[:50_000]}}
    boto3.client("dynamodb").put_item(TableName="counts", Item={{name: {{"S": value}} for name, value in note.items()}})
{extra}
"#
    )
}

/// The strings of all items.
async fn items(sdk: &SdkConfig) -> Vec<BTreeMap<String, String>> {
    let scan = aws_sdk_dynamodb::Client::new(sdk).scan().table_name("counts").into_paginator().items().send();
    let items: Vec<_> = scan.collect::<Result<_, _>>().await.unwrap();
    let text = |value: AttributeValue| value.as_s().unwrap().clone();
    items.into_iter().map(|item| item.into_iter().map(|(name, value)| (name, text(value))).collect()).collect()
}

/// The texts of all calls that were noted.
async fn noted(sdk: &SdkConfig) -> Vec<Vec<String>> {
    let items = items(sdk).await;
    items.iter().filter_map(|item| item.get("texts")).map(|texts| serde_json::from_str(texts).unwrap()).collect()
}

/// What the windows in the table counted together.
async fn counted(sdk: &SdkConfig) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for item in items(sdk).await {
        let Some(counts) = item.get("counts") else { continue };
        let counts: BTreeMap<String, u64> = serde_json::from_str(counts).unwrap();
        for (text, count) in counts {
            *all.entry(text).or_default() += count;
        }
    }
    all
}

/// So many texts of seven kinds, and their counts.
fn texts(count: usize) -> (Vec<String>, BTreeMap<String, u64>) {
    let texts: Vec<String> = (0..count).map(|number| format!("page {}", number % 7)).collect();
    let mut counts = BTreeMap::new();
    for text in &texts {
        *counts.entry(text.clone()).or_default() += 1;
    }
    (texts, counts)
}

async fn change_code(sdk: &SdkConfig, source: &str) {
    let lambda = aws_sdk_lambda::Client::new(sdk);
    lambda.update_function_code().function_name("Count").zip_file(Blob::new(zip(source))).send().await.unwrap();
    wait_until_active(&lambda, "Count").await;
}

async fn world(sandbox: &TestSandbox, source: &str, shards: i32) -> (SdkConfig, String) {
    let sdk = sandbox.sdk();
    create_table(&sdk, "counts", "window_end").await;
    create_counter(&sdk, source).await;
    let stream = create_data_stream(&sdk, shards).await;
    (sdk, stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_count_every_record_once() {
    let sandbox = TestSandbox::start().await;
    let (sdk, stream) = world(&sandbox, COUNT, 2).await;
    let mapping = map(&sdk, &stream, |create| create.tumbling_window_in_seconds(2).batch_size(20)).await;
    let mut expected = BTreeMap::new();
    for round in 1..=3 {
        let (texts, counts) = texts(round * 100);
        put(&sdk, &texts).await;
        for (text, count) in counts {
            *expected.entry(text).or_default() += count;
        }
        // The window of this round is closed although nothing more comes.
        eventually("the counts of a round", || async { (counted(&sdk).await == expected).then_some(()) }).await;
    }
    for item in items(&sdk).await {
        let end = time::OffsetDateTime::parse(&item["window_end"], &time::format_description::well_known::Rfc3339);
        assert_eq!(end.unwrap().unix_timestamp() % 2, 0);
        assert!(item["window_end"].ends_with('Z') && item["start"] < item["window_end"]);
    }
    wait_for_result(&sdk, &mapping, "OK").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_goes_on_after_a_restart() {
    let clock = Clock::manual(datetime!(2026-11-24 19:00:05 UTC));
    let sandbox = TestSandbox::start_with_clock(clock.clone()).await;
    let (sdk, stream) = world(&sandbox, COUNT, 1).await;
    let mapping = map(&sdk, &stream, |create| create.tumbling_window_in_seconds(60)).await;
    let (first, _) = texts(150);
    put(&sdk, &first).await;
    wait_for_result(&sdk, &mapping, "OK").await;
    let sandbox = sandbox.restart().await;
    let sdk = sandbox.sdk();
    clock.advance(Duration::from_secs(30));
    let (second, _) = texts(150);
    put(&sdk, &second).await;
    // The mapping is disabled and enabled while the window is open.
    let lambda = aws_sdk_lambda::Client::new(&sdk);
    wait_for_state(&sdk, &mapping, "Enabled").await;
    lambda.update_event_source_mapping().uuid(&mapping).enabled(false).send().await.unwrap();
    clock.advance(Duration::from_secs(60));
    wait_for_state(&sdk, &mapping, "Disabled").await;
    assert!(items(&sdk).await.is_empty());
    lambda.update_event_source_mapping().uuid(&mapping).enabled(true).send().await.unwrap();
    let found = eventually("the window's end", || async {
        let items = items(&sdk).await;
        (!items.is_empty()).then_some(items)
    })
    .await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["start"], "2026-11-24T19:00:00Z");
    assert_eq!(found[0]["window_end"], "2026-11-24T19:01:00Z");
    let (_, mut counts) = texts(150);
    counts.values_mut().for_each(|count| *count *= 2);
    assert_eq!(counted(&sdk).await, counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_fails_gets_the_records_again() {
    let clock = Clock::manual(datetime!(2026-11-24 19:00:05 UTC));
    let sandbox = TestSandbox::start_with_clock(clock.clone()).await;
    let (sdk, stream) = world(&sandbox, "def handler(event, context):\n    raise ValueError('no')\n", 1).await;
    let mapping = map(&sdk, &stream, |create| create.tumbling_window_in_seconds(10).batch_size(30)).await;
    let (first, counts) = texts(100);
    put(&sdk, &first).await;
    wait_for_result(&sdk, &mapping, FAILED).await;
    // An answer without a state is a failure, too.
    change_code(&sdk, &note_and("    return {}")).await;
    eventually("a further attempt", || async { (noted(&sdk).await.len() > 1).then_some(()) }).await;
    assert!(noted(&sdk).await.iter().all(|texts| *texts == first[..30]));
    wait_for_result(&sdk, &mapping, FAILED).await;
    // All batches are counted now, but the last call of the window fails.
    let cannot_close = COUNT.replace("    assert event[\"Records\"] == []", "    raise ValueError('cannot close')");
    change_code(&sdk, &cannot_close).await;
    wait_for_result(&sdk, &mapping, "OK").await;
    clock.advance(Duration::from_secs(20));
    wait_for_result(&sdk, &mapping, FAILED).await;
    assert!(counted(&sdk).await.is_empty());
    change_code(&sdk, COUNT).await;
    eventually("the counts", || async { (counted(&sdk).await == counts).then_some(()) }).await;
    wait_for_result(&sdk, &mapping, "OK").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_too_large_ends_the_window_early() {
    let sandbox = TestSandbox::start_with_clock(Clock::manual(datetime!(2026-11-24 19:00:05 UTC))).await;
    let grows = note_and("    return {'state': {'text': 'x' * 1_100_000}}");
    let (sdk, stream) = world(&sandbox, &grows, 1).await;
    map(&sdk, &stream, |create| create.tumbling_window_in_seconds(60)).await;
    put(&sdk, &["a"]).await;
    let ended = |count: usize| {
        let sdk = sdk.clone();
        async move {
            let items = items(&sdk).await;
            let early = |item: &&BTreeMap<String, String>| item["event"].contains(r#""isFinalInvokeForWindow": true"#);
            // The state is too long to be noted down with what follows it, and its records come first.
            (items.len() >= 2 * count).then(|| items.iter().filter(early).count())
        }
    };
    eventually("the early end", || ended(1)).await;
    // The window goes on with a fresh state.
    put(&sdk, &["b"]).await;
    eventually("the second early end", || ended(2)).await;
    let mut calls = noted(&sdk).await;
    calls.sort();
    assert_eq!(calls, [vec![], vec![], vec!["a".to_owned()], vec!["b".to_owned()]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_cut_and_given_up() {
    let sandbox = TestSandbox::start().await;
    let fails = note_and("    if 'poison' in texts: raise ValueError('no')");
    let (sdk, stream) = world(&sandbox, &fails, 1).await;
    put(&sdk, &["a", "b", "c", "poison", "d", "e"]).await;
    map(&sdk, &stream, |create| create.bisect_batch_on_function_error(true).maximum_retry_attempts(1)).await;
    let is_last = |texts: &Vec<String>| texts.contains(&"e".to_owned()) && !texts.contains(&"poison".to_owned());
    eventually("the last record", || async { noted(&sdk).await.iter().any(is_last).then_some(()) }).await;
    let calls = noted(&sdk).await;
    let succeeded: Vec<&String> =
        calls.iter().filter(|texts| !texts.contains(&"poison".to_owned())).flatten().collect();
    for text in ["a", "b", "c", "d", "e"] {
        assert_eq!(succeeded.iter().filter(|found| **found == text).count(), 1, "{text}: {calls:?}");
    }
    let alone = calls.iter().filter(|texts| ***texts == ["poison"]).count();
    assert_eq!(alone, 2, "one retry: {calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_failed_comes_again() {
    let sandbox = TestSandbox::start().await;
    let fails = note_and(
        "    failed = [record['kinesis']['sequenceNumber'] for record, text in zip(event['Records'], texts) if text == 'c']\n    \
         return {'batchItemFailures': [{'itemIdentifier': sequence} for sequence in failed]}",
    );
    let (sdk, stream) = world(&sandbox, &fails, 1).await;
    put(&sdk, &["a", "b", "c", "d"]).await;
    let mapping = map(&sdk, &stream, |create| {
        create.function_response_types(FunctionResponseType::ReportBatchItemFailures).maximum_record_age_in_seconds(-1)
    })
    .await;
    wait_for_result(&sdk, &mapping, FAILED).await;
    let mut calls = noted(&sdk).await;
    calls.sort();
    calls.dedup();
    assert_eq!(calls, [vec!["a", "b", "c", "d"], vec!["c", "d"]]);
    change_code(&sdk, &note_and("    return None")).await;
    wait_for_result(&sdk, &mapping, "OK").await;
}

#[tokio::test]
async fn events_are_as_aws_sends_them() {
    let sandbox = TestSandbox::start_with_clock(Clock::manual(datetime!(2026-11-24 19:00:05.25 UTC))).await;
    let (sdk, stream) = world(&sandbox, &note_and("    return {'state': {'a': 1}}"), 1).await;
    put(&sdk, &["hello"]).await;
    map(&sdk, &stream, |create| create.tumbling_window_in_seconds(60)).await;
    let event = eventually("the event", || async { items(&sdk).await.pop().map(|item| item["event"].clone()) }).await;
    let mut event: Value = serde_json::from_str(&event).unwrap();
    let record = event["Records"][0].take();
    let sequence = record["kinesis"]["sequenceNumber"].as_str().unwrap();
    let account = &sandbox.account;
    assert_eq!(
        record,
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "hello",
                "sequenceNumber": sequence,
                "data": "aGVsbG8=",
                "approximateArrivalTimestamp": 1_795_546_805.25,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-000000000000:{sequence}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": format!("arn:aws:iam::{account}:role/HeadwaterLambdaRole"),
            "awsRegion": "us-east-1",
            "eventSourceARN": stream,
        })
    );
    assert_eq!(
        event,
        json!({
            "Records": [null],
            "window": {"start": "2026-11-24T19:00:00Z", "end": "2026-11-24T19:01:00Z"},
            "state": {},
            "shardId": "shardId-000000000000",
            "eventSourceARN": stream,
            "isFinalInvokeForWindow": false,
            "isWindowTerminatedEarly": false,
        })
    );
}

#[tokio::test]
async fn the_whole_life_of_a_mapping() {
    let sandbox = TestSandbox::start().await;
    let (sdk, stream) = world(&sandbox, COUNT, 1).await;
    let lambda = aws_sdk_lambda::Client::new(&sdk);
    let create = |function: &str, arn: &str| {
        let create = lambda.create_event_source_mapping().function_name(function).event_source_arn(arn);
        create.starting_position(EventSourcePosition::Latest)
    };
    let refused = create("Nothing", &stream).send().await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Some("InvalidParameterValueException"), Some("Function does not exist"))
    );
    let elsewhere = format!("{stream}2");
    let refused = create("Count", &elsewhere).send().await.unwrap_err();
    assert_eq!(refused.message(), Some(format!("Stream not found: {elsewhere}").as_str()));
    let iam = aws_sdk_iam::Client::new(&sdk);
    let policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole";
    iam.detach_role_policy().role_name("HeadwaterLambdaRole").policy_arn(policy).send().await.unwrap();
    let refused = create("Count", &stream).send().await.unwrap_err();
    assert!(
        refused.message().unwrap().starts_with(&format!("Cannot access stream {stream}. Please ensure the role can"))
    );
    iam.attach_role_policy().role_name("HeadwaterLambdaRole").policy_arn(policy).send().await.unwrap();

    let cli = |arguments: String| {
        let all: Vec<String> = format!("lambda {arguments}").split(' ').map(str::to_owned).collect();
        let sandbox = &sandbox;
        async move { sandbox.aws_json(&all.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    let created = cli(format!(
        "create-event-source-mapping --function-name Count --event-source-arn {stream} --starting-position LATEST \
         --tumbling-window-in-seconds 60 --batch-size 500 --tags headwater=clickstream-lab"
    ))
    .await;
    assert_eq!(
        (&created["State"], &created["LastProcessingResult"]),
        (&json!("Creating"), &json!("No records processed"))
    );
    let uuid = created["UUID"].as_str().unwrap().to_owned();
    let again = create("Count", &stream).send().await.unwrap_err();
    assert_eq!(again.code(), Some("ResourceConflictException"));
    assert!(again.message().unwrap().ends_with(&format!("existing mapping with UUID {uuid}")));
    let enabled = wait_for_state(&sdk, &uuid, "Enabled").await;
    assert_eq!((enabled.tumbling_window_in_seconds(), enabled.batch_size()), (Some(60), Some(500)));
    assert_eq!(
        enabled.function_arn(),
        Some(format!("arn:aws:lambda:us-east-1:{}:function:Count", sandbox.account).as_str())
    );
    let arn = enabled.event_source_mapping_arn().unwrap();
    assert_eq!(cli(format!("list-tags --resource {arn}")).await["Tags"], json!({"headwater": "clickstream-lab"}));
    let tagged = ["resourcegroupstaggingapi", "get-resources", "--tag-filters", "Key=headwater"];
    assert_eq!(sandbox.aws_json(&tagged).await["ResourceTagMappingList"][0]["ResourceARN"], arn);

    for (filter, count) in [
        (String::new(), 1),
        (" --function-name Count".to_owned(), 1),
        (" --function-name Other".to_owned(), 0),
        (format!(" --event-source-arn {stream}"), 1),
        (format!(" --event-source-arn {elsewhere} --function-name Count"), 0),
    ] {
        let listed = cli(format!("list-event-source-mappings{filter}")).await;
        assert_eq!(listed["EventSourceMappings"].as_array().unwrap().len(), count, "{filter}");
    }
    let updated =
        cli(format!("update-event-source-mapping --uuid {uuid} --no-enabled --tumbling-window-in-seconds 30")).await;
    assert_eq!(updated["State"], "Disabling");
    let busy = lambda.delete_event_source_mapping().uuid(&uuid).send().await.unwrap_err();
    assert_eq!(busy.code(), Some("ResourceInUseException"));
    assert_eq!(wait_for_state(&sdk, &uuid, "Disabled").await.tumbling_window_in_seconds(), Some(30));

    // As in AWS, a mapping outlives its function and its stream, and says what is wrong.
    lambda.update_event_source_mapping().uuid(&uuid).enabled(true).send().await.unwrap();
    lambda.delete_function().function_name("Count").send().await.unwrap();
    put(&sdk, &["x"]).await;
    let gone = format!("PROBLEM: Function not found: arn:aws:lambda:us-east-1:{}:function:Count", sandbox.account);
    wait_for_result(&sdk, &uuid, &gone).await;
    let kinesis = aws_sdk_kinesis::Client::new(&sdk);
    kinesis.delete_stream().stream_arn(&stream).send().await.unwrap();
    eventually("the problem with the stream", || async {
        let got = lambda.get_event_source_mapping().uuid(&uuid).send().await.unwrap();
        got.last_processing_result().unwrap().starts_with("PROBLEM: Cannot access stream").then_some(())
    })
    .await;
    wait_for_state(&sdk, &uuid, "Enabled").await;
    assert_eq!(cli(format!("delete-event-source-mapping --uuid {uuid}")).await["State"], "Deleting");
    let gone = lambda.get_event_source_mapping().uuid(&uuid).send().await.unwrap_err();
    assert_eq!(gone.code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn an_account_has_so_many_mappings() {
    let sandbox = TestSandbox::start().await;
    let (sdk, _) = world(&sandbox, COUNT, 1).await;
    let (kinesis, lambda) = (aws_sdk_kinesis::Client::new(&sdk), aws_sdk_lambda::Client::new(&sdk));
    for number in 0..11 {
        let name = format!("stream{number}");
        kinesis.create_stream().stream_name(&name).shard_count(1).send().await.unwrap();
        let create = lambda.create_event_source_mapping().function_name("Count").batch_size(1);
        let create = create.event_source_arn(format!("arn:aws:kinesis:us-east-1:{}:stream/{name}", sandbox.account));
        let created = create.starting_position(EventSourcePosition::Latest).send().await;
        match created {
            Ok(_) => assert!(number < 10),
            Err(error) => {
                assert_eq!((number, error.code()), (10, Some("InvalidParameterValueException")));
                assert!(error.message().unwrap().contains("10 event source mappings"));
            }
        }
    }
    let pages: Vec<_> = lambda.list_event_source_mappings().max_items(4).into_paginator().send().collect().await;
    let sizes: Vec<usize> = pages.into_iter().map(|page| page.unwrap().event_source_mappings().len()).collect();
    assert_eq!(sizes, [4, 4, 2]);
}
