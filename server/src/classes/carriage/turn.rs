//! One reader's turn: it is held, entries are read and carried, and what came of it is noted.

use std::sync::Arc;
use std::time::Duration;

use deliveries::rest;
use store::{Reader, Store, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Destination, End, Errand, Report, later};
use crate::measures;
use crate::state::now;

/// So long after its last sign of life a server is taken for dead, and its readers are another's.
const HOLD: Duration = Duration::from_secs(15);
/// The pause between two signs of life.
const SIGN: Duration = Duration::from_secs(5);
/// After this long a turn takes up nothing more, so that others have theirs.
const TURN: Duration = Duration::from_secs(10);

/// A turn that was begun: the reader is held.
pub(super) struct Turn {
    store: Store,
    destination: Arc<dyn Destination>,
    holder: String,
    reader: Reader,
}

impl Turn {
    /// Holds the reader. `None` when it is another's by now.
    pub(super) async fn begin(
        store: Store,
        destination: Arc<dyn Destination>,
        holder: &str,
        reader: &Reader,
    ) -> Result<Option<Self>, StoreError> {
        let now = now();
        let held = store.hold_reader(reader, holder, now, later(now, HOLD)).await?;
        Ok(held.map(|reader| Self { store, destination, holder: holder.to_owned(), reader }))
    }

    /// Carries once, and notes what came of it.
    pub(super) async fn take(self, shutdown: CancellationToken) {
        let carried = tokio::select! {
            // Whoever holds the reader now carries what is not noted.
            () = self.lost() => return,
            carried = self.carry(shutdown) => carried,
        };
        let noted = match carried {
            Ok(Some(report)) => self.note(report).await,
            Ok(None) => self.store.save_reader(&self.reader, &self.holder, &[]).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            // The hold ends by itself, and then it is tried again.
            tracing::error!(%error, kind = self.destination.kind(), "what was carried cannot be noted");
        }
    }

    /// Holds on to the reader, and returns when it is another's or gone.
    async fn lost(&self) {
        loop {
            sleep(SIGN).await;
            let kept = self.store.keep_reader(&self.reader, &self.holder, later(now(), HOLD)).await;
            if matches!(kept, Ok(false)) {
                return;
            }
        }
    }

    /// What came of it; `None` when there was nothing to carry after all.
    async fn carry(&self, shutdown: CancellationToken) -> Result<Option<Report>, StoreError> {
        let Reader { class, name, position, .. } = &self.reader;
        let entries = self.store.log_after(class, *position, self.destination.batch()).await?;
        if entries.is_empty() {
            return Ok(None);
        }
        let id = name.split_once(':').map_or("", |(_, id)| id).to_owned();
        let errand = Errand { class: class.clone(), id, entries, shutdown, over: Instant::now() + TURN };
        Ok(Some(self.destination.carry(&errand).await))
    }

    async fn note(&self, report: Report) -> Result<(), StoreError> {
        let kind = self.destination.kind();
        if report.end == End::Gone {
            return self.store.delete_reader(&self.reader.class, &self.reader.name).await;
        }
        measures::count_deliveries(kind, &report.end, report.deliveries.len());
        let now = now();
        let reader = after(&self.reader, &report, self.destination.patience(), now, rand::random());
        self.store.save_reader(&reader, &self.holder, &report.deliveries).await.map(drop)
    }
}

/// The reader as it is after a turn. `random` is from 0 to 1, and spreads the tries.
fn after(
    before: &Reader,
    report: &Report,
    patience: Option<Duration>,
    now: time::OffsetDateTime,
    random: f64,
) -> Reader {
    let mut reader = before.clone();
    reader.position = report.position.max(before.position);
    match &report.end {
        End::Well | End::Gone => {
            (reader.failures, reader.failing_since, reader.retry) = (0, None, now);
            if let Some(latest) = report.deliveries.last() {
                reader.outcome = Some((latest.words.clone(), latest.at));
            }
        }
        End::Failed { words, after } => {
            // What came through shows that the other system is there.
            let is_progress = reader.position > before.position && report.deliveries.len() > 1;
            let (failures, since) = if is_progress { (0, None) } else { (before.failures, before.failing_since) };
            let since = since.unwrap_or(now);
            reader.failures = failures.saturating_add(1);
            reader.failing_since = Some(since);
            reader.retry = later(now, rest(failures, *after, random));
            reader.off = patience.filter(|patience| now - since >= *patience).map(|_| now);
            reader.outcome = Some((words.clone(), now));
        }
        End::SwitchedOff { words } => {
            reader.off = Some(now);
            reader.outcome = Some((words.clone(), now));
        }
    }
    reader
}

#[cfg(test)]
mod tests {
    use store::{ClassId, Delivery};
    use time::OffsetDateTime;

    use super::*;

    const NOON: OffsetDateTime = time::macros::datetime!(2026-03-02 12:00 UTC);
    const PATIENCE: Option<Duration> = Some(Duration::from_secs(3 * 24 * 3600));

    fn reader() -> Reader {
        Reader {
            class: ClassId::generate(),
            name: "webhook:one".to_owned(),
            position: 5,
            failures: 0,
            failing_since: None,
            retry: NOON,
            off: None,
            outcome: None,
        }
    }

    fn failed(position: i64, after: Option<Duration>) -> Report {
        let delivery = |words: &str| Delivery { at: NOON, status: None, words: words.to_owned() };
        let taken = (position > 5).then(|| delivery("1 event"));
        let deliveries = taken.into_iter().chain([delivery("it answered 503")]).collect();
        Report { position, deliveries, end: End::Failed { words: "it answered 503".to_owned(), after } }
    }

    #[test]
    fn each_failure_makes_the_rest_longer_and_the_next_success_forgets_them() {
        let mut reader = reader();
        for (failures, rest) in [(1, 2), (2, 4), (3, 8)] {
            reader = after(&reader, &failed(5, None), PATIENCE, NOON, 1.0);
            assert_eq!((reader.failures, reader.retry), (failures, NOON + time::Duration::seconds(rest)));
        }
        let asked = after(&reader, &failed(5, Some(Duration::from_secs(600))), PATIENCE, NOON, 0.0);
        assert_eq!(asked.retry, NOON + time::Duration::minutes(10), "it has asked for that");
        let partly = after(&reader, &failed(6, None), PATIENCE, NOON, 1.0);
        assert_eq!((partly.position, partly.failures), (6, 1), "something came through");
        let well = Report { position: 7, deliveries: Vec::new(), end: End::Well };
        let well = after(&reader, &well, PATIENCE, NOON, 1.0);
        assert_eq!((well.position, well.failures, well.failing_since, well.retry), (7, 0, None, NOON));
    }

    #[test]
    fn who_fails_for_three_days_is_switched_off_and_who_has_no_end_is_not() {
        let first = after(&reader(), &failed(5, None), PATIENCE, NOON, 1.0);
        assert_eq!((first.failing_since, first.off), (Some(NOON), None));
        let almost = NOON + time::Duration::days(3) - time::Duration::SECOND;
        let later = after(&first, &failed(5, None), PATIENCE, almost, 1.0);
        assert_eq!((later.failing_since, later.off), (Some(NOON), None));
        let end = NOON + time::Duration::days(3);
        assert_eq!(after(&later, &failed(5, None), PATIENCE, end, 1.0).off, Some(end));
        assert_eq!(after(&later, &failed(5, None), None, end, 1.0).off, None);
        assert_eq!(after(&later, &failed(6, None), PATIENCE, end, 1.0).off, None, "something came through");
    }
}
