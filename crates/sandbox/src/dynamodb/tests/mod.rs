//! The operations, called without HTTP.

mod limits;
mod reads;
mod tables;
mod transactions;
mod writes;

use serde_json::{Value, json};
use tempfile::TempDir;
use time::macros::datetime;

use super::DynamoDb;
use crate::{AwsError, Caller, Clock, Database, Principal, Scope};

/// A sandbox's DynamoDB with one caller, at a time that only the test moves.
struct Fixture {
    dynamodb: DynamoDb,
    database: Database,
    clock: Clock,
    caller: Caller,
    _folder: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        let clock = Clock::manual(datetime!(2026-11-24 19:00:00 UTC));
        let dynamodb = DynamoDb::new(database.clone(), clock.clone());
        Self { dynamodb, database, clock, caller: caller("123456789012", "us-east-1"), _folder: folder }
    }

    /// A fixture with the table `counts`, keys `metric` (S) and `window_end` (S).
    async fn with_table() -> Self {
        let fixture = Self::new().await;
        fixture.create_table("counts", "S", Some("S")).await;
        fixture
    }

    async fn create_table(&self, name: &str, partition: &str, sort: Option<&str>) {
        let mut definitions = vec![json!({"AttributeName": "metric", "AttributeType": partition})];
        let mut schema = vec![json!({"AttributeName": "metric", "KeyType": "HASH"})];
        if let Some(sort) = sort {
            definitions.push(json!({"AttributeName": "window_end", "AttributeType": sort}));
            schema.push(json!({"AttributeName": "window_end", "KeyType": "RANGE"}));
        }
        let request = json!({
            "TableName": name, "AttributeDefinitions": definitions, "KeySchema": schema, "BillingMode": "PAY_PER_REQUEST",
        });
        self.ok("CreateTable", request).await;
    }

    async fn call(&self, operation: &str, request: Value) -> Result<Value, AwsError> {
        self.call_as(&self.caller, operation, request).await
    }

    async fn call_as(&self, caller: &Caller, operation: &str, request: Value) -> Result<Value, AwsError> {
        let answer = self.dynamodb.call(caller, operation, request.to_string().as_bytes()).await?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    async fn ok(&self, operation: &str, request: Value) -> Value {
        self.call(operation, request).await.unwrap()
    }

    /// The message of the `ValidationException` that the request must be answered with.
    async fn invalid(&self, operation: &str, request: Value) -> String {
        let error = self.call(operation, request).await.unwrap_err();
        assert_eq!(error.code, "ValidationException", "{error}");
        error.message
    }

    async fn item(&self, metric: &str, window_end: &str) -> Value {
        let key = json!({"metric": {"S": metric}, "window_end": {"S": window_end}});
        self.ok("GetItem", json!({"TableName": "counts", "Key": key, "ConsistentRead": true})).await["Item"].clone()
    }
}

fn caller(account: &str, region: &str) -> Caller {
    let scope = Scope { account: account.parse().unwrap(), region: region.parse().unwrap() };
    let principal = Principal::User { name: "learner".to_owned(), access_key_id: "AKIDEXAMPLE".to_owned() };
    Caller { scope, principal }
}
