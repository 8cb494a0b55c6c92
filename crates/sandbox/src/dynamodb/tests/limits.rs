use serde_json::{Value, json};

use super::Fixture;

#[tokio::test]
async fn an_item_has_at_most_400_kb() {
    let fixture = Fixture::with_table().await;
    let names_and_keys = "metric".len() + "m".len() + "window_end".len() + "w".len() + "data".len();
    let item = |length: usize| {
        let item = json!({"metric": {"S": "m"}, "window_end": {"S": "w"}, "data": {"S": "x".repeat(length)}});
        json!({"TableName": "counts", "Item": item})
    };
    let largest = 400 * 1024 - names_and_keys;
    fixture.ok("PutItem", item(largest)).await;
    assert_eq!(fixture.invalid("PutItem", item(largest + 1)).await, "Item size has exceeded the maximum allowed size");
    let update = json!({
        "TableName": "counts", "Key": {"metric": {"S": "m"}, "window_end": {"S": "w"}},
        "UpdateExpression": "SET y = :y", "ExpressionAttributeValues": {":y": {"S": ""}},
    });
    let message = fixture.invalid("UpdateItem", update).await;
    assert_eq!(message, "Item size to update has exceeded the maximum allowed size");
}

#[tokio::test]
async fn values_nest_32_levels_even_by_small_updates() {
    let fixture = Fixture::with_table().await;
    let nested = |levels: usize| (0..levels).fold(json!({"S": "leaf"}), |inner, _| json!({"L": [inner]}));
    let put = |value: Value| json!({"TableName": "counts", "Item": {"metric": {"S": "m"}, "window_end": {"S": "w"}, "v": value}});
    fixture.ok("PutItem", put(nested(32))).await;
    assert!(fixture.invalid("PutItem", put(nested(33))).await.starts_with("Nesting Levels have exceeded"));
    let update = json!({
        "TableName": "counts", "Key": {"metric": {"S": "m"}, "window_end": {"S": "w"}},
        "UpdateExpression": "SET v[0] = v",
    });
    assert!(fixture.invalid("UpdateItem", update).await.starts_with("Nesting Levels have exceeded"));
    let hostile =
        format!("{{\"TableName\":\"counts\",\"Item\":{}{}", "{\"a\":{\"M\":".repeat(20_000), "}}".repeat(20_000));
    let error = fixture.dynamodb.call(&fixture.caller, "PutItem", hostile.as_bytes()).await.unwrap_err();
    assert_eq!(error.code, "SerializationException");
}

#[tokio::test]
async fn an_account_that_is_full_cannot_grow() {
    let fixture = Fixture::with_table().await;
    let mut transaction = fixture.database.write().await.unwrap();
    sqlx::query("UPDATE dynamodb_table SET byte_count = ?")
        .bind((1_i64 << 30) - 100)
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let item =
        |length: usize| json!({"metric": {"S": "m"}, "window_end": {"S": "w"}, "data": {"S": "x".repeat(length)}});
    fixture.ok("PutItem", json!({"TableName": "counts", "Item": item(10)})).await;
    let batch = json!({"RequestItems": {"counts": [{"PutRequest": {"Item": item(200)}}]}});
    for (operation, request) in
        [("PutItem", json!({"TableName": "counts", "Item": item(200)})), ("BatchWriteItem", batch)]
    {
        let error = fixture.call(operation, request).await.unwrap_err();
        assert_eq!(error.code, "ItemCollectionSizeLimitExceededException");
    }
    let transaction = json!({"TransactItems": [{"Put": {"TableName": "counts", "Item": item(200)}}]});
    let error = fixture.call("TransactWriteItems", transaction).await.unwrap_err();
    assert_eq!(error.members["CancellationReasons"][0]["Code"], "ItemCollectionSizeLimitExceeded");
    let key = json!({"metric": {"S": "m"}, "window_end": {"S": "w"}});
    fixture.ok("DeleteItem", json!({"TableName": "counts", "Key": key})).await;
}

#[tokio::test]
async fn a_value_used_many_times_makes_no_larger_item() {
    let fixture = Fixture::with_table().await;
    let assignments: Vec<String> = (0..250).map(|number| format!("a{number}=:v")).collect();
    let update = |bytes: usize| {
        json!({
            "TableName": "counts", "Key": {"metric": {"S": "m"}, "window_end": {"S": "w"}},
            "UpdateExpression": format!("SET {}", assignments.join(",")),
            "ExpressionAttributeValues": {":v": {"S": "x".repeat(bytes)}},
        })
    };
    fixture.ok("UpdateItem", update(1500)).await;
    let message = fixture.invalid("UpdateItem", update(2_000_000)).await;
    assert_eq!(message, "Item size to update has exceeded the maximum allowed size");
    let message = fixture.invalid("UpdateItem", update(2_100_000)).await;
    assert!(message.contains("exceeded the maximum allowed size of 2097152 bytes"), "{message}");
}

#[tokio::test]
async fn a_request_makes_a_bounded_number_of_comparisons() {
    let fixture = Fixture::with_table().await;
    for window_end in ["1", "2"] {
        let item = json!({"metric": {"S": "m"}, "window_end": {"S": window_end}, "words": {"S": "x".repeat(400_000)}});
        fixture.ok("PutItem", json!({"TableName": "counts", "Item": item})).await;
    }
    let values = json!({":v": {"S": "y"}});
    let condition = |comparisons: usize| vec!["words<>:v"; comparisons].join(" AND ");
    let delete = |comparisons: usize| {
        json!({
            "TableName": "counts", "Key": {"metric": {"S": "m"}, "window_end": {"S": "1"}},
            "ConditionExpression": condition(comparisons), "ExpressionAttributeValues": values,
        })
    };
    let scan = |filter: String| json!({"TableName": "counts", "FilterExpression": filter, "ExpressionAttributeValues": values});
    let list = |operands: usize| format!("words IN ({})", vec![":v"; operands].join(","));
    let too_many = [list(100), list(100), list(100), list(100)].join(" OR ");
    let message = fixture.invalid("Scan", scan(too_many.clone())).await;
    assert!(message.contains("compares up to 128 MiB"), "{message}");
    // What the first item leaves is not enough for the second, so that the page ends.
    let page = fixture.ok("Scan", scan([list(100), list(100)].join(" OR "))).await;
    assert_eq!(page["ScannedCount"], 1);
    assert!(page["LastEvaluatedKey"].is_object());
    let mut request = delete(10);
    request["ConditionExpression"] = json!(too_many);
    let message = fixture.invalid("DeleteItem", request).await;
    assert!(message.contains("compares up to 128 MiB"), "{message}");
    fixture.ok("DeleteItem", delete(10)).await;
}

#[tokio::test]
async fn a_transaction_ends_at_4_mb() {
    let fixture = Fixture::with_table().await;
    let put = |window_end: usize| {
        let item = json!({
            "metric": {"S": "m"}, "window_end": {"S": window_end.to_string()}, "data": {"S": "x".repeat(400_000)},
        });
        json!({"Put": {"TableName": "counts", "Item": item}})
    };
    let puts: Vec<Value> = (0..11).map(put).collect();
    let message = fixture.invalid("TransactWriteItems", json!({"TransactItems": puts})).await;
    assert_eq!(message, "Aggregated size of all items in the transaction exceeds 4 MB");
    fixture.ok("TransactWriteItems", json!({"TransactItems": puts[..10]})).await;
}
