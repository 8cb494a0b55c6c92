//! Refuses requests that other sites make a browser send (cross-site request forgery).

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::lti;

/// Lets a request that changes something pass only if it comes from our own pages, or from no page at all. Learning platforms
/// post two forms, whose handlers know a launch by its signature, state and cookie.
pub async fn same_origin_only(request: Request, next: Next) -> Response {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let is_platforms = *request.method() == Method::POST && lti::POSTED_BY_PLATFORMS.contains(&request.uri().path());
    if harmless || is_platforms || is_same_origin(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "This request came from another site. Use the form on Headwater's own page.")
        .into_response()
}

/// By `Origin` against `Host`, which browsers send with every post; what is no browser sends neither `Origin` nor
/// `Sec-Fetch-Site`.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site"))
        && !matches!(site, "same-origin" | "none")
    {
        return false;
    }
    match headers.get(header::ORIGIN) {
        None => true,
        Some(origin) => {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
            origin.is_some() && origin == text(header::HOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)))
            .collect();
        is_same_origin(&headers)
    }

    #[test]
    fn our_own_pages_and_programs_pass() {
        assert!(passes(&[("host", "127.0.0.1:3000")]));
        assert!(passes(&[("host", "127.0.0.1:3000"), ("origin", "http://127.0.0.1:3000")]));
        assert!(passes(&[
            ("host", "lab.example"),
            ("origin", "https://lab.example"),
            ("sec-fetch-site", "same-origin")
        ]));
    }

    #[test]
    fn other_sites_do_not() {
        for origin in ["http://evil.example", "null", "http://127.0.0.1:3001", "http://127.0.0.1:3000.evil.example"] {
            let headers = HeaderMap::from_iter([
                (header::HOST, header::HeaderValue::from_static("127.0.0.1:3000")),
                (header::ORIGIN, header::HeaderValue::from_str(origin).unwrap()),
            ]);
            assert!(!is_same_origin(&headers), "{origin}");
        }
        assert!(!passes(&[("host", "127.0.0.1:3000"), ("sec-fetch-site", "cross-site")]));
        assert!(!passes(&[("host", "127.0.0.1:3000"), ("sec-fetch-site", "same-site")]));
    }
}
