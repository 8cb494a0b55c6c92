//! Data streams by a clock that the tests set.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::macros::datetime;

use super::*;
use crate::firehose::{Throughput, ThroughputLimit};

const MIB: u64 = 1024 * 1024;

/// A Kinesis with one stream of one shard.
struct World {
    kinesis: Kinesis,
    clock: Clock,
    scope: Scope,
    folder: TempDir,
}

impl World {
    async fn new(limits: FirehoseLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self::open(folder, Clock::manual(datetime!(2026-11-24 19:00 UTC)), limits).await;
        let mut transaction = world.kinesis.database.write().await.unwrap();
        let insert = sqlx::query("INSERT INTO account (account_id, created_ms) VALUES (?, 0)");
        insert.bind(world.scope.account.as_str()).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        world.create("clicks", 1).await;
        world
    }

    async fn open(folder: TempDir, clock: Clock, limits: FirehoseLimits) -> Self {
        let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        let kinesis = Kinesis::new(database, clock.clone(), limits);
        kinesis.resume().await.unwrap();
        let scope = Scope { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() };
        Self { kinesis, clock, scope, folder }
    }

    async fn crash(self) -> Self {
        let Self { kinesis, clock, folder, .. } = self;
        let limits = kinesis.limits.clone();
        drop(kinesis);
        Self::open(folder, clock, limits).await
    }

    async fn create(&self, name: &str, shards: u32) {
        let mut changes = self.kinesis.watch_streams();
        self.call("CreateStream", json!({"StreamName": name, "ShardCount": shards})).await.unwrap();
        while self.stream(name).status() != Status::Active {
            changes.changed().await.unwrap();
        }
    }

