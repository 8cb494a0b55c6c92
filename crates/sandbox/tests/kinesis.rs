//! Data streams as clients see them: Rust SDK, `aws` CLI, boto3.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ShardIteratorType, StreamStatus};
use common::TestSandbox;
use common::data_streams::{DATA_STREAM, create_data_stream, eventually, put};
use serde_json::json;

fn code_and_message<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default())
}

/// The data of all records of a stream, shard by shard.
async fn read_all(client: &Client) -> Vec<Vec<String>> {
    let shards = client.list_shards().stream_name(DATA_STREAM).send().await.unwrap().shards.unwrap();
    let mut all = Vec::new();
    for shard in shards {
        let iterator = client.get_shard_iterator().stream_name(DATA_STREAM).shard_id(&shard.shard_id);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
        let got = client.get_records().set_shard_iterator(iterator.shard_iterator).send().await.unwrap();
        assert_eq!(got.millis_behind_latest, Some(0));
        assert!(
            got.records.iter().all(|record| record.partition_key().map(str::as_bytes) == Some(record.data.as_ref()))
        );
        let sequences: Vec<&str> = got.records.iter().map(|record| record.sequence_number.as_str()).collect();
        assert!(sequences.is_sorted_by(|left, right| left < right));
        all.push(got.records.into_iter().map(|record| String::from_utf8(record.data.into_inner()).unwrap()).collect());
    }
    all
}

#[tokio::test]
async fn records_go_to_the_shard_of_their_key_and_stay_in_order() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    let arn = create_data_stream(&sandbox.sdk(), 2).await;
    assert_eq!(arn, format!("arn:aws:kinesis:us-east-1:{}:stream/{DATA_STREAM}", sandbox.account));
    let texts: Vec<String> = (0..600).map(|number| format!("Zürich {}", number % 60)).collect();
    put(&sandbox.sdk(), &texts).await;
    let shards = read_all(&client).await;
    assert_eq!(shards.iter().map(Vec::len).sum::<usize>(), 600);
    for shard in &shards {
        let there: Vec<&String> = texts.iter().filter(|text| shard.contains(text)).collect();
        assert_eq!(shard.iter().collect::<Vec<_>>(), there, "a key is in one shard, in the order it was put");
        assert!(!shard.is_empty());
    }
    let one = client.put_record().stream_arn(&arn).partition_key("k").data(Blob::new("k"));
    let one = one.explicit_hash_key("0").send().await.unwrap();
    assert_eq!(one.shard_id, "shardId-000000000000");
    assert_eq!(one.sequence_number.len(), 56);

    let before = read_all(&client).await;
    let sandbox = sandbox.restart().await;
    assert_eq!(read_all(&Client::new(&sandbox.sdk())).await, before);
}

#[tokio::test]
async fn an_account_sees_its_own_streams_in_its_region_only() {
    let sandbox = TestSandbox::start().await;
    let arn = create_data_stream(&sandbox.sdk(), 1).await;
    let (_, other_key) = sandbox.another_account().await;
    for elsewhere in [sandbox.sdk_as(&other_key, "us-east-1"), sandbox.sdk_as(&sandbox.key, "eu-central-1")] {
        let client = Client::new(&elsewhere);
        assert!(client.list_streams().send().await.unwrap().stream_names.is_empty());
        let put = client.put_record().stream_name(DATA_STREAM).partition_key("k").data(Blob::new("x")).send().await;
        assert_eq!(put.unwrap_err().code(), Some("ResourceNotFoundException"));
        let described = client.describe_stream().stream_arn(&arn).send().await.unwrap_err();
        assert_eq!(described.code(), Some("ResourceNotFoundException"));
    }
}

#[tokio::test]
async fn a_stream_is_not_there_at_once() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    client.create_stream().stream_name("clicks").shard_count(1).send().await.unwrap();
    // The CLI would take longer to start than this lasts.
    let summary = client.describe_stream_summary().stream_name("clicks").send().await.unwrap();
    assert_eq!(summary.stream_description_summary.unwrap().stream_status, StreamStatus::Creating);
}

