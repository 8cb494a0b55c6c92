use super::EvidenceView;
use serde::{Deserialize, Serialize};

/// The latest sending, followed hop by hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceView {
    /// The title of the marked page, for example `Headwater_run_k3v9q2x7ab`.
    pub mark: String,
    pub started_at: i64,
    /// Rows that were accepted.
    pub rows: u64,
    /// Marked rows among them, which is what the hops count.
    pub marks: u64,
    /// In the direction of the flow.
    pub hops: Vec<HopView>,
    pub read_at: i64,
}

/// One stop on the way of the clicks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopView {
    /// For example `bucket`; unique in the trace.
    pub id: String,
    /// For example `Object in S3`.
    pub title: String,
    pub state: HopState,
    pub evidence: Vec<EvidenceView>,
}

/// Whether the marked rows came to a hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HopState {
    /// So many marked rows were seen there; `at` is when the first arrived, when that is known.
    Reached { count: u64, at: Option<i64> },
    /// Not there yet, as is to be expected; `until` is when to look again.
    Waiting { until: i64, why: String },
    /// They do not get there.
    Stopped { why: String, advice: String },
    /// It cannot be told.
    Unknown { why: String },
}
