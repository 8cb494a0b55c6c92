//! The board of one class in memory: fed from the class's log, and told to all who watch.
//!
//! One task reads the log when the store tells that it goes on, at most four times a second, makes the rows that changed, and
//! writes them once for all viewers. What changes by time alone – who is stuck – is looked at every two seconds. A board that
//! nobody watches is brought up to date when it is asked for, and forgotten after some minutes.

use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use classroom::{Event, LogEntry};
use futures::FutureExt as _;
use store::{Change, ClassId, InstructorId, News, Role, Store, StoreError};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::board_state::{BoardState, Reread};
use super::rows::Person;
use super::told::Told;
use crate::state::{Headwater, now};

/// Between two tellings.
const PAUSE: Duration = Duration::from_millis(250);
/// Between two looks at what changes by time.
const LOOK: Duration = Duration::from_secs(2);
/// A board that nobody asked for is kept so long.
const KEPT: i64 = 5 * 60;
/// Entries read at once.
const PAGE: u32 = 1000;
/// Names of so many learners are read one by one; for more, all are read.
const FEW: usize = 32;
/// What a viewer may be behind before it is told anew from the board itself.
const BACKLOG: usize = 64;
/// Requests that wait to see the present.
const WAITING: usize = 256;

/// The board of one class.
pub struct KeptBoard {
    state: RwLock<BoardState>,
    told: broadcast::Sender<Told>,
    refreshes: mpsc::Sender<oneshot::Sender<()>>,
    /// Unix seconds.
    asked_for: AtomicI64,
    /// Cancelled when the class is gone, or this board.
    end: CancellationToken,
}

/// The task that keeps a board.
struct Work {
    board: Arc<KeptBoard>,
    headwater: Headwater,
    class: ClassId,
    news: News,
    refreshes: mpsc::Receiver<oneshot::Sender<()>>,
}

impl KeptBoard {
    /// Makes the board from the log, and what has to run to keep it. `None` for a class that is not there.
    pub async fn make(
        headwater: &Headwater,
        class: &ClassId,
    ) -> Result<Option<(Arc<Self>, impl Future<Output = ()> + Send + use<>)>, StoreError> {
        // News are heard before anything is read, so that nothing falls between.
        let news = headwater.store().news();
        let Some(state) = BoardState::begin(headwater, class).await? else { return Ok(None) };
        let (refreshes, requests) = mpsc::channel(WAITING);
        let board = Arc::new(Self {
            state: RwLock::new(state),
            told: broadcast::channel(BACKLOG).0,
            refreshes,
            asked_for: AtomicI64::new(now().unix_timestamp()),
            end: CancellationToken::new(),
        });
        let (headwater, class) = (headwater.clone(), class.clone());
        let mut work = Work { board: Arc::clone(&board), headwater, class, news, refreshes: requests };
        work.catch_up(false).await?;
        let ending = board.end.clone().drop_guard();
        let work = async move {
            work.run().await;
            drop(ending);
        };
        Ok(Some((board, work)))
    }

