//! Where a learner's lab runs.

use serde::{Deserialize, Serialize};

use crate::connect::{ExternalId, RoleArn};

/// The sandbox, or an AWS account of the learner's own. A lab stays where it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Place {
    /// An account of the built-in sandbox.
    Sandbox,
    /// A real account.
    Account {
        /// None until the learner has confirmed one.
        connected: Option<Connected>,
    },
}

/// A real account that the learner confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    pub connection: Connection,
    /// Who the account knows us as.
    pub arn: String,
    /// The account's other regions that are switched on.
    pub other_regions: Vec<String>,
}

/// How a real account is reached. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Connection {
    /// By this machine's credentials: a profile's, or those of the default chain.
    Profile { profile: Option<String> },
    /// By a role that trusts us, with the external ID made for this learner.
    Role { role: RoleArn, external_id: ExternalId },
}

impl Place {
    /// Whether it is a real account, connected or not.
    pub fn is_account(&self) -> bool {
        matches!(self, Self::Account { .. })
    }

    /// Whether it is a real account that the learner has not connected yet.
    pub fn awaits_connection(&self) -> bool {
        matches!(self, Self::Account { connected: None })
    }

    /// The real account's connection, once there is one.
    pub fn connected(&self) -> Option<&Connected> {
        match self {
            Self::Account { connected } => connected.as_ref(),
            Self::Sandbox => None,
        }
    }
}
