//! A course in a learning platform of others' making (the Python library lti1p3platform), in a process on loopback.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use url::form_urlencoded;

use super::client::{Answer, Instructor, Site, Visitor};
use super::program::listening;

/// What is awaited comes within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed when this is dropped.
pub struct Course {
    /// The platform's address, which is its issuer, too.
    pub address: String,
    site: Site,
    /// Where the platform takes the tool to be.
    tool: String,
    _process: Child,
}

impl Course {
    /// The `python3` on the PATH must have lti1p3platform, as `make test` sees to.
    pub async fn start(tool: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/lti/tests/school.py");
        let (process, address) = listening(Command::new("python3").arg(script).arg(tool)).await;
        let site = Site::At(address.strip_prefix("http://").unwrap().parse().unwrap());
        Self { address, site, tool: tool.to_owned(), _process: process }
    }

    /// What an owner enters to register it.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("issuer", self.address.clone()),
            ("client_id", "headwater".to_owned()),
            ("deployment_ids", "deployment-1".to_owned()),
            ("auth_url", format!("{}/auth", self.address)),
            ("token_url", format!("{}/token", self.address)),
            ("jwks_url", format!("{}/jwks", self.address)),
        ]
    }

    pub async fn register(&self, owner: &mut Instructor, class: &str) -> Answer {
        let fields = self.fields();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        owner.act(class, "add-platform", &fields).await
    }

    /// Where the platform sends a browser that opens a link as `user`, below the tool. `message`: `link`, `deep`, or
    /// `link;class=…;lab=…`.
    pub async fn login(&self, message: &str, user: &str) -> String {
        let begun = Visitor::new(&self.site).get(&format!("/start/{message}/{user}")).await;
        let login = begun.location().unwrap_or_else(|| panic!("{begun:?}"));
        login.strip_prefix(&self.tool).unwrap_or_else(|| panic!("{login}")).to_owned()
    }

    /// Goes through the login; gives the form that the platform then posts to the launch address.
    pub async fn form(&self, browser: &mut Visitor, message: &str, user: &str) -> String {
        let login = self.login(message, user).await;
        let begun = browser.get(&login).await;
        let sent_to = begun.location().unwrap_or_else(|| panic!("{begun:?}"));
        let path = sent_to.strip_prefix(&self.address).expect("the browser is sent to the platform");
        let page = Visitor::new(&self.site).get(path).await.body;
        assert_eq!(between(&page, "action=\""), format!("{}/lti/launch", self.tool));
        form_urlencoded::Serializer::new(String::new())
            .append_pair("state", between(&page, "name=\"state\" value=\""))
            .append_pair("id_token", between(&page, "name=\"id_token\" value=\""))
            .finish()
    }

    /// Posts a form as a page of the platform does.
    pub async fn post(&self, browser: &mut Visitor, path: &str, form: String) -> Answer {
        let request = browser
            .request(Method::POST, path)
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, &self.address)
            .header("sec-fetch-site", "cross-site")
            .body(Body::from(form));
        browser.send(request.unwrap()).await
    }

    /// Opens a link in a browser as `user`, up to what the launch is answered.
    pub async fn launch(&self, browser: &mut Visitor, message: &str, user: &str) -> Answer {
        let form = self.form(browser, message, user).await;
        self.post(browser, "/lti/launch", form).await
    }

    /// Gives the platform the answer to a choice of content, which it verifies; what it then has.
    pub async fn choose(&self, jwt: &str) -> Value {
        let mut browser = Visitor::new(&self.site);
        let answer = browser.post("/deep-link-return", &[("JWT", jwt)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    /// The scores of a person by check, once they look so.
    pub async fn scores(&self, user: &str, looks: impl Fn(&[(String, f64, f64)]) -> bool) -> Vec<(String, f64, f64)> {
        let waiting = async {
            loop {
                let book: Value = Visitor::new(&self.site).get("/gradebook").await.json();
                let items = book.as_object().unwrap();
                let scores: Vec<(String, f64, f64)> = items
                    .iter()
                    .filter_map(|(check, item)| {
                        let score = item["scores"].get(user)?;
                        Some((check.clone(), score["scoreGiven"].as_f64()?, score["scoreMaximum"].as_f64()?))
                    })
                    .collect();
                if looks(&scores) {
                    return scores;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, waiting).await.expect("the scores never look so")
    }
}

/// What stands between `before` and the next quotation mark.
pub fn between<'a>(page: &'a str, before: &str) -> &'a str {
    page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1.split_once('"').unwrap().0
}
