//! `GET /live/{slug}`: what changes on the page of a step, as server-sent events.
//!
//! A page left open re-checks its step by this stream: the verdicts come from here, never from the browser.

use std::convert::Infallible;
use std::time::Duration;

use app::error::BackendError;
use app::model::{
    ChartView, CheckView, CostView, DemoView, LiveEvent, PipelineView, ReceiptView, StepSummary, TraceView,
};
use async_stream::stream;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use checks::{Consent, Step};
use futures::Stream;
use store::LearnerId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower_sessions::Session;

use crate::measures::LiveStream;
use crate::router::WebState;
use crate::state::{Headwater, Seat};
use crate::{backend, checking, demo, views};

/// How often the sender and the chart are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How old verdicts may become while a page is open.
const RECHECK: Duration = Duration::from_secs(4);
/// The same for earlier steps that are not passed.
const LOOK_BACK: Duration = Duration::from_secs(15);
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
            let events = events(state.headwater, seat.learner.id, step, state.shutdown);
            Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
        }
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
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
        while Instant::now() < end {
            // The learner is read anew each time: names may have changed, or the learner be gone.
            let Ok(Some(learner)) = headwater.store().learner(&learner).await else { return };
            let Ok(seat) = headwater.seat(learner) else { return };
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
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = seat.desk.changed.notified() => (),
                () = tokio::time::sleep(TICK) => (),
            }
        }
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
        change(&mut shown.chart, views::chart(headwater, seat).await?, LiveEvent::Chart),
        change(&mut shown.trace, views::trace(headwater, seat).await?, LiveEvent::Trace),
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
    use super::*;

    #[test]
    fn only_a_change_is_sent() {
        let mut shown = None;
        let idle = DemoView::default();
        assert!(change(&mut shown, idle.clone(), LiveEvent::Demo).is_some());
        assert!(change(&mut shown, idle.clone(), LiveEvent::Demo).is_none());
        assert!(change(&mut shown, DemoView { sent: 1, ..idle }, LiveEvent::Demo).is_some());
    }
}
