//! All checks against an account of the sandbox, from the empty one to the finished lab and back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../../sandbox/tests/common/mod.rs"]
mod common;
mod learner;
mod sql_application;
mod tumbling_window;

use checks::{Engine, Step, VerdictKind::*};
use learner::Learner;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_key_is_told_as_such() {
    let learner = Learner::new(Engine::SqlApplication).await;
    learner.expect(Step::Connect, Pass, &[]).await;
    let sandbox = &learner.sandbox;
    sandbox.sandbox.delete_access_key(&sandbox.account, &sandbox.key.id).await.unwrap();
    learner.expect(Step::Connect, Wrong, &[]).await;
    let mut other = Learner::new(Engine::SqlApplication).await;
    other.subject.account = "111122223333".to_owned();
    other.expect(Step::Connect, Elsewhere, &[]).await;
}
