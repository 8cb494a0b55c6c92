//! Learners in classes, by their pages and forms. What instructors do is done by the store here.

use std::ops::{Deref, DerefMut};

use app::model::teach::ClassState;
use app::model::{BRING, ClassInvite, LabChoice, LiveEvent, MembershipState, MembershipView, Standing};
use axum::http::StatusCode;
use classroom::{Event, PointsScheme};
use secrecy::SecretString;
use store::{Class, ClassId, ClassSettings, LearnerId, MAX_MEMBERS, NewHint, SignIn, Store};
use time::{Duration, OffsetDateTime};

use super::client::{Answer, Learner, SESSION, Visitor};
use super::live::Events;
use super::world::{Wishes, World};
use crate::config::{LabsFor, VisitOptions};
use crate::membership::MembershipError;
use crate::state::now;

/// A class, and what its instructor does.
struct Classroom {
    store: Store,
    id: ClassId,
    code: String,
}

/// A browser whose lab is in a class.
struct Member {
    visitor: Visitor,
    id: LearnerId,
}

fn settings() -> ClassSettings {
    ClassSettings {
        name: "Streams 101".to_owned(),
        starts: None,
        ends: None,
        approval: false,
        settings: serde_json::json!({}),
    }
}

fn hours(hours: i64) -> Option<OffsetDateTime> {
    Some(now() + Duration::hours(hours))
}

impl Classroom {
    async fn open(world: &World) -> Self {
        Self::with(world, settings()).await
    }

    async fn with(world: &World, settings: ClassSettings) -> Self {
        let store = world.store.clone();
        let login = format!("{}@example.org", store.count_instructors().await.unwrap());
        let sign_in = SignIn::Password(SecretString::from("no hash"));
        let owner = store.create_instructor(&login, "Amara Okafor", &sign_in, false, now()).await.unwrap();
        let points = PointsScheme { steps: Vec::new(), assisted_percent: 100 };
        let id = store.create_class(&owner.id, &settings, &points, now()).await.unwrap();
        let code = store.class(&id).await.unwrap().unwrap().join_code.as_str().to_owned();
        Self { store, id, code }
    }

    async fn class(&self) -> Class {
        self.store.class(&self.id).await.unwrap().unwrap()
    }

    fn path(&self) -> String {
        format!("/join/{}", self.code)
    }

    /// The form of the way in, with a new lab.
    async fn join(&self, visitor: &mut Visitor, name: &str) -> Answer {
        self.join_with(visitor, &[("name", name), ("lab", LabChoice::SandboxSql.as_str())]).await
    }

    async fn join_with(&self, visitor: &mut Visitor, fields: &[(&str, &str)]) -> Answer {
        visitor.post("/api/join", &[&[("code", self.code.as_str())], fields].concat()).await
    }

    /// What the same form is answered with script.
    async fn refusal(&self, visitor: &mut Visitor, fields: &[(&str, &str)]) -> String {
        let refused = visitor.call("join", &[&[("code", self.code.as_str())], fields].concat()).await;
        let error: app::error::BackendError = refused.json();
        error.to_string()
    }

    async fn member(&self, world: &World, name: &str) -> Member {
        let mut visitor = world.visitor();
        let joined = self.join(&mut visitor, name).await;
        assert_eq!((joined.status, joined.location()), (StatusCode::FOUND, Some("/lab/connect")), "{joined:?}");
        let members = self.store.members(&self.id).await.unwrap();
        let id = members.into_iter().find(|member| member.name.as_deref() == Some(name)).unwrap().learner;
        Member { visitor, id }
    }

    async fn send_hint(&self, learner: &LearnerId, words: &str) {
        let hint = NewHint {
            step: "ingest".to_owned(),
            check: None,
            words: words.to_owned(),
            by: "amara".to_owned(),
            by_name: "Amara Okafor".to_owned(),
        };
        assert_eq!(self.store.send_hint(&self.id, std::slice::from_ref(learner), &hint, now()).await.unwrap(), 1);
    }

