//! What learners do by forms: with script, and by the browser itself.

use axum::http::StatusCode;

use super::world::World;

/// What the page says about an action after it was posted.
async fn outcome(learner: &mut super::client::Learner, action: &str) -> String {
    learner.get("/lab/delivery-stream").await.section(&format!("action-{action}"))
}

/// Value and fault of a field as the form shows them; of a list, what is selected.
fn control(form: &str, name: &str) -> String {
    let (_, control) = form.split_once(&format!("name=\"fields[{name}]\"")).unwrap();
    let control = control.split("<p").next().unwrap();
    let selected = control.split("<option").find(|option| option.contains(" selected"));
    let attribute = |name: &str| {
        let (_, value) = selected.unwrap_or(control).split_once(&format!(" {name}=\""))?;
        value.split('"').next()
    };
    let fault = if control.contains("aria-invalid=\"true\"") { ", at fault" } else { "" };
    format!("{name}: {}{fault}", attribute("value").unwrap_or_default())
}

#[tokio::test]
async fn an_action_is_done_and_its_calls_are_told() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let bucket = learner.bucket.clone();
    let posted = learner.create_bucket().await;
    assert_eq!(posted.status, StatusCode::FOUND);
    assert_eq!(posted.location(), Some("/lab/delivery-stream#action-create-bucket"));
    let told = outcome(&mut learner, "create-bucket").await;
    assert!(told.contains(&format!("Bucket {bucket} is there.")) && told.contains("CreateBucket"), "{told}");
    let told = outcome(&mut learner, "create-bucket").await;
    assert!(!told.contains("is there."), "news are told once: {told}");

    let s3 = aws_sdk_s3::Client::new(&world.sdk(&learner.access_key, &learner.secret));
    s3.head_bucket().bucket(&bucket).send().await.unwrap();
    learner.create_bucket().await;
    let told = outcome(&mut learner, "create-bucket").await;
    assert!(told.contains(&format!("Bucket {bucket} is there.")), "once more does no harm: {told}");
}

#[tokio::test]
async fn a_mistake_keeps_what_was_typed() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let typed = [
        ("stream", "MyStream"),
        ("prefix", "mine/"),
        ("error_prefix", "\"mine\"<1>/"),
        ("buffer_size", "0"),
        ("buffer_interval", "61"),
        ("compression", "ZIP"),
    ];
    let posted = learner.perform("delivery-stream", "create-delivery-stream", &typed).await;
    assert_eq!(posted.location(), Some("/lab/delivery-stream#action-create-delivery-stream"));
    let page = learner.get("/lab/delivery-stream").await.html();
    let form = page.split("id=\"action-create-delivery-stream\"").nth(1).unwrap().split("</section>").next().unwrap();
    let kept: Vec<String> = typed.iter().map(|(name, _)| control(form, name)).collect();
    insta::assert_snapshot!(kept.join("\n"), @r#"
    stream: MyStream
    prefix: mine/
    error_prefix: &quot;mine&quot;&lt;1&gt;/, at fault
    buffer_size: 0
    buffer_interval: 61
    compression: ZIP
    "#);

    let told = learner.call("perform", &[("slug", "delivery-stream"), ("action", "create-bucket")]).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    insta::assert_snapshot!(told.body, @r#"{"Invalid":{"field":"bucket","message":"fill this in"}}"#);
    let told = learner.call("perform", &[("slug", "streaming-sql"), ("action", "start-application")]).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "AWS refuses, not the form");
    insta::assert_snapshot!(told.body, @r#"{"Refused":{"message":"kinesisanalytics:DescribeApplication: there is no application ClickstreamAnalytics; create it first"}}"#);
}

#[tokio::test]
async fn what_is_typed_is_never_markup() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let attack = "\"><script>alert(1)</script>";
    learner.perform("delivery-stream", "create-bucket", &[("bucket", attack)]).await;
    let page = learner.get("/lab/delivery-stream").await;
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    assert!(page.html().contains("alert(1)"), "it is kept, escaped");
    let refused = learner.call("save-names", &[("fields[stream]", attack)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    let refused = learner.call("save-names", &[("fields[account]", "000000000000")]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "an account is not chosen: {refused:?}");
}

#[tokio::test]
async fn without_a_lab_nothing_is_done() {
    let world = World::start().await;
    let mut visitor = world.visitor();
    for (function, form) in [
        ("perform", &[("slug", "delivery-stream"), ("action", "create-bucket"), ("fields[bucket]", "a-bucket")][..]),
        ("recheck", &[("slug", "connect")]),
        ("reveal-hint", &[("slug", "connect")]),
        ("answer", &[("slug", "connect"), ("question", "endpoint-missing"), ("choices[]", "0")]),
        ("start-demo", &[("slug", "ingest"), ("rate", "1"), ("duration_seconds", "1"), ("seed", "1")]),
        ("stop-demo", &[("slug", "ingest")]),
        ("save-names", &[("fields[bucket]", "a-bucket")]),
        ("rotate-keys", &[]),
        ("renew-resume-code", &[]),
        ("take-minted-keys", &[]),
        ("take-resume-code", &[]),
        ("lab", &[]),
        ("step", &[("slug", "connect")]),
        ("results", &[]),
    ] {
        let refused = visitor.call(function, form).await;
        assert_eq!((refused.status, refused.body.as_str()), (StatusCode::UNAUTHORIZED, "\"NoLearner\""), "{function}");
    }
    let posted = visitor.perform("delivery-stream", "create-bucket", &[("bucket", "a-bucket")]).await;
    assert_eq!(posted.location(), Some("/lab/delivery-stream#action-create-bucket"));
    assert!(visitor.get("/lab/delivery-stream").await.text().contains("No lab in this browser yet"));
}

#[tokio::test]
async fn what_the_lab_does_not_have_is_refused() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    for (function, form) in [
        ("perform", &[("slug", "nowhere"), ("action", "create-bucket")][..]),
        ("perform", &[("slug", "connect"), ("action", "create-bucket")]),
        ("perform", &[("slug", "delivery-stream"), ("action", "open-the-sluice")]),
        ("recheck", &[("slug", "nowhere")]),
        ("reveal-hint", &[("slug", "nowhere")]),
        ("answer", &[("slug", "connect"), ("question", "nothing"), ("choices[]", "0")]),
        ("answer", &[("slug", "connect"), ("question", "endpoint-missing"), ("choices[]", "9")]),
        ("answer", &[("slug", "connect"), ("question", "endpoint-missing"), ("choices[]", "-1")]),
    ] {
        let refused = learner.call(function, form).await;
        assert_eq!(
            (refused.status, refused.body.as_str()),
            (StatusCode::NOT_FOUND, "\"NotFound\""),
            "{function} {form:?}"
        );
    }
    let posted = learner.post("/api/reveal-hint", &[("slug", "../..//evil.example")]).await;
    assert_eq!(posted.location(), Some("/lab/evilexample#hints"));
}

#[tokio::test]
async fn the_button_looks_again() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let before = learner.get("/lab/connect").await.section("checks");
    assert!(before.contains("0 of 1 pass") && before.contains("Not looked at yet"), "{before}");
    let posted = learner.post("/api/recheck", &[("slug", "connect")]).await;
    assert_eq!((posted.status, posted.location()), (StatusCode::FOUND, Some("/lab/connect#checks")));
    let after = learner.get("/lab/connect").await.section("checks");
    assert!(after.contains("1 of 1 pass") && after.contains("Looked again."), "{after}");
    assert!(after.contains("sts:GetCallerIdentity") && after.contains(&learner.account), "the evidence: {after}");

    let landing = learner.get("/").await.text();
    assert!(landing.contains("1 of 7 steps passed."), "{landing}");

    let looked: Vec<app::model::CheckView> = learner.call("recheck", &[("slug", "delivery-stream")]).await.json();
    assert_eq!(looked.len(), 7);
    assert!(looked.iter().all(|check| check.passed_at.is_none()), "{looked:?}");
    learner.create_bucket().await;
    let passed = learner.get("/lab/delivery-stream").await.section("checks");
    assert!(passed.contains("1 of 7 pass"), "an action is followed by a look: {passed}");
}

