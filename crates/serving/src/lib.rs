//! Serves a router over HTTP to many clients, some of them slow or hostile, and stops in good order.
//!
//! A client holds a connection only as long as it does something with it: the head of a request must arrive within
//! [`Limits::head`], a body must keep coming ([`Limits::pause`]), and there are never more than [`Limits::connections`] at once; further ones wait to be accepted.

mod paced;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::paced::Paced;

/// A failure to accept that is not one connection's own, such as too many open files, is waited out this long.
const PAUSE: Duration = Duration::from_millis(500);
/// Most bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;

/// How much of the server clients may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Time for a request's head, counted from when the connection is ready for it: idle connections end too.
    pub head: Duration,
    /// How long a client may pause within a request's body.
    pub pause: Duration,
    /// Time that requests under way have, after shutdown has begun, before they are cut off.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head: Duration::from_secs(30),
            pause: Duration::from_secs(30),
            grace: Duration::from_secs(20),
        }
    }
}

/// Serves until `shutdown` is cancelled and the requests under way are answered, or `limits.grace` is over.
///
/// Handlers are given the client's address as axum's `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = GracefulShutdown::new();
    let cut_off = CancellationToken::new();
    let _cut_off_at_the_end = cut_off.clone().drop_guard();
    let mut stopped = pin!(shutdown.cancelled_owned());
    loop {
        let next = async {
            // The semaphore is never closed, so that this waits until there is a place.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, (stream, client)) = tokio::select! {
            () = &mut stopped => break,
            next = next => next,
        };
        // Small answers would otherwise wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let router = router.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(|body| Body::new(Paced::new(body, limits.pause)));
            request.extensions_mut().insert(ConnectInfo(client));
            router.clone().oneshot(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(MAX_HEAD);
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), answer));
        let cut_off = cut_off.clone();
        tokio::spawn(async move {
            tokio::select! {
                // Clients that go away or dawdle are no fault of the server.
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke off");
                },
                () = cut_off.cancelled() => (),
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.grace, connections.shutdown()).await.is_err() {
        tracing::warn!(grace_seconds = limits.grace.as_secs(), "requests were still under way and are cut off");
    }
    Ok(())
}

/// Lets this process have as many open files as the system allows it, since every connection is one.
pub fn raise_open_files() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the number of open files cannot be raised");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_connections_own(&error) => (),
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted for now");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_connections_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]
mod tests {
    use axum::body::Bytes;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";

    struct Served {
        address: SocketAddr,
        /// Lets an answer of `/slow` end.
        finish: Arc<Notify>,
        /// Told when a request for `/slow` has begun.
        begun: Arc<Notify>,
        shutdown: CancellationToken,
        server: JoinHandle<io::Result<()>>,
    }

    async fn served(limits: Limits) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (finish, begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (awaited, told) = (Arc::clone(&finish), Arc::clone(&begun));
        let slow = move || async move {
            told.notify_one();
            awaited.notified().await;
            "at last"
        };
        let router = Router::new()
            .route("/", get(|ConnectInfo(client): ConnectInfo<SocketAddr>| async move { client.to_string() }))
            .route("/slow", get(slow))
            .route("/length", post(|body: Bytes| async move { body.len().to_string() }));
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        Served { address, finish, begun, shutdown, server }
    }

    /// All that the server sends until it closes the connection.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut bytes = Vec::new();
        // A connection that was cut off may end with an error; what came before counts.
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8(bytes).unwrap()
    }

    async fn ask(address: SocketAddr, request: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_head_loses_the_connection() {
        let Served { address, .. } = served(Limits { head: Duration::from_millis(50), ..Limits::default() }).await;
        let mut dawdler = ask(address, b"GET / HTTP/1.1\r\nHost: he").await;
        assert_eq!(rest(&mut dawdler).await.lines().next().unwrap_or_default(), "");
        let mut idle = TcpStream::connect(address).await.unwrap();
        assert_eq!(rest(&mut idle).await, "", "one that says nothing as well");
        let mut good = ask(address, REQUEST).await;
        let own = good.local_addr().unwrap().to_string();
        let answer = rest(&mut good).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&own), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_pauses_within_a_body_is_refused() {
        let Served { address, .. } = served(Limits { pause: Duration::from_millis(50), ..Limits::default() }).await;
        let head = b"POST /length HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 4\r\n\r\n";
        let mut dawdler = ask(address, &[&head[..], b"ab"].concat()).await;
        let refused = rest(&mut dawdler).await;
        assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
        let mut good = ask(address, &[&head[..], b"abcd"].concat()).await;
        assert!(rest(&mut good).await.ends_with("\r\n\r\n4"));
    }

    #[tokio::test]
    async fn dawdlers_that_hold_every_place_make_room() {
        let limits = Limits { connections: 2, head: Duration::from_millis(50), ..Limits::default() };
        let Served { address, .. } = served(limits).await;
        let mut dawdlers = Vec::new();
        for _ in 0..2 {
            dawdlers.push(ask(address, b"GET / HT").await);
        }
        let mut patient = ask(address, REQUEST).await;
        assert!(rest(&mut patient).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn no_more_connections_than_allowed_are_served_at_once() {
        let served = served(Limits { connections: 1, ..Limits::default() }).await;
        let mut first = ask(served.address, b"GET /slow HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
        served.begun.notified().await;
        let mut second = ask(served.address, b"GET /slow HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await;
        let begun = tokio::time::timeout(Duration::from_millis(100), served.begun.notified()).await;
        assert!(begun.is_err(), "the second was not to be served yet");
        served.finish.notify_one();
        assert!(rest(&mut first).await.ends_with("at last"));
        served.begun.notified().await;
        served.finish.notify_one();
        assert!(rest(&mut second).await.ends_with("at last"));
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_after_shutdown_began() {
        let Served { address, finish, begun, shutdown, server } = served(Limits::default()).await;
        let mut slow = ask(address, b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n").await;
        let mut idle = ask(address, REQUEST).await;
        begun.notified().await;
        shutdown.cancel();
        rest(&mut idle).await;
        // The listener is closed before idle connections are: nobody is let in any more.
        assert!(TcpStream::connect(address).await.is_err());
        finish.notify_one();
        assert!(rest(&mut slow).await.ends_with("at last"));
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_request_that_takes_longer_than_the_grace_is_cut_off() {
        let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
        let Served { address, begun, shutdown, server, finish } = served(limits).await;
        let mut slow = ask(address, b"GET /slow HTTP/1.1\r\nHost: here\r\n\r\n").await;
        begun.notified().await;
        shutdown.cancel();
        server.await.unwrap().unwrap();
        assert_eq!(rest(&mut slow).await, "");
        drop(finish);
    }
}
