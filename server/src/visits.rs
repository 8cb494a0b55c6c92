//! How much one address may ask for: labs started, and wrong codes and passwords.
//!
//! A class behind one address starts together, so that starts are many. Who types the right code is never held up by others
//! who do the same: only wrong guesses are counted, and when there were too many, nothing is tried from there for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::api::wants_page;
use app::error::BackendError;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use crate::client_address::{client_address, network_of};
use crate::config::VisitOptions;
use crate::{lti, new_account};

/// Where labs are started and classes joined, which is counted when it is posted.
const STARTS: [&str; 6] = ["/api/start", new_account::PATH, "/join", "/api/join", lti::LAUNCH_PATH, lti::CONFIRM_PATH];
/// Where codes and passwords are tried, whatever the method. What is below such a path counts too.
const GUESSES: [&str; 10] = [
    "/api/resume",
    "/api/unlock",
    "/join",
    "/api/join",
    "/teach/invitation",
    "/api/teach-sign-in",
    "/api/teach-set-up",
    "/api/teach-invitation",
    "/api/teach-accept-invitation",
    "/api/teach-change-password",
];
/// Addresses kept before those that have not been seen lately are forgotten.
const ADDRESSES: usize = 10_000;

/// What all addresses have done lately. Cheap to clone.
#[derive(Clone)]
pub struct Visits(Arc<Parts>);

struct Parts {
    trusted_proxies: Vec<IpNet>,
    starts: Option<Limiter>,
    wrong_guesses: Option<Limiter>,
    /// Addresses with too many wrong guesses, and until when nothing is tried from there.
    barred: Mutex<HashMap<IpAddr, Instant>>,
}

type Limiter = DefaultKeyedRateLimiter<IpAddr>;

/// By this a handler tells that what was tried was wrong; it is among the request's extensions.
#[derive(Clone, Debug, Default)]
pub struct Guess(Arc<AtomicBool>);

