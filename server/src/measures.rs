//! What is measured for whoever runs the server, and told to Prometheus on a listener of its own.
//!
//! Labels have few values: routes as they are written in the router, never what somebody sent.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use checks::{CheckResult, Step, VerdictKind};
use futures::future::BoxFuture;
use leptos::server_fn::axum::server_fn_paths;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use sandbox::Sandbox;

use crate::classes::carriage::End;
use crate::state::{Headwater, now};

/// Bounds of the histograms' buckets, seconds.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// How often what was measured is put together, so that it does not pile up between two scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The paths of all server functions, which are few.
static FUNCTIONS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| server_fn_paths().map(|(path, _)| path).collect());

/// Starts measuring. Before this, and without it, nothing is counted.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()?;
    describe();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("headwater_http_requests_total", "Requests to the pages, by route, method and status");
    describe_histogram!(
        "headwater_http_request_seconds",
        Unit::Seconds,
        "Time from a request to the head of its answer"
    );
    describe_gauge!("headwater_live_streams", "Open streams of live events");
    describe_counter!("headwater_checks_total", "Checks run, by step and verdict");
    describe_counter!("headwater_deliveries_total", "Deliveries to other systems, by kind and outcome");
    describe_gauge!("headwater_readers_behind", "Readers that have entries of a class's log to carry elsewhere");
    describe_gauge!(
        "headwater_oldest_undelivered_seconds",
        Unit::Seconds,
        "Age of the oldest entry that one of them has not carried yet"
    );
    describe_counter!("headwater_refused_visits_total", "Requests refused because their address asked for too much");
    describe_counter!("headwater_sandbox_calls_total", "Calls to the sandbox, by service, operation and status");
    describe_histogram!("headwater_sandbox_call_seconds", Unit::Seconds, "Time that the sandbox took for a call");
    describe_gauge!("headwater_learners", "Learners in the store");
    describe_gauge!("headwater_sandbox_accounts", "Accounts in the sandbox");
    describe_gauge!("headwater_database_bytes", Unit::Bytes, "Size of a database's files");
    Collector::default().describe();
}

/// Counts a request to the pages.
pub async fn count_request(request: Request, next: Next) -> Response {
    let (route, method) = (route(&request), method(request.method()));
    let began = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    metrics::counter!("headwater_http_requests_total", "route" => route.clone(), "method" => method, "status" => status)
        .increment(1);
    metrics::histogram!("headwater_http_request_seconds", "route" => route, "method" => method).record(began.elapsed());
    response
}

/// Counts what the checks of a step found.
pub fn count_checks(step: Step, results: &[CheckResult]) {
    for result in results {
        let verdict = verdict(result.verdict.kind());
        metrics::counter!("headwater_checks_total", "step" => step.slug(), "verdict" => verdict).increment(1);
    }
}

/// Counts what came of a reader's turn, in which so many deliveries were tried.
pub fn count_deliveries(kind: &'static str, end: &End, tried: usize) {
    let failed = usize::from(*end != End::Well && tried > 0);
    let outcome = if matches!(end, End::SwitchedOff { .. }) { "switched_off" } else { "failed" };
    for (outcome, count) in [("delivered", tried - failed), (outcome, failed)] {
        if count > 0 {
            metrics::counter!("headwater_deliveries_total", "kind" => kind, "outcome" => outcome)
                .increment(count as u64);
        }
    }
}

/// A stream of live events, counted while this lives.
pub struct LiveStream(());

impl LiveStream {
    pub fn open() -> Self {
        metrics::gauge!("headwater_live_streams").increment(1.0);
        Self(())
    }
}

impl Drop for LiveStream {
    fn drop(&mut self) {
        metrics::gauge!("headwater_live_streams").decrement(1.0);
    }
}

/// `/metrics` of a web server.
pub fn web_routes(recorder: PrometheusHandle, headwater: Headwater, data_dir: PathBuf) -> Router {
    routes(recorder, move || {
        let (headwater, data_dir) = (headwater.clone(), data_dir.clone());
        Box::pin(async move {
            if let Ok(learners) = headwater.store().count_learners().await {
                metrics::gauge!("headwater_learners").set(learners as f64);
            }
            if let Ok(waiting) = headwater.store().readers_waiting().await {
                let age = waiting.oldest.map_or(0.0, |oldest| (now() - oldest).as_seconds_f64().max(0.0));
                metrics::gauge!("headwater_readers_behind").set(waiting.readers as f64);
                metrics::gauge!("headwater_oldest_undelivered_seconds").set(age);
            }
            if let Ok(accounts) = headwater.sandbox().count_accounts().await {
                metrics::gauge!("headwater_sandbox_accounts").set(accounts);
            }
            measure_databases(&data_dir).await;
        })
    })
}

/// `/metrics` of a sandbox alone.
pub fn sandbox_routes(recorder: PrometheusHandle, sandbox: Sandbox, data_dir: PathBuf) -> Router {
    routes(recorder, move || {
        let (sandbox, data_dir) = (sandbox.clone(), data_dir.clone());
        Box::pin(async move {
            if let Ok(accounts) = sandbox.count_accounts().await {
                metrics::gauge!("headwater_sandbox_accounts").set(accounts);
            }
            measure_databases(&data_dir).await;
        })
    })
}

/// What is looked at when somebody asks.
type Look = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

fn routes(recorder: PrometheusHandle, look: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Router {
    let look: Look = Arc::new(look);
    Router::new().route("/metrics", get(tell)).with_state((recorder, look))
}

async fn tell(State((recorder, look)): State<(PrometheusHandle, Look)>) -> Response {
    look().await;
    Collector::default().collect();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.render()).into_response()
}

async fn measure_databases(data_dir: &Path) {
    for (database, path) in [("store", "headwater.sqlite3"), ("sandbox", "sandbox/sandbox.sqlite3")] {
        let (file, log) = (data_dir.join(path), data_dir.join(format!("{path}-wal")));
        let Ok(size) = tokio::fs::metadata(&file).await.map(|file| file.len()) else { continue };
        let log = tokio::fs::metadata(&log).await.map_or(0, |log| log.len());
        metrics::gauge!("headwater_database_bytes", "database" => database).set((size + log) as f64);
    }
}

fn route(request: &Request) -> String {
    let path = request.uri().path();
    match request.extensions().get::<MatchedPath>() {
        Some(_) if FUNCTIONS.contains(path) => path.to_owned(),
        Some(route) => route.as_str().to_owned(),
        None => "other".to_owned(),
    }
}

/// Clients may make up methods.
fn method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

fn verdict(kind: VerdictKind) -> &'static str {
    match kind {
        VerdictKind::Pass => "pass",
        VerdictKind::NotYet => "not_yet",
        VerdictKind::Wrong => "wrong",
        VerdictKind::Elsewhere => "elsewhere",
        VerdictKind::NoPermission => "no_permission",
        VerdictKind::Settling => "settling",
        VerdictKind::ServiceFault => "service_fault",
    }
}
