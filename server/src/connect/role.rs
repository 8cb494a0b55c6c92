//! The learner's role and the external ID that it must ask for.

use std::fmt;
use std::str::FromStr;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The ARN of an IAM role: `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn {
    text: String,
    account: String,
}

/// What is wrong with the ARN of a role.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "This is not the ARN of a role. It reads arn:aws:iam::123456789012:role/HeadwaterLab, with the number of your account; \
     CloudFormation shows it under Outputs."
)]
pub struct RoleArnError;

/// A random name for a learner's enrolment, made by us: a role that asks for it can only be brought by this learner
/// (AWS IAM, "The confused deputy problem"). It is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalId(String);

impl RoleArn {
    /// Twelve digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for RoleArn {
    type Err = RoleArnError;

    fn from_str(text: &str) -> Result<Self, RoleArnError> {
        let text = text.trim();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, partition, "iam", "", account, resource] = parts[..] else {
            return Err(RoleArnError);
        };
        let name = resource.strip_prefix("role/").ok_or(RoleArnError)?;
        let fits = arn == "arn"
            && matches!(partition, "aws" | "aws-cn" | "aws-us-gov")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && (1..=512).contains(&name.len())
            && !name.starts_with('/')
            && !name.ends_with('/')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@-_/".contains(&byte));
        if fits { Ok(Self { text: text.to_owned(), account: account.to_owned() }) } else { Err(RoleArnError) }
    }
}

impl TryFrom<String> for RoleArn {
    type Error = RoleArnError;

    fn try_from(text: String) -> Result<Self, RoleArnError> {
        text.parse()
    }
}

impl From<RoleArn> for String {
    fn from(role: RoleArn) -> Self {
        role.text
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl ExternalId {
    /// A new one with 128 random bits.
    pub fn generate() -> Self {
        Self(format!("headwater-{:032x}", rand::rng().random::<u128>()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whom a role has to trust so that the caller with this ARN may assume it: an assumed role's session stands for its role.
pub fn principal_of(caller: &str) -> String {
    let parts: Vec<&str> = caller.splitn(6, ':').collect();
    if let [arn, partition, "sts", _, account, resource] = parts[..]
        && let Some(role) = resource.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next())
    {
        return format!("{arn}:{partition}:iam::{account}:role/{role}");
    }
    caller.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_roles_arn_is_taken() {
        let role: RoleArn = " arn:aws:iam::111122223333:role/lab/Headwater ".parse().unwrap();
        assert_eq!((role.account(), role.as_str()), ("111122223333", "arn:aws:iam::111122223333:role/lab/Headwater"));
        for wrong in [
            "",
            "HeadwaterLab",
            "arn:aws:iam::111122223333:user/mia",
            "arn:aws:iam::1111:role/x",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/a b",
            "arn:aws:iam::111122223333:role//x",
            "arn:evil:iam::111122223333:role/x",
            "arn:aws:sts::111122223333:assumed-role/x/y",
            "arn:aws:iam:us-east-1:111122223333:role/x",
        ] {
            assert_eq!(wrong.parse::<RoleArn>(), Err(RoleArnError), "{wrong}");
        }
    }

    #[test]
    fn a_stored_role_is_read_with_the_same_care() {
        assert!(serde_json::from_str::<RoleArn>("\"arn:aws:iam::111122223333:role/x\"").is_ok());
        assert!(serde_json::from_str::<RoleArn>("\"x\"").is_err());
    }

    #[test]
    fn external_ids_differ_and_fit_the_contract_of_assume_role() {
        let (one, other) = (ExternalId::generate(), ExternalId::generate());
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), "headwater-".len() + 32);
    }

    #[test]
    fn a_session_stands_for_its_role() {
        assert_eq!(
            principal_of("arn:aws:sts::444455556666:assumed-role/Headwater/i-0abc"),
            "arn:aws:iam::444455556666:role/Headwater"
        );
        assert_eq!(principal_of("arn:aws:iam::444455556666:user/host"), "arn:aws:iam::444455556666:user/host");
    }
}
