use insta::assert_json_snapshot;
use serde_json::{Value, json};

use super::super::limits::MOST_TABLES;
use super::{Fixture, caller};

#[tokio::test]
async fn a_table_is_creating_then_active_then_deleting_then_gone() {
    let fixture = Fixture::new().await;
    let created = fixture
        .ok(
            "CreateTable",
            json!({
                "TableName": "counts",
                "AttributeDefinitions": [
                    {"AttributeName": "window_end", "AttributeType": "S"}, {"AttributeName": "metric", "AttributeType": "S"},
                ],
                "KeySchema": [
                    {"AttributeName": "metric", "KeyType": "HASH"}, {"AttributeName": "window_end", "KeyType": "RANGE"},
                ],
                "BillingMode": "PAY_PER_REQUEST",
            }),
        )
        .await;
    assert_json_snapshot!(created, {".TableDescription.TableId" => "[uuid]"}, @r#"
    {
      "TableDescription": {
        "TableName": "counts",
        "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/counts",
        "TableId": "[uuid]",
        "TableStatus": "CREATING",
        "CreationDateTime": 1795546800.0,
        "AttributeDefinitions": [
          {
            "AttributeName": "metric",
            "AttributeType": "S"
          },
          {
            "AttributeName": "window_end",
            "AttributeType": "S"
          }
        ],
        "KeySchema": [
          {
            "AttributeName": "metric",
            "KeyType": "HASH"
          },
          {
            "AttributeName": "window_end",
            "KeyType": "RANGE"
          }
        ],
        "ItemCount": 0,
        "TableSizeBytes": 0,
        "ProvisionedThroughput": {
          "NumberOfDecreasesToday": 0,
          "ReadCapacityUnits": 0,
          "WriteCapacityUnits": 0
        },
        "DeletionProtectionEnabled": false,
        "BillingModeSummary": {
          "BillingMode": "PAY_PER_REQUEST",
          "LastUpdateToPayPerRequestDateTime": 1795546800.0
        }
      }
    }
    "#);
    let described = fixture.ok("DescribeTable", json!({"TableName": "counts"})).await;
    assert_eq!(described["Table"]["TableStatus"], "ACTIVE");
    let by_arn = json!({"TableName": "arn:aws:dynamodb:us-east-1:123456789012:table/counts"});
    assert_eq!(fixture.ok("DescribeTable", by_arn).await, described);
    let deleted = fixture.ok("DeleteTable", json!({"TableName": "counts"})).await;
    assert_eq!(deleted["TableDescription"]["TableStatus"], "DELETING");
    for operation in ["DescribeTable", "DeleteTable"] {
        let error = fixture.call(operation, json!({"TableName": "counts"})).await.unwrap_err();
        assert_eq!(error.code, "ResourceNotFoundException");
        assert_eq!(error.message, "Requested resource not found: Table: counts not found");
    }
}

#[tokio::test]
async fn a_name_is_taken_within_its_account_and_region_only() {
    let fixture = Fixture::with_table().await;
    let request = json!({
        "TableName": "counts", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
    });
    let error = fixture.call("CreateTable", request.clone()).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("ResourceInUseException", "Table already exists: counts")
    );
    for other in [caller("123456789012", "eu-west-1"), caller("210987654321", "us-east-1")] {
        assert_eq!(fixture.call_as(&other, "ListTables", json!({})).await.unwrap(), json!({"TableNames": []}));
        fixture.call_as(&other, "CreateTable", request.clone()).await.unwrap();
        let item = json!({"TableName": "counts", "Item": {"id": {"N": "1"}}});
        fixture.call_as(&other, "PutItem", item).await.unwrap();
    }
    let scanned = fixture.ok("Scan", json!({"TableName": "counts"})).await;
    assert_eq!(scanned["Count"], 0);
    let foreign = json!({"TableName": "arn:aws:dynamodb:us-east-1:210987654321:table/counts"});
    assert_eq!(fixture.call("DescribeTable", foreign).await.unwrap_err().code, "ResourceNotFoundException");
}

#[tokio::test]
async fn the_items_of_a_deleted_table_do_not_come_back() {
    let fixture = Fixture::with_table().await;
    for n in 0..30 {
        let item = json!({"metric": {"S": "views"}, "window_end": {"S": n.to_string()}});
        fixture.ok("PutItem", json!({"TableName": "counts", "Item": item})).await;
    }
    fixture.ok("DeleteTable", json!({"TableName": "counts"})).await;
    fixture.create_table("counts", "S", Some("S")).await;
    assert_eq!(fixture.ok("Scan", json!({"TableName": "counts"})).await["Count"], 0);
    fixture.dynamodb.purge_dropped_tables().await.unwrap();
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM dynamodb_item").fetch_one(fixture.database.read()).await.unwrap();
    assert_eq!(left, 0);
    let described = fixture.ok("DescribeTable", json!({"TableName": "counts"})).await;
    assert_eq!(described["Table"]["ItemCount"], 0);
}

#[tokio::test]
async fn tables_are_listed_in_pages() {
    let fixture = Fixture::new().await;
    for name in ["cherry", "apple", "banana"] {
        fixture.create_table(name, "S", None).await;
    }
    let first = fixture.ok("ListTables", json!({"Limit": 2})).await;
    assert_eq!(first, json!({"TableNames": ["apple", "banana"], "LastEvaluatedTableName": "banana"}));
    let second = fixture.ok("ListTables", json!({"Limit": 2, "ExclusiveStartTableName": "banana"})).await;
    assert_eq!(second, json!({"TableNames": ["cherry"]}));
    let message = fixture.invalid("ListTables", json!({"Limit": 101})).await;
    assert!(message.contains("Value '101' at 'limit' failed to satisfy constraint"), "{message}");
}

