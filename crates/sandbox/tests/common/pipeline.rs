//! The lab's pipeline as a learner makes it, with short windows, and clicks whose counts are known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record;
use aws_sdk_kinesisanalyticsv2::types::{
    ApplicationCodeConfiguration, ApplicationConfiguration, ApplicationStatus, CodeContent, CodeContentType,
    CsvMappingParameters, DestinationSchema, Input, InputLambdaProcessor, InputProcessingConfiguration,
    InputStartingPosition, InputStartingPositionConfiguration, KinesisFirehoseInput, LambdaOutput, MappingParameters,
    Output, RecordColumn, RecordFormat, RecordFormatType, RunConfiguration, RuntimeEnvironment, SourceSchema,
    SqlApplicationConfiguration, SqlRunConfiguration,
};

use super::functions::{create_function, function_role, role_for, wait_until_active, zip};
use super::streams::{create_stream, s3};

/// The lab's own functions and SQL.
pub const PREPROCESS: &str = include_str!("../../../lab/content/functions/preprocess/lambda_function.py");
pub const STORE: &str = include_str!("../../../lab/content/functions/store/lambda_function.py");
const SQL: &str = include_str!("../../../lab/content/sql/window_counts.sql");

const STREAM: &str = "ClickStreamData";
const BUCKET: &str = "lake-of-clicks";
const APPLICATION: &str = "ClickstreamAnalytics";
const TABLE: &str = "counts";
const WINDOW_SECONDS: u32 = 2;
/// As many as a window's top pages, so that every page has its place there.
const PAGES: [&str; 10] = [
    "Main_Page",
    "Paris,_Texas",
    "The_\"Seine\",_river",
    "Zürich",
    "東京",
    "Île_d’Yeu",
    "O'Brien",
    "😀_(emoji)",
    "100%_$#;",
    "a\\b",
];

/// What clicks must come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sum of the hits.
    pub views: i64,
    /// Rows of each page.
    pub rows: BTreeMap<String, i64>,
}

/// Clicks one after the other, good and bad, with their counts.
#[derive(Debug, Default)]
pub struct Clicks {
    made: usize,
    pub counts: Counts,
    /// Bytes of all records so far.
    pub bytes: usize,
}

impl Clicks {
    /// The next records, each with several lines.
    pub fn next(&mut self, records: usize) -> Vec<Vec<u8>> {
        (0..records).map(|_| self.record()).collect()
    }

    fn record(&mut self) -> Vec<u8> {
        let number = self.made;
        self.made += 1;
        let record = match number % 23 {
            7 => br#"{"TICKER_SYMBOL":"QXZ","SECTOR":"HEALTHCARE","CHANGE":-0.05,"PRICE":84.51}"#.to_vec(),
            // Good but for one byte, which makes the whole record unreadable.
            11 => b"Main_Page\tZ\xfcrich\tlink\t5\n".to_vec(),
            13 => b"\n".to_vec(),
            15 => b"a\tb\tc\n".to_vec(),
            _ => self.rows(number).into_bytes(),
        };
        self.bytes += record.len();
        record
    }

    fn rows(&mut self, number: usize) -> String {
        let bad = [
            "no columns",
            "Main_Page\tZürich\tlink",
            "Main_Page\tZürich\tlink\tmany",
            "Main_Page\tZürich\tLink\t3",
            "\tZürich\tlink\t3",
            "Main_Page\t\tlink\t3",
            "Main_Page\tZürich\tlink\t0",
            "Main_Page\tZürich\tlink\t2147483648",
            "Main_Page\tZürich\tlink\t3\t4",
        ];
        let mut lines = vec![bad[number % bad.len()].to_owned()];
        for line in 0..1 + number % 5 {
            let page = PAGES[(number * 7 + line * 3) % PAGES.len()];
            let previous = PAGES[(number + line) % PAGES.len()];
            let link = ["link", "external", "other"][number % 3];
            let hits = 1 + (number * 31 + line) % 97;
            lines.insert(line % 2, format!("{previous}\t{page}\t{link}\t{hits}"));
            self.counts.views += hits as i64;
            *self.counts.rows.entry(page.to_owned()).or_default() += 1;
        }
        let end = if number.is_multiple_of(4) { "\r\n" } else { "\n" };
        // The last line of a record needs no end.
        if number.is_multiple_of(6) { lines.join(end) } else { lines.join(end) + end }
    }
}

/// What the table says.
#[derive(Debug, Default)]
pub struct Table {
    pub counts: Counts,
    /// Different pages by the end of their window, as counted, and as the top pages of that window show.
    pub distinct: BTreeMap<String, i64>,
    pub shown: BTreeMap<String, i64>,
    pub windows: usize,
    /// All metrics there are.
    pub metrics: BTreeSet<String>,
}

/// The lab's SQL for windows of so many seconds.
pub fn sql_of_the_lab(window_seconds: u32) -> String {
    let sql = SQL
        .replace("{{window_interval}}", &format!("INTERVAL '{window_seconds}' SECOND"))
        .replace("{{window_seconds}}", &window_seconds.to_string());
    assert!(!sql.contains("{{"), "{sql}");
    sql
}

