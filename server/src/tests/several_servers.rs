//! What must not depend on which of several web servers a browser meets.

use std::path::Path;

use store::LearnerId;

use super::client::Learner;
use super::world::World;

async fn id_of(world: &World, learner: &Learner) -> LearnerId {
    let found = world.store.learner_by_resume_code(&store::ResumeCode::parse(&learner.resume_code).unwrap()).await;
    found.unwrap().unwrap().id
}

fn some_file_holds(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files
        .map(|path| std::fs::read(path).unwrap())
        .any(|file| file.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[tokio::test]
async fn the_database_holds_secrets_shown_once_only_encrypted() {
    let world = World::start().await;
    let learner = world.learner().await;
    assert!(some_file_holds(world.folder(), "minted-access-key"), "they wait in the session");
    for secret in [&learner.secret, &learner.access_key, &learner.resume_code] {
        assert!(!some_file_holds(world.folder(), secret), "a secret is in the database");
    }
}

#[tokio::test]
async fn what_another_server_changed_of_a_learner_counts_at_once() {
    let world = World::start().await;
    let learner = world.learner().await;
    let id = id_of(&world, &learner).await;
    let record = || async { world.store.learner(&id).await.unwrap().unwrap() };
    let seat = world.headwater.seat(record().await).unwrap();
    let region = |seat: &crate::state::Seat| seat.desk.access().sdk.region().unwrap().to_string();
    assert_eq!(region(&seat), "us-east-1");

    let mut variables = seat.variables.clone();
    "eu-west-1".clone_into(&mut variables.region);
    world.store.save_variables(&id, &serde_json::to_value(&variables).unwrap()).await.unwrap();
    let moved = world.headwater.seat(record().await).unwrap();
    assert_eq!(region(&moved), "eu-west-1");
    let again = world.headwater.seat(record().await).unwrap();
    assert!(std::sync::Arc::ptr_eq(&moved.desk.access(), &again.desk.access()), "nothing changed, nothing is renewed");
}
