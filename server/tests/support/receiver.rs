//! A system that messages are sent to, on a port of its own. It keeps what it got, and answers what it was told to.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// A message comes within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Receiver {
    /// Where it listens, by HTTP.
    pub url: String,
    shared: Arc<Shared>,
    received: mpsc::UnboundedReceiver<Received>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

struct Shared {
    /// What the next requests are answered; 200 after that.
    answers: Mutex<VecDeque<Response>>,
    /// A request is answered once it has a permit of this.
    gate: Semaphore,
    received: mpsc::UnboundedSender<Received>,
}

impl Receiver {
    pub async fn start() -> Self {
        Self::start_with(Semaphore::MAX_PERMITS).await
    }

    /// One that answers nothing until it is [opened](Self::open).
    pub async fn closed() -> Self {
        Self::start_with(0).await
    }

    async fn start_with(permits: usize) -> Self {
        let (sender, received) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { answers: Mutex::default(), gate: Semaphore::new(permits), received: sender });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let routes = Router::new().fallback(take).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, shared, received }
    }

    /// The same with the name of this machine, as an outsider could have any name lead here.
    pub fn named(&self) -> String {
        self.url.replace("127.0.0.1", "localhost")
    }

    pub fn open(&self, requests: usize) {
        self.shared.gate.add_permits(requests);
    }

    /// Answers the next requests so.
    pub fn answer(&self, answers: impl IntoIterator<Item = u16>) {
        let answers = answers.into_iter().map(|status| StatusCode::from_u16(status).unwrap().into_response());
        self.shared.answers.lock().unwrap().extend(answers);
    }

    pub fn answer_with(&self, answer: Response) {
        self.shared.answers.lock().unwrap().push_back(answer);
    }

    /// The next request.
    pub async fn next(&mut self) -> Received {
        timeout(PATIENCE, self.received.recv()).await.expect("nothing more is sent").unwrap()
    }

    /// The next requests.
    pub async fn take(&mut self, count: usize) -> Vec<Received> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(self.next().await);
        }
        taken
    }

    /// What has come and was not looked at.
    pub fn rest(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}

impl Received {
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("{name} is not in {:?}", self.headers)).to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The number of the entry that it tells of.
    pub fn seq(&self) -> i64 {
        self.json()["data"]["seq"].as_i64().unwrap()
    }

    /// Whether the library of Standard Webhooks takes it for genuine.
    pub async fn is_verified(&self, secret: &str) -> bool {
        let headers: Value = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .into_iter()
            .map(|name| (name.to_owned(), Value::from(self.header(name))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let message = json!({ "secret": secret, "headers": headers, "body": self.body }).to_string();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/verify_webhook.py");
        let mut command = Command::new("python3");
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("python3 must be on the PATH");
        process.stdin.take().unwrap().write_all(message.as_bytes()).await.unwrap();
        let output = process.wait_with_output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || error.contains("WebhookVerificationError"), "{error}");
        output.status.success() && output.stdout == b"verified\n"
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let _ = shared.received.send(Received { path: parts.uri.path().to_owned(), headers: parts.headers, body });
    shared.gate.acquire().await.unwrap().forget();
    let answer = shared.answers.lock().unwrap().pop_front();
    answer.unwrap_or_else(|| StatusCode::OK.into_response())
}
