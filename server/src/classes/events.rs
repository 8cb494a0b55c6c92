//! `GET /teach/classes/{id}/events`: what changes on the pages of a class, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use app::error::BackendError;
use app::model::teach::{BoardEvent, Right};
use async_stream::stream;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::access::{InClass, enter};
use super::told;
use crate::instructors::{AuthSession, Instructors, SignedIn};
use crate::measures::LiveStream;
use crate::refusal;
use crate::router::WebState;

/// A stream ends after this long; the browser opens a new one, with the session looked at anew.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// A comment is sent this often, so that proxies keep the connection, and the session is looked at.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// What a page asks for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// The log's entry up to which it has the rows.
    after: Option<String>,
    /// `none` by a page that shows no rows.
    rows: Option<String>,
    /// By the page of one learner.
    learner: Option<String>,
}

/// Opens the stream. 401 without an instructor, 404 for one who is not of the staff.
pub async fn events(
    State(state): State<WebState>,
    Extension(auth): Extension<AuthSession>,
    Path(class): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let Some(who) = auth.user else { return StatusCode::UNAUTHORIZED.into_response() };
    let entered = match enter(&state.classes, Some(who.instructor.clone()), &class, Right::See).await {
        Ok(entered) => entered,
        Err(error) => return refusal::status(&error).into_response(),
    };
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = last.or(asked.after.as_deref()).and_then(|seq| seq.parse().ok()).filter(|seq: &i64| *seq >= 0);
    let wants_rows = asked.rows.as_deref() != Some("none");
    let is_ahead = match after {
        Some(after) => is_ahead(&state, &entered, after).await,
        None => Ok(false),
    };
    let Ok(is_ahead) = is_ahead else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let learner = asked.learner;
    let watcher = Watcher { entered, who, instructors: state.instructors, after, wants_rows, learner, is_ahead };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // nginx holds answers back unless it is told not to.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(watcher.watch(state.shutdown))).into_response()
}

/// Whether the page knows more than the log has: its rows are of another log.
async fn is_ahead(state: &WebState, entered: &InClass, after: i64) -> Result<bool, BackendError> {
    let head = state.headwater.store().head(&entered.id).await.map_err(crate::state::store_failed)?;
    Ok(head.is_none_or(|head| head.seq < after))
}

/// Somebody who has a page of the class open.
struct Watcher {
    entered: InClass,
    who: SignedIn,
    instructors: Instructors,
    after: Option<i64>,
    wants_rows: bool,
    learner: Option<String>,
    is_ahead: bool,
}

impl Watcher {
    fn watch(self, shutdown: CancellationToken) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream! {
            let _open = LiveStream::open();
            let board = &self.entered.board;
            let end = Instant::now() + LIFETIME;
            let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
            keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (first, mut news) = board.follow(self.after.filter(|_| !self.is_ahead), self.wants_rows);
            let mut seq = first.seq;
            if self.is_ahead && self.wants_rows {
                yield Ok(told::events(seq, [&BoardEvent::Reset]));
            }
            for bytes in self.parts(first) {
                yield Ok(bytes);
            }
            loop {
                let told = tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = board.end().cancelled() => return,
                    () = sleep_until(end) => return,
                    _ = keep_alive.tick() => {
                        if !self.is_signed_in().await {
                            return;
                        }
                        yield Ok(COMMENT);
                        continue;
                    }
                    told = news.recv() => match told {
                        Ok(told) => told,
                        // Too slow: what was missed is told from the board, once.
                        Err(RecvError::Lagged(_)) => {
                            let (missed, from_now) = board.follow(Some(seq), self.wants_rows);
                            news = from_now;
                            missed
                        }
                        Err(RecvError::Closed) => return,
                    },
                };
                if board.role(&self.who.instructor.id).is_none() {
                    return;
                }
                seq = told.seq;
                for bytes in self.parts(told) {
                    yield Ok(bytes);
                }
            }
        }
    }

    fn parts(&self, told: told::Told) -> impl Iterator<Item = Bytes> {
        let concerns = self.learner.as_ref().is_some_and(|learner| told.may_concern(learner));
        let learner = if concerns { told::events(told.seq, [&BoardEvent::Learner]) } else { Bytes::new() };
        let rows = if self.wants_rows { told.rows } else { Bytes::new() };
        [learner, rows, told.others].into_iter().filter(|bytes| !bytes.is_empty())
    }

    /// Whether the account is still there, with the password of then.
    async fn is_signed_in(&self) -> bool {
        self.instructors.is_still(self.who.key()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "it could not be found out whether an instructor is still signed in");
            true
        })
    }
}
