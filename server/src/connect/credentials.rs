//! Credentials for an account, fetched when first needed and kept in memory by the SDK until they expire.

use std::fmt;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use tokio::sync::OnceCell;

use super::assume;
use super::role::{ExternalId, RoleArn};

/// How long a role's session lasts; the shortest that STS grants.
pub const SESSION_SECONDS: i32 = 900;
/// What the learner sees in CloudTrail.
pub const SESSION_NAME: &str = "headwater-lab";
/// The session policy of a trial, and of names for which none can be made: such a session can do nothing.
pub const DENIES_ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// The credentials of who has not connected an account: none.
#[derive(Debug)]
pub struct NoCredentials;

/// This machine's credentials: the default chain, or one profile.
pub struct MachineCredentials {
    profile: Option<String>,
    chain: OnceCell<DefaultCredentialsChain>,
}

/// The credentials of a learner's role: 900 seconds, limited by a session policy to what the lab needs.
pub struct RoleCredentials {
    sts: aws_sdk_sts::Client,
    role: RoleArn,
    external_id: ExternalId,
    policy: Option<String>,
}

impl MachineCredentials {
    pub fn default_chain() -> Self {
        Self { profile: None, chain: OnceCell::new() }
    }

    pub fn profile(name: String) -> Self {
        Self { profile: Some(name), chain: OnceCell::new() }
    }

    async fn load(&self) -> provider::Result {
        let build = || async {
            let mut builder = DefaultCredentialsChain::builder();
            if let Some(profile) = &self.profile {
                builder = builder.profile_name(profile);
            }
            builder.build().await
        };
        self.chain.get_or_init(build).await.provide_credentials().await
    }
}

impl RoleCredentials {
    /// `policy` is the session policy; without one the session can do nothing.
    pub fn new(sts: aws_sdk_sts::Client, role: RoleArn, external_id: ExternalId, policy: Option<String>) -> Self {
        Self { sts, role, external_id, policy }
    }

    async fn assume(&self) -> provider::Result {
        let answer = self
            .sts
            .assume_role()
            .role_arn(self.role.as_str())
            .role_session_name(SESSION_NAME)
            .external_id(self.external_id.as_str())
            .duration_seconds(SESSION_SECONDS)
            .policy(self.policy.as_deref().unwrap_or(DENIES_ALL))
            .send()
            .await;
        let credentials = answer
            .map_err(|error| CredentialsError::provider_error(assume::sort(&error)))?
            .credentials
            .ok_or_else(|| CredentialsError::unhandled("STS gave no credentials"))?;
        let expires = credentials.expiration.try_into().map_err(CredentialsError::unhandled)?;
        Ok(Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            Some(expires),
            "role",
        ))
    }
}

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("no account is connected")))
    }
}

impl ProvideCredentials for MachineCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

impl fmt::Debug for MachineCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MachineCredentials").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl fmt::Debug for RoleCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RoleCredentials").field("role", &self.role).finish_non_exhaustive()
    }
}
