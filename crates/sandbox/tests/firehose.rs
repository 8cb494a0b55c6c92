//! Delivery streams as clients see them: Rust SDK, `aws` CLI, boto3.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::Read as _;
use std::time::Duration;

use aws_sdk_firehose::Client;
use aws_sdk_firehose::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::builders::ExtendedS3DestinationConfigurationBuilder;
use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, DeliveryStreamStatus, ExtendedS3DestinationConfiguration, Record,
};
use common::TestSandbox;
use flate2::read::GzDecoder;
use tokio::time::{Instant, sleep};

const STREAM: &str = "ClickStreamData";
const BUCKET: &str = "clicks-of-a-test";
const ROLE: &str = "HeadwaterFirehoseRole";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A sandbox with a bucket, and a role that Firehose may assume.
async fn sandbox() -> TestSandbox {
    let sandbox = TestSandbox::start().await;
    aws_sdk_iam::Client::new(&sandbox.sdk())
        .create_role()
        .role_name(ROLE)
        .assume_role_policy_document(TRUST)
        .send()
        .await
        .unwrap();
    s3(&sandbox).create_bucket().bucket(BUCKET).send().await.unwrap();
    sandbox
}

fn s3(sandbox: &TestSandbox) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&sandbox.sdk()).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

fn destination(sandbox: &TestSandbox) -> ExtendedS3DestinationConfigurationBuilder {
    ExtendedS3DestinationConfiguration::builder()
        .role_arn(format!("arn:aws:iam::{}:role/{ROLE}", sandbox.account))
        .bucket_arn(format!("arn:aws:s3:::{BUCKET}"))
        .prefix("clicks/")
        .error_output_prefix("errors/")
        .buffering_hints(BufferingHints::builder().size_in_mbs(5).interval_in_seconds(0).build())
}

/// Awaits a condition, for ten seconds.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut condition: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not come about");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn create(sandbox: &TestSandbox, destination: ExtendedS3DestinationConfigurationBuilder) -> Client {
    let client = Client::new(&sandbox.sdk());
    client
        .create_delivery_stream()
        .delivery_stream_name(STREAM)
        .extended_s3_destination_configuration(destination.build().unwrap())
        .send()
        .await
        .unwrap();
    let status = async || {
        let described = client.describe_delivery_stream().delivery_stream_name(STREAM).send().await.unwrap();
        described.delivery_stream_description.unwrap().delivery_stream_status
    };
    assert_eq!(status().await, DeliveryStreamStatus::Creating);
    eventually("the stream's activation", || async { (status().await == DeliveryStreamStatus::Active).then_some(()) })
        .await;
    client
}

fn record(data: impl Into<Vec<u8>>) -> Record {
    Record::builder().data(Blob::new(data)).build().unwrap()
}

/// The keys below a prefix, oldest first, and what the objects hold, unpacked.
async fn objects(sandbox: &TestSandbox, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let s3 = s3(sandbox);
    let listed = s3.list_objects_v2().bucket(BUCKET).prefix(prefix).send().await.unwrap();
    let mut found: Vec<_> = listed.contents.unwrap_or_default();
    found.sort_by_key(|object| object.last_modified.unwrap().as_nanos());
    let mut objects = Vec::new();
    for object in found {
        let key = object.key.unwrap();
        let got = s3.get_object().bucket(BUCKET).key(&key).send().await.unwrap();
        let body = got.body.collect().await.unwrap().to_vec();
        let body = if body.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = Vec::new();
            GzDecoder::new(&body[..]).read_to_end(&mut unpacked).unwrap();
            unpacked
        } else {
            body
        };
        objects.push((key, body));
    }
    objects
}

/// Awaits that the objects below a prefix hold so many bytes together.
async fn delivered(sandbox: &TestSandbox, prefix: &str, bytes: usize) -> Vec<(String, Vec<u8>)> {
    eventually("the delivery", || async {
        let objects = objects(sandbox, prefix).await;
        (objects.iter().map(|(_, body)| body.len()).sum::<usize>() >= bytes).then_some(objects)
    })
    .await
}

fn code_and_message<E: aws_sdk_firehose::error::ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default())
}

