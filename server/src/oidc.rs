//! Signing in by the OpenID Connect provider: `/teach/oidc/start` sends the browser there, and it comes back to
//! `/teach/oidc/callback`.

use app::error::BackendError;
use app::model::{Fields, Notice, Tone, about};
use app::teach_api::teach_path;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum_login::AuthSession;
use serde::{Deserialize, Serialize};
use store::{InstructorId, InvitationCode};
use subtle::ConstantTimeEq as _;
use tower_sessions::Session;

use crate::instructors::{self, Instructors, Pending, Provider, ProviderError};
use crate::router::WebState;
use crate::session;
use crate::state::{internal, now, store_failed};

/// Under this name the session keeps a sign-in that has begun.
const BEGUN: &str = "oidc";
/// Whoever stays at the provider for longer begins anew.
const PATIENCE: i64 = 15 * 60;
/// Longest code and state that are looked at; longer than any provider's.
const LONGEST: usize = 4096;
/// Pages of invitations are below this.
const INVITATION: &str = "/teach/invitation/";

/// What the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Path of ours that it ends at.
    back: String,
    /// Connect the account that is signed in.
    connect: bool,
}

/// What the provider makes the browser bring back (OpenID Connect Core 1.0 sections 3.1.2.5 and 3.1.2.6, RFC 9207).
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Brought {
    state: String,
    code: String,
    error: String,
    iss: Option<String>,
}

/// A sign-in that has begun, in the session.
#[derive(Serialize, Deserialize)]
struct Begun {
    pending: Pending,
    at: i64,
    back: String,
    /// Whose account is to be connected.
    connect: Option<InstructorId>,
}

/// Sends the browser to the provider.
pub async fn start(
    State(state): State<WebState>,
    auth: AuthSession<Instructors>,
    session: Session,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let Some(provider) = state.instructors.provider() else { return Redirect::to("/teach/login").into_response() };
    let connect = asked.connect.then(|| auth.user.as_ref().map(|user| user.instructor.id.clone())).flatten();
    let back = if asked.connect { "/teach/account".to_owned() } else { teach_path(&asked.back) };
    let site = state.classes.site(&headers, state.is_secure);
    let begun = async {
        let (url, pending) = provider.begin(&site).await.map_err(|error| told(provider, &error))?;
        let begun = Begun { pending, at: now().unix_timestamp(), back: back.clone(), connect };
        session::shorten_if_strangers(&session).await?;
        session.insert(BEGUN, begun).await.map_err(internal)?;
        Ok(url)
    };
    match begun.await {
        Ok(url) => Redirect::to(url.as_str()).into_response(),
        Err(error) => refuse(&session, &back, &error).await,
    }
}

/// Signs in whomever the provider vouches for, or tells why not on the page from which it began.
pub async fn callback(
    State(state): State<WebState>,
    mut auth: AuthSession<Instructors>,
    session: Session,
    Query(brought): Query<Brought>,
) -> Response {
    let Some(provider) = state.instructors.provider() else { return Redirect::to("/teach/login").into_response() };
    let begun: Option<Begun> = session.remove(BEGUN).await.ok().flatten();
    let is_of_here = |begun: &Begun| {
        brought.state.len() <= LONGEST
            && bool::from(brought.state.as_bytes().ct_eq(begun.pending.state.as_bytes()))
            && (0..PATIENCE).contains(&(now().unix_timestamp() - begun.at))
    };
    let Some(begun) = begun.filter(is_of_here) else {
        let message = "This sign-in was not begun in this browser, or too long ago. Begin it again.".to_owned();
        return refuse(&session, "/teach", &BackendError::Refused { message }).await;
    };
    let back = begun.back.clone();
    match come_in(&state, provider, &mut auth, &session, begun, brought).await {
        Ok(()) => Redirect::to(&back).into_response(),
        Err(error) => refuse(&session, &back, &error).await,
    }
}

async fn come_in(
    state: &WebState,
    provider: &Provider,
    auth: &mut AuthSession<Instructors>,
    session: &Session,
    begun: Begun,
    brought: Brought,
) -> Result<(), BackendError> {
    let refused = |message: String| Err(BackendError::Refused { message });
    if brought.iss.is_some_and(|issuer| issuer != provider.issuer()) {
        return refused("The answer came from another provider than the one that was asked.".to_owned());
    }
    if brought.error == "access_denied" {
        return refused(format!("{} did not let you in, or you turned back there.", provider.name()));
    }
    if brought.code.is_empty() || brought.code.len() > LONGEST {
        let error: String =
            brought.error.chars().filter(|one| one.is_ascii_alphanumeric() || *one == '_').take(60).collect();
        tracing::warn!(error, "the OpenID Connect provider gave no code");
        return refused(format!(
            "{} could not sign you in. Try again, or tell whoever runs this server.",
            provider.name()
        ));
    }
    let person = provider.person(begun.pending, brought.code).await.map_err(|error| told(provider, &error))?;
    if let Some(asked) = begun.connect {
        let me = auth.user.as_ref().map(|user| &user.instructor).filter(|me| me.id == asked);
        let me = me.ok_or(BackendError::NotSignedIn)?;
        state.instructors.connect(me, &person).await?;
        let message = format!("Connected. You can sign in by {} as well.", provider.name());
        return session::put_notice(session, Notice::new(about::PROVIDER, Tone::Good, message)).await;
    }
    let is_invited = is_invited(state, &begun.back).await?;
    let who = state.instructors.by_provider(provider, &person, is_invited).await?;
    instructors::sign_in(auth, session, &who).await
}

/// Whether somebody comes by an invitation that can be accepted.
async fn is_invited(state: &WebState, back: &str) -> Result<bool, BackendError> {
    let Some(code) = back.strip_prefix(INVITATION).and_then(InvitationCode::parse) else { return Ok(false) };
    let found = state.headwater.store().invitation(&code, now()).await.map_err(store_failed)?;
    Ok(found.is_some())
}

/// Tells why on the page from which the sign-in began.
async fn refuse(session: &Session, back: &str, error: &BackendError) -> Response {
    let notice = Notice::failure(about::PROVIDER, error, Fields::new());
    if let Err(error) = session::put_notice(session, notice).await {
        tracing::warn!(%error, "a notice could not be kept");
    }
    if back == "/teach/account" || back.starts_with(INVITATION) {
        return Redirect::to(back).into_response();
    }
    Redirect::to(&format!("/teach/login?back={back}")).into_response()
}

/// What went wrong with the provider: to the visitor in general, to the log in full.
fn told(provider: &Provider, error: &ProviderError) -> BackendError {
    if let ProviderError::Busy = error {
        return BackendError::Busy;
    }
    tracing::warn!(%error, "nobody can be signed in by the OpenID Connect provider");
    let name = provider.name();
    BackendError::Refused {
        message: match error {
            ProviderError::Unreachable(_) => format!("{name} cannot be reached at the moment. Try again in a minute."),
            _ => format!("{name}'s answer could not be used. Try again, or tell whoever runs this server."),
        },
    }
}
