//! The commands of the CLI instructions, run in order in one strict bash, with
//! an `aws` that notes what it is asked. The real one is tried end to end.
#![allow(clippy::unwrap_used, reason = "helpers of tests, too")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lab::{COUNT_CODE, Engine, FLINK_CODE, Lab, OUTPUT_CODE, PREPROCESS_CODE, SQL_CODE, Variables};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Answers as AWS would where the commands depend on it, and refuses files that
/// are missing, a role that is new, and the logs of a function never called.
const AWS: &str = r#"#!/usr/bin/env bash
if [ "$1" = --version ]; then echo aws-cli/1.40.0; exit; fi
printf '%s\n' "$*" >> "$HOME/calls.txt"
for argument in "$@"; do
  case "$argument" in
    file://* | fileb://*) [ -s "${argument#file*://}" ] || { echo "no file for $argument" >&2; exit 252; } ;;
  esac
done
case "$1 $2" in
  "firehose describe-delivery-stream")
    [ -e "$HOME/stream-deleted" ] && exit 254
    case "$*" in
      *VersionId*) echo 3 ;;
      *DestinationId*) echo destinationId-000000000001 ;;
      *Processing*) echo True ;;
      *)
        [ -e "$HOME/stream-asked" ] && echo ACTIVE || echo CREATING
        touch "$HOME/stream-asked" ;;
    esac ;;
  "firehose delete-delivery-stream") touch "$HOME/stream-deleted" ;;
  "kinesisanalyticsv2 describe-application")
    [ -e "$HOME/application-deleted" ] && exit 254
    case "$*" in
      *ApplicationVersionId*) echo 7 ;;
      *InputId*) echo 1.1 ;;
      *CreateTimestamp*) echo 2026-11-24T19:00:00+00:00 ;;
      *) echo RUNNING ;;
    esac ;;
  "kinesisanalyticsv2 delete-application") touch "$HOME/application-deleted" ;;
  "s3api list-objects-v2")
    [ -e "$HOME/bucket-asked" ] && echo "clicks/2026/11/24/19/object.gz" || echo None
    touch "$HOME/bucket-asked" ;;
  "s3 cp")
    case "$3" in
      s3://*) gzip -c clicks.tsv > "${*: -1}" ;;
      *) [ -s "$3" ] ;;
    esac ;;
  "lambda invoke")
    case "$*" in
      *LogResult*) echo bG9nZ2VkCg== ;;
    esac
    echo '{"records": [], "state": {"views": 26}}' > "${*: -1}" ;;
  "lambda create-event-source-mapping")
    if [ ! -e "$HOME/role-known" ]; then
      touch "$HOME/role-known"
      echo "Cannot access stream. Please ensure the role can perform the GetRecords action." >&2
      exit 254
    fi ;;
  "lambda list-event-source-mappings")
    case "$*" in
      *State*) echo Enabled ;;
      *) [ -e "$HOME/mapping-deleted" ] || echo 11112222-3333-4444-5555-666677778888 ;;
    esac ;;
  "lambda delete-event-source-mapping") touch "$HOME/mapping-deleted" ;;
  "logs delete-log-group") case "$*" in *Preprocess*) exit 254 ;; esac ;;
  "dynamodb query") echo 1 ;;
  "iam list-role-policies") printf 'one\ttwo\n' ;;
esac
"#;

/// Fetches what is to be downloaded.
const CURL: &str = "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = -o ] && echo jar > \"$2\"; shift; done\n";

struct Run {
    home: TempDir,
    output: String,
    calls: Vec<String>,
}

impl Run {
    /// Runs every block of every step, as a learner would paste them.
    fn new(lab: &Lab, variables: &Variables) -> Self {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("aws"), AWS).unwrap();
        // The `aws` here changes its answer when asked again; there is nothing to wait for.
        fs::write(bin.join("sleep"), "#!/bin/sh\n").unwrap();
        fs::write(bin.join("curl"), CURL).unwrap();
        for program in ["aws", "sleep", "curl"] {
            fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let script: String = lab.steps.iter().flat_map(|step| step.cli_blocks(variables)).collect();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .env("HOME", home.path())
            .env("PATH", path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let calls = fs::read_to_string(home.path().join("calls.txt")).unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        Self { home, output, calls: calls.lines().map(str::to_owned).collect() }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("headwater-lab")
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.folder().join(file)).unwrap()
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.text(file)).unwrap()
    }
}

/// One run of each engine with the lab's own names, for all tests that only look at it.
fn default_run(engine: Engine) -> &'static Run {
    static RUNS: [OnceLock<Run>; 3] = [const { OnceLock::new() }; 3];
    RUNS[engine as usize].get_or_init(|| Run::new(&Lab::embedded_for(engine), &variables(engine)))
}

fn variables(engine: Engine) -> Variables {
    Variables::defaults_for(engine, "123456789012", "us-east-1", "http://127.0.0.1:4566")
}

