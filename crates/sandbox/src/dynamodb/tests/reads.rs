use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::Fixture;

async fn put(fixture: &Fixture, metric: &str, window_end: &str, amount: usize) {
    let item = json!({
        "metric": {"S": metric}, "window_end": {"S": window_end}, "amount": {"N": amount.to_string()},
        "doc": {"M": {"half": {"N": (amount / 2).to_string()}}},
    });
    fixture.ok("PutItem", json!({"TableName": "counts", "Item": item})).await;
}

/// All items of all pages, and how many pages there were.
async fn pages(fixture: &Fixture, operation: &str, mut request: Value) -> (Vec<Value>, usize) {
    let mut items = Vec::new();
    for page in 1.. {
        let mut answer = fixture.ok(operation, request.clone()).await;
        assert_eq!(answer["Count"], answer["Items"].as_array().unwrap().len());
        items.extend(answer["Items"].as_array().unwrap().iter().cloned());
        match answer["LastEvaluatedKey"].take() {
            Value::Null => return (items, page),
            key => request["ExclusiveStartKey"] = key,
        }
    }
    unreachable!()
}

fn sort_keys(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["window_end"]["S"].as_str().unwrap().to_owned()).collect()
}

/// A range of sort keys as an expression, its values, and what it should hold.
#[derive(Clone, Debug)]
enum Range {
    All,
    Equal(String),
    Less(String),
    LessOrEqual(String),
    Greater(String),
    GreaterOrEqual(String),
    Between(String, String),
    BeginsWith(String),
}

impl Range {
    fn expression(&self) -> (&'static str, Vec<&String>) {
        match self {
            Self::All => ("metric = :m", vec![]),
            Self::Equal(value) => ("metric = :m AND window_end = :a", vec![value]),
            Self::Less(value) => ("metric = :m AND window_end < :a", vec![value]),
            Self::LessOrEqual(value) => ("window_end <= :a AND :m = metric", vec![value]),
            Self::Greater(value) => ("metric = :m AND :a < window_end", vec![value]),
            Self::GreaterOrEqual(value) => ("metric = :m AND window_end >= :a", vec![value]),
            Self::Between(low, high) => ("metric = :m AND window_end BETWEEN :a AND :b", vec![low, high]),
            Self::BeginsWith(prefix) => ("metric = :m AND begins_with(window_end, :a)", vec![prefix]),
        }
    }

    fn holds(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Equal(value) => key == value,
            Self::Less(value) => key < value.as_str(),
            Self::LessOrEqual(value) => key <= value.as_str(),
            Self::Greater(value) => key > value.as_str(),
            Self::GreaterOrEqual(value) => key >= value.as_str(),
            Self::Between(low, high) => low.as_str() <= key && key <= high.as_str(),
            Self::BeginsWith(prefix) => key.starts_with(prefix.as_str()),
        }
    }
}

fn any_range() -> impl Strategy<Value = Range> {
    let key = "[a-cé]{1,3}";
    prop_oneof![
        Just(Range::All),
        key.prop_map(Range::Equal),
        key.prop_map(Range::Less),
        key.prop_map(Range::LessOrEqual),
        key.prop_map(Range::Greater),
        key.prop_map(Range::GreaterOrEqual),
        (key, key).prop_map(|(one, two)| if one <= two { Range::Between(one, two) } else { Range::Between(two, one) }),
        key.prop_map(Range::BeginsWith),
    ]
}

type Model = BTreeMap<(String, String), usize>;

fn any_model() -> impl Strategy<Value = Model> {
    prop::collection::btree_map(("[xyz]", "[a-cé]{1,3}"), 0..100_usize, 0..25)
}

#[test]
fn query_and_scan_answer_what_a_sorted_map_would() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fixture = runtime.block_on(Fixture::new());
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    let strategy = (any_model(), any_range(), 1..6_usize, any::<bool>(), 1..5_usize, 0..100_usize);
    runner
        .run(&strategy, |(model, range, limit, forward, segments, least)| {
            runtime.block_on(async {
                fixture.create_table("counts", "S", Some("S")).await;
                for ((metric, window_end), amount) in &model {
                    put(&fixture, metric, window_end, *amount).await;
                }
                check_query(&fixture, &model, &range, limit, forward, least).await;
                check_scan(&fixture, &model, limit, segments).await;
                fixture.ok("DeleteTable", json!({"TableName": "counts"})).await;
            });
            Ok(())
        })
        .unwrap();
}

