//! What the instructors' pages ask of the server.

use crate::{
    error::BackendError,
    model::teach::{
        BoardView, ClassCommand, ClassDraft, ClassLearnerView, ClassResultsView, ClassesView, EntranceView, HelpView,
        InstructorView, InvitationView, NewClassView, ResultsQuery, SettingsView, ShownOnce,
    },
};
use async_trait::async_trait;
use leptos::prelude::use_context;
use secrecy::SecretString;
use std::sync::Arc;

/// The server behind the instructors' pages; provided to Leptos as a context of type `Arc<dyn Teaching>`, for rendering as
/// well as for server functions.
///
/// Every operation finds the instructor in the session of the current request by itself and answers
/// [`BackendError::NotSignedIn`] when there is none and one is needed. Those about a class answer
/// [`BackendError::NotFound`] to one who is not of its staff, so that nobody can find out which classes there are, and
/// [`BackendError::NotAllowed`] to one whose role is not enough. Class ids come from outside.
#[async_trait]
pub trait Teaching: Send + Sync + 'static {
    /// How instructors come in here. Needs no instructor.
    async fn entrance(&self) -> Result<EntranceView, BackendError>;

    /// The instructor of this session, if there is one. Needs none.
    async fn instructor(&self) -> Result<Option<InstructorView>, BackendError>;

    /// Signs in with a password; the session gets a new id. Attempts are slowed down.
    /// Errors: `Invalid { field: "password" }`, the same for an unknown login and a wrong password; `Busy`.
    async fn sign_in(&self, login: &str, password: SecretString) -> Result<(), BackendError>;

    /// Makes the first account with the code from the server's terminal, and signs it in.
    /// Errors: `Invalid { field: "code" | "login" | "name" | "password" }`, `NotFound` when there is an account already.
    async fn set_up(&self, code: &str, login: &str, name: &str, password: SecretString) -> Result<(), BackendError>;

    /// Takes the instructor out of this session.
    async fn sign_out(&self) -> Result<(), BackendError>;

    /// Errors: `Invalid { field: "name" }`.
    async fn rename_instructor(&self, name: &str) -> Result<(), BackendError>;

    /// Sets a new password and ends all other sessions of the account.
    /// Errors: `Invalid { field: "current" | "password" }`.
    async fn change_password(&self, current: SecretString, password: SecretString) -> Result<(), BackendError>;

    /// Lets the account be signed in to by its password only. Errors: `Refused` where there is none.
    async fn disconnect_provider(&self) -> Result<(), BackendError>;

    /// An invitation by its code. Needs no instructor. Errors: `NotFound`, also when it has expired.
    async fn invitation(&self, code: &str) -> Result<InvitationView, BackendError>;

    /// Accepts an invitation for the instructor who is signed in; answers the class's id. Errors: `NotFound`.
    async fn accept_invitation(&self, code: &str) -> Result<String, BackendError>;

    /// Accepts an invitation with a new account, which is signed in; answers the class's id.
    /// Errors: `NotFound`, `Invalid { field: "login" | "name" | "password" }`.
    async fn accept_with_account(
        &self,
        code: &str,
        login: &str,
        name: &str,
        password: SecretString,
    ) -> Result<String, BackendError>;

    /// What the form of a new class begins with.
    async fn new_class(&self) -> Result<NewClassView, BackendError>;

    async fn classes(&self) -> Result<ClassesView, BackendError>;

    /// Makes a class with the instructor as its owner; answers its id. Errors: `Invalid` by the form's field names.
    async fn create_class(&self, draft: ClassDraft) -> Result<String, BackendError>;

    /// All rows of a class; the pages choose among them.
    async fn board(&self, class: &str) -> Result<BoardView, BackendError>;

    /// The help queue. Looking at it marks it as read.
    async fn help(&self, class: &str) -> Result<HelpView, BackendError>;

    /// Also of one who waits, has left or was removed.
    async fn class_learner(&self, class: &str, learner: &str) -> Result<ClassLearnerView, BackendError>;

    async fn class_results(&self, class: &str, query: ResultsQuery) -> Result<ClassResultsView, BackendError>;

    /// Needs [`crate::model::teach::Right::Manage`].
    async fn settings(&self, class: &str) -> Result<SettingsView, BackendError>;

    /// Does what a form of the class asks for, if the role allows [`ClassCommand::needs`]; answers what was done, in a
    /// sentence. Errors: `Invalid` by the form's field names, `Refused` with the reason.
    async fn command(&self, class: &str, command: ClassCommand) -> Result<String, BackendError>;

    /// The secret made by the last command, handed out once.
    async fn take_shown_once(&self, class: &str) -> Result<Option<ShownOnce>, BackendError>;
}

/// The teaching side of the current request.
pub(crate) fn teaching() -> Result<Arc<dyn Teaching>, BackendError> {
    use_context::<Arc<dyn Teaching>>().ok_or(BackendError::Internal { request: None })
}