    async fn change(&self, change: impl FnOnce(&mut ClassSettings)) {
        let class = self.class().await;
        let Class { name, starts, ends, approval, settings, .. } = class;
        let mut settings = ClassSettings { name, starts, ends, approval, settings };
        change(&mut settings);
        self.store.update_class(&self.id, &settings).await.unwrap();
    }

    /// The events of the log about a learner.
    async fn log_of(&self, learner: &LearnerId) -> Vec<Event> {
        while self.store.seal().await.unwrap() > 0 {}
        let log = self.store.log_after(&self.id, 0, 1000).await.unwrap();
        log.into_iter()
            .filter(|entry| entry.learner.as_deref() == Some(learner.as_str()))
            .map(|entry| entry.event)
            .collect()
    }
}

impl Member {
    async fn place(&mut self) -> Option<MembershipView> {
        self.call("membership", &[]).await.json()
    }

    /// What the bar of the class says.
    async fn bar(&mut self) -> String {
        self.get("/lab/ingest").await.section("class")
    }
}

impl Deref for Member {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl DerefMut for Member {
    fn deref_mut(&mut self) -> &mut Visitor {
        &mut self.visitor
    }
}

/// The learner of a lab that was started without a class.
async fn id_of(world: &World, learner: &Learner) -> LearnerId {
    let (id,): (String,) = sqlx::query_as("SELECT learner_id FROM learner WHERE account = ?")
        .bind(&learner.account)
        .fetch_one(world.sqlite())
        .await
        .unwrap();
    id.parse().unwrap()
}

#[tokio::test]
async fn a_code_leads_to_its_class_however_it_is_typed() {
    let world = World::start().await;
    let classroom = Classroom::with(&world, ClassSettings { starts: hours(-1), ends: hours(2), ..settings() }).await;
    let mut visitor = world.visitor();
    assert!(visitor.get("/").await.html().contains("href=\"/join\""), "the first page leads to the code");
    let typed = classroom.code.to_lowercase().replace('-', "+");
    for path in [classroom.path(), format!("/join?code={typed}"), format!("/join/{}", classroom.code.replace('-', ""))]
    {
        let page = visitor.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        let text = page.text();
        for told in
            ["Streams 101", "Taught by Amara Okafor", "Begins", "Ends", "At once", "Streaming SQL", "Join the class"]
        {
            assert!(text.contains(told), "{path} does not tell {told}: {text}");
        }
        assert!(!page.html().contains("value=\"account-"), "this server has no labs in accounts: {text}");
        assert!(!text.contains("Stay anonymous"), "{text}");
    }
    assert_eq!(visitor.session(), None, "looking makes no session");
    assert_eq!(visitor.get("/join").await.html().matches("name=\"code\"").count(), 1);
}

#[tokio::test]
async fn an_unknown_code_is_told_kept_and_counted() {
    let visits = VisitOptions { starts_per_minute: 0, wrong_guesses_per_minute: 2, trusted_proxy: Vec::new() };
    let world = World::start_with(Wishes { visits, ..Wishes::default() }).await;
    let classroom = Classroom::open(&world).await;
    let mut visitor = world.visitor();
    for _ in 0..5 {
        assert_eq!(visitor.get(&classroom.path()).await.status, StatusCode::OK, "right codes are not counted");
    }
    let page = visitor.get("/join?code=nonsense%22%3E").await;
    assert!(page.text().contains(&MembershipError::UnknownCode.to_string()), "{}", page.text());
    assert!(page.html().contains("value=\"nonsense&quot;&gt;\""), "what was typed is kept: {}", page.html());
    let refused = visitor.call("join", &[("code", "K7QM-2XRD"), ("name", "Ada"), ("lab", "sandbox-sql")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    assert!(refused.body.contains(&MembershipError::UnknownCode.to_string()), "{refused:?}");
    assert_eq!(visitor.get("/join/K7QM-2XRD").await.status, StatusCode::OK);
    let barred = visitor.get(&classroom.path()).await;
    assert_eq!(barred.status, StatusCode::TOO_MANY_REQUESTS, "wrong codes are");
}

#[tokio::test]
async fn who_joins_gets_a_lab_in_the_class() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut ada = classroom.member(&world, "Ada <b>Lovelace</b>").await;
    let page = ada.get("/lab/connect").await;
    let text = page.text();
    assert!(text.contains("You are in the class Streams 101: its instructors see how you get on."), "{text}");
    assert!(page.code("keys-exports").is_some() && page.code("resume-code-value").is_some(), "{text}");
    assert!(page.html().contains("You: Ada &lt;b&gt;Lovelace&lt;/b&gt;"), "a name is no markup: {}", page.html());
    assert!(ada.get("/results").await.section("class").contains("Streams 101"));
    let log = classroom.log_of(&ada.id).await;
    assert_eq!(log[..2], [Event::Joined, Event::StepOpened { step: "connect".to_owned() }]);

    let again = classroom.join(&mut ada, "Grace").await;
    assert_eq!(again.location(), Some("/lab/connect"), "to join again changes nothing");
    assert_eq!(ada.place().await.unwrap().name.as_deref(), Some("Ada <b>Lovelace</b>"));
    assert_eq!(world.store.count_learners().await.unwrap(), 1);
    assert!(ada.get(&classroom.path()).await.text().contains("You are in this class."));
}

#[tokio::test]
async fn joining_puts_the_learner_into_a_new_session() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut visitor = world.visitor();
    classroom.join(&mut visitor, "").await;
    let planted = visitor.session().unwrap().to_owned();
    classroom.join(&mut visitor, "Ada").await;
    assert_ne!(visitor.session(), Some(planted.as_str()));
    let mut planter = world.visitor();
    planter.cookies.insert(SESSION.to_owned(), planted);
    assert!(planter.get("/lab/connect").await.text().contains("No lab in this browser yet"));
}

#[tokio::test]
async fn a_lab_that_is_brought_along_counts_from_its_beginning() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut learner = world.learner().await;
    let id = id_of(&world, &learner).await;
    learner.create_bucket().await;
    let page = learner.get(&classroom.path()).await;
    assert!(page.section("join").contains("0 of 7 steps passed. What you did before counts."), "{}", page.text());
    let joined = classroom.join_with(&mut learner, &[("name", "Ada"), ("lab", BRING)]).await;
    assert_eq!(joined.location(), Some("/lab/connect"), "{joined:?}");
    let log = classroom.log_of(&id).await;
    assert_eq!(log[0], Event::Joined);
    let has_bucket = |event: &Event| matches!(event, Event::Verdict { check, first_passed_ms: Some(_), .. } if check == "delivery-stream.bucket");
    assert!(log.iter().any(has_bucket), "{log:?}");
    assert!(learner.get("/lab/connect").await.text().contains(&learner.account), "it is the same lab");
}

