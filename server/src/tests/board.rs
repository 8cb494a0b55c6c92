//! The live board: what its stream tells, and that nothing is missed.

use app::model::teach::{BoardEvent, ClassCounters, ClassState};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use classroom::VerdictKind::{NotYet, Pass, Wrong};

use super::client::Told;
use super::school::{CLASS, Page, School, Staff, follow};
use crate::state::now;

#[tokio::test]
async fn a_stream_begins_with_the_class_and_who_waits() {
    let mut fields = CLASS.to_vec();
    fields.push(("approval", "on"));
    let mut school = School::open_with(&fields).await;
    school.join("Lina").await;
    let path = school.events_path("");
    let mut told = follow(&mut school.owner, &path).await;
    let (_, first) = told.next::<BoardEvent>().await.unwrap();
    let counters = ClassCounters { waiting: 1, ..ClassCounters::default() };
    assert_eq!(first, BoardEvent::Class { state: ClassState::Running, counters });
    let (_, second) = told.next::<BoardEvent>().await.unwrap();
    assert!(matches!(second, BoardEvent::Waiting { waiting } if waiting[0].name == "Lina"));
}

#[tokio::test]
async fn what_a_learner_does_appears_in_the_stream() {
    let mut school = School::open().await;
    let path = school.events_path("?after=0");
    let mut told = follow(&mut school.owner, &path).await;
    let mut page = Page::default();
    let learner = school.join("Lina").await;
    page.take_until(&mut told, |page| page.rows.len() == 1).await;
    assert_eq!(page.rows[learner.as_str()].name, "Lina");
    school.check(&learner, "delivery-stream", "prefix", Wrong, "prefix").await;
    page.take_until(&mut told, |page| page.rows[learner.as_str()].cells[1].failing.is_some()).await;
    let cell = &page.rows[learner.as_str()].cells[1];
    assert_eq!((cell.attempts, serde_json::to_value(cell.state).unwrap()), (1, "wrong".into()));
    school.world.store.raise_hand(&learner, "delivery-stream", now()).await.unwrap();
    page.take_until(&mut told, |page| page.others.contains(&BoardEvent::Help)).await;
    assert!(page.rows[learner.as_str()].hand.is_some());
    school.world.store.rename_member(&school.id(), &learner, Some("Lin"), now()).await.unwrap();
    page.take_until(&mut told, |page| page.rows[learner.as_str()].name == "Lin").await;
    school.world.store.remove_member(&school.id(), &learner, now()).await.unwrap();
    page.take_until(&mut told, |page| page.rows.is_empty()).await;
}

#[tokio::test]
async fn a_page_that_shows_no_rows_gets_none() {
    let mut school = School::open().await;
    let path = school.events_path("?rows=none&after=0");
    let mut told = follow(&mut school.owner, &path).await;
    let learner = school.join("Lina").await;
    school.world.store.raise_hand(&learner, "ingest", now()).await.unwrap();
    let mut page = Page::default();
    let hands = |event: &BoardEvent| matches!(event, BoardEvent::Class { counters, .. } if counters.hands == 1);
    page.take_until(&mut told, |page| page.others.iter().any(hands)).await;
    assert!(page.rows.is_empty());
}

#[tokio::test]
async fn the_page_of_a_learner_is_told_of_that_learner_alone() {
    let mut school = School::open().await;
    let (lina, other) = (school.join("Lina").await, school.join("Otto").await);
    let path = school.events_path(&format!("?rows=none&learner={lina}"));
    let mut told = follow(&mut school.owner, &path).await;
    let mut page = Page::default();
    let count = |page: &Page| page.others.iter().filter(|event| **event == BoardEvent::Learner).count();
    page.take_until(&mut told, |page| count(page) == 1).await;
    school.check(&other, "delivery-stream", "prefix", Wrong, "prefix").await;
    school.world.store.raise_hand(&other, "ingest", now()).await.unwrap();
    let hands = |event: &BoardEvent| matches!(event, BoardEvent::Class { counters, .. } if counters.hands == 1);
    page.take_until(&mut told, |page| page.others.iter().any(hands)).await;
    assert_eq!(count(&page), 1);
    school.check(&lina, "delivery-stream", "prefix", Wrong, "prefix").await;
    page.take_until(&mut told, |page| count(page) == 2).await;
}