/// What lies in a zip file.
fn names_in(zip: &Path) -> Vec<String> {
    let list = Command::new("python3").args(["-m", "zipfile", "-l"]).arg(zip).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    list.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_commands_write_what_the_lab_gives_away() {
    use Engine::{Flink, SqlApplication, TumblingWindow};
    for (engine, written, file) in [
        (SqlApplication, "preprocess/lambda_function.py", PREPROCESS_CODE),
        (SqlApplication, "store/lambda_function.py", OUTPUT_CODE),
        (SqlApplication, "window_counts.sql", SQL_CODE),
        (TumblingWindow, "preprocess/lambda_function.py", PREPROCESS_CODE),
        (TumblingWindow, "count/lambda_function.py", COUNT_CODE),
        (TumblingWindow, "count/store.py", OUTPUT_CODE),
        (Flink, "preprocess/lambda_function.py", PREPROCESS_CODE),
        (Flink, "store/lambda_function.py", OUTPUT_CODE),
        (Flink, "flink/window_counts.sql", SQL_CODE),
        (Flink, "flink/main.py", FLINK_CODE),
    ] {
        let expected = Lab::embedded_for(engine).file(file, &variables(engine)).unwrap();
        assert_eq!(default_run(engine).text(written), expected, "{written}");
    }
    for (engine, zip, names) in [
        (SqlApplication, "preprocess.zip", &["lambda_function.py"][..]),
        (SqlApplication, "store.zip", &["lambda_function.py"]),
        (TumblingWindow, "preprocess.zip", &["lambda_function.py"]),
        (TumblingWindow, "count.zip", &["lambda_function.py", "store.py"]),
        (Flink, "store.zip", &["lambda_function.py"]),
        (Flink, "flink.zip", &["main.py", "window_counts.sql", "lib/", "lib/flink-sql-connector-kinesis.jar"]),
    ] {
        assert_eq!(names_in(&default_run(engine).folder().join(zip)), names, "{engine} {zip}");
    }
}

#[test]
fn each_json_file_is_json() {
    for engine in Engine::ALL {
        let files = fs::read_dir(default_run(engine).folder()).unwrap().map(|entry| entry.unwrap().path());
        let json: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
        assert!(json.len() > 10, "{json:?}");
        for path in json {
            let text = fs::read_to_string(&path).unwrap();
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}: {text}", path.display());
        }
    }
}

#[test]
fn rows_keep_their_tabs_and_line_feeds() {
    let lab = Lab::embedded();
    let run = default_run(Engine::SqlApplication);
    let rows = run.text("clicks.tsv");
    assert!(rows.ends_with('\n'));
    assert!(rows.lines().all(|row| row.split('\t').count() == 4), "{rows}");
    assert!(run.output.contains(&rows), "the unpacked object is shown");
    let hits: u32 = rows.lines().map(|row| row.split('\t').nth(3).unwrap().parse::<u32>().unwrap()).sum();
    let pages: BTreeSet<&str> = rows.lines().map(|row| row.split('\t').nth(1).unwrap()).collect();
    let promise = "The six rows have 36 hits in all and ask for five different pages.";
    assert_eq!((hits, pages.len()), (36, 5));
    assert!(lab.step("results").unwrap().instructions_cli.source.contains(promise));

    let sent: String =
        run.json("records.json").as_array().unwrap().iter().map(|r| r["Data"].as_str().unwrap()).collect();
    assert_eq!(sent, rows);
    assert_eq!(run.json("records.json").as_array().unwrap().len(), 2);
}

#[test]
fn a_stream_gets_one_row_a_record_under_the_page_as_key() {
    let run = default_run(Engine::TumblingWindow);
    let rows = run.text("clicks.tsv");
    let records = run.json("records.json");
    assert_eq!(records.as_array().unwrap().len(), rows.lines().count());
    for (record, row) in records.as_array().unwrap().iter().zip(rows.lines()) {
        assert_eq!(record["Data"], format!("{row}\n"));
        assert_eq!(record["PartitionKey"], row.split('\t').nth(1).unwrap());
    }
}

#[test]
fn the_trial_window_brings_rows_and_then_the_state() {
    let run = default_run(Engine::TumblingWindow);
    let first = run.json("window.json");
    assert_eq!((first["Records"].as_array().unwrap().len(), &first["isFinalInvokeForWindow"]), (2, &json!(false)));
    let last = run.json("window-end.json");
    assert_eq!((&last["Records"], &last["isFinalInvokeForWindow"]), (&json!([]), &json!(true)));
    assert_eq!(last["state"], json!({"views": 26}));
    assert!(run.output.contains("logged\n"), "the end of the log is shown");
}

