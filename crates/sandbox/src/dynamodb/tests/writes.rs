use std::sync::Arc;

use serde_json::{Value, json};

use super::Fixture;

fn key() -> Value {
    json!({"metric": {"S": "views"}, "window_end": {"S": "2026-11-24T19:00:00Z"}})
}

fn item(amount: &str) -> Value {
    let mut item = key();
    item["amount"] = json!({"N": amount});
    item
}

#[tokio::test]
async fn an_item_is_put_replaced_and_deleted() {
    let fixture = Fixture::with_table().await;
    assert_eq!(fixture.ok("PutItem", json!({"TableName": "counts", "Item": item("1.50")})).await, json!({}));
    assert_eq!(fixture.item("views", "2026-11-24T19:00:00Z").await, item("1.5"));
    let replaced =
        fixture.ok("PutItem", json!({"TableName": "counts", "Item": item("2"), "ReturnValues": "ALL_OLD"})).await;
    assert_eq!(replaced, json!({"Attributes": item("1.5")}));
    let deleted = json!({"TableName": "counts", "Key": key(), "ReturnValues": "ALL_OLD"});
    assert_eq!(fixture.ok("DeleteItem", deleted.clone()).await, json!({"Attributes": item("2")}));
    assert_eq!(fixture.ok("DeleteItem", deleted).await, json!({}));
    assert_eq!(fixture.item("views", "2026-11-24T19:00:00Z").await, Value::Null);
}

#[tokio::test]
async fn the_labs_output_function_can_write_the_same_window_twice() {
    let fixture = Fixture::with_table().await;
    let update = |now: &str| {
        json!({
            "TableName": "counts", "Key": key(),
            "UpdateExpression": "SET amount = :n, window_seconds = :w, written_at = if_not_exists(written_at, :now)",
            "ExpressionAttributeValues": {":n": {"N": "7"}, ":w": {"N": "60"}, ":now": {"S": now}},
            "ReturnValues": "ALL_NEW",
        })
    };
    let first = fixture.ok("UpdateItem", update("19:01")).await;
    let second = fixture.ok("UpdateItem", update("19:02")).await;
    assert_eq!(first, second);
    assert_eq!(second["Attributes"]["written_at"], json!({"S": "19:01"}));
    for (expression, names, values) in [
        ("SET pages = if_not_exists(pages, :empty)", json!(null), json!({":empty": {"M": {}}})),
        ("SET pages.#title = :n", json!({"#title": "Zürich (city), 1.0"}), json!({":n": {"N": "3"}})),
    ] {
        let mut request = json!({
            "TableName": "counts", "Key": key(), "UpdateExpression": expression, "ExpressionAttributeValues": values,
            "ReturnValues": "UPDATED_NEW",
        });
        request["ExpressionAttributeNames"] = names;
        fixture.ok("UpdateItem", request).await;
    }
    let item = fixture.item("views", "2026-11-24T19:00:00Z").await;
    assert_eq!(item["pages"], json!({"M": {"Zürich (city), 1.0": {"N": "3"}}}));
}

#[tokio::test]
async fn updates_answer_what_was_asked_for() {
    let fixture = Fixture::with_table().await;
    fixture.ok("PutItem", json!({"TableName": "counts", "Item": item("1")})).await;
    let update = |return_values: &str| {
        json!({
            "TableName": "counts", "Key": key(), "UpdateExpression": "ADD amount :one SET doc = :doc",
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":doc": {"M": {"a": {"N": "1"}}}},
            "ReturnValues": return_values,
        })
    };
    assert_eq!(fixture.ok("UpdateItem", update("NONE")).await, json!({}));
    let doc = json!({"M": {"a": {"N": "1"}}});
    let old = fixture.ok("UpdateItem", update("UPDATED_OLD")).await;
    assert_eq!(old, json!({"Attributes": {"amount": {"N": "2"}, "doc": doc}}));
    let new = fixture.ok("UpdateItem", update("UPDATED_NEW")).await;
    assert_eq!(new, json!({"Attributes": {"amount": {"N": "4"}, "doc": doc}}));
    let all_old = fixture.ok("UpdateItem", update("ALL_OLD")).await;
    assert_eq!(all_old["Attributes"]["amount"], json!({"N": "4"}));
    let all_new = fixture.ok("UpdateItem", update("ALL_NEW")).await;
    assert_eq!(all_new["Attributes"]["amount"], json!({"N": "6"}));
    assert_eq!(all_new["Attributes"]["metric"], json!({"S": "views"}));
    let message = fixture.invalid("UpdateItem", update("EVERYTHING")).await;
    assert!(message.contains("Value 'EVERYTHING' at 'returnValues'"), "{message}");
    let put = json!({"TableName": "counts", "Item": item("1"), "ReturnValues": "ALL_NEW"});
    assert_eq!(fixture.invalid("PutItem", put).await, "Return values set to invalid value");
}

