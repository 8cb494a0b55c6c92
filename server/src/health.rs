//! What a balancer or an orchestrator asks: whether the process is alive, and whether it can serve.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::BoxFuture;
use sandbox::Sandbox;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::state::Headwater;

/// A part that does not answer within this time does not work.
const PATIENCE: Duration = Duration::from_secs(3);
/// However often it is asked, the parts are looked at no more often than this.
const FRESH: Duration = Duration::from_secs(1);

/// Answers for this process. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    look: Arc<dyn Fn() -> BoxFuture<'static, Vec<Part>> + Send + Sync>,
    shutdown: CancellationToken,
    last: Arc<Mutex<Option<(Instant, Vec<Part>)>>>,
}

/// A part of the process that must work. Why it does not is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Part {
    name: &'static str,
    works: bool,
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    stopping: bool,
    parts: Vec<Part>,
}

impl Health {
    /// Of a web server: its store and its sandbox, wherever they are.
    pub fn of_web(headwater: Headwater, shutdown: CancellationToken) -> Self {
        Self::new(shutdown, move || {
            let headwater = headwater.clone();
            Box::pin(async move {
                let store = part("store", headwater.store().ping());
                let sandbox = part("sandbox", headwater.sandbox().count_accounts());
                let (store, sandbox) = tokio::join!(store, sandbox);
                vec![store, sandbox]
            })
        })
    }

    /// Of a sandbox alone.
    pub fn of_sandbox(sandbox: Sandbox, shutdown: CancellationToken) -> Self {
        Self::new(shutdown, move || {
            let sandbox = sandbox.clone();
            Box::pin(async move { vec![part("sandbox", sandbox.count_accounts()).await] })
        })
    }

    fn new(
        shutdown: CancellationToken,
        look: impl Fn() -> BoxFuture<'static, Vec<Part>> + Send + Sync + 'static,
    ) -> Self {
        Self { look: Arc::new(look), shutdown, last: Arc::default() }
    }

    /// `/healthz` and `/readyz`.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().route("/healthz", get(async || "alive\n")).route("/readyz", get(ready)).with_state(self.clone())
    }

    async fn parts(&self) -> Vec<Part> {
        let mut last = self.last.lock().await;
        if let Some((at, parts)) = &*last
            && at.elapsed() < FRESH
        {
            return parts.clone();
        }
        let parts = (self.look)().await;
        *last = Some((Instant::now(), parts.clone()));
        parts
    }
}

async fn ready(State(health): State<Health>) -> Response {
    let stopping = health.shutdown.is_cancelled();
    let parts = health.parts().await;
    let ready = !stopping && parts.iter().all(|part| part.works);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(Report { ready, stopping, parts })).into_response()
}

async fn part<T, E: std::fmt::Display>(name: &'static str, look: impl Future<Output = Result<T, E>>) -> Part {
    let works = match tokio::time::timeout(PATIENCE, look).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the {name} does not work");
            false
        }
        Err(_) => {
            tracing::warn!("not ready: the {name} does not answer");
            false
        }
    };
    Part { name, works }
}
