//! The pages as the server renders them, from canned answers.

#[path = "../examples/preview/fixture.rs"]
#[expect(dead_code, reason = "only the preview reads the scene from a cookie")]
mod fixture;

use app::{App, backend::Backend, shell};
use axum::{Router, body::Body, http::Request};
use fixture::{Fixture, Scene};
use http_body_util::BodyExt;
use leptos::{config::LeptosOptions, prelude::*};
use leptos_axum::{
    AxumRouteListing, LeptosRoutes, file_and_error_handler_with_context, generate_route_list,
    handle_server_fns_with_context,
};
use std::sync::{Arc, LazyLock};
use tower::ServiceExt;

/// Listed once, before anything is rendered: a page that is rendered meanwhile may never end.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

/// The router as the server has it, with one scene for every request.
fn router(scene: Scene) -> Router {
    let options = LeptosOptions::builder().output_name("headwater").build();
    let provide = move || provide_context::<Arc<dyn Backend>>(Arc::new(Fixture { scene }));
    Router::new()
        .route("/api/{*name}", axum::routing::post(move |request| handle_server_fns_with_context(provide, request)))
        .leptos_routes_with_context(&options, ROUTES.clone(), provide, {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(file_and_error_handler_with_context(provide, shell))
        .with_state(options)
}

struct Page {
    status: u16,
    location: Option<String>,
    cookie: Option<String>,
    body: String,
}

impl Page {
    /// Whether the texts stand in the page in this order.
    #[track_caller]
    fn has_in_order(&self, texts: &[&str]) {
        let mut rest = self.body.as_str();
        for text in texts {
            let Some(at) = rest.find(text) else { panic!("{text:?} is not there, or not in order:\n{}", self.body) };
            rest = &rest[at + text.len()..];
        }
    }

    /// Whether the text is nowhere but in the data that travels along with the page.
    #[track_caller]
    fn does_not_show(&self, text: &str) {
        let shown: String = self
            .body
            .split("<script")
            .map(|part| part.split_once("</script>").map_or(part, |(_, rest)| rest))
            .collect();
        assert!(!shown.contains(text), "{text:?} is shown");
    }

    #[track_caller]
    fn lacks(&self, text: &str) {
        assert!(!self.body.contains(text), "{text:?} is there");
    }
}

async fn send(scene: Scene, request: Request<Body>) -> Page {
    let response = router(scene).oneshot(request).await.expect("the router answers");
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (location, cookie) = (header("location"), header("set-cookie"));
    let body = response.into_body().collect().await.expect("the body arrives").to_bytes();
    Page { status, location, cookie, body: String::from_utf8_lossy(&body).replace("<!>", "").replace('\u{a0}', " ") }
}

async fn page(scene: Scene, path: &str) -> Page {
    send(scene, Request::get(path).body(Body::empty()).expect("a request")).await
}

async fn page_with_cookies(scene: Scene, path: &str, cookies: &str) -> Page {
    send(scene, Request::get(path).header("cookie", cookies).body(Body::empty()).expect("a request")).await
}

/// A form post as a browser does it by itself.
async fn post(scene: Scene, path: &str, form: &str) -> Page {
    let request = Request::post(path)
        .header("accept", "text/html,application/xhtml+xml")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("referer", "http://127.0.0.1:3000/lab/delivery-stream")
        .body(Body::from(form.to_owned()))
        .expect("a request");
    send(scene, request).await
}

#[tokio::test]
async fn a_stranger_can_start_or_resume() {
    let page = page(Scene::Stranger, "/").await;
    assert_eq!(page.status, 200);
    page.has_in_order(&[
        "<h1>Build a clickstream",
        r#"action="/api/start""#,
        r#"action="/api/resume""#,
        r#"name="code""#,
    ]);
    page.lacks("Continue your lab");
}

#[tokio::test]
async fn a_known_learner_can_continue() {
    let page = page(Scene::Midway, "/").await;
    page.has_in_order(&[r#"href="/lab/ingest""#, "Continue your lab", "2 of 7 steps passed"]);
    page.lacks(r#"action="/api/start""#);
}

#[tokio::test]
async fn a_step_without_a_learner_offers_the_ways_in() {
    let page = page(Scene::Stranger, "/lab/ingest").await;
    page.has_in_order(&["No lab in this browser yet", r#"action="/api/start""#, r#"action="/api/resume""#]);
}

#[tokio::test]
async fn addresses_without_a_page_are_not_found() {
    for path in ["/nowhere", "/lab/no-such-step"] {
        let page = page(Scene::Midway, path).await;
        assert_eq!(page.status, 404, "{path}");
        page.has_in_order(&["The river does not run here"]);
    }
}

#[tokio::test]
async fn a_fault_of_the_server_is_told_as_one_without_its_cause() {
    let page = page(Scene::Broken, "/lab/ingest").await;
    assert_eq!(page.status, 500);
    page.has_in_order(&["This page could not be shown", "Something went wrong on our side"]);
}

#[tokio::test]
async fn fresh_keys_are_shown_as_exports_and_as_a_profile() {
    let page = page(Scene::Fresh, "/lab/connect").await;
    page.has_in_order(&[
        "Your account in the sandbox is ready.",
        "export AWS_ACCESS_KEY_ID=AKIAHEADWATER4821",
        "export AWS_SECRET_ACCESS_KEY=k3yTh4tIs",
        "export AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        "[profile headwater]",
        "aws_secret_access_key = k3yTh4tIs",
        r#"action="/api/rotate-keys""#,
        r#"action="/api/save-names""#,
        r#"name="fields[bucket]""#,
    ]);
}

#[tokio::test]
async fn known_keys_are_shown_without_their_secret() {
    let page = page(Scene::Midway, "/lab/connect").await;
    page.has_in_order(&["AKIAHEADWATER4821", "Make a new key"]);
    page.lacks("k3yTh4tIs");
}

#[tokio::test]
async fn every_kind_of_verdict_has_its_words_and_reasons() {
    let page = page(Scene::Midway, "/lab/ingest").await;
    page.has_in_order(&[
        r#"id="checks""#,
        "1 of 7 pass",
        r#"data-verdict="Passes""#,
        r#"data-verdict="Set differently""#,
        "Expected",
        "clicks/",
        "Found",
        "click/",
        r#"data-verdict="Settling""#,
        "Look again at",
        "19:00:45",
        r#"data-verdict="Not there yet""#,
        r#"data-verdict="Found elsewhere""#,
        "eu-west-1",
        r#"data-verdict="Not permitted to look""#,
        "s3:ListBucket",
        r#"data-verdict="Service fault, not yours""#,
    ]);
}

#[tokio::test]
async fn a_pass_that_changed_stays_a_pass_with_a_note() {
    let page = page(Scene::Midway, "/lab/delivery-stream").await;
    page.has_in_order(&[r#"data-check="delivery-stream.active" data-verdict="Passes""#, "CREATING_FAILED"]);
    page.has_in_order(&["Passed, changed since"]);
}

#[tokio::test]
async fn a_check_that_invokes_something_asks_first() {
    let page = page(Scene::Midway, "/lab/preprocess").await;
    page.has_in_order(&[r#"data-verdict="Needs your consent""#, r#"name="consent" value="true""#, "I agree"]);
}

#[tokio::test]
async fn what_was_typed_comes_back_with_the_error() {
    let page = page(Scene::Midway, "/lab/delivery-stream").await;
    page.has_in_order(&[
        r#"id="action-create-bucket-bucket""#,
        r#"value="MyClicks""#,
        r#"aria-invalid="true""#,
        r#"id="action-create-bucket-bucket-error""#,
        "lower-case letters",
    ]);
}

#[tokio::test]
async fn the_chart_has_every_number_in_its_table() {
    let page = page(Scene::Done, "/lab/results").await;
    page.has_in_order(&[
        r#"role="img""#,
        "18 windows",
        "<table>",
        r#"data-window-end="2026-11-24T18:59:00Z""#,
        r#"data-metric="views" data-value="4380""#,
        "</table>",
        "Main Page",
        "東京",
    ]);
}

#[tokio::test]
async fn the_result_page_carries_the_receipt() {
    let page = page(Scene::Done, "/results").await;
    page.has_in_order(&[
        "7 of 7 steps passed",
        "Account in the sandbox",
        "481920375566",
        "Counted by",
        "a SQL application",
        "Delivery stream",
        "Assisted",
        "18:28 UTC",
        "Receipt of the clean-up",
        "All clean",
        "ClickStreamData",
        "gone at",
    ]);
    page.lacks("an hour");
}

#[tokio::test]
async fn cookies_choose_theme_and_dialect() {
    let plain = page(Scene::Midway, "/lab/ingest").await;
    plain.lacks("data-theme");
    let chosen = page_with_cookies(Scene::Midway, "/lab/ingest", "theme=dark; dialect=cli").await;
    chosen.has_in_order(&[r#"data-theme="dark""#, r#"id="in-page" hidden"#, r#"id="in-cli""#]);
}

#[tokio::test]
async fn no_page_has_inline_styles_or_handlers() {
    for scene in [Scene::Done, Scene::Offer, Scene::Found, Scene::Connected] {
        for path in ["/", "/lab/connect", "/lab/ingest", "/lab/results", "/lab/clean-up", "/results"] {
            let page = page(scene, path).await;
            for forbidden in [" style=\"", " onclick=", " onload=", "<style"] {
                assert!(!page.body.contains(forbidden), "{scene:?}: {path} has {forbidden}");
            }
        }
    }
}

#[tokio::test]
async fn a_plain_post_leads_back_to_its_form() {
    let page = post(
        Scene::Midway,
        "/api/perform",
        "slug=delivery-stream&action=create-bucket&fields%5Bbucket%5D=clicks&fields%5Bnote%5D=a%0D%0Ab",
    )
    .await;
    assert_eq!((page.status, page.location.as_deref()), (302, Some("/lab/delivery-stream#action-create-bucket")));
}

#[tokio::test]
async fn a_plain_post_cannot_be_sent_elsewhere() {
    let page = post(Scene::Midway, "/api/reveal-hint", "slug=%2F%2Fevil.example").await;
    assert_eq!(page.location.as_deref(), Some("/lab/evilexample#hints"));
}

#[tokio::test]
async fn the_usual_lab_starts_with_one_press_and_the_others_can_be_chosen() {
    let page = page(Scene::Stranger, "/").await;
    page.has_in_order(&[
        r#"id="start""#,
        r#"name="choice" value="sandbox-sql""#,
        "Start the lab",
        r#"id="other-ways""#,
        r#"value="sandbox-sql" checked"#,
        "Free.",
        r#"value="sandbox-window""#,
        "Free.",
        r#"value="account-window""#,
        "$0.015 an hour",
        r#"value="account-flink""#,
        "$0.24 an hour",
        "Start this one",
        "three ways, and two of them live on AWS today",
    ]);
    page.lacks("not offered here");
    page.lacks(r#"id="other-ways" open"#);
}

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
        "$0.24 an hour",
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
async fn each_engine_has_its_picture() {
    let shapes = [
        (Scene::Midway, vec!["Clicks", "Firehose", "S3", "Lambda", "Streaming SQL", "Lambda", "DynamoDB"]),
        (Scene::Window, vec!["Clicks", "Kinesis", "Firehose", "Lambda", "S3", "Lambda", "DynamoDB"]),
        (
            Scene::RoleConnected,
            vec!["Clicks", "Kinesis", "Firehose", "Lambda", "S3", "Managed Flink", "Lambda", "DynamoDB"],
        ),
    ];
    for (scene, services) in shapes {
        let page = page(scene, "/lab/preprocess").await;
        let nodes: Vec<&str> =
            page.body.split(r#"class="node-service">"#).skip(1).filter_map(|rest| rest.split('<').next()).collect();
        assert_eq!(nodes, services, "{scene:?}");
        let words: Vec<String> = services.iter().map(|service| format!("{service} ")).collect();
        let picture = page.body.split_once("pipeline-picture-text\">").map_or("", |(_, rest)| rest);
        let mut description = picture.split('<').next().unwrap_or_default();
        for word in &words {
            let Some((_, rest)) = description.split_once(word.as_str()) else { panic!("{scene:?}: no {word}") };
            description = rest;
        }
    }
}

#[tokio::test]
async fn a_sending_is_followed_hop_by_hop() {
    let waiting = page(Scene::Midway, "/lab/preprocess").await;
    waiting.has_in_order(&[
        r#"id="trace""#,
        "Headwater_run_k3v9q2x7ab",
        r#"data-hop="accepted" data-state="reached""#,
        "All 4 marked rows are here",
        "18:59:13",
        r#"data-hop="bucket" data-state="waiting""#,
        "Look again at",
        "19:00:45",
        "up to 60 seconds",
    ]);
    waiting.lacks("Stopped here");

    let arrived = page(Scene::Window, "/lab/results").await;
    arrived.has_in_order(&[
        r#"data-hop="bucket""#,
        "some came twice",
        "S3 GetObject",
        r#"data-hop="table""#,
        "3 of 4 marked rows so far",
    ]);

    let stopped = page(Scene::Connected, "/lab/preprocess").await;
    stopped.has_in_order(&[
        r#"data-hop="preprocess" data-state="stopped""#,
        "got an error each time",
        "What to do:",
        "Mend the code",
        r#"data-hop="bucket" data-state="stopped""#,
        r#"data-hop="table" data-state="unknown""#,
        "Cannot be told",
    ]);
    stopped.does_not_show("This advice is not for now.");
}

#[tokio::test]
async fn the_trace_is_under_the_sender_and_not_shown_before_the_data() {
    let ingest = page(Scene::Midway, "/lab/ingest").await;
    ingest.has_in_order(&[r#"id="demo""#, r#"id="trace""#, r#"id="hints""#]);
    assert_eq!(ingest.body.matches(r#"id="trace""#).count(), 1);
    page(Scene::Midway, "/lab/delivery-stream").await.lacks(r#"id="trace""#);
    page(Scene::Fresh, "/lab/preprocess").await.lacks("Headwater_run_");
}

#[tokio::test]
async fn the_sandbox_does_a_step_on_request_and_names_its_calls() {
    let page = page(Scene::Window, "/lab/delivery-stream").await;
    page.has_in_order(&[
        r#"id="catch-up""#,
        "done for you",
        "18:28 UTC",
        "S3 CreateBucket",
        "clickstream-481920375566-us-east-1",
        "Firehose CreateDeliveryStream",
        r#"action="/api/catch-up""#,
        r#"name="slug" value="delivery-stream""#,
        "Recorded as assisted",
    ]);
    page.lacks("headwater-delivery-stream.sh");
}

#[tokio::test]
async fn in_an_account_a_step_comes_as_a_script_and_as_terraform() {
    let page = page(Scene::Connected, "/lab/delivery-stream").await;
    page.has_in_order(&[
        r#"id="catch-up""#,
        "headwater-delivery-stream.sh",
        "aws kinesis create-stream",
        "headwater-delivery-stream.tf",
        "aws_kinesis_stream",
    ]);
    page.lacks(r#"action="/api/catch-up""#);
}

#[tokio::test]
async fn a_caught_up_step_comes_back_to_its_place() {
    let page = post(Scene::Window, "/api/catch-up", "slug=delivery-stream").await;
    assert_eq!((page.status, page.location.as_deref()), (302, Some("/lab/delivery-stream#catch-up")));
}

#[tokio::test]
async fn the_receipt_tells_what_remains_and_what_it_costs() {
    let page = page(Scene::RoleConnected, "/lab/clean-up").await;
    page.has_in_order(&[
        r#"id="receipt""#,
        "4 resources have to go, and 1 place could not be looked at.",
        "Still there",
        "ClickstreamAnalytics",
        "$0.22 an hour",
        "RUNNING · eu-central-1 · found by name and tag",
        "stop-application",
        "ClickStreamInput",
        "$0.015 an hour",
        "nothing by the hour",
        "$0.235",
        "$5.64 a day",
        "Could not look: logs:DescribeLogGroups is not allowed. This proves nothing.",
        "Gone",
        "ClickstreamWindowCounts",
        "gone at",
        "May remain",
        "HeadwaterFirehoseRole",
    ]);
    page.lacks("All clean");
}

#[tokio::test]
async fn a_clean_account_is_called_so() {
    let page = page(Scene::Clean, "/lab/clean-up").await;
    page.has_in_order(&["All clean", "every place could be looked at", "Gone", "ClickStreamInput", "May remain"]);
    page.lacks("have to go");
    page.lacks("is running in your account");
}

#[tokio::test]
async fn what_costs_money_is_told_on_every_page_of_the_lab() {
    for path in ["/lab/connect", "/lab/ingest", "/results"] {
        let page = page(Scene::Connected, path).await;
        page.has_in_order(&[
            r#"class="cost-bar is-running">"#,
            "About $0.02 an hour is running in your account · 3 resources",
            r#"href="/lab/clean-up""#,
        ]);
    }
    for scene in [Scene::Midway, Scene::Clean] {
        page(scene, "/lab/ingest").await.has_in_order(&[r#"aria-label="What the lab costs" hidden class="cost-bar""#]);
    }
}

#[tokio::test]
async fn the_results_of_an_account_say_where_and_by_what() {
    let page = page(Scene::Clean, "/results").await;
    page.has_in_order(&["Account on AWS", "111122223333", "Counted by", "a Lambda function with a tumbling window"]);
    page.lacks("Assisted");
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

#[tokio::test]
async fn a_start_leads_to_the_first_step() {
    for form in ["", "choice=sandbox-sql", "choice=account-window"] {
        let page = post(Scene::Stranger, "/api/start", form).await;
        assert_eq!((page.status, page.location.as_deref()), (302, Some("/lab/connect")), "{form}");
    }
    let refused = post(Scene::Stranger, "/api/start", "choice=account-flink").await;
    assert_eq!((refused.status, refused.location.as_deref()), (302, Some("/#start")));
}

#[tokio::test]
async fn a_theme_is_remembered() {
    let page = post(Scene::Midway, "/api/choose-theme", "theme=dark").await;
    assert_eq!(page.status, 302);
    assert_eq!(page.cookie.as_deref(), Some("theme=dark; Path=/; Max-Age=31536000; SameSite=Lax"));
    let odd = post(Scene::Midway, "/api/choose-theme", "theme=%3Bevil").await;
    assert_eq!(odd.cookie, None);
}

#[tokio::test]
async fn with_javascript_an_error_comes_back_by_field() {
    let request = Request::post("/api/perform")
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("slug=delivery-stream&action=create-bucket&fields[bucket]=MyClicks"))
        .expect("a request");
    let page = send(Scene::Midway, request).await;
    insta::assert_snapshot!(page.body, @r#"{"Invalid":{"field":"bucket","message":"A bucket name has lower-case letters, digits and hyphens only."}}"#);
}
