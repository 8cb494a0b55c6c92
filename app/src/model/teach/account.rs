use super::Role;
use serde::{Deserialize, Serialize};

/// Where the sign-in by the OpenID Connect provider begins; `?back=PATH` is where it ends. With `?connect=true` it connects the
/// account that is signed in.
pub const OIDC_START_PATH: &str = "/teach/oidc/start";

/// How instructors come in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntranceView {
    /// There is no account yet: the first is made with the code from the server's terminal.
    pub needs_set_up: bool,
    /// The name of the OpenID Connect provider, for example `Example University`, if there is one.
    pub provider: Option<String>,
}

/// The instructor of this session. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructorView {
    /// The account's id, as in [`super::StaffView::id`].
    pub id: String,
    /// With which they sign in: an e-mail address, as a rule.
    pub login: String,
    pub name: String,
    /// The account has a password here; one that came by the provider has none.
    pub has_password: bool,
    /// The OpenID Connect provider, if there is one.
    pub provider: Option<ProviderView>,
}

/// The OpenID Connect provider, as the page of an account shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderView {
    pub name: String,
    /// The account can be signed in to by it.
    pub is_connected: bool,
}

/// An invitation to the staff of a class, as the one who follows its link sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    pub class_name: String,
    pub role: Role,
    pub invited_by: String,
    pub expires_at: i64,
    /// Who is signed in already; then accepting adds the role to that account.
    pub signed_in: Option<InstructorView>,
    /// The name of the OpenID Connect provider, if there is one.
    pub provider: Option<String>,
}
