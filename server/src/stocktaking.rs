//! Keeping account of what of the lab is in the learner's account, for the receipt at the end and for what it costs.

use std::time::{Duration, Instant};

use app::error::BackendError;
use checks::inventory::{Receipt, inventory};

use crate::checking::subject;
use crate::state::{Headwater, Seat, now, store_failed};

/// The fact that keeps the latest receipt; each new one goes on from the one before.
const RECEIPT: &str = "receipt";

/// How old the account may become on the page of the clean-up.
pub const WHILE_CLEANING_UP: Duration = Duration::from_secs(10);
/// The same on the other pages, where a look through all regions is many calls for little news.
pub const MEANWHILE: Duration = Duration::from_secs(120);

/// What was found holds this long where nothing has changed.
const UNCHANGED: Duration = Duration::from_secs(15 * 60);

/// When the account was looked through, and [`Headwater::changes`] before.
pub struct Taken {
    at: Instant,
    changes: Option<u64>,
}

/// The receipt as it stands, if anything was ever looked at.
pub async fn kept(headwater: &Headwater, seat: &Seat) -> Result<Option<Receipt>, BackendError> {
    headwater.store().fact(&seat.learner.id, RECEIPT).await.map_err(store_failed)
}

/// Looks through the account in the background unless that was done lately or is being done; pages hear of it when it is
/// done.
pub fn refresh(headwater: &Headwater, seat: &Seat, max_age: Duration) {
    if seat.place.awaits_connection() {
        return;
    }
    let Ok(mut taken) = seat.desk.inventoried().try_lock_owned() else { return };
    let changes = headwater.changes(seat);
    if taken.as_ref().is_some_and(|taken| taken.still_holds(changes, max_age)) {
        return;
    }
    let (headwater, seat) = (headwater.clone(), seat.clone());
    tokio::spawn(async move {
        let looked = tokio::select! {
            // First, since no request waits for this, and so neither does the sandbox: what it does not answer is no news.
            biased;
            () = headwater.shutdown().cancelled() => return,
            looked = take(&headwater, &seat) => looked,
        };
        match looked {
            Ok(()) => *taken = Some(Taken { at: Instant::now(), changes }),
            Err(error) => tracing::warn!(%error, "the account could not be looked through"),
        }
        drop(taken);
        seat.desk.changed.notify_waiters();
    });
}

/// Has the next page look through the account anew, since something in it has changed.
pub fn expire(seat: &Seat) {
    // Whoever looks just now sees the change as well, or nearly.
    if let Ok(mut taken) = seat.desk.inventoried().try_lock() {
        *taken = None;
    }
}

/// Looks through the account now, as before something in it is deleted.
pub async fn take_now(headwater: &Headwater, seat: &Seat) -> Result<(), BackendError> {
    let mut taken = seat.desk.inventoried().lock_owned().await;
    let changes = headwater.changes(seat);
    take(headwater, seat).await?;
    *taken = Some(Taken { at: Instant::now(), changes });
    Ok(())
}

impl Taken {
    fn still_holds(&self, changes: Option<u64>, max_age: Duration) -> bool {
        let age = self.at.elapsed();
        age < max_age || (changes.is_some() && changes == self.changes && age < UNCHANGED)
    }
}

async fn take(headwater: &Headwater, seat: &Seat) -> Result<(), BackendError> {
    let subject = subject(headwater, seat).await?;
    let access = seat.desk.access();
    let found = inventory(&access.clients, &subject, now()).await;
    let receipt = Receipt::compare(kept(headwater, seat).await?.as_ref(), &found);
    if receipt.remaining.is_empty() && receipt.deleted.is_empty() {
        // Nothing was ever there: that is no receipt.
        return Ok(());
    }
    headwater.store().save_fact(&seat.learner.id, RECEIPT, &receipt).await.map_err(store_failed)
}
