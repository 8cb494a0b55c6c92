//! The control API, by which web servers on other machines make accounts and keys at this sandbox.
//!
//! It is no part of AWS and not for learners: whoever has its token can act in every account. It listens apart.

use std::fmt;

use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::{StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use time::OffsetDateTime;

use crate::{AccessKey, AccountId, AwsError, Sandbox};

/// Characters that a token must have at least.
const SHORTEST: usize = 32;

/// What a web server shows to be let in. Cheap to clone.
#[derive(Clone)]
pub struct ControlToken(SecretString);

/// A token that could be guessed.
#[derive(Debug, Error)]
#[error(
    "the sandbox's token must have at least {SHORTEST} characters, none of them a space; `openssl rand -hex 32` makes one"
)]
pub struct WeakToken;

impl ControlToken {
    /// Takes a token that is long enough and can stand in a header.
    pub fn new(token: SecretString) -> Result<Self, WeakToken> {
        let text = token.expose_secret();
        let good = text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Self(token)) } else { Err(WeakToken) }
    }

    /// The header's value.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0.expose_secret())
    }

    /// Compares hashes, and those in constant time, so that the time tells nothing of the token.
    fn is(&self, presented: &[u8]) -> bool {
        let (right, presented) = (Sha256::digest(self.header().as_bytes()), Sha256::digest(presented));
        right.ct_eq(&presented).into()
    }
}

impl fmt::Debug for ControlToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ControlToken")
    }
}

/// What a web server needs to know of the sandbox.
#[derive(Serialize, Deserialize)]
pub(crate) struct Description {
    pub endpoint_url: String,
    pub accounts: u32,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AccountMade {
    pub account: String,
}

/// A key with its secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyTold {
    pub id: String,
    pub secret: String,
}

/// A key without its secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyListed {
    pub id: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
}

/// An error as the API tells it.
#[derive(Serialize, Deserialize)]
pub(crate) struct ErrorTold {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Sandbox {
    /// The control API's routes, for a listener of its own.
    pub fn control(&self, token: ControlToken) -> Router {
        Router::new()
            .route("/", get(describe))
            .route("/accounts", post(new_account))
            .route("/accounts/{account}/keys", get(keys).post(create_key))
            .route("/accounts/{account}/keys/{key}", delete(delete_key))
            .route("/accounts/{account}/service-key", post(service_key))
            .route("/accounts/{account}/regions", get(regions))
            .layer(from_fn_with_state(token, only_with_token))
            .with_state(self.clone())
    }
}

async fn only_with_token(State(token): State<ControlToken>, request: Request, next: Next) -> Response {
    let presented = request.headers().get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    if token.is(presented) {
        return next.run(request).await;
    }
    tracing::warn!("the control API was asked without its token");
    refuse(AwsError::client("AccessDenied", "The token is missing or wrong.").with_status(401))
}

async fn describe(State(sandbox): State<Sandbox>) -> Response {
    let endpoint_url = sandbox.config().endpoint_url.clone();
    answer(sandbox.count_accounts().await.map(|accounts| Description { endpoint_url, accounts }))
}

async fn new_account(State(sandbox): State<Sandbox>) -> Response {
    answer(sandbox.new_account().await.map(|account| AccountMade { account: account.to_string() }))
}

async fn regions(State(sandbox): State<Sandbox>, Path(account): Path<String>) -> Response {
    answer(async { sandbox.regions(&read(&account)?).await }.await)
}

async fn keys(State(sandbox): State<Sandbox>, Path(account): Path<String>) -> Response {
    let keys = async {
        let keys = sandbox.access_keys(&read(&account)?).await?;
        Ok(keys.into_iter().map(|key| KeyListed { id: key.id, created: key.created }).collect::<Vec<_>>())
    };
    answer(keys.await)
}

async fn create_key(State(sandbox): State<Sandbox>, Path(account): Path<String>) -> Response {
    let key = async { sandbox.create_access_key(&read(&account)?).await };
    answer(key.await.map(told))
}

async fn delete_key(State(sandbox): State<Sandbox>, Path((account, key)): Path<(String, String)>) -> Response {
    let deleted = async { sandbox.delete_access_key(&read(&account)?, &key).await };
    answer(deleted.await)
}

async fn service_key(State(sandbox): State<Sandbox>, Path(account): Path<String>) -> Response {
    answer(read(&account).map(|account| told(sandbox.service_credentials(&account))))
}

fn read(account: &str) -> Result<AccountId, AwsError> {
    account.parse().map_err(|error: crate::InvalidAccountId| AwsError::client("ValidationError", error.to_string()))
}

#[allow(clippy::needless_pass_by_value, reason = "the key is told once")]
fn told(key: AccessKey) -> KeyTold {
    KeyTold { id: key.id, secret: key.secret.expose_secret().to_owned() }
}

fn answer<T: Serialize>(result: Result<T, AwsError>) -> Response {
    match result {
        Ok(value) => ([(header::CACHE_CONTROL, "no-store")], Json(value)).into_response(),
        Err(error) => refuse(error),
    }
}

fn refuse(error: AwsError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(ErrorTold { status: status.as_u16(), code: error.code, message: error.message })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_right() {
        let token = ControlToken::new("0123456789abcdef0123456789abcdef".into()).unwrap();
        assert!(token.is(b"Bearer 0123456789abcdef0123456789abcdef"));
        for wrong in
            ["", "Bearer", "Bearer ", "0123456789abcdef0123456789abcdef", "Bearer 0123456789abcdef0123456789abcdeF"]
        {
            assert!(!token.is(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "ControlToken");
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused() {
        for weak in [String::new(), "x".repeat(31), format!("{} ", "x".repeat(40)), "ü".repeat(40)] {
            assert!(ControlToken::new(weak.into()).is_err());
        }
    }
}
