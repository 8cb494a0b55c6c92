//! The latest sending, followed hop by hop.

use std::time::{Duration, Instant};

use app::error::BackendError;
use app::model::{HopState, HopView, TraceView};
use checks::Engine;
use checks::trace::{self, Hop, Run, Trace};
use clickstream::Progress;
use time::OffsetDateTime;

use super::check::evidence_view;
use super::seconds;
use crate::checking::{UNCHANGED, subject};
use crate::demo;
use crate::kept::Reader;
use crate::state::{Headwater, Seat, now};

/// How old a trace may become while clicks are on their way, on a page that is loaded and on one that is open.
const ON_A_PAGE: Duration = Duration::from_secs(10);
const ON_AN_OPEN_PAGE: Duration = Duration::from_secs(5);
/// The same once all of them have arrived.
const SETTLED: Duration = Duration::from_secs(60);
/// A page waits this long for a new trace before it goes on with the last one.
const PATIENCE: Duration = Duration::from_secs(4);

/// A trace as the desk keeps it.
#[derive(Clone)]
pub struct Traced {
    at: Instant,
    complete: bool,
    /// [`Headwater::changes`] before.
    changes: Option<u64>,
    /// When more may be seen though nothing changes.
    look_again: Option<OffsetDateTime>,
    view: TraceView,
}

/// How far the latest sending has come; `None` before the first, and for sendings without a mark.
pub async fn trace(headwater: &Headwater, seat: &Seat, reader: Reader) -> Result<Option<TraceView>, BackendError> {
    let Some(progress) = demo::latest(headwater, seat).await? else { return Ok(None) };
    let Some(run) = run(&progress) else { return Ok(None) };
    let place = seat.desk.traced();
    let is_good = |last: &Traced| last.is_good_for(reader, &run, headwater.changes(seat));
    let _turn = match place.good_or_turn(is_good).await {
        Ok(last) => return Ok(Some(last.view)),
        Err(turn) => turn,
    };
    let changes = headwater.changes(seat);
    let subject = subject(headwater, seat).await?;
    let access = seat.desk.access();
    let look = trace::trace(&access.clients, &subject, &run, now());
    match tokio::time::timeout(PATIENCE, look).await {
        Ok(found) => {
            let complete = progress.is_over() && found.is_complete();
            let look_again = found.look_again();
            let view = view(&run, found, subject.engine);
            place.keep(Traced { at: Instant::now(), complete, changes, look_again, view: view.clone() });
            Ok(Some(view))
        }
        Err(_) => Ok(place.last().filter(|last| last.view.mark == run.title).map(|last| last.view)),
    }
}

impl Traced {
    /// Whether it tells enough of this run, or another look would see the same.
    fn is_good_for(&self, reader: Reader, run: &Run, changes: Option<u64>) -> bool {
        // A page that is loaded while clicks are sent shows what a trace has found a moment ago of those before.
        if self.view.mark != run.title || (reader == Reader::Stream && self.view.rows != run.rows) {
            return false;
        }
        let age = self.at.elapsed();
        let fresh = if self.complete { SETTLED } else { reader.patience(ON_A_PAGE, ON_AN_OPEN_PAGE) };
        let is_waiting = self.look_again.is_none_or(|at| now() < at);
        let is_same = changes.is_some() && changes == self.changes && self.view.rows == run.rows;
        age < fresh || (is_same && is_waiting && age < UNCHANGED)
    }
}

fn run(progress: &Progress) -> Option<Run> {
    Some(Run {
        title: progress.mark.as_ref()?.title(),
        started: progress.started,
        first_accepted: progress.first_accepted,
        last_accepted: progress.last_accepted,
        marks_accepted: progress.marks_accepted,
        clicks: progress.clicks_accepted,
        rows: progress.accepted.rows,
    })
}

fn view(run: &Run, trace: Trace, engine: Engine) -> TraceView {
    TraceView {
        mark: run.title.clone(),
        started_at: seconds(run.started),
        rows: run.rows,
        marks: trace.marks,
        hops: trace.hops.into_iter().map(|found| hop(found, engine)).collect(),
        read_at: seconds(trace.at),
    }
}

fn hop(hop: Hop, engine: Engine) -> HopView {
    HopView {
        id: hop.name.slug().to_owned(),
        title: hop.name.title(engine).to_owned(),
        state: match hop.state {
            trace::HopState::Reached { count, at } => HopState::Reached { count, at: at.map(seconds) },
            trace::HopState::Waiting { until, why } => HopState::Waiting { until: seconds(until), why },
            trace::HopState::Stopped { why, advice } => HopState::Stopped { why, advice },
            trace::HopState::Unknown { why } => HopState::Unknown { why },
        },
        evidence: hop.evidence.into_iter().map(evidence_view).collect(),
    }
}
