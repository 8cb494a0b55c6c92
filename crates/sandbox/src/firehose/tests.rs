//! Delivery by a clock that the tests set, to an S3 of its own, with a function that is made up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::macros::datetime;

use super::*;
use crate::AccountId;
use crate::lambda::Invocation;

const STREAM: &str = "clicks";
const ROLE: &str = "arn:aws:iam::111122223333:role/FirehoseRole";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;

/// Turns every record into upper case; fails while it is told to.
#[derive(Default)]
struct UpperCase {
    broken: Mutex<bool>,
    invocations: AtomicUsize,
}

#[async_trait]
impl Invoke for UpperCase {
    async fn invoke(&self, _: &Scope, _: &str, payload: Bytes) -> Result<Invocation, AwsError> {
        let broken = *self.broken.lock().unwrap();
        self.invocations.fetch_add(1, Ordering::SeqCst);
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let answer = |record: &Value| {
            let data = BASE64_STANDARD.decode(record["data"].as_str().unwrap()).unwrap().to_ascii_uppercase();
            json!({"recordId": record["recordId"], "result": "Ok", "data": BASE64_STANDARD.encode(data)})
        };
        let answers: Vec<Value> = event["records"].as_array().unwrap().iter().map(answer).collect();
        Ok(Invocation {
            payload: json!({"records": answers}).to_string().into(),
            function_error: broken.then(|| "Unhandled".to_owned()),
            log_tail: Bytes::new(),
            executed_version: "$LATEST".to_owned(),
        })
    }
}

