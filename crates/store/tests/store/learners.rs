//! Learners and what they reach.

use serde_json::json;
use store::{Learner, ResumeCode, Store, StoreError};

use crate::home::{Home, MORNING, NOON, learner, outcome};

struct Fixture {
    store: Store,
    learner: Learner,
    code: ResumeCode,
}

async fn fixture(home: &Home) -> Fixture {
    let store = home.open().await;
    let (learner, code) = learner(&store).await;
    Fixture { store, learner, code }
}

on_both! {
    async fn a_learner_comes_back_by_code_after_a_restart(home: Home) {
        let Fixture { store, learner, code } = fixture(&home).await;
        drop(store);
        let store = home.open().await;
        let back = store.learner_by_resume_code(&code).await.unwrap().unwrap();
        assert_eq!((back.id, back.account, back.variables), (learner.id, learner.account, json!({"table": "Counts"})));
        assert_eq!(back.created, MORNING);
    }

    async fn a_lab_moves_to_the_account_that_is_connected(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        let place = json!({"kind": "account", "connection": {"profile": "lab"}});
        let variables = json!({"table": "Other"});
        store.connect_learner(&learner.id, "210987654321", &place, &variables).await.unwrap();
        drop(store);
        let store = home.open().await;
        let moved = store.learner(&learner.id).await.unwrap().unwrap();
        assert_eq!((moved.account.as_str(), moved.place, moved.variables), ("210987654321", place, variables));
        store.delete_learner(&learner.id).await.unwrap();
        let gone = store.connect_learner(&learner.id, "210987654321", &json!({}), &json!({})).await;
        assert!(matches!(gone, Err(StoreError::NoSuchLearner)));
    }

    async fn the_first_of_a_fact_stays(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        let first = store.keep_first_fact(&learner.id, "external_id", &"a".to_owned()).await.unwrap();
        let second = store.keep_first_fact(&learner.id, "external_id", &"b".to_owned()).await.unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("a", "a"));
    }

    async fn help_with_a_step_is_remembered(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        store.open_step(&learner.id, "preprocess", MORNING).await.unwrap();
        assert_eq!(store.steps(&learner.id).await.unwrap()[0].assisted, None);
        store.assist_step(&learner.id, "preprocess", NOON).await.unwrap();
        let step = store.steps(&learner.id).await.unwrap().remove(0);
        assert_eq!((step.opened, step.assisted), (Some(MORNING), Some(NOON)));
    }

    async fn an_old_code_no_longer_works(home: Home) {
        let Fixture { store, learner, code } = fixture(&home).await;
        let renewed = store.renew_resume_code(&learner.id).await.unwrap();
        assert!(store.learner_by_resume_code(&code).await.unwrap().is_none());
        assert!(store.learner_by_resume_code(&renewed).await.unwrap().is_some());
    }

    async fn a_pass_is_sticky(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        store.record_checks(&learner.id, "connect", &[outcome(false)], false, MORNING).await.unwrap();
        assert_eq!(store.checks(&learner.id).await.unwrap()[0].first_passed, None);
        store.record_checks(&learner.id, "connect", &[outcome(true)], false, NOON).await.unwrap();
        store.record_checks(&learner.id, "connect", &[outcome(false)], false, NOON + time::Duration::HOUR).await.unwrap();
        let record = store.checks(&learner.id).await.unwrap().remove(0);
        assert_eq!((record.passed, record.first_passed), (false, Some(NOON)));
        assert_eq!(record.result, json!({"passed": false}));
    }

    async fn the_first_opening_and_the_first_pass_of_a_step_count(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        store.count_attempt(&learner.id, "ingest", MORNING).await.unwrap();
        for now in [MORNING, NOON] {
            store.open_step(&learner.id, "ingest", now).await.unwrap();
            store.record_checks(&learner.id, "ingest", &[], true, now).await.unwrap();
        }
        let step = store.steps(&learner.id).await.unwrap().remove(0);
        assert_eq!((step.opened, step.passed, step.attempts), (Some(MORNING), Some(MORNING), 1));
    }

    async fn hints_stop_at_the_last_tier(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        for _ in 0..5 {
            store.reveal_hint(&learner.id, "ingest", 3, NOON).await.unwrap();
        }
        assert_eq!(store.steps(&learner.id).await.unwrap()[0].hints_revealed, 3);
    }

    async fn a_second_answer_does_not_mend_the_first(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        store.record_answer(&learner.id, "ingest", 0, &[1], false, MORNING).await.unwrap();
        store.record_answer(&learner.id, "ingest", 0, &[0, 2], true, NOON).await.unwrap();
        let answer = store.answers(&learner.id).await.unwrap().remove(0);
        assert_eq!((answer.correct, answer.first_correct, answer.tries), (true, false, 2));
        assert_eq!(answer.choices, [0, 2]);
    }

    async fn learners_are_apart_and_a_deleted_one_leaves_nothing(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        let (other, _) = store.create_learner("210987654321", &json!({}), &json!({}), NOON).await.unwrap();
        store.record_checks(&learner.id, "connect", &[outcome(true)], false, NOON).await.unwrap();
        assert!(store.checks(&other.id).await.unwrap().is_empty());
        store.delete_learner(&learner.id).await.unwrap();
        assert!(store.learner(&learner.id).await.unwrap().is_none());
        assert!(store.checks(&learner.id).await.unwrap().is_empty());
        let refused = store.save_variables(&learner.id, &json!({})).await;
        assert!(matches!(refused, Err(StoreError::NoSuchLearner)));
    }

    async fn a_fact_is_kept_until_it_is_replaced(home: Home) {
        let Fixture { store, learner, .. } = fixture(&home).await;
        assert_eq!(store.fact::<u64>(&learner.id, "clicks").await.unwrap(), None);
        for clicks in [5_u64, 7] {
            store.save_fact(&learner.id, "clicks", &clicks).await.unwrap();
        }
        assert_eq!(store.fact::<u64>(&learner.id, "clicks").await.unwrap(), Some(7));
        assert!(matches!(store.fact::<bool>(&learner.id, "clicks").await, Err(StoreError::Decode(_))));
    }
}

#[tokio::test]
async fn codes_are_not_in_the_file() {
    let home = Home::sqlite();
    let Fixture { store, learner, code } = fixture(&home).await;
    let renewed = store.renew_resume_code(&learner.id).await.unwrap();
    let Home::Sqlite(folder) = &home else { panic!("a home of another kind") };
    // Read while it is open: the log that is not yet in the database counts too, and goes when it is closed.
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [code.expose(), renewed.expose()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
