//! Background tasks of a service, which end with it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// The tasks of a service. Cheap to clone; they end when the last clone is dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    stop: Arc<Stop>,
}

#[derive(Debug, Default)]
struct Stop {
    token: CancellationToken,
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

impl Tasks {
    /// Starts a task, which is dropped wherever it is when these tasks end.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.token.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }
}
