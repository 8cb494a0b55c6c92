//! Who is calling: accounts, regions, principals and access keys.

use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use thiserror::Error;

/// The twelve digits that name an AWS account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

/// A string that is not twelve decimal digits.
#[derive(Debug, Error)]
#[error("an account id is twelve digits, not {0:?}")]
pub struct InvalidAccountId(String);

/// An AWS region name such as `us-east-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

/// A string that does not look like a region name.
#[derive(Debug, Error)]
#[error("a region looks like us-east-1, not {0:?}")]
pub struct InvalidRegion(String);

/// What resources are keyed by: the same name may exist once in each account and region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub account: AccountId,
    pub region: Region,
}

/// Who signed a request, as STS `GetCallerIdentity` would tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The account's own user, holder of a long-lived access key.
    User { name: String, access_key_id: String },
    /// A session made by STS `AssumeRole`.
    AssumedRole { role: String, role_id: String, session: String, access_key_id: String },
}

/// A verified caller: the signature was checked before one of these is made.
#[derive(Clone, Debug)]
pub struct Caller {
    pub scope: Scope,
    pub principal: Principal,
}

/// An access key with its secret, in the moment it is minted.
#[derive(Clone, Debug)]
pub struct AccessKey {
    pub id: String,
    pub secret: SecretString,
}

impl Principal {
    /// The access key that signed the request.
    pub fn access_key_id(&self) -> &str {
        match self {
            Self::User { access_key_id, .. } | Self::AssumedRole { access_key_id, .. } => access_key_id,
        }
    }
}

impl Caller {
    /// The caller's ARN, as STS `GetCallerIdentity` tells it.
    pub fn arn(&self) -> String {
        let account = &self.scope.account;
        match &self.principal {
            Principal::User { name, .. } => format!("arn:aws:iam::{account}:user/{name}"),
            Principal::AssumedRole { role, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
        }
    }
}

impl AccountId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scope {
    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAccountId(text.to_owned()))
        }
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = (4..=32).contains(&text.len())
            && text.contains('-')
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidRegion(text.to_owned())) }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