impl Guess {
    /// Notes a wrong code or password.
    pub fn was_wrong(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Visits {
    pub fn new(options: &VisitOptions) -> Self {
        let limiter =
            |per_minute| NonZeroU32::new(per_minute).map(|number| RateLimiter::keyed(Quota::per_minute(number)));
        Self(Arc::new(Parts {
            trusted_proxies: options.trusted_proxy.clone(),
            starts: limiter(options.starts_per_minute),
            wrong_guesses: limiter(options.wrong_guesses_per_minute),
            barred: Mutex::default(),
        }))
    }

    /// How long nothing is tried from an address.
    fn barred_for(&self, address: IpAddr) -> Option<Duration> {
        let barred = self.0.barred.lock().unwrap_or_else(PoisonError::into_inner);
        barred.get(&address).and_then(|until| until.checked_duration_since(Instant::now()))
    }

    fn count_wrong_guess(&self, address: IpAddr) {
        let Some(wait) = self.0.wrong_guesses.as_ref().and_then(|limiter| count(limiter, address)) else {
            return;
        };
        let mut barred = self.0.barred.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if barred.len() >= ADDRESSES {
            barred.retain(|_, until| *until > now);
        }
        barred.insert(address, now + wait);
    }
}

/// Lets a request pass unless its address has asked for too much.
pub async fn guard(State(visits): State<Visits>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_guess = GUESSES.iter().any(|place| is_below(path, place));
    let is_start = request.method() == Method::POST && STARTS.iter().any(|place| is_below(path, place));
    if !is_guess && !is_start {
        return next.run(request).await;
    }
    let address = network_of(client_address(&request, &visits.0.trusted_proxies));
    if is_guess && let Some(wait) = visits.barred_for(address) {
        return refuse(&request, wait, "Too many wrong codes or passwords came from your network.");
    }
    if is_start && let Some(wait) = visits.0.starts.as_ref().and_then(|limiter| count(limiter, address)) {
        return refuse(&request, wait, "Too many labs were started from your network at once.");
    }
    let guess = Guess::default();
    request.extensions_mut().insert(guess.clone());
    let response = next.run(request).await;
    let was_refused = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if is_guess && (was_refused || guess.0.load(Ordering::Relaxed)) {
        visits.count_wrong_guess(address);
    }
    response
}

fn is_below(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How long to wait, if this one is too many.
fn count(limiter: &Limiter, address: IpAddr) -> Option<Duration> {
    if limiter.len() >= ADDRESSES {
        limiter.retain_recent();
    }
    let refused = limiter.check_key(&address).err()?;
    Some(refused.wait_time_from(DefaultClock::default().now()))
}

/// The answer to what is too much: a page for a browser's own form, else an error that the page with script shows.
fn refuse(request: &Request, wait: Duration, why: &str) -> Response {
    let seconds = wait.as_secs() + 1;
    metrics::counter!("headwater_refused_visits_total").increment(1);
    let message = format!("{why} Wait {seconds} s and try again.");
    let retry = [(header::RETRY_AFTER, seconds.to_string())];
    if wants_page(request.headers()) {
        let policy =
            [(header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'self'; frame-ancestors 'none'")];
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Too many tries · Headwater</title>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <link rel=\"stylesheet\" href=\"/pkg/headwater.css\"></head>\
             <body><main><h1>A moment, please</h1><p>{message}</p><p><a href=\"/\">Back to the start</a></p></main></body></html>"
        );
        return (StatusCode::TOO_MANY_REQUESTS, retry, policy, Html(page)).into_response();
    }
    (StatusCode::TOO_MANY_REQUESTS, retry, Json(BackendError::Refused { message })).into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use tower::ServiceExt as _;

    use super::*;

    fn visits(starts_per_minute: u32, wrong_guesses_per_minute: u32) -> Router {
        let trusted_proxy = vec!["127.0.0.1/32".parse().unwrap()];
        let visits = Visits::new(&VisitOptions { starts_per_minute, wrong_guesses_per_minute, trusted_proxy });
        let answer = |request: Request| async move {
            let guess = request.extensions().get::<Guess>().cloned();
            match request.uri().query() {
                Some("wrong") => guess.unwrap_or_default().was_wrong(),
                Some("refused") => return StatusCode::UNAUTHORIZED,
                _ => (),
            }
            StatusCode::OK
        };
        Router::new().fallback(answer).layer(from_fn_with_state(visits, guard))
    }

    async fn post(router: &Router, path: &str, client: &str) -> Response {
        let request = Request::post(path).header("x-forwarded-for", client).header("accept", "text/html");
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_class_behind_one_address_starts_within_a_minute() {
        let router = visits(600, 30);
        for _ in 0..300 {
            assert_eq!(post(&router, "/api/start", "203.0.113.9").await.status(), StatusCode::OK);
            assert_eq!(post(&router, "/join/K7QM", "203.0.113.9").await.status(), StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn too_many_starts_are_told_when_to_come_back() {
        let router = visits(2, 30);
        for _ in 0..2 {
            assert_eq!(post(&router, "/api/start", "203.0.113.9").await.status(), StatusCode::OK);
        }
        let refused = post(&router, "/api/start", "203.0.113.9").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=31).contains(&wait), "{wait}");
        assert_eq!(refused.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(post(&router, "/api/start", "203.0.113.10").await.status(), StatusCode::OK, "others may");
        assert_eq!(post(&router, "/api/recheck", "203.0.113.9").await.status(), StatusCode::OK, "other things too");
    }

    #[tokio::test]
    async fn wrong_guesses_are_counted_and_right_ones_are_not() {
        let router = visits(600, 3);
        for _ in 0..100 {
            assert_eq!(post(&router, "/api/resume", "203.0.113.9").await.status(), StatusCode::OK);
        }
        for (path, status) in [
            ("/api/resume?wrong", 200),
            ("/api/teach-sign-in?refused", 401),
            ("/api/unlock?wrong", 200),
            ("/join/x?wrong", 200),
        ] {
            assert_eq!(post(&router, path, "203.0.113.9").await.status(), status, "{path}");
        }
        let barred = post(&router, "/api/resume", "203.0.113.9").await;
        assert_eq!(barred.status(), StatusCode::TOO_MANY_REQUESTS, "the right one is not tried either");
        assert_eq!(post(&router, "/api/resume", "203.0.113.10").await.status(), StatusCode::OK);
        assert_eq!(post(&router, "/api/resumed", "203.0.113.9").await.status(), StatusCode::OK, "another path");
    }

    #[tokio::test]
    async fn zero_is_no_limit() {
        let router = visits(0, 0);
        for _ in 0..50 {
            assert_eq!(post(&router, "/api/start", "203.0.113.9").await.status(), StatusCode::OK);
            assert_eq!(post(&router, "/api/resume?wrong", "203.0.113.9").await.status(), StatusCode::OK);
        }
    }
}
