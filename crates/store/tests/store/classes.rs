//! Classes and their members.

use classroom::HelpSubject;
use store::{ClassSettings, JoinCode, JoinError, MemberCounts, MemberState, NewHint};
use time::Duration;

use crate::home::{EVENING, Home, MORNING, NOON, class, learner, settings};

fn hint() -> NewHint {
    NewHint {
        step: "ingest".to_owned(),
        check: Some("ingest.objects".to_owned()),
        words: "Look at the prefix.".to_owned(),
        by: "ada's account".to_owned(),
        by_name: "Ada".to_owned(),
    }
}

on_both! {
    async fn a_class_is_found_by_its_code_until_it_gets_another(home: Home) {
        let store = home.open().await;
        let (made, owner) = class(&store, &settings()).await;
        assert_eq!((made.name.as_str(), made.starts, made.ends), ("Streams 101", Some(MORNING), Some(EVENING)));
        let typed = JoinCode::parse(&made.join_code.as_str().to_lowercase()).unwrap();
        assert_eq!(store.class_by_join_code(&typed).await.unwrap().unwrap().id, made.id);
        let renewed = store.renew_join_code(&made.id).await.unwrap();
        assert!(store.class_by_join_code(&typed).await.unwrap().is_none());
        assert_eq!(store.class_by_join_code(&renewed).await.unwrap().unwrap().id, made.id);
        assert_eq!(store.classes_of(&owner.id).await.unwrap().len(), 1);
    }

    async fn what_is_set_is_kept(home: Home) {
        let store = home.open().await;
        let (made, _) = class(&store, &settings()).await;
        let changed = ClassSettings { name: "Streams 102".to_owned(), ends: None, approval: true, ..settings() };
        store.update_class(&made.id, &changed).await.unwrap();
        store.archive_class(&made.id, Some(NOON)).await.unwrap();
        drop(store);
        let kept = home.open().await.class(&made.id).await.unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.ends, kept.approval), ("Streams 102", None, true));
        assert_eq!((kept.archived, kept.settings), (Some(NOON), settings().settings));
    }

    async fn a_learner_comes_and_goes(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        for _ in 0..2 {
            assert_eq!(store.join(&class, &learner.id, Some("Grace"), NOON).await.unwrap(), MemberState::Active);
        }
        let member = store.member(&learner.id).await.unwrap().unwrap();
        assert_eq!((member.name.as_deref(), member.state, member.joined), (Some("Grace"), MemberState::Active, NOON));
        assert!(store.leave(&class.id, &learner.id, NOON).await.unwrap());
        assert!(!store.leave(&class.id, &learner.id, NOON).await.unwrap());
        assert_eq!(store.join(&class, &learner.id, None, NOON).await.unwrap(), MemberState::Active);
        assert!(store.rename_member(&class.id, &learner.id, Some("Hopper"), NOON).await.unwrap());
        assert!(store.remove_member(&class.id, &learner.id, NOON).await.unwrap());
        let removed = store.join(&class, &learner.id, Some("Grace"), NOON).await;
        assert!(matches!(removed, Err(JoinError::Removed)), "{removed:?}");
        assert!(store.let_in(&class.id, &learner.id, NOON).await.unwrap());
        let members = store.members(&class.id).await.unwrap();
        assert_eq!((members.len(), members[0].name.as_deref()), (1, Some("Hopper")));
    }

    async fn with_approval_a_learner_waits(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &ClassSettings { approval: true, ..settings() }).await;
        let (learner, _) = learner(&store).await;
        assert_eq!(store.join(&class, &learner.id, None, NOON).await.unwrap(), MemberState::Waiting);
        let counts = store.member_counts(&class.id).await.unwrap();
        assert_eq!(counts, MemberCounts { waiting: 1, active: 0, hands: 0 });
        assert!(!store.raise_hand(&learner.id, "connect", NOON).await.unwrap(), "who waits is not in the class");
        assert!(store.let_in(&class.id, &learner.id, NOON).await.unwrap());
        assert!(!store.let_in(&class.id, &learner.id, NOON).await.unwrap());
        assert_eq!(store.member_counts(&class.id).await.unwrap().active, 1);
    }

    async fn nobody_joins_too_early_too_late_or_twice(home: Home) {
        let store = home.open().await;
        let (first, _) = class(&store, &settings()).await;
        let (second, _) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        let early = store.join(&first, &learner.id, None, MORNING - Duration::SECOND).await;
        assert!(matches!(early, Err(JoinError::NotBegun { starts }) if starts == MORNING), "{early:?}");
        let late = store.join(&first, &learner.id, None, EVENING).await;
        assert!(matches!(late, Err(JoinError::Over)), "{late:?}");
        store.join(&first, &learner.id, None, NOON).await.unwrap();
        let elsewhere = store.join(&second, &learner.id, None, NOON).await;
        assert!(matches!(elsewhere, Err(JoinError::InAnotherClass)), "{elsewhere:?}");
        store.leave(&first.id, &learner.id, NOON).await.unwrap();
        assert_eq!(store.join(&second, &learner.id, None, NOON).await.unwrap(), MemberState::Active);
    }

    async fn a_hand_stays_up_until_it_is_lowered_or_resolved(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        assert!(!store.raise_hand(&learner.id, "ingest", NOON).await.unwrap(), "who is in no class has no hand to raise");
        store.join(&class, &learner.id, None, NOON).await.unwrap();
        assert!(store.raise_hand(&learner.id, "ingest", NOON).await.unwrap());
        assert!(store.raise_hand(&learner.id, "preprocess", NOON + Duration::MINUTE).await.unwrap());
        let hand = store.member(&learner.id).await.unwrap().unwrap().hand.unwrap();
        assert_eq!((hand.since, hand.step.as_str()), (NOON, "preprocess"));
        assert!(store.lower_hand(&learner.id, NOON).await.unwrap());
        assert!(!store.lower_hand(&learner.id, NOON).await.unwrap());
        store.raise_hand(&learner.id, "ingest", NOON).await.unwrap();
        store.resolve(&class.id, &learner.id, &HelpSubject::Hand, "Ada", NOON).await.unwrap();
        assert_eq!(store.member(&learner.id).await.unwrap().unwrap().hand, None);
    }

    async fn hints_reach_those_in_the_class(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let (inside, _) = learner(&store).await;
        let (outside, _) = learner(&store).await;
        store.join(&class, &inside.id, None, NOON).await.unwrap();
        let both = [inside.id.clone(), outside.id.clone()];
        assert_eq!(store.send_hint(&class.id, &both, &hint(), NOON).await.unwrap(), 1);
        assert!(store.hints(&outside.id).await.unwrap().is_empty());
        let got = store.hints(&inside.id).await.unwrap().remove(0);
        assert_eq!((got.words.as_str(), got.sent_by.as_str(), got.seen), ("Look at the prefix.", "Ada", None));
        assert!(!store.see_hint(&outside.id, &got.id, NOON).await.unwrap());
        assert!(store.see_hint(&inside.id, &got.id, NOON).await.unwrap());
        assert!(!store.see_hint(&inside.id, &got.id, NOON).await.unwrap());
        assert_eq!(store.hints(&inside.id).await.unwrap()[0].seen, Some(NOON));
    }

    async fn a_deleted_class_leaves_the_learners_their_labs(home: Home) {
        let store = home.open().await;
        let (class, owner) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        store.join(&class, &learner.id, None, NOON).await.unwrap();
        store.seal().await.unwrap();
        store.delete_class(&class.id).await.unwrap();
        assert!(store.class(&class.id).await.unwrap().is_none());
        assert!(store.classes_of(&owner.id).await.unwrap().is_empty());
        assert!(store.member(&learner.id).await.unwrap().is_none());
        assert!(store.learner(&learner.id).await.unwrap().is_some());
    }

    async fn documents_are_kept_by_class_kind_and_id(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        store.save_document(&class.id, "webhook", "one", &"http://old").await.unwrap();
        store.save_document(&class.id, "webhook", "one", &"http://new").await.unwrap();
        assert_eq!(store.document::<String>(&class.id, "webhook", "one").await.unwrap().unwrap(), "http://new");
        assert_eq!(store.documents::<String>(&class.id, "webhook").await.unwrap().len(), 1);
        assert!(store.documents::<String>(&class.id, "platform").await.unwrap().is_empty());
        let found = store.documents_by_id::<String>("webhook", "one").await.unwrap();
        assert_eq!(found, [(class.id.clone(), "http://new".to_owned())]);
        assert!(store.delete_document(&class.id, "webhook", "one").await.unwrap());
        assert!(!store.delete_document(&class.id, "webhook", "one").await.unwrap());
    }

    async fn who_comes_from_a_platform_is_the_same_learner_each_time(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let (first, _) = learner(&store).await;
        let (second, _) = learner(&store).await;
        assert_eq!(store.external_learner(&class.id, "moodle", "7").await.unwrap(), None);
        for learner in [&first, &second] {
            let kept = store.keep_external_learner(&class.id, "moodle", "7", &learner.id).await.unwrap();
            assert_eq!(kept, first.id);
        }
        let names = store.external_names(&class.id, &first.id).await.unwrap();
        assert_eq!(names, [("moodle".to_owned(), "7".to_owned())]);
    }

    async fn a_value_is_used_once_until_it_expires(home: Home) {
        let store = home.open().await;
        assert!(store.use_once("nonce", NOON, MORNING).await.unwrap());
        assert!(!store.use_once("nonce", NOON, MORNING).await.unwrap());
        assert!(store.use_once("nonce", EVENING, NOON).await.unwrap(), "it has expired");
        assert_eq!(store.keep_first_setting("key", "a").await.unwrap(), "a");
        assert_eq!(store.keep_first_setting("key", "b").await.unwrap(), "a");
    }
}
