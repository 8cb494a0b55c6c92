//! The operations against streams and functions that are made up.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::macros::datetime;
use tokio::sync::{Semaphore, watch};

use super::*;
use crate::firehose::LogRecord;
use crate::lambda::Invocation;
use crate::{Principal, Scope};

const ROLE: &str = "arn:aws:iam::111122223333:role/Analytics";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"kinesisanalytics.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;

/// Two streams without records.
struct Streams {
    ends: BTreeMap<&'static str, watch::Sender<i64>>,
    /// While this is set, asking for a stream's end needs a permit.
    is_slow: AtomicBool,
    permits: Semaphore,
    forgotten: Mutex<Vec<String>>,
}

#[async_trait]
impl InputLog for Streams {
    async fn next_sequence(&self, _: &Scope, stream: &str) -> Result<i64, AwsError> {
        if self.is_slow.load(Ordering::SeqCst) {
            self.permits.acquire().await.unwrap().forget();
        }
        Ok(*self.ends[stream].borrow())
    }

    async fn acknowledge(&self, _: &LogReader, _: i64) -> Result<(), AwsError> {
        Ok(())
    }

    async fn forget_reader(&self, reader: &LogReader) -> Result<(), AwsError> {
        self.forgotten.lock().unwrap().push(reader.stream.clone());
        Ok(())
    }

    async fn read_log(&self, _: &Scope, _: &str, _: i64, _: usize) -> Result<Vec<LogRecord>, AwsError> {
        Ok(Vec::new())
    }

    async fn watch_log(&self, _: &Scope, stream: &str) -> Result<watch::Receiver<i64>, AwsError> {
        Ok(self.ends[stream].subscribe())
    }
}

struct NoFunctions;

#[async_trait]
impl InvokeFunction for NoFunctions {
    async fn invoke(&self, _: &Scope, _: &str, _: &str, _: Bytes) -> Result<Invocation, AwsError> {
        Err(AwsError::client("ResourceNotFoundException", "There are no functions."))
    }
}

