//! Every fault that the linter knows, each in a mini-lab of its own. A folder in
//! `fixtures/faults` holds the files that differ from `fixtures/good`, and in
//! `REMOVE` the paths that are missing.
#![allow(clippy::unwrap_used, reason = "helpers of tests, too")]

use std::fs;
use std::path::{Path, PathBuf};

use lab::{Lab, lint};
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The good mini-lab in a folder of its own.
fn good() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixtures().join("good"), folder.path());
    folder
}

fn messages(folder: &Path) -> String {
    lint(folder).iter().map(|error| format!("{error}\n")).collect()
}

#[test]
fn the_good_lab_loads() {
    let folder = good();
    assert_eq!(messages(folder.path()), "");
    let lab = Lab::load(folder.path()).unwrap();
    assert_eq!(lab.steps.iter().map(|step| step.slug.as_str()).collect::<Vec<_>>(), ["first", "second"]);
}

#[test]
fn every_fault_has_its_message() {
    let mut cases: Vec<PathBuf> =
        fs::read_dir(fixtures().join("faults")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut all = String::new();
    for case in cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let folder = good();
        copy(&case, folder.path());
        let remove = folder.path().join("REMOVE");
        if let Ok(paths) = fs::read_to_string(&remove) {
            fs::remove_file(&remove).unwrap();
            paths.lines().for_each(|path| fs::remove_file(folder.path().join(path)).unwrap());
        }
        let messages = messages(folder.path());
        assert_ne!(messages, "", "{name} has no fault");
        assert!(Lab::load(folder.path()).is_err(), "{name}");
        all.push_str(&format!("{name}\n"));
        messages.lines().for_each(|line| all.push_str(&format!("  {line}\n")));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_folder_that_is_not_there_is_a_fault() {
    let folder = good();
    let errors = lint(&folder.path().join("nowhere"));
    assert_eq!(errors.len(), 1);
    assert_eq!((errors[0].file.as_str(), errors[0].line), (".", 1));
    assert!(errors[0].message.starts_with("The folder cannot be read"), "{}", errors[0].message);
}

#[test]
fn files_that_are_no_text_or_too_large_are_faults() {
    let folder = good();
    fs::write(folder.path().join("sql/count.sql"), b"\xff").unwrap();
    fs::write(folder.path().join("1-second/background.md"), "x".repeat(2 << 20)).unwrap();
    insta::assert_snapshot!(messages(folder.path()), @"
    1-second/background.md:1: The file is larger than 1048576 bytes; content files are short.
    sql/count.sql:1: The file is not UTF-8 text.
    ");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let folder = good();
    let background = folder.path().join("1-second/background.md");
    fs::remove_file(&background).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &background).unwrap();
    insta::assert_snapshot!(
        messages(folder.path()),
        @"1-second/background.md:1: Only plain files and folders belong here, no links."
    );
}
