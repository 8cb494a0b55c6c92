//! The browser of one learner: its connections, its cookie, and every request timed from the moment it was due.

use std::io::Read as _;
use std::time::Duration;

use anyhow::Context as _;
use flate2::read::GzDecoder;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::time::{Instant, timeout};

/// Longest answer that is read, in bytes: all rows of a large class are long.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// A request that is not answered for this long has failed. Checks that run a function may take a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// Browsers keep a connection that is not used for about this long.
const KEPT: Duration = Duration::from_secs(90);

/// One browser. A clone is the same browser doing something at the same time.
#[derive(Clone)]
pub struct Browser {
    http: Client<HttpConnector, Full<Bytes>>,
    site: String,
    cookie: Option<String>,
}

/// A whole answer, and how long it took from the moment the request was due.
pub struct Answer {
    pub status: StatusCode,
    pub time: Duration,
    body: Bytes,
    is_gzip: bool,
}

impl Browser {
    /// A browser that was never at `site`, which is an address such as `http://127.0.0.1:3000`.
    pub fn new(site: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEPT)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { http, site: site.trim_end_matches('/').to_owned(), cookie: None }
    }

    /// A page.
    pub async fn page(&mut self, path: &str, due: Instant) -> anyhow::Result<Answer> {
        let request = self.request(Method::GET, path).header(ACCEPT, "text/html").body(Full::default())?;
        self.whole(request, due).await
    }

    /// A form, as a page with script posts it.
    pub async fn post(&mut self, function: &str, fields: &[(String, String)], due: Instant) -> anyhow::Result<Answer> {
        let request = self
            .request(Method::POST, &format!("/api/{function}"))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ORIGIN, &self.site)
            .header("sec-fetch-site", "same-origin")
            .body(Full::from(serde_urlencoded::to_string(fields)?))?;
        self.whole(request, due).await
    }

    /// A stream of live events.
    pub async fn events(&self, path: &str) -> anyhow::Result<Incoming> {
        let request = self.request(Method::GET, path).header(ACCEPT, "text/event-stream").body(Full::default())?;
        let answer = timeout(PATIENCE, self.http.request(request)).await.context("no answer in time")??;
        anyhow::ensure!(answer.status().is_success(), "status {}", answer.status().as_u16());
        Ok(answer.into_body())
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let request =
            Request::builder().method(method).uri(format!("{}{path}", self.site)).header(ACCEPT_ENCODING, "gzip");
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    async fn whole(&mut self, request: Request<Full<Bytes>>, due: Instant) -> anyhow::Result<Answer> {
        let answered = async {
            let answer = self.http.request(request).await?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(anyhow::Error::from_boxed)?.to_bytes();
            Ok::<_, anyhow::Error>(Response::from_parts(parts, body))
        };
        let answer = timeout(PATIENCE, answered).await.context("no answer in time")??;
        let time = due.elapsed();
        if let Some(cookie) = answer.headers().get(SET_COOKIE) {
            self.cookie = Some(cookie.to_str()?.split(';').next().unwrap_or_default().to_owned());
        }
        let is_gzip = answer.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        Ok(Answer { status: answer.status(), time, is_gzip, body: answer.into_body() })
    }
}

impl Answer {
    /// Whether it is what a form or a link leads to when all is well.
    pub fn is_good(&self) -> bool {
        self.status.is_success() || self.status.is_redirection()
    }

    /// The answer as JSON.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.plain()?).context("an answer is no JSON")
    }

    /// What a person would be told, short enough for a report.
    pub fn message(&self) -> String {
        let text = self.plain().unwrap_or_default();
        let text: String = String::from_utf8_lossy(&text).chars().take(160).collect();
        format!("status {}: {text}", self.status.as_u16())
    }

    fn plain(&self) -> anyhow::Result<Vec<u8>> {
        if !self.is_gzip {
            return Ok(self.body.to_vec());
        }
        let mut plain = Vec::new();
        GzDecoder::new(self.body.as_ref()).take(MAX_ANSWER as u64).read_to_end(&mut plain)?;
        Ok(plain)
    }
}
