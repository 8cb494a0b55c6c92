//! Accounts of the learners' own. The sandbox stands in for AWS: the same SDK calls, other endpoint.

use aws_config::SdkConfig;
use aws_sdk_iam::types::Tag;
use axum::http::StatusCode;
use sandbox::AccountId;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::client::{Answer, Visitor};
use super::world::World;
use crate::connect::LiveMode;

/// An account that belongs to a learner, and its owner's credentials.
struct Owner {
    account: String,
    sdk: SdkConfig,
}

impl Owner {
    async fn new(world: &World) -> Self {
        let sandbox = world.headwater.sandbox();
        let account: AccountId = sandbox.new_account().await.unwrap();
        let key = sandbox.create_access_key(&account).await.unwrap();
        Self { sdk: world.sdk(&key.id, key.secret.expose_secret()), account: account.as_str().to_owned() }
    }

    /// Makes a role with this trust policy; gives its ARN.
    async fn role(&self, name: &str, trust: &Value, policy: &Value) -> String {
        let iam = aws_sdk_iam::Client::new(&self.sdk);
        let tag = Tag::builder().key("headwater").value("clickstream-lab").build().unwrap();
        let created = iam.create_role().role_name(name).assume_role_policy_document(trust.to_string()).tags(tag).send();
        let arn = created.await.unwrap().role.unwrap().arn;
        let put = iam.put_role_policy().role_name(name).policy_name("lab").policy_document(policy.to_string());
        put.send().await.unwrap();
        arn
    }
}

/// A lab for an account of one's own, at the page that connects it.
async fn enrolled(world: &World) -> Visitor {
    let mut visitor = world.visitor();
    let started = visitor.post("/api/start", &[("choice", "account-window")]).await;
    assert_eq!(started.location(), Some("/lab/connect"), "{started:?}");
    visitor
}

/// What the template that is offered says of the role.
async fn offered(visitor: &mut Visitor) -> Value {
    let file = visitor.get("/connect/headwater-role.json").await;
    assert_eq!(file.status, StatusCode::OK, "{file:?}");
    file.json::<Value>()["Resources"]["HeadwaterLabRole"]["Properties"].clone()
}

async fn account_section(visitor: &mut Visitor) -> String {
    visitor.get("/lab/connect").await.section("account")
}

async fn prepare(visitor: &mut Visitor, account: &str) -> Answer {
    visitor.post("/api/prepare-account", &[("account", account), ("region", "us-east-1")]).await
}

#[tokio::test]
async fn a_role_is_offered_proven_confirmed_and_used_with_no_more_than_the_lab_needs() {
    let world = World::start_live(LiveMode::Hosted).await;
    let owner = Owner::new(&world).await;
    let mut visitor = enrolled(&world).await;
    assert_eq!(visitor.get("/connect/headwater-role.json").await.status, StatusCode::NOT_FOUND, "no account yet");
    let prepared = prepare(&mut visitor, &owner.account).await;
    assert_eq!(prepared.location(), Some("/lab/connect#account"));
    let role = offered(&mut visitor).await;
    let trust = &role["AssumeRolePolicyDocument"];
    let external_id = trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"].as_str().unwrap().to_owned();
    let principal = trust["Statement"][0]["Principal"]["AWS"].as_str().unwrap();
    assert!(principal.contains(&world.own_account), "{principal}");
    let page = account_section(&mut visitor).await;
    assert!(page.contains(&external_id) && page.contains(principal), "{page}");

    let arn = owner.role("HeadwaterLab", trust, &role["Policies"][0]["PolicyDocument"]).await;
    let found = visitor.post("/api/find-account", &[("role", &arn)]).await;
    assert_eq!(found.location(), Some("/lab/connect#account"));
    let page = account_section(&mut visitor).await;
    assert!(page.contains(&owner.account) && page.contains("assumed-role/HeadwaterLab"), "{page}");
    let before = visitor.call("recheck", &[("slug", "connect")]).await;
    assert!(!before.body.contains("\"Pass\""), "nothing is looked at before the learner has confirmed: {before:?}");
    assert!(before.body.contains("no AWS credentials"), "{before:?}");

    let confirmed = visitor.post("/api/confirm-account", &[("account", &owner.account)]).await;
    assert_eq!(confirmed.location(), Some("/lab/connect#account"));
    let checked = visitor.call("recheck", &[("slug", "connect")]).await;
    assert!(checked.body.contains("\"Pass\"") && checked.body.contains("assumed-role/HeadwaterLab"), "{checked:?}");
    let checked = visitor.call("recheck", &[("slug", "delivery-stream")]).await;
    assert!(checked.body.contains("NotYet") && !checked.body.contains("NoPermission"), "{checked:?}");
    let page = visitor.get("/lab/delivery-stream").await;
    assert!(page.text().contains(&format!("clickstream-{}-us-east-1", owner.account)), "{}", page.text());
    assert!(!page.html().contains("/api/perform"), "the page makes nothing in an account of the learner's own");

    assert!(!page.html().contains("set -euo pipefail"), "the script is handed over to who asks for it");
    let asked = visitor.post("/api/catch-up", &[("slug", "delivery-stream")]).await;
    assert_eq!(asked.location(), Some("/lab/delivery-stream#catch-up"));
    let page = visitor.get("/lab/delivery-stream").await;
    let script = page.text();
    assert!(script.contains("set -euo pipefail") && script.contains("aws kinesis create-stream"), "{script}");
    assert!(
        page.html().contains("resource &quot;aws_kinesis_stream&quot;") || script.contains("aws_kinesis_stream"),
        "{script}"
    );
    assert!(visitor.get("/results").await.text().contains("Assisted"), "it is remembered");
}

