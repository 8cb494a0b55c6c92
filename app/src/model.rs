//! What travels between server and browser.
//!
//! All times are Unix seconds in UTC, all text that is HTML is named `…_html` and is
//! already safe (rendered and escaped by the server); everything else is plain text.
//! No `usize` goes over the wire, since it has 32 bits in the browser.

use crate::error::BackendError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod catch_up;
mod chart;
mod check;
mod demo;
mod membership;
mod pipeline;
mod place;
mod receipt;
mod step;
pub mod teach;
mod trace;

pub use catch_up::{CatchUpView, PlannedCallView};
pub use chart::{ChartView, PageCount, WindowState, WindowView};
pub use check::{CheckView, EvidenceField, EvidenceView, Verdict, VerdictView};
pub use demo::{BadLine, DemoRequest, DemoSource, DemoState, DemoView};
pub use membership::{
    BRING, ClassHintView, ClassInvite, HandView, JoinLab, JoinRequest, Joined, MembershipState, MembershipView, OwnLab,
    Standing,
};
pub use pipeline::{FlowView, NodeId, NodeState, NodeView, PipelineShape, PipelineView};
pub use place::{CLOUDFORMATION_PATH, ConnectView, ConnectWay, IdentityView, LabChoice, PlaceView, RoleOfferView};
pub use receipt::{CostView, DeletedView, ReceiptView, ResourceView, UnknownView};
pub use step::{
    ActionView, AnswerView, Choice, FieldInput, FieldView, HintView, HintsView, QuestionView, Solution, StepLink,
    StepState, StepSummary, StepView,
};
pub use trace::{HopState, HopView, TraceView};

/// The fields of a posted form, by name.
pub type Fields = BTreeMap<String, String>;

/// What every page of the lab needs: the steps, the learner and the learner's account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabView {
    pub learner: LearnerView,
    pub account: AccountView,
    /// In the order of the lab.
    pub steps: Vec<StepSummary>,
    pub pipeline: PipelineView,
    pub demo: DemoView,
    pub chart: ChartView,
    /// The latest sending on its way; `None` before the first.
    pub trace: Option<TraceView>,
    /// What the lab costs; `None` in the sandbox, and while nothing of it is there.
    pub cost: Option<CostView>,
}

/// Who is looking at the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerView {
    /// Where the learner was last: the slug of a step.
    pub current_step: String,
    pub steps_passed: u32,
    pub steps_total: u32,
}

/// The learner's account, in the sandbox or on AWS. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Twelve digits; empty until an account of the learner's own is connected.
    pub account_id: String,
    pub region: String,
    /// What counts, for example `a SQL application`.
    pub engine: String,
    pub place: PlaceView,
    /// The learner's own names for what they will create (bucket, stream, ...).
    pub names: Vec<FieldView>,
}

/// An access key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKeyView {
    pub id: String,
    pub created_at: i64,
}

/// A fresh access key with its secret: handed out once, right after it was minted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MintedKeys {
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl std::fmt::Debug for MintedKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MintedKeys")
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"[redacted]")
            .finish()
    }
}

/// Good, neutral or bad news about something the learner just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    Good,
    Info,
    Bad,
}

/// The outcome of a form post, shown next to its form.
///
/// A post without JavaScript ends in a redirect, so the notice waits in the session for the
/// page that follows; see [`crate::backend::Backend::take_notice`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which form it belongs to; one of the [`about`] names.
    pub about: String,
    pub tone: Tone,
    pub message: String,
    /// For example one line a call that was made.
    pub details: Vec<String>,
    /// The field at fault, by its name.
    pub field: Option<String>,
    /// What the learner had typed, so that nothing is lost.
    pub kept: Fields,
}

impl Notice {
    pub fn new(about: impl Into<String>, tone: Tone, message: impl Into<String>) -> Self {
        Self {
            about: about.into(),
            tone,
            message: message.into(),
            details: Vec::new(),
            field: None,
            kept: Fields::new(),
        }
    }

