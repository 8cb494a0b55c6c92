//! The record tracer: how far the marked rows of one sending have come, and why no further.
//!
//! A sending adds rows of one page of its own, its mark. They are looked for where clicks go: in the delivered objects,
//! and in the items of the metric `trace`, which the lab's SQL counts such pages as. What is in between cannot be seen
//! from outside; there the settings and states of the things on the way have to tell.
//!
//! [`judge`] is pure: it makes the answer of what [`facts`] read.

mod facts;
mod items;
mod judge;
mod objects;

use std::time::Duration;

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    call::Clock,
    clients::Clients,
    engine::Engine,
    observed::Observed,
    subject::{Consent, Subject},
    verdict::Evidence,
};

/// All looks of a trace may take this long together.
const TRACE_TIMEOUT: Duration = Duration::from_secs(30);

/// A sending, as its sender counted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The title of its marked page, such as `Headwater_run_k3v5q2mzta`.
    pub title: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// When the stream first accepted something of it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub first_accepted: Option<OffsetDateTime>,
    /// When it last did.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_accepted: Option<OffsetDateTime>,
    /// Marked rows that were accepted.
    pub marks_accepted: u64,
    /// Clicks that were accepted, marked ones among them.
    pub clicks: u64,
    /// Rows that were accepted, marked ones among them.
    pub rows: u64,
}

/// How far a sending has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// In the direction of the flow. The delivery to S3 and the counting go side by side.
    pub hops: Vec<Hop>,
    /// How many marked rows each hop should see.
    pub marks: u64,
    /// When this was read.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// One stop on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Which.
    pub name: HopName,
    /// Whether the marked rows came to it.
    pub state: HopState,
    /// The answers that this rests on.
    pub evidence: Vec<Evidence>,
}

/// The stops on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HopName {
    /// Accepted by the stream that clicks are sent to.
    Accepted,
    /// In an object in S3.
    Object,
    /// Counted in a window.
    Window,
    /// Given to the output function.
    Function,
    /// In an item of the table.
    Item,
}

/// Whether the marked rows came to a hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HopState {
    /// So many were seen there. Fewer than were sent, when no more can be on the way or the reading has a bound; more,
    /// when a delivery was repeated.
    Reached {
        /// Marked rows.
        count: u64,
        /// When the first arrived, when that is known.
        #[serde(with = "time::serde::rfc3339::option")]
        at: Option<OffsetDateTime>,
    },
    /// Not all there yet, as is to be expected.
    Waiting {
        /// When to look again.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
        /// What is being waited for.
        why: String,
    },
    /// They do not get there.
    Stopped {
        /// What stops them.
        why: String,
        /// What to do about it.
        advice: String,
    },
    /// It cannot be told; nobody is to blame.
    Unknown {
        /// Why not.
        why: String,
    },
}

impl HopName {
    /// All of them, in the direction of the flow.
    pub const ALL: [Self; 5] = [Self::Accepted, Self::Object, Self::Window, Self::Function, Self::Item];

    /// The name in addresses and pages.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Object => "object",
            Self::Window => "window",
            Self::Function => "function",
            Self::Item => "item",
        }
    }

    /// The title, which depends on what the engine is made of.
    pub fn title(self, engine: Engine) -> &'static str {
        match self {
            Self::Accepted if engine.reads_data_stream() => "Accepted by the data stream",
            Self::Accepted => "Accepted by Firehose",
            Self::Object => "Object in S3",
            Self::Window => "Counted in a window",
            Self::Function if engine == Engine::TumblingWindow => "Given out by the function",
            Self::Function => "Handed to the function",
            Self::Item => "Item in the table",
        }
    }
}

impl Trace {
    /// Whether every hop has seen every marked row.
    pub fn is_complete(&self) -> bool {
        let is_complete = |hop: &Hop| matches!(hop.state, HopState::Reached { count, .. } if count >= self.marks);
        self.marks > 0 && self.hops.iter().all(is_complete)
    }

    /// When looking again may tell more: at the earliest end of a wait.
    pub fn look_again(&self) -> Option<OffsetDateTime> {
        let ends = self.hops.iter().filter_map(|hop| match hop.state {
            HopState::Waiting { until, .. } => Some(until),
            _ => None,
        });
        ends.min()
    }
}

/// Looks how far `run` has come. It reads, within bounds; `now` is the current time, which decides what is still to be
/// waited for.
pub async fn trace(clients: &Clients, subject: &Subject, run: &Run, now: OffsetDateTime) -> Trace {
    let clock = Clock::starting_at(now);
    let observed = Observed::new(clients, subject, Consent::No, clock);
    let facts = tokio::time::timeout(TRACE_TIMEOUT, facts::gather(&observed, run).boxed()).await;
    let hops = match &facts {
        Ok(facts) => judge::judge(subject, run, facts, clock.now()),
        Err(_) => judge::too_slow(run),
    };
    Trace { hops, marks: run.marks_accepted, at: clock.now() }
}