async fn check_query(fixture: &Fixture, model: &Model, range: &Range, limit: usize, forward: bool, least: usize) {
    let (expression, values) = range.expression();
    let mut placeholders = json!({":m": {"S": "x"}, ":least": {"N": least.to_string()}});
    for (name, value) in [":a", ":b"].iter().zip(values) {
        placeholders[name] = json!({"S": value});
    }
    let request = json!({
        "TableName": "counts", "KeyConditionExpression": expression, "FilterExpression": "amount >= :least",
        "ExpressionAttributeValues": placeholders, "Limit": limit, "ScanIndexForward": forward,
    });
    let (items, page_count) = pages(fixture, "Query", request).await;
    let in_range: Vec<_> = model.iter().filter(|((metric, key), _)| metric == "x" && range.holds(key)).collect();
    let mut expected: Vec<String> =
        in_range.iter().filter(|(_, amount)| **amount >= least).map(|((_, key), _)| key.clone()).collect();
    if !forward {
        expected.reverse();
    }
    assert_eq!(sort_keys(&items), expected, "{range:?}");
    assert_eq!(page_count, in_range.len() / limit + 1, "a full page has a LastEvaluatedKey, even the last one");
}

async fn check_scan(fixture: &Fixture, model: &Model, limit: usize, segments: usize) {
    let mut seen = Vec::new();
    for segment in 0..segments {
        let request = json!({"TableName": "counts", "Segment": segment, "TotalSegments": segments, "Limit": limit});
        let (items, _) = pages(fixture, "Scan", request).await;
        seen.extend(items);
    }
    let (whole, _) = pages(fixture, "Scan", json!({"TableName": "counts"})).await;
    assert_eq!(seen, whole, "segments follow one another in the order of the hashes");
    let key = |item: &Value| {
        let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
        ((text("metric"), text("window_end")), item["amount"]["N"].as_str().unwrap().parse().unwrap())
    };
    assert_eq!(whole.len(), model.len());
    assert_eq!(whole.iter().map(key).collect::<Model>(), *model);
}

#[tokio::test]
async fn numbers_are_in_numeric_order() {
    let fixture = Fixture::new().await;
    fixture.create_table("numbers", "B", Some("N")).await;
    for n in ["10", "9", "-3", "-20", "0", "0.5", "1E2"] {
        let item = json!({"metric": {"B": "AA=="}, "window_end": {"N": n}});
        fixture.ok("PutItem", json!({"TableName": "numbers", "Item": item})).await;
    }
    let query = json!({
        "TableName": "numbers", "KeyConditionExpression": "metric = :m AND window_end BETWEEN :low AND :high",
        "ExpressionAttributeValues": {":m": {"B": "AA=="}, ":low": {"N": "-5"}, ":high": {"N": "10.0"}},
        "ProjectionExpression": "window_end",
    });
    let answer = fixture.ok("Query", query).await;
    let expected: Vec<Value> = ["-3", "0", "0.5", "9", "10"].iter().map(|n| json!({"window_end": {"N": n}})).collect();
    assert_eq!(answer["Items"], json!(expected));
}

#[tokio::test]
async fn a_page_ends_at_one_megabyte_before_the_filter() {
    let fixture = Fixture::with_table().await;
    for n in 0..5 {
        let item = json!({
            "metric": {"S": "views"}, "window_end": {"S": n.to_string()}, "data": {"S": "x".repeat(300 * 1024)},
        });
        fixture.ok("PutItem", json!({"TableName": "counts", "Item": item})).await;
    }
    let query = json!({
        "TableName": "counts", "KeyConditionExpression": "metric = :m", "FilterExpression": "window_end2 = :m",
        "ExpressionAttributeValues": {":m": {"S": "views"}}, "ReturnConsumedCapacity": "TOTAL",
    });
    let answer = fixture.ok("Query", query).await;
    assert_eq!((&answer["Count"], &answer["ScannedCount"]), (&json!(0), &json!(3)));
    assert_eq!(answer["LastEvaluatedKey"], json!({"metric": {"S": "views"}, "window_end": {"S": "2"}}));
    assert_eq!(answer["ConsumedCapacity"]["CapacityUnits"], 113.0);
    let rest = json!({
        "TableName": "counts", "KeyConditionExpression": "metric = :m", "Select": "COUNT",
        "ExpressionAttributeValues": {":m": {"S": "views"}}, "ExclusiveStartKey": answer["LastEvaluatedKey"],
    });
    assert_eq!(fixture.ok("Query", rest).await, json!({"Count": 2, "ScannedCount": 2}));
    let described = fixture.ok("DescribeTable", json!({"TableName": "counts"})).await;
    assert_eq!(described["Table"]["TableSizeBytes"], 5 * (300 * 1024 + 6 + 5 + 10 + 1 + 4));
}

