//! How a learner's own AWS account is reached: by the credentials of this machine, or by a role that the learner made for
//! us. No key is ever asked for or kept.
//!
//! Local mode trusts whoever can read this server's terminal: they unlock it with the code printed there. Hosted mode only
//! assumes roles, with an external ID made here for each learner, so that nobody can bring somebody else's role.

mod assume;
mod credentials;
mod offer;
mod profiles;
mod regions;
mod role;
mod unlock;

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use checks::api_calls::Caller;
use checks::{CallError, CallerIdentity, Guard, PolicyError, Subject};
use clap::ValueEnum;
use thiserror::Error;

use self::credentials::{MachineCredentials, NoCredentials, RoleCredentials};
use crate::place::Connection;

pub use self::assume::AssumeError;
pub use self::offer::RoleOffer;
pub use self::regions::REGIONS;
pub use self::role::{ExternalId, RoleArn, RoleArnError};
pub use self::unlock::UnlockCode;

/// A look at who the credentials belong to may take this long, a log-in of the machine's own included.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether, and how, this server lets learners use AWS accounts of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LiveMode {
    /// The sandbox only.
    Off,
    /// With this machine's own credentials: its default chain, or a named profile. For one person's own machine.
    Local,
    /// With roles that learners make for this server. It never sees a key.
    Hosted,
}

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub mode: LiveMode,
    /// The ARN that learners' roles trust, if it is not the role of the server's own credentials.
    pub principal: Option<String>,
    /// Stands in for AWS in tests of this server; learners cannot set it.
    pub endpoint_url: Option<String>,
}

/// Reaches AWS for the learners.
pub struct Connector {
    options: ConnectOptions,
    unlock_code: UnlockCode,
    /// The server's own credentials; in hosted mode they assume the learners' roles.
    own: SharedCredentialsProvider,
    http: Option<SharedHttpClient>,
}

