//! What the pages ask of the server.

use crate::{
    error::BackendError,
    model::{
        CheckView, ClassInvite, DemoRequest, Fields, JoinRequest, Joined, LabChoice, LabView, LearnerView,
        MembershipView, MintedKeys, Notice, Performed, QuestionView, ResultsView, StepView,
    },
};
use async_trait::async_trait;
use leptos::prelude::use_context;
use std::sync::Arc;

/// The server behind the pages; provided to Leptos as a context of type `Arc<dyn Backend>`,
/// for rendering as well as for server functions.
///
/// Every operation finds the learner in the session of the current request by itself and
/// answers [`BackendError::NoLearner`] when there is none and one is needed.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// The learner of this session, if there is one.
    async fn learner(&self) -> Result<Option<LearnerView>, BackendError>;

    /// The labs that this server has to offer, the usual one first; none where labs are for members of classes only.
    async fn choices(&self) -> Result<Vec<LabChoice>, BackendError>;

    /// Makes a new learner and puts it into the session. In the sandbox it has an account at once,
    /// whose first keys wait in [`Self::take_minted_keys`]; an account of the learner's own is
    /// connected in the first step. A learner that is there already stays.
    async fn start(&self, choice: LabChoice) -> Result<(), BackendError>;

    /// Lets this browser use the machine's credentials, by the code from the server's terminal.
    /// Errors: `Invalid { field: "code" }`.
    async fn unlock(&self, code: &str) -> Result<(), BackendError>;

    /// Notes the account in which the learner wants to make a role, so that the role can be offered.
    /// Errors: `Invalid { field: "account" | "region" }`.
    async fn prepare_account(&self, account: &str, region: &str) -> Result<(), BackendError>;

    /// Looks whose account a profile of the machine reaches (empty: its default credentials), or a
    /// role. Nothing is done in it; the learner has to confirm it.
    /// Errors: `Invalid { field: "profile" | "role" | "region" }`, `Refused`.
    async fn find_account(&self, by: AccountQuery) -> Result<(), BackendError>;

    /// Connects the account that was found, if it has this number. Errors: `Refused`.
    async fn confirm_account(&self, account: &str) -> Result<(), BackendError>;

    /// Forgets the account that was found.
    async fn reject_account(&self) -> Result<(), BackendError>;

    /// Does a step for the learner in the sandbox; in an account of the learner's own hands over the script that does it.
    /// Either is remembered. Errors: `Refused` with the service's message.
    async fn catch_up(&self, slug: &str) -> Result<Performed, BackendError>;

    /// Puts the learner with this resume code into the session.
    /// Errors: `Invalid { field: "code" }`.
    async fn resume(&self, code: &str) -> Result<LearnerView, BackendError>;

    /// Makes a new resume code; the old one no longer works. It waits in [`Self::take_resume_code`].
    /// Codes are stored as hashes only, so that an old one can never be shown again: the page offers
    /// to make a new one instead.
    async fn renew_resume_code(&self) -> Result<(), BackendError>;

    /// The resume code made for this learner a moment ago (by [`Self::start`] or
    /// [`Self::renew_resume_code`]), handed out once.
    async fn take_resume_code(&self) -> Result<Option<String>, BackendError>;

    /// Takes the learner out of the session; the lab stays and can be resumed by its code.
    async fn forget(&self) -> Result<(), BackendError>;

    async fn lab(&self) -> Result<LabView, BackendError>;

    /// The step, in the learner's own names, with the last verdicts known.
    async fn step(&self, slug: &str) -> Result<StepView, BackendError>;

    async fn results(&self) -> Result<ResultsView, BackendError>;

    /// Runs the checks of a step now. With `consent`, also those that invoke something.
    async fn recheck(&self, slug: &str, consent: bool) -> Result<Vec<CheckView>, BackendError>;

    /// Does one of the step's actions in the learner's account. Values are as typed, with
    /// line ends as `\n`. Errors: `Invalid` by field, `Refused` with the service's message.
    async fn perform(&self, slug: &str, action: &str, fields: &Fields) -> Result<Performed, BackendError>;

    /// Reveals the next hint of the step.
    async fn reveal_hint(&self, slug: &str) -> Result<(), BackendError>;

    /// Answers a question; it can be answered again. Errors: `Invalid { field: "choices" }`
    /// when nothing was chosen.
    async fn answer(&self, slug: &str, question: &str, choices: &[String]) -> Result<QuestionView, BackendError>;

    /// Errors: `Busy` when one is running, `Invalid` by the request's field names.
    async fn start_demo(&self, request: DemoRequest) -> Result<(), BackendError>;

    async fn stop_demo(&self) -> Result<(), BackendError>;

    /// Mints a new access key and retires the old ones; the new one waits in
    /// [`Self::take_minted_keys`].
    async fn rotate_keys(&self) -> Result<(), BackendError>;

    /// The keys minted for this learner a moment ago, handed out once. They are kept in
    /// memory only, and not for long.
    async fn take_minted_keys(&self) -> Result<Option<MintedKeys>, BackendError>;

    /// Sets the learner's own names, by the names of [`crate::model::AccountView::names`].
    async fn save_names(&self, names: &Fields) -> Result<(), BackendError>;

    /// What a join code leads to. Needs no learner. Errors: `Invalid { field: "code" }`.
    async fn class_of(&self, code: &str) -> Result<ClassInvite, BackendError>;

    /// Takes the learner into a class, with the lab of this browser or with a new one, which is put into the session like
    /// one of [`Self::start`]. To join again changes nothing.
    /// Errors: `Invalid { field: "code" | "name" | "lab" }`, `Refused` with the reason.
    async fn join(&self, request: JoinRequest) -> Result<Joined, BackendError>;

    /// The learner's place in a class. `None` for who is in none, or left it, and where there is no learner.
    async fn membership(&self) -> Result<Option<MembershipView>, BackendError>;

    /// Shows the learner in the class under this name, or none. Errors: `Invalid { field: "name" }`, `Refused`.
    async fn rename_in_class(&self, name: Option<&str>) -> Result<(), BackendError>;

    /// Answers the class's name. Errors: `Refused`.
    async fn leave_class(&self) -> Result<String, BackendError>;

    /// Errors: `Refused` for who is not in a class, or when it is over.
    async fn raise_hand(&self, slug: &str) -> Result<(), BackendError>;

    /// A hand that is down stays down.
    async fn lower_hand(&self) -> Result<(), BackendError>;

    /// Puts away a hint of an instructor. Its id comes from outside. Errors: `NotFound`.
    async fn put_away_hint(&self, hint: &str) -> Result<(), BackendError>;

    /// Keeps a notice in the session for the page that follows a post without JavaScript.
    async fn put_notice(&self, notice: Notice) -> Result<(), BackendError>;

    /// Takes the notice out of the session.
    async fn take_notice(&self) -> Result<Option<Notice>, BackendError>;
}

/// Which account to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountQuery {
    /// By the machine's credentials; an empty profile stands for the default ones.
    Profile { profile: String, region: String },
    /// By the role with this ARN, in the region prepared before.
    Role { role: String },
}

/// The backend of the current request.
pub(crate) fn backend() -> Result<Arc<dyn Backend>, BackendError> {
    use_context::<Arc<dyn Backend>>().ok_or(BackendError::Internal { request: None })
}