#[tokio::test]
async fn a_new_lab_leaves_the_old_one_to_its_code() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut learner = world.learner().await;
    assert!(learner.get(&classroom.path()).await.text().contains("opened by its resume code"));
    let (account, code) = (learner.account.clone(), learner.resume_code.clone());
    let joined = classroom.join(&mut learner, "Ada").await;
    assert_eq!(joined.location(), Some("/lab/connect"));
    assert!(!learner.get("/lab/connect").await.body.contains(&account));
    let mut elsewhere = world.visitor();
    elsewhere.post("/api/resume", &[("code", &code)]).await;
    let page = elsewhere.get("/lab/connect").await;
    assert!(page.body.contains(&account) && !page.html().contains("aria-label=\"Your class\""), "{}", page.text());
}

#[tokio::test]
async fn every_refusal_has_its_words_and_leaves_no_lab_behind() {
    let world = World::start().await;
    let open = Classroom::open(&world).await;
    let new: [(&str, &str); 2] = [("name", "Ada"), ("lab", "sandbox-sql")];
    let to_come = Classroom::with(&world, ClassSettings { starts: hours(3), ..settings() }).await;
    let over = Classroom::with(&world, ClassSettings { ends: hours(-1), ..settings() }).await;
    let archived = Classroom::open(&world).await;
    world.store.archive_class(&archived.id, Some(now())).await.unwrap();
    let picky = serde_json::json!({ "labs": ["sandbox-window"] });
    let picky = Classroom::with(&world, ClassSettings { settings: picky, ..settings() }).await;

    let mut visitor = world.visitor();
    let long = "é".repeat(81);
    for (classroom, fields, error) in [
        (&to_come, &new[..], MembershipError::NotBegun),
        (&over, &new, MembershipError::Over),
        (&archived, &new, MembershipError::Archived),
        (&picky, &new, MembershipError::LabNotAllowed),
        (&open, &[("name", "Ada"), ("lab", "account-flink")], MembershipError::LabNotAllowed),
        (&open, &[("name", "Ada"), ("lab", BRING)], MembershipError::NoLabToBring),
        (&open, &[("name", " "), ("lab", "sandbox-sql")], MembershipError::NoName),
        (&open, &[("anonymous", "true"), ("lab", "sandbox-sql")], MembershipError::NoName),
        (&open, &[("name", &long), ("lab", "sandbox-sql")], MembershipError::LongName),
    ] {
        assert_eq!(classroom.refusal(&mut visitor, fields).await, error.to_string());
    }
    assert_eq!(open.refusal(&mut visitor, &[("name", "Ada"), ("lab", "any")]).await, "Choose a lab to join with.");
    assert_eq!(world.store.count_learners().await.unwrap(), 0);
    assert_eq!(world.headwater.sandbox().count_accounts().await.unwrap(), 0);

    for (classroom, told) in [
        (&to_come, "This class has not begun. It begins"),
        (&over, "This class is over"),
        (&archived, "This class is in the archive"),
    ] {
        let page = visitor.get(&classroom.path()).await;
        assert!(page.text().contains(told) && !page.html().contains("action=\"/api/join\""), "{}", page.text());
    }
    let posted = open.join_with(&mut visitor, &[("name", "Ada <i>"), ("lab", "account-flink")]).await;
    assert_eq!(posted.location(), Some(format!("{}#join", open.path()).as_str()));
    let page = visitor.get(&open.path()).await;
    assert!(page.section("join").contains(&MembershipError::LabNotAllowed.to_string()), "{}", page.text());
    assert!(page.html().contains("value=\"Ada &lt;i&gt;\""), "what was typed is kept: {}", page.html());
}

