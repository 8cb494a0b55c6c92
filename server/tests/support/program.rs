//! A program of others' making that a test starts, and that tells at which address it listens.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A program starts within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts it, and gives the first line of its output that is an address. It is killed when the child is dropped.
pub async fn listening(command: &mut Command) -> (Child, String) {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let told = async {
        loop {
            let line = lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("{command:?} ended; make test sees to what it needs"));
            if line.starts_with("http://") {
                return line;
            }
        }
    };
    let address = timeout(PATIENCE, told).await.expect("the program does not tell its address");
    (process, address)
}