    /// Looks at the board as it is.
    pub fn read<T>(&self, look: impl FnOnce(&BoardState) -> T) -> T {
        self.asked_for.store(now().unix_timestamp(), Ordering::Relaxed);
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Brings the board up to date with the store. What was written before this is in it then.
    pub async fn refresh(&self) {
        let (done, is_done) = oneshot::channel();
        if self.refreshes.send(done).await.is_ok() {
            // An error means that the board has ended: it stays as it is.
            let _ = is_done.await;
        }
    }

    /// What was missed since entry `after`, and news from then on.
    pub fn follow(&self, after: Option<i64>, wants_rows: bool) -> (Told, broadcast::Receiver<Told>) {
        self.read(|state| {
            let news = self.told.subscribe();
            (state.since(after.filter(|_| wants_rows), now()), news)
        })
    }

    /// What an instructor may do in the class now.
    pub fn role(&self, instructor: &InstructorId) -> Option<Role> {
        self.read(|state| state.staff.iter().find(|one| one.instructor == *instructor).map(|one| one.role))
    }

    /// When this is cancelled, the board is no longer kept.
    pub fn end(&self) -> &CancellationToken {
        &self.end
    }

    fn is_watched(&self) -> bool {
        self.told.receiver_count() > 0
    }
}

impl Work {
    async fn run(&mut self) {
        let mut looks = interval_at(Instant::now() + LOOK, LOOK);
        let mut last_turn = Instant::now();
        loop {
            let mut waiting = Vec::new();
            let mut class_changed = false;
            tokio::select! {
                request = self.refreshes.recv() => {
                    let Some(request) = request else { return };
                    waiting.push(request);
                    // All that the log has is read anyway.
                    class_changed = true;
                }
                change = self.news.next() => match change {
                    None => return,
                    Some(change) => {
                        if !self.board.is_watched() || !self.concerns(&change, &mut class_changed) {
                            continue;
                        }
                        sleep_until(last_turn + PAUSE).await;
                        while let Some(Some(change)) = self.news.next().now_or_never() {
                            self.concerns(&change, &mut class_changed);
                        }
                    }
                },
                _ = looks.tick() => {
                    if !self.board.is_watched() {
                        if now().unix_timestamp() - self.board.asked_for.load(Ordering::Relaxed) > KEPT {
                            return;
                        }
                        continue;
                    }
                }
            }
            while let Ok(request) = self.refreshes.try_recv() {
                waiting.push(request);
            }
            match self.catch_up(class_changed).await {
                Ok(true) => (),
                Ok(false) => return,
                Err(error) => tracing::error!(%error, "a board could not be brought up to date"),
            }
            last_turn = Instant::now();
            for request in waiting {
                // Whoever asked may have gone.
                let _ = request.send(());
            }
        }
    }

    /// Whether a change has to do with this class; notes whether it is one of its settings, staff or members.
    fn concerns(&self, change: &Change, class_changed: &mut bool) -> bool {
        match change {
            Change::Sealed { class, .. } => *class == self.class,
            Change::Class(class) => {
                let is_ours = *class == self.class;
                *class_changed |= is_ours;
                is_ours
            }
            Change::Unknown => {
                *class_changed = true;
                true
            }
            Change::Appended | Change::Learner(_) => false,
        }
    }

    /// Reads what is new, and tells it. False when the class is gone.
    async fn catch_up(&self, class_changed: bool) -> Result<bool, StoreError> {
        let store = self.headwater.store();
        if class_changed {
            let Some(reread) = Reread::of(&self.headwater, &self.class).await? else { return Ok(false) };
            self.change(|state| state.reread = Some(reread));
        }
        loop {
            let head = self.board.state.read().unwrap_or_else(PoisonError::into_inner).board().head().seq;
            let entries = store.log_after(&self.class, head, PAGE).await?;
            let people = people(store, &self.class, &entries).await?;
            let is_all = entries.len() < PAGE as usize;
            if !self.change(|state| state.take(&entries, people)) {
                tracing::error!(class = %self.class, "the log of a class has a gap: its board is made anew");
                return Ok(false);
            }
            if is_all {
                break;
            }
        }
        self.change(|state| {
            let told = state.turn(now());
            // That nobody watches is no fault.
            let _ = self.board.told.send(told);
        });
        Ok(true)
    }

    fn change<T>(&self, change: impl FnOnce(&mut BoardState) -> T) -> T {
        change(&mut self.board.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Those whose names the entries may have changed.
async fn people(store: &Store, class: &ClassId, entries: &[LogEntry]) -> Result<Vec<(String, Person)>, StoreError> {
    let is_of_name = |event: &Event| matches!(event, Event::Waiting | Event::Joined | Event::Renamed);
    let concerned = entries.iter().filter(|entry| is_of_name(&entry.event));
    let mut ids: Vec<&str> = concerned.filter_map(|entry| entry.learner.as_deref()).collect();
    ids.sort_unstable();
    ids.dedup();
    let members = if ids.len() > FEW {
        store.members(class).await?
    } else {
        let mut members = Vec::with_capacity(ids.len());
        for id in ids.iter().filter_map(|id| id.parse().ok()) {
            members.extend(store.member(&id).await?);
        }
        members
    };
    let of_class = members.into_iter().filter(|member| member.class == *class);
    Ok(of_class.map(|member| (member.learner.to_string(), Person::of(&member))).collect())
}
