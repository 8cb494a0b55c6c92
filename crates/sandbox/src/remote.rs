//! A sandbox in another process, reached by its control API.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::control::{AccountMade, ControlToken, Description, ErrorTold, KeyListed, KeyTold};
use crate::{AccessKey, AccessKeyMetadata, AccountId, AwsError};

/// An answer comes within this time, or the sandbox counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const MAX_ANSWER: usize = 1024 * 1024;

/// The sandbox of another process. Cheap to clone.
#[derive(Clone)]
pub struct RemoteSandbox {
    parts: Arc<Parts>,
}

struct Parts {
    /// Without a slash at its end.
    control_url: String,
    token: ControlToken,
    http: Client<HttpConnector, Full<Bytes>>,
    endpoint_url: String,
}

/// Why a sandbox elsewhere cannot be used.
#[derive(Debug, Error)]
pub enum RemoteError {
    #[error("{0} is no address of a sandbox's control API; it looks like http://sandbox:4567")]
    Address(String),
    #[error("the sandbox at {url} cannot be used: {cause}")]
    Refused { url: String, cause: AwsError },
}

impl RemoteSandbox {
    /// Asks the sandbox at this URL who it is.
    pub async fn connect(control_url: &str, token: ControlToken) -> Result<Self, RemoteError> {
        let address = || RemoteError::Address(control_url.to_owned());
        let uri: Uri = control_url.parse().map_err(|_| address())?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(address());
        }
        let http = Client::builder(TokioExecutor::new()).build_http();
        let control_url = control_url.trim_end_matches('/').to_owned();
        let mut parts = Parts { control_url, token, http, endpoint_url: String::new() };
        let described: Result<Description, AwsError> = parts.ask(Method::GET, "/").await;
        match described {
            Ok(description) => parts.endpoint_url = description.endpoint_url,
            Err(cause) => return Err(RemoteError::Refused { url: parts.control_url, cause }),
        }
        Ok(Self { parts: Arc::new(parts) })
    }

    /// The URL at which learners reach the sandbox.
    pub fn endpoint_url(&self) -> &str {
        &self.parts.endpoint_url
    }

    /// As [`crate::Sandbox::new_account`].
    pub async fn new_account(&self) -> Result<AccountId, AwsError> {
        let made: AccountMade = self.parts.ask(Method::POST, "/accounts").await?;
        made.account.parse().map_err(AwsError::internal)
    }

    /// As [`crate::Sandbox::count_accounts`].
    pub async fn count_accounts(&self) -> Result<u32, AwsError> {
        let described: Description = self.parts.ask(Method::GET, "/").await?;
        Ok(described.accounts)
    }

    /// As [`crate::Sandbox::create_access_key`].
    pub async fn create_access_key(&self, account: &AccountId) -> Result<AccessKey, AwsError> {
        let told: KeyTold = self.parts.ask(Method::POST, &format!("/accounts/{account}/keys")).await?;
        Ok(AccessKey { id: told.id, secret: told.secret.into() })
    }

    /// As [`crate::Sandbox::delete_access_key`].
    pub async fn delete_access_key(&self, account: &AccountId, access_key_id: &str) -> Result<(), AwsError> {
        let id: String = access_key_id.chars().filter(char::is_ascii_alphanumeric).collect();
        self.parts.ask(Method::DELETE, &format!("/accounts/{account}/keys/{id}")).await
    }

    /// As [`crate::Sandbox::access_keys`].
    pub async fn access_keys(&self, account: &AccountId) -> Result<Vec<AccessKeyMetadata>, AwsError> {
        let keys: Vec<KeyListed> = self.parts.ask(Method::GET, &format!("/accounts/{account}/keys")).await?;
        Ok(keys.into_iter().map(|key| AccessKeyMetadata { id: key.id, created: key.created }).collect())
    }

    /// As [`crate::Sandbox::regions`].
    pub async fn regions(&self, account: &AccountId) -> Result<Vec<String>, AwsError> {
        self.parts.ask(Method::GET, &format!("/accounts/{account}/regions")).await
    }

    /// What [`crate::Sandbox::service_credentials`] gives, asked for when it is first needed.
    pub fn service_credentials(&self, account: &AccountId) -> RemoteCredentials {
        RemoteCredentials { sandbox: self.clone(), account: account.clone() }
    }
}

/// The key with which web servers act in a learner's account, fetched when a client needs it.
#[derive(Clone)]
pub struct RemoteCredentials {
    sandbox: RemoteSandbox,
    account: AccountId,
}

impl std::fmt::Debug for RemoteCredentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RemoteCredentials({})", self.account)
    }
}

impl ProvideCredentials for RemoteCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let path = format!("/accounts/{}/service-key", self.account);
            let told: KeyTold =
                self.sandbox.parts.ask(Method::POST, &path).await.map_err(CredentialsError::provider_error)?;
            Ok(Credentials::new(told.id, told.secret, None, None, "sandbox"))
        })
    }
}

impl Parts {
    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, AwsError> {
        match tokio::time::timeout(PATIENCE, self.send(method, path)).await {
            Ok(answer) => answer,
            Err(_) => Err(unreachable("it did not answer in time")),
        }
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, AwsError> {
        let mut token = http::HeaderValue::from_str(&self.token.header()).map_err(AwsError::internal)?;
        token.set_sensitive(true);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.control_url))
            .header(header::AUTHORIZATION, token)
            .body(Full::default())
            .map_err(AwsError::internal)?;
        let answer = self.http.request(request).await.map_err(|error| unreachable(&error.to_string()))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| unreachable(&error.to_string()))?.to_bytes();
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| unreachable("its answer is not a sandbox's"));
        }
        Err(match serde_json::from_slice::<ErrorTold>(&body) {
            Ok(told) => AwsError::client(told.code, told.message).with_status(told.status),
            Err(_) => unreachable(&format!("it answered {status}")),
        })
    }
}

fn unreachable(cause: &str) -> AwsError {
    AwsError::client("SandboxUnreachable", format!("The sandbox cannot be reached: {cause}")).with_status(503)
}
