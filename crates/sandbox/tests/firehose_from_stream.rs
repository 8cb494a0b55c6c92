//! Delivery streams that read a data stream, with a function in between.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use aws_config::SdkConfig;
use aws_sdk_firehose::error::ProvideErrorMetadata as _;
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::{
    BufferingHints, DeliveryStreamStatus, DeliveryStreamType, ExtendedS3DestinationConfiguration,
    KinesisStreamSourceConfiguration, ProcessingConfiguration, Processor, ProcessorParameter, ProcessorParameterName,
    ProcessorType, Record,
};
use common::TestSandbox;
use common::data_streams::{create_data_stream, eventually, put};
use common::functions::{create_function, function_role, role_for};
use common::streams::s3;

const DELIVERY_STREAM: &str = "ClickStreamData";
const BUCKET: &str = "lake-of-a-test";
/// A line for each record, with what the event tells of its origin.
const TRANSFORM: &str = r#"
import base64

def handler(event, context):
    source = event["sourceKinesisStreamArn"].rsplit("/")[-1]
    def line(record):
        origin = record["kinesisRecordMetadata"]
        assert origin["approximateArrivalTimestamp"] == record["approximateArrivalTimestamp"]
        assert len(origin["sequenceNumber"]) == 56 and origin["subsequenceNumber"] == 0
        data = base64.b64decode(record["data"]).decode()
        return f"{source} {origin['shardId']} {origin['partitionKey']} {data}\n"
    return {"records": [
        {"recordId": record["recordId"], "result": "Ok", "data": base64.b64encode(line(record).encode()).decode()}
        for record in event["records"]
    ]}
"#;

async fn create(sdk: &SdkConfig, role: &str, stream: &str) -> Result<(), String> {
    let parameter =
        |name, value: &str| ProcessorParameter::builder().parameter_name(name).parameter_value(value).build().unwrap();
    let lambda = aws_sdk_lambda::Client::new(sdk);
    let function = lambda.get_function_configuration().function_name("Transform").send().await.unwrap();
    let processor = Processor::builder()
        .r#type(ProcessorType::Lambda)
        .parameters(parameter(ProcessorParameterName::LambdaArn, function.function_arn().unwrap()))
        .parameters(parameter(ProcessorParameterName::BufferIntervalInSeconds, "0"));
    let destination = ExtendedS3DestinationConfiguration::builder()
        .role_arn(role)
        .bucket_arn(format!("arn:aws:s3:::{BUCKET}"))
        .prefix("clicks/")
        .error_output_prefix("errors/")
        .buffering_hints(BufferingHints::builder().size_in_mbs(5).interval_in_seconds(0).build())
        .processing_configuration(
            ProcessingConfiguration::builder().enabled(true).processors(processor.build().unwrap()).build(),
        );
    let source = KinesisStreamSourceConfiguration::builder().kinesis_stream_arn(stream).role_arn(role).build().unwrap();
    let created = aws_sdk_firehose::Client::new(sdk)
        .create_delivery_stream()
        .delivery_stream_name(DELIVERY_STREAM)
        .delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource)
        .kinesis_stream_source_configuration(source)
        .extended_s3_destination_configuration(destination.build().unwrap())
        .send()
        .await;
    created.map(|_| ()).map_err(|error| error.message().unwrap_or_default().to_owned())
}

