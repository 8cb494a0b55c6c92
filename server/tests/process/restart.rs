//! What was acknowledged survives a kill.

use axum::http::StatusCode;

use crate::client::{Learner, SESSION, Visitor};
use crate::server::{Folder, headwater};

#[tokio::test]
async fn a_killed_server_comes_back_with_session_progress_and_resources() {
    let folder = Folder::new();
    let server = folder.start().await;
    let mut learner = Learner::start(&server.site).await;
    learner.post("/api/recheck", &[("slug", "connect")]).await;
    learner.create_bucket().await;
    learner.post("/api/reveal-hint", &[("slug", "delivery-stream")]).await;
    let s3 = aws_sdk_s3::Client::from_conf(path_style(&server.sdk(&learner.access_key, &learner.secret)));
    s3.put_object().bucket(&learner.bucket).key("kept").body(b"water".to_vec().into()).send().await.unwrap();
    server.kill().await;

    let server = folder.start().await;
    let mut browser = Visitor::new(&server.site);
    browser.cookies.insert(SESSION.to_owned(), learner.session().unwrap().to_owned());
    let page = browser.get("/lab/delivery-stream").await;
    assert_eq!(page.status, StatusCode::OK);
    let checks = page.section("checks");
    assert!(checks.contains("1 of 7 pass"), "{checks}");
    assert!(page.section("hints").contains("A nudge"), "{}", page.section("hints"));
    assert!(browser.get("/").await.text().contains("1 of 7 steps passed."));
    let connect = browser.get("/lab/connect").await;
    assert!(connect.section("keys").contains(&server.endpoint), "the page tells where the sandbox is now");

    let s3 = aws_sdk_s3::Client::from_conf(path_style(&server.sdk(&learner.access_key, &learner.secret)));
    let kept = s3.get_object().bucket(&learner.bucket).key("kept").send().await.unwrap();
    assert_eq!(kept.body.collect().await.unwrap().to_vec(), b"water");
    let mut elsewhere = Visitor::new(&server.site);
    let resumed = elsewhere.post("/api/resume", &[("code", &learner.resume_code)]).await;
    assert_eq!(resumed.location(), Some("/lab/delivery-stream"));
    server.stop().await;
    assert_eq!(folder.log(), "");
}

#[tokio::test]
async fn a_second_server_keeps_off_the_folder() {
    let folder = Folder::new();
    let _first = folder.start().await;
    let second = headwater()
        .args(["serve", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"])
        .env("HEADWATER_DATA_DIR", folder.data())
        .env("LEPTOS_SITE_ROOT", folder.data().with_file_name("site"))
        .output()
        .await
        .unwrap();
    assert!(!second.status.success());
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("another server uses") && told.contains("--data-dir"), "{told}");
}

fn path_style(sdk: &aws_config::SdkConfig) -> aws_sdk_s3::Config {
    aws_sdk_s3::config::Builder::from(sdk).force_path_style(true).build()
}
