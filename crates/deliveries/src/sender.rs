//! The client that sends to addresses which others have chosen: bounded in time and size, without redirects and proxies, and
//! only to where it may reach.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect;
use thiserror::Error;
use url::Url;

use crate::reach::{Reach, Unreachable};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A message is sent and answered within this time, or it has failed.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle connections are kept this long.
const IDLE: Duration = Duration::from_secs(30);
/// What of an answer is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Sends. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    http: reqwest::Client,
    reach: Reach,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// How long the other system asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// Nothing was answered.
#[derive(Debug, Error)]
pub enum SendError {
    #[error("{0}")]
    Unreachable(#[from] Unreachable),
    #[error("the host's name is not known")]
    NoSuchHost,
    #[error("no connection could be made")]
    Connect,
    #[error("there was no answer within {} seconds", SEND_TIMEOUT.as_secs())]
    Timeout,
    #[error("the connection was lost before an answer came")]
    Lost,
    #[error("the client cannot be set up: {0}")]
    SetUp(reqwest::Error),
}

impl Answer {
    /// Whether it was taken.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A client's beginnings: it is bounded in time, and follows no redirect, which could lead anywhere.
pub fn bounded_client() -> reqwest::ClientBuilder {
    // Someone else in this process may have chosen already; any choice will do.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(SEND_TIMEOUT)
        .user_agent(concat!("Headwater/", env!("CARGO_PKG_VERSION")))
}

/// The same for addresses within `reach`. It uses no proxy, and connects to no other address, whatever a name resolves to.
/// Addresses that are numbers are not resolved: ask [`Reach::allows`] about each URL as well.
pub fn client(reach: Reach) -> reqwest::ClientBuilder {
    bounded_client()
        .no_proxy()
        .dns_resolver(Arc::new(Names { reach }))
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(4)
}

impl Sender {
    pub fn new(reach: Reach) -> Result<Self, SendError> {
        let http = client(reach).build().map_err(SendError::SetUp)?;
        Ok(Self { http, reach })
    }

    /// Where it may reach.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Posts to an address, and gives the answer whatever its status is.
    pub async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, SendError> {
        self.reach.allows(url)?;
        let mut response =
            self.http.post(url.clone()).headers(headers).body(body).send().await.map_err(|error| reason(&error))?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(asked);
        let mut read = 0;
        // Its words are nobody's business here; but what is read leaves the connection fit for the next message.
        while let Ok(Some(piece)) = response.chunk().await {
            read += piece.len();
            if read > LONGEST_ANSWER {
                break;
            }
        }
        Ok(Answer { status: response.status().as_u16(), retry_after })
    }
}

/// A wait as `Retry-After` tells it: in seconds, or until a time.
fn asked(value: &str) -> Option<Duration> {
    let value = value.trim();
    let seconds = || value.parse().ok().map(Duration::from_secs);
    let until = || httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok();
    seconds().or_else(until)
}

fn reason(error: &reqwest::Error) -> SendError {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(unreachable) = cause.downcast_ref::<Unreachable>() {
            return SendError::Unreachable(*unreachable);
        }
        if cause.downcast_ref::<UnknownName>().is_some() {
            return SendError::NoSuchHost;
        }
        source = cause.source();
    }
    match error {
        error if error.is_timeout() => SendError::Timeout,
        error if error.is_connect() => SendError::Connect,
        _ => SendError::Lost,
    }
}

/// Resolves names to those of their addresses that may be connected to. The connection is made to what is given here, so that
/// a name cannot be another one by then.
struct Names {
    reach: Reach,
}

#[derive(Debug, Error)]
#[error("the host's name is not known")]
struct UnknownName;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| UnknownName)?;
            let (allowed, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.partition(|address| reach.allows_address(address.ip()));
            if allowed.is_empty() && !refused.is_empty() {
                return Err(Unreachable::NotPublic.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode;
    use axum::response::Redirect;
    use axum::routing::post;
    use tokio::net::TcpListener;

    use super::*;

    async fn serve(routes: Router) -> (String, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (format!("http://127.0.0.1:{port}"), port)
    }

    async fn sent(reach: Reach, url: &str) -> Result<Answer, SendError> {
        Sender::new(reach).unwrap().post(&url.parse().unwrap(), HeaderMap::new(), b"{}".to_vec()).await
    }

    #[tokio::test]
    async fn an_answer_is_told_with_the_wait_that_it_asks_for() {
        let busy = async || (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "120")], "x".repeat(1 << 20));
        let (site, _) = serve(Router::new().route("/", post(busy))).await;
        let answer = sent(Reach::Everywhere, &site).await.unwrap();
        assert_eq!(answer, Answer { status: 503, retry_after: Some(Duration::from_secs(120)) });
        assert!(!answer.is_success());
        assert_eq!(asked("nonsense"), None);
        assert_eq!(asked("Thu, 01 Jan 1970 00:00:00 GMT"), None, "it is past");
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
        assert!(asked(&soon).is_some_and(|wait| wait <= Duration::from_secs(3600)));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        static FOLLOWED: AtomicUsize = AtomicUsize::new(0);
        let other = async || _ = FOLLOWED.fetch_add(1, Ordering::Relaxed);
        let routes =
            Router::new().route("/", post(async || Redirect::temporary("/other"))).route("/other", post(other));
        let (site, _) = serve(routes).await;
        assert_eq!(sent(Reach::Everywhere, &site).await.unwrap().status, 307);
        assert_eq!(FOLLOWED.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_an_inner_address_is_not_connected_to() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let count = async || _ = ASKED.fetch_add(1, Ordering::Relaxed);
        let (_, port) = serve(Router::new().route("/", post(count))).await;
        let refused = sent(Reach::Public, &format!("https://localhost:{port}/")).await;
        assert!(matches!(refused, Err(SendError::Unreachable(Unreachable::NotPublic))), "{refused:?}");
        assert_eq!(ASKED.load(Ordering::Relaxed), 0);
        let taken = sent(Reach::Everywhere, &format!("http://localhost:{port}/")).await;
        assert_eq!(taken.unwrap().status, 200);
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn what_does_not_answer_is_told_by_its_kind() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let refused = sent(Reach::Everywhere, &format!("http://{free}/")).await;
        assert!(matches!(refused, Err(SendError::Connect)), "{refused:?}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (connection, _) = listener.accept().await.unwrap();
            drop(connection);
        });
        let lost = sent(Reach::Everywhere, &format!("http://{address}/")).await;
        assert!(matches!(lost, Err(SendError::Lost)), "{lost:?}");
    }
}
