//! Instructors' accounts: the first one, signing in and out, passwords.
//!
//! An instructor is in the same session as a learner, since a browser may be both. Sessions are those of `axum-login`; what it
//! would do by ending a whole session is done here so that the learner stays.

mod failures;
mod form;
mod passwords;
mod provider;

use std::sync::Arc;

use app::error::BackendError;
use axum::extract::Request;
use axum_login::{AuthManager, AuthUser, AuthnBackend};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{Instructor, InstructorError, InstructorId, SignIn, Store, StoreError};
use tower::Layer;
use tower_sessions::Session;

use self::failures::Failures;
use self::passwords::{PasswordError, Passwords};
pub use self::provider::{CALLBACK_PATH, Pending, Person, Provider, ProviderError, ProviderSettings};
use crate::connect::UnlockCode;
use crate::state::{internal, now, store_failed};

/// Where the session keeps who is signed in.
const SESSION: &str = "instructor";
/// Under this name wrong set-up codes are counted.
const SET_UP: &str = "set-up";

/// All accounts. Cheap to clone.
#[derive(Clone)]
pub struct Instructors(Arc<Parts>);

struct Parts {
    store: Store,
    passwords: Passwords,
    failures: Failures,
    set_up_code: UnlockCode,
    provider: Option<Provider>,
}

/// The session of a request, with the instructor who is signed in.
pub type AuthSession = axum_login::AuthSession<Instructors>;

/// An instructor who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub instructor: Instructor,
    key: SessionKey,
    /// What `axum-login` compares; the key says it already.
    version: [u8; 8],
}

/// What a session keeps of an instructor. The version is part of it: one whose password was changed elsewhere is then merely
/// not found, while a mismatch of `session_auth_hash` would end the whole session, with the learner in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionKey {
    id: InstructorId,
    version: i64,
}

/// What is typed to sign in.
pub struct Credentials {
    pub login: String,
    pub password: SecretString,
}

