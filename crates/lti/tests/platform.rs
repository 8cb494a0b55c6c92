//! The whole way with a platform that others wrote: the Python library lti1p3platform, in a process on loopback.
//!
//! The `python3` on the PATH must have it, as `make test` sees to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use lti::{
    ActivityProgress, Browser, Client, GradingProgress, Launch, LaunchAnswer, LaunchError, LoginInitiation, Loopback,
    MemberStatus, Message, NewLineItem, NonceUse, Platform, PlatformSettings, ResourceLink, ResourceLinkItem, Role,
    Score, ScoreOutcome, ServiceError, StateKey, Tool, ToolKey, VerifiedLaunch, begin_login, deep_linking_response,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use url::Url;

/// A client as [`Client::new`] wants it.
fn http() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.timeout(std::time::Duration::from_secs(20)).build().unwrap()
}

/// The platform in a process of its own. Ended when dropped.
struct PlatformProcess {
    process: Child,
    address: String,
}

impl PlatformProcess {
    fn start(tool: &str) -> Self {
        let mut process = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/school.py"))
            .arg(tool)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 must be on the PATH");
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(
            address.starts_with("http://127.0.0.1:"),
            "python3 on the PATH needs lti1p3platform; make test sees to it"
        );
        Self { process, address: address.trim_end().to_owned() }
    }
}

impl Drop for PlatformProcess {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A platform and a tool that know each other, and a browser between them.
struct Course {
    running: PlatformProcess,
    platform: Platform,
    tool: Tool,
    key: ToolKey,
    client: Client,
    browser: reqwest::Client,
    states: StateKey,
}

impl Course {
    async fn new() -> Self {
        let key = ToolKey::generate().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tool = Tool::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let jwks = key.public_jwks();
        let keys = axum::Router::new().route(tool.keys_url().path(), axum::routing::get(async || axum::Json(jwks)));
        tokio::spawn(async move { axum::serve(listener, keys).await });
        let address = tool.keys_url().as_str().replace("/lti/keys", "");
        let running = tokio::task::spawn_blocking(move || PlatformProcess::start(&address)).await.unwrap();
        let platform = platform_at(&running.address);
        let client = Client::new(http());
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { running, platform, tool, key, client, browser, states: StateKey::new(&[7; 32]) }
    }

    /// Opens the tool in a browser, and gives what arrives at the launch address, with the cookie.
    async fn open(&self, message: &str, user: &str) -> (LaunchAnswer, String) {
        let start = format!("{}/start/{message}/{user}", self.running.address);
        let answer = self.browser.get(start).send().await.unwrap();
        let login = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        assert_eq!(login.path(), self.tool.login_url().path());

        let initiation = LoginInitiation::parse(login.query().unwrap()).unwrap();
        let platform = initiation.platform([&self.platform]).unwrap();
        let now = OffsetDateTime::now_utc();
        let started = begin_login(&initiation, platform, &self.tool, &self.states, None, now).unwrap();
        let cookie = started.set_cookie.split(['=', ';']).nth(1).unwrap().to_owned();

        let page = self.browser.get(started.redirect).send().await.unwrap().text().await.unwrap();
        assert_eq!(between(&page, "action=\""), self.tool.launch_url().as_str());
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("state", between(&page, "name=\"state\" value=\""))
            .append_pair("id_token", between(&page, "name=\"id_token\" value=\""))
            .finish();
        (LaunchAnswer::parse(&form).unwrap(), cookie)
    }

    async fn verify(&self, answer: &LaunchAnswer, cookie: Option<&str>) -> Result<VerifiedLaunch, LaunchError> {
        let now = OffsetDateTime::now_utc();
        let pending = self.states.open(&answer.state, cookie, now).unwrap();
        let expected = if cookie.is_some() { Browser::Same } else { Browser::Unknown };
        assert_eq!(pending.browser, expected);
        self.client.verify_launch(&answer.id_token, &self.platform, &pending, &self.tool, now).await
    }

    async fn launch(&self, message: &str, user: &str) -> Launch {
        let (answer, cookie) = self.open(message, user).await;
        self.verify(&answer, Some(&cookie)).await.unwrap().admit(NonceUse::First).unwrap()
    }

