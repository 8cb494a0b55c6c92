//! The programs that do a step for a learner: that bash and Terraform can read
//! them, and that the scripts, with a stand-in for `aws`, do nothing twice. What
//! they really do is tried on the sandbox, in the server's tests.
#![allow(clippy::unwrap_used, reason = "helpers of tests, too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use lab::{COUNT_CODE, Engine, FLINK_CODE, Lab, OUTPUT_CODE, PREPROCESS_CODE, SQL_CODE, Step, Variables};
use tempfile::TempDir;

/// The lab of each engine, with names for it.
fn labs() -> [(Lab, Variables); 3] {
    Engine::ALL.map(|engine| {
        let variables = Variables::defaults_for(engine, "123456789012", "eu-west-1", "http://127.0.0.1:4566");
        (Lab::embedded_for(engine), variables)
    })
}

fn each_step(look: impl Fn(&Lab, &Step, &Variables)) {
    for (lab, variables) in labs() {
        lab.steps.iter().for_each(|step| look(&lab, step, &variables));
    }
}

#[test]
fn bash_can_read_each_script() {
    each_step(|lab, step, variables| {
        let script = step.catch_up.script(variables);
        let output = Command::new("bash").args(["-n", "-c", &script]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{} {}: {told}", lab.engine, step.slug);
    });
}

#[test]
fn terraform_can_read_each_file() {
    each_step(|lab, step, variables| {
        let text = step.catch_up.terraform(variables);
        let body = hcl::parse(&text).unwrap_or_else(|error| panic!("{} {}: {error}", lab.engine, step.slug));
        let terraform = body.blocks().find(|block| block.identifier() == "terraform").unwrap();
        let providers = terraform.body().blocks().find(|block| block.identifier() == "required_providers").unwrap();
        assert!(providers.body().attributes().any(|attribute| attribute.key() == "aws"));
        let provider = body.blocks().find(|block| block.identifier() == "provider").unwrap();
        let tags = provider.body().blocks().find(|block| block.identifier() == "default_tags").unwrap();
        let tags = tags.body().attributes().next().unwrap().expr().to_string();
        assert!(tags.contains("headwater") && tags.contains("clickstream-lab"), "{tags}");
    });
}

/// In Terraform's texts a dollar or per cent sign before a brace begins an expression.
#[test]
fn the_code_means_the_same_within_terraform() {
    for (lab, variables) in labs() {
        for path in [PREPROCESS_CODE, OUTPUT_CODE, COUNT_CODE, SQL_CODE, FLINK_CODE] {
            let code = lab.file(path, &variables).unwrap_or_default();
            assert!(!code.contains("${") && !code.contains("%{"), "{path}");
        }
    }
}

#[test]
fn what_a_step_makes_is_made_by_both() {
    use Engine::{Flink, SqlApplication, TumblingWindow};
    for (engine, slug, command, resource) in [
        (SqlApplication, "delivery-stream", "s3api create-bucket", "aws_s3_bucket"),
        (SqlApplication, "delivery-stream", "firehose create-delivery-stream", "aws_kinesis_firehose_delivery_stream"),
        (SqlApplication, "preprocess", "ensure_function PreprocessClickstreamData", "aws_lambda_function"),
        (
            SqlApplication,
            "streaming-sql",
            "kinesisanalyticsv2 create-application",
            "aws_kinesisanalyticsv2_application",
        ),
        (SqlApplication, "results", "dynamodb create-table", "aws_dynamodb_table"),
        (SqlApplication, "results", "ensure_function StoreWindowCounts", "aws_lambda_function"),
        (SqlApplication, "results", "add-application-output", "terraform_data"),
        (TumblingWindow, "delivery-stream", "s3api create-bucket", "aws_s3_bucket"),
        (TumblingWindow, "delivery-stream", "ensure_data_stream ClickStreamInput", "aws_kinesis_stream"),
        (TumblingWindow, "delivery-stream", "firehose create-delivery-stream", "aws_kinesis_firehose_delivery_stream"),
        (TumblingWindow, "preprocess", "ensure_function PreprocessClickstreamData", "aws_lambda_function"),
        (TumblingWindow, "preprocess", "firehose update-destination", "terraform_data"),
        (TumblingWindow, "streaming-sql", "ensure_function CountClickWindows", "aws_lambda_function"),
        (
            TumblingWindow,
            "streaming-sql",
            "ensure_mapping CountClickWindows ClickStreamInput",
            "aws_lambda_event_source_mapping",
        ),
        (TumblingWindow, "results", "dynamodb create-table", "aws_dynamodb_table"),
        (TumblingWindow, "results", "lambda update-function-configuration", "terraform_data"),
        (Flink, "streaming-sql", "ensure_data_stream ClickStreamCounts", "aws_kinesis_stream"),
        (Flink, "streaming-sql", "kinesisanalyticsv2 create-application", "aws_kinesisanalyticsv2_application"),
        (Flink, "results", "dynamodb create-table", "aws_dynamodb_table"),
        (Flink, "results", "ensure_function StoreWindowCounts", "aws_lambda_function"),
        (Flink, "results", "ensure_mapping StoreWindowCounts ClickStreamCounts", "aws_lambda_event_source_mapping"),
    ] {
        let lab = Lab::embedded_for(engine);
        let variables = Variables::defaults_for(engine, "123456789012", "us-east-1", "http://127.0.0.1:4566");
        let step = lab.step(slug).unwrap();
        assert!(step.catch_up.script(&variables).contains(command), "{engine} {slug}: {command}");
        let resource = format!("resource \"{resource}\"");
        assert!(step.catch_up.terraform(&variables).contains(&resource), "{engine} {slug}: {resource}");
    }
}

/// A home with a stand-in for `aws`, and one for `curl`.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("aws"), include_str!("fixtures/aws.py")).unwrap();
    let curl = "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = -o ] && echo jar > \"$2\"; shift; done\n";
    fs::write(bin.join("curl"), curl).unwrap();
    // The stand-in is as far as it will get; there is nothing to wait for.
    fs::write(bin.join("sleep"), "#!/bin/sh\n").unwrap();
    for program in ["aws", "curl", "sleep"] {
        fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).unwrap();
    }
    home
}

