//! Runs against a fake log and fake functions, with a clock that the tests move and kills at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::macros::datetime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::Database;
use crate::analytics::model::{Input, Output};
use crate::lambda::Invocation;

const CODE: &str = r#"
CREATE OR REPLACE STREAM "WINDOW_COUNTS" ("metric" VARCHAR(32), "item" VARCHAR(512), "window_end" TIMESTAMP, "amount" BIGINT);
CREATE OR REPLACE PUMP "VIEWS" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'views', '', STEP(ROWTIME BY INTERVAL '10' SECOND) + INTERVAL '10' SECOND, SUM("hits")
FROM "SOURCE_SQL_STREAM_001" GROUP BY STEP(ROWTIME BY INTERVAL '10' SECOND);
CREATE OR REPLACE PUMP "DISTINCT" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'distinct', '', ROWTIME, NUMBER_OF_DISTINCT_ITEMS
FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 'page', 10));
CREATE OR REPLACE PUMP "TOP" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'top', ITEM, ROWTIME, ITEM_COUNT
FROM TABLE(TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 'page', 100, 10));
"#;

/// Windows of windows, and windows that begin at other times: the checkpoint lies inside some of them.
const CHAIN: &str = r#"
CREATE OR REPLACE PUMP "MINUTES" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'minute', '', ROWTIME, SUM(w."amount") FROM "WINDOW_VIEWS" AS w GROUP BY FLOOR(w.ROWTIME TO MINUTE);
CREATE OR REPLACE STREAM "WINDOW_VIEWS" ("amount" BIGINT);
CREATE OR REPLACE PUMP "TO_MINUTES" AS INSERT INTO "WINDOW_VIEWS"
SELECT STREAM SUM("hits") FROM "SOURCE_SQL_STREAM_001" GROUP BY STEP(ROWTIME BY INTERVAL '10' SECOND);
CREATE OR REPLACE PUMP "OTHERS" AS INSERT INTO "WINDOW_COUNTS"
SELECT STREAM 'other', '', ROWTIME, COUNT(*) FROM "SOURCE_SQL_STREAM_001"
GROUP BY STEP(ROWTIME BY INTERVAL '45' SECOND);
"#;

const PREPROCESSOR: &str = "arn:aws:lambda:us-east-1:111122223333:function:Preprocess";
const STORE: &str = "arn:aws:lambda:us-east-1:111122223333:function:Store";

struct FakeLog {
    records: Mutex<Vec<LogRecord>>,
    next: watch::Sender<i64>,
    acknowledged: Mutex<i64>,
}

#[async_trait]
impl InputLog for FakeLog {
    async fn next_sequence(&self, _scope: &Scope, _stream: &str) -> Result<i64, AwsError> {
        Ok(*self.next.borrow())
    }

    async fn acknowledge(&self, _reader: &LogReader, sequence: i64) -> Result<(), AwsError> {
        // what was acknowledged is gone, so that a replay that needs it comes out wrong
        self.records.lock().unwrap().retain(|record| record.sequence >= sequence);
        *self.acknowledged.lock().unwrap() = sequence;
        Ok(())
    }

    async fn forget_reader(&self, _reader: &LogReader) -> Result<(), AwsError> {
        Ok(())
    }

    async fn read_log(
        &self,
        _scope: &Scope,
        _stream: &str,
        sequence: i64,
        limit: usize,
    ) -> Result<Vec<LogRecord>, AwsError> {
        let records = self.records.lock().unwrap();
        Ok(records.iter().filter(|record| record.sequence >= sequence).take(limit.min(3)).cloned().collect())
    }

    async fn watch_log(&self, _scope: &Scope, _stream: &str) -> Result<watch::Receiver<i64>, AwsError> {
        Ok(self.next.subscribe())
    }
}

/// One delivered row as metric, item and window end, and the amounts that were ever delivered for it.
type Deliveries = BTreeMap<(String, String, String), Vec<i64>>;

#[derive(Default)]
struct FakeFunctions {
    deliveries: Mutex<Deliveries>,
    other_rows: Mutex<Vec<Value>>,
    retry_hints: Mutex<Vec<u64>>,
    /// The records of each invocation of the preprocessor.
    preprocessed: Mutex<Vec<Vec<Value>>>,
    /// So many invocations fail next.
    fail_preprocessing: AtomicU32,
    fail_delivery: AtomicU32,
    /// Refuse every record but the first so many times.
    refuse_records: AtomicU32,
}