    async fn gradebook(&self) -> Value {
        let answer = self.browser.get(format!("{}/gradebook", self.running.address)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

fn platform_at(address: &str) -> Platform {
    let settings = PlatformSettings {
        issuer: address.to_owned(),
        client_id: "headwater".to_owned(),
        deployment_ids: vec!["deployment-1".to_owned()],
        authorization_url: format!("{address}/auth"),
        token_url: format!("{address}/token"),
        jwks_url: format!("{address}/jwks"),
        ..PlatformSettings::default()
    };
    Platform::new(settings, Loopback::Allowed).unwrap()
}

/// What stands between `before` and the next quotation mark.
fn between<'a>(page: &'a str, before: &str) -> &'a str {
    page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1.split_once('"').unwrap().0
}

fn check(name: &str, points: f64) -> NewLineItem {
    NewLineItem {
        label: format!("Check {name}"),
        score_maximum: points,
        resource_id: name.to_owned(),
        tag: Some("class-1".to_owned()),
        resource_link_id: None,
    }
}

#[tokio::test]
async fn learners_and_teachers_are_launched_as_who_they_are() {
    let course = Course::new().await;
    let learner = course.launch("link", "ada").await;
    assert_eq!(learner.issuer, course.running.address);
    assert_eq!((learner.client_id.as_str(), learner.deployment_id.as_str()), ("headwater", "deployment-1"));
    assert_eq!(learner.subject, "ada");
    assert_eq!(learner.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(learner.email.as_deref(), Some("ada@school.example"));
    assert_eq!(learner.roles.iter().collect::<Vec<_>>(), [Role::Learner]);
    let link = ResourceLink { id: "link-1".to_owned(), title: Some("Clicks".to_owned()) };
    assert_eq!(learner.message, Message::ResourceLink(link));
    let context = learner.context.unwrap();
    assert_eq!((context.id.as_str(), context.label.as_deref()), ("course-1", Some("DE")));
    assert_eq!(context.title.as_deref(), Some("Data engineering"));
    assert_eq!(learner.custom, BTreeMap::from([("lab".to_owned(), "clicks".to_owned())]));
    assert_eq!(learner.target_link.path(), "/labs/clicks");
    assert!(learner.ags.unwrap().takes_grades_of_checks());
    assert_eq!(learner.return_url.unwrap().as_str(), format!("{}/course", course.running.address));

    let teacher = course.launch("link", "grace").await;
    assert!(teacher.roles.teaches());
}

#[tokio::test]
async fn launches_are_refused_that_answer_another_login() {
    let course = Course::new().await;
    let (first, _) = course.open("link", "ada").await;
    let (second, _) = course.open("link", "alan").await;
    let crossed = LaunchAnswer { state: second.state, id_token: first.id_token.clone() };
    assert_eq!(course.verify(&crossed, None).await.unwrap_err(), LaunchError::Nonce);
    let whole = LaunchAnswer { state: first.state, id_token: first.id_token };
    assert!(course.verify(&whole, None).await.is_ok());
}

#[tokio::test]
async fn the_platform_takes_the_links_that_a_teacher_chooses() {
    let course = Course::new().await;
    let launch = course.launch("deep", "grace").await;
    let Message::DeepLinking(settings) = launch.message else { panic!("a deep linking request") };
    assert!(settings.accepts_links && settings.accepts_several);
    assert_eq!(settings.data, Some(json!({ "csrf": "kept" })));
    let item = ResourceLinkItem {
        title: "Clicks".to_owned(),
        text: Some("A clickstream pipeline".to_owned()),
        url: Url::parse("https://lab.example/labs/clicks").unwrap(),
        custom: BTreeMap::from([("lab".to_owned(), "clicks".to_owned())]),
        line_item: Some(check("all", 10.0)),
    };
    let items = std::slice::from_ref(&item);
    let now = OffsetDateTime::now_utc();
    let answer = async |key: &ToolKey| {
        let form = deep_linking_response(key, &course.platform, &launch.deployment_id, &settings, items, now).unwrap();
        let sent = course.browser.post(form.action.as_str()).form(&[("JWT", &form.jwt)]).send().await.unwrap();
        (sent.status().as_u16(), serde_json::from_str::<Value>(&sent.text().await.unwrap()).unwrap())
    };
    let (status, refusal) = answer(&ToolKey::generate().unwrap()).await;
    assert_eq!((status, &refusal["error"]), (401, &json!("invalid_client")), "another key proves nothing");
    let (status, taken) = answer(&course.key).await;
    assert_eq!(status, 200);
    assert_eq!(
        taken,
        json!([{
            "type": "ltiResourceLink",
            "title": "Clicks",
            "text": "A clickstream pipeline",
            "url": "https://lab.example/labs/clicks",
            "custom": { "lab": "clicks" },
            "lineItem": { "label": "Check all", "scoreMaximum": 10.0, "resourceId": "all", "tag": "class-1" },
        }])
    );
}

#[tokio::test]
async fn grades_reach_the_platforms_gradebook() {
    let course = Course::new().await;
    let launch = course.launch("link", "ada").await;
    let endpoint = launch.ags.unwrap();
    let grades = course.client.grades(&course.key, &course.platform, &endpoint);
    assert_eq!(grades.line_items(None).await.unwrap(), []);

    // More than the platform puts on a page; the same again makes none anew.
    let mut checks = vec![check("stream", 1.0), check("objects", 2.0), check("rows", 3.0)];
    let made = grades.ensure_line_items(&checks).await.unwrap();
    checks.extend([check("chart", 4.0), check("receipt", 5.0)]);
    let items = grades.ensure_line_items(&checks).await.unwrap();
    assert_eq!(items[..3], made);
    assert_eq!(grades.ensure_line_items(&checks).await.unwrap(), items);
    assert_eq!(grades.line_items(Some("class-1")).await.unwrap().len(), 5);
    assert_eq!(grades.line_items(Some("class-2")).await.unwrap(), []);

    let at = OffsetDateTime::now_utc();
    let score = |given: f64, at| Score {
        user: launch.subject.clone(),
        given,
        maximum: 2.0,
        activity: ActivityProgress::Completed,
        grading: GradingProgress::FullyGraded,
        at,
        comment: Some("Passed".to_owned()),
    };
    let objects = &items[1].id;
    assert_eq!(grades.post_score(objects, &score(1.0, at)).await, Ok(ScoreOutcome::Taken));
    let later = at + Duration::milliseconds(1);
    assert_eq!(grades.post_score(objects, &score(2.0, later)).await, Ok(ScoreOutcome::Taken));
    assert_eq!(grades.post_score(objects, &score(0.5, at)).await, Ok(ScoreOutcome::Superseded));

    let gradebook = course.gradebook().await;
    assert_eq!(gradebook.as_object().unwrap().len(), 5);
    assert_eq!(gradebook["objects"]["label"], "Check objects");
    assert_eq!(gradebook["objects"]["maximum"], 2.0);
    let kept = &gradebook["objects"]["scores"]["ada"];
    assert_eq!((&kept["scoreGiven"], &kept["scoreMaximum"]), (&json!(2.0), &json!(2.0)));
    assert_eq!(kept["activityProgress"], "Completed");
    assert_eq!(kept["gradingProgress"], "FullyGraded");
    assert_eq!(gradebook["rows"]["scores"], json!({}));
}

#[tokio::test]
async fn a_line_item_that_is_gone_and_a_key_that_is_not_known_are_told_apart() {
    let course = Course::new().await;
    let endpoint = course.launch("link", "ada").await.ags.unwrap();
    let score = Score {
        user: "ada".to_owned(),
        given: 1.0,
        maximum: 1.0,
        activity: ActivityProgress::Completed,
        grading: GradingProgress::FullyGraded,
        at: OffsetDateTime::now_utc(),
        comment: None,
    };
    let gone = serde_json::from_value(json!(format!("{}/lineitems/99", course.running.address))).unwrap();
    let grades = course.client.grades(&course.key, &course.platform, &endpoint);
    let error = grades.post_score(&gone, &score).await.unwrap_err();
    assert!(matches!(error, ServiceError::Refused { status: 404, .. }), "{error}");
    assert!(!error.worth_trying_again());

    let stranger = ToolKey::generate().unwrap();
    let error = course.client.grades(&stranger, &course.platform, &endpoint).line_items(None).await.unwrap_err();
    assert_eq!(error, ServiceError::ToolRefused { code: Some("invalid_client".to_owned()) });
    assert!(!error.worth_trying_again());
}

#[tokio::test]
async fn the_courses_members_are_read_page_by_page() {
    let course = Course::new().await;
    let endpoint = course.launch("link", "grace").await.names.unwrap();
    let members = course.client.members(&course.key, &course.platform, &endpoint).await.unwrap();
    let subjects: Vec<&str> = members.iter().map(|member| member.subject.as_str()).collect();
    assert_eq!(subjects, ["ada", "grace", "alan", "tess", "max", "una"]);
    assert_eq!(members[0].name.as_deref(), Some("Ada Lovelace"));
    assert!(members[1].roles.teaches());
    assert!(members.iter().all(|member| member.status == MemberStatus::Active));
}
