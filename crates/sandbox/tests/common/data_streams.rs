//! Data streams and event source mappings for tests.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_kinesis::client::Waiters as _;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_sdk_lambda::operation::create_event_source_mapping::builders::CreateEventSourceMappingFluentBuilder;
use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingOutput;
use aws_sdk_lambda::types::EventSourcePosition;
use tokio::time::{Instant, sleep};

use super::functions::{create_function, function_role};

/// The one data stream of a test.
pub const DATA_STREAM: &str = "ClickStreamInput";

/// What a function's role needs to read data streams.
const READS_STREAMS: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole";

/// Makes a data stream, waits until it is active, and gives its ARN.
pub async fn create_data_stream(sdk: &SdkConfig, shards: i32) -> String {
    let kinesis = aws_sdk_kinesis::Client::new(sdk);
    kinesis.create_stream().stream_name(DATA_STREAM).shard_count(shards).send().await.unwrap();
    kinesis.wait_until_stream_exists().stream_name(DATA_STREAM).wait(Duration::from_secs(30)).await.unwrap();
    let described = kinesis.describe_stream_summary().stream_name(DATA_STREAM).send().await.unwrap();
    described.stream_description_summary.unwrap().stream_arn
}

/// Puts each text as a record with itself as partition key; all must be taken.
pub async fn put(sdk: &SdkConfig, texts: &[impl AsRef<str>]) {
    let kinesis = aws_sdk_kinesis::Client::new(sdk);
    for texts in texts.chunks(500) {
        let records = texts.iter().map(|text| {
            let text = text.as_ref();
            PutRecordsRequestEntry::builder().partition_key(text).data(Blob::new(text)).build().unwrap()
        });
        let put =
            kinesis.put_records().stream_name(DATA_STREAM).set_records(Some(records.collect())).send().await.unwrap();
        assert_eq!(put.failed_record_count, Some(0));
    }
}

/// Makes the function `Count` with a role that may read streams.
pub async fn create_counter(sdk: &SdkConfig, source: &str) {
    let role = function_role(sdk).await;
    let iam = aws_sdk_iam::Client::new(sdk);
    iam.attach_role_policy().role_name("HeadwaterLambdaRole").policy_arn(READS_STREAMS).send().await.unwrap();
    create_function(&aws_sdk_lambda::Client::new(sdk), &role, "Count", source, 60).await;
}

/// Maps the stream to the function `Count`, from its oldest record on, and gives the mapping's UUID.
pub async fn map(
    sdk: &SdkConfig,
    stream_arn: &str,
    change: impl FnOnce(CreateEventSourceMappingFluentBuilder) -> CreateEventSourceMappingFluentBuilder,
) -> String {
    let create = aws_sdk_lambda::Client::new(sdk).create_event_source_mapping();
    let create = create.function_name("Count").event_source_arn(stream_arn);
    let created = change(create.starting_position(EventSourcePosition::TrimHorizon)).send().await.unwrap();
    created.uuid.unwrap()
}

/// Waits until a mapping's `LastProcessingResult` is this one.
pub async fn wait_for_result(sdk: &SdkConfig, uuid: &str, result: &str) {
    let lambda = aws_sdk_lambda::Client::new(sdk);
    eventually(&format!("the result {result}"), || async {
        let got = lambda.get_event_source_mapping().uuid(uuid).send().await.unwrap();
        (got.last_processing_result() == Some(result)).then_some(())
    })
    .await;
}

/// Waits until a mapping is in this state, and gives it.
pub async fn wait_for_state(sdk: &SdkConfig, uuid: &str, state: &str) -> GetEventSourceMappingOutput {
    let lambda = aws_sdk_lambda::Client::new(sdk);
    eventually(&format!("the state {state}"), || async {
        let got = lambda.get_event_source_mapping().uuid(uuid).send().await.unwrap();
        (got.state() == Some(state)).then_some(got)
    })
    .await
}

/// Awaits a condition, for thirty seconds.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut condition: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not come about");
        sleep(Duration::from_millis(30)).await;
    }
}