/// All lines of all objects, in order.
async fn lines(sdk: &SdkConfig) -> Vec<String> {
    let s3 = s3(sdk);
    let listed = s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    let mut lines = Vec::new();
    for object in listed.contents.unwrap_or_default() {
        let key = object.key.unwrap();
        assert!(key.starts_with("clicks/"), "{key}");
        let got = s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        let body = got.body.collect().await.unwrap().to_vec();
        lines.extend(String::from_utf8(body).unwrap().lines().map(str::to_owned));
    }
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_a_data_stream_arrive_in_objects_once() {
    let sandbox = TestSandbox::start().await;
    let sdk = sandbox.sdk();
    let stream = create_data_stream(&sdk, 2).await;
    s3(&sdk).create_bucket().bucket(BUCKET).send().await.unwrap();
    let functions = function_role(&sdk).await;
    create_function(&aws_sdk_lambda::Client::new(&sdk), &functions, "Transform", TRANSFORM, 60).await;
    let role = role_for(&sdk, "HeadwaterFirehoseRole", "firehose.amazonaws.com").await;

    let refused = create(&sdk, &role, &stream).await.unwrap_err();
    assert!(refused.contains("is not authorized to perform: kinesis:DescribeStream"), "{refused}");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:Describe*","kinesis:Get*","kinesis:ListShards"],"Resource":"*"}]}"#;
    let iam = aws_sdk_iam::Client::new(&sdk);
    let put_policy =
        iam.put_role_policy().role_name("HeadwaterFirehoseRole").policy_name("reads").policy_document(policy);
    put_policy.send().await.unwrap();
    let refused = create(&sdk, &role, &format!("{stream}2")).await.unwrap_err();
    assert!(refused.contains("cannot find the data stream"), "{refused}");

    // What came before is not delivered; what comes while the delivery stream is made is.
    put(&sdk, &["before"]).await;
    create(&sdk, &role, &stream).await.unwrap();
    put(&sdk, &["while"]).await;
    let firehose = aws_sdk_firehose::Client::new(&sdk);
    let description = eventually("the delivery stream", || async {
        let described = firehose.describe_delivery_stream().delivery_stream_name(DELIVERY_STREAM).send().await.unwrap();
        let description = described.delivery_stream_description.unwrap();
        (description.delivery_stream_status == DeliveryStreamStatus::Active).then_some(description)
    })
    .await;
    assert_eq!(description.delivery_stream_type, DeliveryStreamType::KinesisStreamAsSource);
    let source = description.source.unwrap().kinesis_stream_source_description.unwrap();
    assert_eq!(source.kinesis_stream_arn(), Some(stream.as_str()));
    assert_eq!(source.role_arn(), Some(role.as_str()));
    assert!(source.delivery_start_timestamp().is_some());
    let record = Record::builder().data(Blob::new("x")).build().unwrap();
    let refused = firehose.put_record().delivery_stream_name(DELIVERY_STREAM).record(record).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidArgumentException"));
    assert_eq!(
        refused.message(),
        Some("This operation is not permitted on KinesisStreamAsSource delivery stream type.")
    );
    let list = async |kind: DeliveryStreamType| {
        firehose.list_delivery_streams().delivery_stream_type(kind).send().await.unwrap().delivery_stream_names.len()
    };
    assert_eq!(
        (list(DeliveryStreamType::KinesisStreamAsSource).await, list(DeliveryStreamType::DirectPut).await),
        (1, 0)
    );

    let mut expected = vec!["while".to_owned()];
    let some: Vec<String> = (0..200).map(|number| format!("a{number}")).collect();
    put(&sdk, &some).await;
    expected.extend(some);
    let sandbox = sandbox.restart().await;
    let sdk = sandbox.sdk();
    let more: Vec<String> = (0..200).map(|number| format!("b{number}")).collect();
    put(&sdk, &more).await;
    expected.extend(more);
    expected.sort();
    let lines = eventually("the delivery", || async {
        let lines = lines(&sdk).await;
        (lines.len() >= expected.len()).then_some(lines)
    })
    .await;
    let mut texts = Vec::new();
    let mut shards = Vec::new();
    for line in &lines {
        let [source, shard, key, data] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((source, key), ("ClickStreamInput", data));
        texts.push(data.to_owned());
        shards.push(shard.to_owned());
    }
    texts.sort();
    shards.sort();
    shards.dedup();
    assert_eq!(texts, expected);
    assert_eq!(shards, ["shardId-000000000000", "shardId-000000000001"]);

    let firehose = aws_sdk_firehose::Client::new(&sdk);
    firehose.delete_delivery_stream().delivery_stream_name(DELIVERY_STREAM).send().await.unwrap();
    eventually("the deletion", || async {
        let described = firehose.describe_delivery_stream().delivery_stream_name(DELIVERY_STREAM).send().await;
        described.is_err().then_some(())
    })
    .await;
}
