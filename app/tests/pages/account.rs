//! Accounts of the learner's own: offered, found, confirmed, connected.

use super::{Scene, page, post};

#[tokio::test]
async fn accounts_that_the_server_does_not_reach_are_not_offered() {
    let page = page(Scene::SandboxOnly, "/").await;
    page.has_in_order(&[r#"value="sandbox-window""#, "not offered here", "--live"]);
    page.lacks("account-window");
    page.lacks("account-flink");
}

#[tokio::test]
async fn an_account_is_unlocked_by_the_code_from_the_terminal() {
    let page = page(Scene::Locked, "/lab/connect").await;
    page.has_in_order(&[
        r#"id="account""#,
        "That is not the code.",
        "in the terminal in which it was started",
        r#"action="/api/unlock""#,
        r#"name="code""#,
        r#"aria-invalid="true""#,
        "No keys.",
        "Nothing before you confirm.",
        "Checks only read.",
        "$0.015 an hour",
    ]);
    for absent in [r#"name="profile""#, r#"action="/api/rotate-keys""#, "AWS_ENDPOINT_URL", "900 seconds"] {
        page.lacks(absent);
    }
}

#[tokio::test]
async fn the_machines_default_credentials_come_first() {
    let page = page(Scene::Profiles, "/lab/connect").await;
    page.has_in_order(&[
        r#"action="/api/find-account""#,
        r#"name="profile""#,
        r#"<option value="" selected>The machine's default credentials"#,
        r#"<option value="lab">"#,
        r#"name="region""#,
        r#"<option value="eu-central-1" selected>"#,
    ]);
    page.lacks(r#"name="role""#);
    page.lacks(r#"action="/api/confirm-account""#);
}

#[tokio::test]
async fn an_account_is_used_only_after_a_word() {
    let page = page(Scene::Found, "/lab/connect").await;
    page.has_in_order(&[
        "Found an account.",
        "Is this the account",
        "<span>1111</span><span>2222</span><span>3333</span>",
        "assumed-role/AWSReservedSSO_LabBuilder",
        "eu-central-1",
        "the profile lab",
        "Nothing has been done in it yet.",
        r#"action="/api/confirm-account""#,
        r#"name="account" value="111122223333""#,
        "Yes, use this account",
        r#"action="/api/reject-account""#,
        "No, another",
    ]);
    page.lacks("Connected");
}

#[tokio::test]
async fn a_role_is_offered_in_three_forms_once_the_account_is_known() {
    let before = page(Scene::Prepare, "/lab/connect").await;
    before.has_in_order(&[r#"action="/api/prepare-account""#, r#"name="account""#, r#"name="region""#, "900 seconds"]);
    before.lacks(r#"name="role""#);
    before.lacks("There is no role to offer yet");

    let failed = page(Scene::Problem, "/lab/connect").await;
    failed.has_in_order(&["There is no role to offer yet. AWS did not tell", r#"action="/api/prepare-account""#]);

    let offered = page(Scene::Offer, "/lab/connect").await;
    offered.has_in_order(&[
        r#"href="/connect/headwater-role.json" download"#,
        "region=eu-central-1#/stacks/create/template",
        "AWSTemplateFormatVersion",
        "With Terraform",
        "aws_iam_role",
        "With the AWS CLI",
        "aws iam create-role",
        "arn:aws:iam::444455556666:role/HeadwaterServer",
        "headwater-7c1d0f3a9b5e4c2d8f6a1b3c5d7e9f02",
        "firehose:DescribeDeliveryStream",
        r#"action="/api/find-account""#,
        r#"name="role""#,
        "$0.22 an hour",
    ]);
    offered.lacks(r#"name="profile""#);
}

#[tokio::test]
async fn a_connected_account_says_by_what() {
    let by_profile = page(Scene::Connected, "/lab/connect").await;
    by_profile.has_in_order(&["Connected", "<span>1111</span>", "the profile lab", "sign out on the machine"]);
    let by_role = page(Scene::RoleConnected, "/lab/connect").await;
    by_role.has_in_order(&["Connected", "role/HeadwaterLab", "delete the role", "900 seconds"]);
    for page in [by_profile, by_role] {
        page.lacks(r#"action="/api/confirm-account""#);
        page.lacks(r#"action="/api/find-account""#);
    }
}

#[tokio::test]
async fn a_server_without_accounts_says_so() {
    let page = page(Scene::Off, "/lab/connect").await;
    page.has_in_order(&[r#"id="account""#, "works with its sandbox only"]);
    page.lacks(r#"action="/api/unlock""#);
}

#[tokio::test]
async fn in_an_account_a_step_has_commands_and_no_forms() {
    let account = page(Scene::Connected, "/lab/delivery-stream").await;
    account.has_in_order(&["Do it with the AWS CLI", "this page makes and deletes nothing", "aws s3api create-bucket"]);
    account.lacks(r#"action="/api/perform""#);
    account.lacks(r#"action="/api/choose-dialect""#);
    account.lacks("Your account is not connected");
    let ingest = page(Scene::Connected, "/lab/ingest").await;
    ingest.has_in_order(&["Do it with the AWS CLI", r#"action="/api/start-demo""#, r#"action="/upload""#]);

    let sandbox = page(Scene::Window, "/lab/delivery-stream").await;
    sandbox.has_in_order(&[r#"action="/api/choose-dialect""#, r#"action="/api/perform""#]);
}

#[tokio::test]
async fn a_step_before_the_account_is_connected_says_where_to_connect_it() {
    let page = page(Scene::Profiles, "/lab/ingest").await;
    page.has_in_order(&["Your account is not connected", r#"href="/lab/connect#account""#]);
}

#[tokio::test]
async fn plain_posts_of_the_account_lead_back_to_it() {
    let posts = [
        ("/api/unlock", "code=wrong"),
        ("/api/prepare-account", "account=111122223333&region=eu-central-1"),
        ("/api/find-account", "profile=&region=eu-central-1"),
        ("/api/find-account", "role=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2FHeadwaterLab"),
        ("/api/confirm-account", "account=111122223333"),
        ("/api/reject-account", ""),
    ];
    for (path, form) in posts {
        let page = post(Scene::Found, path, form).await;
        assert_eq!((page.status, page.location.as_deref()), (302, Some("/lab/connect#account")), "{path}");
    }
}