/// A Firehose with all that it needs.
struct World {
    firehose: Firehose,
    database: Database,
    clock: Clock,
    scope: Scope,
    function: Arc<UpperCase>,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with_limits(FirehoseLimits { throughput: ThroughputLimit::Unlimited, ..FirehoseLimits::default() }).await
    }

    async fn with_limits(limits: FirehoseLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(datetime!(2026-11-24 18:59:30 UTC));
        let world = Self::open(folder, clock, limits).await;
        let account = world.scope.account.as_str();
        world.sql("INSERT INTO account (account_id, created_ms) VALUES (?, 0)", &[account]).await;
        world
            .sql(
                "INSERT INTO role (account_id, role_name, role_id, path, trust_policy, max_session_seconds, created_ms) \
                 VALUES (?, 'FirehoseRole', 'AROA', '/', ?, 3600, 0)",
                &[account, TRUST],
            )
            .await;
        world.create_bucket().await;
        world
    }

    async fn open(folder: TempDir, clock: Clock, limits: FirehoseLimits) -> Self {
        let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        let function = Arc::new(UpperCase::default());
        let firehose = Firehose {
            database: database.clone(),
            clock: clock.clone(),
            iam: Iam::new(database.clone()),
            s3: S3::new(database.clone(), folder.path().join("objects")),
            invoker: function.clone(),
            kinesis: Kinesis::new(database.clone(), clock.clone(), limits.clone()),
            limits,
            patience: Patience { creation: Duration::ZERO, pause: Duration::from_millis(5) },
            streams: Streams::default(),
            slots: Arc::new(Semaphore::new(DELIVERIES)),
            tasks: Tasks::default(),
        };
        firehose.resume().await.unwrap();
        let account: AccountId = "111122223333".parse().unwrap();
        let scope = Scope { account, region: "us-east-1".parse().unwrap() };
        Self { firehose, database, clock, scope, function, folder }
    }

    /// Opens the same folder again, as after a crash: nothing is ended or written before. The tasks of before are stopped
    /// wherever they are.
    async fn crash(self) -> Self {
        let Self { firehose, clock, folder, .. } = self;
        let limits = firehose.limits.clone();
        drop(firehose);
        Self::open(folder, clock, limits).await
    }

    async fn sql(&self, statement: &str, values: &[&str]) {
        let mut transaction = self.database.write().await.unwrap();
        let query = values.iter().fold(sqlx::query(statement), |query, value| query.bind(*value));
        query.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn create_bucket(&self) {
        let account = self.scope.account.as_str();
        let statement =
            "INSERT INTO bucket (account_id, bucket, region, created_ms) VALUES (?, 'lake', 'us-east-1', 0)";
        self.sql(statement, &[account]).await;
    }

    async fn delete_bucket(&self) {
        self.sql("DELETE FROM bucket WHERE account_id = ?", &[self.scope.account.as_str()]).await;
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        let principal = crate::Principal::User { name: "learner".to_owned(), access_key_id: "AKIA".to_owned() };
        let caller = Caller { scope: self.scope.clone(), principal };
        let answer = self.firehose.call(&caller, operation, input.to_string().as_bytes()).await?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    /// Makes a stream with these buffering hints and further settings, and awaits its activation.
    async fn create_stream(&self, size_mib: u32, interval_seconds: u32, further: Value) {
        let mut destination = json!({
            "RoleARN": ROLE,
            "BucketARN": "arn:aws:s3:::lake",
            "BufferingHints": {"SizeInMBs": size_mib, "IntervalInSeconds": interval_seconds},
        });
        destination.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let input = json!({"DeliveryStreamName": STREAM, "ExtendedS3DestinationConfiguration": destination});
        self.call("CreateDeliveryStream", input).await.unwrap();
        let stream = self.firehose.streams.get(&self.scope, STREAM).unwrap();
        let mut details = stream.details.subscribe();
        details.wait_for(|details| details.status == stream::Status::Active).await.unwrap();
    }

    async fn delete_stream(&self) {
        self.call("DeleteDeliveryStream", json!({"DeliveryStreamName": STREAM})).await.unwrap();
        self.until("the deletion", || async {
            self.call("DescribeDeliveryStream", json!({"DeliveryStreamName": STREAM})).await.is_err()
        })
        .await;
    }

    async fn put(&self, records: &[&[u8]]) -> Value {
        let records: Vec<Value> = records.iter().map(|data| json!({"Data": BASE64_STANDARD.encode(data)})).collect();
        self.call("PutRecordBatch", json!({"DeliveryStreamName": STREAM, "Records": records})).await.unwrap()
    }

    /// Keys and bodies in the order in which they were delivered.
    async fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let rows: Vec<(Vec<u8>, String)> = sqlx::query_as("SELECT key, file FROM object ORDER BY modified_ms")
            .fetch_all(self.database.read())
            .await
            .unwrap();
        let folder = self.folder.path().join("objects").join(self.scope.account.as_str());
        let read = |(key, file): (Vec<u8>, String)| {
            (String::from_utf8(key).unwrap(), std::fs::read(folder.join(file)).unwrap())
        };
        rows.into_iter().map(read).collect()
    }

    /// Awaits so many objects.
    async fn delivered(&self, count: usize) -> Vec<(String, String)> {
        self.until("the objects", || async { self.objects().await.len() >= count }).await;
        let objects = self.objects().await;
        assert_eq!(objects.len(), count);
        objects.into_iter().map(|(key, body)| (key, String::from_utf8(body).unwrap())).collect()
    }

    async fn until<F: Future<Output = bool>>(&self, what: &'static str, condition: impl Fn() -> F) {
        let awaited = async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), awaited)
            .await
            .unwrap_or_else(|_| panic!("{what} did not come about"));
    }

    /// Lets the delivery task see all that has happened. It has then nothing left to do but to wait.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }

    async fn kept_records(&self) -> i64 {
        sqlx::query_scalar("SELECT COALESCE(SUM(record_count), 0) FROM delivery_log")
            .fetch_one(self.database.read())
            .await
            .unwrap()
    }

    fn reader(&self) -> LogReader {
        LogReader { scope: self.scope.clone(), stream: STREAM.to_owned(), reader: "application".to_owned() }
    }

    async fn read(&self, sequence: i64, limit: usize) -> Vec<(i64, String)> {
        let records = self.firehose.read_log(&self.scope, STREAM, sequence, limit).await.unwrap();
        records.into_iter().map(|record| (record.sequence, String::from_utf8(record.data.to_vec()).unwrap())).collect()
    }
}

