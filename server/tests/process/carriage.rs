//! What leaves a class arrives, whichever server ends when.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::client::{Instructor, Site, Visitor};
use crate::receiver::{Received, Receiver};
use crate::server::{Folder, Server};

/// What is awaited comes within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

const CLASS: [(&str, &str); 4] = [
    ("name", "Streams 101"),
    ("starts_at", "2020-01-01T08:00"),
    ("ends_at", "2099-01-01T08:00"),
    ("lab-sandbox-sql", "on"),
];

/// A class with a webhook that is told who comes.
struct Class {
    owner: Instructor,
    id: String,
    code: String,
    /// The webhook's key.
    secret: String,
}

impl Class {
    async fn open(server: &mut Server, receiver: &Receiver) -> Self {
        let code = code_of_set_up(server).await;
        let mut owner = Instructor::set_up(&server.site, &code, "olga@example.org").await;
        let id = owner.create_class(&CLASS).await;
        let fields = [("url", receiver.url.as_str()), ("kind-members", "on")];
        let added = owner.act(&id, "add-webhook", &fields).await;
        assert_eq!(added.status, StatusCode::OK, "{added:?}");
        let shown: Value = owner.call("teach-shown-once", &[("class", &id)]).await.json();
        let secret = shown["WebhookSecret"]["secret"].as_str().unwrap().to_owned();
        secret_audit::note("webhook secret", &secret);
        let board: Value = owner.call("teach-settings", &[("class", &id)]).await.json();
        let code = board["class"]["join_code"].as_str().unwrap_or_else(|| panic!("{board}")).to_owned();
        Self { owner, id, code, secret }
    }

    /// Learners come in at a server.
    async fn join(&self, server: &Server, count: usize) {
        for _ in 0..count {
            let fields = [("code", self.code.as_str()), ("name", "Lina"), ("lab", "sandbox-sql")];
            let joined = Visitor::new(&server.site).post("/api/join", &fields).await;
            assert_eq!(joined.location(), Some("/lab/connect"), "{joined:?}");
        }
    }
}

async fn code_of_set_up(server: &mut Server) -> String {
    let line = server.tells_line("To teach, make the first account at ").await;
    let (_, code) = line.rsplit_once(' ').unwrap();
    code.to_owned()
}

fn sending_everywhere(command: &mut Command) {
    command.arg("--allow-private-targets");
}

/// Waits until the server's metrics tell that all is delivered.
async fn measured(server: &mut Server) {
    let url = server.tells("Metrics are at ").await;
    let address = url.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().parse().unwrap();
    let mut watcher = Visitor::new(&Site::At(address));
    let told = async {
        loop {
            let metrics = watcher.get("/metrics").await.body;
            let delivered = "headwater_deliveries_total{kind=\"webhook\",outcome=\"delivered\"}";
            let all = [delivered, "headwater_readers_behind 0", "headwater_oldest_undelivered_seconds 0"];
            if all.iter().all(|line| metrics.contains(line)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, told).await.expect("it is not measured");
}

fn ids(received: &[Received]) -> Vec<&str> {
    received.iter().map(Received::id).collect()
}

#[tokio::test]
async fn what_a_killed_server_could_not_note_is_delivered_by_the_next() {
    let folder = Folder::new();
    let mut receiver = Receiver::closed().await;
    let mut server = folder.start_with(sending_everywhere).await;
    let class = Class::open(&mut server, &receiver).await;
    class.join(&server, 3).await;
    // The first is taken, and the second is under way when the server is killed.
    let first = receiver.next().await;
    receiver.open(1);
    let second = receiver.next().await;
    server.kill().await;
    receiver.open(1000);

    let mut server = folder
        .start_with(|command| {
            sending_everywhere(command);
            command.args(["--metrics-listen", "127.0.0.1:0"]);
        })
        .await;
    let mut again = vec![receiver.next().await];
    while again.last().unwrap().seq() <= second.seq() {
        again.push(receiver.next().await);
    }
    assert!(again.windows(2).all(|pair| pair[0].seq() < pair[1].seq()), "in order: {:?}", ids(&again));
    assert!(ids(&again).contains(&second.id()), "what was under way comes again, with its own id");
    let all: BTreeSet<i64> = [&first, &second].into_iter().chain(&again).map(Received::seq).collect();
    assert_eq!(all.len(), 3, "no gap");
    assert!(again.last().unwrap().is_verified(&class.secret).await, "the key is the same after the restart");
    measured(&mut server).await;
    server.stop().await;
    assert_eq!(folder.log(), "");
}

#[tokio::test]
async fn two_servers_on_one_database_deliver_each_event_once() {
    let (first, second) = (Folder::new(), Folder::new());
    let database = scratch_postgres::new_database().await.unwrap();
    let key = "5f".repeat(32);
    secret_audit::note("secret key", &key);
    let start = async |folder: &Folder| {
        let change = |command: &mut Command| {
            sending_everywhere(command);
            command.env("DATABASE_URL", &database).env("HEADWATER_SECRET_KEY", &key);
        };
        folder.start_with(change).await
    };
    let mut receiver = Receiver::start().await;
    let mut one = start(&first).await;
    let class = Class::open(&mut one, &receiver).await;
    let other = start(&second).await;
    tokio::join!(class.join(&one, 10), class.join(&other, 10));
    let received = receiver.take(20).await;
    assert_eq!(ids(&received).into_iter().collect::<BTreeSet<_>>().len(), 20, "{:?}", ids(&received));
    assert!(received.windows(2).all(|pair| pair[0].seq() < pair[1].seq()), "in order");
    one.stop().await;
    class.join(&other, 1).await;
    let last = receiver.next().await;
    assert!(last.seq() > received.last().unwrap().seq());
    assert!(last.is_verified(&class.secret).await);
    assert!(receiver.rest().is_empty(), "each once");

    let mut elsewhere = Visitor::new(&other.site);
    elsewhere.cookies.clone_from(&class.owner.cookies);
    let settings: Value = elsewhere.call("teach-settings", &[("class", &class.id)]).await.json();
    assert_eq!(settings["webhooks"][0]["url"], receiver.url, "{settings}");
    other.stop().await;
    assert_eq!((first.log(), second.log()), (String::new(), String::new()));
}
