//! The program that ends the suite.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

use std::path::Path;
use std::process::{Command, Output};

use secret_audit::KINDS;

/// A folder in which a secret of each of these kinds was noted and this was logged.
fn folder(kinds: &[&str], log: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    let notes = kinds.iter().enumerate().map(|(number, kind)| format!("{kind}\t{}\n", hex(&secret(number))));
    std::fs::write(folder.path().join("secrets/noted"), notes.collect::<String>()).unwrap();
    std::fs::write(folder.path().join("logs/server.log"), log).unwrap();
    folder
}

fn secret(number: usize) -> String {
    format!("secret-number-{number}-of-the-suite")
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn audit(folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_audit_secrets")).arg(folder).output().unwrap()
}

#[test]
fn clean_logs_pass() {
    let output = audit(folder(&KINDS, "a learner began").path());
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("1 × session cookie") && told.ends_with("0 found\n"), "{told}");
}

#[test]
fn a_leak_fails_and_is_told_without_the_secret() {
    let output = audit(folder(&KINDS, &format!("resumed with {}", secret(3))).path());
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told, format!("audit_secrets: a {} stands in server.log\n", KINDS[3]));
}

#[test]
fn what_proves_nothing_fails() {
    assert!(!audit(folder(&KINDS[1..], "a learner began").path()).status.success(), "a kind was not minted");
    assert!(!audit(folder(&KINDS, "").path()).status.success(), "nothing was logged");
    assert!(!audit(Path::new("/nonexistent")).status.success());
}