#[tokio::test]
async fn after_a_cut_nothing_is_missing() {
    let mut school = School::open().await;
    let mut learners = Vec::new();
    for number in 0..5 {
        learners.push(school.join(&format!("Learner {number}")).await);
    }
    school.sealed().await;
    let mut page = Page::of(&school.rows().await);
    assert_eq!(page.rows.len(), 5);
    for round in 0..4_usize {
        // The stream breaks in each round, wherever it is, and the browser comes back by itself.
        let request = (school.owner.request(Method::GET, &school.events_path("?after=0")))
            .header(header::ACCEPT, "text/event-stream")
            .header("last-event-id", page.seq.to_string())
            .body(Body::empty())
            .unwrap();
        let mut told = Told::new(school.owner.respond(request).await);
        for (number, learner) in learners.iter().enumerate() {
            let verdict = if (round + number).is_multiple_of(2) { NotYet } else { Pass };
            school.check(learner, "ingest", "rows", verdict, "").await;
        }
        let seen = page.seq;
        page.take_until(&mut told, |page| page.seq > seen).await;
        drop(told);
        school.check(&learners[round], "preprocess", "function", Wrong, "").await;
        if round == 2 {
            school.world.store.leave(&school.id(), &learners[4], now()).await.unwrap();
        }
    }
    let head = school.sealed().await;
    let path = school.events_path(&format!("?after={}", page.seq));
    let mut told = follow(&mut school.owner, &path).await;
    page.take_until(&mut told, |page| page.seq == head).await;
    let fresh = Page::of(&school.rows().await);
    assert_eq!((page.seq, &page.rows), (fresh.seq, &fresh.rows), "the same as a board that is loaded anew");
    assert_eq!(fresh.rows.len(), 4);
}

#[tokio::test]
async fn a_viewer_who_is_too_slow_misses_nothing() {
    let mut school = School::open().await;
    let learner = school.join("Lina").await;
    let path = school.events_path("?after=0");
    let mut told = follow(&mut school.owner, &path).await;
    let mut page = Page::default();
    page.take_until(&mut told, |page| page.rows.len() == 1).await;
    // More than the board keeps for one who does not read: every request for its rows makes it tell.
    let rounds: i64 = 100;
    for round in 0..rounds {
        let verdict = if round % 2 == 0 { Wrong } else { Pass };
        school.check(&learner, "ingest", "rows", verdict, "").await;
        school.sealed().await;
        school.rows().await;
    }
    let head = school.sealed().await;
    let mut news = 0;
    while page.seq < head {
        let seen = page.seq;
        page.take_until(&mut told, |page| page.seq > seen).await;
        news += 1;
    }
    assert!(head > rounds && news < rounds, "{news} of {rounds} turns were told one by one");
    let fresh = Page::of(&school.rows().await);
    assert_eq!((page.seq, &page.rows), (fresh.seq, &fresh.rows), "the same as a board that is loaded anew");
}

#[tokio::test]
async fn a_page_of_another_log_begins_anew() {
    let mut school = School::open().await;
    let path = school.events_path("?after=1000000");
    let mut told = follow(&mut school.owner, &path).await;
    let (_, first) = told.next::<BoardEvent>().await.unwrap();
    assert_eq!(first, BoardEvent::Reset);
}

#[tokio::test]
async fn the_stream_of_a_session_that_has_ended_ends() {
    let mut school = School::open().await;
    let path = school.events_path("");
    let mut elsewhere = school.owner.elsewhere().await;
    let mut told = follow(&mut elsewhere, &path).await;
    let old = school.owner.password.clone();
    let fields = [("current", old.as_str()), ("password", "another password of hers")];
    assert_eq!(school.owner.call("teach-change-password", &fields).await.status, StatusCode::OK);
    // Looked at with each comment that keeps the connection, every twenty seconds.
    while told.next::<BoardEvent>().await.is_some() {}
    assert_eq!(elsewhere.open(&path).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_stream_of_one_who_is_removed_ends() {
    let mut school = School::open().await;
    let Staff { mut teacher, mut viewer, .. } = school.staff().await;
    let path = school.events_path("");
    let mut removed = follow(&mut viewer, &path).await;
    let mut stays = follow(&mut teacher, &path).await;
    let staff = school.world.store.staff(&school.id()).await.unwrap();
    let vera = staff.iter().find(|one| one.login == "vera@example.org").unwrap();
    school.world.store.remove_staff(&school.id(), &vera.instructor).await.unwrap();
    while removed.next::<BoardEvent>().await.is_some() {}
    assert_eq!(viewer.open(&path).await.status(), StatusCode::NOT_FOUND);
    school.world.store.delete_class(&school.id()).await.unwrap();
    while stays.next::<BoardEvent>().await.is_some() {}
}

#[tokio::test]
async fn streams_of_boards_end_with_the_server() {
    let mut school = School::open().await;
    let path = school.events_path("");
    let mut told = follow(&mut school.owner, &path).await;
    told.next::<BoardEvent>().await.unwrap();
    school.world.shutdown.cancel();
    while told.next::<BoardEvent>().await.is_some() {}
}
