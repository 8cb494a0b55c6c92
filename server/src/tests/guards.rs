//! What keeps strangers, other sites and broken requests from doing harm.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use super::client::Answer;
use super::world::World;

#[tokio::test]
async fn every_answer_carries_the_headers_that_restrict_a_browser() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let answers = [
        ("page", learner.get("/lab/connect").await),
        ("file", learner.get("/pkg/headwater.css").await),
        ("missing", learner.get("/nowhere").await),
        ("function", learner.call("take-notice", &[]).await),
        ("refusal", learner.call("step", &[("slug", "nowhere")]).await),
        ("redirect", learner.post("/api/reveal-hint", &[("slug", "connect")]).await),
    ];
    for (what, answer) in &answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{what}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{what}: {policy}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    }
}

#[tokio::test]
async fn only_scripts_with_the_pages_own_nonce_run() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let mut nonces = BTreeSet::new();
    for path in ["/", "/", "/lab/connect", "/results", "/nowhere"] {
        let page = learner.get(path).await;
        let policy = page.header("content-security-policy").unwrap();
        let nonce = nonce(policy);
        assert!(nonce.len() >= 20, "{nonce}");
        let scripts = page.body.matches("<script").count();
        let with_nonce = page.body.matches(&format!("nonce=\"{nonce}\"")).count();
        assert!(scripts > 0 && with_nonce >= scripts, "{path}: {scripts} scripts, {with_nonce} with the nonce");
        assert!(!page.html().contains(" style=") && !page.html().contains(" onclick="), "{path}");
        if path == "/lab/connect" {
            insta::assert_snapshot!(policy.replace(nonce, "[nonce]"), @"default-src 'none'; script-src 'strict-dynamic' 'nonce-[nonce]' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
        }
        assert!(nonces.insert(nonce.to_owned()), "a nonce was used twice");
    }
}

fn nonce(policy: &str) -> &str {
    let (_, rest) = policy.split_once("'nonce-").expect("the policy has a nonce");
    rest.split('\'').next().unwrap()
}

#[tokio::test]
async fn another_site_cannot_make_a_browser_act() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    for path in ["/api/forget", "/api/rotate-keys", "/api/perform", "/upload", crate::new_account::PATH] {
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", "https://headwater.test.evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let request = learner.request(Method::POST, path).header(name, value).body(Body::empty()).unwrap();
            let refused = learner.send(request).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {name}: {value}");
            assert!(refused.body.contains("came from another site"), "{refused:?}");
        }
    }
    assert!(learner.get("/lab/connect").await.section("keys").contains(&learner.access_key), "the key is still there");
    assert_eq!(world.headwater.sandbox().count_accounts().await.unwrap(), 1);
}

#[tokio::test]
async fn a_link_cannot_act() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    for function in ["start", "forget", "rotate-keys", "renew-resume-code", "stop-demo?slug=ingest"] {
        let answer = learner.get(&format!("/api/{function}")).await;
        assert!(answer.status.is_client_error(), "{function}: {answer:?}");
    }
    assert!(learner.get("/lab/connect").await.section("keys").contains(&learner.access_key));
    assert_eq!(learner.get("/upload").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn forms_have_a_largest_size_and_a_shape() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let huge = "x".repeat(600 * 1024);
    let refused = learner.call("perform", &[("slug", "preprocess"), ("action", "x"), ("fields[code]", &huge)]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(refused.body, r#"{"Refused":{"message":"The form is too large, or broke off."}}"#);
    for form in [&[][..], &[("slug", "connect")], &[("slug", "connect"), ("consent", "maybe")]] {
        let refused = learner.call("perform", form).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
        assert!(refused.body.contains("The form was not complete."), "{refused:?}");
    }
    let odd = learner
        .request(Method::POST, "/api/perform")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(vec![0xff; 64]))
        .unwrap();
    let refused = learner.send(odd).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body, r#"{"Refused":{"message":"The form is not in UTF-8."}}"#);
    let plain = learner.post("/api/perform", &[("slug", "connect")]).await;
    assert_eq!(plain.status, StatusCode::FOUND, "a browser is sent back to where it came from");
    assert!(plain.location().unwrap().starts_with("http://headwater.test/"), "{plain:?}");
}

#[tokio::test]
async fn strangers_fill_sessions_with_little() {
    let world = World::start().await;
    let long = "A".repeat(100_000);
    let mut visitor = world.visitor();
    visitor.post("/api/resume", &[("code", &long)]).await;
    visitor.post("/api/perform", &[("slug", "connect"), ("action", &long), (&format!("fields[{long}]"), &long)]).await;
    let answer = visitor.perform("connect", "create-bucket", &[("bucket", &long)]).await;
    assert_max_age(&answer, 3600);
    let (longest,): (i64,) =
        sqlx::query_as("SELECT max(length(data)) FROM tower_sessions").fetch_one(world.sqlite()).await.unwrap();
    assert!(longest < 1000, "a session has {longest} bytes");
}

#[tokio::test]
async fn the_database_does_not_hold_what_a_cookie_says() {
    let world = World::start().await;
    let learner = world.learner().await;
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT id, data FROM tower_sessions").fetch_all(world.sqlite()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_ne!(rows[0].0, learner.session().unwrap());
    let session: tower_sessions::session::Id = learner.session().unwrap().parse().unwrap();
    let clear = session.0.to_be_bytes();
    assert!(!rows[0].1.windows(clear.len()).any(|window| window == clear), "the id is in the data");
}

fn assert_max_age(answer: &Answer, seconds: u32) {
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.ends_with(&format!("; Max-Age={seconds}")), "{cookie}");
}
