//! The classes' logs: what goes in, in which order, who hears of it.

use std::collections::BTreeSet;

use classroom::{Event, Head, LogEntry, VerdictKind};
use store::{Change, ClassId, ClassSettings, Delivery, KEPT_DELIVERIES, Store};
use time::Duration;
use tokio::task::JoinSet;

use crate::home::{EVENING, Home, MORNING, NOON, class, learner, outcome, settings};

/// Seals all there is and gives the log, after a look at its chain.
async fn sealed(store: &Store, class: &ClassId) -> Vec<LogEntry> {
    while store.seal().await.unwrap() > 0 {}
    let log = store.log_after(class, 0, 100_000).await.unwrap();
    let mut head = Head::empty();
    for entry in &log {
        assert_eq!((entry.seq, &entry.previous), (head.seq + 1, &head.hash));
        assert_eq!(entry.computed_hash().unwrap(), entry.hash);
        head = Head { seq: entry.seq, hash: entry.hash.clone() };
    }
    assert_eq!(store.head(class).await.unwrap(), Some(head));
    log
}

fn events(log: &[LogEntry]) -> Vec<Event> {
    log.iter().map(|entry| entry.event.clone()).collect()
}

on_both! {
    async fn what_a_member_does_is_in_the_log(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        store.join(&class, &learner.id, Some("Grace"), NOON).await.unwrap();
        for _ in 0..2 {
            store.open_step(&learner.id, "connect", NOON).await.unwrap();
        }
        store.count_attempt(&learner.id, "connect", NOON).await.unwrap();
        store.record_checks(&learner.id, "connect", &[outcome(false)], false, NOON).await.unwrap();
        store.reveal_hint(&learner.id, "connect", 1, NOON).await.unwrap();
        store.reveal_hint(&learner.id, "connect", 1, NOON).await.unwrap();
        store.record_answer(&learner.id, "connect", 0, &[1], false, NOON).await.unwrap();
        store.assist_step(&learner.id, "connect", NOON).await.unwrap();
        store.record_checks(&learner.id, "connect", &[outcome(true)], true, NOON).await.unwrap();
        store.record_checks(&learner.id, "connect", &[], true, EVENING - Duration::SECOND).await.unwrap();
        let log = sealed(&store, &class.id).await;
        assert!(log.iter().skip(1).all(|entry| entry.learner.as_deref() == Some(learner.id.as_str())));
        let noon_ms = NOON.unix_timestamp() * 1000;
        let step = || "connect".to_owned();
        let found = events(&log);
        assert!(matches!(&found[0], Event::PointsSet { .. }));
        assert_eq!(found[1..4], [Event::Joined, Event::StepOpened { step: step() }, Event::Attempted { step: step(), attempts: 1 }]);
        let Event::Verdict { verdict, cause, first_passed_ms, evidence_sha256, .. } = &found[4] else { panic!("{found:?}") };
        assert_eq!((*verdict, cause.as_str(), *first_passed_ms), (VerdictKind::Wrong, "prefix", None));
        assert_eq!(evidence_sha256.len(), 64);
        assert_eq!(found[5..8], [
            Event::HintRevealed { step: step(), revealed: 1 },
            Event::Answered { step: step(), question: 0, correct: false, first_correct: false, tries: 1 },
            Event::Assisted { step: step() },
        ]);
        assert!(matches!(&found[8], Event::Verdict { verdict: VerdictKind::Pass, first_passed_ms: Some(ms), .. } if *ms == noon_ms));
        assert_eq!(found[9..], [Event::StepPassed { step: step(), passed_ms: noon_ms }]);
        let names: Vec<_> = log.iter().filter(|entry| serde_json::to_string(entry).unwrap().contains("Grace")).collect();
        assert!(names.is_empty(), "a name is in the log: {names:?}");
    }

    async fn what_was_done_before_comes_along(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        store.open_step(&learner.id, "connect", MORNING).await.unwrap();
        store.record_checks(&learner.id, "connect", &[outcome(true)], true, MORNING).await.unwrap();
        assert_eq!(sealed(&store, &class.id).await.len(), 1, "only the points: the learner is in no class");
        store.join(&class, &learner.id, None, NOON).await.unwrap();
        let morning_ms = MORNING.unix_timestamp() * 1000;
        let found = events(&sealed(&store, &class.id).await);
        assert_eq!(found[1..3], [Event::Joined, Event::StepOpened { step: "connect".to_owned() }]);
        assert!(matches!(&found[3], Event::Verdict { first_passed_ms: Some(ms), .. } if *ms == morning_ms), "{found:?}");
        assert_eq!(found[4..], [Event::StepPassed { step: "connect".to_owned(), passed_ms: morning_ms }]);
    }

    async fn what_was_done_before_is_told_in_the_order_of_the_learners_way(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        for (step, at) in [("preprocess", MORNING), ("ingest", NOON)] {
            store.open_step(&learner.id, step, at).await.unwrap();
        }
        store.join(&class, &learner.id, None, NOON).await.unwrap();
        let opened = |step: &str| Event::StepOpened { step: step.to_owned() };
        let found = events(&sealed(&store, &class.id).await);
        assert_eq!(found[1..], [Event::Joined, opened("preprocess"), opened("ingest")]);
    }

    async fn nothing_is_noted_after_the_end_or_of_who_left(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        store.join(&class, &learner.id, None, NOON).await.unwrap();
        store.open_step(&learner.id, "connect", EVENING).await.unwrap();
        store.leave(&class.id, &learner.id, NOON).await.unwrap();
        store.open_step(&learner.id, "ingest", NOON).await.unwrap();
        let found = events(&sealed(&store, &class.id).await);
        assert_eq!(found[1..], [Event::Joined, Event::Left]);
        assert_eq!(store.steps(&learner.id).await.unwrap().len(), 2, "the learner's own record goes on");
    }

    async fn many_writers_and_two_sealers_make_one_chain(home: Home) {
        let store = home.open().await;
        let other_server = home.open().await;
        let (class, _) = class(&store, &ClassSettings { ends: None, ..settings() }).await;
        let sealers = [tokio::spawn(store.clone().keep_sealing()), tokio::spawn(other_server.clone().keep_sealing())];
        let mut writers = JoinSet::new();
        for number in 0..20_u32 {
            let store = if number % 2 == 0 { store.clone() } else { other_server.clone() };
            let class = class.clone();
            writers.spawn(async move {
                let (learner, _) = learner(&store).await;
                store.join(&class, &learner.id, None, NOON).await.unwrap();
                for _ in 0..10 {
                    store.count_attempt(&learner.id, "connect", NOON).await.unwrap();
                }
            });
        }
        writers.join_all().await;
        sealers.iter().for_each(tokio::task::JoinHandle::abort);
        let log = sealed(&store, &class.id).await;
        assert_eq!(log.len(), 1 + 20 * 11);
        // Each learner's own entries are in the order in which they were made.
        let learners: BTreeSet<_> = log.iter().filter_map(|entry| entry.learner.clone()).collect();
        for learner in learners {
            let attempts: Vec<u32> = log
                .iter()
                .filter(|entry| entry.learner.as_ref() == Some(&learner))
                .filter_map(|entry| match entry.event {
                    Event::Attempted { attempts, .. } => Some(attempts),
                    _ => None,
                })
                .collect();
            assert_eq!(attempts, (1..=10).collect::<Vec<u32>>());
        }
    }

    async fn what_a_server_left_unsealed_another_seals(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        drop(store);
        let store = home.open().await;
        let mut news = store.news();
        let listening = tokio::spawn(store.clone().listen());
        let sealing = tokio::spawn(store.clone().keep_sealing());
        while store.head(&class.id).await.unwrap().unwrap().seq == 0 {
            news.next().await.unwrap();
        }
        sealing.abort();
        listening.abort();
        assert_eq!(store.log_of_learner(&class.id, &learner(&store).await.0.id, 10).await.unwrap(), []);
    }

    async fn a_reader_goes_on_where_it_was_and_one_server_reads(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        sealed(&store, &class.id).await;
        store.create_reader(&class.id, "webhook:one", 0).await.unwrap();
        assert!(store.readers_behind("hook", NOON, 10).await.unwrap().is_empty(), "it is of another kind");
        let found = store.readers_behind("webhook", NOON, 10).await.unwrap().remove(0);
        let until = NOON + Duration::MINUTE;
        let mut reader = store.hold_reader(&found, "a", NOON, until).await.unwrap().unwrap();
        assert_eq!(reader, found);
        assert_eq!(store.hold_reader(&found, "b", NOON, until).await.unwrap(), None);
        assert!(store.readers_behind("webhook", NOON, 10).await.unwrap().is_empty(), "somebody reads");
        assert_eq!(store.next_reader_due("webhook").await.unwrap(), Some(until));
        assert!(store.keep_reader(&reader, "a", until + Duration::MINUTE).await.unwrap());
        assert!(!store.keep_reader(&reader, "b", until).await.unwrap());
        let later = until + Duration::MINUTE;
        assert!(store.hold_reader(&found, "b", later, later + Duration::MINUTE).await.unwrap().is_some(), "its time is over");
        (reader.failures, reader.failing_since, reader.retry) = (1, Some(NOON), later + Duration::HOUR);
        reader.outcome = Some(("503".to_owned(), NOON));
        assert!(!store.save_reader(&reader, "a", &[]).await.unwrap(), "it is another's");
        assert!(store.save_reader(&reader, "b", &[]).await.unwrap());
        assert!(store.readers_behind("webhook", later, 10).await.unwrap().is_empty(), "it rests");
        assert_eq!(store.hold_reader(&found, "b", later, until).await.unwrap(), None);
        assert_eq!(store.next_reader_due("webhook").await.unwrap(), Some(reader.retry));
        assert!(store.switch_on_reader(&class.id, "webhook:one").await.unwrap());
        let mut reader = store.hold_reader(&found, "a", later, later).await.unwrap().expect("it may try at once");
        assert_eq!((reader.failures, reader.failing_since), (0, None));
        (reader.position, reader.retry) = (1, later);
        assert!(store.save_reader(&reader, "a", &[]).await.unwrap());
        assert!(store.readers_behind("webhook", later + Duration::DAY, 10).await.unwrap().is_empty(), "it is at the end");
        assert_eq!(store.next_reader_due("webhook").await.unwrap(), None);
        store.create_reader(&class.id, "webhook:one", 0).await.unwrap();
        assert_eq!(store.readers(&class.id).await.unwrap(), [reader.clone()]);
        store.delete_reader(&class.id, "webhook:one").await.unwrap();
        assert!(store.readers(&class.id).await.unwrap().is_empty());
        assert!(!store.save_reader(&reader, "a", &[]).await.unwrap(), "it does not come back");
        assert!(!store.switch_on_reader(&class.id, "webhook:one").await.unwrap());
        assert!(store.readers(&class.id).await.unwrap().is_empty());
    }

    async fn readers_have_their_turn_by_how_long_they_have_waited(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        sealed(&store, &class.id).await;
        for name in ["webhook:one", "webhook:two", "webhook:three", "xapi:only"] {
            store.create_reader(&class.id, name, 0).await.unwrap();
        }
        let mut turns = Vec::new();
        for minute in 1..=6 {
            let now = NOON + Duration::MINUTE * minute;
            let found = store.readers_behind("webhook", now, 1).await.unwrap().remove(0);
            let mut reader = store.hold_reader(&found, "a", now, now).await.unwrap().unwrap();
            reader.retry = now;
            assert!(store.save_reader(&reader, "a", &[]).await.unwrap());
            turns.push(reader.name);
        }
        let (first, second) = turns.split_at(3);
        assert_eq!(first, second, "nobody twice before everybody once");
        let waiting = store.readers_waiting().await.unwrap();
        assert_eq!((waiting.readers, waiting.oldest), (4, store.log_after(&class.id, 0, 1).await.unwrap().first().map(noted)));
        let mut off = store.readers(&class.id).await.unwrap().remove(0);
        store.hold_reader(&off, "a", EVENING, EVENING).await.unwrap().unwrap();
        off.off = Some(EVENING);
        assert!(store.save_reader(&off, "a", &[]).await.unwrap());
        assert_eq!(store.readers_waiting().await.unwrap().readers, 3);
        assert_eq!(store.readers_behind("webhook", EVENING, 10).await.unwrap().len(), 2);
    }

    async fn the_latest_deliveries_of_a_reader_are_kept(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        sealed(&store, &class.id).await;
        for name in ["webhook:one", "webhook:two"] {
            store.create_reader(&class.id, name, 0).await.unwrap();
        }
        let delivery = |count: usize| Delivery {
            at: NOON + Duration::SECOND,
            status: count.is_multiple_of(2).then_some(200),
            words: format!("{count} events"),
        };
        let tries: Vec<Delivery> = (0..KEPT_DELIVERIES + 5).map(delivery).collect();
        for found in store.readers_behind("webhook", NOON, 10).await.unwrap() {
            for tried in [&tries[..3], &tries[3..]] {
                let reader = store.hold_reader(&found, "a", NOON, EVENING).await.unwrap().unwrap();
                assert!(store.save_reader(&reader, "a", tried).await.unwrap());
            }
        }
        let kept = store.deliveries(&class.id).await.unwrap();
        assert_eq!(kept.len(), 2 * KEPT_DELIVERIES);
        let of_one: Vec<Delivery> =
            kept.into_iter().filter(|(name, _)| name == "webhook:one").map(|(_, delivery)| delivery).collect();
        let latest: Vec<Delivery> = tries[5..].iter().rev().cloned().collect();
        assert_eq!(of_one, latest);
        store.delete_reader(&class.id, "webhook:one").await.unwrap();
        assert_eq!(store.deliveries(&class.id).await.unwrap().len(), KEPT_DELIVERIES, "they go with their reader");
    }
}

fn noted(entry: &LogEntry) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(entry.at_ms) * 1_000_000).unwrap()
}

#[tokio::test]
async fn what_one_server_seals_the_other_hears() {
    let home = Home::postgres().await;
    let (here, there) = (home.open().await, home.open().await);
    let mut news = there.news();
    tokio::spawn(there.clone().listen());
    // The first news says that it listens.
    assert_eq!(news.next().await, Some(Change::Unknown));
    let (class, _) = class(&here, &settings()).await;
    here.seal().await.unwrap();
    assert_eq!(news.next().await, Some(Change::Sealed { class: class.id, seq: 1 }));
}

#[tokio::test]
async fn a_server_works_on_with_what_a_newer_one_has_migrated() {
    let home = Home::postgres().await;
    let store = home.open().await;
    let store::Database::Postgres(pool) = store.database() else { panic!("another database") };
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of a newer release', true, '\\x00', 0)",
    )
    .execute(pool)
    .await
    .unwrap();
    home.open().await.ping().await.unwrap();
}