/// Why an account could not be connected, in words for the learner.
#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("This server works with its sandbox only. Whoever runs it can change that with --live.")]
    Off,
    #[error("That is not one of the regions of the list.")]
    Region,
    #[error("This machine has no profile of that name. Reload the page if you have just made it.")]
    Profile,
    #[error("{0}")]
    Role(#[from] RoleArnError),
    #[error("{0}")]
    Assume(#[from] AssumeError),
    #[error("{0}")]
    Policy(#[from] PolicyError),
    #[error("AWS did not tell whose credentials these are: {0}")]
    Identity(CallError),
    #[error("The role is in account {expected}, but its credentials are of account {found}. They are not used.")]
    OtherAccount { expected: String, found: String },
}

/// Whose account was found, to be confirmed by the learner before anything is done in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub connection: Connection,
    pub identity: CallerIdentity,
    pub region: String,
    /// The regions that the account has switched on, this one left out.
    pub other_regions: Vec<String>,
}

impl Connector {
    pub fn new(options: ConnectOptions) -> Self {
        Self {
            own: SharedCredentialsProvider::new(MachineCredentials::default_chain()),
            unlock_code: UnlockCode::generate(),
            http: options.endpoint_url.as_deref().and_then(http_client_of),
            options,
        }
    }

    /// The same with credentials of its own instead of the machine's.
    #[cfg(test)]
    pub fn with_own_credentials(self, own: SharedCredentialsProvider) -> Self {
        Self { own, ..self }
    }

    pub fn mode(&self) -> LiveMode {
        self.options.mode
    }

    /// Whether this server, as it was started now, reaches accounts in this way.
    pub fn serves(&self, connection: &Connection) -> bool {
        match connection {
            Connection::Profile { .. } => self.options.mode == LiveMode::Local,
            Connection::Role { .. } => self.options.mode == LiveMode::Hosted,
        }
    }

    /// What unlocks local mode.
    pub fn unlock_code(&self) -> &UnlockCode {
        &self.unlock_code
    }

    /// Names of the profiles on this machine.
    pub async fn profiles(&self) -> Vec<String> {
        profiles::names().await
    }

    /// Finds out whose account the machine's credentials reach.
    pub async fn find_by_profile(&self, profile: Option<String>, region: &str) -> Result<Found, ConnectError> {
        if self.options.mode != LiveMode::Local {
            return Err(ConnectError::Off);
        }
        if let Some(profile) = &profile
            && !self.profiles().await.contains(profile)
        {
            return Err(ConnectError::Profile);
        }
        let connection = Connection::Profile { profile };
        let config = self.config(self.credentials(&connection, None), checked(region)?);
        self.identify(connection, config, region).await
    }

    /// Assumes the role a learner made, unless it would let in others as well, and finds out whose account it reaches.
    pub async fn find_by_role(
        &self,
        role: &str,
        external_id: &ExternalId,
        region: &str,
    ) -> Result<Found, ConnectError> {
        if self.options.mode != LiveMode::Hosted {
            return Err(ConnectError::Off);
        }
        let role: RoleArn = role.parse()?;
        let region = checked(region)?;
        assume::prove_trust_policy(&self.sts(region), &role, external_id).await?;
        let connection = Connection::Role { role: role.clone(), external_id: external_id.clone() };
        let subject = Subject::new(role.account(), region);
        let config = self.config(self.credentials(&connection, Some(&subject)), region);
        let found = self.identify(connection, config, region).await?;
        if found.identity.account != role.account() {
            let expected = role.account().to_owned();
            return Err(ConnectError::OtherAccount { expected, found: found.identity.account });
        }
        Ok(found)
    }

    /// Configuration for a connected account. `subject` is what a role's session is limited to.
    pub fn sdk(&self, connection: &Connection, subject: &Subject) -> SdkConfig {
        self.config(self.credentials(connection, Some(subject)), &subject.region)
    }

    /// Configuration that reaches nothing, for who has not connected an account yet.
    pub fn unconnected(&self, region: &str) -> SdkConfig {
        base(region).credentials_provider(SharedCredentialsProvider::new(NoCredentials)).build()
    }

    /// What a learner needs to make the role. `subject` names the account if it is known already.
    pub async fn offer(&self, external_id: &ExternalId, subject: &Subject) -> Result<RoleOffer, ConnectError> {
        let principal = match &self.options.principal {
            Some(principal) => principal.clone(),
            None => {
                let identity = caller(&self.config(self.own.clone(), REGIONS[0].0)).await?;
                role::principal_of(&identity.arn)
            }
        };
        Ok(RoleOffer::new(principal, external_id.clone(), subject)?)
    }

    async fn identify(&self, connection: Connection, config: SdkConfig, region: &str) -> Result<Found, ConnectError> {
        let identity = caller(&config).await?;
        let mut other_regions = checks::enabled_regions(&config).await;
        other_regions.retain(|other| other != region);
        Ok(Found { connection, identity, region: region.to_owned(), other_regions })
    }

    fn credentials(&self, connection: &Connection, subject: Option<&Subject>) -> SharedCredentialsProvider {
        match connection {
            Connection::Profile { profile: None } => self.own.clone(),
            Connection::Profile { profile: Some(profile) } => {
                SharedCredentialsProvider::new(MachineCredentials::profile(profile.clone()))
            }
            Connection::Role { role, external_id } => {
                // Where no policy can be made, the session can do nothing.
                let policy = subject.and_then(|subject| checks::policy(subject).ok());
                let region = subject.map_or(REGIONS[0].0, |subject| &subject.region);
                let sts = self.sts(region);
                SharedCredentialsProvider::new(RoleCredentials::new(sts, role.clone(), external_id.clone(), policy))
            }
        }
    }

    /// A client for assuming roles, with the server's own credentials.
    fn sts(&self, region: &str) -> aws_sdk_sts::Client {
        let config = self.config(self.own.clone(), region);
        let guarded = aws_sdk_sts::config::Builder::from(&config).interceptor(Guard::of(Caller::Connect)).build();
        aws_sdk_sts::Client::from_conf(guarded)
    }

    fn config(&self, credentials: SharedCredentialsProvider, region: &str) -> SdkConfig {
        let mut builder = base(region).credentials_provider(credentials);
        builder.set_endpoint_url(self.options.endpoint_url.clone());
        builder.set_http_client(self.http.clone());
        builder.build()
    }
}

async fn caller(config: &SdkConfig) -> Result<CallerIdentity, ConnectError> {
    tokio::time::timeout(PATIENCE, checks::caller_identity(config))
        .await
        .unwrap_or_else(|_| Err(CallError::Fault("AWS STS did not answer in time".to_owned())))
        .map_err(ConnectError::Identity)
}

/// A client for an endpoint on plain HTTP, which needs no certificates; the SDK's own does for everything else.
pub fn http_client_of(endpoint_url: &str) -> Option<SharedHttpClient> {
    endpoint_url.starts_with("http://").then(|| aws_smithy_http_client::Builder::new().build_http())
}

/// What all configurations share. An endpoint in the environment or in a profile does not count.
fn base(region: &str) -> aws_types::sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .identity_cache(IdentityCache::lazy().build())
        .retry_config(RetryConfig::standard())
        .timeout_config(TimeoutConfig::builder().connect_timeout(Duration::from_secs(5)).build())
}

fn checked(region: &str) -> Result<&str, ConnectError> {
    REGIONS.iter().find(|(name, _)| *name == region).map(|(name, _)| *name).ok_or(ConnectError::Region)
}
