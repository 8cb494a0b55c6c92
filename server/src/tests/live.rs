//! The stream of events that an open page follows.

use std::time::Duration;

use app::model::{LiveEvent, Verdict, WindowState};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::client::Visitor;
use super::world::World;

/// News come within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a page has open.
pub struct Events {
    body: Body,
    read: String,
}

impl Events {
    pub async fn open(learner: &mut Visitor, slug: &str) -> Self {
        let answer: Response<Body> = learner.open(&format!("/live/{slug}")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-cache");
        Self { body: answer.into_body(), read: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        loop {
            if let Some((message, rest)) = self.read.split_once("\n\n") {
                let data = message.strip_prefix("data: ").map(str::to_owned);
                self.read = rest.to_owned();
                match data {
                    Some(data) => return Some(serde_json::from_str(&data).unwrap()),
                    None => continue,
                }
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("no event comes")?;
            if let Ok(data) = frame.unwrap().into_data() {
                self.read.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
    }

    /// Reads until there is an event in which `wanted` finds something.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(LiveEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = wanted(self.next().await.expect("the stream ended")) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, found).await.expect("what is waited for does not come")
    }
}

#[tokio::test]
async fn an_open_page_gets_everything_once_and_then_what_changes() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let mut events = Events::open(&mut learner, "delivery-stream").await;
    let mut first = Vec::new();
    while first.len() < 8 {
        first.push(match events.next().await.unwrap() {
            LiveEvent::Checks(checks) => format!("{} checks", checks.len()),
            LiveEvent::Steps(steps) => format!("{} steps", steps.len()),
            LiveEvent::Pipeline(_) => "pipeline".to_owned(),
            LiveEvent::Demo(_) => "demo".to_owned(),
            LiveEvent::Chart(chart) => format!("chart of {} windows", chart.windows.len()),
            LiveEvent::Trace(trace) => format!("trace: {}", trace.is_some()),
            LiveEvent::Receipt(receipt) => format!("receipt: {}", receipt.is_some()),
            LiveEvent::Cost(cost) => format!("cost: {}", cost.is_some()),
            // It comes by itself, before or after the others.
            LiveEvent::Class(class) => {
                assert_eq!(class, None);
                continue;
            }
        });
    }
    assert_eq!(
        first,
        [
            "7 checks",
            "7 steps",
            "pipeline",
            "demo",
            "chart of 0 windows",
            "trace: false",
            "receipt: false",
            "cost: false"
        ]
    );

    learner.create_bucket().await;
    let message = events
        .until(|event| match event {
            LiveEvent::Checks(checks) => {
                let bucket = checks.into_iter().find(|check| check.id == "delivery-stream.bucket")?;
                bucket.passed_at.and(bucket.last).filter(|last| last.verdict == Verdict::Pass).map(|last| last.message)
            }
            _ => None,
        })
        .await;
    assert!(message.contains(&learner.bucket), "{message}");
    let passed = events
        .until(|event| match event {
            LiveEvent::Steps(steps) => Some(steps[1].checks_passed),
            _ => None,
        })
        .await;
    assert_eq!(passed, 1);
}

#[tokio::test]
async fn what_the_cli_makes_is_seen_too() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let mut events = Events::open(&mut learner, "delivery-stream").await;
    let s3 = aws_sdk_s3::Client::new(&world.sdk(&learner.access_key, &learner.secret));
    s3.create_bucket().bucket(&learner.bucket).send().await.unwrap();
    events
        .until(|event| match event {
            LiveEvent::Checks(checks) => checks
                .iter()
                .any(|check| check.id == "delivery-stream.bucket" && check.passed_at.is_some())
                .then_some(()),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn earlier_steps_pass_while_a_later_page_is_open() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let mut events = Events::open(&mut learner, "ingest").await;
    let s3 = aws_sdk_s3::Client::new(&world.sdk(&learner.access_key, &learner.secret));
    s3.create_bucket().bucket(&learner.bucket).send().await.unwrap();
    let passed = events
        .until(|event| match event {
            LiveEvent::Steps(steps) => (steps[1].checks_passed > 0).then_some(steps[1].checks_passed),
            _ => None,
        })
        .await;
    assert_eq!(passed, 1);
}

#[tokio::test]
async fn counts_reach_the_chart() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let made = learner.perform("results", "create-table", &[("table", "ClickstreamWindowCounts")]).await;
    assert_eq!(made.location(), Some("/lab/results#action-create-table"));
    let mut events = Events::open(&mut learner, "results").await;
    let table = aws_sdk_dynamodb::Client::new(&world.sdk(&learner.access_key, &learner.secret));
    let item = [
        ("metric", AttributeValue::S("views".to_owned())),
        ("window_end", AttributeValue::S("2026-03-01T10:01:00Z".to_owned())),
        ("window_seconds", AttributeValue::N("60".to_owned())),
        ("amount", AttributeValue::N("42".to_owned())),
    ];
    table
        .put_item()
        .table_name("ClickstreamWindowCounts")
        .set_item(Some(item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
        .send()
        .await
        .unwrap();
    let window = events
        .until(|event| match event {
            LiveEvent::Chart(chart) => chart.windows.into_iter().next(),
            _ => None,
        })
        .await;
    assert_eq!((window.views, window.end - window.start, window.state), (Some(42), 60, WindowState::Complete));
}

#[tokio::test]
async fn a_stream_needs_a_learner_and_a_step() {
    let world = World::start().await;
    assert_eq!(world.visitor().open("/live/connect").await.status(), StatusCode::UNAUTHORIZED);
    let mut learner = world.learner().await;
    assert_eq!(learner.open("/live/nowhere").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn streams_end_when_the_server_does_or_the_learner_is_gone() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    let mut other = world.learner().await;
    let mut events = Events::open(&mut learner, "connect").await;
    let mut others = Events::open(&mut other, "connect").await;
    let (id,): (String,) = sqlx::query_as("SELECT learner_id FROM learner WHERE account = ?")
        .bind(&learner.account)
        .fetch_one(world.sqlite())
        .await
        .unwrap();
    sqlx::query("DELETE FROM learner WHERE learner_id = ?").bind(id).execute(world.sqlite()).await.unwrap();
    while events.next().await.is_some() {}
    others.next().await.expect("the other's stream goes on");
    world.shutdown.cancel();
    while others.next().await.is_some() {}
    assert!(learner.get("/lab/connect").await.text().contains("No lab in this browser yet"));
}
