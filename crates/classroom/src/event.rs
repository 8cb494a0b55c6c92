//! What can happen in a class.

use serde::{Deserialize, Serialize};

/// Something that happened in a class. It says how things are since then, not by how much they changed, so that reading it
/// twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// The class was made, or its points were set anew. Grades follow the latest.
    PointsSet {
        scheme: crate::PointsScheme,
    },
    /// A learner asks to be let in.
    Waiting,
    /// A learner is in the class. What they had done before follows as events of its own.
    Joined,
    /// The learner's shown name was changed; the name itself is kept out of the log.
    Renamed,
    Left,
    Removed,
    /// The learner opened a step for the first time.
    StepOpened {
        step: String,
    },
    /// The learner asked for a check by the button; `attempts` so far.
    Attempted {
        step: String,
        attempts: u32,
    },
    /// A check gave another verdict than before.
    Verdict {
        step: String,
        check: String,
        verdict: VerdictKind,
        /// What learners with the same trouble have in common, such as `prefix`; empty for a pass.
        cause: String,
        /// First pass in Unix milliseconds; it stays whatever comes later.
        first_passed_ms: Option<i64>,
        /// SHA-256 in hex of the whole result with its evidence, as JSON.
        evidence_sha256: String,
    },
    /// All checks of the step have passed; `passed_ms` in Unix milliseconds.
    StepPassed {
        step: String,
        passed_ms: i64,
    },
    /// The step was done for the learner, at the learner's wish.
    Assisted {
        step: String,
    },
    /// Hints of the step revealed so far.
    HintRevealed {
        step: String,
        revealed: u32,
    },
    /// A question was answered.
    Answered {
        step: String,
        question: u32,
        correct: bool,
        first_correct: bool,
        tries: u32,
    },
    /// The learner asks for help.
    HandRaised {
        step: String,
    },
    /// The learner no longer needs it.
    HandLowered,
    /// An instructor's hint went to the learner; one sent to many has the same id in each event.
    HintSent {
        hint: String,
        step: String,
        check: Option<String>,
        by: String,
    },
    /// The learner has put the hint away.
    HintSeen {
        hint: String,
    },
    /// An instructor has dealt with it.
    Resolved {
        subject: HelpSubject,
        by: String,
    },
    /// It is open again, by an instructor's wish.
    Reopened {
        subject: HelpSubject,
        by: String,
    },
}

/// What a learner may need help with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "kebab-case")]
pub enum HelpSubject {
    /// A raised hand.
    Hand,
    /// Being stuck in a step.
    Step { step: String },
}

/// A verdict of a check without its particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    Pass,
    NotYet,
    Wrong,
    Elsewhere,
    NoPermission,
    Settling,
    ServiceFault,
}

impl VerdictKind {
    /// Whether the learner has something to mend. The last three kinds are never the learner's fault.
    pub fn is_learners(self) -> bool {
        matches!(self, Self::NotYet | Self::Wrong | Self::Elsewhere)
    }
}