#[tokio::test]
async fn the_interval_counts_from_the_oldest_record() {
    let world = World::new().await;
    world.create_stream(5, 60, json!({"Prefix": "p/"})).await;
    world.put(&[b"a\n"]).await;
    world.clock.advance(Duration::from_secs(40));
    world.put(&[b"b\n", b"c\n"]).await;
    world.clock.advance(Duration::from_secs(19));
    world.settle().await;
    assert!(world.objects().await.is_empty());
    world.clock.advance(Duration::from_secs(1));
    let objects = world.delivered(1).await;
    assert_eq!(objects[0].1, "a\nb\nc\n");
    // Named by the arrival of the oldest record, not by the hour in which it is written.
    assert!(objects[0].0.starts_with("p/2026/11/24/18/clicks-1-2026-11-24-18-59-30-"), "{}", objects[0].0);
    assert_eq!(world.kept_records().await, 0);
}

#[tokio::test]
async fn a_full_buffer_does_not_wait() {
    let world = World::new().await;
    world.create_stream(1, 900, json!({})).await;
    let large = vec![b'x'; 400 * 1024];
    world.put(&[&large, &large]).await;
    world.settle().await;
    assert!(world.objects().await.is_empty());
    world.put(&[&large, b"rest"]).await;
    let objects = world.delivered(1).await;
    assert_eq!(objects[0].1.len(), 800 * 1024);
    world.clock.advance(Duration::from_secs(900));
    let objects = world.delivered(2).await;
    assert!(objects.iter().any(|(_, body)| body.len() == 400 * 1024 + 4 && body.ends_with("rest")));
}

#[tokio::test]
async fn data_waits_for_a_bucket_that_is_gone() {
    let world = World::new().await;
    world.create_stream(1, 0, json!({})).await;
    world.delete_bucket().await;
    world.put(&[b"kept"]).await;
    world.settle().await;
    assert_eq!(world.kept_records().await, 1);
    let world = world.crash().await;
    world.settle().await;
    world.create_bucket().await;
    assert_eq!(world.delivered(1).await[0].1, "kept");
}

#[tokio::test]
async fn data_waits_for_a_role_that_may_be_assumed() {
    let world = World::new().await;
    world.create_stream(1, 0, json!({})).await;
    world
        .sql("UPDATE role SET trust_policy = ?", &[&TRUST.replace("firehose.amazonaws.com", "lambda.amazonaws.com")])
        .await;
    world.put(&[b"kept"]).await;
    world.settle().await;
    assert!(world.objects().await.is_empty());
    world.sql("UPDATE role SET trust_policy = ?", &[TRUST]).await;
    assert_eq!(world.delivered(1).await[0].1, "kept");
}

#[tokio::test]
async fn an_update_holds_for_later_objects() {
    let world = World::new().await;
    world.create_stream(5, 900, json!({})).await;
    world.put(&[b"a"]).await;
    let update = |version: &str| {
        json!({
            "DeliveryStreamName": STREAM, "CurrentDeliveryStreamVersionId": version,
            "DestinationId": "destinationId-000000000001",
            "ExtendedS3DestinationUpdate": {
                "Prefix": "new/", "FileExtension": ".tsv", "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 0},
            },
        })
    };
    world.call("UpdateDestination", update("1")).await.unwrap();
    let objects = world.delivered(1).await;
    assert!(
        objects[0].0.starts_with("new/2026/11/24/18/clicks-2-") && objects[0].0.ends_with(".tsv"),
        "{}",
        objects[0].0
    );
    assert_eq!(world.call("UpdateDestination", update("1")).await.unwrap_err().code, "ConcurrentModificationException");
    let described = world.call("DescribeDeliveryStream", json!({"DeliveryStreamName": STREAM})).await.unwrap();
    let description = &described["DeliveryStreamDescription"];
    assert_eq!(description["VersionId"], "2");
    assert_eq!(description["Destinations"][0]["ExtendedS3DestinationDescription"]["Prefix"], "new/");
    assert!(description["LastUpdateTimestamp"].is_number());
}

