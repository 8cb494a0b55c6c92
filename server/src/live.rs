//! `GET /live/{slug}`: what changes on the page of a step, as server-sent events.
//!
//! A page left open re-checks its step by this stream: the verdicts come from here, never from the browser. A thousand pages
//! may be open, on most of which nothing happens: what a page shows is made anew when something has changed, at its learner's
//! desk or in the learner's account, and from time to time.

mod class;

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use app::error::BackendError;
use app::model::{
    ChartView, CheckView, CostView, DemoState, DemoView, HopState, LiveEvent, MembershipView, PipelineView,
    ReceiptView, StepSummary, TraceView, Verdict, WindowState,
};
use async_stream::stream;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use checks::{Consent, Step};
use futures::{Stream, StreamExt as _};
use store::LearnerId;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower_sessions::Session;
use tracing::Instrument as _;

use crate::kept::Reader;
use crate::measures::LiveStream;
use crate::router::WebState;
use crate::state::{Headwater, Seat};
use crate::{backend, checking, demo, views};

/// How often a page asks whether anything has changed.
const TICK: Duration = Duration::from_secs(1);
/// How old verdicts may become while something goes on, or while it cannot be told whether something changes.
const RECHECK: Duration = Duration::from_secs(4);
/// The same for earlier steps that are not passed.
const LOOK_BACK: Duration = Duration::from_secs(15);
/// A page that nothing happens on is made anew this often, for what only the store knows: another server may have written.
const IDLE: Duration = Duration::from_secs(15);
/// A stream ends after this long; the browser opens a new one, with the session looked at anew.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// A comment is sent this often, so that proxies keep the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// What was sent last, so that only changes are sent.
#[derive(Default)]
struct Shown {
    checks: Option<Vec<CheckView>>,
    steps: Option<Vec<StepSummary>>,
    pipeline: Option<PipelineView>,
    demo: Option<DemoView>,
    chart: Option<ChartView>,
    trace: Option<Option<TraceView>>,
    receipt: Option<Option<ReceiptView>>,
    cost: Option<Option<CostView>>,
}