/// Signing in could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("too many have failed, or too many try at once")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl Instructors {
    /// `provider`: by which they may sign in, besides passwords.
    pub fn new(store: Store, provider: Option<Provider>) -> Self {
        let (passwords, failures) = (Passwords::default(), Failures::default());
        Self(Arc::new(Parts { store, passwords, failures, set_up_code: UnlockCode::generate(), provider }))
    }

    /// By which they may sign in, besides passwords.
    pub fn provider(&self) -> Option<&Provider> {
        self.0.provider.as_ref()
    }

    /// The code for the first account, as it is printed; `None` once there is an account.
    pub async fn set_up_code(&self) -> Result<Option<String>, StoreError> {
        Ok(self.needs_set_up().await?.then(|| self.0.set_up_code.printed()))
    }

    /// Whether there is no account yet.
    pub async fn needs_set_up(&self) -> Result<bool, StoreError> {
        Ok(self.0.store.count_instructors().await? == 0)
    }

    /// Puts an [`AuthSession`] into each request of what it is layered around.
    pub fn layer<S>(&self) -> impl Layer<S, Service = AuthManager<S, Self>> + Clone + Send + Sync + 'static {
        let instructors = self.clone();
        tower::layer::layer_fn(move |inner| AuthManager::new(inner, instructors.clone(), SESSION))
    }

    /// Makes the first account with the code that was printed.
    pub async fn set_up(
        &self,
        code: &str,
        login: &str,
        name: &str,
        password: &SecretString,
    ) -> Result<SignedIn, BackendError> {
        if !self.needs_set_up().await.map_err(store_failed)? {
            return Err(BackendError::NotFound);
        }
        if !self.0.failures.begin(SET_UP) {
            return Err(BackendError::Busy);
        }
        if code.len() > 64 || !self.0.set_up_code.is(code) {
            return Err(invalid(
                "code",
                "That is not the code. It stands in the terminal in which Headwater was started; each start makes a new one.",
            ));
        }
        self.0.failures.forget(SET_UP);
        self.create(login, name, password, true).await
    }

    /// Makes an account. Errors: `Invalid` by field; `NotFound` if it was to be the first and is not.
    pub async fn create(
        &self,
        login: &str,
        name: &str,
        password: &SecretString,
        only_first: bool,
    ) -> Result<SignedIn, BackendError> {
        let login = form::login(login)?;
        let name = form::name(name)?;
        form::check_password("password", password, &login)?;
        let hash = self.0.passwords.hash(password.clone()).await.map_err(password_failed)?;
        let made = self.0.store.create_instructor(&login, &name, &SignIn::Password(hash), only_first, now()).await;
        match made {
            Ok(instructor) => Ok(SignedIn::new(instructor)),
            Err(InstructorError::LoginTaken) => Err(invalid("login", "There is an account with this login already.")),
            Err(InstructorError::NotTheFirst) => Err(BackendError::NotFound),
            Err(InstructorError::Store(error)) => Err(store_failed(error)),
        }
    }

    /// The account of somebody for whom the provider vouches; a new one for those who may have one. An address alone never
    /// opens an account that is there already: whoever made it may not be whose address it is.
    pub async fn by_provider(
        &self,
        provider: &Provider,
        person: &Person,
        is_invited: bool,
    ) -> Result<SignedIn, BackendError> {
        let known = self.0.store.instructor_by_identity(&person.identity).await.map_err(store_failed)?;
        if let Some(known) = known {
            return Ok(SignedIn::new(known));
        }
        let refused = |message: String| Err(BackendError::Refused { message });
        if self.needs_set_up().await.map_err(store_failed)? {
            return refused(
                "The first account is made with the code that the server printed in its terminal.".to_owned(),
            );
        }
        let login = match person.email.as_deref().and_then(|email| form::login(email).ok()) {
            Some(email) => email,
            None => login_of(person),
        };
        if self.0.store.instructor_by_login(&login).await.map_err(store_failed)?.is_some() {
            return refused(format!(
                "There is an account with the login {login} already. Sign in with its password, and connect it with {} on \
                 the page of your account.",
                provider.name()
            ));
        }
        if !is_invited && !provider.welcomes(person) {
            return refused(format!(
                "{} knows you, but you have no account here yet. Ask the owner of a class for an invitation, and follow its \
                 link.",
                provider.name()
            ));
        }
        let name = person.name.as_deref().and_then(|name| form::name(name).ok()).unwrap_or_else(|| login.clone());
        let sign_in = SignIn::External(person.identity.clone());
        match self.0.store.create_instructor(&login, &name, &sign_in, false, now()).await {
            Ok(instructor) => Ok(SignedIn::new(instructor)),
            Err(InstructorError::Store(error)) => Err(store_failed(error)),
            // Somebody was quicker by a moment, this person in another window, perhaps.
            Err(_) => Err(BackendError::Busy),
        }
    }

    /// Lets an instructor sign in by the provider, too.
    pub async fn connect(&self, me: &Instructor, person: &Person) -> Result<(), BackendError> {
        let refused = |message: &str| Err(BackendError::Refused { message: message.to_owned() });
        match self.0.store.link_identity(&me.id, &person.identity).await {
            Ok(true) => Ok(()),
            Ok(false) if me.identity.as_ref() == Some(&person.identity) => Ok(()),
            Ok(false) => refused("Your account is connected with somebody else there. Disconnect it first."),
            Err(InstructorError::Store(error)) => Err(store_failed(error)),
            Err(_) => refused("You have another account here already, to which you come in so."),
        }
    }

    /// Lets an instructor who has a password sign in by that only.
    pub async fn disconnect(&self, me: &Instructor) -> Result<(), BackendError> {
        if self.0.store.unlink_identity(&me.id).await.map_err(store_failed)? {
            return Ok(());
        }
        Err(BackendError::Refused { message: "Without a password there would be no way in any more.".to_owned() })
    }

    /// Sets a new password; all sessions with the old one are over. Gives what the session of now is to be renewed with.
    pub async fn change_password(
        &self,
        instructor: &Instructor,
        current: SecretString,
        password: &SecretString,
    ) -> Result<SignedIn, BackendError> {
        let Some(hash) = &instructor.password_hash else {
            return Err(BackendError::Refused {
                message: "This account has no password here: it signs in by the provider.".to_owned(),
            });
        };
        if !self.0.failures.begin(&instructor.login) {
            return Err(BackendError::Busy);
        }
        if !self.0.passwords.verify(Some(hash.clone()), current).await.map_err(password_failed)? {
            return Err(invalid("current", "That is not your current password."));
        }
        self.0.failures.forget(&instructor.login);
        form::check_password("password", password, &instructor.login)?;
        let hash = self.0.passwords.hash(password.clone()).await.map_err(password_failed)?;
        let version = self.0.store.set_password(&instructor.id, &hash).await.map_err(store_failed)?;
        let changed = Instructor { password_hash: Some(hash), session_version: version, ..instructor.clone() };
        Ok(SignedIn::new(changed))
    }

    /// Sets the shown name.
    pub async fn rename(&self, id: &InstructorId, name: &str) -> Result<(), BackendError> {
        self.0.store.rename_instructor(id, &form::name(name)?).await.map_err(store_failed)
    }

    /// Whether a session that was begun so may go on.
    pub async fn is_still(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let found = self.0.store.instructor(&key.id).await?;
        Ok(found.is_some_and(|instructor| instructor.session_version == key.version))
    }
}

