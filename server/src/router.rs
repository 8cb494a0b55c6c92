//! Every route of the web server in one place.

use std::path::Path;
use std::sync::Arc;

use app::backend::Backend;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::Limited;
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use leptos_axum::{AxumRouteListing, generate_route_list, handle_server_fns_with_context, render_route_with_context};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer};
use tower_sessions_sqlx_store::SqliteStore;

use crate::backend::RequestBackend;
use crate::state::Headwater;
use crate::{live, new_account, origin, security, upload};

/// Largest body of a form: code fields included, files apart.
const MAX_FORM_BYTES: usize = 512 * 1024;
/// A session that is not used for this long ends; the resume code still works.
const SESSION: Duration = Duration::days(60);

/// What the web server's handlers share.
#[derive(Clone)]
pub struct WebState {
    pub headwater: Headwater,
    pub leptos: LeptosOptions,
    routes: Arc<[AxumRouteListing]>,
    /// Cancelled when the server is to stop, so that live streams end.
    pub shutdown: CancellationToken,
}

impl FromRef<WebState> for LeptosOptions {
    fn from_ref(state: &WebState) -> Self {
        state.leptos.clone()
    }
}

/// The whole web server: pages, server functions, live events, uploads, files.
pub fn router(
    headwater: Headwater,
    leptos: LeptosOptions,
    sessions: SqliteStore,
    secure_cookie: bool,
    shutdown: CancellationToken,
) -> Router {
    let routes = generate_route_list(app::App);
    let files = files(Path::new(&*leptos.site_root));
    let mut pages: Router<WebState> = Router::new();
    for route in &routes {
        pages = pages.route(route.path(), get(page));
    }
    let state = WebState { headwater, leptos, routes: routes.into(), shutdown };
    let sessions = SessionManagerLayer::new(sessions)
        .with_name("headwater")
        .with_same_site(SameSite::Lax)
        .with_http_only(true)
        .with_secure(secure_cookie)
        .with_expiry(Expiry::OnInactivity(SESSION));
    pages
        .route("/live/{slug}", get(live::live))
        .route("/upload", post(upload::upload).layer(DefaultBodyLimit::max(upload::MAX_FORM_BYTES)))
        .route(new_account::PATH, post(new_account::new_account))
        .route("/api/{*function}", get(server_function).post(server_function))
        .fallback_service(files.fallback(get(missing).with_state(state.clone())))
        .layer(sessions)
        .layer(
            ServiceBuilder::new()
                .layer(TraceLayer::new_for_http())
                .layer(CompressionLayer::new())
                .layer(from_fn(security::headers))
                .layer(from_fn(origin::same_origin_only))
                .layer(DefaultBodyLimit::max(MAX_FORM_BYTES)),
        )
        .with_state(state)
}

/// Renders a page for the learner of the session.
async fn page(State(state): State<WebState>, session: Session, request: Request) -> Response {
    let render =
        render_route_with_context(state.routes.to_vec(), page_context(&state, session), shell(state.leptos.clone()));
    render(State(state), request).await
}

/// The page for an address that leads nowhere.
async fn missing(State(state): State<WebState>, session: Session, request: Request) -> Response {
    let render = leptos_axum::render_app_async_with_context(page_context(&state, session), shell(state.leptos.clone()));
    let mut response = render(request).await;
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Answers a server function for the learner of the session.
async fn server_function(State(state): State<WebState>, session: Session, request: Request) -> Response {
    let backend = backend(&state, session);
    let request = request.map(|body| Body::new(Limited::new(body, MAX_FORM_BYTES)));
    handle_server_fns_with_context(move || provide_context(Arc::clone(&backend)), request).await.into_response()
}

fn page_context(state: &WebState, session: Session) -> impl Fn() + Clone + Send + Sync + 'static {
    let backend = backend(state, session);
    move || {
        provide_context(Arc::clone(&backend));
        security::set_page_policy();
    }
}

fn backend(state: &WebState, session: Session) -> Arc<dyn Backend> {
    Arc::new(RequestBackend::new(state.headwater.clone(), session))
}

fn shell(options: LeptosOptions) -> impl Fn() -> leptos::prelude::AnyView + Clone + Send + Sync + 'static {
    use leptos::prelude::IntoAny as _;
    move || app::shell(options.clone()).into_any()
}

/// The built browser half and the public files; browsers keep them but ask whether they changed.
fn files(root: &Path) -> ServeDir {
    ServeDir::new(root).precompressed_gzip().append_index_html_on_directories(false)
}
