//! Runs what pages start in the background within the span of the request that started it, so that whatever it logs or
//! answers carries the request's id.

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use tracing::Instrument as _;

use crate::request_id::{carried, current};

struct InSpan;

impl CustomExecutor for InSpan {
    fn spawn(&self, future: PinnedFuture<()>) {
        tokio::spawn(carried(current(), future.in_current_span()));
    }

    fn spawn_local(&self, future: PinnedLocalFuture<()>) {
        tokio::task::spawn_local(carried(current(), future.in_current_span()));
    }

    fn poll_local(&self) {}
}

/// Takes effect if nothing has been rendered yet. May be called again.
pub fn install() {
    // An error says that there is one already: ours.
    let _ = Executor::init_custom_executor(InSpan);
}
