//! What the browser's session holds: which learner it is, and a notice for the next page.

use app::error::BackendError;
use app::model::Notice;
use store::LearnerId;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session};

use crate::connect::UnlockCode;
use crate::instructors;
use crate::state::internal;

const LEARNER: &str = "learner";
const NOTICE: &str = "notice";
const UNLOCKED: &str = "unlocked";

/// What a learner typed is kept up to this length in all, names included: two fields of code fit.
const KEPT: usize = 256 * 1024;
/// The same for who has no lab and teaches nothing: a resume code fits.
const KEPT_OF_STRANGERS: usize = 128;
/// Longest name of what a notice is about; no form has a longer one.
const ABOUT: usize = 128;
/// The session of a stranger, which holds no more than a notice and a sign-in that has begun, ends after this long.
const STRANGER: Duration = Duration::hours(1);

/// The learner of the session, if there is one.
pub async fn learner_id(session: &Session) -> Result<Option<LearnerId>, BackendError> {
    session.get(LEARNER).await.map_err(internal)
}

/// Puts a learner into the session, under a new session id so that one planted before is worthless.
pub async fn sit_down(session: &Session, learner: &LearnerId) -> Result<(), BackendError> {
    session.cycle_id().await.map_err(internal)?;
    session.insert(LEARNER, learner).await.map_err(internal)
}

/// Takes the learner out of the session, which another learner is about to have. The lab stays, for its resume code.
pub async fn stand_up(session: &Session) -> Result<(), BackendError> {
    session.remove_value(LEARNER).await.map(drop).map_err(internal)
}

/// Notes that this browser knows the code of the server's terminal. It holds until the server makes another code.
pub async fn unlock(session: &Session, code: &UnlockCode) -> Result<(), BackendError> {
    session.insert(UNLOCKED, code.digest()).await.map_err(internal)
}

/// Whether this browser has shown that it knows the code.
pub async fn is_unlocked(session: &Session, code: &UnlockCode) -> Result<bool, BackendError> {
    let shown: Option<String> = session.get(UNLOCKED).await.map_err(internal)?;
    Ok(shown.is_some_and(|shown| shown == code.digest()))
}

/// Takes the learner out of the session, and ends it unless an instructor is signed in, too.
pub async fn leave(session: &Session) -> Result<(), BackendError> {
    if !instructors::is_in(session).await? {
        return session.flush().await.map_err(internal);
    }
    for name in [LEARNER, UNLOCKED] {
        session.remove_value(name).await.map_err(internal)?;
    }
    session.cycle_id().await.map_err(internal)
}

/// Lets the session of somebody who has no lab and teaches nothing end soon. True if it is one.
pub async fn shorten_if_strangers(session: &Session) -> Result<bool, BackendError> {
    let is_stranger = learner_id(session).await?.is_none() && !instructors::is_in(session).await?;
    if is_stranger {
        session.set_expiry(Some(Expiry::OnInactivity(STRANGER)));
    }
    Ok(is_stranger)
}

/// Keeps a notice for the page that follows. Strangers can fill the disk with little.
pub async fn put_notice(session: &Session, mut notice: Notice) -> Result<(), BackendError> {
    let is_stranger = shorten_if_strangers(session).await?;
    if notice.about.len() > ABOUT {
        return Ok(());
    }
    let typed: usize = notice.kept.iter().map(|(name, value)| name.len() + value.len()).sum();
    if typed > if is_stranger { KEPT_OF_STRANGERS } else { KEPT } {
        notice.kept.clear();
    }
    session.insert(NOTICE, notice).await.map_err(internal)
}

/// Takes the notice out.
pub async fn take_notice(session: &Session) -> Result<Option<Notice>, BackendError> {
    session.remove(NOTICE).await.map_err(internal)
}
