//! `headwater verify`

use std::collections::BTreeMap;
use std::process::Output;

use serde_json::Value;

use crate::server::{Folder, account, headwater};

async fn verify(environment: &BTreeMap<String, String>, arguments: &[&str]) -> Output {
    headwater().arg("verify").args(arguments).envs(environment).output().await.unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn the_exit_status_tells_passed_from_not_passed_from_could_not_tell() {
    let folder = Folder::new();
    let server = folder.start().await;
    let learner = account(&server).await;

    let passed = verify(&learner, &["--step", "connect"]).await;
    assert_eq!(passed.status.code(), Some(0), "{}{}", out(&passed), err(&passed));
    assert!(out(&passed).contains("1 of 1 checks pass: passed"), "{}", out(&passed));

    let missing = verify(&learner, &["--step", "0", "--step", "delivery-stream"]).await;
    assert_eq!(missing.status.code(), Some(1), "{}", err(&missing));
    let text = out(&missing);
    assert!(text.contains("not yet     The bucket exists") && text.contains("s3:HeadBucket at "), "{text}");

    let mut stranger = learner.clone();
    stranger.insert("AWS_SECRET_ACCESS_KEY".to_owned(), "x".repeat(40));
    let unknown = verify(&stranger, &["--step", "connect"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(err(&unknown).contains("AWS does not accept the credentials"), "{}", err(&unknown));

    let nobody = verify(&BTreeMap::new(), &["--region", "us-east-1", "--endpoint-url", &server.endpoint]).await;
    assert_eq!(nobody.status.code(), Some(2));
    let other = verify(&learner, &["--account", "999999999999"]).await;
    assert_eq!(other.status.code(), Some(2));
    assert!(err(&other).contains("not to 999999999999"), "{}", err(&other));
}

#[tokio::test]
async fn the_same_result_is_told_as_json_and_as_junit() {
    let folder = Folder::new();
    let server = folder.start().await;
    let learner = account(&server).await;
    let steps = ["--engine", "sql-application", "--step", "connect", "--step", "preprocess"];
    let json = verify(&learner, &[&steps[..], &["--format", "json"]].concat()).await;
    assert_eq!(json.status.code(), Some(1), "{}", err(&json));
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["outcome"], &report["engine"]), (&"not_passed".into(), &"sql-application".into()));
    let checks = report["checks"].as_array().unwrap();
    let kinds: Vec<(&str, &str)> = checks
        .iter()
        .map(|check| (check["name"].as_str().unwrap(), check["verdict"]["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("connect.identity", "pass"),
            ("preprocess.function", "not_yet"),
            ("preprocess.runtime", "not_yet"),
            ("preprocess.handler", "not_yet"),
            ("preprocess.timeout", "not_yet")
        ]
    );
    assert_eq!(report["not_run"], serde_json::json!(["preprocess.answer"]), "functions run with --invoke alone");
    assert_eq!(checks[1]["evidence"][0]["call"], "lambda:GetFunctionConfiguration");

    let junit = verify(&learner, &[&steps[..], &["--format", "junit"]].concat()).await;
    assert_eq!(junit.status.code(), Some(1));
    let xml = out(&junit);
    assert!(xml.starts_with("<?xml") && xml.contains("tests=\"6\"") && xml.contains("failures=\"4\""), "{xml}");
    assert!(
        xml.contains("<testsuite name=\"preprocess\"") && xml.contains("<skipped message=\"needs --invoke\""),
        "{xml}"
    );
}

#[tokio::test]
async fn a_mistake_on_the_command_line_is_told_with_what_to_do() {
    let learner = BTreeMap::from([
        ("AWS_ACCESS_KEY_ID".to_owned(), "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "x".repeat(40)),
    ]);
    for (arguments, told) in [
        (&["--step", "nine"][..], "the steps are connect, delivery-stream"),
        (&["--engine", "spark"][..], "tumbling-window"),
        (&["--format", "yaml"][..], "junit"),
        (&["--endpoint-url", "http://127.0.0.1:1"][..], "no region is set: give one with --region"),
        (&["--region", "us-east-1", "--endpoint-url", "not an address"][..], "not an address is not an address"),
        (&["--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:1"][..], "could not be reached"),
    ] {
        let refused = verify(&learner, arguments).await;
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(err(&refused).contains(told) && refused.stdout.is_empty(), "{arguments:?}: {}", err(&refused));
    }
    let folder = Folder::new();
    let server = folder.start().await;
    let learner = account(&server).await;
    for (name, told) in
        [("table", "is not NAME=VALUE"), ("moon=x", "Names to choose are bucket"), ("bucket=A", "bucket")]
    {
        let refused = verify(&learner, &["--name", name]).await;
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(err(&refused).contains(told), "{name}: {}", err(&refused));
    }
}