#[tokio::test]
async fn records_arrive_in_objects_as_aws_names_them() {
    let sandbox = sandbox().await;
    let client = create(&sandbox, destination(&sandbox).compression_format(CompressionFormat::Gzip)).await;

    let put = client
        .put_record_batch()
        .delivery_stream_name(STREAM)
        .records(record("a\tb\tlink\t1\n"))
        .records(record("ä\tb\tlink\t1\n"))
        .send()
        .await
        .unwrap();
    assert_eq!(put.failed_put_count, 0);
    assert_eq!(put.encrypted, Some(false));
    let ids: Vec<&str> = put.request_responses.iter().map(|entry| entry.record_id().unwrap()).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1]);

    let objects = delivered(&sandbox, "", 21).await;
    let [(key, body)] = &objects[..] else { panic!("one call should make one object: {objects:?}") };
    assert_eq!(String::from_utf8_lossy(body), "a\tb\tlink\t1\nä\tb\tlink\t1\n");
    // clicks/YYYY/MM/dd/HH/ClickStreamData-1-YYYY-MM-DD-HH-MM-SS-uuid.gz
    let parts: Vec<&str> = key.split('/').collect();
    assert_eq!(parts.len(), 6, "{key}");
    let (name, year) = (parts[5], parts[1]);
    assert!(name.starts_with(&format!("ClickStreamData-1-{year}-{}-{}-{}-", parts[2], parts[3], parts[4])), "{key}");
    assert!(name.ends_with(".gz"), "{key}");
    assert_eq!(name.len(), "ClickStreamData-1-".len() + "2026-11-24-19-00-00-".len() + 36 + ".gz".len(), "{key}");

    let one = client.put_record().delivery_stream_name(STREAM).record(record("c\td\tlink\t1\n")).send().await.unwrap();
    assert!(!ids.contains(&one.record_id.as_str()));
    assert_eq!(delivered(&sandbox, "clicks/", 31).await.len(), 2);
}

#[tokio::test]
async fn limits_are_those_of_aws() {
    let sandbox = sandbox().await;
    let client = create(&sandbox, destination(&sandbox)).await;
    let put = async |records: Vec<Record>| {
        let sent = client.put_record_batch().delivery_stream_name(STREAM).set_records(Some(records)).send().await;
        sent.map(|output| output.failed_put_count).map_err(|error| code_and_message(&error))
    };
    assert_eq!(put(vec![record("x"); 500]).await, Ok(0));
    let refused = put(vec![record("x"); 501]).await.unwrap_err();
    assert!(refused.starts_with("ValidationException: 1 validation error detected: Value"), "{refused}");
    assert!(
        refused
            .ends_with("at 'records' failed to satisfy constraint: Member must have length less than or equal to 500")
    );
    assert!(put(vec![]).await.unwrap_err().contains("greater than or equal to 1"));

    let largest = vec![b'x'; 1_024_000];
    assert_eq!(put(vec![record(largest.clone())]).await, Ok(0));
    let refused = put(vec![record("x"), record([&largest[..], b"x"].concat())]).await.unwrap_err();
    assert_eq!(
        refused,
        "ValidationException: 1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1024001 cap=1024001]' at \
         'records.2.member.data' failed to satisfy constraint: Member must have length less than or equal to 1024000"
    );
    let too_large = client.put_record().delivery_stream_name(STREAM).record(record([&largest[..], b"x"].concat()));
    assert!(code_and_message(&too_large.send().await.unwrap_err()).contains("at 'record.data'"));
    // 4 MiB in all: four of the largest leave 98,304 bytes.
    let batch = |rest: usize| {
        let mut records = vec![record(largest.clone()); 4];
        records.push(record(vec![b'x'; rest]));
        records
    };
    assert_eq!(put(batch(98_305)).await.unwrap_err(), "InvalidArgumentException: Records size exceeds 4 MB limit");

    let missing = client.put_record().delivery_stream_name("Nothing").record(record("x")).send().await.unwrap_err();
    assert_eq!(
        code_and_message(&missing),
        format!("ResourceNotFoundException: Firehose Nothing under accountId {} not found.", sandbox.account)
    );
}

#[tokio::test]
async fn roles_and_buckets_must_be_there() {
    let sandbox = sandbox().await;
    let client = Client::new(&sandbox.sdk());
    let create = async |destination: ExtendedS3DestinationConfigurationBuilder| {
        let created = client
            .create_delivery_stream()
            .delivery_stream_name(STREAM)
            .extended_s3_destination_configuration(destination.build().unwrap());
        code_and_message(&created.send().await.unwrap_err())
    };
    let role = format!("arn:aws:iam::{}:role/Nobody", sandbox.account);
    assert_eq!(
        create(destination(&sandbox).role_arn(&role)).await,
        format!("InvalidArgumentException: Firehose is unable to assume role {role}. Please check the role provided.")
    );
    let (other, _) = sandbox.another_account().await;
    let refused = create(destination(&sandbox).role_arn(format!("arn:aws:iam::{other}:role/{ROLE}"))).await;
    assert!(refused.contains("unable to assume role"), "{refused}");
    assert_eq!(
        create(destination(&sandbox).bucket_arn("arn:aws:s3:::nowhere")).await,
        "InvalidArgumentException: Firehose cannot find the bucket arn:aws:s3:::nowhere. Please check the bucket provided."
    );
}

