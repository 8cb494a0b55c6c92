//! The window counts of the learner's table.

use std::time::{Duration, Instant};

use app::error::BackendError;
use app::model::{ChartView, PageCount, WindowState, WindowView};
use checks::chart::{Window, WindowCounts, window_counts};
use checks::{CallError, Subject};
use time::OffsetDateTime;

use super::seconds;
use crate::checking::{UNCHANGED, subject};
use crate::kept::Reader;
use crate::state::{Headwater, Seat, now, store_failed};

/// The fact that keeps the chart as it was seen last, for when the table is gone.
const LAST_CHART: &str = "chart";
/// Windows that the chart shows.
const WINDOWS: usize = 60;
/// Closed windows that are shown as awaited before they are taken for empty.
const AWAITED: i64 = 3;
/// How old the chart may become on a page that is loaded, and on one that is open.
const ON_A_PAGE: Duration = Duration::from_secs(5);
const ON_AN_OPEN_PAGE: Duration = Duration::from_millis(1500);
/// The table may take this long to answer before the page goes on with what was seen last.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the table held when it was read last.
#[derive(Clone)]
pub struct Charted {
    at: Instant,
    /// [`Headwater::changes`] before.
    changes: Option<u64>,
    table: String,
    /// Nothing when there was no table.
    counts: Option<WindowCounts>,
}

/// Reads the table, or gives the chart as it was seen last when there is no table (any more) or it cannot be read now.
pub async fn chart(headwater: &Headwater, seat: &Seat, reader: Reader) -> Result<ChartView, BackendError> {
    let subject = subject(headwater, seat).await?;
    let learner = &seat.learner.id;
    let counts = read(headwater, seat, &subject, reader).await;
    let kept: Option<ChartView> = headwater.store().fact(learner, LAST_CHART).await.map_err(store_failed)?;
    let Some(counts) = counts else { return Ok(kept.unwrap_or_else(|| nothing(seat))) };
    let view = ChartView {
        window_seconds: seat.variables.window_seconds,
        windows: windows(&counts, subject.sent_at, now()),
        table: seat.variables.table.clone(),
        read_at: Some(seconds(counts.at)),
    };
    if kept.as_ref().is_none_or(|kept| kept.windows != view.windows) && !view.windows.is_empty() {
        headwater.store().save_fact(learner, LAST_CHART, &view).await.map_err(store_failed)?;
    }
    Ok(view)
}

/// The counts in the table, read anew if something in the account has changed. Nothing when there is no table, or when it
/// cannot be read now.
async fn read(headwater: &Headwater, seat: &Seat, subject: &Subject, reader: Reader) -> Option<WindowCounts> {
    let place = seat.desk.charted();
    let is_good = |last: &Charted| last.table == subject.table && last.is_good_for(reader, headwater.changes(seat));
    let _turn = match place.good_or_turn(is_good).await {
        Ok(last) => return last.counts,
        Err(turn) => turn,
    };
    let changes = headwater.changes(seat);
    let access = seat.desk.access();
    let counts = match tokio::time::timeout(PATIENCE, window_counts(&access.clients, subject, WINDOWS, now())).await {
        Ok(Ok(counts)) => Some(counts),
        Ok(Err(CallError::Absent)) => None,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the window counts could not be read");
            return None;
        }
        Err(_) => return None,
    };
    place.keep(Charted { at: Instant::now(), changes, table: subject.table.clone(), counts: counts.clone() });
    counts
}

impl Charted {
    fn is_good_for(&self, reader: Reader, changes: Option<u64>) -> bool {
        let age = self.at.elapsed();
        age < reader.patience(ON_A_PAGE, ON_AN_OPEN_PAGE)
            || (changes.is_some() && self.changes == changes && age < UNCHANGED)
    }
}

fn nothing(seat: &Seat) -> ChartView {
    ChartView {
        window_seconds: seat.variables.window_seconds,
        windows: Vec::new(),
        table: seat.variables.table.clone(),
        read_at: None,
    }
}

fn windows(counts: &WindowCounts, sent_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Vec<WindowView> {
    let mut views: Vec<WindowView> = counts.windows.iter().map(window_view).collect();
    if let (Some(last), Some(sent_at)) = (views.last().cloned(), sent_at) {
        views.extend(awaited(&last, seconds(sent_at), seconds(now)));
    }
    views.split_off(views.len().saturating_sub(WINDOWS))
}

/// Windows that closed a moment ago, in which clicks were sent, and whose counts are not here yet.
fn awaited(last: &WindowView, sent_at: i64, now: i64) -> Vec<WindowView> {
    let size = (last.end - last.start).max(1);
    (1..=AWAITED)
        .map(|position| last.end + position * size)
        .take_while(|end| *end <= now && end - size <= sent_at)
        .filter(|end| now - end <= AWAITED * size)
        .map(|end| WindowView {
            start: end - size,
            end,
            views: None,
            distinct_pages: None,
            top_pages: Vec::new(),
            state: WindowState::Awaited,
        })
        .collect()
}

fn window_view(window: &Window) -> WindowView {
    let end = seconds(window.window_end);
    let late_by = window.written_at.map_or(0, |written| (written - window.window_end).whole_seconds());
    WindowView {
        start: end - i64::from(window.window_seconds),
        end,
        views: window.views,
        distinct_pages: window.distinct_pages,
        top_pages: window
            .top_pages
            .iter()
            .map(|page| PageCount { title: page.title.clone(), count: page.views })
            .collect(),
        state: if window.empty {
            WindowState::Empty
        } else if window.late {
            WindowState::Late { by_seconds: u32::try_from(late_by).unwrap_or_default() }
        } else {
            WindowState::Complete
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(start: i64, end: i64) -> WindowView {
        WindowView {
            start,
            end,
            views: Some(1),
            distinct_pages: Some(1),
            top_pages: Vec::new(),
            state: WindowState::Complete,
        }
    }

    fn ends(last: &WindowView, sent_at: i64, now: i64) -> Vec<i64> {
        awaited(last, sent_at, now).into_iter().map(|window| window.end).collect()
    }

    #[test]
    fn a_window_is_awaited_once_it_closed_if_clicks_were_sent_in_it() {
        let last = complete(0, 60);
        assert_eq!(ends(&last, 100, 119), [] as [i64; 0], "it is still open");
        assert_eq!(ends(&last, 100, 120), [120]);
        assert_eq!(ends(&last, 59, 120), [] as [i64; 0], "nothing was sent in it");
        assert_eq!(ends(&last, 500, 200), [120, 180]);
        assert_eq!(ends(&last, 10_000, 10_000), [] as [i64; 0], "long past windows are not awaited");
    }
}