/// Opens the stream. 401 without a learner, 404 for a step that is not there.
pub async fn live(State(state): State<WebState>, session: Session, Path(slug): Path<String>) -> Response {
    let Ok(step) = slug.parse::<Step>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match backend::seat(&state.headwater, &session).await {
        Ok(Some(seat)) => {
            let places = class::places(state.headwater.clone(), seat.learner.id.clone(), seat.engine());
            let events = with_places(events(state.headwater, seat.learner.id, step, state.shutdown), places);
            Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
        }
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The events of the page, and between them the learner's place in the class; they end with those of the page.
///
/// Both are made in a task of their own: a client that does not read keeps no work from ending, and so no connection to the
/// database from others.
fn with_places(
    page: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
    places: impl Stream<Item = Option<MembershipView>> + Send + 'static,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let (sender, mut receiver) = mpsc::channel(1);
    let places = places.filter_map(async |place| match Event::default().json_data(LiveEvent::Class(place)) {
        Ok(event) => Some(Ok(event)),
        Err(error) => {
            tracing::error!(%error, "a live event could not be written");
            None
        }
    });
    let work = async move {
        tokio::select! {
            () = hand_over(page, &sender) => (),
            () = hand_over(places, &sender) => (),
            () = sender.closed() => (),
        }
    };
    tokio::spawn(work.in_current_span());
    futures::stream::poll_fn(move |context| receiver.poll_recv(context))
}

async fn hand_over<T>(stream: impl Stream<Item = T>, sender: &mpsc::Sender<T>) {
    let mut stream = pin!(stream);
    while let Some(event) = stream.next().await {
        if sender.send(event).await.is_err() {
            return;
        }
    }
}

fn events(
    headwater: Headwater,
    learner: LearnerId,
    step: Step,
    shutdown: CancellationToken,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream! {
        let _counted = LiveStream::open();
        let end = Instant::now() + LIFETIME;
        let mut shown = Shown::default();
        let mut before = None;
        while Instant::now() < end {
            // The learner is read anew each time: names may have changed, or the learner be gone.
            let Ok(Some(learner)) = headwater.store().learner(&learner).await else { return };
            let Ok(seat) = headwater.seat(learner) else { return };
            let mut done = seat.desk.changed.watch();
            let account = headwater.changes(&seat);
            match changes(&headwater, &seat, step, &mut shown).await {
                Ok(changes) => {
                    for change in changes {
                        match Event::default().json_data(&change) {
                            Ok(event) => yield Ok(event),
                            Err(error) => tracing::error!(%error, "a live event could not be written"),
                        }
                    }
                }
                Err(error) => tracing::debug!(%error, "a live page could not be brought up to date"),
            }
            // What has just changed may have come too soon after the last look, which then has to be made up for.
            let goes_on = shown.goes_on() || before != Some(account);
            before = Some(account);
            let rest = match account {
                None => TICK,
                Some(_) if goes_on => RECHECK,
                Some(_) => IDLE,
            };
            let changes = || headwater.changes(&seat) != account;
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = done.changed() => (),
                () = tokio::time::sleep(rest) => (),
                () = becomes_true(changes) => (),
            }
        }
    }
}

/// Looks from time to time whether it is so.
async fn becomes_true(condition: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.tick().await;
    while !condition() {
        ticks.tick().await;
    }
}

impl Shown {
    /// Whether something on the page may change by itself, in the course of time.
    fn goes_on(&self) -> bool {
        let settles = |check: &CheckView| {
            let verdict = check.last.as_ref().map(|last| &last.verdict);
            matches!(verdict, Some(Verdict::Settling { .. } | Verdict::ServiceFault))
        };
        let sends = |demo: &DemoView| matches!(demo.state, DemoState::Running | DemoState::Stopping);
        let awaits = |chart: &ChartView| chart.windows.iter().any(|window| window.state == WindowState::Awaited);
        let waits = |trace: &TraceView| trace.hops.iter().any(|hop| matches!(hop.state, HopState::Waiting { .. }));
        self.checks.as_ref().is_some_and(|checks| checks.iter().any(settles))
            || self.demo.as_ref().is_some_and(sends)
            || self.chart.as_ref().is_some_and(awaits)
            || self.trace.as_ref().and_then(Option::as_ref).is_some_and(waits)
    }
}

async fn changes(
    headwater: &Headwater,
    seat: &Seat,
    step: Step,
    shown: &mut Shown,
) -> Result<Vec<LiveEvent>, BackendError> {
    checking::look(headwater, seat, step, Consent::No, RECHECK).await?;
    checking::look_back(headwater, seat, step, LOOK_BACK).await?;
    let lab = headwater.lab(seat.engine());
    let lab_step = lab.step(step.slug()).ok_or(BackendError::NotFound)?;
    let progress = views::Progress::of(headwater, seat).await?;
    let demo = demo::view(headwater, seat).await?;
    let receipt = if step == Step::CleanUp { views::receipt(headwater, seat).await? } else { None };
    let changes = [
        change(&mut shown.checks, views::checks(lab_step, &progress), LiveEvent::Checks),
        change(&mut shown.steps, views::summaries(lab, seat, &progress), LiveEvent::Steps),
        change(&mut shown.pipeline, views::pipeline(seat, &progress, &demo), LiveEvent::Pipeline),
        change(&mut shown.demo, demo, LiveEvent::Demo),
        change(&mut shown.chart, views::chart(headwater, seat, Reader::Stream).await?, LiveEvent::Chart),
        change(&mut shown.trace, views::trace(headwater, seat, Reader::Stream).await?, LiveEvent::Trace),
        change(&mut shown.receipt, receipt, LiveEvent::Receipt),
        change(&mut shown.cost, views::cost(headwater, seat).await?, LiveEvent::Cost),
    ];
    Ok(changes.into_iter().flatten().collect())
}

/// The event for a part of the page, if that part differs from what was sent last.
fn change<T: Clone + PartialEq>(
    shown: &mut Option<T>,
    now: T,
    event: impl FnOnce(T) -> LiveEvent,
) -> Option<LiveEvent> {
    if shown.as_ref() == Some(&now) {
        return None;
    }
    *shown = Some(now.clone());
    Some(event(now))
}

#[cfg(test)]
mod tests {
    use app::model::HopView;

    use super::*;

    #[test]
    fn a_page_goes_on_while_something_on_it_does() {
        let idle = Shown { demo: Some(DemoView::default()), trace: Some(None), ..Shown::default() };
        assert!(!idle.goes_on());
        let sending = DemoView { state: DemoState::Running, ..DemoView::default() };
        assert!(Shown { demo: Some(sending), ..Shown::default() }.goes_on());
        let hop = |state| HopView { id: "object".to_owned(), title: "In S3".to_owned(), state, evidence: Vec::new() };
        let traced = |state| Shown {
            trace: Some(Some(TraceView {
                mark: "mark".to_owned(),
                started_at: 0,
                rows: 1,
                marks: 1,
                hops: vec![hop(state)],
                read_at: 0,
            })),
            ..Shown::default()
        };
        assert!(traced(HopState::Waiting { until: 1, why: "buffered".to_owned() }).goes_on());
        assert!(!traced(HopState::Reached { count: 1, at: None }).goes_on());
    }

    #[test]
    fn only_a_change_is_sent() {
        let mut shown = None;
        let idle = DemoView::default();
        assert!(change(&mut shown, idle.clone(), LiveEvent::Demo).is_some());
        assert!(change(&mut shown, idle.clone(), LiveEvent::Demo).is_none());
        assert!(change(&mut shown, DemoView { sent: 1, ..idle }, LiveEvent::Demo).is_some());
    }
}
