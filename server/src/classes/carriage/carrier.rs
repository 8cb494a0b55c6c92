//! The task that carries for all readers of one kind.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use store::{Change, Store, StoreError};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Destination;
use super::turn::Turn;
use crate::state::now;

/// Readers of one kind that one server carries for at once. One that fails rests and makes room.
const AT_ONCE: u32 = 64;
/// News comes hundreds of times a second while a class is at work; it is looked at no more often than this.
const GATHER: Duration = Duration::from_millis(100);
/// Without news it is looked this often, for what another server has left.
const LOOK: Duration = Duration::from_secs(5);

/// Carries for all readers of a kind.
pub(super) struct Carrier {
    store: Store,
    destination: Arc<dyn Destination>,
    /// By this name it holds readers; every start of a server has another.
    holder: String,
    shutdown: CancellationToken,
}

impl Carrier {
    pub(super) fn new(store: Store, destination: Arc<dyn Destination>, shutdown: CancellationToken) -> Self {
        let mut random = [0; 16];
        rand::rng().fill_bytes(&mut random);
        Self { store, destination, holder: hex::encode(random), shutdown }
    }

    /// Carries until the shutdown, then ends what is under way.
    pub(super) async fn carry_on(self) {
        let mut news = self.store.news();
        let mut turns = JoinSet::new();
        while !self.shutdown.is_cancelled() {
            while turns.try_join_next().is_some() {}
            let pause = match self.take_turns(&mut turns).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, kind = self.destination.kind(), "what is to be carried cannot be read");
                    LOOK
                }
            };
            let told = async {
                loop {
                    match news.next().await {
                        Some(Change::Sealed { .. } | Change::Class(_) | Change::Unknown) => return,
                        Some(Change::Appended | Change::Learner(_)) => (),
                        None => std::future::pending().await,
                    }
                }
            };
            let a_turn_ends = async {
                if turns.join_next().await.is_none() {
                    std::future::pending::<()>().await;
                }
            };
            let woken = async {
                tokio::select! {
                    () = told => (),
                    () = a_turn_ends => (),
                }
            };
            tokio::select! {
                () = self.shutdown.cancelled() => (),
                // Too late is as good as told.
                _ = timeout(pause, woken) => sleep(GATHER).await,
            }
        }
        while turns.join_next().await.is_some() {}
    }

    /// Gives turns to those who have waited longest, and says how long nobody else is due.
    async fn take_turns(&self, turns: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        let free = AT_ONCE.saturating_sub(u32::try_from(turns.len()).unwrap_or(AT_ONCE));
        if free == 0 {
            return Ok(LOOK);
        }
        let kind = self.destination.kind();
        for reader in self.store.readers_behind(kind, now(), free).await? {
            let (store, destination) = (self.store.clone(), Arc::clone(&self.destination));
            if let Some(turn) = Turn::begin(store, destination, &self.holder, &reader).await? {
                turns.spawn(turn.take(self.shutdown.clone()));
            }
        }
        let due = self.store.next_reader_due(kind).await?;
        Ok(due.map_or(LOOK, |due| Duration::try_from(due - now()).unwrap_or_default().min(LOOK)))
    }
}
