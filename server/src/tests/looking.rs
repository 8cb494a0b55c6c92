//! Looking at a learner's account only when there is something new to see.

use std::time::Duration;

use checks::{CheckResult, Consent, Step};
use store::LearnerId;
use tokio::time::timeout;

use super::client::Learner;
use super::world::World;
use crate::kept::Reader;
use crate::state::Seat;
use crate::{checking, views};

/// So short that only a change can be the reason for another look, or for none.
const SHORT: Duration = Duration::from_nanos(1);
/// News are noticed within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

async fn seat(world: &World, learner: &Learner) -> Seat {
    let (id,): (String,) = sqlx::query_as("SELECT learner_id FROM learner WHERE account = ?")
        .bind(&learner.account)
        .fetch_one(world.sqlite())
        .await
        .unwrap();
    let id: LearnerId = id.parse().unwrap();
    world.headwater.seat(world.store.learner(&id).await.unwrap().unwrap()).unwrap()
}

async fn look(world: &World, seat: &Seat, max_age: Duration) -> Vec<CheckResult> {
    checking::look(&world.headwater, seat, Step::DeliveryStream, Consent::No, max_age).await.unwrap()
}

#[tokio::test]
async fn a_step_is_looked_at_again_when_something_in_the_account_has_changed() {
    let world = World::start().await;
    let (learner, other) = (world.learner().await, world.learner().await);
    let (seat, others) = (seat(&world, &learner).await, seat(&world, &other).await);
    let first = look(&world, &seat, SHORT).await;
    let others_first = look(&world, &others, SHORT).await;
    assert_eq!(look(&world, &seat, SHORT).await, first, "the evidence has its old times");

    let s3 = aws_sdk_s3::Client::new(&world.sdk(&learner.access_key, &learner.secret));
    s3.create_bucket().bucket(&learner.bucket).send().await.unwrap();
    let seen = async {
        loop {
            let now = look(&world, &seat, SHORT).await;
            if now != first {
                return now;
            }
            tokio::task::yield_now().await;
        }
    };
    let second = timeout(PATIENCE, seen).await.expect("the bucket is not seen");
    assert!(second[0].verdict.is_pass(), "{second:?}");
    assert_eq!(look(&world, &others, SHORT).await, others_first, "it was another learner's bucket");
}

#[tokio::test]
async fn the_button_always_looks() {
    let world = World::start().await;
    let learner = world.learner().await;
    let seat = seat(&world, &learner).await;
    let first = look(&world, &seat, Duration::ZERO).await;
    assert_ne!(look(&world, &seat, Duration::ZERO).await, first, "the evidence has new times");
}

#[tokio::test]
async fn other_names_are_looked_for_at_once() {
    let world = World::start().await;
    let learner = world.learner().await;
    let seat_before = seat(&world, &learner).await;
    let first = look(&world, &seat_before, SHORT).await;
    let variables = lab::Variables { bucket: "another-bucket".to_owned(), ..seat_before.variables.clone() };
    let renamed = Seat { variables, ..seat_before };
    let second = look(&world, &renamed, SHORT).await;
    assert_ne!(second, first);
    assert!(second[0].message.contains("another-bucket"), "{second:?}");
}

#[tokio::test]
async fn a_page_waits_for_nobody_who_reads() {
    let world = World::start().await;
    let learner = world.learner().await;
    let seat = seat(&world, &learner).await;
    let headwater = &world.headwater;
    views::chart(headwater, &seat, Reader::Stream).await.unwrap();
    // Somebody reads the table, and takes long.
    let Err(_turn) = seat.desk.charted().good_or_turn(|_| false).await else { panic!("nothing is good enough") };
    let page = timeout(PATIENCE, views::chart(headwater, &seat, Reader::Page)).await;
    assert!(page.expect("the page waits").is_ok());
}
