//! What `PutRecords` accepted survives `kill -9`, and is counted in windows as often as it was accepted.
//!
//! This program is a test and, started anew by itself with a data folder in its arguments, the server that the test kills.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use common::data_streams::{DATA_STREAM, create_counter, create_data_stream, eventually, map};
use common::pipeline::create_table;
use common::server::{Server, run_or_serve};

const RECORDS_A_CALL: usize = 20;
const KILLS: usize = 4;

/// Collects the texts of a window in its state, and writes them down by window and shard when it ends.
const COLLECT: &str = r#"
import base64, boto3, json

def handler(event, context):
    texts = event["state"].get("texts", [])
    texts += [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
    if event["isFinalInvokeForWindow"]:
        item = {"metric": event["shardId"], "window_end": event["window"]["end"], "texts": json.dumps(texts)}
        boto3.client("dynamodb").put_item(TableName="counts", Item={name: {"S": value} for name, value in item.items()})
    return {"state": {"texts": texts}}
"#;

fn main() {
    run_or_serve("windows_stay_exact_through_kill_9", windows_stay_exact_through_kill_9());
}

fn kinesis(server: &Server) -> aws_sdk_kinesis::Client {
    let config = aws_sdk_kinesis::config::Builder::from(&server.sdk)
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build();
    aws_sdk_kinesis::Client::from_conf(config)
}

/// How often each text was counted.
async fn counted(sdk: &SdkConfig) -> BTreeMap<String, usize> {
    let scan = aws_sdk_dynamodb::Client::new(sdk).scan().table_name("counts").into_paginator().items().send();
    let items: Vec<_> = scan.collect::<Result<_, _>>().await.unwrap();
    let mut counted = BTreeMap::new();
    for item in items {
        let texts: Vec<String> = serde_json::from_str(item["texts"].as_s().unwrap()).unwrap();
        for text in texts {
            *counted.entry(text).or_default() += 1;
        }
    }
    counted
}

async fn windows_stay_exact_through_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("data");
    let mut server = Server::start(&folder);
    create_table(&server.sdk, "counts", "window_end").await;
    create_counter(&server.sdk, COLLECT).await;
    let stream = create_data_stream(&server.sdk, 2).await;
    map(&server.sdk, &stream, |create| create.tumbling_window_in_seconds(2).batch_size(50)).await;

    let mut accepted: BTreeSet<String> = BTreeSet::new();
    let mut unknown: BTreeSet<String> = BTreeSet::new();
    let mut number = 0;
    for round in 0..KILLS {
        let (calls, mut answered) = tokio::sync::mpsc::unbounded_channel();
        let client = kinesis(&server);
        // Sends until the server is gone; the last call's fate is unknown.
        let sending = tokio::spawn(async move {
            loop {
                let texts: Vec<String> = (number..number + RECORDS_A_CALL).map(|number| number.to_string()).collect();
                number += RECORDS_A_CALL;
                let entry = |text: &String| {
                    PutRecordsRequestEntry::builder()
                        .partition_key(text)
                        .data(Blob::new(text.as_str()))
                        .build()
                        .unwrap()
                };
                let records = texts.iter().map(entry).collect();
                let sent = client.put_records().stream_name(DATA_STREAM).set_records(Some(records)).send().await;
                let Ok(output) = sent else { return (number, texts) };
                let taken = texts.into_iter().zip(output.records).filter(|(_, entry)| entry.error_code().is_none());
                calls.send(taken.map(|(text, _)| text).collect::<Vec<_>>()).unwrap();
            }
        });
        // Killed in the midst of calls, counts and ends of windows, at another point each time.
        for _ in 0..20 + 40 * round {
            accepted.extend(answered.recv().await.unwrap());
        }
        server.kill();
        let (next, last) = sending.await.unwrap();
        number = next;
        unknown.extend(last);
        while let Some(texts) = answered.recv().await {
            accepted.extend(texts);
        }
        server = Server::start(&folder);
    }
    let counted = eventually("the count of all that was accepted", || async {
        let counted = counted(&server.sdk).await;
        accepted.iter().all(|text| counted.contains_key(text)).then_some(counted)
    })
    .await;
    assert!(counted.values().all(|count| *count == 1), "counted twice: {counted:?}");
    assert!(counted.keys().all(|text| accepted.contains(text) || unknown.contains(text)));
    assert!(accepted.len() > KILLS * RECORDS_A_CALL);
}