#[tokio::test]
async fn only_billing_throughput_and_protection_can_be_updated() {
    let fixture = Fixture::with_table().await;
    let provisioned = json!({
        "TableName": "counts", "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    });
    let updated = fixture.ok("UpdateTable", provisioned.clone()).await;
    assert_eq!(updated["TableDescription"]["TableStatus"], "UPDATING");
    let described = fixture.ok("DescribeTable", json!({"TableName": "counts"})).await;
    assert_eq!(described["Table"]["ProvisionedThroughput"]["WriteCapacityUnits"], 6);
    assert_eq!(described["Table"]["BillingModeSummary"]["BillingMode"], "PROVISIONED");
    assert!(fixture.invalid("UpdateTable", provisioned).await.contains("throughput for the table will not change"));
    assert!(fixture.invalid("UpdateTable", json!({"TableName": "counts"})).await.starts_with("At least one of"));
    let index = json!({"TableName": "counts", "GlobalSecondaryIndexUpdates": []});
    assert_eq!(
        fixture.invalid("UpdateTable", index).await,
        "The sandbox does not offer the parameter GlobalSecondaryIndexUpdates of DynamoDB."
    );
    for parameter in ["GlobalTableWitnessUpdates", "GlobalTableSettingsReplicationMode", "VectorIndexUpdates"] {
        let message =
            fixture.invalid("UpdateTable", json!({"TableName": "counts", parameter: [], "BillingMode": "x"})).await;
        assert_eq!(message, format!("The sandbox does not offer the parameter {parameter} of DynamoDB."));
    }
    fixture.ok("UpdateTable", json!({"TableName": "counts", "DeletionProtectionEnabled": true})).await;
    let message = fixture.invalid("DeleteTable", json!({"TableName": "counts"})).await;
    assert!(message.contains("currently protected against deletion"), "{message}");
    fixture.ok("UpdateTable", json!({"TableName": "counts", "DeletionProtectionEnabled": false})).await;
    fixture.ok("DeleteTable", json!({"TableName": "counts"})).await;
}

#[tokio::test]
async fn a_faulty_table_is_refused_in_dynamodbs_words() {
    let fixture = Fixture::new().await;
    let base = json!({
        "TableName": "counts", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
    });
    let faults = [
        ("TableName", json!("ab"), "TableName must be at least 3 characters long and at most 255 characters long"),
        ("TableName", json!("a b c"), "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("TableName", Value::Null, "Value null at 'tableName'"),
        ("BillingMode", json!("FREE"), "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"),
        ("BillingMode", Value::Null, "must both be specified when BillingMode is PROVISIONED"),
        ("KeySchema", json!([]), "Member must have length greater than or equal to 1"),
        (
            "KeySchema",
            json!([{"AttributeName": "id", "KeyType": "RANGE"}]),
            "The first KeySchemaElement is not a HASH key type",
        ),
        ("KeySchema", json!([{"AttributeName": "x", "KeyType": "HASH"}]), "Keys: [x], AttributeDefinitions: [id]"),
        (
            "KeySchema",
            json!([{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}]),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            "AttributeDefinitions",
            json!([{"AttributeName": "id", "AttributeType": "BOOL"}]),
            "enum value set: [B, N, S]",
        ),
        (
            "AttributeDefinitions",
            json!([{"AttributeName": "id", "AttributeType": "N"}, {"AttributeName": "y", "AttributeType": "N"}]),
            "Number of attributes in KeySchema does not exactly match",
        ),
        (
            "ProvisionedThroughput",
            json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}),
            "Neither ReadCapacityUnits nor",
        ),
        ("GlobalSecondaryIndexes", json!([]), "does not offer the parameter GlobalSecondaryIndexes"),
        ("StreamSpecification", json!({"StreamEnabled": true}), "does not offer the parameter StreamSpecification"),
        ("GlobalTableSourceArn", json!("arn"), "does not offer the parameter GlobalTableSourceArn"),
        ("VectorIndexes", json!([]), "does not offer the parameter VectorIndexes"),
        ("Tags", json!([{"Key": "aws:a", "Value": "b"}]), "the key \"aws:a\" begins with aws:"),
    ];
    for (parameter, value, words) in faults {
        let mut request = base.clone();
        request[parameter] = value;
        let message = fixture.invalid("CreateTable", request).await;
        assert!(message.contains(words), "{parameter}: {message}");
    }
    fixture.ok("CreateTable", base).await;
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_tables() {
    let fixture = Fixture::new().await;
    for n in 0..MOST_TABLES {
        fixture.create_table(&format!("table-{n}"), "S", None).await;
    }
    let request = json!({
        "TableName": "one-more", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
    });
    let error = fixture.call("CreateTable", request.clone()).await.unwrap_err();
    assert_eq!(error.code, "LimitExceededException");
    fixture.call_as(&caller("210987654321", "us-east-1"), "CreateTable", request).await.unwrap();
}

#[tokio::test]
async fn what_is_not_offered_is_named() {
    let fixture = Fixture::with_table().await;
    for operation in ["UpdateTimeToLive", "CreateBackup", "ExecuteStatement", "DescribeContinuousBackups"] {
        let error = fixture.call(operation, json!({"TableName": "counts"})).await.unwrap_err();
        assert_eq!(error.code, "UnknownOperationException");
        assert!(error.message.contains(operation), "{error}");
    }
}
