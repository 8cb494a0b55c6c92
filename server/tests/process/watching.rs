//! What whoever runs a server sees of it: health, metrics, request ids, limits.

use std::net::SocketAddr;

use axum::http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::client::{Learner, Site, Visitor};
use crate::server::{Folder, Server};

/// A server that is watched, and who watches it.
async fn watched(folder: &Folder) -> (Server, Visitor) {
    let mut server = folder
        .start_with(|command| {
            command.args(["--metrics-listen", "127.0.0.1:0"]);
        })
        .await;
    let url = server.tells("Metrics are at ").await;
    let address: SocketAddr = url.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().parse().unwrap();
    (server, Visitor::new(&Site::At(address)))
}

/// The value of the metric whose line begins so.
fn value(metrics: &str, begin: &str) -> Option<f64> {
    let line = metrics.lines().find(|line| line.starts_with(begin))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn a_server_that_runs_is_alive_and_ready() {
    let folder = Folder::new();
    let (server, mut watcher) = watched(&folder).await;
    for mut asked in [Visitor::new(&server.site), Visitor::new(&server.site)] {
        let alive = asked.get("/healthz").await;
        assert_eq!((alive.status, alive.body.as_str()), (StatusCode::OK, "alive\n"));
        let ready = asked.get("/readyz").await;
        let report: Value = ready.json();
        assert_eq!(ready.status, StatusCode::OK, "{report}");
        assert_eq!(report["parts"][1]["name"], "sandbox");
        assert!(asked.session().is_none(), "nobody who watches gets a session");
    }
    assert_eq!(watcher.get("/readyz").await.status, StatusCode::OK);
    assert_eq!(Visitor::new(&server.site).get("/metrics").await.status, StatusCode::NOT_FOUND, "not for the public");
}

#[tokio::test]
async fn what_happens_is_measured_by_few_labels() {
    let folder = Folder::new();
    let (server, mut watcher) = watched(&folder).await;
    let mut learner = Learner::start(&server.site).await;
    learner.create_bucket().await;
    learner.post("/api/recheck", &[("slug", "connect")]).await;
    learner.get("/lab/no-such-step").await;
    learner.get("/nowhere/K7QM-2XRD-9HTV-W4BC?code=secret").await;
    let odd = learner.request(Method::from_bytes(b"BREW").unwrap(), "/").body(axum::body::Body::empty()).unwrap();
    learner.send(odd).await;
    let mut stream = learner.open("/live/connect").await.into_body();
    stream.frame().await.unwrap().unwrap();

    let metrics = watcher.get("/metrics").await.body;
    for (begin, least) in [
        ("headwater_http_requests_total{route=\"/api/start\",method=\"POST\",status=\"302\"}", 1.0),
        ("headwater_http_requests_total{route=\"/lab/{slug}\",method=\"GET\"", 1.0),
        ("headwater_http_requests_total{route=\"other\",method=\"GET\",status=\"404\"}", 1.0),
        ("headwater_http_request_seconds_count{route=\"/api/start\",method=\"POST\"}", 1.0),
        ("headwater_http_request_seconds_bucket{route=\"/api/start\",method=\"POST\",le=\"+Inf\"}", 1.0),
        ("headwater_live_streams ", 1.0),
        ("headwater_learners ", 1.0),
        ("headwater_sandbox_accounts ", 1.0),
        ("headwater_checks_total{step=\"connect\",verdict=\"pass\"}", 1.0),
        ("headwater_sandbox_calls_total{service=\"sts\",operation=\"GetCallerIdentity\",status=\"200\"}", 1.0),
        ("headwater_sandbox_calls_total{service=\"s3\",operation=\"PUT bucket\",status=\"200\"}", 1.0),
        ("headwater_database_bytes{database=\"store\"}", 4096.0),
        ("process_resident_memory_bytes ", 1_000_000.0),
        ("process_cpu_seconds_total ", 0.0),
    ] {
        let found = value(&metrics, begin);
        assert!(found.is_some_and(|found| found >= least), "{begin} is {found:?} in\n{metrics}");
    }
    for sent in ["K7QM", "BREW", "no-such-step", "nowhere", &learner.account, &learner.bucket] {
        assert!(!metrics.contains(sent), "{sent} is a label");
    }
    drop(stream);
}

#[tokio::test]
async fn a_request_is_found_in_the_log_by_its_id() {
    let folder = Folder::new();
    let server = folder
        .start_with(|command| {
            command.args(["--log-format", "json"]).env("RUST_LOG", "warn,tower_http=debug");
        })
        .await;
    let mut visitor = Visitor::new(&server.site);
    let ask = |visitor: &Visitor, id: &str| {
        let request = visitor.request(Method::GET, "/results?code=K7QM-2XRD").header("x-request-id", id);
        request.header("cookie", "other=cookie-of-others").body(axum::body::Body::empty()).unwrap()
    };
    let answer = visitor.send(ask(&visitor, "proxy-0815")).await;
    assert_eq!(answer.header("x-request-id"), Some("proxy-0815"));
    let made = visitor.send(ask(&visitor, "not \"well\" formed")).await;
    let made = made.header("x-request-id").unwrap().to_owned();
    assert_eq!(made.len(), 32, "{made}");
    server.stop().await;

    let log = folder.log();
    for id in ["proxy-0815", &made] {
        let line = log.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id} is not in {log}"));
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["span"]["id"], &line["span"]["route"]), (&id.into(), &"/results".into()), "{line}");
    }
    for unsaid in ["K7QM", "cookie-of-others", "well"] {
        assert!(!log.contains(unsaid), "{unsaid} is in {log}");
    }
}

#[tokio::test]
async fn who_guesses_too_often_has_to_wait() {
    let folder = Folder::new();
    let server = folder
        .start_with(|command| {
            command.args(["--wrong-guesses-per-minute", "2", "--trusted-proxy", "127.0.0.1"]);
        })
        .await;
    let learner = Learner::start(&server.site).await;
    let mut guesser = Visitor::new(&server.site);
    for _ in 0..3 {
        let wrong = guesser.call("resume", &[("code", "K7QM-2XRD-9HTV-W4BC")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refused = guesser.call("resume", &[("code", &learner.resume_code)]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.body.contains("Too many wrong codes"), "{refused:?}");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    let page = guesser.post("/api/resume", &[("code", &learner.resume_code)]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.text().contains("A moment, please"), "{page:?}");

    let elsewhere = guesser
        .request(Method::POST, "/api/resume")
        .header("x-forwarded-for", "203.0.113.9")
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(format!("code={}", learner.resume_code)));
    assert_eq!(guesser.send(elsewhere.unwrap()).await.status, StatusCode::OK, "others are not held up");
}
