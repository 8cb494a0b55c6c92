//! What the instructors' pages ask, answered for the instructor of the request's session.

use app::error::BackendError;
use app::model::teach::{
    BoardView, ClassCommand, ClassDraft, ClassLearnerView, ClassResultsView, ClassesView, EntranceView, HelpView,
    InstructorView, InvitationView, NewClassView, ProviderView, ResultsQuery, Right, SettingsView, ShownOnce,
};
use app::teaching::Teaching;
use async_trait::async_trait;
use axum::extract::Request;
use secrecy::SecretString;
use store::{Instructor, InvitationCode, Store};
use tokio::sync::Mutex;
use tower_sessions::Session;

use super::access::{InClass, enter, role_view};
use super::{Classes, class_views, commands, help_view, learner_view, results_view, settings_view};
use crate::instructors::{self, AuthSession, Credentials, Instructors, Provider, SignInError, SignedIn};
use crate::minted;
use crate::state::{internal, now, store_failed};
use crate::visits::Guess;

/// Most characters of an invitation's code that are looked at.
const CODE_LENGTH: usize = 64;

/// The teaching side of one request.
pub struct RequestTeaching {
    classes: Classes,
    instructors: Instructors,
    session: Session,
    /// With the instructor who is signed in; none where the route has no such session.
    auth: Mutex<Option<AuthSession>>,
    guess: Guess,
    /// Where browsers reach the pages, without a slash at its end.
    site: String,
}

impl RequestTeaching {
    /// `is_secure`: browsers reach the pages by HTTPS.
    pub fn new(
        classes: Classes,
        instructors: Instructors,
        session: Session,
        guess: Guess,
        request: &Request,
        is_secure: bool,
    ) -> Self {
        let site = classes.site(request.headers(), is_secure);
        let auth = Mutex::new(instructors::auth_session(request));
        Self { classes, instructors, session, auth, guess, site }
    }

    fn store(&self) -> &Store {
        self.classes.headwater().store()
    }

    async fn signed_in(&self) -> Option<Instructor> {
        self.auth.lock().await.as_ref()?.user.as_ref().map(|user| user.instructor.clone())
    }

    async fn me(&self) -> Result<Instructor, BackendError> {
        self.signed_in().await.ok_or(BackendError::NotSignedIn)
    }

    async fn enter(&self, class: &str, right: Right) -> Result<InClass, BackendError> {
        enter(&self.classes, self.signed_in().await, class, right).await
    }

    fn provider_name(&self) -> Option<String> {
        self.instructors.provider().map(|provider| provider.name().to_owned())
    }

    /// Puts an instructor into the session.
    async fn log_in(&self, who: &SignedIn) -> Result<(), BackendError> {
        let mut auth = self.auth.lock().await;
        let auth = auth.as_mut().ok_or_else(|| internal("there is no session to sign in to"))?;
        instructors::sign_in(auth, &self.session, who).await
    }

    /// Notes a wrong password or code for the address that it came from.
    fn count<T>(&self, result: Result<T, BackendError>) -> Result<T, BackendError> {
        let is_wrong = |field: &str| matches!(field, "password" | "code" | "current");
        if result.as_ref().err().and_then(BackendError::field).is_some_and(is_wrong) {
            self.guess.was_wrong();
        }
        result
    }

    /// The code of an invitation that can be accepted.
    async fn open_invitation(&self, code: &str) -> Result<(InvitationCode, store::Invitation), BackendError> {
        let parsed = (code.len() <= CODE_LENGTH).then(|| InvitationCode::parse(code)).flatten();
        let found = match &parsed {
            Some(code) => self.store().invitation(code, now()).await.map_err(store_failed)?,
            None => None,
        };
        if found.is_none() {
            self.guess.was_wrong();
        }
        parsed.zip(found).ok_or(BackendError::NotFound)
    }

    async fn accept(&self, code: &InvitationCode, me: &Instructor) -> Result<String, BackendError> {
        match self.store().accept_invitation(code, &me.id, now()).await {
            Ok(class) => Ok(class.to_string()),
            Err(store::StaffError::Store(error)) => Err(store_failed(error)),
            Err(_) => Err(BackendError::NotFound),
        }
    }
}

#[async_trait]
impl Teaching for RequestTeaching {
    async fn entrance(&self) -> Result<EntranceView, BackendError> {
        let needs_set_up = self.instructors.needs_set_up().await.map_err(store_failed)?;
        Ok(EntranceView { needs_set_up, provider: self.provider_name() })
    }

    async fn instructor(&self) -> Result<Option<InstructorView>, BackendError> {
        Ok(self.signed_in().await.map(|me| instructor_view(&me, self.instructors.provider())))
    }

    async fn sign_in(&self, login: &str, password: SecretString) -> Result<(), BackendError> {
        let credentials = Credentials { login: login.to_owned(), password };
        let auth = self.auth.lock().await.clone().ok_or_else(|| internal("there is no session to sign in to"))?;
        let found = match auth.authenticate(credentials).await {
            Err(axum_login::Error::Backend(SignInError::Busy)) => return Err(BackendError::Busy),
            found => found.map_err(internal)?,
        };
        let invalid = || BackendError::Invalid {
            field: "password".to_owned(),
            message: "Login and password do not fit together.".to_owned(),
        };
        let who = self.count(found.ok_or_else(invalid))?;
        self.log_in(&who).await
    }