#[tokio::test]
async fn an_account_sees_its_own_streams_in_its_region_only() {
    let sandbox = sandbox().await;
    create(&sandbox, destination(&sandbox)).await;
    let (_, other_key) = sandbox.another_account().await;
    for elsewhere in [sandbox.sdk_as(&other_key, "us-east-1"), sandbox.sdk_as(&sandbox.key, "eu-central-1")] {
        let client = Client::new(&elsewhere);
        assert!(client.list_delivery_streams().send().await.unwrap().delivery_stream_names.is_empty());
        let put = client.put_record().delivery_stream_name(STREAM).record(record("x")).send().await.unwrap_err();
        assert_eq!(put.code(), Some("ResourceNotFoundException"));
    }
}

#[tokio::test]
async fn other_sources_destinations_and_operations_are_refused_by_name() {
    let sandbox = sandbox().await;
    let create = |arguments: Vec<&'static str>| {
        let first = ["firehose", "create-delivery-stream", "--delivery-stream-name", STREAM];
        let arguments: Vec<&str> = first.into_iter().chain(arguments).collect();
        let sandbox = &sandbox;
        async move { sandbox.aws_error(&arguments).await }
    };
    let refused = create(vec!["--delivery-stream-type", "MSKAsSource"]).await;
    assert!(refused.contains("(InvalidArgumentException)"), "{refused}");
    assert!(refused.contains("does not offer DeliveryStreamType MSKAsSource"), "{refused}");
    let http = r#"{"EndpointConfiguration":{"Url":"https://example.com"},"S3Configuration":{"RoleARN":"arn:aws:iam::111122223333:role/r","BucketARN":"arn:aws:s3:::b"}}"#;
    let refused = create(vec!["--http-endpoint-destination-configuration", http]).await;
    assert!(refused.contains("does not offer HttpEndpointDestinationConfiguration"), "{refused}");
    let refused = create(vec![]).await;
    assert!(refused.contains("Exactly one destination configuration"), "{refused}");
    let start = ["firehose", "start-delivery-stream-encryption", "--delivery-stream-name", STREAM];
    let refused = sandbox.aws_error(&start).await;
    assert!(refused.contains("does not offer the operation StartDeliveryStreamEncryption of firehose"), "{refused}");
}