#[tokio::test]
async fn deleting_delivers_what_is_buffered() {
    let world = World::new().await;
    world.create_stream(5, 900, json!({})).await;
    world.put(&[b"last"]).await;
    world.call("DeleteDeliveryStream", json!({"DeliveryStreamName": STREAM})).await.unwrap();
    assert_eq!(world.delivered(1).await[0].1, "last");
    let gone = || async {
        let described = world.call("DescribeDeliveryStream", json!({"DeliveryStreamName": STREAM})).await;
        described.is_err_and(|error| {
            error.message == "Firehose clicks under accountId 111122223333 not found."
                && error.code == "ResourceNotFoundException"
        })
    };
    world.until("the deletion", gone).await;
    assert_eq!(world.kept_records().await, 0);
    // The name is free again.
    world.create_stream(5, 900, json!({})).await;
}

/// Readers keep their positions, also while there is no stream and across a restart.
#[tokio::test]
async fn a_stream_made_anew_goes_on_with_the_positions_and_the_readers() {
    let world = World::new().await;
    world.create_stream(5, 0, json!({})).await;
    let reader = world.reader();
    let other = LogReader { reader: "other".to_owned(), ..reader.clone() };
    world.firehose.acknowledge(&reader, 0).await.unwrap();
    world.firehose.acknowledge(&other, 0).await.unwrap();
    world.put(&[b"a", b"b"]).await;
    world.delete_stream().await;
    world.firehose.forget_reader(&other).await.unwrap();
    let world = world.crash().await;
    world.create_stream(5, 0, json!({})).await;
    assert_eq!(world.firehose.next_sequence(&world.scope, STREAM).await.unwrap(), 2);
    world.put(&[b"c"]).await;
    world.until("the delivery", || async { world.objects().await.iter().any(|(_, body)| body == b"c") }).await;
    // who had read the two records finds the third, though it is delivered
    assert_eq!(world.read(2, 10).await, [(2, "c".to_owned())]);
    let world = world.crash().await;
    assert_eq!(world.firehose.next_sequence(&world.scope, STREAM).await.unwrap(), 3);
    // nobody else keeps it: the other reader was forgotten while there was no stream
    world.firehose.acknowledge(&reader, 3).await.unwrap();
    assert_eq!(world.kept_records().await, 0);
}

#[tokio::test]
async fn deleting_drops_what_cannot_be_delivered() {
    let world = World::new().await;
    world.create_stream(5, 900, json!({})).await;
    world.put(&[b"lost"]).await;
    world.delete_bucket().await;
    world.delete_stream().await;
    assert_eq!(world.kept_records().await, 0);
}

#[tokio::test]
async fn records_expire_after_a_day() {
    let world = World::new().await;
    world.create_stream(5, 0, json!({})).await;
    world.delete_bucket().await;
    world.put(&[b"old"]).await;
    world.settle().await;
    world.clock.advance(Duration::from_secs(24 * 3600 - 1));
    world.put(&[b"young"]).await;
    world.settle().await;
    assert_eq!(world.kept_records().await, 2);
    world.clock.advance(Duration::from_secs(600));
    world.until("the expiry", || async { world.kept_records().await == 1 }).await;
    // Whoever reads from the beginning gets what is left.
    assert_eq!(world.read(0, 10).await, [(1, "young".to_owned())]);
    let world = world.crash().await;
    world.create_bucket().await;
    assert_eq!(world.delivered(1).await[0].1, "young");
}

