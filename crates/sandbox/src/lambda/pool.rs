//! Which environments run and which rest, so that a warm one is used again and no account takes more than its share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::environment::Job;
use super::limits;
use crate::{AccountId, AwsError};

/// The environments of all functions.
pub(super) struct Pool {
    state: Mutex<State>,
    places: Arc<Semaphore>,
    next_id: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The longest resting first.
    resting: Vec<Resting>,
    /// The revision of each function that its environments must have, by ARN.
    current: HashMap<String, String>,
    running: HashMap<AccountId, usize>,
}

struct Resting {
    id: u64,
    arn: String,
    revision: String,
    jobs: mpsc::Sender<Job>,
}

/// One of an account's concurrent invocations; it ends when this is dropped.
pub(super) struct Running {
    pool: Arc<Pool>,
    account: AccountId,
}

/// An environment's end of its entry in the pool.
pub(super) struct Offer {
    pub id: u64,
    /// Brings the next invocation; closed when the environment is no longer wanted.
    pub jobs: mpsc::Receiver<Job>,
}

impl Pool {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            places: Arc::new(Semaphore::new(limits::MAX_ENVIRONMENTS)),
            next_id: AtomicU64::new(0),
        })
    }

    /// Counts one more concurrent invocation. `TooManyRequestsException` at the account's limit.
    pub(super) fn enter(self: &Arc<Self>, account: &AccountId) -> Result<Running, AwsError> {
        let mut state = self.state();
        let running = state.running.entry(account.clone()).or_default();
        if *running >= limits::MAX_CONCURRENT {
            return Err(too_many_requests());
        }
        *running += 1;
        Ok(Running { pool: Arc::clone(self), account: account.clone() })
    }

    /// A place for a new environment, for which the longest resting one may have to go. `TooManyRequestsException` when
    /// all are at work for long.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, AwsError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        {
            let mut state = self.state();
            if !state.resting.is_empty() {
                state.resting.remove(0);
            }
        }
        match tokio::time::timeout(limits::PLACE_WAIT, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(too_many_requests()),
        }
    }

    /// The environment of this function and revision that rested last, if any. Those of other revisions go.
    pub(super) fn take(&self, arn: &str, revision: &str) -> Option<mpsc::Sender<Job>> {
        let mut state = self.state();
        state.current.insert(arn.to_owned(), revision.to_owned());
        state.resting.retain(|resting| resting.arn != arn || resting.revision == revision);
        let position = state.resting.iter().rposition(|resting| resting.arn == arn)?;
        Some(state.resting.remove(position).jobs)
    }

    /// Offers an environment for another invocation; nothing when its function has changed or gone.
    pub(super) fn offer(&self, arn: &str, revision: &str) -> Option<Offer> {
        let mut state = self.state();
        if state.current.get(arn).is_none_or(|current| current != revision) {
            return None;
        }
        let (sender, jobs) = mpsc::channel(1);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        state.resting.push(Resting { id, arn: arn.to_owned(), revision: revision.to_owned(), jobs: sender });
        Some(Offer { id, jobs })
    }

    /// Takes an offer back. False when an invocation has taken it already.
    pub(super) fn withdraw(&self, id: u64) -> bool {
        let mut state = self.state();
        let before = state.resting.len();
        state.resting.retain(|resting| resting.id != id);
        state.resting.len() < before
    }

    /// Lets the environments of a function go, since it changed or was deleted. One at work goes when it is done.
    pub(super) fn retire(&self, arn: &str) {
        let mut state = self.state();
        state.current.remove(arn);
        state.resting.retain(|resting| resting.arn != arn);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        if let Some(running) = state.running.get_mut(&self.account) {
            *running -= 1;
            if *running == 0 {
                state.running.remove(&self.account);
            }
        }
    }
}

fn too_many_requests() -> AwsError {
    AwsError::client("TooManyRequestsException", "Rate Exceeded.")
        .with_status(429)
        .with_member("Type", json!("User"))
        .with_member("Reason", json!("ConcurrentInvocationLimitExceeded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_own_concurrency() {
        let pool = Pool::new();
        let (one, other) = ("111111111111".parse().unwrap(), "222222222222".parse().unwrap());
        let mut running: Vec<Running> = (0..limits::MAX_CONCURRENT).map(|_| pool.enter(&one).unwrap()).collect();
        assert_eq!(pool.enter(&one).err().unwrap().code, "TooManyRequestsException");
        assert!(pool.enter(&other).is_ok());
        running.pop();
        assert!(pool.enter(&one).is_ok());
    }

    #[test]
    fn only_the_current_revision_rests() {
        let pool = Pool::new();
        assert!(pool.offer("arn", "1").is_none(), "nothing was invoked yet");
        assert!(pool.take("arn", "1").is_none());
        let mut first = pool.offer("arn", "1").unwrap();
        assert!(pool.take("arn", "2").is_none());
        assert!(matches!(first.jobs.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
        assert!(!pool.withdraw(first.id));
        assert!(pool.offer("arn", "1").is_none());
        let second = pool.offer("arn", "2").unwrap();
        assert!(pool.withdraw(second.id));
        let mut third = pool.offer("arn", "2").unwrap();
        pool.retire("arn");
        assert!(matches!(third.jobs.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
        assert!(pool.offer("arn", "2").is_none());
    }
}
