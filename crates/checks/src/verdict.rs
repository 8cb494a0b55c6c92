//! What a check may say, and what it says it on.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::name::CheckName;

/// The outcome of a check. The last three are never the learner's fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// As the lab asks.
    Pass,
    /// Nothing there yet.
    NotYet {
        /// The missing thing, as in "the table `ClickstreamWindowCounts`".
        what: String,
    },
    /// There, with a setting that differs from what the lab asks.
    Wrong {
        /// The setting under the name that AWS gives it.
        setting: String,
        /// What the lab asks for.
        expected: String,
        /// What was found.
        found: String,
    },
    /// There, but not where the lab looks.
    Elsewhere {
        /// A region such as "eu-west-1", or "account 123456789012".
        place: String,
    },
    /// The credentials do not allow us to look. That proves nothing.
    NoPermission {
        /// The missing IAM action, such as "firehose:DescribeDeliveryStream".
        action: String,
    },
    /// Being created, changed, deleted or buffered.
    Settling {
        /// When to look again.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
        /// What is being waited for.
        why: String,
    },
    /// AWS, or the network on the way to it, did not give a usable answer.
    ServiceFault {
        /// The cause, in plain words.
        message: String,
    },
}

/// A [`Verdict`] without its particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// See [`Verdict::Pass`].
    Pass,
    /// See [`Verdict::NotYet`].
    NotYet,
    /// See [`Verdict::Wrong`].
    Wrong,
    /// See [`Verdict::Elsewhere`].
    Elsewhere,
    /// See [`Verdict::NoPermission`].
    NoPermission,
    /// See [`Verdict::Settling`].
    Settling,
    /// See [`Verdict::ServiceFault`].
    ServiceFault,
}

impl Verdict {
    /// The kind of this verdict.
    pub fn kind(&self) -> VerdictKind {
        match self {
            Self::Pass => VerdictKind::Pass,
            Self::NotYet { .. } => VerdictKind::NotYet,
            Self::Wrong { .. } => VerdictKind::Wrong,
            Self::Elsewhere { .. } => VerdictKind::Elsewhere,
            Self::NoPermission { .. } => VerdictKind::NoPermission,
            Self::Settling { .. } => VerdictKind::Settling,
            Self::ServiceFault { .. } => VerdictKind::ServiceFault,
        }
    }

    /// Whether the check passed.
    pub fn is_pass(&self) -> bool {
        *self == Self::Pass
    }
}

/// One look at AWS on which a verdict rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The call, such as "firehose:DescribeDeliveryStream", with the region when it is not the learner's:
    /// "firehose:DescribeDeliveryStream (eu-west-1)".
    pub call: String,
    /// The fields read, in reading order, with their values as text; long values are cut.
    pub fields: Vec<(String, String)>,
    /// When the answer arrived.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check.
    pub name: CheckName,
    /// Its outcome.
    pub verdict: Verdict,
    /// For the learner, in plain language: what is so, and what to do next.
    pub message: String,
    /// The answers it rests on; empty when nothing had to be asked.
    pub evidence: Vec<Evidence>,
}