#[tokio::test]
async fn the_whole_life_of_a_stream_with_the_aws_cli() {
    let sandbox = TestSandbox::start().await;
    let kinesis = |arguments: &str| {
        let all: Vec<String> = format!("kinesis {arguments}").split(' ').map(str::to_owned).collect();
        let sandbox = &sandbox;
        async move { sandbox.aws_json(&all.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    kinesis("create-stream --stream-name clicks --shard-count 1 --tags course=clicks").await;
    let created = kinesis("describe-stream-summary --stream-name clicks").await;
    assert_eq!(created["StreamDescriptionSummary"]["StreamModeDetails"]["StreamMode"], "PROVISIONED");
    kinesis("wait stream-exists --stream-name clicks").await;
    let described = kinesis("describe-stream --stream-name clicks").await;
    let description = &described["StreamDescription"];
    assert_eq!(description["StreamStatus"], "ACTIVE");
    assert_eq!(description["RetentionPeriodHours"], 24);
    assert_eq!(
        description["Shards"][0]["HashKeyRange"],
        json!({"StartingHashKey": "0", "EndingHashKey": "340282366920938463463374607431768211455"})
    );
    let again = ["kinesis", "create-stream", "--stream-name", "clicks", "--shard-count", "1"];
    let refused = sandbox.aws_error(&again).await;
    assert!(refused.contains("(ResourceInUseException)") && refused.contains("already exists"), "{refused}");

    let put = kinesis("put-record --stream-name clicks --partition-key k --data hello").await;
    let iterator = kinesis(
        "get-shard-iterator --stream-name clicks --shard-id shardId-000000000000 --shard-iterator-type TRIM_HORIZON",
    )
    .await;
    let got = kinesis(&format!("get-records --shard-iterator {}", iterator["ShardIterator"].as_str().unwrap())).await;
    assert_eq!(got["Records"][0]["SequenceNumber"], put["SequenceNumber"]);
    assert_eq!(got["Records"][0]["Data"], "aGVsbG8=");

    assert_eq!(kinesis("list-streams").await["StreamNames"], json!(["clicks"]));
    kinesis("add-tags-to-stream --stream-name clicks --tags owner=me").await;
    kinesis("remove-tags-from-stream --stream-name clicks --tag-keys course").await;
    let tags = kinesis("list-tags-for-stream --stream-name clicks").await;
    assert_eq!(tags, json!({"Tags": [{"Key": "owner", "Value": "me"}], "HasMoreTags": false}));
    let arn = description["StreamARN"].as_str().unwrap();
    kinesis(&format!("tag-resource --resource-arn {arn} --tags headwater=clickstream-lab")).await;
    kinesis(&format!("untag-resource --resource-arn {arn} --tag-keys owner")).await;
    let tags = kinesis(&format!("list-tags-for-resource --resource-arn {arn}")).await;
    assert_eq!(tags["Tags"], json!([{"Key": "headwater", "Value": "clickstream-lab"}]));
    kinesis("increase-stream-retention-period --stream-name clicks --retention-period-hours 48").await;
    let refused = sandbox
        .aws_error(&[
            "kinesis",
            "decrease-stream-retention-period",
            "--stream-name",
            "clicks",
            "--retention-period-hours",
            "72",
        ])
        .await;
    assert!(refused.contains("(InvalidArgumentException)"), "{refused}");

    kinesis("delete-stream --stream-name clicks").await;
    kinesis("wait stream-not-exists --stream-name clicks").await;
    let refused = sandbox
        .aws_error(&[
            "kinesis",
            "split-shard",
            "--stream-name",
            "clicks",
            "--shard-to-split",
            "shardId-0",
            "--new-starting-hash-key",
            "1",
        ])
        .await;
    assert!(refused.contains("does not offer the operation SplitShard of kinesis"), "{refused}");
}

#[tokio::test]
async fn boto3_pages_and_puts() {
    let sandbox = TestSandbox::start().await;
    let printed = sandbox
        .python(
            r#"
import boto3
kinesis = boto3.client("kinesis")
for name in ("a", "b", "c"):
    kinesis.create_stream(StreamName=name, ShardCount=3)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
print([name for page in kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 2}) for name in page["StreamNames"]])
first = kinesis.list_shards(StreamName="a", MaxResults=2)
second = kinesis.list_shards(NextToken=first["NextToken"])
print([shard["ShardId"][-1] for page in (first, second) for shard in page["Shards"]], "NextToken" in second)
print([shard["ShardId"][-1] for page in kinesis.get_paginator("describe_stream").paginate(StreamName="a", PaginationConfig={"PageSize": 1}) for shard in page["StreamDescription"]["Shards"]])
put = kinesis.put_records(StreamName="a", Records=[{"Data": b"\x00\xff", "PartitionKey": str(n)} for n in range(30)])
print(put["FailedRecordCount"], len({record["ShardId"] for record in put["Records"]}))
shard = put["Records"][7]
iterator = kinesis.get_shard_iterator(StreamName="a", ShardId=shard["ShardId"], ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=shard["SequenceNumber"])
record = kinesis.get_records(ShardIterator=iterator["ShardIterator"], Limit=1)["Records"][0]
print(record["PartitionKey"], record["Data"], record["ApproximateArrivalTimestamp"].tzinfo is not None)
try:
    kinesis.get_records(ShardIterator="nonsense")
except kinesis.exceptions.InvalidArgumentException as error:
    print(error.response["Error"]["Message"])
"#,
        )
        .await;
    assert_eq!(
        printed.lines().collect::<Vec<_>>(),
        [
            "['a', 'b', 'c']",
            "['0', '1', '2'] False",
            "['0', '1', '2']",
            "0 3",
            "7 b'\\x00\\xff' True",
            "Invalid ShardIterator.",
        ]
    );
}

#[tokio::test]
async fn records_are_for_streams_that_are_there() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    client.create_stream().stream_name(DATA_STREAM).shard_count(1).send().await.unwrap();
    let put = async || {
        let put = client.put_record().stream_name(DATA_STREAM).partition_key("k").data(Blob::new("x")).send().await;
        put.map(|_| ()).map_err(|error| code_and_message(&error))
    };
    let not_found =
        format!("ResourceNotFoundException: Stream {DATA_STREAM} under account {} not found.", sandbox.account);
    assert_eq!(put().await, Err(not_found.clone()));
    eventually("the stream", || async { put().await.ok() }).await;
    client.delete_stream().stream_name(DATA_STREAM).send().await.unwrap();
    let described = client.describe_stream_summary().stream_name(DATA_STREAM).send().await.unwrap();
    assert_eq!(described.stream_description_summary.unwrap().stream_status, StreamStatus::Deleting);
    assert_eq!(put().await, Err(not_found));
    let again = client.delete_stream().stream_name(DATA_STREAM).send().await.unwrap_err();
    assert_eq!(again.code(), Some("ResourceInUseException"));
}
