//! What the facts say about each hop. No calls are made here.

mod counting;
mod object;
#[cfg(test)]
mod tests;

use time::{Duration, OffsetDateTime};

use super::{Hop, HopName, HopState, Run, facts::Facts};
use crate::{call::CallError, engine::Engine, subject::Subject};

/// How long a sender may need for its first answer.
const FIRST_ANSWER: Duration = Duration::seconds(15);

/// The hops in the direction of the flow.
pub(super) fn judge(subject: &Subject, run: &Run, facts: &Facts, now: OffsetDateTime) -> Vec<Hop> {
    let accepted = accepted(subject, run, now);
    let mut hops = match &accepted {
        HopState::Reached { .. } => {
            let mut hops = vec![object::hop(subject, run, facts, now)];
            hops.extend(counting::hops(subject, run, facts, now));
            hops
        }
        HopState::Waiting { until, .. } => {
            let why = "The stream has accepted none of the marked rows yet.".to_owned();
            all_after_accepted(&HopState::Waiting { until: *until, why })
        }
        _ => all_after_accepted(&unknown("Nothing of this sending was accepted, so that nothing is on the way.")),
    };
    hops.insert(0, Hop { name: HopName::Accepted, state: accepted, evidence: Vec::new() });
    hops
}

/// When AWS did not answer in time.
pub(super) fn too_slow(run: &Run) -> Vec<Hop> {
    let why = "AWS took too long to answer. Look again in a minute.";
    let mut hops = all_after_accepted(&unknown(why));
    let state = match run.marks_accepted {
        0 => unknown(why),
        count => HopState::Reached { count, at: run.first_accepted },
    };
    hops.insert(0, Hop { name: HopName::Accepted, state, evidence: Vec::new() });
    hops
}

fn accepted(subject: &Subject, run: &Run, now: OffsetDateTime) -> HopState {
    if run.marks_accepted > 0 {
        return HopState::Reached { count: run.marks_accepted, at: run.first_accepted };
    }
    if run.rows > 0 {
        return stopped(
            "Rows were accepted, and none of the marked ones among them.",
            "They were refused again and again. Send once more, at a lower rate.",
        );
    }
    let until = run.started + FIRST_ANSWER;
    if now < until {
        return HopState::Waiting { until, why: "The first rows are being sent.".to_owned() };
    }
    let stream = match subject.engine {
        Engine::SqlApplication => format!("the delivery stream {}", subject.stream),
        Engine::TumblingWindow | Engine::Flink => format!("the data stream {}", subject.data_stream),
    };
    stopped(format!("Nothing was accepted by {stream}."), "See what the sender says about it; then send again.")
}

fn all_after_accepted(state: &HopState) -> Vec<Hop> {
    let after = HopName::ALL.into_iter().filter(|name| *name != HopName::Accepted);
    after.map(|name| Hop { name, state: state.clone(), evidence: Vec::new() }).collect()
}

fn stopped(why: impl Into<String>, advice: impl Into<String>) -> HopState {
    HopState::Stopped { why: why.into(), advice: advice.into() }
}

fn unknown(why: impl Into<String>) -> HopState {
    HopState::Unknown { why: why.into() }
}

/// A look that failed says nothing about the learner's work.
fn could_not_look(error: &CallError) -> String {
    match error {
        CallError::Denied { action, .. } => format!("We may not look: the credentials lack {action}."),
        CallError::Fault(cause) => format!("{cause}. Look again in a minute."),
        error => format!("We could not look: {error}."),
    }
}

/// When the last row of a run was accepted.
fn end_of(run: &Run) -> OffsetDateTime {
    run.last_accepted.unwrap_or(run.started)
}
