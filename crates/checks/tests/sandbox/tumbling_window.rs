//! The lab with a function that counts in tumbling windows.

use std::io::{Cursor, Write as _};
use std::time::Duration;

use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, DeliveryStreamType, ExtendedS3DestinationConfiguration,
    ExtendedS3DestinationUpdate, KinesisStreamSourceConfiguration, ProcessingConfiguration, Processor,
    ProcessorParameter, ProcessorParameterName, ProcessorType,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, EventSourcePosition, FunctionCode, FunctionResponseType, Runtime};
use checks::{CheckName::*, Engine, Step, VerdictKind::*, chart};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::common::data_streams::{create_data_stream, eventually, put, wait_for_state};
use crate::common::functions::{function_role, role_for, wait_until_active, zip};
use crate::common::pipeline::{PREPROCESS, STORE, create_table};
use crate::common::streams::s3;
use crate::learner::{Learner, WINDOW_SECONDS};

const COUNT: &str = include_str!("../../../lab/content/functions/count/lambda_function.py");
/// What a function's role needs to read data streams.
const READS_STREAMS: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaKinesisExecutionRole";
/// What the delivery stream's role needs.
const FIREHOSE_MAY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:Describe*","kinesis:Get*","kinesis:ListShards","lambda:InvokeFunction","lambda:GetFunctionConfiguration","s3:*"],"Resource":"*"}]}"#;
const CLICKS: [&str; 4] = [
    "other-search\tHypatia\texternal\t3\n",
    "Main_Page\tHypatia\tlink\t4\n",
    "Hypatia\tZürich,_\"東京\"\tlink\t5\n",
    "no click at all\n",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checks_judge_a_lab_with_tumbling_windows() {
    let mut learner = Learner::new(Engine::TumblingWindow).await;
    for step in [Step::DeliveryStream, Step::Ingest, Step::Preprocess, Step::StreamingSql, Step::Results] {
        learner.expect(step, NotYet, &[]).await;
    }
    learner.expect(Step::CleanUp, Pass, &[]).await;
    let role = function_role(&learner.sandbox.sdk()).await;
    delivery_stream(&learner).await;
    ingest(&mut learner).await;
    preprocess(&learner, &role).await;
    let mapping = count_function(&learner, &role).await;
    results(&mut learner).await;
    clean_up(&learner, &mapping).await;
}

async fn delivery_stream(learner: &Learner) {
    let sdk = learner.sandbox.sdk();
    let subject = &learner.subject;
    let data_stream = create_data_stream(&sdk, 1).await;
    let role = role_for(&sdk, &subject.roles.firehose, "firehose.amazonaws.com").await;
    let iam = aws_sdk_iam::Client::new(&sdk);
    let policy = iam.put_role_policy().role_name(&subject.roles.firehose).policy_name("pipeline");
    policy.policy_document(FIREHOSE_MAY).send().await.unwrap();
    s3(&sdk).create_bucket().bucket(&subject.bucket).send().await.unwrap();
    let others = [
        DeliveryStreamActive,
        DeliveryStreamSource,
        DeliveryStreamDestination,
        DeliveryStreamPrefix,
        DeliveryStreamBuffering,
        DeliveryStreamCompression,
    ];
    learner.expect(Step::DeliveryStream, Pass, &others.map(|check| (check, NotYet))).await;
    let destination = ExtendedS3DestinationConfiguration::builder()
        .role_arn(&role)
        .bucket_arn(format!("arn:aws:s3:::{}", subject.bucket))
        .prefix(&subject.prefix)
        .error_output_prefix(&subject.error_prefix)
        .compression_format(CompressionFormat::Gzip)
        .buffering_hints(BufferingHints::builder().size_in_mbs(5).interval_in_seconds(0).build());
    let source = KinesisStreamSourceConfiguration::builder().kinesis_stream_arn(data_stream).role_arn(role);
    aws_sdk_firehose::Client::new(&sdk)
        .create_delivery_stream()
        .delivery_stream_name(&subject.stream)
        .delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource)
        .kinesis_stream_source_configuration(source.build().unwrap())
        .extended_s3_destination_configuration(destination.build().unwrap())
        .send()
        .await
        .unwrap();
    learner.expect_soon(Step::DeliveryStream, Pass, &[]).await;
}

