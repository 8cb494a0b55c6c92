//! Every route of the web server in one place.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use app::api::wants_page;
use app::backend::Backend;
use app::model::CLOUDFORMATION_PATH;
use app::model::teach::OIDC_START_PATH;
use app::teaching::Teaching;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::{BodyExt as _, Limited};
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use leptos_axum::{AxumRouteListing, generate_route_list, handle_server_fns_with_context, render_route_with_context};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::backend::RequestBackend;
use crate::classes::{self, Classes, RequestTeaching};
use crate::health::Health;
use crate::instructors::{CALLBACK_PATH, Instructors};
use crate::session_store::SessionStore;
use crate::state::Headwater;
use crate::visits::{Guess, Visits};
use crate::{
    executor, live, lti, measures, new_account, oidc, origin, pasted_keys, refusal, request_id, role_file, security,
    upload, visits,
};

/// Largest body of a form: code fields included, files apart.
const MAX_FORM_BYTES: usize = 512 * 1024;
/// A session that is not used for this long ends; the resume code still works.
const SESSION: Duration = Duration::days(60);

/// An answer begins within this time, its request's body included; what the lab does on request takes less.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// The pages' routes. Listed once a process, before anything is rendered: a page that is rendered meanwhile may never end.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(app::App));

/// What the web server's handlers share.
#[derive(Clone)]
pub struct WebState {
    pub headwater: Headwater,
    pub leptos: LeptosOptions,
    pub instructors: Instructors,
    pub classes: Classes,
    /// Browsers reach the pages by HTTPS.
    pub is_secure: bool,
    /// Cancelled when the server is to stop, so that live streams end.
    pub shutdown: CancellationToken,
}

impl FromRef<WebState> for LeptosOptions {
    fn from_ref(state: &WebState) -> Self {
        state.leptos.clone()
    }
}

/// How the web server treats its visitors.
#[derive(Clone)]
pub struct WebOptions {
    /// Send the session cookie over HTTPS only.
    pub secure_cookie: bool,
    /// What each address may do.
    pub visits: Visits,
    pub health: Health,
    pub instructors: Instructors,
    pub classes: Classes,
}

/// The whole web server: pages, server functions, live events, uploads, files.
pub fn router(
    headwater: Headwater,
    leptos: LeptosOptions,
    sessions: SessionStore,
    web: WebOptions,
    shutdown: CancellationToken,
) -> Router {
    executor::install();
    let files = files(Path::new(&*leptos.site_root));
    let mut pages: Router<WebState> = Router::new();
    for route in ROUTES.iter() {
        pages = pages.route(route.path(), get(page));
    }
    let (instructors, classes, is_secure) = (web.instructors, web.classes, web.secure_cookie);
    let signed_in = instructors.layer();
    let state = WebState { headwater, leptos, instructors, classes, is_secure, shutdown };
    let sessions = SessionManagerLayer::new(sessions)
        .with_name("headwater")
        .with_same_site(SameSite::Lax)
        .with_http_only(true)
        .with_secure(web.secure_cookie)
        .with_expiry(Expiry::OnInactivity(SESSION));
    pages
        .route("/live/{slug}", get(live::live))
        .route("/upload", post(upload::upload).layer(DefaultBodyLimit::max(upload::MAX_FORM_BYTES)))
        .route(CLOUDFORMATION_PATH, get(role_file::cloudformation))
        .route(new_account::PATH, post(new_account::new_account))
        .route("/api/{*function}", get(server_function).post(server_function))
        .merge(lti::routes())
        .route(OIDC_START_PATH, get(oidc::start))
        .route(CALLBACK_PATH, get(oidc::callback))
        .route("/teach/classes/{id}/events", get(classes::events))
        .route("/teach/classes/{id}/results.csv", get(classes::results_csv))
        .route("/teach/classes/{id}/results.json", get(classes::results_json))
        .route_layer(signed_in)
        .fallback_service(files.fallback(get(missing).with_state(state.clone())))
        .layer(sessions)
        .merge(web.health.routes())
        .layer(
            ServiceBuilder::new()
                .layer(from_fn(request_id::set))
                .layer(TraceLayer::new_for_http().make_span_with(request_id::span))
                .layer(from_fn(measures::count_request))
                .layer(CompressionLayer::new())
                .layer(from_fn(security::headers))
                .layer(from_fn(origin::same_origin_only))
                .layer(from_fn_with_state(web.visits, visits::guard))
                .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER))
                .layer(DefaultBodyLimit::max(MAX_FORM_BYTES)),
        )
        .with_state(state)
}