#[tokio::test]
async fn parts_of_items_are_answered() {
    let fixture = Fixture::with_table().await;
    put(&fixture, "views", "1", 8).await;
    let get = json!({
        "TableName": "counts", "Key": {"metric": {"S": "views"}, "window_end": {"S": "1"}},
        "ProjectionExpression": "#d.half, gone, metric", "ExpressionAttributeNames": {"#d": "doc"},
    });
    let expected = json!({"metric": {"S": "views"}, "doc": {"M": {"half": {"N": "4"}}}});
    assert_eq!(fixture.ok("GetItem", get).await, json!({"Item": expected}));
    let scan = json!({
        "TableName": "counts", "FilterExpression": "metric = :v AND doc.half > :n", "ProjectionExpression": "amount",
        "ExpressionAttributeValues": {":v": {"S": "views"}, ":n": {"N": "3"}},
    });
    assert_eq!(fixture.ok("Scan", scan).await["Items"], json!([{"amount": {"N": "8"}}]));
}

#[tokio::test]
async fn a_batch_of_keys_is_read_across_tables() {
    let fixture = Fixture::with_table().await;
    fixture.create_table("other", "N", None).await;
    fixture.ok("PutItem", json!({"TableName": "other", "Item": {"metric": {"N": "1"}, "name": {"S": "one"}}})).await;
    for n in 0..60 {
        put(&fixture, "views", &n.to_string(), n).await;
    }
    let keys: Vec<Value> =
        (50..70).map(|n| json!({"metric": {"S": "views"}, "window_end": {"S": n.to_string()}})).collect();
    let request = json!({"RequestItems": {
        "counts": {"Keys": keys, "ProjectionExpression": "amount"}, "other": {"Keys": [{"metric": {"N": "1.0"}}]},
    }});
    let answer = fixture.ok("BatchGetItem", request).await;
    let amounts: BTreeSet<&str> = answer["Responses"]["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["amount"]["N"].as_str().unwrap())
        .collect();
    assert_eq!(amounts, (50..60).map(|n| n.to_string()).collect::<Vec<_>>().iter().map(String::as_str).collect());
    assert_eq!(answer["Responses"]["other"], json!([{"metric": {"N": "1"}, "name": {"S": "one"}}]));
    assert_eq!(answer["UnprocessedKeys"], json!({}));
    let doubled = json!({"RequestItems": {"other": {"Keys": [{"metric": {"N": "1"}}, {"metric": {"N": "1.0"}}]}}});
    assert_eq!(fixture.invalid("BatchGetItem", doubled).await, "Provided list of item keys contains duplicates");
    let many: Vec<Value> = (0..101).map(|n| json!({"metric": {"N": n.to_string()}})).collect();
    let many = json!({"RequestItems": {"other": {"Keys": many}}});
    assert_eq!(fixture.invalid("BatchGetItem", many).await, "Too many items requested for the BatchGetItem call");
}

#[tokio::test]
async fn what_a_batch_cannot_hold_comes_back_as_unprocessed() {
    let fixture = Fixture::with_table().await;
    let mut keys = Vec::new();
    for n in 0..50 {
        let key = json!({"metric": {"S": "views"}, "window_end": {"S": format!("{n:02}")}});
        let mut item = key.clone();
        item["data"] = json!({"S": "x".repeat(390 * 1024)});
        fixture.ok("PutItem", json!({"TableName": "counts", "Item": item})).await;
        keys.push(key);
    }
    let mut wanted = json!({"counts": {"Keys": keys, "ProjectionExpression": "window_end", "ConsistentRead": true}});
    let mut seen = BTreeSet::new();
    let mut rounds = 0;
    while wanted != json!({}) {
        let answer = fixture.ok("BatchGetItem", json!({"RequestItems": wanted})).await;
        for item in answer["Responses"]["counts"].as_array().unwrap() {
            assert!(seen.insert(item["window_end"]["S"].as_str().unwrap().to_owned()));
        }
        wanted = answer["UnprocessedKeys"].clone();
        rounds += 1;
    }
    assert_eq!((seen.len(), rounds), (50, 2));
}

#[tokio::test]
async fn faulty_reads_are_refused_in_dynamodbs_words() {
    let fixture = Fixture::with_table().await;
    let key = |metric: &str| json!({"metric": {"S": metric}, "window_end": {"S": "5"}});
    for (operation, parameters, words) in [
        ("Query", json!({}), "Either the KeyConditions or KeyConditionExpression parameter must be specified"),
        (
            "Query",
            json!({"KeyConditionExpression": "window_end = :v"}),
            "Query condition missed key schema element: metric",
        ),
        ("Query", json!({"KeyConditionExpression": "metric > :v"}), "Query key condition not supported"),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v AND amount = :v"}),
            "Query condition missed key schema element: window_end",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v OR window_end = :v"}),
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric IN (:v)"}),
            "Invalid operator used in KeyConditionExpression: IN",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v AND contains(window_end, :v)"}),
            "Invalid operator used in KeyConditionExpression: contains",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v AND metric = :v"}),
            "must only contain one condition per key",
        ),
        ("Query", json!({"KeyConditionExpression": "metric.a = :v"}), "cannot have conditions on nested attributes"),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :n"}),
            "Condition parameter type does not match schema type",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v", "FilterExpression": "window_end = :v"}),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: window_end",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v", "ExclusiveStartKey": {"metric": {"S": "v"}}}),
            "The provided starting key is invalid",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v", "ExclusiveStartKey": key("other")}),
            "outside query boundaries",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v AND window_end < :four", "ExclusiveStartKey": key("v")}),
            "does not match the range key predicate",
        ),
        (
            "Query",
            json!({"KeyConditionExpression": "metric = :v", "IndexName": "by_amount"}),
            "does not offer the parameter IndexName",
        ),
        ("Query", json!({"KeyConditions": {}}), "legacy parameter KeyConditions"),
        ("Scan", json!({"ScanFilter": {}}), "legacy parameter ScanFilter"),
        ("Scan", json!({"Limit": 0}), "Value '0' at 'limit'"),
        ("Scan", json!({"Select": "COUNT", "ProjectionExpression": "a"}), "when choosing to get only the Count"),
        ("Scan", json!({"Segment": 1}), "The TotalSegments parameter is required"),
        ("Scan", json!({"TotalSegments": 1}), "The Segment parameter is required"),
        ("Scan", json!({"Segment": 4, "TotalSegments": 4}), "Segment: 4 is not less than TotalSegments: 4"),
        ("Scan", json!({"Segment": 0, "TotalSegments": 1_000_001}), "less than or equal to 1000000"),
        ("Scan", json!({"FilterExpression": ""}), "Invalid FilterExpression: The expression can not be empty;"),
        ("GetItem", json!({"Key": {"metric": {"S": "v"}}}), "The provided key element does not match the schema"),
        ("GetItem", json!({"Key": key("v"), "AttributesToGet": ["a"]}), "legacy parameter AttributesToGet"),
        ("GetItem", json!({"Key": key("v"), "ProjectionExpression": "status"}), "reserved keyword: status"),
    ] {
        let mut request = json!({"TableName": "counts"});
        request.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        let expressions = format!("{}{}", parameters["KeyConditionExpression"], parameters["FilterExpression"]);
        let mut values = json!({":v": {"S": "v"}, ":n": {"N": "1"}, ":four": {"S": "4"}});
        values.as_object_mut().unwrap().retain(|name, _| expressions.contains(name.as_str()));
        if values != json!({}) {
            request["ExpressionAttributeValues"] = values;
        }
        let message = fixture.invalid(operation, request).await;
        assert!(message.contains(words), "{operation}: {message}");
    }
}