#[tokio::test]
async fn the_whole_life_of_a_stream_with_the_aws_cli() {
    let sandbox = sandbox().await;
    let configuration = format!(
        r#"{{"RoleARN":"arn:aws:iam::{}:role/{ROLE}","BucketARN":"arn:aws:s3:::{BUCKET}","Prefix":"clicks/","ErrorOutputPrefix":"errors/","BufferingHints":{{"SizeInMBs":5,"IntervalInSeconds":0}},"CompressionFormat":"GZIP"}}"#,
        sandbox.account
    );
    let name = ["--delivery-stream-name", STREAM];
    let firehose = |operation: &'static str, arguments: Vec<String>| {
        let all: Vec<String> =
            ["firehose", operation].into_iter().chain(name).map(str::to_owned).chain(arguments).collect();
        let sandbox = &sandbox;
        async move {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            sandbox.aws_json(&all).await
        }
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let created = firehose(
        "create-delivery-stream",
        [words("--delivery-stream-type DirectPut --tags Key=course,Value=clicks --extended-s3-destination-configuration"), vec![configuration.clone()]]
            .concat(),
    )
    .await;
    let arn = format!("arn:aws:firehose:us-east-1:{}:deliverystream/{STREAM}", sandbox.account);
    assert_eq!(created["DeliveryStreamARN"], arn);
    eventually("the stream's activation", || async {
        let described = firehose("describe-delivery-stream", vec![]).await;
        (described["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE").then_some(())
    })
    .await;
    let again = ["firehose", "create-delivery-stream", "--delivery-stream-name", STREAM];
    let again: Vec<&str> =
        again.into_iter().chain(["--extended-s3-destination-configuration", &configuration]).collect();
    let refused = sandbox.aws_error(&again).await;
    assert!(refused.contains("(ResourceInUseException)") && refused.contains("already exists"), "{refused}");

    let put = firehose("put-record", words("--record Data=hello")).await;
    assert!(put["RecordId"].is_string());
    assert_eq!(delivered(&sandbox, "clicks/", 5).await[0].1, b"hello");

    assert_eq!(sandbox.aws_json(&["firehose", "list-delivery-streams"]).await["DeliveryStreamNames"][0], STREAM);
    firehose("tag-delivery-stream", words("--tags Key=owner,Value=me")).await;
    firehose("untag-delivery-stream", words("--tag-keys course")).await;
    let tags = firehose("list-tags-for-delivery-stream", vec![]).await;
    assert_eq!(tags["Tags"], serde_json::json!([{"Key": "owner", "Value": "me"}]));
    assert_eq!(tags["HasMoreTags"], false);

    firehose(
        "update-destination",
        words(
            "--current-delivery-stream-version-id 1 --destination-id destinationId-000000000001 \
             --extended-s3-destination-update CompressionFormat=UNCOMPRESSED,FileExtension=.tsv",
        ),
    )
    .await;
    let description = firehose("describe-delivery-stream", vec![]).await["DeliveryStreamDescription"].take();
    assert_eq!(description["VersionId"], "2");
    let extended = &description["Destinations"][0]["ExtendedS3DestinationDescription"];
    assert_eq!(extended["CompressionFormat"], "UNCOMPRESSED");
    assert_eq!(extended["BufferingHints"]["IntervalInSeconds"], 0);

    firehose("delete-delivery-stream", vec![]).await;
    eventually("the deletion", || async {
        let listed = sandbox.aws_json(&["firehose", "list-delivery-streams"]).await;
        listed["DeliveryStreamNames"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
    let gone = sandbox.aws_error(&["firehose", "describe-delivery-stream", "--delivery-stream-name", STREAM]).await;
    assert!(gone.contains("(ResourceNotFoundException)"), "{gone}");
}

#[tokio::test]
async fn boto3_sends_and_pages() {
    let sandbox = sandbox().await;
    let program = format!(
        r#"
import boto3
firehose = boto3.client("firehose")
destination = dict(RoleARN="arn:aws:iam::{account}:role/{ROLE}", BucketARN="arn:aws:s3:::{BUCKET}", Prefix="boto/",
                   BufferingHints=dict(SizeInMBs=5, IntervalInSeconds=0))
for name in ("b", "c", "a"):
    firehose.create_delivery_stream(DeliveryStreamName=name, S3DestinationConfiguration=destination)
first = firehose.list_delivery_streams(Limit=2)
rest = firehose.list_delivery_streams(Limit=2, ExclusiveStartDeliveryStreamName=first["DeliveryStreamNames"][-1])
print(first["DeliveryStreamNames"], first["HasMoreDeliveryStreams"])
print(rest["DeliveryStreamNames"], rest["HasMoreDeliveryStreams"])
# boto3 tries again by itself while the stream is being created.
answer = firehose.put_record_batch(DeliveryStreamName="a", Records=[dict(Data=f"row {{n}}\n") for n in range(500)])
print(answer["FailedPutCount"], len({{entry["RecordId"] for entry in answer["RequestResponses"]}}))
described = firehose.describe_delivery_stream(DeliveryStreamName="a")["DeliveryStreamDescription"]
print(described["CreateTimestamp"].year >= 2024, described["HasMoreDestinations"])
"#,
        account = sandbox.account
    );
    let printed = sandbox.python(&program).await;
    assert_eq!(printed, "['a', 'b'] True\n['c'] False\n0 500\nTrue False");
    let expected: String = (0..500).map(|n| format!("row {n}\n")).collect();
    let objects = delivered(&sandbox, "boto/", expected.len()).await;
    assert_eq!(objects.len(), 1);
    assert_eq!(String::from_utf8_lossy(&objects[0].1), expected);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let sandbox = sandbox().await;
    let slow = BufferingHints::builder().size_in_mbs(5).interval_in_seconds(900).build();
    let client = create(&sandbox, destination(&sandbox).buffering_hints(slow)).await;
    client.put_record().delivery_stream_name(STREAM).record(record("before\n")).send().await.unwrap();
    let sandbox = sandbox.restart().await;
    let client = Client::new(&sandbox.sdk());
    client.put_record().delivery_stream_name(STREAM).record(record("after\n")).send().await.unwrap();
    assert!(objects(&sandbox, "").await.is_empty());
    client.delete_delivery_stream().delivery_stream_name(STREAM).send().await.unwrap();
    assert_eq!(delivered(&sandbox, "clicks/", 13).await[0].1, b"before\nafter\n");
}
