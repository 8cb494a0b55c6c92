//! What is remembered between the beginning of a login and its launch.
//!
//! It travels in the `state` parameter, signed, so that any server can go on with it and none has to store it. A signed
//! state alone does not tell that the browser is the same: someone could begin a login and have another's browser end it.
//! For that there is a cookie, whose hash stands in the state. Browsers may hold back cookies in frames of other sites;
//! then [`Browser::Unknown`] is the answer, and a page of ours has to ask before it signs anybody in.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};
use url::Url;

use crate::platform::Platform;
use crate::signing::{SigningError, random};

/// Name of the cookie that ties a login to a browser.
pub const LOGIN_COOKIE: &str = "__Host-headwater-lti";
/// How long a login may take.
const LIFETIME: Duration = Duration::minutes(10);
/// Longest state that is looked at.
const LONGEST: usize = 8 * 1024;
/// Tells these tokens from others made with the same key.
const AUDIENCE: &str = "headwater:lti-state";

/// The key that signs states. All servers behind one address need the same.
#[derive(Clone)]
pub struct StateKey {
    signing: EncodingKey,
    verifying: DecodingKey,
}

/// A login that was begun here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingLaunch {
    pub issuer: String,
    pub client_id: String,
    pub nonce: String,
    pub target_link: Url,
    /// Until when it may be ended; nonces have to be remembered until then.
    pub expires: OffsetDateTime,
    pub browser: Browser,
}

/// Whether the browser that ends a login is the one that began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    /// It showed the cookie.
    Same,
    /// It showed no cookie: ask "Go on as NAME?" before anybody is signed in.
    Unknown,
}

/// Why a state is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error("this launch was not begun here")]
    Forged,
    #[error("this launch took too long; open the lab from the course again")]
    Expired,
    #[error("this launch was begun in another browser; open the lab from the course again")]
    OtherBrowser,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    issuer: String,
    client_id: String,
    nonce: String,
    target_link: Url,
    /// Hash of the cookie.
    browser: String,
    exp: i64,
}

/// A state that was made, with what belongs to it.
pub(crate) struct MadeState {
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// The value of `Set-Cookie`.
    pub(crate) set_cookie: String,
}

impl StateKey {
    /// A key of 32 random bytes that stay secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { signing: EncodingKey::from_secret(secret), verifying: DecodingKey::from_secret(secret) }
    }

    /// Opens the state that came back with a launch. `cookie` is the value of [`LOGIN_COOKIE`], if the browser sent it.
    pub fn open(&self, state: &str, cookie: Option<&str>, now: OffsetDateTime) -> Result<PendingLaunch, StateError> {
        if state.len() > LONGEST {
            return Err(StateError::Forged);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["aud"]);
        // Compared below with the time that was given.
        validation.validate_exp = false;
        let claims: Claims =
            jsonwebtoken::decode(state, &self.verifying, &validation).map_err(|_| StateError::Forged)?.claims;
        let expires = OffsetDateTime::from_unix_timestamp(claims.exp).map_err(|_| StateError::Forged)?;
        if now >= expires {
            return Err(StateError::Expired);
        }
        let browser = match cookie {
            None => Browser::Unknown,
            Some(cookie) if bool::from(hash(cookie).as_bytes().ct_eq(claims.browser.as_bytes())) => Browser::Same,
            Some(_) => return Err(StateError::OtherBrowser),
        };
        let Claims { issuer, client_id, nonce, target_link, .. } = claims;
        Ok(PendingLaunch { issuer, client_id, nonce, target_link, expires, browser })
    }

    /// Makes a state. A cookie that the browser has already is kept, so that two logins can go on side by side.
    pub(crate) fn make(
        &self,
        platform: &Platform,
        target_link: Url,
        cookie: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<MadeState, SigningError> {
        let cookie = cookie.filter(|value| is_ours(value)).map_or_else(random, str::to_owned);
        let nonce = random();
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            issuer: platform.issuer().to_owned(),
            client_id: platform.client_id().to_owned(),
            nonce: nonce.clone(),
            target_link,
            browser: hash(&cookie),
            exp: (now + LIFETIME).unix_timestamp(),
        };
        let header = Header::new(Algorithm::HS256);
        let state = jsonwebtoken::encode(&header, &claims, &self.signing).map_err(|_| SigningError)?;
        // Partitioned: in a frame it is kept apart for each site around it, which browsers allow.
        let set_cookie = format!(
            "{LOGIN_COOKIE}={cookie}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=None; Partitioned",
            LIFETIME.whole_seconds()
        );
        Ok(MadeState { state, nonce, set_cookie })
    }
}

