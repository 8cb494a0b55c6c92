//! Sandbox accounts for scripts.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, StatusCode};

use super::world::World;
use crate::new_account::{NewAccount, PATH};

#[tokio::test]
async fn a_script_gets_an_account_that_works() {
    let world = World::start().await;
    let mut script = world.visitor();
    let request = script.request(Method::POST, PATH).body(Body::empty()).unwrap();
    let answer = script.send(request).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, Some("no-store")));
    assert_eq!(script.session(), None, "an account is no learner");
    let account: NewAccount = answer.json();
    assert_eq!(account.endpoint_url, world.endpoint);

    let lines = account.export_lines();
    let exports: BTreeMap<&str, &str> =
        lines.lines().map(|line| line.strip_prefix("export ").unwrap().split_once('=').unwrap()).collect();
    insta::assert_debug_snapshot!(exports.keys(), @r#"
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_SECRET_ACCESS_KEY",
    ]
    "#);
    let sdk = world.sdk(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]);
    let identity = aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(account.account_id.as_str()));
}
