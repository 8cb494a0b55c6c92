//! What was read from an account last, for all who show it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::MutexGuard;

/// How soon what was read has to be read again, once something has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A page that is being loaded. It shows what was read a moment ago rather than have somebody wait: the stream that it
    /// opens brings it up to date.
    Page,
    /// The stream of an open page.
    Stream,
}

/// A place for it. One reads at a time; who needs nothing newer takes what is kept and waits for nobody.
pub struct Kept<T> {
    last: Mutex<Option<T>>,
    reading: tokio::sync::Mutex<()>,
}

impl Reader {
    /// How old it may be.
    pub fn patience(self, page: Duration, stream: Duration) -> Duration {
        match self {
            Self::Page => page,
            Self::Stream => stream,
        }
    }
}

impl<T: Clone> Kept<T> {
    /// What was read last.
    pub fn last(&self) -> Option<T> {
        self.lock().clone()
    }

    /// What was read last, if it is good enough. Otherwise the turn to read: whoever had it before may have read what is good
    /// enough, and then there is no need to.
    pub async fn good_or_turn(&self, is_good: impl Fn(&T) -> bool) -> Result<T, MutexGuard<'_, ()>> {
        let good = || self.lock().as_ref().filter(|last| is_good(last)).cloned();
        if let Some(last) = good() {
            return Ok(last);
        }
        let turn = self.reading.lock().await;
        good().ok_or(turn)
    }

    /// Keeps what was read now.
    pub fn keep(&self, read: T) {
        *self.lock() = Some(read);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<T>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { last: Mutex::new(None), reading: tokio::sync::Mutex::new(()) }
    }
}
