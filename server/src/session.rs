//! What the browser's session holds: which learner it is, and a notice for the next page.

use app::error::BackendError;
use app::model::Notice;
use store::LearnerId;
use tower_sessions::Session;

use crate::state::internal;

const LEARNER: &str = "learner";
const NOTICE: &str = "notice";

/// The learner of the session, if there is one.
pub async fn learner_id(session: &Session) -> Result<Option<LearnerId>, BackendError> {
    session.get(LEARNER).await.map_err(internal)
}

/// Puts a learner into the session, under a new session id so that one planted before is worthless.
pub async fn sit_down(session: &Session, learner: &LearnerId) -> Result<(), BackendError> {
    session.cycle_id().await.map_err(internal)?;
    session.insert(LEARNER, learner).await.map_err(internal)
}

/// Ends the session.
pub async fn leave(session: &Session) -> Result<(), BackendError> {
    session.flush().await.map_err(internal)
}

/// Keeps a notice for the page that follows.
pub async fn put_notice(session: &Session, notice: &Notice) -> Result<(), BackendError> {
    session.insert(NOTICE, notice).await.map_err(internal)
}

/// Takes the notice out.
pub async fn take_notice(session: &Session) -> Result<Option<Notice>, BackendError> {
    session.remove(NOTICE).await.map_err(internal)
}
