use super::{ClassView, Role};
use crate::model::LabChoice;
use serde::{Deserialize, Serialize};

/// Everything that can be set for a class. Secrets are not in it: a new one is shown once, see [`ShownOnce`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsView {
    pub class: ClassView,
    /// The account of who is looking.
    pub me: String,
    /// The labs that learners of the class may choose.
    pub labs: Vec<LabChoice>,
    /// The labs that this server has to offer.
    pub offered: Vec<LabChoice>,
    /// Learners may do without a name.
    pub anonymous: bool,
    pub points: PointsView,
    pub staff: Vec<StaffView>,
    /// Invitations that nobody has accepted yet.
    pub invitations: Vec<InvitationLinkView>,
    pub webhooks: Vec<WebhookView>,
    pub lti: LtiView,
    pub xapi: Option<XapiView>,
}

/// What checks are worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsView {
    pub steps: Vec<StepPointsView>,
    /// Percent of the points for a check whose step was done for the learner.
    pub assisted_percent: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPointsView {
    /// Counted from 0.
    pub number: u32,
    pub title: String,
    /// Id, title and points of each check.
    pub checks: Vec<(String, String, u32)>,
}

/// Someone who teaches the class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffView {
    /// The account's id.
    pub id: String,
    pub name: String,
    pub login: String,
    pub role: Role,
}

/// An invitation by link. The link itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationLinkView {
    pub id: String,
    pub role: Role,
    /// For whom, in the inviter's words; may be empty.
    pub note: String,
    pub expires_at: i64,
}

/// An address that is told what happens in the class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookView {
    pub id: String,
    pub url: String,
    pub kinds: Vec<WebhookKind>,
    /// Latest first.
    pub deliveries: Vec<DeliveryView>,
    /// Entries of the log that it has not been told yet, or passed over.
    pub behind: u32,
    /// Since when it is switched off, and why.
    pub off: Option<(i64, String)>,
}

/// Groups of events that a webhook may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookKind {
    /// Joined, left, removed, renamed.
    Members,
    /// Steps opened, done for the learner, passed.
    Steps,
    /// Verdicts of checks.
    Verdicts,
    /// Hands, hints, what was resolved.
    Help,
}

impl WebhookKind {
    pub const ALL: [Self; 4] = [Self::Members, Self::Steps, Self::Verdicts, Self::Help];

    /// As forms post it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Steps => "steps",
            Self::Verdicts => "verdicts",
            Self::Help => "help",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Members => "Who joins, leaves, is removed",
            Self::Steps => "Steps opened, done for them, passed",
            Self::Verdicts => "Verdicts of checks",
            Self::Help => "Hands, hints, what was resolved",
        }
    }
}

/// One attempt to tell a webhook something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    pub at: i64,
    /// The status that was answered; `None` when there was no answer.
    pub status: Option<u16>,
    /// For example `3 events` or `the connection was refused`.
    pub text: String,
    /// It is tried again at this time.
    pub again_at: Option<i64>,
}

/// LTI 1.3 Advantage: how a learning platform reaches this class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LtiView {
    /// What a platform asks for: label and address.
    pub addresses: Vec<(String, String)>,
    pub platforms: Vec<PlatformView>,
}

/// A learning platform that may launch into this class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformView {
    pub id: String,
    pub issuer: String,
    pub client_id: String,
    pub deployment_ids: Vec<String>,
    /// The latest launch.
    pub launched_at: Option<i64>,
    /// Whether grades go back, as far as the latest launch told.
    pub takes_grades: bool,
    /// The latest trouble with passing grades back; empty when there is none.
    pub trouble: String,
}

/// Where statements go. The key is write only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct XapiView {
    pub endpoint: String,
    pub key: String,
    /// Events not told yet.
    pub behind: u32,
    /// The latest trouble; empty when there is none.
    pub trouble: String,
}

/// A secret made a moment ago: handed out once, kept in memory only, and not for long.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShownOnce {
    /// The link of an invitation.
    Invitation { link: String },
    /// The key with which a webhook's messages are signed.
    WebhookSecret { url: String, secret: String },
}

impl std::fmt::Debug for ShownOnce {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Invitation { .. } => "Invitation([redacted])",
            Self::WebhookSecret { .. } => "WebhookSecret([redacted])",
        })
    }
}