    async fn set_up(&self, code: &str, login: &str, name: &str, password: SecretString) -> Result<(), BackendError> {
        let made = self.instructors.set_up(code, login, name, &password).await;
        let is_wrong_code = made.as_ref().err().and_then(BackendError::field) == Some("code");
        if is_wrong_code {
            self.guess.was_wrong();
        }
        self.log_in(&made?).await
    }

    async fn sign_out(&self) -> Result<(), BackendError> {
        instructors::sign_out(&self.session).await?;
        if let Some(auth) = self.auth.lock().await.as_mut() {
            auth.user = None;
        }
        Ok(())
    }

    async fn rename_instructor(&self, name: &str) -> Result<(), BackendError> {
        let me = self.me().await?;
        self.instructors.rename(&me.id, name).await
    }

    async fn disconnect_provider(&self) -> Result<(), BackendError> {
        self.instructors.disconnect(&self.me().await?).await
    }

    async fn change_password(&self, current: SecretString, password: SecretString) -> Result<(), BackendError> {
        let me = self.me().await?;
        let changed = self.instructors.change_password(&me, current, &password).await;
        if changed.as_ref().err().and_then(BackendError::field) == Some("current") {
            self.guess.was_wrong();
        }
        self.log_in(&changed?).await
    }

    async fn invitation(&self, code: &str) -> Result<InvitationView, BackendError> {
        let (_, invitation) = self.open_invitation(code).await?;
        Ok(InvitationView {
            class_name: invitation.class_name,
            role: role_view(invitation.role),
            invited_by: invitation.invited_by,
            expires_at: invitation.expires.unix_timestamp(),
            signed_in: self.instructor().await?,
            provider: self.provider_name(),
        })
    }

    async fn accept_invitation(&self, code: &str) -> Result<String, BackendError> {
        let me = self.me().await?;
        let (code, _) = self.open_invitation(code).await?;
        self.accept(&code, &me).await
    }

    async fn accept_with_account(
        &self,
        code: &str,
        login: &str,
        name: &str,
        password: SecretString,
    ) -> Result<String, BackendError> {
        let (code, _) = self.open_invitation(code).await?;
        let made = self.instructors.create(login, name, &password, false).await?;
        let class = self.accept(&code, &made.instructor).await;
        self.log_in(&made).await?;
        class
    }

    async fn new_class(&self) -> Result<NewClassView, BackendError> {
        self.me().await?;
        let labs = self.classes.headwater().offered_labs();
        Ok(NewClassView { labs, read_at: now().unix_timestamp() })
    }

    async fn classes(&self) -> Result<ClassesView, BackendError> {
        class_views::classes(self.store(), &self.me().await?).await
    }

    async fn create_class(&self, draft: ClassDraft) -> Result<String, BackendError> {
        let me = self.me().await?;
        let class = commands::create(&self.classes, &me.id, draft).await?;
        self.classes.seal().await?;
        Ok(class)
    }

    async fn board(&self, class: &str) -> Result<BoardView, BackendError> {
        let entered = self.enter(class, Right::See).await?;
        Ok(class_views::board(&entered, &self.site))
    }

    async fn help(&self, class: &str) -> Result<HelpView, BackendError> {
        let entered = self.enter(class, Right::See).await?;
        self.store().see_help(&entered.id, &entered.me.id, now()).await.map_err(store_failed)?;
        Ok(help_view::help(self.classes.headwater(), &entered, &self.site))
    }

    async fn class_learner(&self, class: &str, learner: &str) -> Result<ClassLearnerView, BackendError> {
        let entered = self.enter(class, Right::See).await?;
        learner_view::learner(&self.classes, &entered, learner, &self.site).await
    }

    async fn class_results(&self, class: &str, query: ResultsQuery) -> Result<ClassResultsView, BackendError> {
        let entered = self.enter(class, Right::See).await?;
        let site = self.site.clone();
        let made = tokio::task::spawn_blocking(move || results_view::results(&entered, query, &site)).await;
        made.map_err(internal)
    }

    async fn settings(&self, class: &str) -> Result<SettingsView, BackendError> {
        let entered = self.enter(class, Right::Manage).await?;
        settings_view::settings(&self.classes, &entered, &self.site).await
    }

    async fn command(&self, class: &str, command: ClassCommand) -> Result<String, BackendError> {
        let entered = self.enter(class, command.needs()).await?;
        let done = commands::perform(&self.classes, &entered, command, &self.site).await?;
        if let Some(secret) = &done.shown_once {
            minted::put_of_class(&self.session, class, secret).await?;
        }
        self.classes.seal().await?;
        Ok(done.told)
    }

    async fn take_shown_once(&self, class: &str) -> Result<Option<ShownOnce>, BackendError> {
        self.enter(class, Right::Manage).await?;
        minted::take_of_class(&self.session, class).await
    }
}

fn instructor_view(me: &Instructor, provider: Option<&Provider>) -> InstructorView {
    InstructorView {
        id: me.id.to_string(),
        login: me.login.clone(),
        name: me.name.clone(),
        has_password: me.password_hash.is_some(),
        provider: provider.map(|provider| ProviderView {
            name: provider.name().to_owned(),
            is_connected: me.identity.as_ref().is_some_and(|identity| identity.issuer == provider.issuer()),
        }),
    }
}