impl std::fmt::Debug for StateKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("StateKey(secret)")
    }
}

fn is_ours(cookie: &str) -> bool {
    cookie.len() == 32 && cookie.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn hash(cookie: &str) -> String {
    hex::encode(Sha256::digest(cookie))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_platform::{NOW, platform};

    const KEY: [u8; 32] = [7; 32];

    fn made(cookie: Option<&str>) -> MadeState {
        let target = Url::parse("https://lab.example/").unwrap();
        StateKey::new(&KEY).make(&platform(), target, cookie, NOW).unwrap()
    }

    fn value(set_cookie: &str) -> &str {
        set_cookie.split_once('=').unwrap().1.split_once(';').unwrap().0
    }

    #[test]
    fn a_state_comes_back_as_it_was_made() {
        let made = made(None);
        let pending = StateKey::new(&KEY).open(&made.state, Some(value(&made.set_cookie)), NOW).unwrap();
        assert_eq!(pending.nonce, made.nonce);
        assert_eq!(pending.issuer, platform().issuer());
        assert_eq!(pending.client_id, platform().client_id());
        assert_eq!(pending.target_link.as_str(), "https://lab.example/");
        assert_eq!(pending.browser, Browser::Same);
        assert_eq!(pending.expires, NOW + LIFETIME);
    }

    #[test]
    fn a_browser_without_cookie_is_unknown_and_another_is_refused() {
        let made = made(None);
        let open = |cookie| StateKey::new(&KEY).open(&made.state, cookie, NOW).map(|pending| pending.browser);
        assert_eq!(open(None), Ok(Browser::Unknown));
        let other = random();
        assert_eq!(open(Some(&other)), Err(StateError::OtherBrowser));
        assert_eq!(open(Some("")), Err(StateError::OtherBrowser));
    }

    #[test]
    fn two_logins_in_one_browser_share_its_cookie() {
        let first = made(None);
        let cookie = value(&first.set_cookie);
        let second = made(Some(cookie));
        assert_eq!(value(&second.set_cookie), cookie);
        assert_ne!(second.nonce, first.nonce);
        assert_ne!(value(&made(Some("chosen; Domain=elsewhere.example")).set_cookie), "chosen");
    }

    #[test]
    fn forged_old_and_other_tokens_are_refused() {
        let made = made(None);
        let open = |key: [u8; 32], state: &str, now| StateKey::new(&key).open(state, None, now);
        assert_eq!(open([8; 32], &made.state, NOW), Err(StateError::Forged));
        assert_eq!(open(KEY, &made.state, NOW + LIFETIME), Err(StateError::Expired));
        assert_eq!(open(KEY, "", NOW), Err(StateError::Forged));
        assert_eq!(open(KEY, &"a".repeat(LONGEST + 1), NOW), Err(StateError::Forged));
        let (head, rest) = made.state.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        assert_eq!(open(KEY, &format!("{head}.e30.{signature}"), NOW), Err(StateError::Forged));
        let other = serde_json::json!({ "aud": "other", "issuer": "i", "client_id": "c", "nonce": "n",
            "target_link": "https://lab.example/", "browser": "", "exp": NOW.unix_timestamp() + 60 });
        let other = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &other, &StateKey::new(&KEY).signing).unwrap();
        assert_eq!(open(KEY, &other, NOW), Err(StateError::Forged));
    }
}
