//! Options by flag, environment and file, and what `headwater check-config` says of them.

use std::net::TcpListener;
use std::process::Output;

use crate::server::{Folder, headwater};

/// `check-config` in a folder, with this file and these arguments, in an environment with one variable.
async fn check(folder: &Folder, file: &str, arguments: &[&str]) -> Output {
    let path = folder.file("headwater.toml");
    std::fs::write(&path, file).unwrap();
    let mut command = headwater();
    command.args(["check-config", "--site-root"]).arg(folder.file("site")).args(["--data-dir"]).arg(folder.data());
    command.arg("--config").arg(path).args(arguments).env("HEADWATER_MAX_LEARNERS", "12");
    command.output().await.unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The words of the line that begins with this option.
fn line<'a>(told: &'a str, option: &str) -> Vec<&'a str> {
    let lines = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.into_iter().find(|words| words.first() == Some(&option)).unwrap_or_else(|| panic!("no {option} in {told}"))
}

#[tokio::test]
async fn each_option_is_told_with_where_it_comes_from() {
    let folder = Folder::new();
    std::fs::write(folder.file("site/pkg/headwater.js"), "").unwrap();
    let file = "listen = '127.0.0.1:0'\nsandbox-listen = '127.0.0.1:0'\nmax-learners = 5\nstarts-per-minute = 7\n\
                sandbox-token = 'a-secret-that-nobody-may-see-0123456789'";
    let output = check(&folder, file, &["--starts-per-minute", "8"]).await;
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(line(&told, "listen")[1..], ["127.0.0.1:0", "file"]);
    assert_eq!(line(&told, "max-learners")[1..], ["12", "environment"]);
    assert_eq!(line(&told, "starts-per-minute")[1..], ["8", "flag"]);
    assert_eq!(line(&told, "shutdown-grace")[1..], ["20", "default"]);
    assert_eq!(line(&told, "sandbox-token")[1..], ["set", "file"]);
    assert_eq!(line(&told, "metrics-listen")[1..], ["not", "set"]);
    assert!(told.contains("learners are kept in SQLite"), "{told}");
    assert!(!told.contains("nobody-may-see"), "{told}");
    assert!(told.contains("can isolate functions") && told.contains("Headwater would start."), "{told}");
}

#[tokio::test]
async fn what_would_not_work_is_told_with_what_to_do() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = format!(
        "listen = '{address}'\nsandbox-listen = '127.0.0.1:0'\npython = '/opt/python'\nbubblewrap = '/nowhere'\n\
         database-url = 'postgres://headwater:a-password-of-ours@127.0.0.1:1/headwater'"
    );
    let output = check(&folder, &file, &[]).await;
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for problem in [
        "stop what uses it, or choose another with --listen",
        "learners' functions see /usr only",
        "install bubblewrap or set --bubblewrap",
        "build the browser half",
        "PostgreSQL at 127.0.0.1:1 cannot be used",
    ] {
        assert!(told.contains(problem), "{problem} is not in {told}");
    }
    assert!(told.contains("5 to put right."), "{told}");
    assert!(!told.contains("a-password-of-ours"), "{told}");
}

#[tokio::test]
async fn a_misspelt_key_stops_the_server() {
    let folder = Folder::new();
    let output = check(&folder, "max-lerners = 5", &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("unknown key \"max-lerners\"; did you mean \"max-learners\"?"), "{}", told(&output));
}

#[tokio::test]
async fn a_server_takes_its_options_from_a_file() {
    let folder = Folder::new();
    let path = folder.file("headwater.toml");
    std::fs::write(&path, "log-format = 'json'\nsandbox-url = 'http://sandbox.example:4566/'\n").unwrap();
    let server = folder.start_with(|command| _ = command.env("HEADWATER_CONFIG", &path)).await;
    assert_eq!(server.endpoint, "http://sandbox.example:4566");
    server.stop().await;
}
