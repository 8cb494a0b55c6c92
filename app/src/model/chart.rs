use serde::{Deserialize, Serialize};

/// The window counts in the learner's table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartView {
    /// Length of a window in seconds.
    pub window_seconds: u32,
    /// Oldest first, without gaps: windows without an item between two that have one are
    /// here as [`WindowState::Empty`]. At most the latest 60.
    pub windows: Vec<WindowView>,
    /// The table read, for the caption.
    pub table: String,
    /// When the table was read last; `None` when it was not found yet.
    pub read_at: Option<i64>,
}

/// One window. Its counts come from separate items, so that one can arrive before another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowView {
    pub start: i64,
    pub end: i64,
    /// The clicks counted (sum of `n`).
    pub views: Option<u64>,
    pub distinct_pages: Option<u64>,
    /// The most clicked pages of the window, by rows seen, most first; at most ten.
    pub top_pages: Vec<PageCount>,
    pub state: WindowState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowState {
    /// Its counts arrived soon after its end.
    Complete,
    /// Its counts arrived late.
    Late {
        /// From the window's end to the item's `written_at`.
        by_seconds: u32,
    },
    /// Nothing was counted, though windows before and after have counts.
    Empty,
    /// It has closed, but its counts are not here yet.
    Awaited,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageCount {
    pub title: String,
    pub count: u64,
}
