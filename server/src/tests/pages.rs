//! What the pages show, and to whom.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use lab::Lab;

use super::client::SESSION;
use super::world::{Wishes, World};

#[tokio::test]
async fn a_stranger_sees_the_ways_in_and_leaves_no_trace() {
    let world = World::start().await;
    let mut visitor = world.visitor();
    let landing = visitor.get("/").await;
    assert_eq!(landing.status, StatusCode::OK);
    assert!(landing.text().contains("Start the lab"), "{}", landing.text());
    assert!(landing.html().contains("action=\"/api/start\"") && landing.html().contains("action=\"/api/resume\""));
    assert_eq!(visitor.session(), None, "looking makes no session");

    let step = visitor.get("/lab/ingest").await;
    assert_eq!(step.status, StatusCode::OK);
    assert!(step.text().contains("No lab in this browser yet"), "{}", step.text());
    assert!(step.html().contains("action=\"/api/start\""));
    let results = visitor.get("/results").await;
    assert!(results.text().contains("No lab in this browser yet"), "{}", results.text());
    assert_eq!(world.headwater.sandbox().count_accounts().await.unwrap(), 0);
}

#[tokio::test]
async fn starting_leads_to_the_first_step_with_a_cookie_that_scripts_cannot_read() {
    let world = World::start().await;
    let mut visitor = world.visitor();
    let started = visitor.post("/api/start", &[]).await;
    assert_eq!((started.status, started.location()), (StatusCode::FOUND, Some("/lab/connect")));
    let cookie = started.header("set-cookie").unwrap().replace(visitor.session().unwrap(), "[session]");
    insta::assert_snapshot!(cookie, @"headwater=[session]; HttpOnly; SameSite=Lax; Path=/; Max-Age=5184000");
    let first = visitor.get("/lab/connect").await;
    assert!(first.text().contains("Your account in the sandbox is ready."), "{}", first.text());

    let again = visitor.post("/api/start", &[]).await;
    assert_eq!(again.location(), Some("/lab/connect"));
    assert_eq!(world.headwater.sandbox().count_accounts().await.unwrap(), 1, "who has a lab gets no second one");
    let landing = visitor.get("/").await;
    assert!(landing.text().contains("Continue your lab"), "{}", landing.text());
}

#[tokio::test]
async fn behind_https_the_cookie_is_for_https_only() {
    let world = World::start_with(Wishes { max_learners: 1, secure_cookie: true, ..Wishes::default() }).await;
    let started = world.visitor().post("/api/start", &[]).await;
    assert!(started.header("set-cookie").unwrap().contains("; Secure"), "{started:?}");
}

#[tokio::test]
async fn starting_puts_the_learner_into_a_new_session() {
    let world = World::start().await;
    let mut visitor = world.visitor();
    // A failed resume leaves a notice, and so a session that somebody else may have planted.
    visitor.post("/api/resume", &[("code", "nonsense")]).await;
    let planted = visitor.session().unwrap().to_owned();
    visitor.post("/api/start", &[]).await;
    assert_ne!(visitor.session().unwrap(), planted);
    let mut planter = world.visitor();
    planter.cookies.insert(SESSION.to_owned(), planted);
    assert!(planter.get("/lab/connect").await.text().contains("No lab in this browser yet"));
}

#[tokio::test]
async fn every_step_speaks_of_the_learners_own_names() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    for step in &Lab::embedded().steps {
        let page = learner.get(&format!("/lab/{}", step.slug)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", step.slug);
        let text = page.text();
        assert!(text.contains(&step.title), "{}", step.slug);
        assert!(!text.contains("{{"), "a name is not filled in: {text}");
        for check in &step.checks {
            assert!(text.contains(&check.title), "{}: {}", step.slug, check.name);
        }
    }
    let page = learner.get("/lab/delivery-stream").await;
    assert!(page.html().contains(&format!("value=\"{}\"", learner.bucket)), "{}", page.html());
    assert!(page.text().contains(&format!("--bucket {}", learner.bucket)), "{}", page.text());

    learner.post("/api/save-names", &[("fields[bucket]", "my-own-bucket"), ("fields[stream]", "MyStream")]).await;
    let page = learner.get("/lab/delivery-stream").await;
    assert!(page.text().contains("--bucket my-own-bucket") && page.text().contains("MyStream"), "{}", page.text());
    assert!(!page.text().contains(&learner.bucket), "{}", page.text());
}

#[tokio::test]
async fn what_is_secret_is_shown_once() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    for path in ["/lab/connect", "/", "/results", "/lab/delivery-stream"] {
        let page = learner.get(path).await;
        assert!(!page.body.contains(&learner.secret) && !page.body.contains(&learner.resume_code), "{path}");
    }
    let known = learner.get("/lab/connect").await;
    assert!(known.section("keys").contains(&learner.access_key), "{}", known.section("keys"));
    let taken = learner.call("take-minted-keys", &[]).await;
    assert_eq!(taken.body, "null");
    let taken = learner.call("take-resume-code", &[]).await;
    assert_eq!(taken.body, "null");
}

#[tokio::test]
async fn where_nothing_is_the_answer_is_404_with_a_way_back() {
    let world = World::start().await;
    let mut visitor = world.visitor();
    let mut learner = world.learner().await;
    for path in
        ["/lab/no-such-step", "/no-such-page", "/lab/connect/deeper", "/pkg/none.js", "/pkg/../../headwater.sqlite3"]
    {
        let missing = learner.get(path).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}");
        assert!(missing.text().contains("There is no page at this address."), "{path}: {}", missing.text());
    }
    assert_eq!(visitor.get("/lab/no-such-step").await.status, StatusCode::NOT_FOUND);
    assert_eq!(visitor.get("/live/no-such-step").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_new_learners_results_have_everything_ahead() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let page = learner.get("/results").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(text.contains(&learner.account), "{text}");
    for step in &Lab::embedded().steps {
        assert!(text.contains(&step.title), "{text}");
    }
}

#[tokio::test]
async fn preferences_are_rendered_by_the_server() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    learner.post("/api/choose-theme", &[("theme", "dark")]).await;
    learner.post("/api/choose-dialect", &[("dialect", "cli")]).await;
    let page = learner.get("/lab/delivery-stream").await.html();
    assert!(page.contains("data-theme=\"dark\""), "{page}");
    let in_page = page.split("id=\"in-page\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(in_page.contains("hidden"), "{in_page}");
}

#[tokio::test]
async fn a_full_server_says_so() {
    let world = World::start_with(Wishes { max_learners: 1, ..Wishes::default() }).await;
    world.learner().await;
    let mut visitor = world.visitor();
    let refused = visitor.post("/api/start", &[]).await;
    assert_eq!(refused.location(), Some("/#start"));
    assert!(visitor.get("/").await.text().contains("This server is full"));
    let script = world.visitor().request(Method::POST, crate::new_account::PATH);
    let refused = world.visitor().send(script.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.body.contains("This server is full"), "{refused:?}");
}

#[tokio::test]
async fn a_fault_of_the_server_is_told_with_the_number_of_the_request() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    // What is kept of the latest sending cannot be read.
    sqlx::query("INSERT INTO learner_fact (learner_id, name, value) SELECT learner_id, 'sending', '7' FROM learner")
        .execute(world.sqlite())
        .await
        .unwrap();
    let page = learner.get("/lab/ingest").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    let id = page.header("x-request-id").unwrap();
    assert!(page.text().contains(&format!("the request's number: {id}")), "{}", page.text());
    let answer = learner.call("lab", &[]).await;
    assert!(answer.body.contains(answer.header("x-request-id").unwrap()), "{}", answer.body);
}
