//! Learning platforms: a course opens the lab (LTI 1.3). What a launch leads to is in [`arrival`]; docs/lti.md tells the whole.

mod arrival;
mod refusal;
mod tool;

use app::course_page::{CoursePage, course_page};
use app::preferences::Preferences;
use axum::extract::{RawForm, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use lti::{LOGIN_COOKIE, LoginError, LoginInitiation, Tool, begin_login};
use tower_sessions::Session;

use self::arrival::{Arrival, Way, arrive};
use self::refusal::LtiRefusal;
use crate::classes::{Classes, outside};
use crate::router::WebState;
use crate::state::{now, store_failed};

pub use self::tool::LtiTool;

const LOGIN_PATH: &str = "/lti/login";
/// Where platforms post launches.
pub const LAUNCH_PATH: &str = "/lti/launch";
/// Where our own page posts a launch that somebody was asked about.
pub const CONFIRM_PATH: &str = "/lti/confirm";
const KEYS_PATH: &str = "/lti/keys";
/// To which platforms let teachers choose content. They post to [`LAUNCH_PATH`] in the end, as for every launch.
const DEEP_LINK_PATH: &str = "/lti/deep-link";

/// Forms that come from platforms' pages.
pub const POSTED_BY_PLATFORMS: [&str; 2] = [LOGIN_PATH, LAUNCH_PATH];

/// Whose frames may show a page: a course's own address is not known before the launch.
const ANY_SITE: &str = "https: http://127.0.0.1:* http://localhost:*";

/// Platforms ask for the keys again after this many seconds.
const KEYS_FRESH: &str = "public, max-age=3600";

pub fn routes() -> Router<WebState> {
    Router::new()
        .route(LOGIN_PATH, get(login).post(login))
        .route(LAUNCH_PATH, post(launch))
        .route(CONFIRM_PATH, post(confirm))
        .route(KEYS_PATH, get(keys))
        .route(DEEP_LINK_PATH, get(async || Redirect::to("/teach")))
}

/// Sends the browser to the platform that wants to launch. In a frame it offers a window of its own, where cookies work.
async fn login(State(state): State<WebState>, headers: HeaderMap, RawForm(form): RawForm) -> Response {
    let began = begin(&state, &headers, &form).await;
    began.unwrap_or_else(|refusal| refuse(&headers, &refusal))
}

async fn begin(state: &WebState, headers: &HeaderMap, form: &[u8]) -> Result<Response, LtiRefusal> {
    let form = std::str::from_utf8(form).map_err(|_| LtiRefusal::NotText)?;
    let initiation = LoginInitiation::parse(form)?;
    let client_id = initiation.client_id.as_deref().ok_or(LoginError::SeveralPlatforms)?;
    let registered = registrations(&state.classes, &initiation.issuer, client_id).await?;
    let has_deployment = |platform: &lti::Platform| {
        initiation.deployment_id.as_ref().is_none_or(|deployment| platform.has_deployment(deployment))
    };
    // All have the same addresses; see `outside::add_platform`.
    let platform = registered.iter().map(|(_, platform)| platform).find(|platform| has_deployment(platform));
    let platform = platform.or(registered.first().map(|(_, platform)| platform)).ok_or(LoginError::UnknownPlatform)?;
    let tool = tool(state, headers)?;
    let is_for_choosing = initiation.target_link.path() == tool.deep_link_url().path();
    if is_framed(headers) && !is_for_choosing {
        let login = format!("{}?{}", tool.login_url(), initiation.to_query());
        return Ok(page(headers, &CoursePage::OwnWindow { login }, StatusCode::OK, Forms::None));
    }
    let key = state.classes.lti().state_key();
    let started = begin_login(&initiation, platform, &tool, key, cookie(headers).as_deref(), now())?;
    let set_cookie = HeaderValue::from_str(&started.set_cookie).map_err(|_| LtiRefusal::NotText)?;
    Ok(([(header::SET_COOKIE, set_cookie)], Redirect::to(started.redirect.as_str())).into_response())
}

async fn launch(
    State(state): State<WebState>,
    session: Session,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    answer(&state, &session, &headers, &form, Way::FromPlatform).await
}

/// The same for a launch of which our own page has asked: it comes from there, whatever the cookie says.
async fn confirm(
    State(state): State<WebState>,
    session: Session,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    answer(&state, &session, &headers, &form, Way::Confirmed).await
}

async fn answer(state: &WebState, session: &Session, headers: &HeaderMap, form: &[u8], way: Way) -> Response {
    match arrive(state, session, headers, form, way).await {
        Ok(Arrival::At(path)) => Redirect::to(&path).into_response(),
        Ok(Arrival::Asked(asked)) => page(headers, &asked, StatusCode::OK, Forms::Ours),
        Ok(Arrival::Chooses { page: choice, origin }) => page(headers, &choice, StatusCode::OK, Forms::To(&origin)),
        Err(refusal) => refuse(headers, &refusal),
    }
}

/// Tells why a login or a launch came to nothing.
fn refuse(headers: &HeaderMap, refusal: &LtiRefusal) -> Response {
    tracing::info!(%refusal, "a launch from a learning platform came to nothing");
    page(headers, &refusal.page(), refusal.status(), Forms::None)
}

async fn keys(State(state): State<WebState>) -> Response {
    match state.classes.lti().key().await {
        Ok(key) => ([(header::CACHE_CONTROL, KEYS_FRESH)], Json(key.public_jwks())).into_response(),
        Err(error) => crate::refusal::status(&error).into_response(),
    }
}

/// The classes that know a platform, each with its registration.
async fn registrations(
    classes: &Classes,
    issuer: &str,
    client_id: &str,
) -> Result<Vec<(store::ClassId, lti::Platform)>, LtiRefusal> {
    let id = outside::platform_id(issuer, client_id);
    let found = classes.headwater().store().documents_by_id(outside::PLATFORM, &id).await.map_err(store_failed)?;
    // One that was taken under other options of the server is not used any more.
    let usable = |(class, platform)| outside::checked(classes, platform).ok().map(|platform| (class, platform));
    Ok(found.into_iter().filter_map(usable).collect())
}

fn tool(state: &WebState, headers: &HeaderMap) -> Result<Tool, LtiRefusal> {
    Tool::new(&state.classes.site(headers, state.is_secure)).map_err(|_| LtiRefusal::NotHttps)
}

/// The cookie that ties a login to its browser.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = pairs.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == LOGIN_COOKIE).map(|(_, value)| value.to_owned())
}

fn is_framed(headers: &HeaderMap) -> bool {
    let destination = headers.get("sec-fetch-dest").and_then(|value| value.to_str().ok());
    matches!(destination, Some("iframe" | "frame" | "embed" | "object"))
}

/// Where the forms of a page may go.
#[derive(Clone, Copy)]
enum Forms<'a> {
    None,
    /// To us. Such a page is in no frame, where somebody could be made to press its button unawares.
    Ours,
    /// To this origin.
    To(&'a str),
}

/// A page without script.
fn page(headers: &HeaderMap, content: &CoursePage, status: StatusCode, forms: Forms<'_>) -> Response {
    let cookies = headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default();
    let (form_action, ancestors) = match forms {
        Forms::None => ("'none'", ANY_SITE),
        Forms::Ours => ("'self'", "'none'"),
        Forms::To(origin) => (origin, ANY_SITE),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action \
         {form_action}; frame-ancestors {ancestors}"
    );
    let mut response = (status, Html(course_page(content, Preferences::from_cookies(cookies).theme))).into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
