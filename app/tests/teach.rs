//! The instructors' pages as the server renders them, from canned answers.

#[path = "../examples/preview/fixture.rs"]
#[expect(dead_code, reason = "only the session's notice is needed of the learner's side")]
mod fixture;
#[path = "../examples/preview/teach_fixture.rs"]
#[expect(dead_code, reason = "only the preview reads the scene from a cookie")]
mod teach_fixture;

use app::{
    App,
    backend::Backend,
    model::teach::{CellState, RowView},
    shell,
    teaching::Teaching,
};
use axum::{Router, body::Body, http::Request};
use fixture::{Fixture, Scene};
use http_body_util::BodyExt;
use leptos::{config::LeptosOptions, prelude::*};
use leptos_axum::{
    AxumRouteListing, LeptosRoutes, file_and_error_handler_with_context, generate_route_list,
    handle_server_fns_with_context,
};
use std::sync::{Arc, LazyLock};
use teach_fixture::{CLASS, TeachFixture, TeachScene, row};
use tower::ServiceExt;

/// Listed once, before anything is rendered: a page that is rendered meanwhile may never end.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(App));

fn router(scene: TeachScene) -> Router {
    let options = LeptosOptions::builder().output_name("headwater").build();
    let provide = move || {
        provide_context::<Arc<dyn Backend>>(Arc::new(Fixture { scene: Scene::Stranger }));
        provide_context::<Arc<dyn Teaching>>(Arc::new(TeachFixture { scene }));
    };
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
    body: String,
    /// The body without the data that travels along.
    shown: String,
}

impl Page {
    /// Whether the texts stand in the page in this order.
    #[track_caller]
    fn has_in_order(&self, texts: &[&str]) {
        let mut rest = self.shown.as_str();
        for text in texts {
            let Some(at) = rest.find(text) else { panic!("{text:?} is not there, or not in order:\n{}", self.shown) };
            rest = &rest[at + text.len()..];
        }
    }

    #[track_caller]
    fn does_not_show(&self, texts: &[&str]) {
        for text in texts {
            assert!(!self.shown.contains(text), "{text:?} is shown");
        }
    }
}

async fn send(scene: TeachScene, request: Request<Body>) -> Page {
    let response = router(scene).oneshot(request).await.expect("the router answers");
    let status = response.status().as_u16();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = response.into_body().collect().await.expect("the body arrives").to_bytes();
    let body = String::from_utf8_lossy(&body).replace("<!>", "").replace('\u{a0}', " ");
    let shown = body.split("<script").map(|part| part.split_once("</script>").map_or(part, |(_, rest)| rest)).collect();
    Page { status, location, body, shown }
}

async fn page(scene: TeachScene, path: &str) -> Page {
    send(scene, Request::get(path).body(Body::empty()).expect("a request")).await
}

/// A form post as a browser does it by itself.
async fn post(scene: TeachScene, path: &str, form: &str) -> Page {
    let request = Request::post(path)
        .header("accept", "text/html,application/xhtml+xml")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("referer", "http://127.0.0.1:3000/teach")
        .body(Body::from(form.to_owned()))
        .expect("a request");
    send(scene, request).await
}

/// The same by the page's own script.
async fn ask(scene: TeachScene, path: &str, form: &str) -> Page {
    let request = Request::post(path)
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .expect("a request");
    send(scene, request).await
}

fn class(rest: &str) -> String {
    format!("/teach/classes/{CLASS}{rest}")
}

const PAGES: [&str; 5] = ["", "/help", "/results", "/settings", "/learners/12345678"];

