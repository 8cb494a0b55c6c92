//! The client for what platforms serve: keys, access tokens, grades, members.
//!
//! Nothing is called but hosts that were registered, redirects are not followed, and every answer is bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode};
use time::OffsetDateTime;

use crate::access_token::AccessTokens;
use crate::endpoints::{AgsEndpoint, NamesEndpoint};
use crate::grades::Grades;
use crate::launch::{LaunchError, VerifiedLaunch, key_name, verify_launch};
use crate::members::{self, Member};
use crate::platform::Platform;
use crate::platform_keys::PlatformKeys;
use crate::service_error::ServiceError;
use crate::service_url::ServiceUrl;
use crate::state::PendingLaunch;
use crate::tool::Tool;
use crate::tool_key::ToolKey;

/// Longest answer that is read, in bytes.
const LONGEST: usize = 1024 * 1024;
/// Longest wait that a platform can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long keys are used without asking again.
const KEYS_FRESH: time::Duration = time::Duration::HOUR;
/// How often one platform is asked for its keys at most: tokens with made-up key names cost no more than that.
const KEYS_INTERVAL: time::Duration = time::Duration::seconds(30);
/// Most platforms whose keys are remembered.
const MOST_PLATFORMS: usize = 1000;

/// Calls platforms, and remembers their keys and access tokens. One is enough for a server.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    keys: Mutex<HashMap<ServiceUrl, Arc<tokio::sync::Mutex<CachedKeys>>>>,
    tokens: AccessTokens,
}

#[derive(Debug, Default)]
struct CachedKeys {
    /// When the platform was asked last, whatever it answered.
    asked: Option<OffsetDateTime>,
    got: Option<(OffsetDateTime, PlatformKeys)>,
}

/// An answer of success.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Calls by `http`, which has to be bounded in time, and must not follow redirects: they could lead anywhere.
    pub fn new(http: reqwest::Client) -> Self {
        Self { http, keys: Mutex::default(), tokens: AccessTokens::default() }
    }

    /// Checks a launch's token, with the platform's keys as it publishes them.
    pub async fn verify_launch(
        &self,
        id_token: &str,
        platform: &Platform,
        pending: &PendingLaunch,
        tool: &Tool,
        now: OffsetDateTime,
    ) -> Result<VerifiedLaunch, LaunchError> {
        let kid = key_name(id_token)?;
        let keys = self.keys_with(platform, kid.as_deref(), now).await?;
        verify_launch(id_token, platform, &keys, pending, tool, now)
    }

    /// The grades of the course that an endpoint belongs to.
    pub fn grades<'a>(&'a self, key: &'a ToolKey, platform: &'a Platform, endpoint: &'a AgsEndpoint) -> Grades<'a> {
        Grades { client: self, key, platform, endpoint }
    }

    /// Who is in the course.
    pub async fn members(
        &self,
        key: &ToolKey,
        platform: &Platform,
        endpoint: &NamesEndpoint,
    ) -> Result<Vec<Member>, ServiceError> {
        members::list(self, key, platform, endpoint).await
    }

    pub(crate) fn tokens(&self) -> &AccessTokens {
        &self.tokens
    }

    /// A request to an address, if it is on a host that was registered for the platform.
    pub(crate) fn request(
        &self,
        method: Method,
        platform: &Platform,
        url: &ServiceUrl,
    ) -> Result<RequestBuilder, ServiceError> {
        if !platform.has_service_at(url) {
            return Err(ServiceError::HostNotRegistered(url.origin()));
        }
        Ok(self.http.request(method, url.as_url().clone()))
    }

    /// Sends a request and reads its answer, if it is one of success.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, ServiceError> {
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(ServiceError::Redirected);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + chunk.len() > LONGEST {
                return Err(ServiceError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(Answer { headers: response.headers().clone(), body });
        }
        Err(refused(status, response.headers(), &body))
    }

    /// The platform's keys, asked for anew when they are old or lack the key of this name.
    async fn keys_with(
        &self,
        platform: &Platform,
        kid: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<PlatformKeys, ServiceError> {
        let cached = self.cached_keys(platform.jwks_url());
        // Held while the platform is asked, so that many launches at once ask only once.
        let mut cached = cached.lock().await;
        // A clock that was set back must not keep anyone waiting: what lies ahead does not count.
        let within = |then: OffsetDateTime, limit| (time::Duration::ZERO..limit).contains(&(now - then));
        let fresh = cached.got.as_ref().filter(|(then, _)| within(*then, KEYS_FRESH)).map(|(_, keys)| keys.clone());
        if let Some(keys) = fresh.as_ref().filter(|keys| keys.find(kid).is_some()) {
            return Ok(keys.clone());
        }
        if cached.asked.is_some_and(|then| within(then, KEYS_INTERVAL)) {
            return fresh.ok_or(ServiceError::AskedAMomentAgo);
        }
        cached.asked = Some(now);
        let answer = self.send(self.request(Method::GET, platform, platform.jwks_url())?).await?;
        let keys = PlatformKeys::parse(&answer.body)?;
        cached.got = Some((now, keys.clone()));
        Ok(keys)
    }

    fn cached_keys(&self, url: &ServiceUrl) -> Arc<tokio::sync::Mutex<CachedKeys>> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST_PLATFORMS && !keys.contains_key(url) {
            keys.clear();
        }
        Arc::clone(keys.entry(url.clone()).or_default())
    }
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ServiceError {
    #[derive(serde::Deserialize)]
    struct Body {
        error: String,
    }
    let code = serde_json::from_slice::<Body>(body).ok().map(|body| {
        body.error.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(64).collect()
    });
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
    ServiceError::Refused { status: status.as_u16(), code, retry_after }
}

/// What is wrong, without the address, which may hold what belongs to somebody.
fn unreachable(error: &reqwest::Error) -> ServiceError {
    ServiceError::Unreachable(match error {
        error if error.is_timeout() => "it took too long",
        error if error.is_connect() => "no connection",
        _ => "the connection broke",
    })
}
