//! The chart as shapes, before it becomes SVG.

use super::scale::{Scale, rounded, ticks};
use crate::{
    format::{grouped, short_clock},
    model::{ChartView, WindowView},
};

/// How large the drawing is, in its own units (about a CSS pixel).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Beside the text: the latest windows only.
    Compact,
    /// As wide as the text or the page.
    Wide,
}

impl Size {
    pub fn width(self) -> f64 {
        match self {
            Self::Compact => 344.0,
            Self::Wide => 720.0,
        }
    }

    pub fn height(self) -> f64 {
        match self {
            Self::Compact => 252.0,
            Self::Wide => 340.0,
        }
    }

    fn most_windows(self) -> usize {
        match self {
            Self::Compact => 20,
            Self::Wide => 60,
        }
    }

    fn label_width(self) -> f64 {
        match self {
            Self::Compact => 54.0,
            Self::Wide => 64.0,
        }
    }
}

/// The two panels with what stands in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    pub left: f64,
    pub right: f64,
    pub views: Panel,
    pub distinct: Panel,
    pub slots: Vec<Slot>,
    pub times: Vec<TimeLabel>,
    /// Through the distinct pages of neighbouring windows, as SVG path data.
    pub distinct_line: String,
}

/// A panel with its vertical axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub top: f64,
    pub bottom: f64,
    pub ticks: Vec<Tick>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub y: f64,
    pub text: String,
}

/// The place of one window on the horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    pub window: WindowView,
    pub x: f64,
    pub width: f64,
    pub centre: f64,
    /// The top of the bar of views; `None` when they are not known.
    pub bar_y: Option<f64>,
    /// The height of the dot of distinct pages.
    pub dot_y: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TimeLabel {
    pub x: f64,
    pub text: String,
}

const LEFT: f64 = 46.0;
const RIGHT: f64 = 8.0;
/// Room for a panel's heading above it.
const HEADING: f64 = 26.0;
const TIMES: f64 = 24.0;
const WIDEST_SLOT: f64 = 56.0;

/// Lays out the latest windows that fit.
pub fn layout(chart: &ChartView, size: Size) -> Drawing {
    let skipped = chart.windows.len().saturating_sub(size.most_windows());
    let windows = &chart.windows[skipped..];

    let free = size.height() - 2.0 * HEADING - TIMES - 6.0;
    let views_bottom = rounded(HEADING + free * 0.66);
    let distinct_top = views_bottom + 6.0 + HEADING;
    let distinct_bottom = size.height() - TIMES;
    let (views, views_scale) = panel(windows.iter().filter_map(|window| window.views), HEADING, views_bottom, 4);
    let (distinct, distinct_scale) =
        panel(windows.iter().filter_map(|window| window.distinct_pages), distinct_top, distinct_bottom, 2);

    let right = size.width() - RIGHT;
    let pitch = ((right - LEFT) / windows.len().max(1) as f64).min(WIDEST_SLOT);
    let slots: Vec<Slot> = windows
        .iter()
        .enumerate()
        .map(|(index, window)| {
            let x = LEFT + pitch * index as f64;
            Slot {
                window: window.clone(),
                x: rounded(x + pitch * 0.1),
                width: rounded(pitch * 0.8),
                centre: rounded(x + pitch / 2.0),
                bar_y: window.views.map(|views| views_scale.y(views)),
                dot_y: window.distinct_pages.map(|pages| distinct_scale.y(pages)),
            }
        })
        .collect();

    let every = (size.label_width() / pitch).ceil().max(1.0) as usize;
    let times = slots
        .iter()
        .step_by(every)
        .map(|slot| TimeLabel { x: slot.centre, text: short_clock(slot.window.start) })
        .collect();
    let distinct_line = line(&slots);
    Drawing { left: LEFT, right, views, distinct, slots, times, distinct_line }
}

fn panel(counts: impl Iterator<Item = u64>, top: f64, bottom: f64, wanted: u64) -> (Panel, Scale) {
    let values = ticks(counts.max().unwrap_or(0), wanted);
    let scale = Scale { top: values.last().copied().unwrap_or(1), top_y: top, bottom_y: bottom };
    let ticks = values.into_iter().map(|value| Tick { y: scale.y(value), text: grouped(value) }).collect();
    (Panel { top, bottom, ticks }, scale)
}

/// A line that breaks where a window has no count.
fn line(slots: &[Slot]) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for slot in slots {
        let Some(y) = slot.dot_y else {
            drawing = false;
            continue;
        };
        path.push_str(&format!("{}{} {} ", if drawing { 'L' } else { 'M' }, slot.centre, y));
        drawing = true;
    }
    path.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WindowState;

    fn chart(views: &[Option<u64>]) -> ChartView {
        let windows = views
            .iter()
            .zip(0_i64..)
            .map(|(views, index)| WindowView {
                start: index * 60,
                end: index * 60 + 60,
                views: *views,
                distinct_pages: views.map(|views| views / 10),
                top_pages: Vec::new(),
                state: if views.is_some() { WindowState::Complete } else { WindowState::Empty },
            })
            .collect();
        ChartView { window_seconds: 60, windows, table: String::new(), read_at: None }
    }

    #[test]
    fn bars_grow_with_their_counts_and_stay_inside_the_panel() {
        let drawing = layout(&chart(&[Some(100), Some(400), Some(0)]), Size::Wide);
        let tops: Vec<f64> = drawing.slots.iter().filter_map(|slot| slot.bar_y).collect();
        assert_eq!(tops[1], drawing.views.top);
        assert_eq!(tops[2], drawing.views.bottom);
        assert!(tops[1] < tops[0] && tops[0] < tops[2]);
    }

    #[test]
    fn the_line_breaks_at_an_empty_window() {
        let drawing = layout(&chart(&[Some(10), Some(20), None, Some(30)]), Size::Wide);
        assert_eq!(drawing.distinct_line.matches('M').count(), 2);
        assert_eq!(drawing.distinct_line.matches('L').count(), 1);
    }

    #[test]
    fn many_windows_keep_inside_and_their_labels_apart() {
        for size in [Size::Compact, Size::Wide] {
            let drawing = layout(&chart(&[Some(5); 60]), size);
            let last = drawing.slots.last().unwrap();
            assert!(last.x + last.width <= drawing.right);
            assert_eq!(last.window.start, 59 * 60, "the latest window is always there");
            for pair in drawing.times.windows(2) {
                assert!(pair[1].x - pair[0].x >= size.label_width() - 0.2);
            }
        }
    }

    #[test]
    fn no_window_is_no_slot() {
        let drawing = layout(&chart(&[]), Size::Compact);
        assert!(drawing.slots.is_empty() && drawing.times.is_empty());
    }
}
