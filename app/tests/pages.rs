//! The pages as the server renders them, from canned answers.

#[path = "pages/account.rs"]
mod account;
#[path = "../examples/preview/fixture.rs"]
#[expect(dead_code, reason = "only the preview reads the scene from a cookie")]
mod fixture;
#[path = "pages/progress.rs"]
mod progress;

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
    page.has_in_order(&[
        "This page could not be shown",
        "Something went wrong on our side",
        "the request's number: 3f2c77",
    ]);
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
        "$0.22 an hour",
        "Start this one",
        "three ways, and two of them live on AWS today",
    ]);
    page.lacks("not offered here");
    page.lacks(r#"id="other-ways" open"#);
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