struct World {
    _folder: TempDir,
    analytics: Analytics,
    streams: Arc<Streams>,
    caller: Caller,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("test.sqlite3")).await.unwrap();
        let mut transaction = database.write().await.unwrap();
        sqlx::query("INSERT INTO account (account_id, created_ms) VALUES ('111122223333', 0)")
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO role (account_id, role_name, role_id, path, trust_policy, max_session_seconds, created_ms)
             VALUES ('111122223333', 'Analytics', 'AROA', '/', ?, 3600, 0)",
        )
        .bind(TRUST)
        .execute(&mut *transaction)
        .await
        .unwrap();
        transaction.commit().await.unwrap();
        let streams = Arc::new(Streams {
            ends: [("Clicks", 10), ("Other", 3)].map(|(name, end)| (name, watch::Sender::new(end))).into(),
            is_slow: AtomicBool::new(false),
            permits: Semaphore::new(0),
            forgotten: Mutex::default(),
        });
        let clock = Clock::manual(datetime!(2026-11-24 19:00:00 UTC));
        let iam = Iam::new(database.clone());
        let log = Arc::clone(&streams) as Arc<dyn InputLog>;
        let analytics = Analytics::with_services(database, clock, iam, log, Arc::new(NoFunctions));
        let scope = Scope { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() };
        let principal = Principal::User { name: "learner".to_owned(), access_key_id: "AKIA".to_owned() };
        Self { _folder: folder, analytics, streams, caller: Caller { scope, principal } }
    }

    async fn call(&self, operation: &str, request: Value) -> Result<Value, AwsError> {
        let answer = self.analytics.call(&self.caller, operation, request.to_string().as_bytes()).await?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    /// Makes an application that reads the stream `Clicks`.
    async fn create(&self, name: &str) -> Value {
        self.call("CreateApplication", application(name)).await.unwrap()["ApplicationDetail"].clone()
    }

    async fn start(&self, name: &str) -> Result<Value, AwsError> {
        self.call("StartApplication", json!({"ApplicationName": name})).await
    }

    async fn stop(&self, name: &str) -> Result<Value, AwsError> {
        self.call("StopApplication", json!({"ApplicationName": name})).await
    }

    async fn status(&self, name: &str) -> String {
        let answer = self.call("DescribeApplication", json!({"ApplicationName": name})).await.unwrap();
        answer["ApplicationDetail"]["ApplicationStatus"].as_str().unwrap().to_owned()
    }

    async fn is_status(&self, name: &str, status: &str) {
        self.until(status, || async { self.status(name).await == status }).await;
    }

    async fn has_task(&self, name: &str) -> bool {
        let id = self.analytics.repository.find(&self.caller.scope, name).await.unwrap().id;
        self.analytics.task_of(id).lock().await.is_some()
    }

    /// How many tasks read a stream.
    fn readers(&self, stream: &str) -> usize {
        self.streams.ends[stream].receiver_count()
    }

    async fn until<F: Future<Output = bool>>(&self, what: &str, condition: impl Fn() -> F) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !condition().await {
            assert!(tokio::time::Instant::now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn application(name: &str) -> Value {
    json!({
        "ApplicationName": name,
        "RuntimeEnvironment": "SQL-1_0",
        "ServiceExecutionRole": ROLE,
        "ApplicationConfiguration": {
            "SqlApplicationConfiguration": {"Inputs": [{
                "NamePrefix": "SOURCE_SQL_STREAM",
                "KinesisFirehoseInput": {"ResourceARN": "arn:aws:firehose:us-east-1:111122223333:deliverystream/Clicks"},
                "InputSchema": {
                    "RecordFormat": {"RecordFormatType": "JSON"},
                    "RecordColumns": [{"Name": "hits", "SqlType": "INTEGER"}],
                },
            }]},
            "ApplicationCodeConfiguration": {
                "CodeContentType": "PLAINTEXT",
                "CodeContent": {"TextContent": "CREATE STREAM \"A\" (n INTEGER);"},
            },
        },
    })
}

/// The stop is asked for while the start still waits for the stream.
#[tokio::test]
async fn a_stop_while_an_application_starts_leaves_no_task() {
    let world = World::new().await;
    world.create("App").await;
    world.streams.is_slow.store(true, Ordering::SeqCst);
    world.streams.permits.add_permits(1);
    let (started, ()) = tokio::join!(world.start("App"), async {
        world.is_status("App", "STARTING").await;
        world.stop("App").await.unwrap();
        assert_eq!(world.status("App").await, "STOPPING");
        assert_eq!(world.start("App").await.unwrap_err().code, "ResourceInUseException");
        world.streams.permits.add_permits(1);
    });
    started.unwrap();
    world.is_status("App", "READY").await;
    assert!(!world.has_task("App").await);

    world.streams.is_slow.store(false, Ordering::SeqCst);
    world.start("App").await.unwrap();
    assert_eq!(world.status("App").await, "RUNNING");
    world.until("one task reads", || async { world.readers("Clicks") == 1 }).await;
    world.stop("App").await.unwrap();
    world.is_status("App", "READY").await;
    assert_eq!(world.readers("Clicks"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_at_once_one_task_runs_at_most() {
    let world = Arc::new(World::new().await);
    world.create("App").await;
    let learners = (0..4).map(|learner| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for turn in 0..30 {
                // refusals are as good as anything: the application may be doing something else
                let _ = match (learner + turn) % 3 {
                    0 => world.stop("App").await,
                    1 => world.start("App").await,
                    _ => world.call("UpdateApplication", json!({"ApplicationName": "App"})).await,
                };
            }
        })
    });
    for learner in learners.collect::<Vec<_>>() {
        learner.await.unwrap();
    }
    world
        .until("the application comes to rest", || async {
            matches!(world.status("App").await.as_str(), "READY" | "RUNNING")
        })
        .await;
    let runs = world.status("App").await == "RUNNING";
    assert_eq!(world.has_task("App").await, runs);
    world.until("its task reads", || async { world.readers("Clicks") == usize::from(runs) }).await;
    if runs {
        world.stop("App").await.unwrap();
        world.is_status("App", "READY").await;
        assert_eq!(world.readers("Clicks"), 0);
    }
}

/// Who asked has gone before the answer.
#[tokio::test]
async fn a_start_that_nobody_waits_for_comes_to_its_end() {
    let world = World::new().await;
    world.create("App").await;
    world.streams.is_slow.store(true, Ordering::SeqCst);
    world.streams.permits.add_permits(1);
    tokio::select! {
        _ = world.start("App") => panic!("it waits for the stream"),
        () = world.is_status("App", "STARTING") => {}
    }
    world.streams.permits.add_permits(1);
    world.is_status("App", "RUNNING").await;
    assert!(world.has_task("App").await);
}

#[tokio::test]
async fn a_deleted_application_has_no_task() {
    let world = World::new().await;
    let created = world.create("App").await;
    world.start("App").await.unwrap();
    world.until("its task reads", || async { world.readers("Clicks") == 1 }).await;
    let request = json!({"ApplicationName": "App", "CreateTimestamp": created["CreateTimestamp"]});
    world.call("DeleteApplication", request).await.unwrap();
    world
        .until("it is gone", || async {
            world.call("DescribeApplication", json!({"ApplicationName": "App"})).await.is_err()
        })
        .await;
    assert_eq!(world.readers("Clicks"), 0);
    world.until("its place is gone", || async { world.analytics.tasks.lock().unwrap().is_empty() }).await;
    assert_eq!(*world.streams.forgotten.lock().unwrap(), ["Clicks"]);
}

/// The positions of one stream mean nothing in another.
#[tokio::test]
async fn another_stream_is_read_from_its_end() {
    let world = World::new().await;
    let created = world.create("App").await;
    world.start("App").await.unwrap();
    let id = world.analytics.repository.find(&world.caller.scope, "App").await.unwrap().id;
    assert_eq!(world.analytics.repository.progress(id).await.unwrap().next_sequence, 10);
    let input = &created["ApplicationConfigurationDescription"]["SqlApplicationConfigurationDescription"];
    let update = json!({
        "ApplicationName": "App",
        "ApplicationConfigurationUpdate": {"SqlApplicationConfigurationUpdate": {"InputUpdates": [{
            "InputId": input["InputDescriptions"][0]["InputId"],
            "KinesisFirehoseInputUpdate": {"ResourceARNUpdate": "arn:aws:firehose:us-east-1:111122223333:deliverystream/Other"},
        }]}},
    });
    world.call("UpdateApplication", update).await.unwrap();
    world.is_status("App", "RUNNING").await;
    assert_eq!(world.analytics.repository.progress(id).await.unwrap().next_sequence, 3);
    world.until("its task reads", || async { world.readers("Other") == 1 }).await;
    assert_eq!(world.readers("Clicks"), 0);
    assert_eq!(*world.streams.forgotten.lock().unwrap(), ["Clicks"]);
    // a further update changes nothing in where it reads
    world.streams.ends["Other"].send_replace(7);
    world.call("UpdateApplication", json!({"ApplicationName": "App"})).await.unwrap();
    world.is_status("App", "RUNNING").await;
    assert_eq!(world.analytics.repository.progress(id).await.unwrap().next_sequence, 3);
}

#[tokio::test]
async fn an_account_has_so_many_applications_and_runs_fewer() {
    let world = World::new().await;
    for number in 0..50 {
        world.create(&format!("App{number}")).await;
    }
    let refused = world.call("CreateApplication", application("One")).await.unwrap_err();
    assert_eq!(refused.code, "LimitExceededException");
    // a name that is taken is told as before, and the refused one was not kept
    let taken = world.call("CreateApplication", application("App7")).await.unwrap_err();
    assert_eq!(taken.code, "ResourceInUseException");
    let missing = world.call("DescribeApplication", json!({"ApplicationName": "One"})).await.unwrap_err();
    assert_eq!(missing.code, "ResourceNotFoundException");

    for number in 0..5 {
        world.start(&format!("App{number}")).await.unwrap();
    }
    let refused = world.start("App5").await.unwrap_err();
    assert_eq!(refused.code, "ResourceInUseException");
    assert!(refused.message.contains("runs 5 applications"), "{}", refused.message);
    assert_eq!(world.status("App5").await, "READY");
    world.stop("App0").await.unwrap();
    world.is_status("App0", "READY").await;
    world.start("App5").await.unwrap();
}

#[tokio::test]
async fn the_code_is_described_with_its_md5() {
    let world = World::new().await;
    let created = world.create("App").await;
    let code = &created["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"];
    assert_eq!(code["CodeContentDescription"]["CodeMD5"], "55142d74220e5c44dee4313e909f32ed");
    assert_eq!(code["CodeContentDescription"]["CodeSize"], 30);
}

#[tokio::test]
async fn tags_are_kept_with_an_application() {
    let world = World::new().await;
    let mut request = application("App");
    request["Tags"] = json!([{"Key": "lab", "Value": "clicks"}, {"Key": "b"}]);
    let arn = world.call("CreateApplication", request).await.unwrap()["ApplicationDetail"]["ApplicationARN"].clone();
    let list = || async {
        let answer = world.call("ListTagsForResource", json!({"ResourceARN": arn})).await.unwrap();
        answer["Tags"].to_string()
    };
    assert_eq!(list().await, r#"[{"Key":"b"},{"Key":"lab","Value":"clicks"}]"#);
    let tags = json!([{"Key": "b", "Value": "2"}, {"Key": "c", "Value": ""}]);
    world.call("TagResource", json!({"ResourceARN": arn, "Tags": tags})).await.unwrap();
    world.call("UntagResource", json!({"ResourceARN": arn, "TagKeys": ["lab", "none"]})).await.unwrap();
    assert_eq!(list().await, r#"[{"Key":"b","Value":"2"},{"Key":"c","Value":""}]"#);

    let many: Vec<Value> = (0..49).map(|number| json!({"Key": format!("key{number}")})).collect();
    let too_many = world.call("TagResource", json!({"ResourceARN": arn, "Tags": many})).await.unwrap_err();
    assert_eq!(too_many.code, "TooManyTagsException");
    for tags in [json!([]), json!([{"Key": ""}]), json!([{"Key": "aws:x"}]), json!([{"Key": "d"}, {"Key": "d"}])] {
        let wrong = world.call("TagResource", json!({"ResourceARN": arn, "Tags": tags})).await.unwrap_err();
        assert_eq!(wrong.code, "InvalidArgumentException");
    }
    assert_eq!(list().await, r#"[{"Key":"b","Value":"2"},{"Key":"c","Value":""}]"#);
    let elsewhere = json!({"ResourceARN": "arn:aws:kinesisanalytics:us-east-1:444455556666:application/App"});
    assert_eq!(world.call("ListTagsForResource", elsewhere).await.unwrap_err().code, "InvalidArgumentException");
}
