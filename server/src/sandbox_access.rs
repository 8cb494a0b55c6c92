//! The sandbox, in this process or in another: what the web server asks of it.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use sandbox::{AccessKey, AccessKeyMetadata, AccountId, AwsError, RemoteSandbox, Sandbox};
use secrecy::ExposeSecret as _;

/// Where the sandbox is. Cheap to clone.
#[derive(Clone)]
pub enum SandboxAccess {
    /// In this process.
    Here(Sandbox),
    /// In a process that several web servers share.
    Elsewhere {
        sandbox: RemoteSandbox,
        /// Where this server reaches its AWS endpoint.
        internal_url: String,
    },
}

impl SandboxAccess {
    /// A sandbox elsewhere, whose AWS endpoint this server reaches where learners do unless told otherwise.
    pub fn elsewhere(sandbox: RemoteSandbox, internal_url: Option<String>) -> Self {
        let internal_url = internal_url.map(|url| url.trim_end_matches('/').to_owned());
        let internal_url = internal_url.unwrap_or_else(|| sandbox.endpoint_url().to_owned());
        Self::Elsewhere { sandbox, internal_url }
    }

    /// The URL at which learners reach it.
    pub fn endpoint_url(&self) -> &str {
        match self {
            Self::Here(sandbox) => &sandbox.config().endpoint_url,
            Self::Elsewhere { sandbox, .. } => sandbox.endpoint_url(),
        }
    }

    /// The URL at which this server reaches it.
    pub fn internal_url(&self) -> &str {
        match self {
            Self::Here(sandbox) => &sandbox.config().endpoint_url,
            Self::Elsewhere { internal_url, .. } => internal_url,
        }
    }

    /// Makes an account, as yet without keys.
    pub async fn new_account(&self) -> Result<AccountId, AwsError> {
        match self {
            Self::Here(sandbox) => sandbox.new_account().await,
            Self::Elsewhere { sandbox, .. } => sandbox.new_account().await,
        }
    }

    /// The count of changes in an account; `None` where it is not known, as in a sandbox of another process.
    pub fn changes(&self, account: &AccountId) -> Option<u64> {
        match self {
            Self::Here(sandbox) => Some(sandbox.changes(account)),
            Self::Elsewhere { .. } => None,
        }
    }

    /// The regions in which an account has anything.
    pub async fn regions(&self, account: &AccountId) -> Result<Vec<String>, AwsError> {
        match self {
            Self::Here(sandbox) => sandbox.regions(account).await,
            Self::Elsewhere { sandbox, .. } => sandbox.regions(account).await,
        }
    }

    /// How many accounts there are.
    pub async fn count_accounts(&self) -> Result<u32, AwsError> {
        match self {
            Self::Here(sandbox) => sandbox.count_accounts().await,
            Self::Elsewhere { sandbox, .. } => sandbox.count_accounts().await,
        }
    }

    /// Mints an access key; its secret can be told only now.
    pub async fn create_access_key(&self, account: &AccountId) -> Result<AccessKey, AwsError> {
        match self {
            Self::Here(sandbox) => sandbox.create_access_key(account).await,
            Self::Elsewhere { sandbox, .. } => sandbox.create_access_key(account).await,
        }
    }

    /// Revokes an access key at once.
    pub async fn delete_access_key(&self, account: &AccountId, access_key_id: &str) -> Result<(), AwsError> {
        match self {
            Self::Here(sandbox) => sandbox.delete_access_key(account, access_key_id).await,
            Self::Elsewhere { sandbox, .. } => sandbox.delete_access_key(account, access_key_id).await,
        }
    }

    /// The access keys of an account, the oldest first.
    pub async fn access_keys(&self, account: &AccountId) -> Result<Vec<AccessKeyMetadata>, AwsError> {
        match self {
            Self::Here(sandbox) => sandbox.access_keys(account).await,
            Self::Elsewhere { sandbox, .. } => sandbox.access_keys(account).await,
        }
    }

    /// The credentials with which this server itself acts in a learner's account. Never show them to anyone.
    pub fn service_credentials(&self, account: &AccountId) -> SharedCredentialsProvider {
        match self {
            Self::Here(sandbox) => {
                let key = sandbox.service_credentials(account);
                SharedCredentialsProvider::new(Credentials::new(
                    &key.id,
                    key.secret.expose_secret(),
                    None,
                    None,
                    "headwater",
                ))
            }
            Self::Elsewhere { sandbox, .. } => SharedCredentialsProvider::new(sandbox.service_credentials(account)),
        }
    }
}
