//! What `PutRecordBatch` accepted survives `kill -9`, and is delivered once.
//!
//! This program is a test and, started anew by itself with a data folder in its arguments, the server that the test kills.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::{BufferingHints, ExtendedS3DestinationConfiguration, Record};
use common::server::{Server, run_or_serve};
use common::streams::s3;

const STREAM: &str = "clicks";
const BUCKET: &str = "lake";
const RECORDS_A_CALL: usize = 50;
const KILLS: usize = 3;

fn main() {
    run_or_serve("what_was_accepted_survives_kill_9", what_was_accepted_survives_kill_9());
}

fn firehose(server: &Server) -> aws_sdk_firehose::Client {
    let config = aws_sdk_firehose::config::Builder::from(&server.sdk)
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build();
    aws_sdk_firehose::Client::from_conf(config)
}

/// The numbers in all objects, object by object.
async fn delivered(server: &Server) -> Vec<Vec<u64>> {
    let s3 = s3(&server.sdk);
    let mut pages = s3.list_objects_v2().bucket(BUCKET).into_paginator().send();
    let mut objects = Vec::new();
    while let Some(page) = pages.next().await {
        for object in page.unwrap().contents.unwrap_or_default() {
            let got = s3.get_object().bucket(BUCKET).key(object.key.unwrap()).send().await.unwrap();
            let body = got.body.collect().await.unwrap().to_vec();
            let lines = String::from_utf8(body).unwrap();
            objects.push(lines.lines().map(|line| line.parse().unwrap()).collect());
        }
    }
    objects
}

async fn what_was_accepted_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("data");
    let mut server = Server::start(&folder);
    make_stream(&server).await;
    let mut accepted: Vec<u64> = Vec::new();
    let mut unknown: Vec<u64> = Vec::new();
    let mut number = 0;
    for round in 0..KILLS {
        let (calls, mut answered) = tokio::sync::mpsc::unbounded_channel();
        let client = firehose(&server);
        // Sends until the server is gone; the last call's fate is unknown.
        let sending = tokio::spawn(async move {
            loop {
                let numbers: Vec<u64> = (number..number + RECORDS_A_CALL as u64).collect();
                number += RECORDS_A_CALL as u64;
                let records = numbers
                    .iter()
                    .map(|number| Record::builder().data(Blob::new(format!("{number}\n"))).build().unwrap())
                    .collect();
                let sent =
                    client.put_record_batch().delivery_stream_name(STREAM).set_records(Some(records)).send().await;
                let Ok(output) = sent else { return (number, numbers) };
                assert_eq!(output.failed_put_count, 0);
                calls.send(numbers).unwrap();
            }
        });
        // Killed in the midst of calls and deliveries, at another point each time.
        for _ in 0..10 + 7 * round {
            accepted.extend(answered.recv().await.unwrap());
        }
        server.kill();
        let (next, last) = sending.await.unwrap();
        number = next;
        unknown.extend(last);
        while let Some(numbers) = answered.recv().await {
            accepted.extend(numbers);
        }
        server = Server::start(&folder);
    }

    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let mut objects = loop {
        let objects = delivered(&server).await;
        let delivered: std::collections::HashSet<u64> = objects.iter().flatten().copied().collect();
        if accepted.iter().all(|number| delivered.contains(number)) {
            break objects;
        }
        assert!(tokio::time::Instant::now() < deadline, "accepted records were not delivered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    objects.sort_unstable();
    let delivered = objects.concat();
    assert!(delivered.is_sorted_by(|left, right| left < right), "records came twice or out of order");
    let surplus: Vec<u64> =
        delivered.iter().filter(|number| accepted.binary_search(number).is_err()).copied().collect();
    assert!(surplus.iter().all(|number| unknown.contains(number)), "records came that were never sent: {surplus:?}");
    assert_eq!(surplus.len() % RECORDS_A_CALL, 0, "a call was accepted by half");
    assert!(accepted.len() >= 10 * RECORDS_A_CALL * KILLS);
}

async fn make_stream(server: &Server) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let iam = aws_sdk_iam::Client::new(&server.sdk);
    iam.create_role().role_name("Delivery").assume_role_policy_document(trust).send().await.unwrap();
    s3(&server.sdk).create_bucket().bucket(BUCKET).send().await.unwrap();
    let firehose = firehose(server);
    let destination = ExtendedS3DestinationConfiguration::builder()
        .role_arn(format!("arn:aws:iam::{}:role/Delivery", server.account))
        .bucket_arn(format!("arn:aws:s3:::{BUCKET}"))
        .buffering_hints(BufferingHints::builder().size_in_mbs(1).interval_in_seconds(0).build())
        .build()
        .unwrap();
    let create = firehose.create_delivery_stream().delivery_stream_name(STREAM);
    create.extended_s3_destination_configuration(destination).send().await.unwrap();
    loop {
        let described = firehose.describe_delivery_stream().delivery_stream_name(STREAM).send().await.unwrap();
        let description = described.delivery_stream_description.unwrap();
        if description.delivery_stream_status.as_str() == "ACTIVE" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
