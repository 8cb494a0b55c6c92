//! The role that a hosted server asks learners to make, read by the tools that it is for.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::client::Visitor;
use crate::server::{Folder, Server, account};

const ACCOUNT: &str = "111122223333";
const PRINCIPAL: &str = "arn:aws:iam::444455556666:role/Headwater";

/// A server that asks for roles, and a learner who has named an account.
async fn hosted(folder: &Folder) -> (Server, Visitor) {
    let server = folder
        .start_with(|command| {
            command.args(["--live", "hosted", "--hosted-principal", PRINCIPAL]);
        })
        .await;
    let mut visitor = Visitor::new(&server.site);
    visitor.post("/api/start", &[("choice", "account-window")]).await;
    visitor.post("/api/prepare-account", &[("account", ACCOUNT), ("region", "eu-central-1")]).await;
    (server, visitor)
}

async fn run(program: &str, arguments: &[&Path]) -> String {
    let output = Command::new(program).args(arguments).output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {out}{err}");
    out.into_owned()
}

#[tokio::test]
async fn cloudformation_makes_the_role_of_the_template() {
    let folder = Folder::new();
    let (_server, mut visitor) = hosted(&folder).await;
    let template = visitor.get("/connect/headwater-role.json").await;
    assert_eq!(template.header("content-disposition"), Some("attachment; filename=\"headwater-role.json\""));
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("headwater-role.json");
    std::fs::write(&file, &template.body).unwrap();
    run("cfn-lint", &[&file]).await;

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/role_offer.py");
    let made: Value = serde_json::from_str(&run("python3", &[&script, &file]).await).unwrap();
    assert_eq!(made["status"], "CREATE_COMPLETE", "{made}");
    assert_eq!(made["output"], made["arn"], "the output is what the page asks for");
    let trust = &made["trust"]["Statement"][0];
    assert_eq!(trust["Principal"]["AWS"], PRINCIPAL);
    let external_id = trust["Condition"]["StringEquals"]["sts:ExternalId"].as_str().unwrap();
    assert!(visitor.get("/lab/connect").await.text().contains(external_id), "the page shows the same external ID");
    assert_eq!(made["tags"], json!([{"Key": "headwater", "Value": "clickstream-lab"}]));
    let statements = made["policy"]["Statement"].as_array().unwrap();
    assert!(statements.len() > 5 && statements.iter().all(|statement| statement["Effect"] == "Allow"), "{made}");
}

/// Two servers: the sandbox of one is AWS to the other, which has credentials in it and lets learners bring roles.
#[tokio::test]
async fn the_commands_make_a_role_that_connects() {
    let (aws_folder, folder) = (Folder::new(), Folder::new());
    let aws = aws_folder.start().await;
    let (mut host, learner) = (account(&aws).await, account(&aws).await);
    host.remove("AWS_ENDPOINT_URL");
    let server = folder
        .start_with(|command| {
            command.args(["--live", "hosted", "--aws-endpoint-url", &aws.endpoint]).envs(&host);
        })
        .await;
    let sdk = aws.sdk(&learner["AWS_ACCESS_KEY_ID"], &learner["AWS_SECRET_ACCESS_KEY"]);
    let identity = aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await.unwrap();
    let number = identity.account().unwrap();

    let mut visitor = Visitor::new(&server.site);
    visitor.post("/api/start", &[("choice", "account-window")]).await;
    visitor.post("/api/prepare-account", &[("account", number), ("region", "us-east-1")]).await;
    let lab: Value = visitor.call("lab", &[]).await.json();
    let commands = lab.pointer("/account/place/Account/way/Role/offer/commands").unwrap().as_str().unwrap();
    let place = tempfile::tempdir().unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-euc", commands]).env_clear().envs(&learner).current_dir(place.path());
    let made = bash.env("PATH", std::env::var("PATH").unwrap()).env("HOME", place.path()).output().await.unwrap();
    let (out, err) = (String::from_utf8(made.stdout).unwrap(), String::from_utf8(made.stderr).unwrap());
    let role = out.lines().last().unwrap_or_else(|| panic!("{err}"));
    assert_eq!(role, format!("arn:aws:iam::{number}:role/HeadwaterLab"), "{out}{err}");

    let found = visitor.call("find-account", &[("role", role)]).await;
    assert!(found.status.is_success(), "{found:?}");
    let confirmed = visitor.call("confirm-account", &[("account", number)]).await;
    assert!(confirmed.status.is_success(), "{confirmed:?}");
    let checked = visitor.call("recheck", &[("slug", "connect")]).await;
    assert!(checked.body.contains("\"Pass\"") && checked.body.contains("assumed-role/HeadwaterLab"), "{checked:?}");
}
