//! The store against a real SQLite file, closed and opened again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::json;
use store::{CheckOutcome, Learner, ResumeCode, Store, StoreError};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

const MORNING: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);
const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

struct Fixture {
    folder: TempDir,
    store: Store,
    learner: Learner,
    code: ResumeCode,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("headwater.sqlite3")).await.unwrap();
    let place = json!({"kind": "sandbox"});
    let (learner, code) =
        store.create_learner("123456789012", &place, &json!({"table": "Counts"}), MORNING).await.unwrap();
    Fixture { folder, store, learner, code }
}

fn outcome(passed: bool) -> CheckOutcome {
    CheckOutcome { name: "connect.identity".to_owned(), passed, result: json!({"passed": passed}) }
}

#[tokio::test]
async fn a_learner_comes_back_by_code_after_a_restart() {
    let Fixture { folder, store, learner, code } = fixture().await;
    drop(store);
    let store = Store::open(&folder.path().join("headwater.sqlite3")).await.unwrap();
    let back = store.learner_by_resume_code(&code).await.unwrap().unwrap();
    assert_eq!((back.id, back.account, back.variables), (learner.id, learner.account, json!({"table": "Counts"})));
    assert_eq!(back.created, MORNING);
}

#[tokio::test]
async fn a_lab_moves_to_the_account_that_is_connected() {
    let Fixture { folder, store, learner, .. } = fixture().await;
    let place = json!({"kind": "account", "connection": {"profile": "lab"}});
    let variables = json!({"table": "Other"});
    store.connect_learner(&learner.id, "210987654321", &place, &variables).await.unwrap();
    drop(store);
    let store = Store::open(&folder.path().join("headwater.sqlite3")).await.unwrap();
    let moved = store.learner(&learner.id).await.unwrap().unwrap();
    assert_eq!((moved.account.as_str(), moved.place, moved.variables), ("210987654321", place, variables));
    store.delete_learner(&learner.id).await.unwrap();
    let gone = store.connect_learner(&learner.id, "210987654321", &json!({}), &json!({})).await;
    assert!(matches!(gone, Err(StoreError::NoSuchLearner)));
}

#[tokio::test]
async fn the_first_of_a_fact_stays() {
    let Fixture { folder: _folder, store, learner, .. } = fixture().await;
    let first = store.keep_first_fact(&learner.id, "external_id", &"a".to_owned()).await.unwrap();
    let second = store.keep_first_fact(&learner.id, "external_id", &"b".to_owned()).await.unwrap();
    assert_eq!((first.as_str(), second.as_str()), ("a", "a"));
}

#[tokio::test]
async fn help_with_a_step_is_remembered() {
    let Fixture { folder: _folder, store, learner, .. } = fixture().await;
    store.open_step(&learner.id, "preprocess", MORNING).await.unwrap();
    assert_eq!(store.steps(&learner.id).await.unwrap()[0].assisted, None);
    store.assist_step(&learner.id, "preprocess", NOON).await.unwrap();
    let step = store.steps(&learner.id).await.unwrap().remove(0);
    assert_eq!((step.opened, step.assisted), (Some(MORNING), Some(NOON)));
}

#[tokio::test]
async fn the_code_is_not_in_the_file_and_an_old_code_no_longer_works() {
    let Fixture { folder, store, learner, code } = fixture().await;
    let renewed = store.renew_resume_code(&learner.id).await.unwrap();
    assert!(store.learner_by_resume_code(&code).await.unwrap().is_none());
    assert!(store.learner_by_resume_code(&renewed).await.unwrap().is_some());
    // Read while it is open: the log that is not yet in the database counts too, and goes when it is closed.
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [code.expose(), renewed.expose()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test]
async fn a_pass_is_sticky() {
    let Fixture { folder: _folder, store, learner, .. } = fixture().await;
    store.record_checks(&learner.id, &[outcome(false)], MORNING).await.unwrap();
    assert_eq!(store.checks(&learner.id).await.unwrap()[0].first_passed, None);
    store.record_checks(&learner.id, &[outcome(true)], NOON).await.unwrap();
    store.record_checks(&learner.id, &[outcome(false)], NOON + time::Duration::HOUR).await.unwrap();
    let record = store.checks(&learner.id).await.unwrap().remove(0);
    assert_eq!((record.passed, record.first_passed), (false, Some(NOON)));
    assert_eq!(record.result, json!({"passed": false}));
}

#[tokio::test]
async fn the_first_opening_and_the_first_pass_of_a_step_count() {
    let Fixture { folder: _folder, store, learner, .. } = fixture().await;
    store.count_attempt(&learner.id, "ingest").await.unwrap();
    for now in [MORNING, NOON] {
        store.open_step(&learner.id, "ingest", now).await.unwrap();
        store.pass_step(&learner.id, "ingest", now).await.unwrap();
    }
    let step = store.steps(&learner.id).await.unwrap().remove(0);
    assert_eq!((step.opened, step.passed, step.attempts), (Some(MORNING), Some(MORNING), 1));
}

#[tokio::test]
async fn hints_stop_at_the_last_tier() {
    let Fixture { folder: _folder, store, learner, .. } = fixture().await;
    for _ in 0..5 {
        store.reveal_hint(&learner.id, "ingest", 3).await.unwrap();
    }
    assert_eq!(store.steps(&learner.id).await.unwrap()[0].hints_revealed, 3);
}

#[tokio::test]
async fn a_second_answer_does_not_mend_the_first() {
    let Fixture { folder: _folder, store, learner, .. } = fixture().await;
    store.record_answer(&learner.id, "ingest", 0, &[1], false, MORNING).await.unwrap();
    store.record_answer(&learner.id, "ingest", 0, &[0, 2], true, NOON).await.unwrap();
    let answer = store.answers(&learner.id).await.unwrap().remove(0);
    assert_eq!((answer.correct, answer.first_correct, answer.tries), (true, false, 2));
    assert_eq!(answer.choices, [0, 2]);
}

#[tokio::test]
async fn learners_are_apart_and_a_deleted_one_leaves_nothing() {
    let Fixture { folder: _folder, store, learner, .. } = fixture().await;
    let (other, _) = store.create_learner("210987654321", &json!({}), &json!({}), NOON).await.unwrap();
    store.record_checks(&learner.id, &[outcome(true)], NOON).await.unwrap();
    assert!(store.checks(&other.id).await.unwrap().is_empty());
    store.delete_learner(&learner.id).await.unwrap();
    assert!(store.learner(&learner.id).await.unwrap().is_none());
    assert!(store.checks(&learner.id).await.unwrap().is_empty());
    let refused = store.save_variables(&learner.id, &json!({})).await;
    assert!(matches!(refused, Err(StoreError::NoSuchLearner)));
}

#[tokio::test]
async fn a_fact_is_kept_until_it_is_replaced() {
    let Fixture { folder: _folder, store, learner, .. } = fixture().await;
    assert_eq!(store.fact::<u64>(&learner.id, "clicks").await.unwrap(), None);
    for clicks in [5_u64, 7] {
        store.save_fact(&learner.id, "clicks", &clicks).await.unwrap();
    }
    assert_eq!(store.fact::<u64>(&learner.id, "clicks").await.unwrap(), Some(7));
    assert!(matches!(store.fact::<bool>(&learner.id, "clicks").await, Err(StoreError::Decode(_))));
}
