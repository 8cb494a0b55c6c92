//! The checks against moto's server, which others wrote from AWS's documentation: what they make of a finished lab there.
//!
//! `moto_server` must be on the PATH, as `make test` puts it there.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Cursor, Write as _},
    process::{Child, Command, Stdio},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, DeliveryStreamType, ExtendedS3DestinationConfiguration,
    KinesisStreamSourceConfiguration, ProcessingConfiguration, Processor, ProcessorParameter, ProcessorParameterName,
    ProcessorType,
};
use aws_sdk_lambda::{
    primitives::Blob,
    types::{Environment, EventSourcePosition, FunctionCode, Runtime},
};
use checks::{
    CheckName::{self, *},
    Clients, Consent, DEFAULT_REGIONS, Engine, Step, Subject, VerdictKind, enabled_regions, run_step,
};
use time::OffsetDateTime;

/// The account that moto gives to every key.
const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";

/// A server of moto in a process of its own. Ended when dropped.
struct Moto {
    process: Child,
    sdk: SdkConfig,
}

impl Moto {
    fn start() -> Self {
        let mut process = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto_server must be on the PATH; make test sees to it");
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.split_once("Running on ")
                .map(|(_, address)| address.trim().to_owned())
                .filter(|at| at.starts_with("http"))
        });
        // What it says later is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(address.expect("moto tells its address"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIATEST", "secret", None, None, "test",
            )))
            .build();
        Self { process, sdk }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A lab in moto's account.
struct Lab<'a> {
    sdk: &'a SdkConfig,
    subject: Subject,
}

impl Lab<'_> {
    /// The checks of a step that do not give `usual`, but for those named with their verdict.
    async fn expect(&self, step: Step, usual: VerdictKind, others: &[(CheckName, VerdictKind)]) {
        let clients = Clients::new(self.sdk, ["eu-west-1".to_owned()]);
        let others: HashMap<CheckName, VerdictKind> = others.iter().copied().collect();
        for result in run_step(step, &clients, &self.subject, Consent::No, OffsetDateTime::now_utc()).await {
            let expected = others.get(&result.name).copied().unwrap_or(usual);
            assert_eq!(result.verdict.kind(), expected, "with {}: {result:#?}", self.subject.engine);
        }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(self.sdk).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(self.sdk)
    }

    async fn role(&self, name: &str, service: &str) -> String {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let iam = aws_sdk_iam::Client::new(self.sdk);
        let role = iam.create_role().role_name(name).assume_role_policy_document(trust).send().await.unwrap();
        role.role.unwrap().arn
    }

    async fn make(&self) {
        let subject = &self.subject;
        let lambda_role = self.role(&subject.roles.lambda, "lambda.amazonaws.com").await;
        let preprocess = self.function(&subject.functions.preprocess, &lambda_role).await;
        self.function(&subject.functions.output, &lambda_role).await;
        let clicks = self.data_stream(&subject.data_stream).await;
        self.delivery(&clicks, &preprocess).await;
        match subject.engine {
            Engine::Flink => {
                let counts = self.data_stream(&subject.counts_stream).await;
                self.mapping(&counts, 0).await;
            }
            _ => self.mapping(&clicks, subject.window_seconds as i32).await,
        }
        self.table().await;
    }

    async fn function(&self, name: &str, role: &str) -> String {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("lambda_function.py", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"def handler(event, context): pass\n").unwrap();
        let zip = zip.finish().unwrap().into_inner();
        let variables = Environment::builder().variables("TABLE_NAME", &self.subject.table).build();
        let create = self.lambda().create_function().function_name(name).runtime(Runtime::Python313).timeout(60);
        let create = create.handler("lambda_function.handler").role(role).environment(variables);
        let created = create.code(FunctionCode::builder().zip_file(Blob::new(zip)).build()).send().await.unwrap();
        created.function_arn.unwrap()
    }

    async fn data_stream(&self, name: &str) -> String {
        let kinesis = aws_sdk_kinesis::Client::new(self.sdk);
        kinesis.create_stream().stream_name(name).shard_count(1).send().await.unwrap();
        let described = kinesis.describe_stream_summary().stream_name(name).send().await.unwrap();
        described.stream_description_summary.unwrap().stream_arn
    }

    async fn delivery(&self, data_stream: &str, preprocess: &str) {
        let subject = &self.subject;
        self.s3().create_bucket().bucket(&subject.bucket).send().await.unwrap();
        let role = self.role(&subject.roles.firehose, "firehose.amazonaws.com").await;
        let lambda_arn = ProcessorParameter::builder()
            .parameter_name(ProcessorParameterName::LambdaArn)
            .parameter_value(format!("{preprocess}:$LATEST"))
            .build()
            .unwrap();
        let processor = Processor::builder().r#type(ProcessorType::Lambda).parameters(lambda_arn).build().unwrap();
        let destination = ExtendedS3DestinationConfiguration::builder()
            .role_arn(&role)
            .bucket_arn(format!("arn:aws:s3:::{}", subject.bucket))
            .prefix(&subject.prefix)
            .error_output_prefix(&subject.error_prefix)
            .compression_format(CompressionFormat::Gzip)
            .buffering_hints(BufferingHints::builder().size_in_mbs(5).interval_in_seconds(60).build())
            .processing_configuration(ProcessingConfiguration::builder().enabled(true).processors(processor).build());
        let source = KinesisStreamSourceConfiguration::builder().kinesis_stream_arn(data_stream).role_arn(role);
        aws_sdk_firehose::Client::new(self.sdk)
            .create_delivery_stream()
            .delivery_stream_name(&subject.stream)
            .delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource)
            .kinesis_stream_source_configuration(source.build().unwrap())
            .extended_s3_destination_configuration(destination.build().unwrap())
            .send()
            .await
            .unwrap();
        // Moto delivers nothing of itself.
        let body = b"Main_Page\tHypatia\tlink\t42\n".to_vec();
        let key = format!("{}2026/11/24/18/{}-1-2026-11-24-18-00-00-0b2e", subject.prefix, subject.stream);
        self.s3().put_object().bucket(&subject.bucket).key(key).body(body.into()).send().await.unwrap();
    }

    async fn mapping(&self, data_stream: &str, window_seconds: i32) {
        let create = self.lambda().create_event_source_mapping().function_name(&self.subject.functions.output);
        let create = create.event_source_arn(data_stream).starting_position(EventSourcePosition::Latest);
        create.tumbling_window_in_seconds(window_seconds).send().await.unwrap();
    }

    async fn table(&self) {
        let dynamodb = aws_sdk_dynamodb::Client::new(self.sdk);
        let mut create =
            dynamodb.create_table().table_name(&self.subject.table).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("metric", KeyType::Hash), ("window_end", KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
            create = create.attribute_definitions(attribute.build().unwrap()).key_schema(key.build().unwrap());
        }
        create.send().await.unwrap();
        // What the function leaves: the counts of a window, and those of a window of our tests.
        for (window_end, amount) in [("2026-11-24T19:00:00Z", "1234"), ("2000-06-01T00:01:00Z", "11")] {
            let put = dynamodb
                .put_item()
                .table_name(&self.subject.table)
                .item("metric", AttributeValue::S("views".to_owned()));
            let put = put.item("window_end", AttributeValue::S(window_end.to_owned()));
            let put = put.item("amount", AttributeValue::N(amount.to_owned()));
            put.item("window_seconds", AttributeValue::N("60".to_owned())).send().await.unwrap();
        }
    }

    async fn delete(&self) {
        let subject = &self.subject;
        let lambda = self.lambda();
        let mappings =
            lambda.list_event_source_mappings().function_name(&subject.functions.output).send().await.unwrap();
        for mapping in mappings.event_source_mappings() {
            lambda.delete_event_source_mapping().uuid(mapping.uuid().unwrap()).send().await.unwrap();
        }
        for function in [&subject.functions.preprocess, &subject.functions.output] {
            lambda.delete_function().function_name(function).send().await.unwrap();
        }
        if subject.engine == Engine::Flink {
            aws_sdk_kinesis::Client::new(self.sdk)
                .delete_stream()
                .stream_name(&subject.counts_stream)
                .send()
                .await
                .unwrap();
        }
        let firehose = aws_sdk_firehose::Client::new(self.sdk);
        firehose.delete_delivery_stream().delivery_stream_name(&subject.stream).send().await.unwrap();
        let kinesis = aws_sdk_kinesis::Client::new(self.sdk);
        kinesis.delete_stream().stream_name(&subject.data_stream).send().await.unwrap();
        aws_sdk_dynamodb::Client::new(self.sdk).delete_table().table_name(&subject.table).send().await.unwrap();
        let s3 = self.s3();
        let listed = s3.list_objects_v2().bucket(&subject.bucket).send().await.unwrap();
        for object in listed.contents() {
            s3.delete_object().bucket(&subject.bucket).key(object.key().unwrap()).send().await.unwrap();
        }
        s3.delete_bucket().bucket(&subject.bucket).send().await.unwrap();
    }
}