#[tokio::test]
async fn a_transformation_has_buffers_of_its_own() {
    let world = World::new().await;
    let processing = json!({"Enabled": true, "Processors": [{"Type": "Lambda", "Parameters": [
        {"ParameterName": "LambdaArn", "ParameterValue": "arn:aws:lambda:us-east-1:111122223333:function:upper"},
        {"ParameterName": "BufferIntervalInSeconds", "ParameterValue": "10"},
        {"ParameterName": "NumberOfRetries", "ParameterValue": "1"},
    ]}]});
    world.create_stream(5, 60, json!({"ProcessingConfiguration": processing, "ErrorOutputPrefix": "errors/"})).await;
    let invoked = |count| {
        let function = world.function.clone();
        world.until("the invocation", move || {
            let reached = function.invocations.load(Ordering::SeqCst) >= count;
            async move { reached }
        })
    };
    world.put(&[b"a\n", b"b\n"]).await;
    world.clock.advance(Duration::from_secs(10));
    invoked(1).await;
    assert!(world.objects().await.is_empty());
    *world.function.broken.lock().unwrap() = true;
    world.put(&[b"c\n"]).await;
    world.clock.advance(Duration::from_secs(10));
    invoked(3).await;
    world.clock.advance(Duration::from_secs(60));
    let objects = world.delivered(2).await;
    let find = |prefix: &str| objects.iter().find(|(key, _)| key.starts_with(prefix)).unwrap();
    assert_eq!(find("2026/11/24/18/clicks-1-").1, "A\nB\n");
    let failed: Value = serde_json::from_str(&find("errors/processing-failed/2026/11/24/18/clicks-1-").1).unwrap();
    assert_eq!(failed["rawData"], BASE64_STANDARD.encode("c\n"));
    assert_eq!(failed["attemptsMade"], 2);
    assert_eq!(world.kept_records().await, 0);
}

#[tokio::test]
async fn the_log_is_kept_for_its_slowest_reader() {
    let world = World::new().await;
    world.create_stream(5, 0, json!({})).await;
    let reader = world.reader();
    world.firehose.acknowledge(&reader, 0).await.unwrap();
    let mut growth = world.firehose.watch_log(&world.scope, STREAM).await.unwrap();
    world.put(&[b"a", b"b", b"c"]).await;
    world.put(&[b"d"]).await;
    assert_eq!(*growth.wait_for(|next| *next == 4).await.unwrap(), 4);
    world
        .until("the delivery", || async {
            world.objects().await.iter().map(|(_, body)| body.len()).sum::<usize>() == 4
        })
        .await;

    assert_eq!(world.read(0, 2).await, [(0, "a".to_owned()), (1, "b".to_owned())]);
    assert_eq!(world.read(1, 10).await, [(1, "b".to_owned()), (2, "c".to_owned()), (3, "d".to_owned())]);
    assert_eq!(world.read(4, 10).await, []);
    world.firehose.acknowledge(&reader, 2).await.unwrap();
    assert_eq!(world.kept_records().await, 4);
    world.firehose.acknowledge(&reader, 3).await.unwrap();
    assert_eq!(world.kept_records().await, 1);
    let world = world.crash().await;
    assert_eq!(world.read(3, 10).await, [(3, "d".to_owned())]);
    assert_eq!(world.firehose.next_sequence(&world.scope, STREAM).await.unwrap(), 4);
    world.firehose.forget_reader(&reader).await.unwrap();
    assert_eq!(world.kept_records().await, 0);
    let kept_bytes: i64 =
        sqlx::query_scalar("SELECT kept_bytes FROM delivery_stream").fetch_one(world.database.read()).await.unwrap();
    assert_eq!(kept_bytes, 0);
}

