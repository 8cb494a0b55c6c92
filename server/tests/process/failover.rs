//! One of two web servers is killed while a class is at work on both and its board is open.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use app::model::teach::BoardEvent;
use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::sync::Notify;

use crate::apart::{sandbox, web_of_several};
use crate::client::{Instructor, Site, Told, Visitor};
use crate::server::{Folder, headwater};

const STEP: &str = "delivery-stream";
const LEARNERS: u32 = 6;
/// So often each presses the button, acknowledged.
const PRESSES: u32 = 8;
/// So many were acknowledged to all when the one server is killed.
const BEFORE: u32 = LEARNERS * PRESSES / 3;

/// What was acknowledged to all learners together, and who waits for it.
#[derive(Default)]
struct Acknowledged {
    count: AtomicU32,
    enough: Notify,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_one_of_two_servers_under_load_loses_no_progress_and_no_event() {
    let (far, first, second) = (Folder::new(), Folder::new(), Folder::new());
    let apart = sandbox(&far).await;
    let database = scratch_postgres::new_database().await.unwrap();
    let mut one = web_of_several(&first, &apart, &database).await;
    let other = web_of_several(&second, &apart, &database).await;
    let code =
        one.tells(&format!("To teach, make the first account at {}/teach/setup with this code: ", one.url)).await;
    let mut instructor = Instructor::set_up(&one.site, &code, "olga@example.org").await;
    let class = instructor
        .create_class(&[
            ("name", "Streams 101"),
            ("starts_at", "2020-01-01T08:00"),
            ("ends_at", "2099-01-01T08:00"),
            ("lab-sandbox-sql", "on"),
        ])
        .await;
    let board = format!("/teach/classes/{class}");
    let code = instructor.get(&board).await.code_after("Join code").unwrap();
    let mut learners = Vec::new();
    for number in 0..LEARNERS {
        // The balancer has sent half of them here, and half of them there.
        let site = if number % 2 == 0 { &one.site } else { &other.site };
        learners.push(join(site, &code, &name(number)).await);
    }

    let events = format!("{board}/events?after=0");
    let mut at_one = Told::new(instructor.open(&events).await);
    let mut moved = instructor.at(&other.site);
    let mut at_other = Told::new(moved.open(&events).await);
    let acknowledged = Arc::new(Acknowledged::default());
    let pressing: Vec<_> = learners
        .into_iter()
        .map(|learner| tokio::spawn(press(learner, other.site.clone(), Arc::clone(&acknowledged))))
        .collect();
    acknowledged.enough.notified().await;
    one.kill().await;
    let mut cut = Rows::default();
    while cut.take(&mut at_one).await {}

    let presses: BTreeMap<String, RangeInclusive<u32>> = join_all(pressing)
        .await
        .into_iter()
        .enumerate()
        .map(|(number, presses)| (name(number as u32), presses.unwrap()))
        .collect();
    let export = moved.get(&format!("{board}/results.json")).await;
    let recorded = attempts_in(&serde_json::from_str(&export.body).unwrap());
    let mut counts = BTreeMap::new();
    for (name, presses) in &presses {
        let numbers = &recorded[name];
        let count = u32::try_from(numbers.len()).unwrap();
        assert!(presses.contains(&count), "{name} pressed {presses:?} times, the log has {numbers:?}");
        assert_eq!(*numbers, (1..=count).collect::<Vec<u32>>(), "{name}: none is missing, and none is there twice");
        counts.insert(name.clone(), count);
    }
    // The board whose server is gone comes back at the other one, behind what it knows.
    let mut back = Told::new(moved.open(&format!("{board}/events?after={}", cut.seq)).await);
    let mut never_cut = Rows::default();
    for (rows, told) in [(&mut never_cut, &mut at_other), (&mut cut, &mut back)] {
        while rows.attempts != counts {
            assert!(rows.take(told).await, "the stream ended at {:?} of {counts:?}", rows.attempts);
        }
    }
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &export.body).unwrap();
    let audited = headwater().arg("audit").arg(file.path()).output().await.unwrap();
    assert!(audited.status.success(), "{audited:?}");
    other.stop().await;
    assert_eq!(second.log(), "");
}

fn name(number: u32) -> String {
    format!("Learner {number}")
}

async fn join(site: &Site, code: &str, name: &str) -> Visitor {
    let mut visitor = Visitor::new(site);
    let joined = visitor.post("/api/join", &[("code", code), ("name", name), ("lab", "sandbox-sql")]).await;
    assert_eq!(joined.location(), Some("/lab/connect"), "{joined:?}");
    visitor
}

/// Presses the button that checks a step until it was acknowledged often enough: at the other server once this one does not
/// answer. Gives how often it may have counted: what was not acknowledged may have been written nevertheless.
async fn press(mut learner: Visitor, other: Site, acknowledged: Arc<Acknowledged>) -> RangeInclusive<u32> {
    let (mut known, mut unknown) = (0, 0);
    while known < PRESSES {
        match learner.try_call("recheck", &[("slug", STEP)]).await {
            Some(StatusCode::OK) => {
                known += 1;
                if acknowledged.count.fetch_add(1, Ordering::Relaxed) + 1 == BEFORE {
                    acknowledged.enough.notify_one();
                }
            }
            Some(status) => panic!("a check was answered with {status}"),
            None => {
                unknown += 1;
                learner = learner.at(&other);
            }
        }
    }
    known..=known + unknown
}

/// What a board shows: the attempts of each learner at the step.
#[derive(Default)]
struct Rows {
    seq: i64,
    attempts: BTreeMap<String, u32>,
}

impl Rows {
    /// Takes in an event. False when the stream has ended.
    async fn take(&mut self, told: &mut Told) -> bool {
        let Some((seq, event)) = told.next::<BoardEvent>().await else { return false };
        self.seq = seq;
        if let BoardEvent::Rows { rows, .. } = event {
            self.attempts.extend(rows.iter().map(|row| (row.name.clone(), row.cells[1].attempts)));
        }
        true
    }
}

/// The numbers of the attempts that the export's log has, by the learner's name.
fn attempts_in(export: &Value) -> BTreeMap<String, Vec<u32>> {
    let learners = export["learners"].as_array().unwrap();
    let names: BTreeMap<&str, &str> =
        learners.iter().map(|one| (one["id"].as_str().unwrap(), one["name"].as_str().unwrap())).collect();
    let mut attempts = BTreeMap::<String, Vec<u32>>::new();
    for entry in export["log"].as_array().unwrap() {
        if entry["event"]["kind"] == "attempted" {
            let name = names[entry["learner"].as_str().unwrap()].to_owned();
            let number = entry["event"]["attempts"].as_u64().unwrap();
            attempts.entry(name).or_default().push(u32::try_from(number).unwrap());
        }
    }
    attempts
}