async fn ingest(learner: &mut Learner) {
    learner.expect(Step::Ingest, NotYet, &[]).await;
    send(learner, &CLICKS[..3]).await;
    learner.expect_soon(Step::Ingest, Pass, &[]).await;
}

async fn send(learner: &mut Learner, clicks: &[&str]) {
    put(&learner.sandbox.sdk(), clicks).await;
    learner.subject.sent_at = Some(OffsetDateTime::now_utc());
}

async fn preprocess(learner: &Learner, role: &str) {
    let lambda = learner.lambda();
    let name = &learner.subject.functions.preprocess;
    let create = lambda.create_function().function_name(name).runtime(Runtime::Python313).timeout(60);
    let code = FunctionCode::builder().zip_file(Blob::new(zip(PREPROCESS))).build();
    create.handler("lambda_function.handler").role(role).code(code).send().await.unwrap();
    wait_until_active(&lambda, name).await;
    learner.expect(Step::Preprocess, Pass, &[(PreprocessAttached, NotYet)]).await;

    let parameter =
        |name, value: &str| ProcessorParameter::builder().parameter_name(name).parameter_value(value).build().unwrap();
    let processor = Processor::builder()
        .r#type(ProcessorType::Lambda)
        .parameters(parameter(ProcessorParameterName::LambdaArn, &learner.function_arn(name)))
        .parameters(parameter(ProcessorParameterName::BufferIntervalInSeconds, "0"))
        .build()
        .unwrap();
    let attach = |enabled, version: &'static str| {
        let processing = ProcessingConfiguration::builder().enabled(enabled).processors(processor.clone());
        let change = ExtendedS3DestinationUpdate::builder().processing_configuration(processing.build()).build();
        let update = aws_sdk_firehose::Client::new(&learner.sandbox.sdk()).update_destination();
        let update = update.delivery_stream_name(&learner.subject.stream).destination_id("destinationId-000000000001");
        update.current_delivery_stream_version_id(version).extended_s3_destination_update(change).send()
    };
    attach(false, "1").await.unwrap();
    learner.expect(Step::Preprocess, Pass, &[(PreprocessAttached, Wrong)]).await;
    attach(true, "2").await.unwrap();
    learner.expect(Step::Preprocess, Pass, &[]).await;
    learner.expect(Step::DeliveryStream, Pass, &[]).await;
}

/// Makes the counting function and its mapping, and gives the mapping's UUID.
async fn count_function(learner: &Learner, role: &str) -> String {
    let sdk = learner.sandbox.sdk();
    let lambda = learner.lambda();
    let name = &learner.subject.functions.output;
    let iam = aws_sdk_iam::Client::new(&sdk);
    iam.attach_role_policy().role_name(&learner.subject.roles.lambda).policy_arn(READS_STREAMS).send().await.unwrap();
    let create = lambda.create_function().function_name(name).runtime(Runtime::Python313).timeout(60);
    let code = FunctionCode::builder().zip_file(Blob::new(both_files())).build();
    create.handler("lambda_function.handler").role(role).code(code).send().await.unwrap();
    wait_until_active(&lambda, name).await;
    let no_mapping = [(StreamingSqlMapping, NotYet), (StreamingSqlWindow, NotYet)];
    learner.expect(Step::StreamingSql, Pass, &no_mapping).await;

    let Learner { subject, .. } = learner;
    let source = format!("arn:aws:kinesis:{}:{}:stream/{}", subject.region, subject.account, subject.data_stream);
    let create = lambda.create_event_source_mapping().function_name(name).event_source_arn(source);
    let create = create.function_response_types(FunctionResponseType::ReportBatchItemFailures);
    let mapping =
        create.starting_position(EventSourcePosition::Latest).enabled(false).send().await.unwrap().uuid.unwrap();
    wait_for_state(&sdk, &mapping, "Disabled").await;
    let wrong = [(StreamingSqlMapping, Wrong), (StreamingSqlWindow, Wrong)];
    learner.expect(Step::StreamingSql, Pass, &wrong).await;
    let update = lambda.update_event_source_mapping().uuid(&mapping).enabled(true);
    update.tumbling_window_in_seconds(WINDOW_SECONDS as i32).send().await.unwrap();
    wait_for_state(&sdk, &mapping, "Enabled").await;
    learner.expect(Step::StreamingSql, Pass, &[]).await;

    learner.mend(name, "def handler(event, context): return {}").await;
    learner.expect(Step::StreamingSql, Pass, &[(StreamingSqlCountAnswer, Wrong)]).await;
    lambda.update_function_code().function_name(name).zip_file(Blob::new(both_files())).send().await.unwrap();
    wait_until_active(&lambda, name).await;
    mapping
}

