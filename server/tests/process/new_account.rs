//! `headwater sandbox new-account`

use std::collections::BTreeMap;
use std::process::Output;

use crate::server::{Folder, headwater};

async fn new_account(server: &str) -> Output {
    headwater().args(["sandbox", "new-account", "--server", server]).output().await.unwrap()
}

#[tokio::test]
async fn the_printed_lines_are_an_account_that_works() {
    let folder = Folder::new();
    let server = folder.start_with(|command| _ = command.args(["--max-learners", "1"])).await;
    let printed = new_account(&server.url).await;
    assert!(printed.status.success(), "{printed:?}");
    assert!(printed.stderr.is_empty(), "{printed:?}");
    let lines = String::from_utf8(printed.stdout).unwrap();
    let exports: BTreeMap<&str, &str> =
        lines.lines().map(|line| line.strip_prefix("export ").unwrap().split_once('=').unwrap()).collect();
    assert_eq!(exports["AWS_ENDPOINT_URL"], server.endpoint);
    assert_eq!(exports["AWS_DEFAULT_REGION"], "us-east-1");
    let sdk = server.sdk(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]);
    let identity = aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account().map(str::len), Some(12));

    let full = new_account(&format!("{}/", server.url)).await;
    assert!(!full.status.success() && full.stdout.is_empty(), "{full:?}");
    let told = String::from_utf8(full.stderr).unwrap();
    assert!(told.contains("the server refused: 503") && told.contains("This server is full"), "{told}");
}

#[tokio::test]
async fn without_a_server_it_says_how_to_get_one() {
    let nobody = new_account("http://127.0.0.1:1").await;
    assert!(!nobody.status.success() && nobody.stdout.is_empty(), "{nobody:?}");
    let told = String::from_utf8(nobody.stderr).unwrap();
    assert!(told.starts_with("Error: no server answers at http://127.0.0.1:1; start it with `make run`"), "{told}");
    let nonsense = new_account("not an address").await;
    assert!(!nonsense.status.success());
    let told = String::from_utf8(nonsense.stderr).unwrap();
    assert!(told.starts_with("Error: not an address is not an address"), "{told}");
}
