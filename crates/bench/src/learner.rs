//! A learner without a browser: the forms of the pages, posted as a program posts them.

use anyhow::{Context as _, bail, ensure};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use hyper::{Method, Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// A visitor of the pages, with a lab of their own once [`Learner::start`] was called.
pub struct Learner {
    http: Client<HttpConnector, Full<Bytes>>,
    pages: String,
    session: Option<String>,
}

impl Learner {
    /// A visitor who has no lab yet. `pages` is the address of the pages.
    pub fn new(pages: &str) -> Self {
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { http, pages: pages.trim_end_matches('/').to_owned(), session: None }
    }

    /// Presses "Start".
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let answer = self.send(Method::POST, "/api/start", &[]).await?;
        let cookie = answer.headers().get(SET_COOKIE).context("the server started no session")?;
        let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
        self.session = Some(cookie.to_owned());
        Ok(())
    }

    /// Posts a form to a server function and gives what it answers. An error is what the page would say.
    pub async fn post(&self, function: &str, fields: &[(String, String)]) -> anyhow::Result<Value> {
        let answer = self.send(Method::POST, &format!("/api/{function}"), fields).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(anyhow::Error::from_boxed)?;
        let body = body.to_bytes();
        ensure!(status.is_success(), "{function}: {status}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).with_context(|| format!("the answer of {function} cannot be read"))
    }

    /// Sends the form of an action as the page shows it, with what is filled in there.
    pub async fn perform(&self, slug: &str, action: &str) -> anyhow::Result<()> {
        let step = self.post("step", &[field("slug", slug)]).await?;
        let actions = step["actions"].as_array().context("the step has no actions")?;
        let Some(form) = actions.iter().find(|form| form["name"] == action) else {
            bail!("the step {slug} has no action {action}");
        };
        let mut fields = vec![field("slug", slug), field("action", action)];
        for shown in form["fields"].as_array().into_iter().flatten() {
            let text = |name: &str| shown[name].as_str().with_context(|| format!("a field of {action} has no {name}"));
            fields.push(field(&format!("fields[{}]", text("name")?), text("value")?));
        }
        self.post("perform", &fields).await.map(drop)
    }

    /// Opens the event stream of a step.
    pub async fn live(&self, slug: &str) -> anyhow::Result<Incoming> {
        let answer = self.send(Method::GET, &format!("/live/{slug}"), &[]).await?;
        ensure!(answer.status().is_success(), "the event stream of {slug}: {}", answer.status());
        Ok(answer.into_body())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        fields: &[(String, String)],
    ) -> anyhow::Result<Response<Incoming>> {
        let uri: Uri = format!("{}{path}", self.pages).parse().context("the pages' address cannot be read")?;
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(session) = &self.session {
            request = request.header(COOKIE, session);
        }
        let body = serde_urlencoded::to_string(fields)?;
        let request =
            request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(Full::new(Bytes::from(body)))?;
        self.http.request(request).await.with_context(|| format!("no server answers at {}", self.pages))
    }
}

/// A field of a form.
pub fn field(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}
