//! Delivery streams as clients see them: Rust SDK, `aws` CLI, boto3.

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
