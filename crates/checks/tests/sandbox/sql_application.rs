//! The lab with the SQL application.

use std::time::Duration;

use aws_sdk_firehose::types::{CompressionFormat, ExtendedS3DestinationUpdate, Record};
use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationCodeConfigurationUpdate, ApplicationConfiguration, ApplicationConfigurationUpdate, CodeContentUpdate,
    InputLambdaProcessor, InputProcessingConfiguration, RuntimeEnvironment, SqlApplicationConfiguration,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, Runtime};
use checks::{CheckName::*, Consent, Engine, Step, VerdictKind::*, chart};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::common::REGION;
use crate::common::functions::{function_role, role_for, wait_until_active, zip};
use crate::common::pipeline::{Clicks, PREPROCESS, STORE, create_table, input, output, sql_of_the_lab};
use crate::common::streams::{create_stream, s3};
use crate::learner::{Learner, WINDOW_SECONDS};

impl Learner {
    async fn version(&self) -> i64 {
        let described =
            self.analytics().describe_application().application_name(&self.subject.application).send().await;
        described.unwrap().application_detail.unwrap().application_version_id
    }

    async fn send(&mut self, records: Vec<Vec<u8>>) {
        let firehose = aws_sdk_firehose::Client::new(&self.sandbox.sdk());
        let record = |data| Record::builder().data(Blob::new(data)).build().unwrap();
        let records = records.into_iter().map(record).collect();
        let send = firehose.put_record_batch().delivery_stream_name(&self.subject.stream).set_records(Some(records));
        assert_eq!(send.send().await.unwrap().failed_put_count, 0);
        self.subject.sent_at = Some(OffsetDateTime::now_utc());
    }