#[tokio::test]
async fn a_role_that_lets_others_in_is_refused() {
    let world = World::start_live(LiveMode::Hosted).await;
    let owner = Owner::new(&world).await;
    let mut visitor = enrolled(&world).await;
    prepare(&mut visitor, &owner.account).await;
    let role = offered(&mut visitor).await;
    let policy = &role["Policies"][0]["PolicyDocument"];
    let trust = |condition: Option<Value>| {
        let mut trust = role["AssumeRolePolicyDocument"].clone();
        match condition {
            Some(condition) => trust["Statement"][0]["Condition"] = condition,
            None => drop(trust["Statement"][0].as_object_mut().unwrap().remove("Condition")),
        }
        trust
    };
    let open = "without your external ID";
    let refused = "does not let us assume this role";
    let cases = [
        ("NoCondition", trust(None), open),
        ("AnyId", trust(Some(json!({"StringLike": {"sts:ExternalId": "*"}}))), open),
        ("OtherId", trust(Some(json!({"StringEquals": {"sts:ExternalId": "somebody-else"}}))), refused),
    ];
    for (name, trust, expected) in cases {
        let arn = owner.role(name, &trust, policy).await;
        let answer = visitor.call("find-account", &[("role", &arn)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {answer:?}");
        assert!(answer.body.contains(expected), "{name}: {answer:?}");
        let confirmed = visitor.call("confirm-account", &[("account", &owner.account)]).await;
        assert_eq!(confirmed.status, StatusCode::CONFLICT, "{name} must not be waiting to be confirmed");
    }
    let absent = format!("arn:aws:iam::{}:role/Absent", owner.account);
    assert!(visitor.call("find-account", &[("role", &absent)]).await.body.contains(refused));
    let answer = visitor.call("find-account", &[("role", "HeadwaterLab")]).await;
    assert!(answer.body.contains("not the ARN of a role"), "{answer:?}");
}

#[tokio::test]
async fn a_role_of_somebody_else_is_refused_by_its_external_id_and_by_its_account() {
    let world = World::start_live(LiveMode::Hosted).await;
    let (owner, thief_account) = (Owner::new(&world).await, Owner::new(&world).await.account);
    let mut visitor = enrolled(&world).await;
    prepare(&mut visitor, &owner.account).await;
    let role = offered(&mut visitor).await;
    let arn =
        owner.role("HeadwaterLab", &role["AssumeRolePolicyDocument"], &role["Policies"][0]["PolicyDocument"]).await;

    let mut thief = enrolled(&world).await;
    prepare(&mut thief, &owner.account).await;
    let answer = thief.call("find-account", &[("role", &arn)]).await;
    assert!(answer.body.contains("asks for another external ID"), "the external ID is each learner's own: {answer:?}");
    prepare(&mut visitor, &thief_account).await;
    let answer = visitor.call("find-account", &[("role", &arn)]).await;
    assert!(answer.body.contains(&format!("you named account {thief_account}")), "{answer:?}");
}

#[tokio::test]
async fn an_account_that_is_connected_cannot_become_another() {
    let world = World::start_live(LiveMode::Local).await;
    let mut visitor = enrolled(&world).await;
    unlock(&world, &mut visitor).await;
    let fields = [("profile", ""), ("region", "eu-central-1")];
    visitor.call("find-account", &fields).await;
    visitor.call("confirm-account", &[("account", &world.own_account)]).await;
    let other = Owner::new(&world).await.account;
    let answer = visitor.call("prepare-account", &[("account", &other), ("region", "us-east-1")]).await;
    assert!(answer.body.contains("Start another lab"), "{answer:?}");
}

async fn unlock(world: &World, visitor: &mut Visitor) {
    let code = world.headwater.connector().unlock_code().printed();
    let unlocked = visitor.post("/api/unlock", &[("code", &code)]).await;
    assert_eq!(unlocked.location(), Some("/lab/connect#account"));
}

#[tokio::test]
async fn the_machines_credentials_need_the_code_from_the_terminal() {
    let world = World::start_live(LiveMode::Local).await;
    let mut visitor = enrolled(&world).await;
    let page = account_section(&mut visitor).await;
    assert!(page.contains("code"), "{page}");
    let fields = [("profile", ""), ("region", "us-east-1")];
    let locked = visitor.call("find-account", &fields).await;
    assert!(locked.body.contains("Enter the code from the terminal first"), "{locked:?}");
    for wrong in ["", "AAAA-AAAA", "ä"] {
        let refused = visitor.call("unlock", &[("code", wrong)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {refused:?}");
    }
    unlock(&world, &mut visitor).await;
    let found = visitor.call("find-account", &fields).await;
    assert_eq!(found.status, StatusCode::OK, "{found:?}");
    let page = account_section(&mut visitor).await;
    assert!(page.contains(&world.own_account), "{page}");
    let wrong = visitor.call("confirm-account", &[("account", "999999999999")]).await;
    assert_eq!(wrong.status, StatusCode::CONFLICT, "another number is no confirmation");
    visitor.call("reject-account", &[]).await;
    assert_eq!(visitor.call("confirm-account", &[("account", &world.own_account)]).await.status, StatusCode::CONFLICT);
    visitor.call("find-account", &fields).await;
    assert_eq!(visitor.call("confirm-account", &[("account", &world.own_account)]).await.status, StatusCode::OK);
    let checked = visitor.call("recheck", &[("slug", "connect")]).await;
    assert!(checked.body.contains("\"Pass\""), "{checked:?}");

    let mut stranger = enrolled(&world).await;
    let locked = stranger.call("find-account", &fields).await;
    assert!(locked.body.contains("Enter the code"), "each browser has to show that it knows the code: {locked:?}");
}

#[tokio::test]
async fn what_is_not_on_the_lists_is_refused() {
    let world = World::start_live(LiveMode::Local).await;
    let mut visitor = enrolled(&world).await;
    unlock(&world, &mut visitor).await;
    for (fields, field) in [
        ([("profile", ""), ("region", "moon-1")], "region"),
        ([("profile", "no-such-profile"), ("region", "us-east-1")], "profile"),
    ] {
        let answer = visitor.call("find-account", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
        assert!(answer.body.contains(&format!("\"{field}\"")), "{answer:?}");
    }
    for account in ["", "12345678901", "12345678901x", "<script>"] {
        assert_eq!(prepare(&mut visitor, account).await.location(), Some("/lab/connect#account"));
        let answer = visitor.call("prepare-account", &[("account", account), ("region", "us-east-1")]).await;
        assert!(answer.body.contains("twelve digits"), "{answer:?}");
    }
    let role = visitor.call("find-account", &[("role", "arn:aws:iam::123456789012:role/x")]).await;
    assert!(!role.status.is_success(), "roles are for hosted servers: {role:?}");
}

#[tokio::test]
async fn a_lab_stays_in_its_place() {
    let world = World::start_live(LiveMode::Local).await;
    let mut learner = world.learner().await;
    let fields = [("profile", ""), ("region", "us-east-1")];
    let moved = learner.call("find-account", &fields).await;
    assert!(moved.body.contains("stays there"), "{moved:?}");
    let mut visitor = enrolled(&world).await;
    for (function, fields) in [
        ("perform", &[("slug", "delivery-stream"), ("action", "create-bucket")][..]),
        ("catch-up", &[("slug", "delivery-stream")][..]),
        ("rotate-keys", &[][..]),
        ("start-demo", &[("slug", "ingest"), ("rate", "1"), ("duration_seconds", "1"), ("seed", "1")][..]),
    ] {
        let refused = visitor.call(function, fields).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{function}: {refused:?}");
    }
}

#[tokio::test]
async fn a_server_for_the_sandbox_only_offers_no_account() {
    let world = World::start().await;
    let mut visitor = world.visitor();
    let choices: Vec<String> = visitor.call("choices", &[]).await.json();
    assert_eq!(choices, ["sandbox-sql", "sandbox-window"]);
    let refused = visitor.call("start", &[("choice", "account-flink")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    assert!(refused.body.contains("--live"), "{refused:?}");
}