/// SQL as part of an application.
pub fn code(sql: &str) -> ApplicationCodeConfiguration {
    ApplicationCodeConfiguration::builder()
        .code_content(CodeContent::builder().text_content(sql).build())
        .code_content_type(CodeContentType::Plaintext)
        .build()
        .unwrap()
}

/// The lab's input, as yet without a preprocessor, from the delivery stream with this ARN.
pub fn input(stream: &str) -> Input {
    let csv = CsvMappingParameters::builder().record_row_delimiter("\n").record_column_delimiter("\t").build();
    let format = RecordFormat::builder()
        .record_format_type(RecordFormatType::Csv)
        .mapping_parameters(MappingParameters::builder().csv_mapping_parameters(csv.unwrap()).build())
        .build();
    let mut schema = SourceSchema::builder().record_format(format.unwrap()).record_encoding("UTF-8");
    for (name, sql_type) in
        [("prev_page", "VARCHAR(512)"), ("curr_page", "VARCHAR(512)"), ("link_type", "VARCHAR(8)"), ("hits", "INTEGER")]
    {
        schema = schema.record_columns(RecordColumn::builder().name(name).sql_type(sql_type).build().unwrap());
    }
    Input::builder()
        .name_prefix("SOURCE_SQL_STREAM")
        .kinesis_firehose_input(KinesisFirehoseInput::builder().resource_arn(stream).build().unwrap())
        .input_schema(schema.build().unwrap())
        .build()
        .unwrap()
}

/// The lab's output, to the function with this ARN.
pub fn output(function: &str) -> Output {
    Output::builder()
        .name("WINDOW_COUNTS")
        .lambda_output(LambdaOutput::builder().resource_arn(function).build().unwrap())
        .destination_schema(DestinationSchema::builder().record_format_type(RecordFormatType::Json).build().unwrap())
        .build()
        .unwrap()
}

/// Makes a table with the partition key `metric` and this sort key.
pub async fn create_table(sdk: &SdkConfig, name: &str, sort_key: &str) {
    let key = |name: &str, role| KeySchemaElement::builder().attribute_name(name).key_type(role).build().unwrap();
    let text = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
    let create = dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    create
        .key_schema(key("metric", KeyType::Hash))
        .key_schema(key(sort_key, KeyType::Range))
        .attribute_definitions(text("metric"))
        .attribute_definitions(text(sort_key))
        .send()
        .await
        .unwrap();
}

/// The pipeline in one account.
pub struct Pipeline {
    pub sdk: SdkConfig,
    account: String,
}

impl Pipeline {
    /// Makes everything, with these functions, and starts the application.
    pub async fn build(sdk: SdkConfig, account: &str, preprocess: &str, store: &str) -> Self {
        let pipeline = Self { sdk, account: account.to_owned() };
        let sdk = &pipeline.sdk;
        let stream = create_stream(sdk, STREAM, BUCKET).await;
        create_table(sdk, TABLE, "window_end").await;
        let lambda = aws_sdk_lambda::Client::new(sdk);
        let role = function_role(sdk).await;
        create_function(&lambda, &role, "Preprocess", preprocess, 60).await;
        create_function(&lambda, &role, "Store", store, 60).await;
        let role = role_for(sdk, "HeadwaterAnalyticsRole", "kinesisanalytics.amazonaws.com").await;
        let create = pipeline.analytics().create_application().application_name(APPLICATION);
        create
            .runtime_environment(RuntimeEnvironment::Sql10)
            .service_execution_role(role)
            .application_configuration(pipeline.application(&stream))
            .send()
            .await
            .unwrap();
        pipeline.start(InputStartingPosition::Now).await;
        pipeline
    }

    /// The same pipeline after its sandbox was started anew.
    pub fn at(self, sdk: SdkConfig) -> Self {
        Self { sdk, ..self }
    }

    fn analytics(&self) -> aws_sdk_kinesisanalyticsv2::Client {
        aws_sdk_kinesisanalyticsv2::Client::new(&self.sdk)
    }

    fn application(&self, stream: &str) -> ApplicationConfiguration {
        let function = |name: &str| format!("arn:aws:lambda:us-east-1:{}:function:{name}", self.account);
        let mut input = input(stream);
        let processor = InputLambdaProcessor::builder().resource_arn(function("Preprocess")).build().unwrap();
        input.input_processing_configuration =
            Some(InputProcessingConfiguration::builder().input_lambda_processor(processor).build());
        let sql = SqlApplicationConfiguration::builder().inputs(input).outputs(output(&function("Store")));
        ApplicationConfiguration::builder()
            .sql_application_configuration(sql.build())
            .application_code_configuration(code(&sql_of_the_lab(WINDOW_SECONDS)))
            .build()
    }

