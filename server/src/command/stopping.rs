//! When a server is to stop.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `shutdown` on SIGINT or SIGTERM. Both are heeded from the moment this returns: call it before anybody is told that
/// the server runs.
pub fn stop_on_signal(shutdown: CancellationToken) -> anyhow::Result<()> {
    let listen = |kind| signal(kind).context("signals cannot be heeded");
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
        shutdown.cancel();
    });
    Ok(())
}
