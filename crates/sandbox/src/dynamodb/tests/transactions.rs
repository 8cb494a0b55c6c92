use std::time::Duration;

use serde_json::{Value, json};

use super::Fixture;

fn key(window_end: &str) -> Value {
    json!({"metric": {"S": "views"}, "window_end": {"S": window_end}})
}

fn put(window_end: &str, amount: &str) -> Value {
    let mut item = key(window_end);
    item["amount"] = json!({"N": amount});
    json!({"Put": {"TableName": "counts", "Item": item}})
}

fn add(window_end: &str) -> Value {
    json!({"Update": {
        "TableName": "counts", "Key": key(window_end), "UpdateExpression": "ADD amount :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }})
}

#[tokio::test]
async fn all_actions_happen_or_none() {
    let fixture = Fixture::with_table().await;
    let actions = json!({"TransactItems": [put("1", "1"), put("2", "2"), add("3")], "ReturnConsumedCapacity": "TOTAL"});
    let answer = fixture.ok("TransactWriteItems", actions).await;
    let consumed = json!([{"TableName": "counts", "CapacityUnits": 6.0, "WriteCapacityUnits": 6.0}]);
    assert_eq!(answer["ConsumedCapacity"], consumed);
    let check = json!({"ConditionCheck": {
        "TableName": "counts", "Key": key("2"), "ConditionExpression": "amount > :n",
        "ExpressionAttributeValues": {":n": {"N": "5"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }});
    let misfit = json!({"Update": {
        "TableName": "counts", "Key": key("3"), "UpdateExpression": "ADD amount :set",
        "ExpressionAttributeValues": {":set": {"SS": ["a"]}},
    }});
    let delete = json!({"Delete": {"TableName": "counts", "Key": key("1")}});
    let actions = json!({"TransactItems": [delete, check, misfit, put("4", "4")]});
    let error = fixture.call("TransactWriteItems", actions).await.unwrap_err();
    assert_eq!(error.code, "TransactionCanceledException");
    assert_eq!(
        error.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, \
         ValidationError, None]"
    );
    assert_eq!(
        error.members["CancellationReasons"],
        json!([
            {"Code": "None"},
            {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": put("2", "2")["Put"]["Item"]},
            {"Code": "ValidationError", "Message": "An operand in the update expression has an incorrect data type"},
            {"Code": "None"},
        ])
    );
    assert_eq!(fixture.item("views", "1").await["amount"], json!({"N": "1"}));
    assert_eq!(fixture.item("views", "4").await, Value::Null);
}

#[tokio::test]
async fn a_token_makes_a_transaction_happen_once_in_ten_minutes() {
    let fixture = Fixture::with_table().await;
    let request = json!({"TransactItems": [add("1")], "ClientRequestToken": "token-1"});
    fixture.ok("TransactWriteItems", request.clone()).await;
    fixture.clock.advance(Duration::from_secs(9 * 60));
    fixture.ok("TransactWriteItems", request.clone()).await;
    assert_eq!(fixture.item("views", "1").await["amount"], json!({"N": "1"}));
    let other = json!({"TransactItems": [add("2")], "ClientRequestToken": "token-1"});
    let error = fixture.call("TransactWriteItems", other).await.unwrap_err();
    assert_eq!(error.code, "IdempotentParameterMismatchException");
    fixture.clock.advance(Duration::from_secs(2 * 60));
    fixture.ok("TransactWriteItems", request).await;
    assert_eq!(fixture.item("views", "1").await["amount"], json!({"N": "2"}));
}

#[tokio::test]
async fn a_cancelled_transaction_does_not_use_up_its_token() {
    let fixture = Fixture::with_table().await;
    let mut action = add("1");
    action["Update"]["ConditionExpression"] = json!("attribute_exists(metric)");
    let request = json!({"TransactItems": [action], "ClientRequestToken": "token-1"});
    fixture.call("TransactWriteItems", request.clone()).await.unwrap_err();
    fixture.ok("PutItem", json!({"TableName": "counts", "Item": key("1")})).await;
    fixture.ok("TransactWriteItems", request).await;
    assert_eq!(fixture.item("views", "1").await["amount"], json!({"N": "1"}));
}

#[tokio::test]
async fn reads_are_answered_in_the_order_asked() {
    let fixture = Fixture::with_table().await;
    fixture.ok("TransactWriteItems", json!({"TransactItems": [put("1", "1"), put("2", "2")]})).await;
    let get = |window_end: &str| json!({"Get": {"TableName": "counts", "Key": key(window_end), "ProjectionExpression": "amount"}});
    let request = json!({"TransactItems": [get("2"), get("9"), get("1")], "ReturnConsumedCapacity": "TOTAL"});
    let answer = fixture.ok("TransactGetItems", request).await;
    assert_eq!(answer["Responses"], json!([{"Item": {"amount": {"N": "2"}}}, {}, {"Item": {"amount": {"N": "1"}}}]));
    assert_eq!(answer["ConsumedCapacity"][0]["ReadCapacityUnits"], 6.0);
}

#[tokio::test]
async fn faulty_transactions_are_refused_in_dynamodbs_words() {
    let fixture = Fixture::with_table().await;
    let many: Vec<Value> = (0..101).map(|n| put(&n.to_string(), "1")).collect();
    let mut two_in_one = put("1", "1");
    two_in_one["Delete"] = json!({"TableName": "counts", "Key": key("1")});
    for (actions, words) in [
        (json!([]), "Member must have length greater than or equal to 1"),
        (json!(many), "Member must have length less than or equal to 100"),
        (json!([{}]), "TransactItems can only contain one of Check, Put, Update or Delete"),
        (json!([two_in_one]), "TransactItems can only contain one of Check, Put, Update or Delete"),
        (json!([put("1", "1"), add("1")]), "Transaction request cannot include multiple operations on one item"),
        (
            json!([{"ConditionCheck": {"TableName": "counts", "Key": key("1")}}]),
            "conditionExpression parameter is required",
        ),
    ] {
        let message = fixture.invalid("TransactWriteItems", json!({"TransactItems": actions})).await;
        assert!(message.contains(words), "{message}");
    }
    let gone = json!({"TransactItems": [{"Delete": {"TableName": "gone", "Key": key("1")}}]});
    assert_eq!(fixture.call("TransactWriteItems", gone).await.unwrap_err().code, "ResourceNotFoundException");
}
