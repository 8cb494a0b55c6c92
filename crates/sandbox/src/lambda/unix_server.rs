//! HTTP on a Unix socket that a function's environment can reach, with a bound on connections.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections that one environment may hold open to one socket; further ones wait.
const MAX_CONNECTIONS: usize = 64;

/// Answers requests on `listener` until dropped, which closes all connections.
pub(super) async fn serve<Answer, Answered>(listener: UnixListener, answer: Answer)
where
    Answer: Fn(Request<Body>) -> Answered + Clone + Send + 'static,
    Answered: Future<Output = Response<Body>> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "a function's connection was not accepted");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        let answer = answer.clone();
        connections.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let answered = answer(request.map(Body::new));
                async move { Ok::<_, Infallible>(answered.await) }
            });
            // A connection that breaks off is the function's own affair.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            drop(permit);
        });
    }
}
