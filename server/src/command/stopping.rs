//! When a server is to stop.

use tokio_util::sync::CancellationToken;

/// Cancels `shutdown` on SIGINT or SIGTERM.
pub async fn stop_on_signal(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => (),
                _ = terminate.recv() => (),
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM is not heeded");
            let _ = interrupt.await;
        }
    }
    shutdown.cancel();
}