impl AuthnBackend for Instructors {
    type User = SignedIn;
    type Credentials = Credentials;
    type Error = SignInError;

    /// Takes as long for a login that is not there as for a wrong password.
    async fn authenticate(&self, credentials: Credentials) -> Result<Option<SignedIn>, SignInError> {
        let login = form::as_login(&credentials.login);
        if !self.0.failures.begin(&login) {
            return Err(SignInError::Busy);
        }
        let found = self.0.store.instructor_by_login(&login).await?;
        let hash = found.as_ref().and_then(|instructor| instructor.password_hash.clone());
        let is_right = match self.0.passwords.verify(hash, credentials.password).await {
            Err(PasswordError::Busy) => return Err(SignInError::Busy),
            verified => verified?,
        };
        if !is_right {
            return Ok(None);
        }
        self.0.failures.forget(&login);
        Ok(found.map(SignedIn::new))
    }

    async fn get_user(&self, key: &SessionKey) -> Result<Option<SignedIn>, SignInError> {
        let found = self.0.store.instructor(&key.id).await?;
        Ok(found.filter(|instructor| instructor.session_version == key.version).map(SignedIn::new))
    }
}

impl SignedIn {
    fn new(instructor: Instructor) -> Self {
        let version = instructor.session_version;
        let key = SessionKey { id: instructor.id.clone(), version };
        Self { instructor, key, version: version.to_be_bytes() }
    }

    /// By which a stream that was opened in this session is watched.
    pub fn key(&self) -> &SessionKey {
        &self.key
    }
}

impl AuthUser for SignedIn {
    type Id = SessionKey;

    fn id(&self) -> SessionKey {
        self.key.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.version
    }
}

impl std::fmt::Display for SessionKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.id.fmt(formatter)
    }
}

/// Whether an instructor is, or was, signed in in this session.
pub async fn is_in(session: &Session) -> Result<bool, BackendError> {
    Ok(session.get_value(SESSION).await.map_err(internal)?.is_some())
}

/// Puts an instructor into the session, under a new session id.
pub async fn sign_in(auth: &mut AuthSession, session: &Session, who: &SignedIn) -> Result<(), BackendError> {
    auth.login(who).await.map_err(internal)?;
    // `login` gives a session that had an instructor before no new id.
    session.cycle_id().await.map_err(internal)
}

/// Takes the instructor out of the session, under a new session id. `AuthSession::logout` would end the whole session.
pub async fn sign_out(session: &Session) -> Result<(), BackendError> {
    session.remove_value(SESSION).await.map_err(internal)?;
    session.cycle_id().await.map_err(internal)
}

/// The session that [`Instructors::layer`] has put into a request.
pub fn auth_session(request: &Request) -> Option<AuthSession> {
    request.extensions().get::<AuthSession>().cloned()
}

/// A login for somebody whose address the provider does not tell, or has not made sure of.
fn login_of(person: &Person) -> String {
    let identity = format!("{}\n{}", person.identity.issuer, person.identity.subject);
    format!("id-{}", hex::encode(&Sha256::digest(identity)[..6]))
}

fn password_failed(error: PasswordError) -> BackendError {
    match error {
        PasswordError::Busy => BackendError::Busy,
        error => internal(error),
    }
}

fn invalid(field: &str, message: impl Into<String>) -> BackendError {
    BackendError::Invalid { field: field.to_owned(), message: message.into() }
}

/// Whether a password is the login, whatever its case.
fn is_login(password: &SecretString, login: &str) -> bool {
    password.expose_secret().trim().to_lowercase() == login
}
