//! What happens in a class goes to webhooks and learning record stores.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use app::error::BackendError;
use app::model::teach::{SettingsView, WebhookView};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect};
use classroom::VerdictKind::{Pass, Wrong};
use classroom::{Event, LogEntry};
use deliveries::Reach;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::receiver::Receiver;
use super::school::{School, refusal};
use crate::classes::outside::{PLATFORM, Platform, WEBHOOK, Webhook};
use crate::state::now;

/// What is awaited comes within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

impl School {
    /// A class of a server that sends everywhere.
    async fn reaching() -> Self {
        Self::open_reaching(Reach::Everywhere).await
    }

    /// Adds a webhook for these kinds, and gives its key.
    async fn add_webhook(&mut self, url: &str, kinds: &[&str]) -> String {
        let class = self.class.clone();
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("kind-{kind}")).collect();
        let mut fields = vec![("url", url)];
        fields.extend(kinds.iter().map(|kind| (kind.as_str(), "on")));
        let added = self.owner.act(&class, "add-webhook", &fields).await;
        assert_eq!(added.status, StatusCode::OK, "{added:?}");
        let shown: Value = self.owner.call("teach-shown-once", &[("class", &class)]).await.json();
        let secret = shown["WebhookSecret"]["secret"].as_str().unwrap().to_owned();
        secret_audit::note("webhook secret", &secret);
        secret
    }

    async fn settings(&mut self) -> SettingsView {
        let class = self.class.clone();
        self.owner.call("teach-settings", &[("class", &class)]).await.json()
    }

    /// The one webhook, once it looks so.
    async fn webhook(&mut self, looks: impl Fn(&WebhookView) -> bool) -> WebhookView {
        self.settings_with(|settings| looks(&settings.webhooks[0])).await.webhooks.remove(0)
    }

    /// The settings, once they look so.
    async fn settings_with(&mut self, looks: impl Fn(&SettingsView) -> bool) -> SettingsView {
        let waiting = async {
            loop {
                let settings = self.settings().await;
                if looks(&settings) {
                    return settings;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, waiting).await.expect("the settings never look so")
    }

    async fn entries(&self) -> Vec<LogEntry> {
        self.sealed().await;
        self.world.store.log_after(&self.id(), 0, 10_000).await.unwrap()
    }

    /// The numbers of the entries that are of this sort.
    async fn numbers(&self, is_wanted: impl Fn(&Event) -> bool) -> Vec<i64> {
        self.entries().await.iter().filter(|entry| is_wanted(&entry.event)).map(|entry| entry.seq).collect()
    }
}

#[tokio::test]
async fn a_webhook_is_told_what_it_wants_in_order_and_can_verify_it() {
    let mut school = School::reaching().await;
    let mut receiver = Receiver::start().await;
    school.join("Before").await;
    school.sealed().await;
    let secret = school.add_webhook(&receiver.url, &["members", "verdicts"]).await;
    let lina = school.join("Lina").await;
    for (check, verdict, cause) in [("rows", Wrong, "prefix"), ("rows", Pass, ""), ("schema", Pass, "")] {
        school.check(&lina, "ingest", check, verdict, cause).await;
    }
    school.world.store.leave(&school.id(), &lina, now()).await.unwrap();
    let received = receiver.take(5).await;
    let types: Vec<Value> = received.iter().map(|message| message.json()["type"].clone()).collect();
    let changed = "verdict.changed";
    assert_eq!(types, ["learner.joined", changed, changed, changed, "learner.left"]);

    let entries = school.entries().await;
    for message in &received {
        let entry = entries.iter().find(|entry| entry.seq == message.seq()).unwrap();
        assert_eq!(message.json()["data"], serde_json::to_value(entry).unwrap(), "as it is in an export");
        assert_eq!(message.id(), format!("{}_{}", school.class, entry.seq));
        assert!(!message.body.contains("Lina"), "no name leaves");
    }
    assert!(received.windows(2).all(|pair| pair[0].seq() < pair[1].seq()));
    assert!(received[1].is_verified(&secret).await);
    let mut forged = received[1].clone();
    forged.body = forged.body.replace("wrong", "pass");
    assert!(!forged.is_verified(&secret).await);

    let webhook = school.webhook(|webhook| webhook.behind == 0 && !webhook.deliveries.is_empty()).await;
    assert!(webhook.deliveries.iter().all(|delivery| delivery.status == Some(200) && delivery.again_at.is_none()));
    assert!(receiver.rest().is_empty(), "each once");
    let class = school.class.clone();
    let page = school.owner.get(&format!("/teach/classes/{class}/settings")).await;
    assert!(page.text().contains("Delivered, 200") && page.body.contains(&receiver.url), "{}", page.text());
    assert!(!page.body.contains(&secret));
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_until_it_is() {
    let mut school = School::reaching().await;
    let mut receiver = Receiver::start().await;
    school.add_webhook(&receiver.url, &["members"]).await;
    receiver.answer([200, 503, 500]);
    for name in ["Ada", "Ben", "Cleo"] {
        school.join(name).await;
    }
    let received = receiver.take(5).await;
    let joined = school.numbers(|event| *event == Event::Joined).await;
    let told: Vec<i64> = received.iter().map(super::receiver::Received::seq).collect();
    assert_eq!(told, [joined[0], joined[1], joined[1], joined[1], joined[2]]);
    assert_eq!(received[1].id(), received[3].id(), "so that it can be told from another");
    let webhook = school.webhook(|webhook| webhook.behind == 0).await;
    let history: Vec<Option<u16>> = webhook.deliveries.iter().map(|delivery| delivery.status).collect();
    let failed: Vec<_> = history.iter().filter(|status| **status != Some(200)).copied().collect();
    assert_eq!((history[0], failed), (Some(200), vec![Some(500), Some(503)]), "{webhook:?}");
    assert!(webhook.deliveries.iter().any(|delivery| delivery.text == "not taken"));
}

#[tokio::test]
async fn a_webhook_that_wants_no_more_is_switched_off_until_somebody_switches_it_on() {
    let mut school = School::reaching().await;
    let mut receiver = Receiver::start().await;
    school.add_webhook(&receiver.url, &["members"]).await;
    receiver.answer([410]);
    school.join("Ada").await;
    receiver.next().await;
    let webhook = school.webhook(|webhook| webhook.off.is_some()).await;
    assert_eq!(webhook.off.unwrap().1, "it answered 410 and wants no more");
    school.join("Ben").await;
    school.sealed().await;
    let class = school.class.clone();
    let page = school.owner.get(&format!("/teach/classes/{class}/settings")).await.text();
    assert!(page.contains("Switched off since") && page.contains("it answered 410"), "{page}");
    assert!(receiver.rest().is_empty());
    let switched = school.owner.act(&class, "switch-on-webhook", &[("webhook", &webhook.id)]).await;
    assert_eq!(switched.status, StatusCode::OK, "{switched:?}");
    let joined = school.numbers(|event| *event == Event::Joined).await;
    let told: Vec<i64> = receiver.take(2).await.iter().map(super::receiver::Received::seq).collect();
    assert_eq!(told, joined, "what it missed, from the one that it did not take");
    assert!(school.webhook(|webhook| webhook.behind == 0).await.off.is_none());
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let mut school = School::reaching().await;
    let (mut receiver, mut other) = (Receiver::start().await, Receiver::start().await);
    school.add_webhook(&receiver.url, &["members"]).await;
    receiver.answer_with(Redirect::temporary(&other.url).into_response());
    school.join("Ada").await;
    receiver.next().await;
    let webhook = school.webhook(|webhook| webhook.deliveries.len() == 1).await;
    let delivery = &webhook.deliveries[0];
    assert_eq!((delivery.status, delivery.text.as_str()), (Some(307), "redirects are not followed"));
    assert!(delivery.again_at.is_some());
    receiver.next().await;
    assert!(other.rest().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_into_the_servers_own_network() {
    let mut school = School::open().await;
    let class = school.class.clone();
    let mut receiver = Receiver::start().await;
    let secure = receiver.url.replace("http:", "https:");
    for url in [receiver.url.as_str(), &secure, "https://169.254.169.254/", "https://[::1]/", "https://2130706433/"] {
        let refused = refusal(&school.owner.act(&class, "add-webhook", &[("url", url), ("kind-help", "on")]).await);
        assert_eq!(refused.1.field(), Some("url"), "{url}: {refused:?}");
        let fields = [("endpoint", url), ("key", "key"), ("secret", "water")];
        let refused = refusal(&school.owner.act(&class, "save-xapi", &fields).await);
        assert_eq!(refused.1.field(), Some("endpoint"), "{url}: {refused:?}");
    }
    // Only when it is resolved is a name known to lead inside.
    school.add_webhook(&receiver.named().replace("http:", "https:"), &["members"]).await;
    school.join("Ada").await;
    let webhook = school.webhook(|webhook| !webhook.deliveries.is_empty()).await;
    let (words, status) = (&webhook.deliveries[0].text, webhook.deliveries[0].status);
    assert!(words.contains("not on the public internet") && status.is_none(), "{words}");
    let tested = refusal(&school.owner.act(&class, "test-webhook", &[("webhook", &webhook.id)]).await);
    assert!(
        matches!(&tested.1, BackendError::Refused { message } if message.contains("public internet")),
        "{tested:?}"
    );
    assert!(receiver.rest().is_empty());
}

#[tokio::test]
async fn a_test_is_sent_signed_and_told_with_what_came_back() {
    let mut school = School::reaching().await;
    let class = school.class.clone();
    let mut receiver = Receiver::start().await;
    let secret = school.add_webhook(&receiver.url, &["help"]).await;
    let id = school.settings().await.webhooks[0].id.clone();
    let taken = school.owner.act(&class, "test-webhook", &[("webhook", &id)]).await;
    assert_eq!(taken.status, StatusCode::OK, "{taken:?}");
    assert!(taken.body.contains("it answered 200"), "{taken:?}");
    let message = receiver.next().await;
    assert_eq!(
        (&message.json()["type"], &message.json()["data"]),
        (&json!("webhook.test"), &json!({ "class": class }))
    );
    assert!(message.is_verified(&secret).await);
    receiver.answer([418]);
    let refused = refusal(&school.owner.act(&class, "test-webhook", &[("webhook", &id)]).await);
    assert!(matches!(&refused.1, BackendError::Refused { message } if message.contains("418")), "{refused:?}");
}

#[tokio::test]
async fn one_that_does_not_answer_holds_up_no_other_and_does_not_come_back_when_removed() {
    let mut school = School::reaching().await;
    let class = school.class.clone();
    let (mut slow, mut quick) = (Receiver::closed().await, Receiver::start().await);
    school.add_webhook(&slow.url, &["members"]).await;
    let id = school.settings().await.webhooks[0].id.clone();
    school.join("Ada").await;
    slow.next().await;
    school.add_webhook(&quick.url, &["members"]).await;
    school.join("Ben").await;
    quick.next().await;
    let removed = school.owner.act(&class, "remove-webhook", &[("webhook", &id)]).await;
    assert_eq!(removed.status, StatusCode::OK, "{removed:?}");
    slow.open(1);
    school.join("Cleo").await;
    quick.next().await;
    let settings = school.settings_with(|settings| settings.webhooks.iter().all(|webhook| webhook.behind == 0)).await;
    assert_eq!(settings.webhooks.len(), 1);
    let store = &school.world.store;
    assert_eq!(store.readers(&school.id()).await.unwrap().len(), 1);
    assert_eq!(store.documents::<Webhook>(&school.id(), WEBHOOK).await.unwrap().len(), 1);
    assert!(store.deliveries(&school.id()).await.unwrap().iter().all(|(name, _)| !name.contains(&id)));
}

#[tokio::test]
async fn a_reader_whose_document_is_gone_goes_too() {
    let school = School::reaching().await;
    let store = &school.world.store;
    let mut news = store.news();
    store.create_reader(&school.id(), "webhook:nobody", 0).await.unwrap();
    school.join("Ada").await;
    let gone = async {
        while !store.readers(&school.id()).await.unwrap().is_empty() {
            let _ = timeout(Duration::from_millis(50), news.next()).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the reader stays");
}

#[tokio::test]
async fn one_of_many_platforms_can_be_entered_anew() {
    let mut school = School::open().await;
    let class = school.class.clone();
    let platform = |client: &str, deployment: &'static str| {
        [
            ("issuer", "https://moodle.example".to_owned()),
            ("client_id", client.to_owned()),
            ("deployment_ids", deployment.to_owned()),
            ("auth_url", "https://moodle.example/auth".to_owned()),
            ("token_url", "https://moodle.example/token".to_owned()),
            ("jwks_url", "https://moodle.example/jwks".to_owned()),
        ]
    };
    for client in 0..20 {
        let fields = platform(&client.to_string(), "1");
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(school.owner.act(&class, "add-platform", &fields).await.status, StatusCode::OK);
    }
    for (client, status) in [("20", StatusCode::CONFLICT), ("7", StatusCode::OK)] {
        let fields = platform(client, "2");
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(school.owner.act(&class, "add-platform", &fields).await.status, status, "{client}");
    }
    let known: Vec<(String, Platform)> = school.world.store.documents(&school.id(), PLATFORM).await.unwrap();
    let anew: Vec<&str> = (known.iter())
        .filter(|(_, platform)| platform.deployment_ids == ["2"])
        .map(|(_, platform)| platform.client_id.as_str())
        .collect();
    assert_eq!((known.len(), anew), (20, vec!["7"]));
}

/// Ralph, a learning record store of others' making. Killed when this is dropped.
struct RecordStore {
    _process: Child,
    _folder: tempfile::TempDir,
    url: String,
}

const SECRET: &str = "water under the bridge";

impl RecordStore {
    async fn start() -> Self {
        secret_audit::note("record store's secret", SECRET);
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/lrs.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(folder.path()).args(["headwater", SECRET]);
        let mut process =
            command.stderr(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true).spawn().expect("python3 is missing");
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let url = loop {
            let line = timeout(PATIENCE, lines.next_line()).await.expect("it does not start").unwrap();
            let line = line.unwrap_or_else(|| panic!("python3 on the PATH needs ralph; make test sees to it: {said}"));
            if let Some((_, rest)) = line.split_once("running on ") {
                break rest.split(' ').next().unwrap().to_owned();
            }
            said += &line;
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { _process: process, _folder: folder, url: format!("{url}/xAPI") }
    }

    /// All statements that it has.
    async fn statements(&self) -> Vec<Value> {
        let response = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = response.get(format!("{}/statements?limit=100", self.url));
        let response = response.basic_auth("headwater", Some(SECRET)).header("x-experience-api-version", "1.0.3");
        let found: Value = serde_json::from_str(&response.send().await.unwrap().text().await.unwrap()).unwrap();
        found["statements"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_learning_record_store_takes_the_statements_and_has_each_once() {
    let mut school = School::reaching().await;
    let class = school.class.clone();
    let lrs = RecordStore::start().await;
    let fields = [("endpoint", lrs.url.as_str()), ("key", "headwater"), ("secret", SECRET)];
    let saved = school.owner.act(&class, "save-xapi", &fields).await;
    assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
    let lina = school.join("Lina").await;
    school.check(&lina, "ingest", "rows", Wrong, "prefix").await;
    school.check(&lina, "ingest", "rows", Pass, "").await;
    let store = school.world.store.clone();
    store.record_answer(&lina, "ingest", 0, &[1], true, now()).await.unwrap();
    store.record_checks(&lina, "ingest", &[], true, now()).await.unwrap();
    school.sealed().await;
    let told = |settings: &SettingsView| settings.xapi.as_ref().is_some_and(|xapi| xapi.behind == 0);
    let settings = school.settings_with(told).await;
    assert_eq!(settings.xapi.unwrap().trouble, "");
    let statements = lrs.statements().await;
    let mut verbs: Vec<&str> = statements.iter().map(|one| one["verb"]["display"]["en"].as_str().unwrap()).collect();
    verbs.sort_unstable();
    assert_eq!(verbs, ["answered", "completed", "initialized", "passed", "registered"]);
    for statement in &statements {
        assert_eq!(statement["actor"]["account"]["name"], lina.as_str());
        assert!(!statement.to_string().contains("Lina"), "no name leaves: {statement}");
    }
    let completed = statements.iter().find(|one| one["verb"]["display"]["en"] == "completed").unwrap();
    let lasted = completed["result"]["duration"].as_str().unwrap();
    assert!(lasted.starts_with("PT") && lasted.ends_with('S'), "{lasted}");

    // A server that was killed before it could note how far it had come sends all of it again.
    sqlx::query("UPDATE reader SET position = 0").execute(school.world.sqlite()).await.unwrap();
    school.join("Ole").await;
    school.sealed().await;
    school.settings_with(told).await;
    let mut ids: Vec<Value> = lrs.statements().await.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids.len(), 6, "Ole, and no other anew");
    ids.sort_unstable_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn a_statement_that_is_known_otherwise_holds_up_no_other() {
    let mut school = School::reaching().await;
    let class = school.class.clone();
    let mut receiver = Receiver::start().await;
    let endpoint = receiver.url.replace("/hook", "/xapi/");
    let closed = [("endpoint", endpoint.as_str()), ("key", "key"), ("secret", SECRET)];
    receiver.answer_with((StatusCode::UNAUTHORIZED, [("retry-after", "3600")]).into_response());
    assert_eq!(school.owner.act(&class, "save-xapi", &closed).await.status, StatusCode::OK);
    for name in ["Ada", "Ben"] {
        let learner = school.new_learner().await;
        let found = school.world.store.class(&school.id()).await.unwrap().unwrap();
        school.world.store.join(&found, &learner, Some(name), now()).await.unwrap();
    }
    let refused = receiver.next().await;
    assert_eq!(refused.path, "/xapi/statements");
    assert_eq!(refused.header("x-experience-api-version"), "1.0.3");
    let settings = school.settings_with(|settings| !settings.xapi.as_ref().unwrap().trouble.is_empty()).await;
    assert_eq!(settings.xapi.unwrap().trouble, "it answered 401: it does not take the key and the secret");
    school.sealed().await;
    // All at once are refused, then one of them is there, and the other is taken.
    receiver.answer([409, 409, 204]);
    assert_eq!(school.owner.act(&class, "save-xapi", &closed).await.status, StatusCode::OK, "it is tried at once");
    let sizes: Vec<usize> =
        receiver.take(3).await.iter().map(|request| request.json().as_array().unwrap().len()).collect();
    assert_eq!(sizes, [2, 1, 1]);
    let settings = school.settings_with(|settings| settings.xapi.as_ref().unwrap().behind == 0).await;
    assert_eq!(settings.xapi.unwrap().trouble, "");
}