    async fn change_sql(&self, sql: &str) {
        let content = CodeContentUpdate::builder().text_content_update(sql).build();
        let change = ApplicationCodeConfigurationUpdate::builder().code_content_update(content).build();
        let change = ApplicationConfigurationUpdate::builder().application_code_configuration_update(change).build();
        let update = self.analytics().update_application().application_name(&self.subject.application);
        let update = update.current_application_version_id(self.version().await);
        update.application_configuration_update(change).send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checks_judge_the_sandbox_as_they_judge_aws() {
    let mut learner = Learner::new(Engine::SqlApplication).await;
    nothing_is_there(&learner).await;
    delivery_stream(&mut learner).await;
    let role = function_role(&learner.sandbox.sdk()).await;
    preprocess(&mut learner, &role).await;
    streaming_sql(&learner).await;
    results(&mut learner, &role).await;
    clean_up(&learner).await;
}

async fn nothing_is_there(learner: &Learner) {
    learner.expect(Step::Connect, Pass, &[]).await;
    for step in [Step::DeliveryStream, Step::Ingest, Step::Preprocess, Step::StreamingSql, Step::Results] {
        learner.expect(step, NotYet, &[]).await;
    }
    learner.expect(Step::CleanUp, Pass, &[]).await;

    let elsewhere = learner.sandbox.sdk_as(&learner.sandbox.key, "eu-west-1");
    create_table(&elsewhere, &learner.subject.table, "window_end").await;
    learner
        .expect(Step::Results, NotYet, &[(ResultsTable, Elsewhere), (ResultsKeys, Elsewhere), (ResultsRows, Elsewhere)])
        .await;
    learner.expect(Step::CleanUp, Pass, &[(CleanUpTable, Elsewhere)]).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&elsewhere);
    dynamodb.delete_table().table_name(&learner.subject.table).send().await.unwrap();
    learner.expect_soon(Step::CleanUp, Pass, &[]).await;
}

async fn delivery_stream(learner: &mut Learner) {
    let sdk = learner.sandbox.sdk();
    create_stream(&sdk, &learner.subject.stream, &learner.subject.bucket).await;
    learner.expect(Step::DeliveryStream, Pass, &[(DeliveryStreamCompression, Wrong)]).await;
    learner.expect(Step::Ingest, NotYet, &[]).await;
    learner.send(vec![br#"{"TICKER_SYMBOL":"QXZ","SECTOR":"HEALTHCARE","CHANGE":-0.05,"PRICE":84.51}"#.to_vec()]).await;
    learner.expect_soon(Step::Ingest, Pass, &[(IngestRows, Wrong)]).await;

    let firehose = aws_sdk_firehose::Client::new(&sdk);
    let update = |prefix: &str, compression| {
        let destination = ExtendedS3DestinationUpdate::builder().prefix(prefix).compression_format(compression).build();
        let update = firehose.update_destination().delivery_stream_name(&learner.subject.stream);
        update.destination_id("destinationId-000000000001").extended_s3_destination_update(destination)
    };
    let wrong = update("raw/", CompressionFormat::Gzip).current_delivery_stream_version_id("1").send().await;
    wrong.unwrap();
    learner.expect(Step::DeliveryStream, Pass, &[(DeliveryStreamPrefix, Wrong)]).await;
    let right = update("clicks/", CompressionFormat::Gzip).current_delivery_stream_version_id("2").send().await;
    right.unwrap();
    learner.expect(Step::DeliveryStream, Pass, &[]).await;
    learner.send(vec!["Main_Page\tZürich,_\"Paris\"\tlink\t3\n".as_bytes().to_vec()]).await;
    learner.expect_soon(Step::Ingest, Pass, &[]).await;
}

async fn preprocess(learner: &mut Learner, role: &str) {
    let lambda = learner.lambda();
    let name = learner.subject.functions.preprocess.clone();
    lambda
        .create_function()
        .function_name(&name)
        .runtime(Runtime::Python313)
        .handler("lambda_function.lambda_handler")
        .role(role)
        .code(FunctionCode::builder().zip_file(Blob::new(zip(PREPROCESS))).build())
        .send()
        .await
        .unwrap();
    wait_until_active(&lambda, &name).await;
    let wrong = [(PreprocessHandler, Wrong), (PreprocessTimeout, Wrong), (PreprocessAnswer, Wrong)];
    learner.expect(Step::Preprocess, Pass, &wrong).await;
    let change = lambda.update_function_configuration().function_name(&name);
    change.handler("lambda_function.handler").timeout(60).send().await.unwrap();
    wait_until_active(&lambda, &name).await;
    learner.mend(&name, "def handler(event, context): return event").await;
    learner.expect(Step::Preprocess, Pass, &[(PreprocessAnswer, Wrong)]).await;
    learner.mend(&name, PREPROCESS).await;
    learner.expect(Step::Preprocess, Pass, &[]).await;
    learner.consent = Consent::No;
    learner.expect(Step::Preprocess, Pass, &[(PreprocessAnswer, NotYet)]).await;
    learner.consent = Consent::Invoke;
}

async fn streaming_sql(learner: &Learner) {
    let analytics = learner.analytics();
    let name = &learner.subject.application;
    let role =
        role_for(&learner.sandbox.sdk(), &learner.subject.roles.analytics, "kinesisanalytics.amazonaws.com").await;
    let stream =
        format!("arn:aws:firehose:{REGION}:{}:deliverystream/{}", learner.subject.account, learner.subject.stream);
    let sql = SqlApplicationConfiguration::builder().inputs(input(&stream)).build();
    let configuration = ApplicationConfiguration::builder().sql_application_configuration(sql).build();
    let create = analytics.create_application().application_name(name).service_execution_role(role);
    create
        .runtime_environment(RuntimeEnvironment::Sql10)
        .application_configuration(configuration)
        .send()
        .await
        .unwrap();
    let not_yet = [(StreamingSqlPreprocessor, NotYet), (StreamingSqlCode, NotYet), (StreamingSqlRunning, NotYet)];
    learner.expect(Step::StreamingSql, Pass, &not_yet).await;

    learner.change_sql(r#"CREATE STREAM "WINDOW_COUNTS" ("metric" VARCHAR(32));"#).await;
    let processor = |function: &str| {
        let processor = InputLambdaProcessor::builder().resource_arn(learner.function_arn(function)).build().unwrap();
        InputProcessingConfiguration::builder().input_lambda_processor(processor).build()
    };
    let attach = analytics.add_application_input_processing_configuration().application_name(name).input_id("1.1");
    let attach = attach.current_application_version_id(learner.version().await);
    attach.input_processing_configuration(processor("Another")).send().await.unwrap();
    let wrong = [(StreamingSqlPreprocessor, Wrong), (StreamingSqlCode, Wrong), (StreamingSqlRunning, NotYet)];
    learner.expect(Step::StreamingSql, Pass, &wrong).await;

    let detach = analytics.delete_application_input_processing_configuration().application_name(name).input_id("1.1");
    detach.current_application_version_id(learner.version().await).send().await.unwrap();
    let attach = analytics.add_application_input_processing_configuration().application_name(name).input_id("1.1");
    let attach = attach.current_application_version_id(learner.version().await);
    let attach = attach.input_processing_configuration(processor(&learner.subject.functions.preprocess));
    attach.send().await.unwrap();
    learner.change_sql(&sql_of_the_lab(WINDOW_SECONDS)).await;
    learner.expect(Step::StreamingSql, Pass, &[(StreamingSqlRunning, NotYet)]).await;
    analytics.start_application().application_name(name).send().await.unwrap();
    learner.expect_soon(Step::StreamingSql, Pass, &[]).await;
}

async fn results(learner: &mut Learner, role: &str) {
    let sdk = learner.sandbox.sdk();
    let lambda = learner.lambda();
    let subject = learner.subject.clone();
    let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
    create_table(&sdk, &subject.table, "window_start").await;
    learner.expect_soon(Step::Results, NotYet, &[(ResultsTable, Pass), (ResultsKeys, Wrong)]).await;
    dynamodb.delete_table().table_name(&subject.table).send().await.unwrap();
    learner.expect_soon(Step::Results, NotYet, &[]).await;
    create_table(&sdk, &subject.table, "window_end").await;

    let name = &subject.functions.output;
    let table_name = |table: &str| Environment::builder().variables("TABLE_NAME", table).build();
    lambda
        .create_function()
        .function_name(name)
        .runtime(Runtime::Python313)
        .handler("lambda_function.handler")
        .role(role)
        .timeout(60)
        .environment(table_name("Another"))
        .code(FunctionCode::builder().zip_file(Blob::new(zip(STORE))).build())
        .send()
        .await
        .unwrap();
    wait_until_active(&lambda, name).await;
    let wrong = [(ResultsFunction, Wrong), (ResultsIdempotent, Wrong), (ResultsOutput, NotYet), (ResultsRows, NotYet)];
    learner.expect_soon(Step::Results, Pass, &wrong).await;
    let change = lambda.update_function_configuration().function_name(name).environment(table_name(&subject.table));
    change.send().await.unwrap();
    wait_until_active(&lambda, name).await;
    // A function that adds up counts a repeated row twice.
    let setting = r#"set_values(row, "amount = :amount", {":amount": amount})"#;
    assert!(STORE.contains(setting), "the lab's function has changed");
    let adding = r#"update(key(row), "ADD amount :amount", {":amount": amount})"#;
    learner.mend(name, &STORE.replace(setting, adding)).await;
    let adding = [(ResultsIdempotent, Wrong), (ResultsOutput, NotYet), (ResultsRows, NotYet)];
    learner.expect(Step::Results, Pass, &adding).await;
    learner.mend(name, STORE).await;
    // A second, which is the mark of a test row, goes by meanwhile.
    learner.expect_soon(Step::Results, Pass, &[(ResultsOutput, NotYet), (ResultsRows, NotYet)]).await;

    let attach = learner.analytics().add_application_output().application_name(&subject.application);
    let attach = attach.current_application_version_id(learner.version().await);
    attach.output(output(&learner.function_arn(name))).send().await.unwrap();
    learner.expect_soon(Step::StreamingSql, Pass, &[]).await;
    learner.subject.sent_at = None;
    learner.expect_soon(Step::Results, Pass, &[(ResultsRows, NotYet)]).await;
    let mut clicks = Clicks::default();
    let records = clicks.next(100);
    learner.send(records).await;
    learner.expect_soon(Step::Results, Pass, &[]).await;

    // The chart tells the same numbers.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let counts = chart::window_counts(&learner.clients, &learner.subject, 100, OffsetDateTime::now_utc()).await;
        let counts = counts.unwrap();
        assert_eq!(counts.unreadable, 0);
        let views: u64 = counts.windows.iter().filter_map(|window| window.views).sum();
        let shown: u64 = counts.windows.iter().flat_map(|window| &window.top_pages).map(|page| page.views).sum();
        if views == clicks.counts.views as u64 && shown == clicks.counts.rows.values().sum::<i64>() as u64 {
            break;
        }
        assert!(Instant::now() < deadline, "{views} views, {:?}: {counts:?}", clicks.counts);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn clean_up(learner: &Learner) {
    let sdk = learner.sandbox.sdk();
    let subject = &learner.subject;
    learner.expect(Step::CleanUp, NotYet, &[]).await;
    let analytics = learner.analytics();
    let described = analytics.describe_application().application_name(&subject.application).send().await.unwrap();
    let created = described.application_detail.unwrap().create_timestamp.unwrap();
    let delete = analytics.delete_application().application_name(&subject.application);
    delete.create_timestamp(created).send().await.unwrap();
    learner.expect_soon(Step::CleanUp, NotYet, &[(CleanUpApplication, Pass)]).await;
    let firehose = aws_sdk_firehose::Client::new(&sdk);
    firehose.delete_delivery_stream().delivery_stream_name(&subject.stream).send().await.unwrap();
    let lambda = learner.lambda();
    for function in [&subject.functions.preprocess, &subject.functions.output] {
        lambda.delete_function().function_name(function).send().await.unwrap();
    }
    let gone = [(CleanUpApplication, Pass), (CleanUpStream, Pass), (CleanUpFunctions, Pass)];
    learner.expect_soon(Step::CleanUp, NotYet, &gone).await;
    aws_sdk_dynamodb::Client::new(&sdk).delete_table().table_name(&subject.table).send().await.unwrap();
    let s3 = s3(&sdk);
    let listed = s3.list_objects_v2().bucket(&subject.bucket).send().await.unwrap();
    for object in listed.contents() {
        s3.delete_object().bucket(&subject.bucket).key(object.key().unwrap()).send().await.unwrap();
    }
    s3.delete_bucket().bucket(&subject.bucket).send().await.unwrap();
    learner.expect_soon(Step::CleanUp, Pass, &[]).await;
    for step in [Step::DeliveryStream, Step::Preprocess, Step::StreamingSql, Step::Results] {
        learner.expect(step, NotYet, &[]).await;
    }
}
