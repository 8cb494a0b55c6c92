//! A course in a learning platform: content is chosen, learners come, and their grades go back.

use axum::http::StatusCode;
use serde_json::Value;

use crate::client::{Instructor, Visitor};
use crate::course::{Course, between};
use crate::server::Folder;

const CLASS: [(&str, &str); 5] = [
    ("name", "Streams 101"),
    ("starts_at", "2020-01-01T08:00"),
    ("ends_at", "2099-01-01T08:00"),
    ("lab-sandbox-sql", "on"),
    ("lab-sandbox-window", "on"),
];

#[tokio::test]
async fn a_chosen_link_brings_learners_in_and_each_check_has_its_grade() {
    let folder = Folder::new();
    let start = || folder.start_with(|command| _ = command.arg("--allow-private-targets"));
    let mut server = start().await;
    let line = server.tells_line("To teach, make the first account at ").await;
    let mut owner = Instructor::set_up(&server.site, line.rsplit_once(' ').unwrap().1, "olga@example.org").await;
    let class = owner.create_class(&CLASS).await;
    let course = Course::start(&server.url).await;
    assert_eq!(course.register(&mut owner, &class).await.status, StatusCode::OK);

    // The platform verifies what was chosen by the key that the server publishes.
    let page = course.launch(&mut Visitor::new(&server.site), "deep", "grace").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.text().contains("Add a lab to Data engineering"), "{page:?}");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("form-action {}", course.address)), "{policy}");
    let (_, form) = page.body.split_once("Streams 101").unwrap();
    let chosen = course.choose(between(form, "name=\"JWT\" value=\"")).await;
    assert_eq!(chosen[0]["title"], "Streams 101");
    assert_eq!(chosen[0]["custom"]["class"], class);

    let message = format!("link;class={class};lab=sandbox-sql");
    let mut ada = Visitor::new(&server.site);
    let launched = course.launch(&mut ada, &message, "ada").await;
    assert_eq!(launched.location(), Some("/lab/connect"), "{launched:?}");
    let page = ada.get("/lab/connect").await;
    let account = page.code_after("<dt>Account</dt>").unwrap();
    assert_eq!(ada.call("recheck", &[("slug", "connect")]).await.status, StatusCode::OK);
    let first = course.scores("ada", |scores| !scores.is_empty()).await;
    assert!(first.iter().all(|(check, given, maximum)| check.starts_with("connect.") && given == maximum), "{first:?}");

    let bucket = format!("clickstream-{account}-us-east-1");
    let made = ada.perform("delivery-stream", "create-bucket", &[("bucket", &bucket)]).await;
    assert!(made.status.is_redirection(), "{made:?}");
    assert_eq!(ada.call("recheck", &[("slug", "delivery-stream")]).await.status, StatusCode::OK);
    let is_bucket = |(check, _, _): &&(String, f64, f64)| check == "delivery-stream.bucket";
    course.scores("ada", |scores| scores.iter().any(|score| is_bucket(&score))).await;

    // Other points: every grade goes back anew.
    let points = [("points-delivery-stream.bucket", "4"), ("assisted_percent", "50")];
    assert_eq!(owner.act(&class, "save-points", &points).await.status, StatusCode::OK);
    let is_worth = |scores: &[(String, f64, f64)]| {
        scores.iter().find(is_bucket).is_some_and(|(_, given, maximum)| (*given, *maximum) == (4.0, 4.0))
    };
    course.scores("ada", is_worth).await;
    let settings: Value = owner.call("teach-settings", &[("class", &class)]).await.json();
    assert_eq!(settings["lti"]["platforms"][0]["trouble"], "", "{settings}");
    server.stop().await;
    assert_eq!(folder.log(), "");
}
