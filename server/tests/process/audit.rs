//! `headwater audit`

use std::process::{Output, Stdio};

use classroom::{Event, ExportWriter, ExportedClass, Head, LogEntry, PointsScheme, StepPoints, VerdictKind, seal};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

use crate::server::headwater;

fn verdict(verdict: VerdictKind) -> Event {
    Event::Verdict {
        step: "results".to_owned(),
        check: "results.rows".to_owned(),
        verdict,
        cause: String::new(),
        first_passed_ms: None,
        evidence_sha256: "e".repeat(64),
    }
}

/// The log of a small class, in which the last verdict is this one.
fn log(last: VerdictKind) -> Vec<LogEntry> {
    let checks = [("results.rows".to_owned(), 10)].into();
    let scheme = PointsScheme { steps: vec![StepPoints { step: "results".to_owned(), checks }], assisted_percent: 50 };
    let events = [
        (None, Event::PointsSet { scheme }),
        (Some("a1"), Event::Joined),
        (Some("b2"), Event::Joined),
        (Some("a1"), verdict(VerdictKind::NotYet)),
        (Some("a1"), verdict(last)),
    ];
    let mut head = Head::empty();
    events.into_iter().map(|(learner, event)| seal(&mut head, "class", 1, learner, event).unwrap()).collect()
}

fn export(log: &[LogEntry]) -> String {
    let class = ExportedClass { id: "class".to_owned(), name: "Monday\u{1b}[2J".to_owned() };
    let mut writer = ExportWriter::new(Vec::new(), class, 7).unwrap();
    log.iter().for_each(|entry| writer.entry(entry).unwrap());
    String::from_utf8(writer.finish(|_| Some("Somebody".to_owned())).unwrap()).unwrap()
}

/// Exit status, standard output, standard error.
fn told(output: Output) -> (Option<i32>, String, String) {
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

async fn audit(text: &str, options: &[&str]) -> (Option<i32>, String, String) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    told(headwater().arg("audit").arg(file.path()).args(options).output().await.unwrap())
}

/// What is said of a file that is not intact.
async fn fault(text: &str) -> String {
    let (status, out, err) = audit(text, &[]).await;
    assert_eq!((status, &*out), (Some(1), ""), "{err}");
    err.split_once(" is not intact: ").unwrap().1.trim_end().to_owned()
}

#[tokio::test]
async fn an_intact_export_is_told_with_its_counts() {
    let log = log(VerdictKind::Pass);
    let (status, out, err) = audit(&export(&log), &[]).await;
    assert_eq!((status, &*err), (Some(0), ""));
    assert!(out.contains(r#"is intact: class "Monday\u{1b}[2J" (class)"#), "{out}");
    assert!(out.contains(&format!("5 entries in one chain; the head is 5:{}\n", log[4].hash)), "{out}");
    assert!(out.contains("2 learners with 2 points of checks") && out.contains("no earlier head was given"), "{out}");
    let head = format!("4:{}", log[3].hash);
    let (status, out, _) = audit(&export(&log), &["--head", &head]).await;
    assert!(status == Some(0) && out.contains("entry 4 is the one that was noted"), "{out}");
}

#[tokio::test]
async fn standard_input_is_read_as_well() {
    let mut command = headwater();
    command.args(["audit", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(export(&log(VerdictKind::Pass)).as_bytes()).await.unwrap();
    drop(input);
    let (status, out, err) = told(process.wait_with_output().await.unwrap());
    assert!(status == Some(0) && out.starts_with("standard input is intact"), "{out}{err}");
}

#[tokio::test]
async fn tampering_is_told_by_the_first_bad_place() {
    let log = log(VerdictKind::Pass);
    let intact = export(&log);
    let changed = intact.replace(r#""verdict":"not-yet""#, r#""verdict":"pass""#);
    let told = fault(&changed).await;
    let expected = format!(", and is {}", log[3].hash);
    assert!(told.starts_with("entry 4 of the log: its hash should be ") && told.ends_with(&expected), "{told}");

    let mut lines: Vec<&str> = intact.lines().collect();
    let second = lines.iter().position(|line| line.contains(r#""seq":2,"#)).unwrap();
    lines.swap(second, second + 1);
    assert_eq!(fault(&lines.join("\n")).await, "entry 2 of the log: its number should be 2, and is 3");
    lines.remove(second);
    lines.remove(second);
    assert_eq!(fault(&lines.join("\n")).await, "entry 2 of the log: its number should be 2, and is 4");

    let cut = &intact[..intact.find(r#""seq":4,"#).unwrap()];
    let told = fault(cut).await;
    assert!(told.starts_with("the file is damaged or cut off after entry 3: EOF"), "{told}");

    let better = intact.replacen(r#""points":0,"#, r#""points":10,"#, 1);
    assert_eq!(fault(&better).await, "learner b2: grade.points should be 0 by the log, and is 10");
    let escaped = intact.replacen(r#""id":"b2""#, r#""id":"\u001b[2J""#, 1);
    assert_eq!(fault(&escaped).await, r"learner \u{1b}[2J: the log does not know them");
    let renamed = intact.replacen("Somebody", "Nobody", 1);
    assert!(fault(&renamed).await.starts_with("the sum of names and grades should be "));
}

#[tokio::test]
async fn a_tail_with_new_hashes_is_found_by_the_noted_head() {
    let (honest, forged) = (log(VerdictKind::Wrong), log(VerdictKind::Pass));
    let text = export(&forged);
    assert_eq!(audit(&text, &[]).await.0, Some(0), "the chain alone cannot tell");
    let (status, _, err) = audit(&text, &["--head", &format!("5:{}", honest[4].hash)]).await;
    let expected = format!("entry 5 should have the hash {}, as noted, and has {}\n", honest[4].hash, forged[4].hash);
    assert!(status == Some(1) && err.ends_with(&expected), "{err}");
    let (status, _, err) = audit(&text, &["--head", &format!("9:{}", honest[4].hash)]).await;
    assert!(status == Some(1) && err.ends_with("and is not in the log\n"), "{err}");
}

#[tokio::test]
async fn what_cannot_be_verified_ends_with_another_status() {
    let (status, out, err) = audit(r#"{"format":"something else"}"#, &[]).await;
    assert_eq!((status, &*out), (Some(2), ""));
    assert!(err.contains("cannot be verified: the file is no export of a class"), "{err}");
    let (status, _, err) = told(headwater().args(["audit", "/nonexistent"]).output().await.unwrap());
    assert!(status == Some(2) && err.starts_with("headwater audit: /nonexistent cannot be opened: "), "{err}");
    let (status, _, err) = told(headwater().args(["audit", "/"]).output().await.unwrap());
    assert!(status == Some(2) && err.contains("/ cannot be verified: the file cannot be read: "), "{err}");
    let (status, _, err) = audit("", &["--head", "5"]).await;
    assert!(status == Some(2) && err.contains("a head is SEQ:HASH"), "{err}");
}