    fn stream(&self, name: &str) -> Arc<DataStream> {
        self.kinesis.streams.get(&self.scope, name).unwrap()
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        let principal = crate::Principal::User { name: "learner".to_owned(), access_key_id: "AKIA".to_owned() };
        let caller = Caller { scope: self.scope.clone(), principal };
        let answer = self.kinesis.call(&caller, operation, input.to_string().as_bytes()).await?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    async fn put(&self, data: &[u8]) -> Result<String, AwsError> {
        let record = json!({"StreamName": "clicks", "PartitionKey": "k", "Data": BASE64_STANDARD.encode(data)});
        let answer = self.call("PutRecord", record).await?;
        Ok(answer["SequenceNumber"].as_str().unwrap().to_owned())
    }

    async fn iterator(&self, kind: &str, further: Value) -> Result<String, AwsError> {
        let mut input = json!({"StreamName": "clicks", "ShardId": shard_id(0), "ShardIteratorType": kind});
        for (name, value) in further.as_object().unwrap() {
            input[name] = value.clone();
        }
        let answer = self.call("GetShardIterator", input).await?;
        Ok(answer["ShardIterator"].as_str().unwrap().to_owned())
    }

    /// The data of the records from an iterator on, and the answer.
    async fn get(&self, iterator: &str) -> (Vec<String>, Value) {
        let answer = self.call("GetRecords", json!({"ShardIterator": iterator})).await.unwrap();
        let data = |record: &Value| {
            String::from_utf8(BASE64_STANDARD.decode(record["Data"].as_str().unwrap()).unwrap()).unwrap()
        };
        (answer["Records"].as_array().unwrap().iter().map(data).collect(), answer)
    }

    async fn all(&self) -> Vec<String> {
        let iterator = self.iterator("TRIM_HORIZON", json!({})).await.unwrap();
        self.get(&iterator).await.0
    }

    async fn kept_bytes(&self) -> i64 {
        let kept = sqlx::query_scalar("SELECT SUM(kept_bytes) FROM data_stream");
        kept.fetch_one(self.kinesis.database.read()).await.unwrap()
    }
}

fn unlimited() -> FirehoseLimits {
    FirehoseLimits { throughput: ThroughputLimit::Unlimited, ..FirehoseLimits::default() }
}

#[tokio::test]
async fn every_type_of_iterator_begins_where_it_should() {
    let world = World::new(unlimited()).await;
    let mut sequences = Vec::new();
    for data in ["a", "b", "c"] {
        sequences.push(world.put(data.as_bytes()).await.unwrap());
        world.clock.advance(Duration::from_secs(10));
    }
    assert!(sequences.is_sorted());
    let from = async |kind: &str, further: Value| {
        let iterator = world.iterator(kind, further).await.unwrap();
        world.get(&iterator).await.0.concat()
    };
    assert_eq!(from("TRIM_HORIZON", json!({})).await, "abc");
    assert_eq!(from("LATEST", json!({})).await, "");
    assert_eq!(from("AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": sequences[1]})).await, "bc");
    assert_eq!(from("AFTER_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": sequences[1]})).await, "c");
    let begin = datetime!(2026-11-24 19:00 UTC).unix_timestamp();
    assert_eq!(from("AT_TIMESTAMP", json!({"Timestamp": begin + 10})).await, "bc");
    assert_eq!(from("AT_TIMESTAMP", json!({"Timestamp": begin + 11})).await, "c");
    assert_eq!(from("AT_TIMESTAMP", json!({"Timestamp": begin + 25})).await, "");
    assert_eq!(from("AT_TIMESTAMP", json!({"Timestamp": 0})).await, "abc");

    let refused = async |kind: &str, further: Value| world.iterator(kind, further).await.unwrap_err().code;
    assert_eq!(refused("AT_TIMESTAMP", json!({"Timestamp": begin + 31})).await, "InvalidArgumentException");
    assert_eq!(refused("AT_TIMESTAMP", json!({})).await, "InvalidArgumentException");
    assert_eq!(refused("AT_SEQUENCE_NUMBER", json!({})).await, "InvalidArgumentException");
    assert_eq!(
        refused("AT_SEQUENCE_NUMBER", json!({"StartingSequenceNumber": "49"})).await,
        "InvalidArgumentException"
    );
    assert_eq!(refused("OLDEST", json!({})).await, "ValidationException");
    assert_eq!(refused("LATEST", json!({"ShardId": shard_id(1)})).await, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_read_tells_how_far_behind_it_is() {
    let world = World::new(unlimited()).await;
    world.put(b"a").await.unwrap();
    world.clock.advance(Duration::from_secs(3));
    world.put(b"b").await.unwrap();
    world.clock.advance(Duration::from_secs(4));
    let iterator = world.iterator("TRIM_HORIZON", json!({})).await.unwrap();
    let first = world.call("GetRecords", json!({"ShardIterator": iterator, "Limit": 1})).await.unwrap();
    assert_eq!(first["Records"].as_array().unwrap().len(), 1);
    assert_eq!(first["MillisBehindLatest"], 4_000);
    let (data, second) = world.get(first["NextShardIterator"].as_str().unwrap()).await;
    assert_eq!((data.concat().as_str(), &second["MillisBehindLatest"]), ("b", &json!(0)));
}

#[tokio::test]
async fn an_iterator_expires_and_belongs_to_its_stream() {
    let world = World::new(unlimited()).await;
    let iterator = world.iterator("TRIM_HORIZON", json!({})).await.unwrap();
    world.clock.advance(Duration::from_secs(300));
    world.get(&iterator).await;
    world.clock.advance(Duration::from_millis(1));
    let expired = world.call("GetRecords", json!({"ShardIterator": iterator})).await.unwrap_err();
    assert_eq!(expired.code, "ExpiredIteratorException");

    let iterator = world.iterator("TRIM_HORIZON", json!({})).await.unwrap();
    let mut changes = world.kinesis.watch_streams();
    world.call("DeleteStream", json!({"StreamName": "clicks"})).await.unwrap();
    while world.kinesis.streams.get(&world.scope, "clicks").is_ok() {
        changes.changed().await.unwrap();
    }
    world.create("clicks", 1).await;
    let refused = world.call("GetRecords", json!({"ShardIterator": iterator})).await.unwrap_err();
    assert_eq!(refused.code, "ResourceNotFoundException");
}

#[tokio::test]
async fn records_are_kept_for_a_day() {
    let world = World::new(unlimited()).await;
    world.put(b"old").await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    world.put(b"new").await.unwrap();
    world.clock.advance(Duration::from_secs(23 * 3600 + 1));
    assert_eq!(world.all().await, ["new"]);
    world
        .call("IncreaseStreamRetentionPeriod", json!({"StreamName": "clicks", "RetentionPeriodHours": 48}))
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(24 * 3600));
    expire(&world.kinesis.database, &world.clock, &world.kinesis.streams).await.unwrap();
    assert_eq!(world.all().await, ["new"]);
    world.clock.advance(Duration::from_secs(3600));
    expire(&world.kinesis.database, &world.clock, &world.kinesis.streams).await.unwrap();
    assert!(world.all().await.is_empty());
    assert_eq!(world.kept_bytes().await, 0);
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_crash() {
    let world = World::new(unlimited()).await;
    let before = world.put(b"a").await.unwrap();
    let world = world.crash().await;
    assert_eq!(world.all().await, ["a"]);
    assert!(world.put(b"b").await.unwrap() > before);
    assert_eq!(world.all().await, ["a", "b"]);
}

#[tokio::test]
async fn room_is_made_by_what_no_reader_needs() {
    let world = World::new(FirehoseLimits { max_backlog_bytes: 2 * MIB, ..unlimited() }).await;
    let stream = world.stream("clicks");
    let part = vec![b'x'; 300 * 1024];
    for _ in 0..6 {
        world.put(&part).await.unwrap();
    }
    // Nobody reads, so that the oldest goes.
    world.put(&part).await.unwrap();
    assert_eq!(world.all().await.len(), 6);
    assert!(world.kept_bytes().await <= 2 * MIB as i64);

    let mut transaction = world.kinesis.database.write().await.unwrap();
    readers::register(&mut transaction, &stream, "mapping/1", Start::TrimHorizon).await.unwrap();
    transaction.commit().await.unwrap();
    let refused = world.put(&part).await.unwrap_err();
    assert_eq!(refused.code, "ProvisionedThroughputExceededException");
    assert_eq!(world.all().await.len(), 6);

    let mut transaction = world.kinesis.database.write().await.unwrap();
    // The numbers of the records left are 2 to 7.
    assert!(readers::advance(&mut transaction, (stream.id, 0), "mapping/1", 0, 4).await.unwrap());
    assert!(!readers::advance(&mut transaction, (stream.id, 0), "mapping/1", 0, 4).await.unwrap());
    transaction.commit().await.unwrap();
    world.put(&part).await.unwrap();
    world.put(&part).await.unwrap();
    assert_eq!(world.put(&part).await.unwrap_err().code, "ProvisionedThroughputExceededException");
}

#[tokio::test]
async fn each_shard_takes_its_own_and_refuses_the_rest() {
    let throughput = ThroughputLimit::Fixed(Throughput { records: 3, requests: u32::MAX, bytes: 1000 });
    let world = World::new(FirehoseLimits { throughput, ..FirehoseLimits::default() }).await;
    world.create("two", 2).await;
    let (low, high) = ("0", "340282366920938463463374607431768211455");
    let record = |key: &str| json!({"PartitionKey": "k", "ExplicitHashKey": key, "Data": ""});
    let records: Vec<Value> = [low, low, low, low, high, low, high].into_iter().map(record).collect();
    let answer = world.call("PutRecords", json!({"StreamName": "two", "Records": records})).await.unwrap();
    assert_eq!(answer["FailedRecordCount"], 2);
    let entries = answer["Records"].as_array().unwrap();
    let failed: Vec<usize> = (0..entries.len()).filter(|index| entries[*index].get("ErrorCode").is_some()).collect();
    assert_eq!(failed, [3, 5]);
    assert_eq!(
        entries[3],
        json!({
            "ErrorCode": "ProvisionedThroughputExceededException",
            "ErrorMessage": "Rate exceeded for shard shardId-000000000000 in stream two under account 111122223333.",
        })
    );
    assert_eq!((&entries[4]["ShardId"], &entries[0]["ShardId"]), (&json!(shard_id(1)), &json!(shard_id(0))));
    // A shard's numbers are in the order of the call.
    assert!(entries[0]["SequenceNumber"].as_str() < entries[1]["SequenceNumber"].as_str());
    let one = json!({"StreamName": "two", "PartitionKey": "k", "ExplicitHashKey": low, "Data": ""});
    assert_eq!(world.call("PutRecord", one).await.unwrap_err().code, "ProvisionedThroughputExceededException");
}

#[tokio::test]
async fn limits_of_records_and_calls_are_those_of_aws() {
    let world = World::new(unlimited()).await;
    let put = async |records: Vec<Value>| {
        let answer = world.call("PutRecords", json!({"StreamName": "clicks", "Records": records})).await;
        answer.map(|answer| answer["FailedRecordCount"].as_u64().unwrap()).map_err(|error| error.to_string())
    };
    let record = |bytes: usize| json!({"PartitionKey": "k", "Data": BASE64_STANDARD.encode(vec![b'x'; bytes])});
    assert_eq!(put(vec![record(1); 500]).await, Ok(0));
    assert!(put(vec![record(1); 501]).await.unwrap_err().ends_with("less than or equal to 500"));
    assert!(put(vec![]).await.unwrap_err().ends_with("greater than or equal to 1"));
    // A MiB with the partition key, and ten in all.
    let largest = 1024 * 1024 - 1;
    assert_eq!(put(vec![record(largest); 10]).await, Ok(0));
    assert!(put(vec![record(largest + 1)]).await.unwrap_err().contains("'records.1.member.data'"));
    let mut too_much = vec![record(largest); 10];
    too_much.push(record(1));
    assert!(put(too_much).await.unwrap_err().starts_with("InvalidArgumentException"));
    for (record, part) in [
        (json!({"PartitionKey": "", "Data": ""}), "partitionKey"),
        (json!({"PartitionKey": "k".repeat(257), "Data": ""}), "256"),
        (json!({"Data": ""}), "Value null at 'records.1.member.partitionKey'"),
        (json!({"PartitionKey": "k"}), "Value null at 'records.1.member.data'"),
        (json!({"PartitionKey": "k", "Data": "?"}), "SerializationException"),
        (json!({"PartitionKey": "k", "Data": "", "ExplicitHashKey": "01"}), "ExplicitHashKey"),
        (
            json!({"PartitionKey": "k", "Data": "", "ExplicitHashKey": "340282366920938463463374607431768211456"}),
            "ExplicitHashKey",
        ),
    ] {
        let refused = put(vec![record.clone()]).await.unwrap_err();
        assert!(refused.contains(part), "{refused}");
    }
}

#[tokio::test]
async fn an_account_has_so_many_shards() {
    let world = World::new(unlimited()).await;
    let create = async |name: &str, further: Value| {
        let mut input = json!({"StreamName": name});
        for (member, value) in further.as_object().unwrap() {
            input[member] = value.clone();
        }
        world.call("CreateStream", input).await.map_err(|error| error.code)
    };
    create("more", json!({"StreamModeDetails": {"StreamMode": "ON_DEMAND"}})).await.unwrap();
    assert_eq!(create("many", json!({"ShardCount": 16})).await, Err("LimitExceededException".to_owned()));
    create("many", json!({"ShardCount": 15})).await.unwrap();
    assert_eq!(create("clicks", json!({"ShardCount": 1})).await, Err("ResourceInUseException".to_owned()));
    for wrong in [
        json!({}),
        json!({"ShardCount": 0}),
        json!({"ShardCount": 1, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}),
        json!({"ShardCount": 1, "MaxRecordSizeInKiB": 1}),
    ] {
        assert_eq!(create("wrong", wrong).await, Err("ValidationException".to_owned()));
    }
    let limits = world.call("DescribeLimits", json!({})).await.unwrap();
    assert_eq!((&limits["ShardLimit"], &limits["OpenShardCount"]), (&json!(20), &json!(20)));
}
