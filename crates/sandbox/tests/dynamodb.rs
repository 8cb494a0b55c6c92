//! DynamoDB as its clients use it: the Rust SDK, the `aws` CLI and boto3.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helper functions too")]

mod common;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, ReturnValue,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TableStatus, TransactWriteItem,
};
use common::TestSandbox;

async fn create_table(client: &Client) {
    let key = |name: &str, role| KeySchemaElement::builder().attribute_name(name).key_type(role).build().unwrap();
    let text = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let created = client
        .create_table()
        .table_name("counts")
        .key_schema(key("metric", KeyType::Hash))
        .key_schema(key("window_end", KeyType::Range))
        .attribute_definitions(text("metric"))
        .attribute_definitions(text("window_end"))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    assert_eq!(created.table_description().unwrap().table_status(), Some(&TableStatus::Creating));
    let described = client.describe_table().table_name("counts").send().await.unwrap();
    assert_eq!(described.table().unwrap().table_status(), Some(&TableStatus::Active));
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn item(n: usize) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("metric".to_owned(), text("views")),
        ("window_end".to_owned(), text(&format!("2026-11-24T19:{n:02}:00Z"))),
        ("amount".to_owned(), AttributeValue::N(n.to_string())),
    ])
}

#[tokio::test]
async fn the_rust_sdk_writes_reads_and_pages() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    create_table(&client).await;
    for n in 0..25 {
        client.put_item().table_name("counts").set_item(Some(item(n))).send().await.unwrap();
    }
    let items = client
        .query()
        .table_name("counts")
        .key_condition_expression("metric = :m AND window_end >= :from")
        .expression_attribute_values(":m", text("views"))
        .expression_attribute_values(":from", text("2026-11-24T19:05:00Z"))
        .into_paginator()
        .page_size(7)
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .unwrap();
    let amounts: Vec<&str> = items.iter().map(|item| item["amount"].as_n().unwrap().as_str()).collect();
    assert_eq!(amounts, (5..25).map(|n| n.to_string()).collect::<Vec<_>>());

    let mut every = item(1);
    every.insert("blob".to_owned(), AttributeValue::B(Blob::new([0, 255])));
    every.insert("flags".to_owned(), AttributeValue::L(vec![AttributeValue::Bool(true), AttributeValue::Null(true)]));
    every.insert("tags".to_owned(), AttributeValue::Ss(vec!["a".to_owned(), "ü".to_owned()]));
    every.insert(
        "doc".to_owned(),
        AttributeValue::M(HashMap::from([("k".to_owned(), AttributeValue::N("-0.5".to_owned()))])),
    );
    let replaced = client
        .put_item()
        .table_name("counts")
        .set_item(Some(every.clone()))
        .return_values(ReturnValue::AllOld)
        .send()
        .await
        .unwrap();
    assert_eq!(replaced.attributes(), Some(&item(1)));
    let got = client
        .get_item()
        .table_name("counts")
        .key("metric", every["metric"].clone())
        .key("window_end", every["window_end"].clone())
        .send()
        .await
        .unwrap();
    assert_eq!(got.item(), Some(&every));
}

#[tokio::test]
async fn the_rust_sdk_knows_the_errors() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    let missing = client.put_item().table_name("counts").set_item(Some(item(1))).send().await.unwrap_err();
    assert!(matches!(missing.into_service_error(), PutItemError::ResourceNotFoundException(_)));
    create_table(&client).await;
    let conditional = || {
        client
            .put_item()
            .table_name("counts")
            .set_item(Some(item(1)))
            .condition_expression("attribute_not_exists(metric)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
    };
    conditional().await.unwrap();
    let PutItemError::ConditionalCheckFailedException(failed) = conditional().await.unwrap_err().into_service_error()
    else {
        panic!("the condition must fail")
    };
    assert_eq!(failed.item(), Some(&item(1)));
    let put = Put::builder()
        .table_name("counts")
        .set_item(Some(item(1)))
        .condition_expression("attribute_not_exists(metric)")
        .build()
        .unwrap();
    let action = TransactWriteItem::builder().put(put).build();
    let cancelled = client.transact_write_items().transact_items(action).send().await.unwrap_err();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = cancelled.into_service_error() else {
        panic!("the transaction must be cancelled")
    };
    assert_eq!(cancelled.cancellation_reasons()[0].code(), Some("ConditionalCheckFailed"));
    let invalid = client.scan().table_name("counts").filter_expression("status = :s").send().await.unwrap_err();
    assert_eq!(invalid.code(), Some("ValidationException"));
}