#[tokio::test]
async fn hints_come_one_by_one_and_end() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let hints = learner.get("/lab/connect").await.section("hints");
        seen.push((hints.contains("A nudge"), hints.contains("Where to look"), hints.contains("Nearly the answer")));
        let posted = learner.post("/api/reveal-hint", &[("slug", "connect")]).await;
        assert_eq!(posted.location(), Some("/lab/connect#hints"));
    }
    assert_eq!(seen, [(false, false, false), (true, false, false), (true, true, false), (true, true, true)]);
    let view: app::model::StepView = learner.call("step", &[("slug", "connect")]).await.json();
    assert_eq!((view.hints.revealed.len(), view.hints.remaining), (3, 0));
}

#[tokio::test]
async fn an_answer_is_judged_and_explained_only_once_given() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let before = learner.get("/lab/connect").await;
    assert!(!before.body.contains("A key names an account, not an address."), "the solution is not sent before");
    let question = ("question", "endpoint-missing");
    let wrong = learner.post("/api/answer", &[("slug", "connect"), question, ("choices[]", "1")]).await;
    assert_eq!(wrong.location(), Some("/lab/connect#question-endpoint-missing"));
    let page = learner.get("/lab/connect").await;
    let told = page.text();
    assert!(told.contains("Not quite.") && told.contains("A key names an account, not an address."), "{told}");
    learner.post("/api/answer", &[("slug", "connect"), question, ("choices[]", "0")]).await;
    assert!(learner.get("/lab/connect").await.text().contains("That is right."));

    let none = learner.call("answer", &[("slug", "connect"), question]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.body.contains("Choose an answer first."), "{none:?}");
    let both = [("slug", "connect"), question, ("choices[]", "0"), ("choices[]", "1")];
    assert!(learner.call("answer", &both).await.body.contains("Choose one answer."));
    let several = [("slug", "connect"), ("question", "what-is-secret"), ("choices[]", "1"), ("choices[]", "0")];
    learner.post("/api/answer", &several).await;
    let results: app::model::ResultsView = learner.call("results", &[]).await.json();
    assert_eq!((results.steps[0].questions_right, results.steps[0].questions_total), (2, 2));
}

#[tokio::test]
async fn a_new_key_ends_the_old_one() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let posted = learner.post("/api/rotate-keys", &[]).await;
    assert_eq!(posted.location(), Some("/lab/connect#keys"));
    let page = learner.get("/lab/connect").await;
    let exports = page.code("keys-exports").unwrap();
    assert!(!exports.contains(&learner.access_key) && !exports.contains(&learner.secret), "{exports}");
    let sts = aws_sdk_sts::Client::new(&world.sdk(&learner.access_key, &learner.secret));
    let refused = sts.get_caller_identity().send().await.unwrap_err();
    assert_eq!(aws_sdk_sts::error::ProvideErrorMetadata::code(&refused), Some("InvalidClientTokenId"));
    let posted = learner.post("/api/recheck", &[("slug", "connect")]).await;
    assert_eq!(posted.status, StatusCode::FOUND);
    let checks = learner.get("/lab/connect").await.section("checks");
    assert!(checks.contains("1 of 1 pass"), "the lab itself still gets in: {checks}");
}
