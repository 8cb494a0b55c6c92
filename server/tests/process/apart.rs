//! A sandbox in a process of its own, and a web server that uses it.

use std::path::Path;

use aws_config::Region;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use axum::http::StatusCode;
use lab::{Engine, Variables};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::client::{Learner, Site, Visitor};
use crate::server::{Folder, Server, told};

const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978";

/// A sandbox alone. Killed when this is dropped.
pub struct Apart {
    _process: Child,
    endpoint: String,
    control: String,
}

/// Starts a sandbox without pages.
pub async fn sandbox(folder: &Folder) -> Apart {
    secret_audit::note("control token", TOKEN);
    let mut process = folder.spawn(|command| {
        command
            .args(["sandbox", "serve", "--sandbox-listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0"])
            .args([Path::new("--data-dir"), &folder.data()])
            .env("HEADWATER_SANDBOX_TOKEN", TOKEN);
    });
    let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
    let endpoint = told(&mut output, "The sandbox's AWS endpoint is ").await;
    let control = told(&mut output, "The control API is at ").await;
    Apart { _process: process, endpoint, control }
}

async fn web(folder: &Folder, apart: &Apart) -> Server {
    let token = folder.file("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    folder
        .start_with(|command| {
            command.args(["--sandbox-control", &apart.control]).arg("--sandbox-token-file").arg(token);
            command.env("RUST_LOG", "trace");
        })
        .await
}

/// One of several web servers on one PostgreSQL database.
pub async fn web_of_several(folder: &Folder, apart: &Apart, database: &str) -> Server {
    let change = |command: &mut tokio::process::Command| {
        command.args(["--sandbox-control", &apart.control]);
        command.env("HEADWATER_SANDBOX_TOKEN", TOKEN).env("DATABASE_URL", database);
    };
    folder.start_with(change).await
}

#[tokio::test]
async fn a_learner_works_in_a_sandbox_of_another_process() {
    let (far, near) = (Folder::new(), Folder::new());
    let apart = sandbox(&far).await;
    let server = web(&near, &apart).await;
    assert_eq!(server.endpoint, apart.endpoint);
    assert!(!near.data().join("sandbox").exists(), "the web server has no sandbox of its own");

    let mut learner = Learner::start(&server.site).await;
    let ready = learner.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK, "{ready:?}");
    learner.create_bucket().await;
    let page = learner.get("/lab/delivery-stream").await;
    assert!(page.section("checks").contains("1 of 7 pass"), "{}", page.section("checks"));
    let sdk = server.sdk(&learner.access_key, &learner.secret);
    let identity = aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(learner.account.as_str()));

    let elsewhere = sdk.clone().into_builder().region(Region::from_static("ap-south-1")).build();
    create_table(&aws_sdk_dynamodb::Client::new(&elsewhere)).await;
    learner.post("/api/recheck", &[("slug", "results")]).await;
    let checks = learner.get("/lab/results").await.section("checks");
    assert!(checks.contains("ap-south-1"), "the sandbox has told in which regions the account has something: {checks}");

    learner.post("/api/rotate-keys", &[]).await;
    let keys = learner.get("/lab/connect").await.code("keys-exports").unwrap();
    assert!(!keys.contains(&learner.secret), "the key is another one");
    assert!(aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await.is_err(), "the old one is revoked");
    server.stop().await;
    assert!(!near.log().contains(TOKEN) && !near.log().is_empty());
}

/// Makes a table with the lab's name.
async fn create_table(dynamodb: &aws_sdk_dynamodb::Client) {
    let name = Variables::defaults_for(Engine::SqlApplication, "", "", "").table;
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let attribute = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("metric"))
        .attribute_definitions(attribute("window_end"))
        .key_schema(key("metric", KeyType::Hash))
        .key_schema(key("window_end", KeyType::Range))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_secret_shown_once_survives_a_redirect_to_another_server() {
    let (far, near) = (Folder::new(), Folder::new());
    let apart = sandbox(&far).await;
    let server = web(&near, &apart).await;
    let mut visitor = Visitor::new(&server.site);
    let started = visitor.post("/api/start", &[]).await;
    assert_eq!(started.location(), Some("/lab/connect"));
    // What the next server has of the first one is the database.
    server.kill().await;
    let server = web(&near, &apart).await;
    let mut browser = visitor.at(&server.site);
    let page = browser.get("/lab/connect").await;
    assert!(page.code("keys-exports").is_some() && page.code("resume-code-value").is_some(), "{}", page.text());
    let again = browser.get("/lab/connect").await;
    assert!(again.code("keys-exports").is_none() && again.code("resume-code-value").is_none(), "they are shown once");
}

#[tokio::test]
async fn two_web_servers_serve_one_lab_and_one_goes_on_without_the_other() {
    let (far, first, second) = (Folder::new(), Folder::new(), Folder::new());
    let apart = sandbox(&far).await;
    let database = scratch_postgres::new_database().await.unwrap();
    let one = web_of_several(&first, &apart, &database).await;
    let other = web_of_several(&second, &apart, &database).await;
    let mut visitor = Visitor::new(&one.site);
    assert_eq!(visitor.post("/api/start", &[]).await.location(), Some("/lab/connect"));
    let mut there = visitor.at(&other.site);
    let page = there.get("/lab/connect").await;
    let account = page.code_after("<dt>Account</dt>").unwrap();
    assert!(page.code("keys-exports").is_some(), "the key made at one server is shown by the other");
    assert!(visitor.get("/lab/connect").await.code("keys-exports").is_none(), "once");

    let bucket = format!("clickstream-{account}-us-east-1");
    visitor.perform("delivery-stream", "create-bucket", &[("bucket", &bucket)]).await;
    one.kill().await;
    let checks = there.get("/lab/delivery-stream").await.section("checks");
    assert!(checks.contains("1 of 7 pass"), "{checks}");
    other.stop().await;
    assert_eq!(second.log(), "");
}

#[tokio::test]
async fn nobody_gets_in_without_the_token() {
    let far = Folder::new();
    let apart = sandbox(&far).await;
    let mut stranger = Visitor::new(&Site::At(apart.control.strip_prefix("http://").unwrap().parse().unwrap()));
    for path in ["/", "/accounts/123456789012/keys"] {
        let refused = stranger.get(path).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{refused:?}");
    }
    assert_eq!(stranger.post("/accounts", &[]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.get("/healthz").await.status, StatusCode::OK);

    let near = Folder::new();
    let wrong = near.spawn(|command| {
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--sandbox-control", &apart.control])
            .args([Path::new("--data-dir"), &near.data(), Path::new("--site-root"), &near.file("site")])
            .env("HEADWATER_SANDBOX_TOKEN", TOKEN.to_uppercase());
    });
    let ended = wrong.wait_with_output().await.unwrap();
    assert!(!ended.status.success());
    assert!(near.log().contains("The token is missing or wrong"), "{}", near.log());
}