const STEPS: [Step; 5] = [Step::DeliveryStream, Step::Ingest, Step::Preprocess, Step::StreamingSql, Step::Results];

/// From nothing to a finished lab and back.
async fn whole_lab(engine: Engine) {
    let moto = Moto::start();
    let lab = Lab { sdk: &moto.sdk, subject: Subject::new_for(engine, ACCOUNT, REGION) };
    lab.expect(Step::Connect, VerdictKind::Pass, &[]).await;
    // Moto has no application that can be read: it fails for one that does not exist, and tells the times of one that does
    // in another form than AWS. Neither must be taken for an answer.
    let applications =
        [StreamingSqlApplicationFlink, StreamingSqlFlinkInput, StreamingSqlFlinkRunning, CleanUpApplication];
    let moto_fails = applications.map(|check| (check, VerdictKind::ServiceFault));
    for step in STEPS {
        lab.expect(step, VerdictKind::NotYet, &moto_fails).await;
    }
    lab.expect(Step::CleanUp, VerdictKind::Pass, &moto_fails).await;
    lab.make().await;
    // Test runs need consent, and moto would need Docker for them.
    let without_consent = [PreprocessAnswer, StreamingSqlCountAnswer, ResultsIdempotent];
    let others = without_consent.map(|check| (check, VerdictKind::NotYet));
    for step in STEPS {
        lab.expect(step, VerdictKind::Pass, &[others.as_slice(), &moto_fails].concat()).await;
    }
    lab.expect(Step::CleanUp, VerdictKind::NotYet, &moto_fails).await;
    lab.delete().await;
    lab.expect(Step::CleanUp, VerdictKind::Pass, &moto_fails).await;
}

#[tokio::test]
async fn a_lab_with_tumbling_windows_passes() {
    whole_lab(Engine::TumblingWindow).await;
}

#[tokio::test]
async fn a_lab_with_flink_passes() {
    whole_lab(Engine::Flink).await;
}

/// Moto does not know `ListRegions`.
#[tokio::test]
async fn without_an_answer_the_usual_regions_are_taken() {
    let moto = Moto::start();
    assert_eq!(enabled_regions(&moto.sdk).await, DEFAULT_REGIONS);
}