#[tokio::test]
async fn a_full_class_says_so() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let many = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MAX_MEMBERS})");
    let learners = format!(
        "{many} INSERT INTO learner (learner_id, resume_code_hash, account, place, variables, created_ms, seen_ms)
         SELECT printf('%032x', i), printf('%d', i), '', '{{}}', '{{}}', 0, 0 FROM n"
    );
    sqlx::query(&learners).execute(world.sqlite()).await.unwrap();
    sqlx::query(
        "INSERT INTO member (learner_id, class_id, state, joined_ms) SELECT learner_id, ?, 'active', 0 FROM learner",
    )
    .bind(classroom.id.as_str())
    .execute(world.sqlite())
    .await
    .unwrap();
    let told = classroom.refusal(&mut world.visitor(), &[("name", "Ada"), ("lab", "sandbox-sql")]).await;
    assert_eq!(told, MembershipError::Full.to_string());
    assert_eq!(world.headwater.sandbox().count_accounts().await.unwrap(), 0);
}

#[tokio::test]
async fn a_lab_is_in_one_class_at_a_time() {
    let world = World::start().await;
    let (first, second) = (Classroom::open(&world).await, Classroom::open(&world).await);
    first.change(|settings| settings.name = "Streams for poets".to_owned()).await;
    let mut ada = first.member(&world, "Ada").await;
    let bring = [("name", "Ada"), ("lab", BRING)];
    let expected = MembershipError::InAnotherClass { class: "Streams for poets".to_owned() };
    assert_eq!(second.refusal(&mut ada, &bring).await, expected.to_string());
    let page = ada.get(&second.path()).await;
    assert!(page.text().contains("is in the class Streams for poets , and a lab is in one class"), "{}", page.text());
    assert!(page.html().contains("href=\"/lab/connect#class\"") && !page.html().contains("value=\"bring\""));

    let left = ada.post("/api/leave-class", &[("page", "connect")]).await;
    assert_eq!(left.location(), Some("/lab/connect#class"));
    let page = ada.get("/lab/connect").await.text();
    assert!(page.contains("You left the class Streams for poets. Your lab stays yours."), "{page}");
    assert_eq!(ada.place().await, None);
    assert_eq!(second.join_with(&mut ada, &bring).await.location(), Some("/lab/connect"));
    assert_eq!(ada.place().await.unwrap().class_name, "Streams 101");
    assert_eq!(first.log_of(&ada.id).await.last(), Some(&Event::Left));
}