    /// Bad news; `kept` is what the learner had typed.
    pub fn failure(about: impl Into<String>, error: &BackendError, kept: Fields) -> Self {
        Self { field: error.field().map(str::to_owned), kept, ..Self::new(about, Tone::Bad, error.to_string()) }
    }
}

/// The forms that a [`Notice`] can be about.
pub mod about {
    pub const START: &str = "start";
    pub const RESUME: &str = "resume";
    pub const FORGET: &str = "forget";
    pub const KEYS: &str = "keys";
    pub const RESUME_CODE: &str = "resume-code";
    pub const NAMES: &str = "names";
    pub const CHECKS: &str = "checks";
    pub const HINTS: &str = "hints";
    pub const DEMO: &str = "demo";
    /// The plain `POST /upload` of a file of clicks.
    pub const UPLOAD: &str = "upload";
    /// Connecting an account of the learner's own: unlock, prepare, find, confirm.
    pub const CONNECT: &str = "connect";
    pub const CATCH_UP: &str = "catch-up";
    /// Coming into a class.
    pub const JOIN: &str = "join";
    /// The learner's own place in a class: hand, name, leaving, hints from instructors.
    pub const CLASS: &str = "class";

    pub const SIGN_IN: &str = "teach-sign-in";
    /// Signing in by the OpenID Connect provider, and connecting an account with it.
    pub const PROVIDER: &str = "teach-provider";
    pub const SET_UP: &str = "teach-set-up";
    pub const INVITATION: &str = "teach-invitation";
    pub const INSTRUCTOR_NAME: &str = "teach-name";
    pub const PASSWORD: &str = "teach-password";
    pub const NEW_CLASS: &str = "teach-new-class";

    /// An action of a step, by its name.
    pub fn action(name: &str) -> String {
        format!("action/{name}")
    }

    /// A question of a step, by its id.
    pub fn question(id: &str) -> String {
        format!("question/{id}")
    }
}

/// What an action did, in the learner's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performed {
    /// For example `Created the bucket clickstream-123456789012-us-east-1.`
    pub message: String,
    /// The AWS operations called, in order, for example `S3 CreateBucket`.
    pub calls: Vec<String>,
}

/// One message of the event stream `GET /live/{slug}`, as JSON in an unnamed event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LiveEvent {
    /// All checks of the step that the stream was opened for.
    Checks(Vec<CheckView>),
    /// All steps of the lab, in order.
    Steps(Vec<StepSummary>),
    Pipeline(PipelineView),
    Demo(DemoView),
    Chart(ChartView),
    Trace(Option<TraceView>),
    /// On the page of the clean-up.
    Receipt(Option<ReceiptView>),
    Cost(Option<CostView>),
    /// The learner's place in a class.
    Class(Option<MembershipView>),
}

/// The whole lab on one page, to print and keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultsView {
    pub learner: LearnerView,
    pub account_id: String,
    pub region: String,
    pub started_at: i64,
    /// When the last step was passed.
    pub finished_at: Option<i64>,
    pub steps: Vec<StepResult>,
    /// The windows as they were seen last, also after the table is gone.
    pub chart: ChartView,
    /// Rows of clicks that Firehose accepted from the demo sender and from files.
    pub clicks_accepted: u64,
    /// What counted, for example `a SQL application`.
    pub engine: String,
    /// Whether it ran in an AWS account of the learner's own.
    pub is_account: bool,
    /// What was in the account and what became of it; `None` before anything was there.
    pub receipt: Option<ReceiptView>,
}

/// How one step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    pub summary: StepSummary,
    pub passed_at: Option<i64>,
    pub checks: Vec<CheckResult>,
    pub hints_used: u32,
    /// When the step was last done for the learner.
    pub assisted_at: Option<i64>,
    pub questions_right: u32,
    pub questions_total: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    pub title: String,
    pub passed_at: Option<i64>,
}