fn take_one(counter: &AtomicU32) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl InvokeFunction for FakeFunctions {
    async fn invoke(&self, _: &Scope, _: &str, function: &str, payload: Bytes) -> Result<Invocation, AwsError> {
        tokio::task::yield_now().await;
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let records = event["records"].as_array().unwrap();
        let answer: Vec<Value> = if function == PREPROCESSOR {
            self.preprocessed.lock().unwrap().push(records.clone());
            if take_one(&self.fail_preprocessing) {
                let payload = r#"{"errorType": "KeyError", "errorMessage": "'records'"}"#;
                return Ok(invocation(payload.into(), Some("Unhandled")));
            }
            records.iter().map(preprocessed).collect()
        } else {
            if take_one(&self.fail_delivery) {
                return Err(AwsError::client("TooManyRequestsException", "Rate Exceeded."));
            }
            let refuse = take_one(&self.refuse_records);
            records.iter().enumerate().map(|(index, record)| self.store(record, refuse && index > 0)).collect()
        };
        tokio::task::yield_now().await;
        Ok(invocation(json!({ "records": answer }).to_string(), None))
    }
}

fn preprocessed(record: &Value) -> Value {
    let data = STANDARD.decode(record["data"].as_str().unwrap()).unwrap();
    match data.as_slice() {
        b"drop" => json!({ "recordId": record["recordId"], "result": "Dropped" }),
        b"fail" => json!({ "recordId": record["recordId"], "result": "ProcessingFailed" }),
        _ => json!({ "recordId": record["recordId"], "result": "Ok", "data": record["data"] }),
    }
}

impl FakeFunctions {
    fn store(&self, record: &Value, refuse: bool) -> Value {
        let row: Value = serde_json::from_slice(&STANDARD.decode(record["data"].as_str().unwrap()).unwrap()).unwrap();
        self.retry_hints.lock().unwrap().push(record["lambdaDeliveryRecordMetadata"]["retryHint"].as_u64().unwrap());
        if refuse {
            return json!({ "recordId": record["recordId"], "result": "DeliveryFailed" });
        }
        let text = |member: &str| row[member].as_str().unwrap_or_default().to_owned();
        match row["amount"].as_i64() {
            Some(amount) => {
                let key = (text("metric"), text("item"), text("window_end"));
                self.deliveries.lock().unwrap().entry(key).or_default().push(amount);
            }
            None => self.other_rows.lock().unwrap().push(row),
        }
        json!({ "recordId": record["recordId"], "result": "Ok" })
    }

    /// The table that an idempotent writer would have: the last amount of each key.
    fn table(&self) -> BTreeMap<(String, String, String), i64> {
        let deliveries = self.deliveries.lock().unwrap();
        deliveries.iter().map(|(key, amounts)| (key.clone(), *amounts.last().unwrap())).collect()
    }

    fn total(&self, metric: &str) -> i64 {
        self.table().iter().filter(|((name, _, _), _)| name == metric).map(|(_, amount)| amount).sum()
    }
}

fn invocation(payload: String, function_error: Option<&str>) -> Invocation {
    Invocation {
        payload: payload.into(),
        function_error: function_error.map(str::to_owned),
        log_tail: Bytes::new(),
        executed_version: "$LATEST".to_owned(),
    }
}

struct World {
    _folder: TempDir,
    clock: Clock,
    log: Arc<FakeLog>,
    functions: Arc<FakeFunctions>,
    repository: Repository,
    definition: Definition,
    id: i64,
    run: Option<(CancellationToken, JoinHandle<()>)>,
}

