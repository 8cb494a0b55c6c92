//! Which environments start, are at work, and rest, so that a warm one is used again and no account takes more than its share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::environment::Job;
use super::limits;
use crate::{AccountId, AwsError};

/// The environments of all functions.
pub(super) struct Pool {
    state: Mutex<State>,
    /// For environments that start.
    starts: Arc<Semaphore>,
    /// For environments at work.
    places: Arc<Semaphore>,
    /// Memory that all resting ones together may hold, bytes.
    most_bytes: u64,
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
    account: AccountId,
    arn: String,
    revision: String,
    bytes: u64,
    jobs: mpsc::Sender<Job>,
}

/// An environment that has nothing to do.
#[derive(Clone, Copy)]
pub(super) struct Idle<'a> {
    pub account: &'a AccountId,
    pub arn: &'a str,
    pub revision: &'a str,
    /// Memory that it holds.
    pub bytes: u64,
}

/// One of an account's concurrent invocations; it ends when this is dropped.
pub(super) struct Running {
    pool: Arc<Pool>,
    account: AccountId,
}

/// What an invocation holds of the machine.
pub(super) struct Admission {
    /// For as long as the environment is at work.
    pub place: OwnedSemaphorePermit,
    /// Until a new environment has loaded its function.
    pub start: Option<Start>,
}

/// A new environment's right to the processors before others that wait to start: it ends when this is dropped, and after
/// [`limits::HEAD_START`] in any case.
pub(super) struct Start {
    _held: JoinSet<()>,
}

/// An environment's end of its entry in the pool.
pub(super) struct Offer {
    pub id: u64,
    /// Brings the next invocation; closed when the environment is no longer wanted.
    pub jobs: mpsc::Receiver<Job>,
}

