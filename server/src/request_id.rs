//! A name for each request, by which its lines in the log are found.

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Span;
use uuid::Uuid;

/// The header that brings and tells the id.
pub const HEADER: &str = "x-request-id";
/// Longest id that is taken from a request.
const LONGEST: usize = 64;

/// The request's id, among its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this is done for.
pub fn current() -> Option<String> {
    CURRENT.try_with(String::clone).ok()
}

/// Does something on another task for the request of now.
pub async fn carried<F: Future>(id: Option<String>, future: F) -> F::Output {
    match id {
        Some(id) => CURRENT.scope(id, future).await,
        None => future.await,
    }
}

/// Gives the request an id: the one that a proxy in front gave it, if it is well formed.
pub async fn set(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).and_then(|id| id.to_str().ok()).filter(|id| is_well_formed(id));
    let id = given.map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = CURRENT.scope(id.clone(), next.run(request)).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, id);
    }
    response
}

/// What every line in the log tells of the request that it belongs to. The route as it is written in the router, since a
/// path may hold a code; no query, header or body.
pub fn span<B>(request: &http::Request<B>) -> Span {
    let id = request.extensions().get::<RequestId>().map_or("", |id| &id.0);
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    tracing::error_span!("request", id, method = %request.method(), route)
}

fn is_well_formed(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_id_is_taken() {
        for good in ["a", "3f2c-77_x.y", &"x".repeat(64)] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in ["", "a b", "a\"b", "a\nb", "ü", "{}", &"x".repeat(65)] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
