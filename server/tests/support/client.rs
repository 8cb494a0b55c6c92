//! Visitors and learners, as far as a server can tell them from a browser: they keep cookies, post forms with their origin,
//! and see redirects instead of following them.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header, request};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::{Client, Error as Unanswered};
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tower::ServiceExt as _;

/// Name of the session's cookie.
pub const SESSION: &str = "headwater";
/// The part between the parts of a multipart form.
const BOUNDARY: &str = "----headwater-test-boundary";

/// An answer comes within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where requests go.
#[derive(Clone)]
pub enum Site {
    /// To the router itself, without a socket.
    Router(Box<Router>),
    /// To a server at this address.
    At(SocketAddr),
}

/// A browser that has never been here.
pub struct Visitor {
    site: Site,
    /// By name.
    pub cookies: BTreeMap<String, String>,
}

/// A browser in which the lab was started, with all that its first page told.
pub struct Learner {
    visitor: Visitor,
    /// Twelve digits.
    pub account: String,
    /// The name that the lab gives to the learner's bucket.
    pub bucket: String,
    pub access_key: String,
    pub secret: String,
    pub resume_code: String,
}

/// A browser in which an instructor is signed in.
pub struct Instructor {
    visitor: Visitor,
    pub login: String,
    pub password: String,
}

/// What a stream of server-sent events tells, one by one.
pub struct Told {
    body: Body,
    read: String,
}

/// An answer read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// With scripts and the comments that hydration needs.
    pub body: String,
}

impl Site {
    /// What a browser takes for the host, in `Host` and in `Origin`.
    fn host(&self) -> String {
        match self {
            Self::Router(_) => "headwater.test".to_owned(),
            Self::At(address) => address.to_string(),
        }
    }

    /// The answer, whose body may not have ended.
    async fn send(&self, request: Request<Body>) -> Response<Body> {
        let what = format!("{} {}", request.method(), request.uri());
        timeout(PATIENCE, self.answer(request)).await.unwrap_or_else(|_| panic!("{what} is not answered"))
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.try_answer(request).await.unwrap()
    }

    /// An error when the server is not there, or ends before it answers.
    async fn try_answer(&self, mut request: Request<Body>) -> Result<Response<Body>, Unanswered> {
        match self {
            Self::Router(router) => Ok(router.as_ref().clone().oneshot(request).await.unwrap()),
            Self::At(address) => {
                *request.uri_mut() = format!("http://{address}{}", request.uri()).parse().unwrap();
                let client = Client::builder(TokioExecutor::new()).build_http();
                Ok(client.request(request).await?.map(Body::new))
            }
        }
    }
}

impl Visitor {
    pub fn new(site: &Site) -> Self {
        Self { site: site.clone(), cookies: BTreeMap::new() }
    }

    /// The same browser, sent to another server of the site.
    pub fn at(&self, site: &Site) -> Self {
        Self { site: site.clone(), cookies: self.cookies.clone() }
    }

    /// The value of the session's cookie.
    pub fn session(&self) -> Option<&str> {
        self.cookies.get(SESSION).map(String::as_str)
    }