#[tokio::test]
async fn items_survive_a_restart_and_belong_to_one_account() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    create_table(&client).await;
    client.put_item().table_name("counts").set_item(Some(item(1))).send().await.unwrap();
    let sandbox = sandbox.restart().await;
    let client = Client::new(&sandbox.sdk());
    let scanned = client.scan().table_name("counts").send().await.unwrap();
    assert_eq!(scanned.items(), [item(1)]);
    let (_, key) = sandbox.another_account().await;
    let stranger = Client::new(&sandbox.sdk_as(&key, common::REGION));
    assert!(stranger.list_tables().send().await.unwrap().table_names().is_empty());
    assert!(stranger.scan().table_name("counts").send().await.is_err());
}

#[tokio::test]
async fn the_aws_cli_goes_through_a_tables_life() {
    let sandbox = TestSandbox::start().await;
    let created = sandbox
        .aws_json(&[
            "dynamodb",
            "create-table",
            "--table-name",
            "counts",
            "--attribute-definitions",
            "AttributeName=metric,AttributeType=S",
            "AttributeName=window_end,AttributeType=S",
            "--key-schema",
            "AttributeName=metric,KeyType=HASH",
            "AttributeName=window_end,KeyType=RANGE",
            "--billing-mode",
            "PAY_PER_REQUEST",
        ])
        .await;
    assert_eq!(created["TableDescription"]["TableStatus"], "CREATING");
    sandbox.aws_json(&["dynamodb", "wait", "table-exists", "--table-name", "counts"]).await;
    for n in 1..=3 {
        let item = format!(r#"{{"metric":{{"S":"views"}},"window_end":{{"S":"{n}"}},"amount":{{"N":"{n}"}}}}"#);
        sandbox.aws_json(&["dynamodb", "put-item", "--table-name", "counts", "--item", &item]).await;
    }
    let queried = sandbox
        .aws_json(&[
            "dynamodb",
            "query",
            "--table-name",
            "counts",
            "--key-condition-expression",
            "metric = :m",
            "--expression-attribute-values",
            r#"{":m":{"S":"views"}}"#,
            "--no-scan-index-forward",
            "--page-size",
            "1",
        ])
        .await;
    let order: Vec<&str> =
        queried["Items"].as_array().unwrap().iter().map(|item| item["window_end"]["S"].as_str().unwrap()).collect();
    assert_eq!(order, ["3", "2", "1"]);
    let error = sandbox
        .aws_error(&[
            "dynamodb",
            "update-item",
            "--table-name",
            "counts",
            "--key",
            r#"{"metric":{"S":"views"},"window_end":{"S":"1"}}"#,
            "--update-expression",
            "SET amount = :n",
            "--condition-expression",
            "amount > :n",
            "--expression-attribute-values",
            r#"{":n":{"N":"5"}}"#,
        ])
        .await;
    assert!(error.contains("(ConditionalCheckFailedException)"), "{error}");
    assert!(error.contains("The conditional request failed"), "{error}");
    sandbox.aws_json(&["dynamodb", "delete-table", "--table-name", "counts"]).await;
    sandbox.aws_json(&["dynamodb", "wait", "table-not-exists", "--table-name", "counts"]).await;
    assert_eq!(sandbox.aws_json(&["dynamodb", "list-tables"]).await["TableNames"], serde_json::json!([]));
    let error = sandbox.aws_error(&["dynamodb", "describe-continuous-backups", "--table-name", "counts"]).await;
    assert!(error.contains("DescribeContinuousBackups"), "{error}");
}

#[tokio::test]
async fn boto3s_resources_and_paginators_work() {
    let sandbox = TestSandbox::start().await;
    let told = sandbox
        .python(
            r##"
import boto3
from decimal import Decimal
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

dynamodb = boto3.resource("dynamodb")
table = dynamodb.create_table(
    TableName="counts",
    KeySchema=[{"AttributeName": "metric", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
    AttributeDefinitions=[{"AttributeName": "metric", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}],
    BillingMode="PAY_PER_REQUEST",
)
table.wait_until_exists()
with table.batch_writer() as batch:
    for n in range(60):
        batch.put_item(Item={"metric": "views", "n": n, "even": n % 2 == 0, "share": Decimal("0.1") * n, "raw": b"\x00"})
found = table.query(
    KeyConditionExpression=Key("metric").eq("views") & Key("n").between(10, 29),
    FilterExpression=Attr("even").eq(True) & ~Attr("n2").exists() & Attr("share").lt(Decimal("2.5")),
)["Items"]
print([int(item["n"]) for item in found])
print(found[0]["share"], found[0]["raw"].value)
pages = table.meta.client.get_paginator("query").paginate(
    TableName="counts", KeyConditionExpression=Key("metric").eq("views"), PaginationConfig={"PageSize": 9}
)
print([page["Count"] for page in pages])
print(sum(page["Count"] for page in table.meta.client.get_paginator("scan").paginate(
    TableName="counts", FilterExpression=Attr("even").eq(False), PaginationConfig={"PageSize": 7})))
print(table.update_item(
    Key={"metric": "views", "n": 1}, UpdateExpression="SET #v = if_not_exists(#v, :zero) + :one ADD tags :t",
    ExpressionAttributeNames={"#v": "value"}, ExpressionAttributeValues={":zero": 0, ":one": 1, ":t": {"a"}},
    ReturnValues="UPDATED_NEW")["Attributes"])
try:
    table.put_item(Item={"metric": "views", "n": 1}, ConditionExpression=Attr("metric").not_exists())
except dynamodb.meta.client.exceptions.ConditionalCheckFailedException as error:
    print(error.response["Error"]["Message"])
try:
    table.update_item(Key={"metric": "views", "n": 1}, AttributeUpdates={"a": {"Value": 1}})
except ClientError as error:
    print(error.response["Error"]["Code"])
keys = [{"metric": "views", "n": n} for n in (58, 59, 60)]
print(len(dynamodb.batch_get_item(RequestItems={"counts": {"Keys": keys}})["Responses"]["counts"]))
try:
    dynamodb.meta.client.transact_write_items(TransactItems=[
        {"Put": {"TableName": "counts", "Item": {"metric": "new", "n": 1}}},
        {"ConditionCheck": {"TableName": "counts", "Key": {"metric": "gone", "n": 1}, "ConditionExpression": "attribute_exists(n)"}},
    ])
except dynamodb.meta.client.exceptions.TransactionCanceledException as error:
    print([reason["Code"] for reason in error.response["CancellationReasons"]])
table.delete()
table.wait_until_not_exists()
print(list(dynamodb.tables.all()))
"##,
        )
        .await;
    let expected = [
        "[10, 12, 14, 16, 18, 20, 22, 24]",
        r"1 b'\x00'",
        "[9, 9, 9, 9, 9, 9, 6]",
        "30",
        "{'tags': {'a'}, 'value': Decimal('1')}",
        "The conditional request failed",
        "ValidationException",
        "2",
        "['None', 'ConditionalCheckFailed']",
        "[]",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}