#[tokio::test]
async fn who_was_taken_out_is_told_and_cannot_come_back() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut ada = classroom.member(&world, "Ada").await;
    world.store.remove_member(&classroom.id, &ada.id, now()).await.unwrap();
    let bar = ada.bar().await;
    assert!(
        bar.contains("You were taken out of this class. Nothing is noted there any more; your lab goes on."),
        "{bar}"
    );
    let left = ada.call("leave-class", &[]).await;
    assert!(left.body.contains(&MembershipError::NotInClass.to_string()), "leaving would be a way back: {left:?}");
    for fields in [[("name", "Ada"), ("lab", BRING)], [("name", "Ada"), ("lab", "sandbox-sql")]] {
        assert_eq!(classroom.refusal(&mut ada, &fields).await, MembershipError::Removed.to_string());
    }
    let page = ada.get(&classroom.path()).await;
    assert!(page.text().contains(&MembershipError::Removed.to_string()), "{}", page.text());
    world.store.let_in(&classroom.id, &ada.id, now()).await.unwrap();
    assert_eq!(ada.place().await.unwrap().state, MembershipState::Active);
}

#[tokio::test]
async fn who_waits_works_meanwhile_and_hears_at_once_of_being_let_in() {
    let world = World::start().await;
    let classroom = Classroom::with(&world, ClassSettings { approval: true, ..settings() }).await;
    assert!(world.visitor().get(&classroom.path()).await.text().contains("Ask to be let in"));
    let mut ada = classroom.member(&world, "Ada").await;
    let page = ada.get("/lab/connect").await.text();
    assert!(page.contains("You asked to be let into the class Streams 101."), "{page}");
    assert!(page.contains("Waiting to be let in. Go on meanwhile: what you do counts once you are in."), "{page}");
    let refused = ada.call("hand", &[("step", "connect"), ("up", "true")]).await;
    assert!(refused.body.contains(&MembershipError::NotLetIn.to_string()), "{refused:?}");
    assert!(ada.get(&classroom.path()).await.text().contains("You have asked to be let in."));
    assert_eq!(classroom.log_of(&ada.id).await, [Event::Waiting]);

    let mut events = Events::open(&mut ada, "connect").await;
    let waits =
        |event| matches!(event, LiveEvent::Class(Some(place)) if place.state == MembershipState::Waiting).then_some(());
    events.until(waits).await;
    world.store.let_in(&classroom.id, &ada.id, now()).await.unwrap();
    let active =
        |event| matches!(event, LiveEvent::Class(Some(place)) if place.state == MembershipState::Active).then_some(());
    events.until(active).await;
    let log = classroom.log_of(&ada.id).await;
    assert_eq!(log[1..3], [Event::Joined, Event::StepOpened { step: "connect".to_owned() }], "what was done counts");
}

