//! One learner in several browsers, and several learners in one server.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use futures::future::join_all;

use super::world::World;

#[tokio::test]
async fn the_code_opens_the_lab_in_another_browser() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    learner.create_bucket().await;
    let mut elsewhere = world.visitor();
    let typed = learner.resume_code.to_lowercase().replace('-', " ");
    let resumed = elsewhere.post("/api/resume", &[("code", &typed)]).await;
    assert_eq!((resumed.status, resumed.location()), (StatusCode::FOUND, Some("/lab/connect")));
    let page = elsewhere.get("/lab/delivery-stream").await;
    assert!(page.text().contains("Welcome back: here is your lab as you left it."), "{}", page.text());
    assert!(page.text().contains(&learner.bucket) && page.section("checks").contains("1 of 7 pass"));
    assert_ne!(elsewhere.session(), learner.session(), "each browser has a session of its own");

    let left = elsewhere.post("/api/forget", &[]).await;
    assert_eq!(left.location(), Some("/"));
    let landing = elsewhere.get("/").await.text();
    assert!(
        landing.contains("This browser no longer knows your lab.") && landing.contains("Start the lab"),
        "{landing}"
    );
    assert!(elsewhere.get("/lab/connect").await.text().contains("No lab in this browser yet"));
    assert!(learner.get("/lab/connect").await.text().contains(&learner.account), "the other browser stays");
}

#[tokio::test]
async fn a_wrong_code_opens_nothing() {
    let world = World::start().await;
    let learner = world.learner().await;
    let (first, rest) = learner.resume_code.split_at(1);
    let near = format!("{}{rest}", if first == "2" { "3" } else { "2" });
    let long = format!("{}{}", learner.resume_code, " ".repeat(100));
    for wrong in ["", "nonsense", &near, &long, "' OR 1=1 --", "K7QM-2XRD-9HTV-W4B\u{0}"] {
        let mut visitor = world.visitor();
        let refused = visitor.post("/api/resume", &[("code", wrong)]).await;
        assert_eq!((refused.status, refused.location()), (StatusCode::FOUND, Some("/#resume")), "{wrong}");
        let page = visitor.get("/").await;
        assert!(page.text().contains("No lab has this code."), "{wrong}: {}", page.text());
        assert!(visitor.get("/lab/connect").await.text().contains("No lab in this browser yet"), "{wrong}");
        let refused = visitor.call("resume", &[("code", wrong)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    }
    let mut visitor = world.visitor();
    visitor.post("/api/resume", &[("code", "K7QM-2XRD")]).await;
    assert!(visitor.get("/").await.html().contains("value=\"K7QM-2XRD\""), "what was typed is kept");
}

#[tokio::test]
async fn a_new_code_ends_the_old_one() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let posted = learner.post("/api/renew-resume-code", &[]).await;
    assert_eq!(posted.location(), Some("/lab/connect#resume-code"));
    let code = learner.get("/lab/connect").await.code("resume-code-value").unwrap();
    assert_ne!(code, learner.resume_code);
    let mut elsewhere = world.visitor();
    let refused = elsewhere.call("resume", &[("code", &learner.resume_code)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    let resumed: app::model::Notice = elsewhere.call("resume", &[("code", &code)]).await.json();
    assert_eq!(resumed.tone, app::model::Tone::Good);
}

#[tokio::test]
async fn a_session_that_nobody_issued_is_nobody() {
    let world = World::start().await;
    let learner = world.learner().await;
    let issued = learner.session().unwrap();
    for forged in ["AAAAAAAAAAAAAAAAAAAAAA", "", "x", &issued[1..], &format!("{issued}A")] {
        let mut visitor = world.visitor();
        visitor.cookies.insert(super::client::SESSION.to_owned(), forged.to_owned());
        let page = visitor.get("/lab/connect").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains("No lab in this browser yet"), "{forged}");
    }
}

#[tokio::test]
async fn learners_see_nothing_of_one_another() {
    let world = World::start().await;
    let mut one = world.learner().await;
    let mut other = world.learner().await;
    assert_ne!(one.account, other.account);
    one.create_bucket().await;
    one.post("/api/save-names", &[("fields[stream]", "OnlyMine")]).await;
    one.post("/api/reveal-hint", &[("slug", "delivery-stream")]).await;
    one.post("/api/answer", &[("slug", "connect"), ("question", "endpoint-missing"), ("choices[]", "0")]).await;
    one.post("/api/recheck", &[("slug", "delivery-stream")]).await;
    other.post("/api/recheck", &[("slug", "delivery-stream")]).await;

    for path in ["/", "/lab/connect", "/lab/delivery-stream", "/lab/ingest", "/results"] {
        let page = other.get(path).await;
        for theirs in [&one.account, &one.access_key, &one.secret, &one.resume_code, "OnlyMine"] {
            assert!(!page.body.contains(theirs), "{path} shows {theirs}");
        }
    }
    let view: app::model::StepView = other.call("step", &[("slug", "delivery-stream")]).await.json();
    assert_eq!((view.summary.checks_passed, view.hints.revealed.len()), (0, 0));
    let results: app::model::ResultsView = other.call("results", &[]).await.json();
    assert_eq!(results.steps[0].questions_right, 0);

    let s3 = aws_sdk_s3::Client::new(&world.sdk(&other.access_key, &other.secret));
    assert!(s3.head_bucket().bucket(&one.bucket).send().await.is_err());
    assert!(s3.list_buckets().send().await.unwrap().buckets().is_empty());
}

#[tokio::test]
async fn one_learners_news_reach_no_other() {
    let world = World::start().await;
    let mut one = world.learner().await;
    let mut other = world.learner().await;
    one.perform("delivery-stream", "create-bucket", &[("bucket", "Not_A_Bucket")]).await;
    one.post("/api/rotate-keys", &[]).await;
    let told = other.get("/lab/delivery-stream").await;
    assert!(!told.body.contains("Not_A_Bucket"), "{}", told.body);
    assert_eq!(other.call("take-minted-keys", &[]).await.body, "null");
    let fresh = one.call("take-minted-keys", &[]).await;
    assert!(fresh.body.contains("secret_access_key"), "it waited for its owner");
}

#[tokio::test]
async fn many_start_at_once() {
    let world = World::start().await;
    let started = join_all((0..12).map(|_| world.learner())).await;
    let accounts: BTreeSet<&String> = started.iter().map(|learner| &learner.account).collect();
    assert_eq!(accounts.len(), 12);
}
