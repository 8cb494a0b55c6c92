use super::{AccessKeyView, Choice};
use serde::{Deserialize, Serialize};

/// Where a lab runs and what counts in it: chosen when it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabChoice {
    /// The sandbox, with a SQL application as AWS had it until January 2026.
    #[default]
    SandboxSql,
    /// The sandbox, with a data stream and a function that counts in tumbling windows.
    SandboxWindow,
    /// The learner's own account, the same way.
    AccountWindow,
    /// The learner's own account, with Managed Service for Apache Flink.
    AccountFlink,
}

impl LabChoice {
    pub const ALL: [Self; 4] = [Self::SandboxSql, Self::SandboxWindow, Self::AccountWindow, Self::AccountFlink];

    /// As forms post it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SandboxSql => "sandbox-sql",
            Self::SandboxWindow => "sandbox-window",
            Self::AccountWindow => "account-window",
            Self::AccountFlink => "account-flink",
        }
    }

    /// Whether it runs in an AWS account of the learner's own.
    pub fn is_account(self) -> bool {
        matches!(self, Self::AccountWindow | Self::AccountFlink)
    }
}

/// Where the learner's lab runs. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "a page has one, and only on 64 bits it is large")]
pub enum PlaceView {
    Sandbox {
        /// For `AWS_ENDPOINT_URL`, for example `http://127.0.0.1:4566`.
        endpoint: String,
        access_keys: Vec<AccessKeyView>,
    },
    Account(ConnectView),
}

/// The learner's own account: how it can be connected, and whether it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectView {
    pub way: ConnectWay,
    /// To choose from: value is the code, label the place.
    pub regions: Vec<Choice>,
    /// The region chosen so far.
    pub region: String,
    /// Found and waiting for the learner's word; nothing has been done in it.
    pub found: Option<IdentityView>,
    pub connected: Option<IdentityView>,
}

/// How this server lets accounts be connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectWay {
    /// Not at all: it works with its sandbox only.
    Off,
    /// By the credentials of the machine it runs on.
    Machine {
        /// The code printed in the server's terminal has not been entered in this browser yet.
        locked: bool,
        /// The machine's named profiles; empty while locked.
        profiles: Vec<String>,
    },
    /// By a role that the learner makes for it.
    Role {
        /// What to make; `None` until the learner has told the account's number and region.
        offer: Option<RoleOfferView>,
        /// Why there is no offer although the account is known.
        problem: Option<String>,
    },
}

/// Whose account it is, as AWS says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityView {
    /// Twelve digits.
    pub account_id: String,
    /// The user or role that AWS knows us as.
    pub arn: String,
    pub region: String,
    /// For example `the profile lab` or `the role arn:aws:iam::111122223333:role/HeadwaterLab`.
    pub by: String,
}

/// The role to make, in three forms. None of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleOfferView {
    pub account_id: String,
    pub external_id: String,
    /// Whom the role trusts.
    pub principal: String,
    /// What it allows, as JSON.
    pub policy: String,
    /// A `CloudFormation` template as JSON; the page also links to [`CLOUDFORMATION_PATH`].
    pub cloudformation: String,
    pub terraform: String,
    /// Commands for the AWS CLI.
    pub commands: String,
}

/// Where the `CloudFormation` template is downloaded as a file.
pub const CLOUDFORMATION_PATH: &str = "/connect/headwater-role.json";