/// Renders a page for the learner, or the instructor, of the session.
async fn page(State(state): State<WebState>, session: Session, request: Request) -> Response {
    let context = page_context(&state, session, &request);
    let render = render_route_with_context(ROUTES.clone(), context, shell(state.leptos.clone()));
    render(State(state), request).await
}

/// The page for an address that leads nowhere.
async fn missing(State(state): State<WebState>, session: Session, request: Request) -> Response {
    let render = leptos_axum::render_app_async_with_context(
        page_context(&state, session, &request),
        shell(state.leptos.clone()),
    );
    let mut response = render(request).await;
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Answers a server function for the learner, or the instructor, of the session.
async fn server_function(State(state): State<WebState>, session: Session, request: Request) -> Response {
    let guess = guess_of(&request);
    let teaching = teaching(&state, session.clone(), &request);
    let (parts, body) = request.into_parts();
    let form = match Limited::new(body, MAX_FORM_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return refusal::unreadable(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large, or broke off."),
    };
    if std::str::from_utf8(&form).is_err() {
        return refusal::unreadable(StatusCode::BAD_REQUEST, "The form is not in UTF-8.");
    }
    let backend = backend(&state, session, guess);
    if pasted_keys::are_in_form(&form) {
        return refuse_keys(&parts, &form, &*backend).await;
    }
    let request = Request::from_parts(parts, Body::from(form));
    let context = move || {
        provide_context(Arc::clone(&backend));
        provide_context(Arc::clone(&teaching));
    };
    let answer = handle_server_fns_with_context(context, request).await;
    refusal::with_status(answer.into_response()).await
}

/// Answers a form with keys in it: with script by the refusal, else by a notice on the page that the form is on.
async fn refuse_keys(parts: &Parts, form: &[u8], backend: &dyn Backend) -> Response {
    if !wants_page(&parts.headers) {
        return (StatusCode::CONFLICT, Json(pasted_keys::refusal())).into_response();
    }
    if let Err(error) = backend.put_notice(pasted_keys::notice(parts.uri.path(), form)).await {
        tracing::warn!(%error, "a notice could not be kept");
    }
    let page = parts.headers.get(header::REFERER).and_then(|page| page.to_str().ok()?.parse::<Uri>().ok());
    // A path that begins with two slashes would lead to another site.
    let path = page.as_ref().map(Uri::path).filter(|path| !path.starts_with("//"));
    Redirect::to(path.unwrap_or("/")).into_response()
}

fn page_context(state: &WebState, session: Session, request: &Request) -> impl Fn() + Clone + Send + Sync + 'static {
    let teaching = teaching(state, session.clone(), request);
    let backend = backend(state, session, guess_of(request));
    move || {
        provide_context(Arc::clone(&backend));
        provide_context(Arc::clone(&teaching));
        security::set_page_policy();
    }
}

fn backend(state: &WebState, session: Session, guess: Guess) -> Arc<dyn Backend> {
    Arc::new(RequestBackend::new(state.headwater.clone(), session).with_guess(guess))
}

fn teaching(state: &WebState, session: Session, request: &Request) -> Arc<dyn Teaching> {
    let (classes, instructors) = (state.classes.clone(), state.instructors.clone());
    let guess = guess_of(request);
    Arc::new(RequestTeaching::new(classes, instructors, session, guess, request, state.is_secure))
}

/// Where wrong guesses of this request are noted.
fn guess_of(request: &Request) -> Guess {
    request.extensions().get::<Guess>().cloned().unwrap_or_default()
}

fn shell(options: LeptosOptions) -> impl Fn() -> leptos::prelude::AnyView + Clone + Send + Sync + 'static {
    use leptos::prelude::IntoAny as _;
    move || app::shell(options.clone()).into_any()
}

/// The built browser half and the public files; browsers keep them but ask whether they changed.
fn files(root: &Path) -> ServeDir {
    ServeDir::new(root).precompressed_gzip().append_index_html_on_directories(false)
}