impl World {
    async fn new(code: &str, output: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("test.sqlite3")).await.unwrap();
        let clock = Clock::manual(datetime!(2026-11-24 19:00:00 UTC));
        let repository = Repository::new(database, clock.clone());
        let input: Input = serde_json::from_value(json!({
            "NamePrefix": "SOURCE_SQL_STREAM",
            "InputProcessingConfiguration": { "InputLambdaProcessor": { "ResourceARN": PREPROCESSOR } },
            "KinesisFirehoseInput": { "ResourceARN": "arn:aws:firehose:us-east-1:111122223333:deliverystream/Clicks" },
            "InputSchema": {
                "RecordFormat": {
                    "RecordFormatType": "CSV",
                    "MappingParameters": { "CSVMappingParameters": { "RecordRowDelimiter": "\n", "RecordColumnDelimiter": "\t" } },
                },
                "RecordColumns": [{ "Name": "page", "SqlType": "VARCHAR(64)" }, { "Name": "hits", "SqlType": "INTEGER" }],
            },
        }))
        .unwrap();
        let output: Output = serde_json::from_value(json!({
            "Name": output,
            "LambdaOutput": { "ResourceARN": STORE },
            "DestinationSchema": { "RecordFormatType": "JSON" },
        }))
        .unwrap();
        let definition = Definition {
            description: None,
            role: "arn:aws:iam::111122223333:role/Analytics".to_owned(),
            code: Some(code.to_owned()),
            input: Some(super::super::model::KeptInput { id: "1.1".to_owned(), input, starting_position: None }),
            outputs: vec![KeptOutput { id: "1.1".to_owned(), output }],
            log_streams: Vec::new(),
        };
        let scope = Scope { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() };
        let id = repository.insert(&scope, "Application", &definition, &[]).await.unwrap().id;
        repository.start_afresh(id, 0).await.unwrap();
        let log = FakeLog { records: Mutex::default(), next: watch::channel(0).0, acknowledged: Mutex::default() };
        Self {
            _folder: folder,
            clock,
            log: Arc::new(log),
            functions: Arc::default(),
            repository,
            definition,
            id,
            run: None,
        }
    }

    fn start(&mut self) {
        let sources = sources(&self.definition).unwrap();
        let input = &self.definition.input.as_ref().unwrap().input;
        let context = Context {
            id: self.id,
            scope: Scope { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() },
            arn: "arn:aws:kinesisanalytics:us-east-1:111122223333:application/Application".to_owned(),
            role: self.definition.role.clone(),
            stream: "Clicks".to_owned(),
            stream_arn: "arn:aws:firehose:us-east-1:111122223333:deliverystream/Clicks".to_owned(),
            preprocessor: Some(PREPROCESSOR.to_owned()),
            format: InputFormat::new(&input.input_schema).unwrap(),
            program: Arc::new(Program::compile(self.definition.code.as_ref().unwrap(), &sources).unwrap()),
            outputs: self.definition.outputs.clone(),
            clock: self.clock.clone(),
            log: Arc::clone(&self.log) as Arc<dyn InputLog>,
            functions: Arc::clone(&self.functions) as Arc<dyn InvokeFunction>,
            repository: self.repository.clone(),
            backoff: |_| Duration::from_millis(1),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(Arc::new(context), stop.clone()));
        self.run = Some((stop, task));
    }

    async fn stop(&mut self) {
        let (stop, task) = self.run.take().unwrap();
        stop.cancel();
        task.await.unwrap();
    }

    /// Ends the run between any two awaits, with nothing tidied up.
    async fn kill(&mut self) {
        let (_, task) = self.run.take().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    fn send(&self, data: &str) {
        let next = *self.log.next.borrow();
        let record = LogRecord {
            sequence: next,
            arrival_ms: self.clock.now_ms(),
            data: Bytes::copy_from_slice(data.as_bytes()),
            origin: None,
        };
        self.log.records.lock().unwrap().push(record);
        self.log.next.send_replace(next + 1);
    }

    /// Waits until all that was sent went through the SQL.
    async fn all_read(&self) {
        let end = *self.log.next.borrow();
        self.eventually("all records are read", || async {
            self.repository.progress(self.id).await.unwrap().next_sequence == end
        })
        .await;
    }

    async fn eventually<F: Future<Output = bool>>(&self, what: &str, condition: impl Fn() -> F) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !condition().await {
            assert!(tokio::time::Instant::now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_of_an_idle_stream_closes_by_the_clock() {
    let mut world = World::new(CODE, "WINDOW_COUNTS").await;
    world.start();
    world.send("Berlin\t3\nRome\t1\n");
    world.send("drop");
    world.send("Berlin\t2\n");
    world.all_read().await;
    assert!(world.functions.table().is_empty());
    world.clock.advance(Duration::from_secs(10));
    world.eventually("the window is delivered", || async { world.functions.table().len() == 4 }).await;
    let rows: Vec<String> = world
        .functions
        .table()
        .into_iter()
        .map(|((metric, item, end), amount)| format!("{metric},{item},{end},{amount}"))
        .collect();
    insta::assert_snapshot!(rows.join("\n"), @r"
    distinct,,2026-11-24 19:00:10.000,2
    top,Berlin,2026-11-24 19:00:10.000,2
    top,Rome,2026-11-24 19:00:10.000,1
    views,,2026-11-24 19:00:10.000,6
    ");
    // an idle application that delivered all needs nothing of the log any more
    world.eventually("the log may be trimmed", || async { *world.log.acknowledged.lock().unwrap() == 3 }).await;
    world.stop().await;
}

#[tokio::test]
async fn a_failing_preprocessor_gets_the_same_batch_until_it_answers() {
    let mut world = World::new(CODE, "WINDOW_COUNTS").await;
    world.functions.fail_preprocessing.store(5, Ordering::SeqCst);
    world.start();
    world.send("Berlin\t3\n");
    world.all_read().await;
    world.clock.advance(Duration::from_secs(10));
    world.eventually("the window is delivered", || async { world.functions.total("views") == 3 }).await;
    let batches = world.functions.preprocessed.lock().unwrap().clone();
    assert_eq!(batches.len(), 6);
    assert!(batches.iter().all(|records| *records == batches[0]), "{batches:?}");
    assert_eq!(batches[0][0]["data"], STANDARD.encode("Berlin\t3\n"));
    world.stop().await;
}

#[tokio::test]
async fn only_failed_records_are_delivered_again_with_a_growing_hint() {
    let mut world = World::new(CODE, "WINDOW_COUNTS").await;
    world.functions.fail_delivery.store(1, Ordering::SeqCst);
    world.functions.refuse_records.store(2, Ordering::SeqCst);
    world.start();
    world.send("Berlin\t3\nRome\t1\n");
    world.all_read().await;
    world.clock.advance(Duration::from_secs(10));
    world.eventually("the window is delivered", || async { world.functions.table().len() == 4 }).await;
    // four records; one is taken each of the first two times, the rest at the third
    assert_eq!(*world.functions.retry_hints.lock().unwrap(), [1, 1, 1, 1, 2, 2, 2, 3, 3]);
    assert!(world.functions.deliveries.lock().unwrap().values().all(|amounts| amounts.len() == 1));
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_row_goes_to_the_error_stream() {
    let mut world = World::new(CODE, "error_stream").await;
    world.start();
    world.send("fail");
    world.send("Berlin\tmany\n");
    world.eventually("errors are delivered", || async { world.functions.other_rows.lock().unwrap().len() == 2 }).await;
    let errors: Vec<String> = world
        .functions
        .other_rows
        .lock()
        .unwrap()
        .iter()
        .map(|row| format!("{}: {} {}", row["ERROR_NAME"], row["MESSAGE"], row["DATA_ROW"]))
        .collect();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    "Preprocessing failed": "the preprocessing function answered ProcessingFailed for the record" "6661696C"
    "Coercion": "\"many\" cannot be read as INTEGER" "4265726C696E096D616E79"
    "#);
    world.stop().await;
}

#[tokio::test]
async fn a_stopped_application_resumes_inside_its_window() {
    let mut world = World::new(CODE, "WINDOW_COUNTS").await;
    world.start();
    world.send("Berlin\t3\n");
    world.all_read().await;
    world.stop().await;
    world.send("Rome\t4\n");
    world.clock.advance(Duration::from_secs(25));
    world.start();
    world.all_read().await;
    world.clock.advance(Duration::from_secs(10));
    world.eventually("both windows are delivered", || async { world.functions.total("views") == 7 }).await;
    let ends: BTreeSet<String> =
        world.functions.table().into_keys().filter(|key| key.0 == "views").map(|(_, _, end)| end).collect();
    assert_eq!(Vec::from_iter(ends), ["2026-11-24 19:00:10.000", "2026-11-24 19:00:30.000"]);
    world.stop().await;
}

#[tokio::test]
async fn a_clock_that_goes_back_does_not_open_a_delivered_window_again() {
    let mut world = World::new(CODE, "WINDOW_COUNTS").await;
    world.start();
    world.send("Berlin\t3\n");
    world.all_read().await;
    world.clock.advance(Duration::from_secs(10));
    world.eventually("the window is delivered", || async { world.functions.total("views") == 3 }).await;
    world.kill().await;
    world.clock = Clock::manual(datetime!(2026-11-24 19:00:05 UTC));
    world.start();
    world.send("Berlin\t4\n");
    world.all_read().await;
    world.clock.advance(Duration::from_secs(30));
    world.eventually("the next window is delivered", || async { world.functions.total("views") == 7 }).await;
    world.stop().await;
}

/// The checkpoint waits for the minute and lies inside a window of 45 seconds that was delivered whole: a replay from there
/// sees half of that window and must not deliver it again.
#[tokio::test]
async fn a_delivered_window_does_not_come_again_in_part() {
    let mut world = World::new(&format!("{CODE}{CHAIN}"), "WINDOW_COUNTS").await;
    world.start();
    world.clock.advance(Duration::from_secs(46));
    world.send("Berlin\t3\n");
    world.all_read().await;
    world.clock.advance(Duration::from_secs(11));
    world.send("Berlin\t4\n");
    world.all_read().await;
    world.clock.advance(Duration::from_secs(38));
    world.eventually("the window is delivered", || async { world.functions.total("other") == 2 }).await;
    world.eventually("the first record is forgotten", || async { *world.log.acknowledged.lock().unwrap() == 1 }).await;
    world.kill().await;
    world.start();
    world.clock.advance(Duration::from_secs(60));
    world.eventually("the minute is delivered", || async { world.functions.total("minute") == 7 }).await;
    world.stop().await;
    let deliveries = world.functions.deliveries.lock().unwrap();
    let other: Vec<&Vec<i64>> =
        deliveries.iter().filter(|(key, _)| key.0 == "other").map(|(_, amounts)| amounts).collect();
    assert_eq!(other, [&vec![2]]);
}

#[derive(Clone, Debug)]
enum Step {
    Send(Vec<(u8, i64)>),
    Advance(u64),
    FailPreprocessing(u32),
    FailDelivery(u32),
    Refuse(u32),
    Kill,
    Stop,
    Pause(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rows = prop::collection::vec((0_u8..5, 1_i64..100), 0..4);
    let step = prop_oneof![
        6 => rows.prop_map(Step::Send),
        4 => (1_u64..25_000).prop_map(Step::Advance),
        1 => (1_u32..4).prop_map(Step::FailPreprocessing),
        1 => (1_u32..4).prop_map(Step::FailDelivery),
        1 => (1_u32..4).prop_map(Step::Refuse),
        3 => Just(Step::Kill),
        1 => Just(Step::Stop),
        5 => (0_u64..6).prop_map(Step::Pause),
    ];
    prop::collection::vec(step, 1..60)
}

/// Whatever happens, each window is counted once and delivered with one value only.
async fn survives(steps: Vec<Step>, is_chain: bool) {
    let code = if is_chain { format!("{CODE}{CHAIN}") } else { CODE.to_owned() };
    let mut world = World::new(&code, "WINDOW_COUNTS").await;
    world.start();
    let (mut hits, mut rows) = (0, 0);
    for step in steps {
        match step {
            Step::Send(clicks) => {
                hits += clicks.iter().map(|(_, hits)| hits).sum::<i64>();
                rows += clicks.len() as i64;
                let lines: String = clicks.iter().map(|(page, hits)| format!("page{page}\t{hits}\n")).collect();
                world.send(&lines);
            }
            Step::Advance(millis) => world.clock.advance(Duration::from_millis(millis)),
            Step::FailPreprocessing(times) => world.functions.fail_preprocessing.store(times, Ordering::SeqCst),
            Step::FailDelivery(times) => world.functions.fail_delivery.store(times, Ordering::SeqCst),
            Step::Refuse(times) => world.functions.refuse_records.store(times, Ordering::SeqCst),
            Step::Kill => {
                world.kill().await;
                world.start();
            }
            Step::Stop => {
                world.stop().await;
                world.start();
            }
            Step::Pause(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
    }
    world.all_read().await;
    world.clock.advance(Duration::from_secs(200));
    world
        .eventually("all clicks are counted", || async {
            let functions = &world.functions;
            let chained = !is_chain || (functions.total("minute") == hits && functions.total("other") == rows);
            functions.total("views") == hits && functions.total("top") == rows && chained
        })
        .await;
    // a last restart must not bring partial windows after the whole ones
    world.kill().await;
    world.start();
    world.send("last\t1\n");
    world.all_read().await;
    world.clock.advance(Duration::from_secs(200));
    world
        .eventually("the last click is counted", || async {
            world.functions.total(if is_chain { "minute" } else { "views" }) == hits + 1
        })
        .await;
    world.stop().await;
    for (key, amounts) in world.functions.deliveries.lock().unwrap().iter() {
        let distinct: BTreeSet<&i64> = amounts.iter().collect();
        assert_eq!(distinct.len(), 1, "{key:?} was delivered as {amounts:?}");
    }
    let table = world.functions.table();
    for ((metric, _, end), amount) in &table {
        if metric == "distinct" {
            let items = table.keys().filter(|(metric, _, other)| metric == "top" && other == end).count();
            assert_eq!(*amount, items as i64, "distinct items of the window to {end}");
        }
    }
    assert_eq!(world.functions.total("views"), hits + 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_right_whatever_is_killed(steps in steps(), is_chain in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(survives(steps, is_chain));
    }
}
