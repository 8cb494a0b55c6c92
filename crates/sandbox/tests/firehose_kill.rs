//! What `PutRecordBatch` accepted survives `kill -9`, and is delivered once.
//!
//! This program is a test and, started anew by itself with a data folder in its arguments, the server that the test kills.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::{BufferingHints, ExtendedS3DestinationConfiguration, Record};
use sandbox::firehose::FirehoseLimits;
use sandbox::{Clock, PythonRuntime, Sandbox, SandboxConfig};
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const SERVE: &str = "--serve";
const STREAM: &str = "clicks";
const BUCKET: &str = "lake";
const RECORDS_A_CALL: usize = 50;
const KILLS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[..] {
        [_, flag, folder] if flag == SERVE => runtime.block_on(serve(Path::new(folder))),
        _ => {
            runtime.block_on(what_was_accepted_survives_kill_9());
            println!("test what_was_accepted_survives_kill_9 ... ok");
        }
    }
}

/// Serves until it is killed. Prints its address, its account and a new key.
async fn serve(folder: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint_url = format!("http://{}", listener.local_addr().unwrap());
    let python = PythonRuntime {
        interpreter: "/usr/bin/python3".into(),
        packages: common::python_packages(),
        bubblewrap: "/usr/bin/bwrap".into(),
    };
    let config = SandboxConfig {
        data_dir: folder.to_owned(),
        endpoint_url: endpoint_url.clone(),
        python,
        clock: Clock::System,
        firehose: FirehoseLimits::default(),
    };
    let sandbox = Sandbox::open(config).await.unwrap();
    let account_file = folder.join("account");
    let account = match std::fs::read_to_string(&account_file) {
        Ok(account) => account.parse().unwrap(),
        Err(_) => {
            let account = sandbox.new_account().await.unwrap();
            std::fs::write(&account_file, account.as_str()).unwrap();
            account
        }
    };
    let key = sandbox.service_credentials(&account);
    println!("{endpoint_url} {account} {} {}", key.id, key.secret.expose_secret());
    std::io::stdout().flush().unwrap();
    sandbox.serve(listener, CancellationToken::new()).await.unwrap();
}

/// A server in a process of its own. Killed when dropped.
struct Server {
    process: Child,
    account: String,
    sdk: SdkConfig,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg(SERVE)
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [endpoint, account, key_id, secret] = words[..] else { panic!("the server did not start: {line}") };
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(key_id, secret, None, None, "test")))
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .build();
        Self { account: account.to_owned(), sdk, process }
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn firehose(&self) -> aws_sdk_firehose::Client {
        let config = aws_sdk_firehose::config::Builder::from(&self.sdk)
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        aws_sdk_firehose::Client::from_conf(config)
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&self.sdk).force_path_style(true).build())
    }

    /// The numbers in all objects, object by object.
    async fn delivered(&self) -> Vec<Vec<u64>> {
        let s3 = self.s3();
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
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
        let client = server.firehose();
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
        let objects = server.delivered().await;
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
    server.s3().create_bucket().bucket(BUCKET).send().await.unwrap();
    let firehose = server.firehose();
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