/// The counting function with the output function beside it, as the lab hands it out.
fn both_files() -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (file, source) in [("lambda_function.py", COUNT), ("store.py", STORE)] {
        writer.start_file(file, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(source.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

async fn results(learner: &mut Learner) {
    let sdk = learner.sandbox.sdk();
    let lambda = learner.lambda();
    let table = learner.subject.table.clone();
    let name = learner.subject.functions.output.clone();
    learner.subject.sent_at = None;
    learner.expect(Step::Results, NotYet, &[(ResultsFunction, Pass), (ResultsTableName, Wrong)]).await;
    create_table(&sdk, &table, "window_end").await;
    // Without its table the function counts, and prints what it would have stored.
    let wrong = [(ResultsTableName, Wrong), (ResultsIdempotent, Wrong), (ResultsRows, NotYet)];
    learner.expect_soon(Step::Results, Pass, &wrong).await;
    let variables = Environment::builder().variables("TABLE_NAME", &table).build();
    lambda.update_function_configuration().function_name(&name).environment(variables).send().await.unwrap();
    wait_until_active(&lambda, &name).await;
    learner.expect(Step::Results, Pass, &[(ResultsRows, NotYet)]).await;

    send(learner, &CLICKS).await;
    learner.expect_soon(Step::Results, Pass, &[]).await;
    // The chart tells the same numbers, and nothing of the windows of our tests.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let counts = chart::window_counts(&learner.clients, &learner.subject, 100, OffsetDateTime::now_utc()).await;
        let counts = counts.unwrap();
        assert_eq!((counts.unreadable, counts.earlier), (0, false));
        assert!(counts.windows.iter().all(|window| window.window_end.year() > 2000), "{counts:?}");
        if counts.windows.iter().filter_map(|window| window.views).sum::<u64>() == 12 {
            break;
        }
        assert!(Instant::now() < deadline, "{counts:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn clean_up(learner: &Learner, mapping: &str) {
    let sdk = learner.sandbox.sdk();
    let lambda = learner.lambda();
    let subject = &learner.subject;
    learner.expect(Step::CleanUp, NotYet, &[]).await;
    for function in [&subject.functions.preprocess, &subject.functions.output] {
        lambda.delete_function().function_name(function).send().await.unwrap();
    }
    // A mapping outlives its function.
    learner.expect(Step::CleanUp, NotYet, &[(CleanUpFunctions, Pass)]).await;
    lambda.delete_event_source_mapping().uuid(mapping).send().await.unwrap();
    let firehose = aws_sdk_firehose::Client::new(&sdk);
    firehose.delete_delivery_stream().delivery_stream_name(&subject.stream).send().await.unwrap();
    let kinesis = aws_sdk_kinesis::Client::new(&sdk);
    kinesis.delete_stream().stream_name(&subject.data_stream).send().await.unwrap();
    aws_sdk_dynamodb::Client::new(&sdk).delete_table().table_name(&subject.table).send().await.unwrap();
    learner.expect_soon(Step::CleanUp, Pass, &[(CleanUpBucket, NotYet)]).await;
    let s3 = s3(&sdk);
    eventually("an empty bucket", || async {
        let listed = s3.list_objects_v2().bucket(&subject.bucket).send().await.unwrap();
        for object in listed.contents() {
            s3.delete_object().bucket(&subject.bucket).key(object.key().unwrap()).send().await.unwrap();
        }
        s3.delete_bucket().bucket(&subject.bucket).send().await.ok()
    })
    .await;
    learner.expect_soon(Step::CleanUp, Pass, &[]).await;
    for step in [Step::DeliveryStream, Step::Ingest, Step::Preprocess, Step::StreamingSql, Step::Results] {
        learner.expect(step, NotYet, &[]).await;
    }
}
