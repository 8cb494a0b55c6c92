//! Kinesis Data Analytics as its clients see it: the Rust SDK, the `aws` CLI and boto3.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_kinesisanalyticsv2::Client;
use aws_sdk_kinesisanalyticsv2::error::ProvideErrorMetadata;
use aws_sdk_kinesisanalyticsv2::operation::discover_input_schema::DiscoverInputSchemaError;
use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationCodeConfiguration, ApplicationCodeConfigurationUpdate, ApplicationConfiguration,
    ApplicationConfigurationUpdate, ApplicationDetail, ApplicationStatus, CodeContent, CodeContentType,
    CodeContentUpdate, CsvMappingParameters, DestinationSchema, Input, InputLambdaProcessor,
    InputProcessingConfiguration, InputStartingPosition, InputStartingPositionConfiguration, KinesisFirehoseInput,
    LambdaOutput, MappingParameters, Output, OutputUpdate, RecordColumn, RecordFormat, RecordFormatType,
    RunConfiguration, RuntimeEnvironment, SourceSchema, SqlApplicationConfigurationUpdate, SqlRunConfiguration,
};
use common::functions::{create_function, function_role, role_for};
use common::streams::create_stream;
use common::{REGION, TestSandbox};
use serde_json::{Value, json};

const APPLICATION: &str = "ClickstreamAnalytics";
const SQL: &str = r#"CREATE OR REPLACE STREAM "OUT" ("hits" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "hits" FROM "SOURCE_SQL_STREAM_001";"#;

/// A sandbox with an active stream `clicks`, and a role for applications.
struct World {
    sandbox: TestSandbox,
    client: Client,
    stream: String,
    role: String,
}

impl World {
    async fn new() -> Self {
        let sandbox = TestSandbox::start().await;
        let stream = create_stream(&sandbox.sdk(), "clicks", "a-lake-of-clicks").await;
        let role = role_for(&sandbox.sdk(), "HeadwaterAnalyticsRole", "kinesisanalytics.amazonaws.com").await;
        Self { client: client(&sandbox), sandbox, stream, role }
    }

    async fn restart(self) -> Self {
        let sandbox = self.sandbox.restart().await;
        Self { client: client(&sandbox), sandbox, ..self }
    }

    fn function(&self, name: &str) -> String {
        format!("arn:aws:lambda:{REGION}:{}:function:{name}", self.sandbox.account)
    }

    fn input(&self) -> Input {
        let source = KinesisFirehoseInput::builder().resource_arn(&self.stream).build().unwrap();
        Input::builder()
            .name_prefix("SOURCE_SQL_STREAM")
            .kinesis_firehose_input(source)
            .input_schema(schema("\t"))
            .build()
            .unwrap()
    }

    fn output(&self, stream: &str) -> Output {
        Output::builder()
            .name(stream)
            .lambda_output(LambdaOutput::builder().resource_arn(self.function("Store")).build().unwrap())
            .destination_schema(
                DestinationSchema::builder().record_format_type(RecordFormatType::Json).build().unwrap(),
            )
            .build()
            .unwrap()
    }

    /// Makes an application without input and outputs.
    async fn create(&self) -> ApplicationDetail {
        let created = self
            .client
            .create_application()
            .application_name(APPLICATION)
            .runtime_environment(RuntimeEnvironment::Sql10)
            .service_execution_role(&self.role)
            .application_configuration(configuration(SQL))
            .send()
            .await;
        created.unwrap().application_detail.unwrap()
    }

    /// Makes an application that can be started.
    async fn create_whole(&self) -> ApplicationDetail {
        self.create().await;
        let added = self.client.add_application_input().application_name(APPLICATION);
        added.current_application_version_id(1).input(self.input()).send().await.unwrap();
        let added = self.client.add_application_output().application_name(APPLICATION);
        added.current_application_version_id(2).output(self.output("OUT")).send().await.unwrap();
        self.describe().await
    }