#[test]
fn the_application_has_the_schema_and_the_sql() {
    let lab = Lab::embedded();
    let run = default_run(Engine::SqlApplication);
    let application = run.json("application.json");
    let input = &application["SqlApplicationConfiguration"]["Inputs"][0];
    assert_eq!(input["NamePrefix"], "SOURCE_SQL_STREAM");
    assert_eq!(
        input["KinesisFirehoseInput"]["ResourceARN"],
        "arn:aws:firehose:us-east-1:123456789012:deliverystream/ClickStreamData"
    );
    assert_eq!(
        input["InputSchema"],
        json!({
            "RecordFormat": {
                "RecordFormatType": "CSV",
                "MappingParameters": {
                    "CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": "\t"}
                }
            },
            "RecordEncoding": "UTF-8",
            "RecordColumns": [
                {"Name": "prev_page", "SqlType": "VARCHAR(512)"},
                {"Name": "curr_page", "SqlType": "VARCHAR(512)"},
                {"Name": "link_type", "SqlType": "VARCHAR(8)"},
                {"Name": "hits", "SqlType": "INTEGER"},
            ]
        })
    );
    let sql = &application["ApplicationCodeConfiguration"]["CodeContent"]["TextContent"];
    assert_eq!(sql.as_str().unwrap(), lab.file(SQL_CODE, &variables(Engine::SqlApplication)).unwrap());
}

#[test]
fn each_thing_is_made_once_and_deleted_once() {
    for engine in Engine::ALL {
        let run = default_run(engine);
        let count = |call: &str| run.calls.iter().filter(|line| line.starts_with(call)).count();
        let streams = usize::from(engine.reads_data_stream()) + usize::from(engine == Engine::Flink);
        let applications = usize::from(engine != Engine::TumblingWindow);
        for (made, deleted, times) in [
            ("s3api create-bucket ", "s3api delete-bucket ", 1),
            ("kinesis create-stream ", "kinesis delete-stream ", streams),
            ("firehose create-delivery-stream ", "firehose delete-delivery-stream ", 1),
            ("lambda create-function ", "lambda delete-function ", 2),
            ("kinesisanalyticsv2 create-application ", "kinesisanalyticsv2 delete-application ", applications),
            ("dynamodb create-table ", "dynamodb delete-table ", 1),
            ("iam create-role ", "iam delete-role ", 2 + applications),
        ] {
            assert_eq!((count(made), count(deleted)), (times, times), "{engine}: {made}");
        }
        // The role that it reads with is unknown at first, and waited for.
        let mappings = usize::from(engine.reads_data_stream());
        assert_eq!(count("lambda create-event-source-mapping "), 2 * mappings, "{engine}");
        assert_eq!(count("lambda delete-event-source-mapping "), mappings, "{engine}");
    }
    let run = default_run(Engine::SqlApplication);
    let start = run.calls.iter().find(|line| line.starts_with("kinesisanalyticsv2 start-application")).unwrap();
    assert!(start.contains("InputId=1.1,"), "{start}");
    let output = run.calls.iter().find(|line| line.starts_with("kinesisanalyticsv2 add-application-output")).unwrap();
    assert!(output.contains("--current-application-version-id 7 "), "{output}");
    let run = default_run(Engine::TumblingWindow);
    let attach = run.calls.iter().find(|line| line.starts_with("firehose update-destination")).unwrap();
    assert!(attach.contains("--current-delivery-stream-version-id 3 --destination-id destinationId-000000000001 "));
    let mapping = run.calls.iter().find(|line| line.starts_with("lambda create-event-source-mapping")).unwrap();
    assert!(mapping.contains("--tumbling-window-in-seconds 60 "), "{mapping}");
}

#[test]
fn everything_that_is_made_gets_the_tag() {
    for engine in Engine::ALL {
        let run = default_run(engine);
        for call in run.calls.iter().filter(|call| call.split(' ').nth(1).unwrap().starts_with("create-")) {
            let tagged = ["--tags headwater=clickstream-lab", "--tags Key=headwater,Value=clickstream-lab"];
            let is_bucket = call.starts_with("s3api create-bucket ");
            assert!(is_bucket || tagged.iter().any(|tag| call.contains(tag)), "{engine}: {call}");
        }
        let tagging = "--tagging TagSet=[{Key=headwater,Value=clickstream-lab}]";
        assert!(run.calls.iter().any(|call| call.starts_with("s3api put-bucket-tagging ") && call.ends_with(tagging)));
    }
}

#[test]
fn other_names_and_regions_work_as_well() {
    let mut variables = Variables::defaults("123456789012", "eu-west-1", "http://127.0.0.1:4566");
    for (name, value) in [
        ("stream", "My.clicks_2"),
        ("prefix", "in/clicks=raw/"),
        ("firehose_role", "a+=,.@-b"),
        ("table", "x.y-z"),
        ("window_seconds", "5"),
    ] {
        variables.set(name, value).unwrap();
    }
    let run = Run::new(&Lab::embedded(), &variables);
    assert!(
        run.calls.contains(
            &"s3api create-bucket --bucket clickstream-123456789012-eu-west-1 \
          --create-bucket-configuration LocationConstraint=eu-west-1"
                .to_owned()
        )
    );
    assert_eq!(run.json("destination.json")["RoleARN"], "arn:aws:iam::123456789012:role/a+=,.@-b");
    assert!(run.calls.iter().any(|call| call.contains("Variables={TABLE_NAME=x.y-z}")));
    assert!(run.text("window_counts.sql").contains("INTERVAL '5' SECOND"));
}