#[tokio::test]
async fn what_is_too_much_is_refused_record_by_record() {
    let throughput = Throughput { records: 3, requests: 2, bytes: 1024 };
    let limits = FirehoseLimits { throughput: ThroughputLimit::Fixed(throughput), ..FirehoseLimits::default() };
    let world = World::with_limits(limits).await;
    world.create_stream(5, 900, json!({})).await;
    let answer = world.put(&[b"1", b"2", b"3", b"4", b"5"]).await;
    assert_eq!(answer["FailedPutCount"], 2);
    let entries = answer["RequestResponses"].as_array().unwrap();
    assert!(entries[..3].iter().all(|entry| entry["RecordId"].is_string() && entry["ErrorCode"].is_null()));
    assert!(entries[3..].iter().all(|entry| entry["ErrorCode"] == "ServiceUnavailableException"));
    assert_eq!(world.read(0, 10).await.len(), 3);
    // The requests of the second are used up with the next one.
    let one = json!({"DeliveryStreamName": STREAM, "Record": {"Data": "eA=="}});
    assert_eq!(world.call("PutRecord", one.clone()).await.unwrap_err().code, "ServiceUnavailableException");
    let refused = world.call("PutRecord", one).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.status), ("ServiceUnavailableException", 503));
}

#[tokio::test]
async fn an_account_may_not_pile_up_without_end() {
    let limits = FirehoseLimits { throughput: ThroughputLimit::Unlimited, max_backlog_bytes: 10 };
    let world = World::with_limits(limits).await;
    world.create_stream(5, 60, json!({})).await;
    world.put(&[b"123456", b"7890"]).await;
    let more = json!({"DeliveryStreamName": STREAM, "Record": {"Data": "eA=="}});
    assert_eq!(world.call("PutRecord", more.clone()).await.unwrap_err().code, "ServiceUnavailableException");
    world.clock.advance(Duration::from_secs(60));
    world.delivered(1).await;
    world.call("PutRecord", more).await.unwrap();
}

#[derive(Clone, Debug)]
enum Act {
    Put(Vec<Vec<u8>>),
    Advance(u64),
    Crash,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let record = proptest::collection::vec(any::<u8>(), 0..200);
    let large = (300_000usize..600_000, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]);
    let record = prop_oneof![8 => record, 1 => large];
    let act = prop_oneof![
        5 => proptest::collection::vec(record, 1..6).prop_map(Act::Put),
        2 => (0u64..90).prop_map(Act::Advance),
        1 => Just(Act::Crash),
    ];
    proptest::collection::vec(act, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_record_is_delivered_once_and_in_order(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (delivered, accepted) = runtime.block_on(async {
            let mut world = World::new().await;
            world.create_stream(1, 60, json!({})).await;
            let mut accepted = Vec::new();
            let mut number = 0u32;
            for act in acts {
                match act {
                    Act::Put(records) => {
                        // Each begins with its number, by which objects can be put in order.
                        let records: Vec<Vec<u8>> =
                            records.iter().zip(number..).map(|(data, number)| [&number.to_be_bytes(), &data[..]].concat()).collect();
                        number += records.len() as u32;
                        let slices: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
                        assert_eq!(world.put(&slices).await["FailedPutCount"], 0);
                        accepted.extend(records.concat());
                    }
                    Act::Advance(seconds) => world.clock.advance(Duration::from_secs(seconds)),
                    Act::Crash => world = world.crash().await,
                }
            }
            world.clock.advance(Duration::from_secs(60));
            world.until("the delivery", || async { world.kept_records().await == 0 }).await;
            let mut bodies: Vec<Vec<u8>> = world.objects().await.into_iter().map(|(_, body)| body).collect();
            bodies.sort_unstable_by_key(|body| body.first_chunk::<4>().copied());
            (bodies.concat(), accepted)
        });
        prop_assert!(delivered == accepted, "{} bytes delivered, {} accepted", delivered.len(), accepted.len());
    }
}
