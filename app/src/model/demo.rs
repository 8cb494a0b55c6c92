use serde::{Deserialize, Serialize};

/// What the learner asks of the demo sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoRequest {
    /// Rows of clicks a second.
    pub rate: u32,
    pub duration_seconds: u32,
    /// The same seed gives the same clicks.
    pub seed: u64,
}

/// The sender of clicks, whether of made-up ones or of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoView {
    pub state: DemoState,
    pub source: DemoSource,
    /// Filled into the form.
    pub request: DemoRequest,
    /// Of the rate and duration, what the server allows.
    pub max_rate: u32,
    pub max_duration_seconds: u32,
    /// Time since the start, in milliseconds; stands still after the end.
    pub elapsed_ms: u64,
    /// Rows handed to Firehose.
    pub sent: u64,
    /// Rows that Firehose accepted.
    pub accepted: u64,
    /// Rows sent again after Firehose refused them for a while.
    pub retried: u64,
    /// Rows given up.
    pub failed: u64,
    /// Sum of `n` over the accepted rows: the clicks that the windows should add up to.
    pub clicks_accepted: u64,
    /// Rows accepted a second, measured lately.
    pub rows_per_second: u32,
    /// Lines of a file that were not sent; the first few of them.
    pub bad_lines: Vec<BadLine>,
    pub bad_line_count: u64,
}

impl Default for DemoRequest {
    fn default() -> Self {
        Self { rate: 50, duration_seconds: 120, seed: 1 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DemoState {
    #[default]
    Idle,
    Running,
    Stopping,
    /// It sent all, or the learner stopped it.
    Finished,
    Failed {
        message: String,
    },
}

impl DemoState {
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Running | Self::Stopping)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DemoSource {
    #[default]
    Generated,
    File {
        name: String,
        /// Good rows in it.
        rows: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Counted from 1.
    pub line: u64,
    pub reason: String,
}
