use serde::{Deserialize, Serialize};

/// One check of a step with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// For example `delivery-stream.prefix`.
    pub id: String,
    /// What is looked at, for example `Objects go under the prefix clicks/`.
    pub title: String,
    /// Runs only after the learner agreed, since it invokes something in the account.
    pub needs_consent: bool,
    /// It runs right now; `last` is the verdict before.
    pub running: bool,
    /// `None` when it never ran.
    pub last: Option<VerdictView>,
    /// The first pass, which stays.
    pub passed_at: Option<i64>,
    /// What changed since the pass, in a sentence.
    pub regression: Option<String>,
}

/// A verdict with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictView {
    pub verdict: Verdict,
    /// One or two sentences for the learner: what it means and what to do.
    pub message: String,
    pub evidence: Vec<EvidenceView>,
    pub checked_at: i64,
}

/// The seven kinds. The last three never blame the learner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Pass,
    /// Nothing there.
    NotYet,
    Wrong {
        setting: String,
        expected: String,
        found: String,
    },
    /// Found in another region or account.
    Elsewhere {
        place: String,
    },
    NoPermission {
        /// The IAM action, for example `firehose:DescribeDeliveryStream`.
        action: String,
    },
    /// Still propagating or buffering.
    Settling {
        /// When it is worth looking again.
        until: i64,
    },
    ServiceFault,
}

/// An AWS call made and what was read from its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceView {
    /// For example `Firehose DescribeDeliveryStream`.
    pub call: String,
    pub at: i64,
    pub fields: Vec<EvidenceField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceField {
    pub name: String,
    pub value: String,
}