#[tokio::test]
async fn an_update_without_expression_makes_the_item() {
    let fixture = Fixture::with_table().await;
    fixture.ok("UpdateItem", json!({"TableName": "counts", "Key": key()})).await;
    assert_eq!(fixture.item("views", "2026-11-24T19:00:00Z").await, key());
}

#[tokio::test]
async fn a_condition_guards_a_write() {
    let fixture = Fixture::with_table().await;
    let put = |amount: &str| {
        json!({
            "TableName": "counts", "Item": item(amount), "ConditionExpression": "attribute_not_exists(metric)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    };
    fixture.ok("PutItem", put("1")).await;
    let error = fixture.call("PutItem", put("2")).await.unwrap_err();
    assert_eq!(error.code, "ConditionalCheckFailedException");
    assert_eq!(error.message, "The conditional request failed");
    assert_eq!(error.members["Item"], item("1"));
    let delete = json!({
        "TableName": "counts", "Key": key(), "ConditionExpression": "amount > :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    });
    let error = fixture.call("DeleteItem", delete).await.unwrap_err();
    assert_eq!(error.code, "ConditionalCheckFailedException");
    assert!(error.members.is_empty());
    assert_eq!(fixture.item("views", "2026-11-24T19:00:00Z").await, item("1"));
}

#[tokio::test]
async fn concurrent_updates_all_count_and_one_conditional_put_wins() {
    let fixture = Arc::new(Fixture::with_table().await);
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move {
                let add = json!({
                    "TableName": "counts", "Key": key(), "UpdateExpression": "ADD amount :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                });
                fixture.ok("UpdateItem", add).await;
                let claim = json!({
                    "TableName": "counts", "Item": {"metric": {"S": "leader"}, "window_end": {"S": "-"}, "n": {"N": n.to_string()}},
                    "ConditionExpression": "attribute_not_exists(metric)",
                });
                fixture.call("PutItem", claim).await.is_ok()
            })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap());
    }
    assert_eq!(winners, 1);
    assert_eq!(fixture.item("views", "2026-11-24T19:00:00Z").await["amount"], json!({"N": "40"}));
}

#[tokio::test]
async fn faulty_writes_are_refused_in_dynamodbs_words() {
    let fixture = Fixture::with_table().await;
    let with = |parameters: Value| {
        let mut request = json!({"TableName": "counts"});
        request.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        request
    };
    for (operation, parameters, words) in [
        ("PutItem", json!({}), "Value null at 'item'"),
        ("PutItem", json!({"Item": {"metric": {"S": "a"}}}), "Missing the key window_end in the item"),
        (
            "PutItem",
            json!({"Item": {"metric": {"N": "1"}, "window_end": {"S": "a"}}}),
            "One or more parameter values were invalid: Type mismatch for key metric expected: S actual: N",
        ),
        (
            "PutItem",
            json!({"Item": {"metric": {"S": ""}, "window_end": {"S": "a"}}}),
            "cannot contain an empty string value. Key: metric",
        ),
        (
            "PutItem",
            json!({"Item": {"metric": {"S": "a"}, "window_end": {"S": "a"}, "": {"S": "a"}}}),
            "An attribute name may not be empty",
        ),
        ("PutItem", json!({"Item": {"metric": {}, "window_end": {"S": "a"}}}), "Supplied AttributeValue is empty"),
        ("PutItem", json!({"Item": item("1E400")}), "Number overflow"),
        ("PutItem", json!({"Item": item("1"), "Expected": {}}), "does not offer the legacy parameter Expected"),
        ("UpdateItem", json!({"Key": key(), "AttributeUpdates": {}}), "legacy parameter AttributeUpdates"),
        ("UpdateItem", json!({"Key": {"metric": {"S": "a"}}}), "The provided key element does not match the schema"),
        (
            "UpdateItem",
            json!({"Key": key(), "UpdateExpression": "SET metric = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}}),
            "Cannot update attribute metric. This attribute is part of the key",
        ),
        (
            "UpdateItem",
            json!({"Key": key(), "UpdateExpression": "SET a.b = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}}),
            "The document path provided in the update expression is invalid for update",
        ),
        (
            "UpdateItem",
            json!({"Key": key(), "UpdateExpression": ""}),
            "Invalid UpdateExpression: The expression can not be empty;",
        ),
        (
            "UpdateItem",
            json!({"Key": key(), "ExpressionAttributeValues": {":v": {"S": "a"}}}),
            "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null",
        ),
        (
            "PutItem",
            json!({"Item": item("1"), "ExpressionAttributeNames": {"#a": "a"}}),
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            "PutItem",
            json!({"Item": item("1"), "ConditionExpression": "a = :v", "ExpressionAttributeValues": {"v": {"S": "a"}}}),
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \"v\"",
        ),
        (
            "DeleteItem",
            json!({"Key": key(), "ConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"S": "a"}}}),
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}",
        ),
        (
            "DeleteItem",
            json!({"Key": {"metric": {"S": "a"}, "window_end": {"N": "1"}}}),
            "The provided key element does not match the schema",
        ),
    ] {
        let message = fixture.invalid(operation, with(parameters)).await;
        assert!(message.contains(words), "{operation}: {message}");
    }
    let error = fixture.call("PutItem", json!({"TableName": "gone", "Item": item("1")})).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("ResourceNotFoundException", "Requested resource not found")
    );
    let error = fixture.call("PutItem", json!({"TableName": "counts", "Item": 5})).await.unwrap_err();
    assert_eq!(error.code, "SerializationException");
    assert_eq!(fixture.ok("Scan", json!({"TableName": "counts"})).await["Count"], 0);
}

#[tokio::test]
async fn a_batch_is_written_whole() {
    let fixture = Fixture::with_table().await;
    fixture.create_table("other", "N", None).await;
    let put = |n: usize| {
        let item = json!({"metric": {"S": "views"}, "window_end": {"S": format!("{n:03}")}, "n": {"N": n.to_string()}});
        json!({"PutRequest": {"Item": item}})
    };
    let puts: Vec<Value> = (0..24).map(put).collect();
    let others = json!([{"PutRequest": {"Item": {"metric": {"N": "1"}}}}]);
    let request = json!({"RequestItems": {"counts": puts, "other": others}, "ReturnConsumedCapacity": "TOTAL"});
    let answer = fixture.ok("BatchWriteItem", request).await;
    assert_eq!(answer["UnprocessedItems"], json!({}));
    assert_eq!(answer["ConsumedCapacity"][0], json!({"TableName": "counts", "CapacityUnits": 24.0}));
    let deletes: Vec<Value> = (0..23)
        .map(|n| json!({"DeleteRequest": {"Key": {"metric": {"S": "views"}, "window_end": {"S": format!("{n:03}")}}}}))
        .chain([put(99)])
        .collect();
    fixture.ok("BatchWriteItem", json!({"RequestItems": {"counts": deletes}})).await;
    let described = fixture.ok("DescribeTable", json!({"TableName": "counts"})).await;
    assert_eq!(described["Table"]["ItemCount"], 2);

    let too_many: Vec<Value> = (0..26).map(put).collect();
    for (items, words) in [
        (json!({"counts": too_many}), "Too many items requested for the BatchWriteItem call"),
        (json!({"counts": [put(1), put(1)]}), "Provided list of item keys contains duplicates"),
        (json!({}), "The requestItems parameter is required for BatchWriteItem"),
        (json!({"counts": []}), "Member must have length greater than or equal to 1"),
        (json!({"counts": [put(5), {"PutRequest": {"Item": {"metric": {"S": "a"}}}}]}), "Missing the key window_end"),
    ] {
        let message = fixture.invalid("BatchWriteItem", json!({"RequestItems": items})).await;
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(fixture.item("views", "005").await, Value::Null);
}

#[tokio::test]
async fn consumed_capacity_is_told_when_asked_for() {
    let fixture = Fixture::with_table().await;
    let mut large = item("1");
    large["text"] = json!({"S": "x".repeat(3000)});
    let put = json!({"TableName": "counts", "Item": large, "ReturnConsumedCapacity": "INDEXES"});
    assert_eq!(
        fixture.ok("PutItem", put).await["ConsumedCapacity"],
        json!({"TableName": "counts", "CapacityUnits": 3.0, "Table": {"CapacityUnits": 3.0}})
    );
    let get = json!({"TableName": "counts", "Key": key(), "ReturnConsumedCapacity": "TOTAL"});
    let got = fixture.ok("GetItem", get).await;
    assert_eq!(got["ConsumedCapacity"], json!({"TableName": "counts", "CapacityUnits": 0.5}));
    let delete = json!({"TableName": "counts", "Key": key(), "ReturnConsumedCapacity": "TOTAL"});
    assert_eq!(fixture.ok("DeleteItem", delete).await["ConsumedCapacity"]["CapacityUnits"], 3.0);
}
