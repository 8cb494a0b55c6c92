//! The Lambda functions and the Flink program, tested in their own language (`tests/python`).

use std::path::Path;
use std::process::Command;

#[test]
fn the_python_tests_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    // The python3 on PATH: the functions need boto3, which `make test` provides.
    let output =
        Command::new("python3").args(["-B", "-m", "unittest", "discover"]).current_dir(&folder).output().unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let count: Option<usize> = report
        .lines()
        .find_map(|line| line.strip_prefix("Ran "))
        .and_then(|rest| rest.split(' ').next())
        .and_then(|count| count.parse().ok());
    assert!(count.is_some_and(|count| count > 50), "too few tests were found: {report}");
}