#[tokio::test]
async fn only_where_it_is_allowed_a_learner_stays_anonymous() {
    let world = World::start().await;
    let anonymous = serde_json::json!({ "anonymous": true });
    let classroom = Classroom::with(&world, ClassSettings { settings: anonymous, ..settings() }).await;
    let mut visitor = world.visitor();
    assert!(visitor.get(&classroom.path()).await.section("join").contains("Stay anonymous"));
    let joined =
        classroom.join_with(&mut visitor, &[("name", "Ada"), ("anonymous", "true"), ("lab", "sandbox-sql")]).await;
    assert_eq!(joined.location(), Some("/lab/connect"));
    assert_eq!(world.store.members(&classroom.id).await.unwrap()[0].name, None);
    assert!(visitor.get("/lab/connect").await.section("class").contains("You: anonymous"));

    let renamed = visitor.post("/api/rename-in-class", &[("name", " Ada  L. "), ("page", "")]).await;
    assert_eq!(renamed.location(), Some("/results#class"));
    let page = visitor.get("/results").await.text();
    assert!(page.contains("You: Ada L.") && page.contains("The class sees you by this name."), "{page}");
    visitor.call("rename-in-class", &[("anonymous", "true")]).await;
    assert_eq!(world.store.members(&classroom.id).await.unwrap()[0].name, None);
    classroom.change(|settings| settings.settings = serde_json::json!({})).await;
    for (fields, error) in [
        (&[("anonymous", "true")][..], MembershipError::NoName),
        (&[("name", "")], MembershipError::NoName),
        (&[("name", &"x".repeat(81))], MembershipError::LongName),
    ] {
        let refused = visitor.call("rename-in-class", fields).await;
        assert!(refused.body.contains(&error.to_string()), "{refused:?}");
    }
    let posted = visitor.post("/api/rename-in-class", &[("name", &"x".repeat(81)), ("page", "ingest")]).await;
    assert_eq!(posted.location(), Some("/lab/ingest#class"));
    let page = visitor.get("/lab/ingest").await;
    assert!(page.html().contains(&"x".repeat(81)) && page.html().contains("aria-invalid=\"true\""), "{}", page.html());
}

