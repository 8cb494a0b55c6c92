//! Sending clicks: made-up ones, and files of a learner's own.

use std::time::Duration;

use app::model::{DemoSource, DemoState, DemoView, LabView};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use tokio::time::{Instant, sleep};

use super::client::Learner;
use super::world::World;

/// Three good lines of clicks.
const CLICKS: &[u8] = b"other-search\tRiver\texternal\t5\nRiver\tDelta\tlink\t2\nDelta\tSea\tlink\t1\n";

/// What the learner's page says about a file after it was posted.
async fn upload(learner: &mut Learner, file: &[u8]) -> String {
    let posted = learner.upload("clicks.tsv", file).await;
    assert_eq!((posted.status, posted.location()), (StatusCode::SEE_OTHER, Some("/lab/ingest#upload")));
    learner.get("/lab/ingest").await.section("upload")
}

/// The sender once it no longer runs.
async fn sent(learner: &mut Learner) -> DemoView {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let lab: LabView = learner.call("lab", &[]).await.json();
        if !lab.demo.state.is_active() {
            return lab.demo;
        }
        assert!(Instant::now() < end, "{:?}", lab.demo);
        sleep(Duration::from_millis(50)).await;
    }
}

async fn create_stream(learner: &mut Learner) {
    learner.create_bucket().await;
    let fields = [
        ("stream", "ClickStreamData"),
        ("prefix", "clicks/"),
        ("error_prefix", "errors/"),
        ("buffer_size", "5"),
        ("buffer_interval", "60"),
        ("compression", "GZIP"),
    ];
    learner.perform("delivery-stream", "create-delivery-stream", &fields).await;
    let told = learner.get("/lab/delivery-stream").await.section("action-create-delivery-stream");
    assert!(told.contains("is being created."), "{told}");
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        learner.post("/api/recheck", &[("slug", "delivery-stream")]).await;
        let checks = learner.get("/lab/delivery-stream").await.section("checks");
        if checks.contains("7 of 7 pass") {
            return;
        }
        assert!(Instant::now() < end, "{checks}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_file_is_sent_and_its_bad_lines_are_told_by_number() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    create_stream(&mut learner).await;
    let file = [CLICKS, b"only\ttwo\n", b"a\tb\tlink\t0\n", b"a\tb\tlink\tmany\n", b"\xff\xfe\tb\tlink\t1\n"].concat();
    let told = upload(&mut learner, &file).await;
    assert!(told.contains("Sending 3 rows of your file. 4 lines are no rows of clicks and are left out."), "{told}");
    let demo = sent(&mut learner).await;
    assert_eq!(demo.state, DemoState::Finished);
    assert_eq!(demo.source, DemoSource::File { name: "clicks.tsv".to_owned(), rows: 3 });
    // One more row marks the sending for the tracer; it counts as a click.
    assert_eq!((demo.accepted, demo.failed, demo.clicks_accepted), (3 + 1, 0, 8 + 1));
    assert_eq!(demo.bad_line_count, 4);
    assert_eq!(demo.bad_lines.iter().map(|bad| bad.line).collect::<Vec<_>>(), [4, 5, 6, 7]);
    let page = learner.get("/lab/ingest").await.text();
    for line in ["Line 4: ", "Line 5: ", "Line 6: ", "Line 7: ", "4 lines were not sent"] {
        assert!(page.contains(line.trim()), "{line} is not in {page}");
    }
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_with_the_reason() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let told = upload(&mut learner, b"").await;
    assert!(told.contains("Choose a file first."), "{told}");
    let told = upload(&mut learner, b"\n\n").await;
    assert!(told.contains("The file has no lines."), "{told}");
    let told = upload(&mut learner, b"\x89PNG\r\n\x1a\n\x00\x00").await;
    assert!(told.contains("No line of the file is a row of clicks. Line 1: "), "{told}");
    let told = upload(&mut learner, b"\x1f\x8bnot really").await;
    assert!(told.contains("The file looks like gzip but cannot be unpacked"), "{told}");
    let told = upload(&mut learner, &vec![b'\n'; 100_001]).await;
    assert!(told.contains("The file has more than 100000 lines: send a part of it."), "{told}");
    for bytes in [5 * 1024 * 1024 + 1, 8 * 1024 * 1024] {
        let told = upload(&mut learner, &vec![b'x'; bytes]).await;
        assert!(told.contains("The file is larger than 5 MiB: send a part of it."), "{bytes}: {told}");
    }
    let demo = sent(&mut learner).await;
    assert_eq!(demo.state, DemoState::Idle, "nothing was sent");
}

#[tokio::test]
async fn a_broken_form_is_refused() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let broken = learner
        .request(Method::POST, "/upload")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=none")
        .body(Body::from("--none\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nbroken o"))
        .unwrap();
    assert_eq!(learner.send(broken).await.status, StatusCode::SEE_OTHER);
    let told = learner.get("/lab/ingest").await.section("upload");
    assert!(told.contains("The file did not arrive whole. Try again."), "{told}");
    let plain = learner.request(Method::POST, "/upload").body(Body::from("file=x")).unwrap();
    assert_eq!(learner.send(plain).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_file_of_a_stranger_goes_nowhere() {
    let world = World::start().await;
    let mut visitor = world.visitor();
    let posted = visitor.upload("clicks.tsv", CLICKS).await;
    assert_eq!(posted.location(), Some("/lab/ingest#upload"));
    assert!(visitor.get("/lab/ingest").await.text().contains("No lab in this browser yet"));
}

#[tokio::test]
async fn sending_without_a_stream_says_what_is_missing() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let form = [("slug", "ingest"), ("rate", "50"), ("duration_seconds", "5"), ("seed", "1")];
    let posted = learner.post("/api/start-demo", &form).await;
    assert_eq!(posted.location(), Some("/lab/ingest#demo"));
    let demo = sent(&mut learner).await;
    let missing =
        "There is no delivery stream ClickStreamData in this account and region. Create it, or correct its name.";
    assert_eq!(demo.state, DemoState::Failed { message: missing.to_owned() });
    let page = learner.get("/lab/ingest").await;
    assert!(page.section("demo").contains(missing), "{}", page.section("demo"));
    let button =
        page.html().split("id=\"demo\"").nth(1).unwrap().split("Send clicks</button>").next().unwrap().to_owned();
    let button = button.rsplit("<button").next().unwrap().to_owned();
    assert!(!button.contains("disabled"), "it can be tried again: {button}");

    learner.post("/api/recheck", &[("slug", "ingest")]).await;
    let checks = learner.get("/lab/ingest").await.section("checks");
    assert!(!checks.contains("Settling") && !checks.contains("Look again at"), "nothing is on its way: {checks}");
}

#[tokio::test]
async fn made_up_clicks_are_sent_one_run_at_a_time_and_can_be_stopped() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    create_stream(&mut learner).await;
    let form = [("slug", "ingest"), ("rate", "100"), ("duration_seconds", "600"), ("seed", "7")];
    learner.post("/api/start-demo", &form).await;
    let busy = learner.call("start-demo", &form).await;
    assert_eq!((busy.status, busy.body.as_str()), (StatusCode::CONFLICT, "\"Busy\""));
    let told = upload(&mut learner, CLICKS).await;
    assert!(told.contains("That is still under way."), "{told}");
    learner.post("/api/stop-demo", &[("slug", "ingest")]).await;
    let demo = sent(&mut learner).await;
    assert_eq!((demo.state, demo.request.seed), (DemoState::Finished, 7));

    for (field, value) in [("rate", "0"), ("rate", "1000000"), ("duration_seconds", "0"), ("duration_seconds", "86400")]
    {
        let wrong: Vec<_> =
            form.iter().map(|(name, good)| (*name, if *name == field { value } else { good })).collect();
        let refused = learner.call("start-demo", &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}={value}");
        assert!(refused.body.contains(&format!("\"field\":\"{field}\"")), "{refused:?}");
    }
}
