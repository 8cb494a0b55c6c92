//! Secrets that are shown once, on the page that follows the one on which they were made.
//!
//! The following page may come from another server, so that they wait in the browser's session, in the database. There they
//! are encrypted with a key made from the session's id, of which the database has only a hash: whoever reads the database
//! cannot read them, and whoever has the browser's cookie could have asked for the page.

use app::error::BackendError;
use app::model::MintedKeys;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sandbox::AccessKey;
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use store::ResumeCode;
use time::{Duration, OffsetDateTime};
use tower_sessions::Session;
use tower_sessions::session::Id;
use zeroize::Zeroizing;

use crate::state::{internal, now};

const ACCESS_KEY: &str = "minted-access-key";
const RESUME_CODE: &str = "minted-resume-code";
/// They wait this long.
const KEPT: Duration = Duration::minutes(10);
/// What the key is for, so that nothing else has the same.
const PURPOSE: &[u8] = b"headwater: secrets shown once";

/// A secret as the session holds it.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Seconds since 1970.
    until: i64,
    nonce: String,
    text: String,
}

/// Keeps a fresh key for the next page.
pub async fn put_access_key(session: &Session, key: &AccessKey) -> Result<(), BackendError> {
    let secret_access_key = key.secret.expose_secret().to_owned();
    put(session, ACCESS_KEY, &MintedKeys { access_key_id: key.id.clone(), secret_access_key }).await
}

/// Keeps a fresh resume code for the next page.
pub async fn put_resume_code(session: &Session, code: &ResumeCode) -> Result<(), BackendError> {
    put(session, RESUME_CODE, &code.expose()).await
}

/// Hands out a fresh key, once.
pub async fn take_access_key(session: &Session) -> Result<Option<MintedKeys>, BackendError> {
    take(session, ACCESS_KEY).await
}

/// Hands out a fresh resume code, once.
pub async fn take_resume_code(session: &Session) -> Result<Option<String>, BackendError> {
    take(session, RESUME_CODE).await
}

async fn put<T: Serialize>(session: &Session, name: &'static str, secret: &T) -> Result<(), BackendError> {
    if session.id().is_none() {
        // A new session gets its id when it is first saved.
        session.save().await.map_err(internal)?;
    }
    let id = session.id().ok_or_else(|| internal("a saved session has no id"))?;
    let clear = Zeroizing::new(serde_json::to_vec(secret).map_err(internal)?);
    let until = (now() + KEPT).unix_timestamp();
    let sealed = seal(id, name, until, &clear).ok_or_else(|| internal("a secret could not be encrypted"))?;
    session.insert(name, sealed).await.map_err(internal)
}

async fn take<T: DeserializeOwned>(session: &Session, name: &'static str) -> Result<Option<T>, BackendError> {
    let Some(sealed) = session.remove::<Sealed>(name).await.map_err(internal)? else {
        return Ok(None);
    };
    // What cannot be decrypted was kept under another id: the browser has taken another lab since.
    let clear = session.id().and_then(|id| open(id, name, &sealed, now()));
    clear.map(|clear| serde_json::from_slice(&clear).map_err(internal)).transpose()
}

fn seal(id: Id, name: &str, until: i64, clear: &[u8]) -> Option<Sealed> {
    let mut nonce = [0; 24];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut nonce);
    let payload = Payload { msg: clear, aad: &bound_to(name, until) };
    let text = cipher(id)?.encrypt(XNonce::from_slice(&nonce), payload).ok()?;
    Some(Sealed { until, nonce: hex::encode(nonce), text: hex::encode(text) })
}

fn open(id: Id, name: &str, sealed: &Sealed, now: OffsetDateTime) -> Option<Zeroizing<Vec<u8>>> {
    let nonce: [u8; 24] = hex::decode(&sealed.nonce).ok()?.try_into().ok()?;
    let text = hex::decode(&sealed.text).ok()?;
    let payload = Payload { msg: &text, aad: &bound_to(name, sealed.until) };
    let clear = cipher(id)?.decrypt(XNonce::from_slice(&nonce), payload).ok().map(Zeroizing::new)?;
    (now.unix_timestamp() < sealed.until).then_some(clear)
}

/// The text cannot be passed off as another secret, nor its time be prolonged.
fn bound_to(name: &str, until: i64) -> Vec<u8> {
    format!("{name} until {until}").into_bytes()
}

fn cipher(id: Id) -> Option<XChaCha20Poly1305> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, &id.0.to_be_bytes()).expand(PURPOSE, key.as_mut_slice()).ok()?;
    XChaCha20Poly1305::new_from_slice(key.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tower_sessions::MemoryStore;

    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn only_the_session_opens_it_only_as_what_it_is_and_only_in_time() {
        let sealed = seal(Id(7), "one", 100, b"water").unwrap();
        assert_eq!(open(Id(7), "one", &sealed, at(99)).as_deref(), Some(&b"water".to_vec()));
        assert!(open(Id(7), "one", &sealed, at(100)).is_none(), "its time is over");
        assert!(open(Id(8), "one", &sealed, at(99)).is_none(), "another session");
        assert!(open(Id(7), "other", &sealed, at(99)).is_none(), "another secret");
        let prolonged = Sealed { until: 200, ..sealed };
        assert!(open(Id(7), "one", &prolonged, at(99)).is_none(), "its time cannot be prolonged");
        let again = seal(Id(7), "one", 100, b"water").unwrap();
        assert_ne!(again.text, prolonged.text, "the same secret looks otherwise each time");
    }

    #[tokio::test]
    async fn it_is_handed_out_once_and_by_any_server_that_has_the_session() {
        let store = Arc::new(MemoryStore::default());
        let here = Session::new(None, store.clone(), None);
        put(&here, RESUME_CODE, &"K7QM").await.unwrap();
        here.save().await.unwrap();
        let there = Session::new(here.id(), store.clone(), None);
        assert_eq!(take_resume_code(&there).await.unwrap().as_deref(), Some("K7QM"));
        there.save().await.unwrap();
        let again = Session::new(here.id(), store, None);
        assert_eq!(take_resume_code(&again).await.unwrap(), None);
    }

    #[tokio::test]
    async fn it_is_gone_when_the_session_got_another_id() {
        let session = Session::new(None, Arc::new(MemoryStore::default()), None);
        put(&session, RESUME_CODE, &"K7QM").await.unwrap();
        session.cycle_id().await.unwrap();
        session.save().await.unwrap();
        assert_eq!(take_resume_code(&session).await.unwrap(), None);
    }
}