    async fn describe(&self) -> ApplicationDetail {
        let described = self.client.describe_application().application_name(APPLICATION).send().await;
        described.unwrap().application_detail.unwrap()
    }

    async fn wait_for(&self, status: ApplicationStatus) -> ApplicationDetail {
        let reached = async {
            loop {
                let detail = self.describe().await;
                if detail.application_status == status {
                    return detail;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached).await.expect("the application must get there")
    }

    async fn start(&self, position: InputStartingPosition) {
        let input = self.describe().await.inputs()[0].clone();
        let position = InputStartingPositionConfiguration::builder().input_starting_position(position).build();
        let run = SqlRunConfiguration::builder()
            .input_id(input)
            .input_starting_position_configuration(position)
            .build()
            .unwrap();
        let run = RunConfiguration::builder().sql_run_configurations(run).build();
        let started = self.client.start_application().application_name(APPLICATION).run_configuration(run).send();
        started.await.unwrap();
    }
}

/// Ids of the parts of an application.
trait Parts {
    fn inputs(&self) -> Vec<String>;
    fn outputs(&self) -> Vec<(String, String)>;
}

impl Parts for ApplicationDetail {
    fn inputs(&self) -> Vec<String> {
        let sql = self.application_configuration_description().unwrap().sql_application_configuration_description();
        sql.unwrap().input_descriptions().iter().map(|input| input.input_id().unwrap().to_owned()).collect()
    }

    /// Ids and names.
    fn outputs(&self) -> Vec<(String, String)> {
        let sql = self.application_configuration_description().unwrap().sql_application_configuration_description();
        let outputs = sql.unwrap().output_descriptions().iter();
        outputs.map(|output| (output.output_id().unwrap().to_owned(), output.name().unwrap().to_owned())).collect()
    }
}

/// A client that tells an error at once.
fn client(sandbox: &TestSandbox) -> Client {
    let config = aws_sdk_kinesisanalyticsv2::config::Builder::from(&sandbox.sdk())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

fn configuration(sql: &str) -> ApplicationConfiguration {
    let code = CodeContent::builder().text_content(sql).build();
    let code = ApplicationCodeConfiguration::builder()
        .code_content(code)
        .code_content_type(CodeContentType::Plaintext)
        .build()
        .unwrap();
    ApplicationConfiguration::builder().application_code_configuration(code).build()
}

fn new_code(sql: &str) -> ApplicationConfigurationUpdate {
    let code = CodeContentUpdate::builder().text_content_update(sql).build();
    let code = ApplicationCodeConfigurationUpdate::builder().code_content_update(code).build();
    ApplicationConfigurationUpdate::builder().application_code_configuration_update(code).build()
}

fn schema(column_delimiter: &str) -> SourceSchema {
    let csv = CsvMappingParameters::builder()
        .record_row_delimiter("\n")
        .record_column_delimiter(column_delimiter)
        .build()
        .unwrap();
    let format = RecordFormat::builder()
        .record_format_type(RecordFormatType::Csv)
        .mapping_parameters(MappingParameters::builder().csv_mapping_parameters(csv).build())
        .build()
        .unwrap();
    let mut schema = SourceSchema::builder().record_format(format).record_encoding("UTF-8");
    for (name, sql_type) in
        [("prev", "VARCHAR(512)"), ("curr", "VARCHAR(512)"), ("type", "VARCHAR(8)"), ("hits", "INTEGER")]
    {
        schema = schema.record_columns(RecordColumn::builder().name(name).sql_type(sql_type).build().unwrap());
    }
    schema.build().unwrap()
}

/// The code and message of an error.
fn error<Output, Error: ProvideErrorMetadata>(outcome: Result<Output, Error>) -> (String, String) {
    let Err(error) = outcome else { panic!("this must be refused") };
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_put_together_started_changed_and_deleted() {
    let world = World::new().await;
    let created = world.create().await;
    assert_eq!(created.application_status, ApplicationStatus::Ready);
    assert_eq!(created.application_version_id, 1);
    let arn = format!("arn:aws:kinesisanalytics:{REGION}:{}:application/{APPLICATION}", world.sandbox.account);
    assert_eq!(created.application_arn, arn);
    let no_input = world.client.start_application().application_name(APPLICATION).send().await;
    assert_eq!(error(no_input).0, "InvalidApplicationConfigurationException");

    let input = world.client.add_application_input().application_name(APPLICATION).current_application_version_id(1);
    let input = input.input(world.input()).send().await.unwrap();
    assert_eq!(input.application_version_id(), Some(2));
    let [description] = input.input_descriptions() else { panic!("{input:?}") };
    assert_eq!(description.in_app_stream_names(), ["SOURCE_SQL_STREAM_001"]);
    let source = description.kinesis_firehose_input_description().unwrap();
    assert_eq!((source.resource_arn(), source.role_arn()), (world.stream.as_str(), Some(world.role.as_str())));
    let input_id = description.input_id().unwrap().to_owned();

    let preprocessor = InputLambdaProcessor::builder().resource_arn(world.function("Clean")).build().unwrap();
    let processing = InputProcessingConfiguration::builder().input_lambda_processor(preprocessor).build();
    let add = || {
        let add = world.client.add_application_input_processing_configuration().application_name(APPLICATION);
        add.input_id(&input_id).input_processing_configuration(processing.clone())
    };
    let added = add().current_application_version_id(2).send().await.unwrap();
    assert_eq!((added.input_id(), added.application_version_id()), (Some(input_id.as_str()), Some(3)));
    let again = error(add().current_application_version_id(3).send().await);
    assert_eq!(again.0, "InvalidArgumentException");
    let removed = world.client.delete_application_input_processing_configuration().application_name(APPLICATION);
    removed.current_application_version_id(3).input_id(&input_id).send().await.unwrap();

    let output = world.client.add_application_output().application_name(APPLICATION).current_application_version_id(4);
    let output = output.output(world.output("WRONG")).send().await.unwrap();
    assert_eq!(output.application_version_id(), Some(5));
    let output_id = output.output_descriptions()[0].output_id().unwrap().to_owned();
    let rename = OutputUpdate::builder().output_id(&output_id).name_update("OUT").build().unwrap();
    let rename = SqlApplicationConfigurationUpdate::builder().output_updates(rename).build();
    let rename = ApplicationConfigurationUpdate::builder().sql_application_configuration_update(rename).build();
    let updated = world.client.update_application().application_name(APPLICATION).current_application_version_id(5);
    let updated = updated.application_configuration_update(rename).send().await.unwrap().application_detail.unwrap();
    assert_eq!((updated.application_version_id, updated.outputs()), (6, vec![(output_id.clone(), "OUT".to_owned())]));

    world.start(InputStartingPosition::Now).await;
    let running = world.wait_for(ApplicationStatus::Running).await;
    assert_eq!(running.application_version_id, 6, "a start is no change");
    let twice = error(world.client.start_application().application_name(APPLICATION).send().await);
    assert_eq!(twice.0, "ResourceInUseException");
    assert!(twice.1.contains("RUNNING"), "{}", twice.1);
    let change = world.client.update_application().application_name(APPLICATION).current_application_version_id(6);
    let change =
        change.application_configuration_update(new_code(&SQL.replace("\"P\"", "\"Q\""))).send().await.unwrap();
    assert_eq!(change.application_detail.unwrap().application_status, ApplicationStatus::Updating);
    let running = world.wait_for(ApplicationStatus::Running).await;
    assert_eq!(running.application_version_id, 7);

    world.client.stop_application().application_name(APPLICATION).send().await.unwrap();
    world.wait_for(ApplicationStatus::Ready).await;
    let stopped = error(world.client.stop_application().application_name(APPLICATION).send().await);
    assert_eq!(stopped.0, "ResourceInUseException");
    let dropped = world.client.delete_application_output().application_name(APPLICATION);
    dropped.current_application_version_id(7).output_id(&output_id).send().await.unwrap();
    let detail = world.describe().await;
    assert_eq!((detail.application_version_id, detail.outputs().len()), (8, 0));

    let wrong_time = aws_sdk_kinesisanalyticsv2::primitives::DateTime::from_secs(1);
    let delete = |time| {
        let delete = world.client.delete_application().application_name(APPLICATION).create_timestamp(time);
        async move { delete.send().await }
    };
    assert_eq!(error(delete(wrong_time).await).0, "InvalidArgumentException");
    delete(detail.create_timestamp.unwrap()).await.unwrap();
    let gone = async {
        while world.client.describe_application().application_name(APPLICATION).send().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    let absent = world.client.describe_application().application_name(APPLICATION).send().await.unwrap_err();
    assert!(absent.into_service_error().is_resource_not_found_exception());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_as_the_service_did() {
    let world = World::new().await;
    let client = &world.client;
    let create = || {
        let create = client.create_application().application_name(APPLICATION).service_execution_role(&world.role);
        create.runtime_environment(RuntimeEnvironment::Sql10)
    };
    let nobody = format!("arn:aws:iam::{}:role/Nobody", world.sandbox.account);
    let untrusted = error(create().service_execution_role(nobody).send().await);
    assert_eq!(untrusted.0, "InvalidArgumentException");
    assert!(untrusted.1.contains("kinesisanalytics.amazonaws.com"), "{}", untrusted.1);
    let flink = error(create().runtime_environment(RuntimeEnvironment::Flink120).send().await);
    assert_eq!(flink.0, "UnsupportedOperationException");
    assert!(flink.1.contains("FLINK-1_20"), "{}", flink.1);
    let named = error(create().application_name("two words").send().await);
    assert_eq!(named.0, "InvalidArgumentException");

    let broken = error(create().application_configuration(configuration("CREATE PUMP ;")).send().await);
    assert_eq!(broken.0, "CodeValidationException");
    assert!(broken.1.starts_with("The SQL cannot run: ") && broken.1.contains("line 1"), "{}", broken.1);

    world.create_whole().await;
    let taken = create().send().await.unwrap_err().into_service_error();
    assert!(taken.is_resource_in_use_exception(), "{taken:?}");
    let absent = client.describe_application().application_name("Absent").send().await.unwrap_err();
    assert!(absent.into_service_error().is_resource_not_found_exception());

    let update = |version: i64, sql: &str| {
        let update = client.update_application().application_name(APPLICATION).current_application_version_id(version);
        update.application_configuration_update(new_code(sql))
    };
    let stale = error(update(1, SQL).send().await);
    assert_eq!(stale.0, "ConcurrentModificationException");
    assert!(stale.1.contains("version 3"), "{}", stale.1);
    for (sql, complaint) in [
        ("SELECT", "SQL"),
        (&SQL.replace("SOURCE_SQL_STREAM_001", "SOURCE_SQL_STREAM"), "SOURCE_SQL_STREAM"),
        (&SQL.replace("STREAM \"hits\"", "STREAM \"hit\""), "hit"),
        (&SQL.replace("INSERT INTO \"OUT\"", "INSERT INTO \"AWAY\""), "AWAY"),
    ] {
        let (code, message) = error(update(3, sql).send().await);
        assert_eq!(code, "CodeValidationException", "{sql}");
        assert!(message.starts_with("The SQL cannot run: ") && message.contains(complaint), "{sql}: {message}");
    }

    let second = client.add_application_input().application_name(APPLICATION).current_application_version_id(3);
    assert_eq!(error(second.input(world.input()).send().await).0, "InvalidArgumentException");
    let same = client.add_application_output().application_name(APPLICATION).current_application_version_id(3);
    assert_eq!(error(same.output(world.output("OUT")).send().await).0, "InvalidArgumentException");
    let elsewhere = format!("arn:aws:lambda:eu-west-1:{}:function:Store", world.sandbox.account);
    let lambda = LambdaOutput::builder().resource_arn(elsewhere).build().unwrap();
    let output = Output::builder()
        .name("OTHER")
        .lambda_output(lambda)
        .destination_schema(DestinationSchema::builder().record_format_type(RecordFormatType::Json).build().unwrap());
    let foreign = client.add_application_output().application_name(APPLICATION).current_application_version_id(3);
    let foreign = error(foreign.output(output.build().unwrap()).send().await);
    assert_eq!(foreign.0, "InvalidArgumentException");
    assert!(foreign.1.contains("eu-west-1"), "{}", foreign.1);
    let position = error(
        client
            .start_application()
            .application_name(APPLICATION)
            .run_configuration(
                RunConfiguration::builder()
                    .sql_run_configurations(
                        SqlRunConfiguration::builder()
                            .input_id("9.9")
                            .input_starting_position_configuration(
                                InputStartingPositionConfiguration::builder().build(),
                            )
                            .build()
                            .unwrap(),
                    )
                    .build(),
            )
            .send()
            .await,
    );
    assert_eq!(position.0, "InvalidArgumentException");
    assert_eq!(world.describe().await.application_version_id, 3, "nothing of this was kept");

    let unknown = error(client.list_application_snapshots().application_name(APPLICATION).send().await);
    assert_eq!(unknown.0, "UnsupportedOperationException");
    assert!(unknown.1.contains("ListApplicationSnapshots"), "{}", unknown.1);

    let (_, key) = world.sandbox.another_account().await;
    for other in [world.sandbox.sdk_as(&key, REGION), world.sandbox.sdk_as(&world.sandbox.key, "eu-west-1")] {
        let other = Client::new(&other);
        assert!(other.list_applications().send().await.unwrap().application_summaries().is_empty());
        let theirs = other.describe_application().application_name(APPLICATION).send().await.unwrap_err();
        assert!(theirs.into_service_error().is_resource_not_found_exception());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_are_listed_in_pages() {
    let world = World::new().await;
    for name in ["c", "a", "b", "e", "d"] {
        let create = world.client.create_application().application_name(name).service_execution_role(&world.role);
        create.runtime_environment(RuntimeEnvironment::Sql10).send().await.unwrap();
    }
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let page = world.client.list_applications().limit(2).set_next_token(token).send().await.unwrap();
        assert!(page.application_summaries().len() <= 2);
        names.extend(page.application_summaries().iter().map(|summary| summary.application_name.clone()));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert_eq!(error(world.client.list_applications().limit(0).send().await).0, "InvalidRequestException");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_is_discovered_from_the_records() {
    let world = World::new().await;
    let discover = || {
        let discover = world.client.discover_input_schema().service_execution_role(&world.role);
        discover.resource_arn(&world.stream)
    };
    let firehose = aws_sdk_firehose::Client::new(&world.sandbox.sdk());
    let put = async |data: &str| {
        let record = aws_sdk_firehose::types::Record::builder();
        let record = record.data(aws_sdk_firehose::primitives::Blob::new(data)).build().unwrap();
        firehose.put_record().delivery_stream_name("clicks").record(record).send().await.unwrap();
    };
    let rows = "Main_Page\tParis,_\"Texas\"\tlink\t42\nother-search\tÎle_d’Yeu\texternal\t7\n";
    // The stream does not buffer, so that discovery has to wait for what comes.
    let send = async || loop {
        put(rows).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let meanwhile = async |discovery| {
        tokio::select! {
            found = discovery => found,
            () = send() => panic!("sending has no end"),
        }
    };
    let found = meanwhile(discover().send()).await.unwrap();
    let schema = found.input_schema.as_ref().unwrap();
    let format = schema.record_format.as_ref().unwrap();
    assert_eq!(format.record_format_type, RecordFormatType::Csv);
    let csv = format.mapping_parameters.as_ref().unwrap().csv_mapping_parameters.as_ref().unwrap();
    assert_eq!((csv.record_row_delimiter.as_str(), csv.record_column_delimiter.as_str()), ("\n", "\t"));
    let columns: Vec<_> = schema.record_columns.iter().map(|column| column.sql_type.as_str()).collect();
    assert_eq!(columns, ["VARCHAR(16)", "VARCHAR(16)", "VARCHAR(8)", "INTEGER"]);
    assert_eq!(found.parsed_input_records()[1], ["other-search", "Île_d’Yeu", "external", "7"]);

    // A preprocessor that answers otherwise than it should is what a learner wants to hear of here.
    let lambda = aws_sdk_lambda::Client::new(&world.sandbox.sdk());
    let role = function_role(&world.sandbox.sdk()).await;
    create_function(&lambda, &role, "Clean", "def handler(event, context): return {'records': []}", 10).await;
    let processor = InputLambdaProcessor::builder().resource_arn(world.function("Clean")).build().unwrap();
    let processing = InputProcessingConfiguration::builder().input_lambda_processor(processor).build();
    let failed = meanwhile(discover().input_processing_configuration(processing).send()).await.unwrap_err();
    let failed = failed.into_service_error();
    let DiscoverInputSchemaError::UnableToDetectSchemaException(failed) = failed else { panic!("{failed:?}") };
    assert!(failed.message().unwrap().contains("did not answer the record"), "{failed:?}");
    assert_eq!(failed.raw_input_records()[0], rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_survive_a_restart() {
    let world = World::new().await;
    let before = world.create_whole().await;
    let world = world.restart().await;
    assert_eq!(world.describe().await, before);
    world.start(InputStartingPosition::Now).await;
    world.wait_for(ApplicationStatus::Running).await;
    let world = world.restart().await;
    world.wait_for(ApplicationStatus::Running).await;
    world.client.stop_application().application_name(APPLICATION).send().await.unwrap();
    // Without waiting: what was begun must come to its end after the restart.
    let world = world.restart().await;
    world.wait_for(ApplicationStatus::Ready).await;
    world.start(InputStartingPosition::LastStoppedPoint).await;
    world.wait_for(ApplicationStatus::Running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cli_does_the_same() {
    let world = World::new().await;
    let sandbox = &world.sandbox;
    let kda = async |arguments: &[&str]| {
        let arguments: Vec<&str> = ["kinesisanalyticsv2"].iter().chain(arguments).copied().collect();
        sandbox.aws_json(&arguments).await
    };
    let schema = json!({
        "RecordFormat": { "RecordFormatType": "CSV", "MappingParameters": { "CSVMappingParameters":
            { "RecordRowDelimiter": "\n", "RecordColumnDelimiter": "\t" } } },
        "RecordEncoding": "UTF-8",
        "RecordColumns": [{ "Name": "hits", "SqlType": "INTEGER" }],
    });
    let input = json!({ "NamePrefix": "SOURCE_SQL_STREAM", "KinesisFirehoseInput": { "ResourceARN": world.stream },
        "InputSchema": schema });
    let sql = json!({
        "SqlApplicationConfiguration": { "Inputs": [input] },
        "ApplicationCodeConfiguration": { "CodeContentType": "PLAINTEXT", "CodeContent": { "TextContent": SQL } },
    });
    let name = ["--application-name", APPLICATION];
    let created = kda(&[
        "create-application",
        name[0],
        name[1],
        "--runtime-environment",
        "SQL-1_0",
        "--service-execution-role",
        &world.role,
        "--application-configuration",
        &sql.to_string(),
    ])
    .await;
    assert_eq!(created["ApplicationDetail"]["ApplicationStatus"], "READY");
    let processing = json!({ "InputLambdaProcessor": { "ResourceARN": world.function("Clean") } }).to_string();
    let added = kda(&[
        "add-application-input-processing-configuration",
        name[0],
        name[1],
        "--current-application-version-id",
        "1",
        "--input-id",
        "1.1",
        "--input-processing-configuration",
        &processing,
    ])
    .await;
    assert_eq!((&added["ApplicationVersionId"], &added["InputId"]), (&json!(2), &json!("1.1")));
    let output = json!({ "Name": "OUT", "LambdaOutput": { "ResourceARN": world.function("Store") },
        "DestinationSchema": { "RecordFormatType": "JSON" } })
    .to_string();
    kda(&[
        "add-application-output",
        name[0],
        name[1],
        "--current-application-version-id",
        "2",
        "--application-output",
        &output,
    ])
    .await;
    let run = json!({ "SqlRunConfigurations": [{ "InputId": "1.1",
        "InputStartingPositionConfiguration": { "InputStartingPosition": "NOW" } }] })
    .to_string();
    kda(&["start-application", name[0], name[1], "--run-configuration", &run]).await;
    world.wait_for(ApplicationStatus::Running).await;
    let detail = kda(&["describe-application", name[0], name[1]]).await;
    let position = "/ApplicationDetail/ApplicationConfigurationDescription/SqlApplicationConfigurationDescription\
                    /InputDescriptions/0/InputStartingPositionConfiguration/InputStartingPosition";
    assert_eq!(detail.pointer(position), Some(&json!("NOW")));
    let listed = kda(&["list-applications"]).await;
    assert_eq!(listed["ApplicationSummaries"][0]["ApplicationName"], APPLICATION);
    let wrong = sandbox
        .aws_error(&[
            "kinesisanalyticsv2",
            "update-application",
            name[0],
            name[1],
            "--current-application-version-id",
            "3",
            "--application-configuration-update",
            r#"{"ApplicationCodeConfigurationUpdate":{"CodeContentUpdate":{"TextContentUpdate":"SELECT 1"}}}"#,
        ])
        .await;
    assert!(
        wrong.contains("(CodeValidationException) when calling the UpdateApplication operation: The SQL"),
        "{wrong}"
    );
    kda(&["stop-application", name[0], name[1]]).await;
    world.wait_for(ApplicationStatus::Ready).await;
    // As the lab's text has it: the time as text, put back as it was told.
    let time = detail["ApplicationDetail"]["CreateTimestamp"].clone();
    let time = time.as_str().map_or_else(|| time.to_string(), str::to_owned);
    kda(&["delete-application", name[0], name[1], "--create-timestamp", &time]).await;
    let absent = sandbox.aws_error(&["kinesisanalyticsv2", "start-application", name[0], name[1]]).await;
    let gone = "(ResourceNotFoundException)";
    assert!(absent.contains(gone) || absent.contains("(ResourceInUseException)"), "{absent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_does_the_same() {
    let world = World::new().await;
    let program = format!(
        r#"
import boto3, botocore, json, time
kda = boto3.client("kinesisanalyticsv2")
def code(action, **arguments):
    try:
        action(**arguments)
        return "accepted"
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
name = {{"ApplicationName": "{APPLICATION}"}}
sql = {sql}
kda.create_application(**name, RuntimeEnvironment="SQL-1_0", ServiceExecutionRole="{role}",
    ApplicationConfiguration={{"ApplicationCodeConfiguration": {{"CodeContentType": "PLAINTEXT", "CodeContent": {{"TextContent": sql}}}}}})
schema = {{"RecordFormat": {{"RecordFormatType": "JSON", "MappingParameters": {{"JSONMappingParameters": {{"RecordRowPath": "$"}}}}}},
    "RecordColumns": [{{"Name": "hits", "Mapping": "$.hits", "SqlType": "INTEGER"}}]}}
added = kda.add_application_input(**name, CurrentApplicationVersionId=1, Input={{"NamePrefix": "SOURCE_SQL_STREAM",
    "KinesisFirehoseInput": {{"ResourceARN": "{stream}"}}, "InputSchema": schema}})
answers = [added["InputDescriptions"][0]["InAppStreamNames"][0]]
answers.append(code(kda.add_application_output, **name, CurrentApplicationVersionId=1, Output={{"Name": "OUT",
    "LambdaOutput": {{"ResourceARN": "{function}"}}, "DestinationSchema": {{"RecordFormatType": "JSON"}}}}))
answers.append(code(kda.update_application, **name, CurrentApplicationVersionId=2, ApplicationConfigurationUpdate={{
    "ApplicationCodeConfigurationUpdate": {{"CodeContentUpdate": {{"TextContentUpdate": "CREATE"}}}}}}))
answers.append(code(kda.create_application_snapshot, **name, SnapshotName="one"))
kda.start_application(**name, RunConfiguration={{}})
while kda.describe_application(**name)["ApplicationDetail"]["ApplicationStatus"] != "RUNNING": time.sleep(0.05)
answers.append(code(kda.start_application, **name))
detail = kda.describe_application(**name)["ApplicationDetail"]
kda.delete_application(**name, CreateTimestamp=detail["CreateTimestamp"])
while code(kda.describe_application, **name) == "accepted": time.sleep(0.05)
answers.append(code(kda.describe_application, **name))
answers.append(kda.list_applications()["ApplicationSummaries"])
print(json.dumps(answers))
"#,
        sql = json!(SQL),
        role = world.role,
        stream = world.stream,
        function = world.function("Store"),
    );
    let printed = world.sandbox.python(&program).await;
    let answers: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        answers,
        json!([
            "SOURCE_SQL_STREAM_001",
            "ConcurrentModificationException",
            "CodeValidationException",
            "UnsupportedOperationException",
            "ResourceInUseException",
            "ResourceNotFoundException",
            [],
        ])
    );
}

/// Every operation of the service is either offered or refused by its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_is_silently_unknown() {
    let sandbox = TestSandbox::start().await;
    let program = r#"
import boto3, botocore, json
client = boto3.client("kinesisanalyticsv2")
model = client.meta.service_model
def placeholder(shape, depth=0):
    kind = shape.type_name
    if kind == "structure":
        names = shape.required_members if depth < 6 else []
        return {name: placeholder(shape.members[name], depth + 1) for name in names}
    if kind == "list": return [placeholder(shape.member, depth + 1)] if shape.metadata.get("min") else []
    if kind == "map": return {}
    if kind == "string": return shape.enum[0] if shape.enum else "x" * shape.metadata.get("min", 1)
    if kind == "boolean": return True
    if kind == "timestamp": return 1
    if kind == "blob": return b""
    return max(1, shape.metadata.get("min", 1))
answers = {}
for name in model.operation_names:
    shape = model.operation_model(name).input_shape
    try:
        getattr(client, botocore.xform_name(name))(**(placeholder(shape) if shape else {}))
        answers[name] = "accepted"
    except botocore.exceptions.ClientError as error:
        answers[name] = error.response["Error"]["Code"] + ": " + error.response["Error"]["Message"]
print(json.dumps(answers))
"#;
    let answers: Value = serde_json::from_str(&sandbox.python(program).await).unwrap();
    let answers = answers.as_object().unwrap();
    assert!(answers.len() >= 33, "{answers:?}");
    let mut refused = BTreeSet::new();
    for (name, answer) in answers {
        let answer = answer.as_str().unwrap();
        assert!(!answer.starts_with("Internal") && !answer.starts_with("UnknownOperation"), "{name}: {answer}");
        if answer.starts_with("UnsupportedOperationException") && name != "CreateApplication" {
            assert!(answer.contains(name.as_str()) || name.contains("ReferenceData"), "{name}: {answer}");
            refused.insert(name);
        }
    }
    for offered in ["CreateApplication", "DescribeApplication", "StartApplication", "DiscoverInputSchema"] {
        assert!(!refused.contains(&offered.to_owned()), "{offered}");
    }
}