/// Runs a step's script, and gives what it asked of AWS.
fn run(home: &Path, step: &Step, variables: &Variables) -> Vec<String> {
    let calls = home.join("calls.txt");
    fs::write(&calls, "").unwrap();
    let path = format!("{}:{}", home.join("bin").display(), std::env::var("PATH").unwrap());
    let script = step.catch_up.script(variables);
    let output = Command::new("bash").args(["-c", &script]).env("HOME", home).env("PATH", path).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {}: {told}", variables.engine, step.slug);
    assert!(!told.contains("unbound") && !told.contains("not found\n"), "{told}");
    fs::read_to_string(calls).unwrap().lines().map(str::to_owned).collect()
}

/// Whether a call changes something.
fn changes(call: &str) -> bool {
    let words = ["create-", "put-record", "start-", "update-", "add-", "delete-"];
    let operation = call.split(' ').nth(1).unwrap_or_default();
    // A function that was never called has no logs; the script deletes them to see.
    words.iter().any(|word| operation.starts_with(word)) && operation != "delete-log-group"
}

fn scripts_that_run_again_change_nothing(engine: Engine) {
    let lab = Lab::embedded_for(engine);
    let variables = Variables::defaults_for(engine, "123456789012", "us-east-1", "http://127.0.0.1:4566");
    let home = home();
    for step in &lab.steps {
        let first = run(home.path(), step, &variables);
        assert_eq!(first.iter().any(|call| changes(call)), step.slug != "connect", "{engine} {}", step.slug);
        let again: Vec<String> = run(home.path(), step, &variables).into_iter().filter(|call| changes(call)).collect();
        assert!(again.is_empty(), "{engine} {}: {again:?}", step.slug);
    }
    let left = fs::read_dir(home.path().join("made")).unwrap();
    let left: Vec<String> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // The stand-in does not know a mapping by its id.
    assert!(left.iter().all(|name| name.starts_with("arn:aws:kinesis")), "{engine}: {left:?}");
}

#[test]
fn scripts_of_the_sql_application_that_run_again_change_nothing() {
    scripts_that_run_again_change_nothing(Engine::SqlApplication);
}

#[test]
fn scripts_of_the_tumbling_window_that_run_again_change_nothing() {
    scripts_that_run_again_change_nothing(Engine::TumblingWindow);
}

#[test]
fn scripts_of_flink_that_run_again_change_nothing() {
    scripts_that_run_again_change_nothing(Engine::Flink);
}
