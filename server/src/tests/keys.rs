//! AWS keys that somebody pastes into a form.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use super::world::World;

// As AWS's documentation has them: no account's keys.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SETTING: &str = "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[tokio::test]
async fn keys_in_any_form_are_refused_and_not_kept() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    for pasted in [KEY, SETTING] {
        for (function, fields) in [
            ("save-names", vec![("fields[bucket]", pasted)]),
            ("perform", vec![("slug", "delivery-stream"), ("action", "create-bucket"), ("fields[bucket]", pasted)]),
            ("resume", vec![("code", pasted)]),
            ("unlock", vec![("code", pasted)]),
            ("find-account", vec![("role", pasted)]),
            ("answer", vec![("slug", "connect"), ("question", "x"), ("choices[0]", pasted)]),
        ] {
            let refused = learner.call(function, &fields).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{function}: {refused:?}");
            assert!(refused.body.contains("never asks for keys") && !refused.body.contains(pasted), "{refused:?}");
            let refused = learner.post(&format!("/api/{function}"), &fields).await;
            assert_eq!(refused.status, StatusCode::SEE_OTHER, "{function}: {refused:?}");
        }
    }
    let files: Vec<Vec<u8>> = std::fs::read_dir(world.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(files.iter().any(|file| !file.is_empty()), "there is a store to search");
    for file in files {
        for pasted in [KEY.as_bytes(), b"wJalrXUtnFEMI"] {
            assert!(!file.windows(pasted.len()).any(|window| window == pasted));
        }
    }
}

#[tokio::test]
async fn without_script_the_refusal_stands_at_the_form() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let form = [("slug", "delivery-stream"), ("action", "create-bucket"), ("fields[bucket]", KEY)];
    learner.post("/api/perform", &form).await;
    let page = learner.get("/lab/delivery-stream").await;
    assert!(page.text().contains("never asks for keys"), "{}", page.text());
    assert!(!page.html().contains(KEY), "what was pasted does not come back");
}

#[tokio::test]
async fn the_refusal_leads_to_no_other_site() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    for (referer, place) in
        [("http://headwater.test//evil.example/x", "/"), ("http://headwater.test/lab/connect", "/lab/connect")]
    {
        let request = learner
            .request(Method::POST, "/api/resume")
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::REFERER, referer)
            .body(Body::from(format!("code={KEY}")));
        assert_eq!(learner.send(request.unwrap()).await.location(), Some(place), "{referer}");
    }
}

#[tokio::test]
async fn a_file_of_credentials_is_refused() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let file = format!("[default]\naws_access_key_id = {KEY}\n{SETTING}\n");
    learner.upload("credentials", file.as_bytes()).await;
    let page = learner.get("/lab/ingest").await;
    assert!(page.text().contains("never asks for keys"), "{}", page.text());
    assert!(!page.html().contains("wJalrXUtnFEMI"), "nothing of it comes back");
}