    /// Starts the application and waits until it runs.
    pub async fn start(&self, position: InputStartingPosition) {
        let position = InputStartingPositionConfiguration::builder().input_starting_position(position).build();
        let input = SqlRunConfiguration::builder()
            .input_id("1.1")
            .input_starting_position_configuration(position)
            .build()
            .unwrap();
        let run = RunConfiguration::builder().sql_run_configurations(input).build();
        self.analytics().start_application().application_name(APPLICATION).run_configuration(run).send().await.unwrap();
        self.wait_for(ApplicationStatus::Running).await;
    }

    /// Stops the application and waits until it is stopped.
    pub async fn stop(&self) {
        self.analytics().stop_application().application_name(APPLICATION).send().await.unwrap();
        self.wait_for(ApplicationStatus::Ready).await;
    }

    /// Waits until the application has this status.
    pub async fn wait_for(&self, status: ApplicationStatus) {
        let reached = async {
            loop {
                let described = self.analytics().describe_application().application_name(APPLICATION).send().await;
                if described.unwrap().application_detail.unwrap().application_status == status {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached).await.expect("the application must get there");
    }

    /// Gives a function new code and waits until it has taken effect.
    pub async fn mend(&self, function: &str, source: &str) {
        let lambda = aws_sdk_lambda::Client::new(&self.sdk);
        let code = Blob::new(zip(source));
        lambda.update_function_code().function_name(function).zip_file(code).send().await.unwrap();
        wait_until_active(&lambda, function).await;
    }

    /// Sends records; all must be accepted.
    pub async fn send(&self, records: Vec<Vec<u8>>) {
        let firehose = aws_sdk_firehose::Client::new(&self.sdk);
        let records =
            records.into_iter().map(|data| Record::builder().data(Blob::new(data)).build().unwrap()).collect();
        let sent = firehose.put_record_batch().delivery_stream_name(STREAM).set_records(Some(records)).send().await;
        assert_eq!(sent.unwrap().failed_put_count, 0);
    }

    /// Reads the whole table.
    pub async fn table(&self) -> Table {
        let dynamodb = aws_sdk_dynamodb::Client::new(&self.sdk);
        let mut items = dynamodb.scan().table_name(TABLE).consistent_read(true).into_paginator().items().send();
        let mut table = Table::default();
        let number = |value: &AttributeValue| value.as_n().unwrap().parse::<i64>().unwrap();
        while let Some(item) = items.next().await {
            let item = item.unwrap();
            let metric = item["metric"].as_s().unwrap().clone();
            let window_end = item["window_end"].as_s().unwrap().clone();
            match metric.as_str() {
                "views" => {
                    table.counts.views += number(&item["amount"]);
                    table.windows += 1;
                }
                "distinct_pages" => {
                    table.distinct.insert(window_end, number(&item["amount"]));
                }
                // Between its two writes an item of top pages has none yet.
                "top_pages" => {
                    let pages = item["pages"].as_m().unwrap();
                    table.shown.insert(window_end, pages.len() as i64);
                    for (page, amount) in pages {
                        *table.counts.rows.entry(page.clone()).or_default() += number(amount);
                    }
                }
                _ => {}
            }
            table.metrics.insert(metric);
        }
        table
    }

    /// Waits for a table with this property.
    pub async fn wait_for_table(&self, what: &str, mut is_there: impl FnMut(&Table) -> bool) -> Table {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let table = self.table().await;
            if is_there(&table) {
                return table;
            }
            assert!(tokio::time::Instant::now() < deadline, "{what}: {table:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing is under way any more, and compares what arrived with what was sent.
    pub async fn must_have_counted(&self, clicks: &mut Clicks) {
        let before = clicks.counts.clone();
        self.wait_for_table("all views must arrive", |table| table.counts.views >= before.views).await;
        // Windows are given out in their order: with one more, all that could still come of the earlier ones is there.
        let windows = self.table().await.windows;
        while clicks.counts == before {
            self.send(clicks.next(1)).await;
        }
        let sent = clicks.counts.clone();
        let table = self
            .wait_for_table("the last window must arrive", |table| {
                table.windows > windows && table.counts.rows.values().sum::<i64>() >= sent.rows.values().sum()
            })
            .await;
        assert_eq!(table.counts, sent);
        let names: Vec<&str> =
            table.metrics.iter().map(String::as_str).filter(|name| !name.ends_with("failed")).collect();
        assert_eq!(names, ["distinct_pages", "top_pages", "views"]);
        assert_eq!(table.distinct, table.shown);
        assert_eq!(table.distinct.len(), table.windows);
    }

    /// Waits until the bucket holds so many bytes.
    pub async fn must_have_delivered(&self, bytes: usize) {
        let delivered = async {
            loop {
                let listed = s3(&self.sdk).list_objects_v2().bucket(BUCKET).send().await.unwrap();
                assert_eq!(listed.is_truncated, Some(false));
                let sum: i64 = listed.contents().iter().filter_map(|object| object.size).sum();
                if sum == bytes as i64 {
                    return;
                }
                assert!(sum < bytes as i64, "{sum} bytes of {bytes}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), delivered).await.expect("every record must be delivered to S3");
    }
}
