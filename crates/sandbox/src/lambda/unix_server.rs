//! HTTP on a Unix socket that a function's environment can reach, with a bound on connections and on what each keeps.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};
use tokio::task::JoinSet;

/// Connections that one environment may hold open to one socket; further ones wait.
const MAX_CONNECTIONS: usize = 64;
/// Bytes that a connection may keep of what was sent and not yet read.
const MAX_BUFFER: usize = 32 * 1024;

/// For requests of one socket that are to be answered one after the other: every request has it in its extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<Mutex<()>>);

impl Turn {
    /// Waits for the others that took a turn.
    pub(super) async fn take(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.0).lock_owned().await
    }
}

/// Answers requests on `listener` until dropped, which closes all connections.
pub(super) async fn serve<Answer, Answered>(listener: UnixListener, answer: Answer)
where
    Answer: Fn(Request<Body>) -> Answered + Clone + Send + 'static,
    Answered: Future<Output = Response<Body>> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let turn = Turn::default();
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
        let (answer, turn) = (answer.clone(), turn.clone());
        connections.spawn(async move {
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(turn.clone());
                let answered = answer(request.map(Body::new));
                async move { Ok::<_, Infallible>(answered.await) }
            });
            // A connection that breaks off is the function's own affair.
            let _ =
                http1::Builder::new().max_buf_size(MAX_BUFFER).serve_connection(TokioIo::new(stream), service).await;
            drop(permit);
        });
    }
}