#[tokio::test]
async fn who_is_not_signed_in_can_do_so_at_every_page_and_comes_back_to_it() {
    for path in ["/teach", "/teach/account", "/teach/classes/new", &class(""), &class("/settings")] {
        let page = page(TeachScene::Nobody, path).await;
        assert_eq!(page.status, 401, "{path}");
        page.has_in_order(&[
            r#"action="/api/teach-sign-in""#,
            &format!(r#"name="back" value="{path}""#),
            r#"type="password""#,
        ]);
        page.does_not_show(&["Sign out"]);
    }
}

#[tokio::test]
async fn a_provider_is_offered_where_there_is_one() {
    let page = page(TeachScene::Provider, "/teach/login").await;
    page.has_in_order(&[r#"href="/teach/oidc/start?back=/teach""#, "Sign in with Example University"]);
    let back = self::page(TeachScene::Provider, "/teach/login?back=/teach/invitation/H8TW").await;
    back.has_in_order(&[
        r#"href="/teach/oidc/start?back=/teach/invitation/H8TW""#,
        r#"name="back" value="/teach/invitation/H8TW""#,
    ]);
    let elsewhere = self::page(TeachScene::Nobody, "/teach/login?back=//evil.example").await;
    elsewhere.has_in_order(&[r#"name="back" value="/teach""#]);
    let without = self::page(TeachScene::Nobody, "/teach/login").await;
    without.does_not_show(&["/teach/oidc/start"]);
}

#[tokio::test]
async fn the_first_account_is_made_with_the_code_from_the_terminal() {
    let login = page(TeachScene::First, "/teach/login").await;
    login.has_in_order(&[r#"href="/teach/setup""#, "Make the first account"]);
    let page = page(TeachScene::First, "/teach/setup").await;
    page.has_in_order(&[
        r#"action="/api/teach-set-up""#,
        r#"name="code""#,
        r#"name="login""#,
        r#"autocomplete="new-password""#,
    ]);
    let wrong = post(TeachScene::First, "/api/teach-set-up", "code=x&login=a&name=b&password=c").await;
    assert_eq!((wrong.status, wrong.location.as_deref()), (302, Some("/teach/setup#set-up")));
    let right = post(TeachScene::First, "/api/teach-set-up", "code=7QXD-92MK&login=a&name=b&password=c").await;
    assert_eq!(right.location.as_deref(), Some("/teach"));
}

#[tokio::test]
async fn signing_in_leads_back_to_our_pages_only() {
    let form = |back: &str| format!("login=mira%40example.edu&password=secret&back={back}");
    let back = post(TeachScene::Nobody, "/api/teach-sign-in", &form("/teach/classes/c7/help")).await;
    assert_eq!(back.location.as_deref(), Some("/teach/classes/c7/help"));
    let evil = post(TeachScene::Nobody, "/api/teach-sign-in", &form("//evil.example")).await;
    assert_eq!(evil.location.as_deref(), Some("/teach"));
    let wrong = post(TeachScene::Nobody, "/api/teach-sign-in", "login=x&password=secret").await;
    assert_eq!(wrong.location.as_deref(), Some("/teach/login#sign-in"));
    let told = ask(TeachScene::Nobody, "/api/teach-sign-in", "login=x&password=secret").await;
    insta::assert_snapshot!(told.body, @r#"{"Invalid":{"field":"password","message":"Login and password do not go together."}}"#);
}

#[tokio::test]
async fn classes_show_where_they_are_and_what_asks_for_a_look() {
    let page = page(TeachScene::Owner, "/teach").await;
    page.has_in_order(&[
        "Mira Lind",
        r#"href="/teach/classes/new""#,
        "Streaming data, autumn 2026",
        "Running",
        "Owner",
        "30 learners · 2 waiting to be let in",
        "3 hands up · 6 new in the help queue",
        "Not begun",
        "Ended",
        "<summary>Archived</summary>",
        "Trial run",
    ]);
    let empty = self::page(TeachScene::Empty, "/teach").await;
    empty.has_in_order(&["No class yet"]);
}

#[tokio::test]
async fn a_class_is_made_by_a_form_that_works_without_script() {
    let page = page(TeachScene::Owner, "/teach/classes/new").await;
    page.has_in_order(&[
        r#"action="/api/teach-create-class""#,
        r#"name="fields[name]""#,
        r#"type="datetime-local""#,
        r#"name="fields[starts_at_offset]" value="0""#,
        "In UTC",
        r#"name="fields[lab-sandbox-sql]" value="on" checked"#,
        r#"name="fields[approval]""#,
        r#"name="fields[anonymous]""#,
    ]);
    let form =
        "fields[name]=A&fields[starts_at]=2026-11-24T19:00&fields[ends_at]=2026-11-24T20:00&fields[lab-sandbox-sql]=on";
    let made = post(TeachScene::Owner, "/api/teach-create-class", form).await;
    assert_eq!(made.location.as_deref(), Some("/teach/classes/c7"));
    let refused = ask(TeachScene::Owner, "/api/teach-create-class", "fields[name]=A").await;
    insta::assert_snapshot!(refused.body, @r#"{"Invalid":{"field":"starts_at","message":"Enter a day and a time."}}"#);
}

#[tokio::test]
async fn the_board_says_in_words_what_it_shows_in_colour() {
    let page = page(TeachScene::Owner, &class("")).await;
    page.has_in_order(&[
        "Streaming data, autumn 2026",
        "Join code",
        "K7QM-2XRD",
        "<dialog ",
        "lab.example/join",
        r#"data-counter="learners">30"#,
        r#"aria-current="page""#,
        "2 learners ask to be let in",
        "Noor Haddad",
        r#"aria-label="Let Noor Haddad in""#,
        r#"role="search""#,
        r#"role="grid""#,
        r#"aria-rowcount="31""#,
        r#"aria-colcount="10""#,
        r#"role="columnheader""#,
        r#"role="row""#,
        r#"aria-rowindex="2""#,
        r#"role="rowheader""#,
        r#"role="gridcell""#,
        r#"aria-label="Connect: passed"#,
    ]);
    page.has_in_order(&["Hand up since "]);
    page.has_in_order(&["not right yet, "]);
    page.has_in_order(&["; assisted"]);
}

#[tokio::test]
async fn a_large_board_comes_page_by_page_without_script() {
    let first = page(TeachScene::Large, &class("")).await;
    assert_eq!(first.shown.matches(r#"role="rowheader""#).count(), 50);
    first.has_in_order(&[r#"aria-rowcount="10001""#]);
    first.has_in_order(&["Page 1 of 200", "sort=name&amp;show=all&amp;page=2"]);
    assert!(first.body.len() < 1_000_000, "the page has {} bytes", first.body.len());
    let filtered = page(TeachScene::Large, &class("?sort=hand&show=hand&q=elena&page=1")).await;
    filtered.has_in_order(&[r#"value="elena""#, r#"value="hand" selected"#, r#"value="hand" selected"#]);
    let names = filtered.shown.matches(r#"role="rowheader""#).count();
    assert!(names > 0 && filtered.shown.matches("mark is-hand").count() == names);
}

#[tokio::test]
async fn all_rows_come_to_a_page_that_is_alive() {
    let rows = ask(TeachScene::Large, "/api/teach-rows", &format!("class={CLASS}")).await;
    let rows: app::model::teach::RowsView = serde_json::from_str(&rows.body).expect("rows");
    assert_eq!((rows.rows.len(), rows.seq), (10_000, 4210));
    assert_eq!(*rows.rows[42], row(42, 0));
}

#[tokio::test]
async fn an_empty_class_says_what_to_do() {
    let page = page(TeachScene::Empty, &class("")).await;
    page.has_in_order(&["Nobody is here yet", "Give your learners the join code"]);
    let help = self::page(TeachScene::Empty, &class("/help")).await;
    help.has_in_order(&["Nobody needs help right now", "No trouble that learners share"]);
    let results = self::page(TeachScene::Empty, &class("/results")).await;
    results.has_in_order(&["nothing to grade"]);
}

#[tokio::test]
async fn help_has_one_queue_and_clusters_with_hints_to_begin_from() {
    let page = page(TeachScene::Teacher, &class("/help")).await;
    page.has_in_order(&[
        "One by one",
        "Opened again by Mira Lind",
        "A hint went there at",
        r#"name="act" value="resolve""#,
        r#"name="act" value="send-hint""#,
        "What the lab would say",
        "A nudge",
        r#"name="fields[text]""#,
        "2 dealt with",
        "Dealt with by Mira Lind",
        r#"name="act" value="reopen""#,
        "Together",
        "11 of 30",
        "S3 prefix",
        "Median 9 min",
        "Send all a hint",
        r#"name="fields[cluster]" value="delivery-stream.prefix.slash""#,
        "Hint for all 11",
        r#"name="act" value="resolve-cluster""#,
    ]);
}

#[tokio::test]
async fn a_learner_is_shown_with_evidence_and_what_can_be_done() {
    let in_trouble = |row: &RowView| row.current().is_some_and(|place| row.cells[place].state == CellState::Wrong);
    let shown = (0..30).map(|number| row(number, 0)).find(in_trouble).expect("someone is in trouble");
    let learner = &shown.learner;
    let page = page(TeachScene::Teacher, &class(&format!("/learners/{learner}"))).await;
    page.has_in_order(&[
        &shown.shown_name(),
        "In the class since",
        "a SQL application, in the sandbox",
        "Steps and checks",
        "Expected",
        "clicks/",
        "Found",
        "Firehose DescribeDeliveryStream",
        r#"name="act" value="rename""#,
        "Their lab stays theirs",
        r#"name="act" value="remove""#,
        "Send a hint",
        "Hints sent",
        "What happened",
        "Joined the class",
    ]);
    let missing = self::page(TeachScene::Teacher, &class("/learners/nobody")).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn results_have_points_downloads_and_the_end_of_the_log() {
    let page = page(TeachScene::Owner, &class("/results?sort=points")).await;
    page.has_in_order(&[
        r#"href="/teach/classes/c7/results.csv""#,
        r#"href="/teach/classes/c7/results.json""#,
        r#"role="img""#,
        "30 learners",
        "Of 130",
        "Check by check",
        "Objects go under the prefix clicks/",
        "4210:9f2c7a9f",
        "headwater audit results.json --head 4210:9f2c7a9f",
    ]);
    let large = self::page(TeachScene::Large, &class("/results?page=7")).await;
    large.has_in_order(&["Page 7 of 100", "page=8"]);
}

#[tokio::test]
async fn settings_cover_everything_and_show_no_secret_twice() {
    let page = page(TeachScene::Owner, &class("/settings")).await;
    page.has_in_order(&[
        r#"name="act" value="save""#,
        r#"value="2026-11-24T18:00""#,
        r#"name="act" value="new-join-code""#,
        r#"name="act" value="save-points""#,
        r#"name="fields[assisted_percent]""#,
        r#"name="fields[points-delivery-stream.prefix]""#,
        "Mira Lind (you)",
        "The only one, so that the role stays",
        "Tomasz Nowak",
        r#"name="act" value="set-role""#,
        "Lea, for the second group",
        r#"name="act" value="revoke""#,
        r#"name="act" value="invite""#,
        "https://hooks.example/lab",
        "2 events are",
        "No answer",
        "Refused, 503",
        "Delivered, 200",
        r#"name="act" value="test-webhook""#,
        r#"name="act" value="switch-on-webhook""#,
        "https://lab.example/lti/launch",
        "https://moodle.example",
        r#"name="fields[jwks_url]""#,
        r#"name="fields[endpoint]""#,
        r#"name="act" value="archive""#,
        r#"name="fields[typed]""#,
    ]);
    page.does_not_show(&["whsec-"]);
    let once = self::page(TeachScene::Once, &class("/settings")).await;
    once.has_in_order(&["This is the only time it is shown", "whsec-only-an-example"]);
}

#[tokio::test]
async fn pages_hide_what_the_role_does_not_allow() {
    for rest in ["", "/help", &format!("/learners/{}", row(1, 0).learner), "/results"] {
        let page = page(TeachScene::Viewer, &class(rest)).await;
        assert_eq!(page.status, 200, "{rest}");
        page.does_not_show(&[r#"name="act""#, "Settings"]);
    }
    let settings = page(TeachScene::Teacher, &class("/settings")).await;
    assert_eq!(settings.status, 403);
    settings.has_in_order(&["Not with your role", r#"href="/teach""#]);
}

#[tokio::test]
async fn the_server_decides_what_a_role_may() {
    let form = |act: &str| format!("class={CLASS}&act={act}&about=x&back=/teach&fields[learner]=ab");
    let refused = ask(TeachScene::Viewer, "/api/teach-act", &form("remove")).await;
    insta::assert_snapshot!(refused.body, @r#""NotAllowed""#);
    let refused = ask(TeachScene::Teacher, "/api/teach-act", &form("archive")).await;
    insta::assert_snapshot!(refused.body, @r#""NotAllowed""#);
    let done = ask(TeachScene::Teacher, "/api/teach-act", &form("remove")).await;
    assert!(done.body.contains("Done."), "{}", done.body);
}

#[tokio::test]
async fn a_plain_post_leads_back_to_its_form() {
    let form = format!(
        "class={CLASS}&act=admit&about=waiting-in-ab&back=/teach/classes/c7%23waiting-in-ab&fields[learner]=ab"
    );
    let back = post(TeachScene::Owner, "/api/teach-act", &form).await;
    assert_eq!((back.status, back.location.as_deref()), (302, Some("/teach/classes/c7#waiting-in-ab")));
    let gone =
        format!("class={CLASS}&act=delete&about=x&back=/teach/classes/c7&fields[typed]=Streaming data, autumn 2026");
    let deleted = post(TeachScene::Owner, "/api/teach-act", &gone).await;
    assert_eq!(deleted.location.as_deref(), Some("/teach"));
}

#[tokio::test]
async fn invitations_are_accepted_with_or_without_an_account() {
    let known = page(TeachScene::Owner, "/teach/invitation/H8TW").await;
    known.has_in_order(&[
        "Mira Lind invites you to this class as its teacher",
        "You are signed in as Mira Lind",
        "Accept",
    ]);
    known.does_not_show(&[r#"type="password""#]);
    let stranger = page(TeachScene::Nobody, "/teach/invitation/H8TW").await;
    stranger.has_in_order(&[r#"name="login""#, r#"type="password""#, "Make an account and accept"]);
    let expired = page(TeachScene::Nobody, "/teach/invitation/ABCD").await;
    assert_eq!(expired.status, 404);
    let accepted = post(TeachScene::Owner, "/api/teach-accept-invitation", "code=H8TW").await;
    assert_eq!(accepted.location.as_deref(), Some("/teach/classes/c7"));
}

#[tokio::test]
async fn a_class_that_is_not_there_and_a_fault_are_told_apart() {
    for rest in PAGES {
        let missing = page(TeachScene::Owner, &format!("/teach/classes/c99{rest}")).await;
        assert_eq!(missing.status, 404, "{rest}");
        let fault = page(TeachScene::Broken, &class(rest)).await;
        assert_eq!(fault.status, 500, "{rest}");
        fault.has_in_order(&["This page could not be shown"]);
    }
}

#[tokio::test]
async fn no_page_has_inline_styles_or_handlers() {
    for rest in PAGES {
        let page = page(TeachScene::Owner, &class(rest)).await;
        for forbidden in [" style=\"", " onclick=", " onload=", "<style"] {
            assert!(!page.body.contains(forbidden), "{rest} has {forbidden}");
        }
    }
}