#[tokio::test]
async fn a_hand_goes_up_and_down() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut ada = classroom.member(&world, "Ada").await;
    assert!(ada.bar().await.contains("Raise your hand"));
    let mut events = Events::open(&mut ada, "ingest").await;
    let posted = ada.post("/api/hand", &[("step", "ingest"), ("up", "true"), ("page", "ingest")]).await;
    assert_eq!(posted.location(), Some("/lab/ingest#class"));
    let step = events
        .until(|event| match event {
            LiveEvent::Class(place) => place?.hand.map(|hand| hand.step),
            _ => None,
        })
        .await;
    let title = world.headwater.lab(lab::Engine::SqlApplication).step("ingest").unwrap().title.clone();
    assert_eq!(step, title);
    let page = ada.get("/lab/ingest").await;
    assert!(page.text().contains("Your hand is up: the instructors of the class see it."), "{}", page.text());
    let bar = page.section("class");
    assert!(
        bar.contains("Hand is up since") && bar.contains(&format!("({title})")) && bar.contains("Lower it"),
        "{bar}"
    );
    assert_eq!(world.store.member_counts(&classroom.id).await.unwrap().hands, 1);

    ada.post("/api/hand", &[("step", "ingest"), ("up", "false"), ("page", "ingest")]).await;
    assert!(ada.get("/lab/ingest").await.text().contains("Your hand is down."));
    assert_eq!(
        ada.call("hand", &[("step", "ingest"), ("up", "false")]).await.status,
        StatusCode::OK,
        "down stays down"
    );
    assert_eq!(world.store.member_counts(&classroom.id).await.unwrap().hands, 0);
    let unknown = ada.call("hand", &[("step", "nowhere"), ("up", "true")]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn when_the_class_is_over_the_lab_goes_on() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut ada = classroom.member(&world, "Ada").await;
    let mut events = Events::open(&mut ada, "ingest").await;
    classroom.change(|settings| settings.ends = hours(-1)).await;
    let ended =
        |event| matches!(event, LiveEvent::Class(Some(place)) if place.class_state == ClassState::Ended).then_some(());
    events.until(ended).await;
    let bar = ada.bar().await;
    assert!(bar.contains("The class is over: nothing is noted any more. Your lab goes on."), "{bar}");
    let refused = ada.call("hand", &[("step", "ingest"), ("up", "true")]).await;
    assert!(refused.body.contains(&MembershipError::OverForHands.to_string()), "{refused:?}");
    assert_eq!(ada.post("/api/recheck", &[("slug", "connect")]).await.location(), Some("/lab/connect#checks"));
    world.store.delete_class(&classroom.id).await.unwrap();
    assert_eq!(ada.place().await, None);
    assert_eq!(ada.get("/lab/ingest").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_hint_comes_by_itself_and_is_put_away_once() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut ada = classroom.member(&world, "Ada").await;
    let mut grace = classroom.member(&world, "Grace").await;
    let mut events = Events::open(&mut ada, "connect").await;
    events.until(|event| matches!(event, LiveEvent::Class(Some(_))).then_some(())).await;
    classroom.send_hint(&ada.id, "Look at the prefix:\n<script>alert(1)</script>").await;
    let hint = events
        .until(|event| match event {
            LiveEvent::Class(place) => place?.hints.into_iter().next(),
            _ => None,
        })
        .await;
    assert_eq!((hint.sent_by.as_str(), hint.seen_at), ("Amara Okafor", None));
    assert_eq!(hint.step.as_ref().map(|step| (step.slug.as_str(), step.number)), Some(("ingest", 2)));
    let page = ada.get("/lab/connect").await;
    assert!(page.text().contains("Hint from Amara Okafor , "), "{}", page.text());
    assert!(page.html().contains("Look at the prefix:\n&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", page.html());
    assert!(page.html().contains("href=\"/lab/ingest\""));
    assert!(!page.section("class").contains("Look at the prefix"), "it is no earlier hint yet");

    let foreign = grace.call("put-away-hint", &[("hint", &hint.id)]).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "nobody puts away another's: {foreign:?}");
    for wrong in ["", "x", &"0".repeat(32)] {
        assert_eq!(ada.call("put-away-hint", &[("hint", wrong)]).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let put = ada.post("/api/put-away-hint", &[("hint", &hint.id), ("page", "connect")]).await;
    assert_eq!(put.location(), Some("/lab/connect#class"));
    assert_eq!(ada.call("put-away-hint", &[("hint", &hint.id)]).await.status, StatusCode::OK, "once more is no fault");
    let page = ada.get("/lab/connect").await;
    assert!(!page.html().contains("action=\"/api/put-away-hint\""), "{}", page.html());
    let bar = page.section("class");
    assert!(bar.contains("Earlier hints (1)") && bar.contains("Look at the prefix:"), "it can be read again: {bar}");
    let seen =
        classroom.log_of(&ada.id).await.into_iter().filter(|event| matches!(event, Event::HintSeen { .. })).count();
    assert_eq!(seen, 1);
    assert_eq!(grace.place().await.unwrap().hints, []);
}

#[tokio::test]
async fn an_instructor_takes_a_hand_down_in_the_open_page() {
    let world = World::start().await;
    let classroom = Classroom::open(&world).await;
    let mut ada = classroom.member(&world, "Ada").await;
    ada.call("hand", &[("step", "ingest"), ("up", "true")]).await;
    let mut events = Events::open(&mut ada, "ingest").await;
    let up = |event| matches!(event, LiveEvent::Class(Some(place)) if place.hand.is_some()).then_some(());
    events.until(up).await;
    let hand = classroom::HelpSubject::Hand;
    world.store.resolve(&classroom.id, &ada.id, &hand, "Amara Okafor", now()).await.unwrap();
    let down = |event| matches!(event, LiveEvent::Class(Some(place)) if place.hand.is_none()).then_some(());
    events.until(down).await;
}

#[tokio::test]
async fn without_a_class_there_is_nothing_of_one() {
    let world = World::start().await;
    let mut learner = world.learner().await;
    assert_eq!(learner.call("membership", &[]).await.body, "null");
    assert!(!learner.get("/lab/connect").await.html().contains("aria-label=\"Your class\""));
    let words = MembershipError::NotInClass.to_string();
    for (function, fields) in [
        ("hand", &[("step", "connect"), ("up", "true")][..]),
        ("rename-in-class", &[("name", "Ada")]),
        ("leave-class", &[]),
    ] {
        let refused = learner.call(function, fields).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{function}");
        assert!(refused.body.contains(&words), "{function}: {refused:?}");
    }
    let mut stranger = world.visitor();
    assert_eq!(stranger.call("membership", &[]).await.body, "null");
    let hint = "0".repeat(32);
    for (function, fields) in [
        ("hand", &[("step", "connect"), ("up", "true")][..]),
        ("hand", &[("step", "connect"), ("up", "false")]),
        ("rename-in-class", &[("name", "Ada")]),
        ("leave-class", &[]),
        ("put-away-hint", &[("hint", &hint)]),
    ] {
        assert_eq!(stranger.call(function, fields).await.status, StatusCode::UNAUTHORIZED, "{function}");
    }
}

#[tokio::test]
async fn the_way_in_tells_how_the_lab_of_this_browser_stands() {
    let world = World::start().await;
    let (first, second) = (Classroom::open(&world).await, Classroom::open(&world).await);
    let mut learner = world.learner().await;
    assert_eq!(standing(&mut learner, &first).await, Standing::Free);
    first.join_with(&mut learner, &[("name", "Ada"), ("lab", BRING)]).await;
    assert_eq!(standing(&mut learner, &first).await, Standing::Here(MembershipState::Active));
    assert_eq!(standing(&mut learner, &second).await, Standing::Elsewhere("Streams 101".to_owned()));
}

async fn standing(learner: &mut Learner, classroom: &Classroom) -> Standing {
    let invite: ClassInvite = learner.call("join/invite", &[("code", &classroom.code)]).await.json();
    let own = invite.own_lab.unwrap();
    assert_eq!((own.choice, own.steps_total), (LabChoice::SandboxSql, 7));
    own.standing
}

#[tokio::test]
async fn labs_for_members_are_for_members_only() {
    let world = World::start_with(Wishes { labs_for: LabsFor::Members, ..Wishes::default() }).await;
    let classroom = Classroom::open(&world).await;
    let mut visitor = world.visitor();
    let landing = visitor.get("/").await;
    assert!(landing.text().contains("Labs here are for members of a class. Enter its code"), "{}", landing.text());
    assert!(landing.html().contains("action=\"/join\"") && !landing.html().contains("action=\"/api/start\""));
    let refused = visitor.call("start", &[("choice", "sandbox-sql")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body.contains("Labs here are for members of a class."), "{refused:?}");
    assert_eq!(visitor.post(crate::new_account::PATH, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.headwater.sandbox().count_accounts().await.unwrap(), 0);
    classroom.member(&world, "Ada").await;
}