    /// A page or file.
    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// A form of a page, posted by the browser itself.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request =
            self.form(path).header(header::ACCEPT, "text/html,application/xhtml+xml;q=0.9").body(body(fields));
        self.send(request.unwrap()).await
    }

    /// The form of an action of a step.
    pub async fn perform(&mut self, slug: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let names: Vec<String> = fields.iter().map(|(name, _)| format!("fields[{name}]")).collect();
        let mut form = vec![("slug", slug), ("action", action)];
        form.extend(names.iter().map(String::as_str).zip(fields.iter().map(|(_, value)| *value)));
        self.post("/api/perform", &form).await
    }

    /// A server function, called by a page with script.
    pub async fn call(&mut self, function: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.form(&format!("/api/{function}")).header(header::ACCEPT, "application/json");
        self.send(request.body(body(fields)).unwrap()).await
    }

    /// The same where the server may end meanwhile. `None` when the answer did not come whole.
    pub async fn try_call(&mut self, function: &str, fields: &[(&str, &str)]) -> Option<StatusCode> {
        let request = self.form(&format!("/api/{function}")).header(header::ACCEPT, "application/json");
        let request = request.body(body(fields)).unwrap();
        let answered = async {
            let answer = self.site.try_answer(request).await.ok()?;
            let status = answer.status();
            answer.into_body().collect().await.ok()?;
            Some(status)
        };
        timeout(PATIENCE, answered).await.unwrap_or_else(|_| panic!("{function} is not answered"))
    }

    /// The form for a file of clicks.
    pub async fn upload(&mut self, file_name: &str, file: &[u8]) -> Answer {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
             Content-Type: text/tab-separated-values\r\n\r\n"
        );
        let body = [head.as_bytes(), file, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
        let request = self
            .sent_by_own_page(self.request(Method::POST, "/upload"))
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(Body::from(body));
        self.send(request.unwrap()).await
    }

    /// An answer that has not ended, such as a stream of events.
    pub async fn open(&mut self, path: &str) -> Response<Body> {
        let request = self.request(Method::GET, path).header(header::ACCEPT, "text/event-stream");
        self.site.send(request.body(Body::empty()).unwrap()).await
    }

    /// The answer to a request with a header of its own; it may not have ended.
    pub async fn respond(&mut self, request: Request<Body>) -> Response<Body> {
        self.site.send(request).await
    }

    /// A request with the host and the cookies, for tests that need a header of their own.
    pub fn request(&self, method: Method, path: &str) -> request::Builder {
        let request = Request::builder().method(method).uri(path).header(header::HOST, self.site.host());
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) }
    }

    /// Sends it, keeps the cookies and reads the answer.
    pub async fn send(&mut self, request: Request<Body>) -> Answer {
        let (parts, body) = self.site.send(request).await.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let mut attributes = cookie.to_str().unwrap().split("; ");
            let (name, value) = attributes.next().and_then(|pair| pair.split_once('=')).unwrap();
            if attributes.any(|attribute| attribute == "Max-Age=0") {
                self.cookies.remove(name);
            } else {
                if name == SESSION {
                    secret_audit::note("session cookie", value);
                }
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = timeout(PATIENCE, body.collect()).await.expect("the answer does not end").unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        answer.note_secrets();
        answer
    }

    fn form(&self, path: &str) -> request::Builder {
        self.sent_by_own_page(self.request(Method::POST, path))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    fn sent_by_own_page(&self, request: request::Builder) -> request::Builder {
        request
            .header(header::ORIGIN, format!("http://{}", self.site.host()))
            .header(header::REFERER, format!("http://{}/", self.site.host()))
            .header("sec-fetch-site", "same-origin")
    }
}

impl Learner {
    /// Starts the lab and reads the page that it leads to.
    pub async fn start(site: &Site) -> Self {
        let mut visitor = Visitor::new(site);
        let started = visitor.post("/api/start", &[]).await;
        assert_eq!(started.location(), Some("/lab/connect"), "{started:?}");
        let page = visitor.get("/lab/connect").await;
        let exports = page.code("keys-exports").expect("the first page shows the keys");
        let exported = |name: &str| {
            let line = exports.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
            line.unwrap_or_else(|| panic!("{name} is not in {exports}")).to_owned()
        };
        let account = page.code_after("<dt>Account</dt>").expect("the first page names the account");
        Self {
            bucket: format!("clickstream-{account}-us-east-1"),
            account,
            access_key: exported("AWS_ACCESS_KEY_ID"),
            secret: exported("AWS_SECRET_ACCESS_KEY"),
            resume_code: page.code("resume-code-value").expect("the first page shows the resume code"),
            visitor,
        }
    }

    /// Makes the bucket by the form of step 1.
    pub async fn create_bucket(&mut self) -> Answer {
        let bucket = self.bucket.clone();
        self.perform("delivery-stream", "create-bucket", &[("bucket", &bucket)]).await
    }
}

impl Deref for Learner {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl DerefMut for Learner {
    fn deref_mut(&mut self) -> &mut Visitor {
        &mut self.visitor
    }
}

impl Instructor {
    /// Makes the first account with the code from the terminal.
    pub async fn set_up(site: &Site, code: &str, login: &str) -> Self {
        secret_audit::note("set-up code", code);
        let mut new = Self::new(site, login);
        let password = new.password.clone();
        let fields = [("code", code), ("login", login), ("name", &name_of(login)), ("password", &password)];
        let made = new.post("/api/teach-set-up", &fields).await;
        assert_eq!(made.location(), Some("/teach"), "{made:?}");
        new
    }

    /// Comes by the link of an invitation, with a new account.
    pub async fn accept(site: &Site, link: &str, login: &str) -> Self {
        let (_, code) = link.rsplit_once('/').unwrap();
        let mut new = Self::new(site, login);
        let password = new.password.clone();
        let fields = [("code", code), ("login", login), ("name", &name_of(login)), ("password", &password)];
        let accepted = new.post("/api/teach-accept-invitation", &fields).await;
        assert!(accepted.location().unwrap().starts_with("/teach/classes/"), "{accepted:?}");
        new
    }

    /// The same account in another browser.
    pub async fn elsewhere(&self) -> Self {
        let mut other = Self { password: self.password.clone(), ..Self::new(&self.site, &self.login) };
        let signed_in = other.sign_in().await;
        assert_eq!(signed_in.location(), Some("/teach"), "{signed_in:?}");
        other
    }

    /// Makes a class and gives its id.
    pub async fn create_class(&mut self, fields: &[(&str, &str)]) -> String {
        let names: Vec<String> = fields.iter().map(|(name, _)| format!("fields[{name}]")).collect();
        let form: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(fields.iter().map(|(_, value)| *value)).collect();
        let made = self.post("/api/teach-create-class", &form).await;
        let location = made.location().unwrap_or_else(|| panic!("{made:?}"));
        location.strip_prefix("/teach/classes/").unwrap_or_else(|| panic!("{made:?}")).to_owned()
    }

    /// A form of a class, as a page with script posts it.
    pub async fn act(&mut self, class: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
        let names: Vec<String> = fields.iter().map(|(name, _)| format!("fields[{name}]")).collect();
        let mut form = vec![("class", class), ("act", act), ("about", "test"), ("back", "/teach")];
        form.extend(names.iter().map(String::as_str).zip(fields.iter().map(|(_, value)| *value)));
        self.call("teach-act", &form).await
    }

    /// Invites someone and gives the link, which is shown once.
    pub async fn invite(&mut self, class: &str, role: &str) -> String {
        let invited = self.act(class, "invite", &[("role", role), ("note", "")]).await;
        assert_eq!(invited.status, StatusCode::OK, "{invited:?}");
        let shown = self.call("teach-shown-once", &[("class", class)]).await;
        let shown: serde_json::Value = shown.json();
        let link = shown["Invitation"]["link"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned();
        let (_, code) = link.rsplit_once('/').unwrap();
        secret_audit::note("invitation code", code);
        link
    }

    /// A browser in which nobody is signed in.
    pub fn nobody(site: &Site) -> Self {
        Self::new(site, "nobody")
    }

    pub async fn sign_in(&mut self) -> Answer {
        let (login, password) = (self.login.clone(), self.password.clone());
        self.post("/api/teach-sign-in", &[("login", &login), ("password", &password), ("back", "/teach")]).await
    }

    fn new(site: &Site, login: &str) -> Self {
        let password = format!("the password of {login}");
        secret_audit::note("password", &password);
        Self { visitor: Visitor::new(site), login: login.to_owned(), password }
    }
}

impl Deref for Instructor {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl DerefMut for Instructor {
    fn deref_mut(&mut self) -> &mut Visitor {
        &mut self.visitor
    }
}

impl Told {
    pub fn new(answer: Response<Body>) -> Self {
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: answer.into_body(), read: String::new() }
    }

    /// The next event with its number; `None` when the stream has ended.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Option<(i64, T)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                let Some(event) = event.strip_prefix("id: ") else { continue };
                let (id, data) = event.split_once("\ndata: ").unwrap_or_else(|| panic!("{event}"));
                return Some((id.parse().unwrap(), serde_json::from_str(data).unwrap()));
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("no event comes")?;
            // A server that is killed breaks it off.
            let Ok(frame) = frame else { return None };
            if let Ok(data) = frame.into_data() {
                self.read.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
    }
}

/// What the owner of a login is called.
fn name_of(login: &str) -> String {
    let name = login.split('@').next().unwrap_or(login);
    name[..1].to_uppercase() + &name[1..]
}

impl Answer {
    /// Notes the secrets that a page or a server function tells, for the audit of all logs.
    fn note_secrets(&self) {
        let followed = |words: &str, end: &[char]| -> Vec<String> {
            let found = self.body.match_indices(words);
            let rest = found.filter_map(|(at, _)| self.body[at + words.len()..].split(end).next());
            rest.map(str::to_owned).filter(|secret| secret.len() >= secret_audit::SHORTEST).collect()
        };
        for words in ["AWS_SECRET_ACCESS_KEY=", "\"secret_access_key\":\""] {
            for secret in followed(words, &['\n', '"', '<', '\\']) {
                secret_audit::note("secret access key", &secret);
            }
        }
        for id in followed("headwater-", &['"', '<', '\\', '&', ' ']).iter().filter(|id| is_hex(id)) {
            secret_audit::note("external id", &format!("headwater-{id}"));
        }
        if let Some(code) = self.code("resume-code-value") {
            secret_audit::note("resume code", &code);
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// The page without its scripts and without the comments between its texts.
    pub fn html(&self) -> String {
        without(&without(&self.body, "<script", "</script>"), "<!", ">")
    }

    /// What the page says, without tags.
    pub fn text(&self) -> String {
        let words = without(&self.html().replace('<', " <"), "<", ">");
        unescape(&words.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The `<code>` in the element with this id.
    pub fn code(&self, id: &str) -> Option<String> {
        self.code_after(&format!("id=\"{id}\""))
    }

    /// The first `<code>` after these words.
    pub fn code_after(&self, words: &str) -> Option<String> {
        let html = self.html();
        let (_, rest) = html.split_once(words)?;
        let (_, rest) = rest.split_once("<code>")?;
        let (code, _) = rest.split_once("</code>")?;
        Some(unescape(code))
    }

    /// What the section with this id says, without tags; the sections of a step do not nest.
    pub fn section(&self, id: &str) -> String {
        let html = self.html();
        let (_, rest) = html.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id} in {html}"));
        let (_, rest) = rest.split_once('>').unwrap();
        let section = rest.split("</section>").next().unwrap().to_owned();
        Self { body: section, status: self.status, headers: HeaderMap::new() }.text()
    }

    /// The JSON of a server function's answer.
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// 32 digits, as in the ids that a server makes up.
fn is_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn body(fields: &[(&str, &str)]) -> Body {
    Body::from(serde_urlencoded::to_string(fields).unwrap())
}

/// The text without what lies between these two, themselves included.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(open) {
        kept.push_str(before);
        rest = inside.split_once(close).map_or("", |(_, after)| after);
    }
    kept + rest
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}
