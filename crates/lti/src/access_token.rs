//! Access tokens: had for a signed assertion, and used until shortly before they expire.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::client::{Answer, Client};
use crate::endpoints::Scope;
use crate::platform::Platform;
use crate::service_error::ServiceError;
use crate::service_url::ServiceUrl;
use crate::signing::random;
use crate::tool_key::ToolKey;

/// How long an assertion can be used.
const ASSERTION_LIFETIME: Duration = Duration::minutes(5);
/// How long before its end a token is no longer used.
const MARGIN: i64 = 60;
/// How long a token is used at most, whatever the platform says.
const LONGEST_USE: i64 = 60 * 60;
/// Longest token that is taken.
const LONGEST: usize = 16 * 1024;
/// Most tokens that are remembered.
const MOST: usize = 1000;

/// Access tokens that are still good.
#[derive(Debug, Default)]
pub(crate) struct AccessTokens(Mutex<HashMap<Purpose, Remembered>>);

/// Who wants what from whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Purpose {
    token_url: ServiceUrl,
    client_id: String,
    kid: String,
    scopes: BTreeSet<Scope>,
}

#[derive(Debug)]
struct Remembered {
    token: SecretString,
    until: OffsetDateTime,
}

/// Who asks, and what for.
pub(crate) struct Access<'a> {
    pub(crate) client: &'a Client,
    pub(crate) key: &'a ToolKey,
    pub(crate) platform: &'a Platform,
    pub(crate) scopes: BTreeSet<Scope>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: String,
    expires_in: Option<i64>,
}

/// A token as the platform gave it.
struct Granted {
    token: SecretString,
    /// In seconds.
    lifetime: i64,
}

impl Access<'_> {
    /// Calls a service with an access token. `make` completes the request.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &ServiceUrl,
        make: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, ServiceError> {
        // Before a token is fetched for nothing.
        let request = make(self.client.request(method, self.platform, url)?);
        let token = self.token(OffsetDateTime::now_utc()).await?;
        let answer = self.client.send(request.bearer_auth(token.expose_secret())).await;
        if let Err(ServiceError::Refused { status: 401, .. }) = answer {
            self.remembered().remove(&self.purpose());
        }
        answer
    }

    async fn token(&self, now: OffsetDateTime) -> Result<SecretString, ServiceError> {
        let purpose = self.purpose();
        if let Some(remembered) = self.remembered().get(&purpose).filter(|remembered| remembered.until > now) {
            return Ok(remembered.token.clone());
        }
        let Granted { token, lifetime } = self.fetch(now).await?;
        let lifetime = lifetime.min(LONGEST_USE) - MARGIN;
        let mut remembered = self.remembered();
        if lifetime > 0 {
            if remembered.len() >= MOST {
                remembered.retain(|_, other| other.until > now);
            }
            if remembered.len() >= MOST {
                remembered.clear();
            }
            let until = now + Duration::seconds(lifetime);
            remembered.insert(purpose, Remembered { token: token.clone(), until });
        }
        Ok(token)
    }

    async fn fetch(&self, now: OffsetDateTime) -> Result<Granted, ServiceError> {
        let platform = self.platform;
        let assertion = self.key.sign(&json!({
            "iss": platform.client_id(),
            "sub": platform.client_id(),
            "aud": platform.token_audience(),
            "iat": now.unix_timestamp(),
            "exp": (now + ASSERTION_LIFETIME).unix_timestamp(),
            "jti": random(),
        }))?;
        let scopes: Vec<&str> = self.scopes.iter().map(|scope| scope.uri()).collect();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
            ("scope", &scopes.join(" ")),
        ];
        let request = self.client.request(Method::POST, platform, platform.token_url())?.form(&form);
        let answer = self.client.send(request).await.map_err(|error| match error {
            ServiceError::Refused { status: 400 | 401 | 403, code, .. } => ServiceError::ToolRefused { code },
            other => other,
        })?;
        let not_understood = ServiceError::NotUnderstood("access token");
        let answer: TokenAnswer = serde_json::from_slice(&answer.body).map_err(|_| not_understood.clone())?;
        let token = SecretString::from(answer.access_token);
        let text = token.expose_secret();
        let is_token = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token || !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(not_understood);
        }
        Ok(Granted { token, lifetime: answer.expires_in.unwrap_or(0) })
    }

    fn purpose(&self) -> Purpose {
        Purpose {
            token_url: self.platform.token_url().clone(),
            client_id: self.platform.client_id().to_owned(),
            kid: self.key.kid().to_owned(),
            scopes: self.scopes.clone(),
        }
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<Purpose, Remembered>> {
        self.client.tokens().0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