impl Pool {
    /// `most_bytes` is the memory that all resting environments together may hold, `cores` the number of processors.
    pub(super) fn new(most_bytes: u64, cores: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            starts: Arc::new(Semaphore::new(cores)),
            places: Arc::new(Semaphore::new(limits::MAX_AT_WORK)),
            most_bytes,
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

    /// Room for one more environment at work, and to start it unless one of this function and revision rests.
    /// `TooManyRequestsException` when there is none for long.
    ///
    /// What starts at once takes as long as all of it, one after the other: no more start than there are processors, so that
    /// the first is done early, and none runs out of the time that it has for starting.
    pub(super) async fn admit(&self, arn: &str, revision: &str) -> Result<Admission, AwsError> {
        let admitted = async {
            let start = if self.rests(arn, revision) { None } else { Some(Start::new(room(&self.starts).await?)) };
            Ok(Admission { place: room(&self.places).await?, start })
        };
        timeout(limits::ADMISSION_WAIT, admitted).await.unwrap_or_else(|_| Err(too_many_requests()))
    }

    fn rests(&self, arn: &str, revision: &str) -> bool {
        self.state().resting.iter().any(|resting| resting.arn == arn && resting.revision == revision)
    }

    /// The environment of this function and revision that rested last, if any. Those of other revisions go.
    pub(super) fn take(&self, arn: &str, revision: &str) -> Option<mpsc::Sender<Job>> {
        let mut state = self.state();
        state.current.insert(arn.to_owned(), revision.to_owned());
        state.resting.retain(|resting| resting.arn != arn || resting.revision == revision);
        let position = state.resting.iter().rposition(|resting| resting.arn == arn)?;
        Some(state.resting.remove(position).jobs)
    }

    /// Offers an environment for another invocation; nothing when its function has changed or gone. Others, or this one, go
    /// when more rest than may.
    pub(super) fn offer(&self, environment: Idle<'_>) -> Option<Offer> {
        let Idle { account, arn, revision, bytes } = environment;
        let mut state = self.state();
        if state.current.get(arn).is_none_or(|current| current != revision) {
            return None;
        }
        let (sender, jobs) = mpsc::channel(1);
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (arn, revision) = (arn.to_owned(), revision.to_owned());
        state.resting.push(Resting { id, account: account.clone(), arn, revision, bytes, jobs: sender });
        state.let_go(account, self.most_bytes);
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

impl Start {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        let mut held = JoinSet::new();
        held.spawn(async move {
            let _permit = permit;
            sleep(limits::HEAD_START).await;
        });
        Self { _held: held }
    }
}

impl State {
    /// Lets the longest resting go until no more rest than may: of the account first, then of all.
    fn let_go(&mut self, account: &AccountId, most_bytes: u64) {
        let of_account = self.resting.iter().filter(|resting| resting.account == *account).count();
        if of_account > limits::MAX_RESTING_OF_ACCOUNT
            && let Some(first) = self.resting.iter().position(|resting| resting.account == *account)
        {
            self.resting.remove(first);
        }
        let mut bytes: u64 = self.resting.iter().map(|resting| resting.bytes).sum();
        while self.resting.len() > limits::MAX_RESTING || bytes > most_bytes {
            bytes -= self.resting.remove(0).bytes;
        }
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

async fn room(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, AwsError> {
    Arc::clone(of).acquire_owned().await.map_err(AwsError::internal)
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

    const MOST_BYTES: u64 = 1000;
    const CORES: usize = 2;

    fn pool() -> Arc<Pool> {
        Pool::new(MOST_BYTES, CORES)
    }

    fn account(number: u64) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    /// A function of an account is invoked for the first time, and its environment rests.
    fn rest(pool: &Pool, account: &AccountId, arn: &str, bytes: u64) -> Offer {
        assert!(pool.take(arn, "1").is_none());
        pool.offer(Idle { account, arn, revision: "1", bytes }).unwrap()
    }

    fn is_gone(offer: &mut Offer) -> bool {
        matches!(offer.jobs.try_recv(), Err(mpsc::error::TryRecvError::Disconnected))
    }

    #[test]
    fn an_account_has_its_own_concurrency() {
        let pool = pool();
        let (one, other) = (account(1), account(2));
        let mut running: Vec<Running> = (0..limits::MAX_CONCURRENT).map(|_| pool.enter(&one).unwrap()).collect();
        assert_eq!(pool.enter(&one).err().unwrap().code, "TooManyRequestsException");
        assert!(pool.enter(&other).is_ok());
        running.pop();
        assert!(pool.enter(&one).is_ok());
    }

    #[test]
    fn only_the_current_revision_rests() {
        let pool = pool();
        let account = account(1);
        let idle = |revision| Idle { account: &account, arn: "arn", revision, bytes: 1 };
        assert!(pool.offer(idle("1")).is_none(), "nothing was invoked yet");
        assert!(pool.take("arn", "1").is_none());
        let mut first = pool.offer(idle("1")).unwrap();
        assert!(pool.take("arn", "2").is_none());
        assert!(is_gone(&mut first));
        assert!(!pool.withdraw(first.id));
        assert!(pool.offer(idle("1")).is_none());
        let second = pool.offer(idle("2")).unwrap();
        assert!(pool.withdraw(second.id));
        let mut third = pool.offer(idle("2")).unwrap();
        pool.retire("arn");
        assert!(is_gone(&mut third));
        assert!(pool.offer(idle("2")).is_none());
    }

    #[test]
    fn the_longest_resting_go_when_all_hold_too_much_memory() {
        let pool = pool();
        let mut small = rest(&pool, &account(1), "small", 300);
        let mut half = rest(&pool, &account(2), "half", 500);
        let mut third = rest(&pool, &account(3), "third", 400);
        assert!(is_gone(&mut small));
        assert!(!is_gone(&mut half) && !is_gone(&mut third));
        let mut giant = rest(&pool, &account(4), "giant", MOST_BYTES + 1);
        assert!([&mut half, &mut third, &mut giant].into_iter().all(is_gone));
    }

    #[test]
    fn an_account_has_so_many_rest_and_no_more() {
        let pool = pool();
        let (one, other) = (account(1), account(2));
        let mut of_other = rest(&pool, &other, "other", 1);
        let mut offers: Vec<Offer> =
            (0..=limits::MAX_RESTING_OF_ACCOUNT).map(|number| rest(&pool, &one, &format!("arn-{number}"), 1)).collect();
        assert!(is_gone(&mut offers[0]));
        assert!(!is_gone(&mut of_other) && !offers.iter_mut().skip(1).any(is_gone));
    }

    /// Whether it is admitted without waiting for others, and with what.
    async fn admitted_now(pool: &Pool, arn: &str) -> Option<Admission> {
        timeout(std::time::Duration::from_millis(1), pool.admit(arn, "1")).await.ok().map(Result::unwrap)
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_start_at_once_than_there_are_processors() {
        let pool = pool();
        let first = admitted_now(&pool, "first").await.unwrap();
        let second = admitted_now(&pool, "second").await.unwrap();
        assert!(admitted_now(&pool, "third").await.is_none());
        // One that rests needs not start.
        let _offer = rest(&pool, &account(1), "warm", 1);
        assert!(admitted_now(&pool, "warm").await.unwrap().start.is_none());
        // Who has started goes on at work.
        let Admission { place, start } = first;
        drop(start);
        tokio::task::yield_now().await;
        assert!(admitted_now(&pool, "third").await.is_some());
        drop((place, second));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_starts_for_long_holds_nobody_up() {
        let pool = pool();
        let mut slow = Vec::new();
        for _ in 0..CORES {
            slow.push(admitted_now(&pool, "slow").await.unwrap());
        }
        assert!(admitted_now(&pool, "other").await.is_none());
        let before = tokio::time::Instant::now();
        assert!(pool.admit("other", "1").await.is_ok());
        assert!(before.elapsed() <= limits::HEAD_START);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_long_is_refused() {
        let pool = pool();
        let mut at_work = Vec::new();
        for _ in 0..limits::MAX_AT_WORK {
            at_work.push(pool.admit("arn", "1").await.unwrap().place);
        }
        assert_eq!(pool.admit("arn", "1").await.err().unwrap().code, "TooManyRequestsException");
        at_work.pop();
        assert!(pool.admit("arn", "1").await.is_ok());
    }
}
