//! The counting: window, function, item.
//!
//! Only the item can be seen. While there is none, each hop is asked what speaks against it; what nothing speaks against
//! waits until the window has closed and its counts had time to arrive.

use time::{Duration, OffsetDateTime};

use super::{could_not_look, end_of, stopped, unknown};
use crate::{
    call::CallError,
    engine::Engine,
    steps::{ingest::clock_time, result_rows::window_close},
    subject::Subject,
    trace::{
        Hop, HopName, HopState, Run,
        facts::{ApplicationFacts, CountingFacts, Facts, Look, MappingFacts},
        items::TraceItem,
    },
    verdict::Evidence,
};

/// How long AWS usually takes to start, change or enable one of the things.
const CHANGE: Duration = Duration::seconds(30);

/// The three hops.
pub(super) fn hops(subject: &Subject, run: &Run, facts: &Facts, now: OffsetDateTime) -> [Hop; 3] {
    let due = due(subject, run);
    let stored = facts.items.result.as_deref().unwrap_or_default();
    let of_run: Vec<&TraceItem> = stored.iter().filter(|item| item.marks > 0).collect();
    let count: u64 = of_run.iter().map(|item| item.marks).sum();
    let hop = |name, state, evidence| Hop { name, state, evidence };
    let names = [HopName::Window, HopName::Function, HopName::Item];
    if count >= run.marks_accepted || (count > 0 && now >= due) {
        let closed = of_run.iter().map(|item| item.window_end).min();
        let written = of_run.iter().filter_map(|item| item.written_at).min();
        return names.map(|name| {
            let at = if name == HopName::Window { closed } else { written };
            hop(name, HopState::Reached { count, at }, facts.items.evidence.clone())
        });
    }
    if count > 0 {
        let why = format!(
            "{count} of {} marked rows are in the table. The last window closes by {}.",
            run.marks_accepted,
            clock_time(due)
        );
        return names
            .map(|name| hop(name, HopState::Waiting { until: due, why: why.clone() }, facts.items.evidence.clone()));
    }
    let Some(counting) = &facts.counting else {
        return names.map(|name| hop(name, unknown("We did not look."), facts.items.evidence.clone()));
    };
    let look = Absence { subject, run, facts, counting, due, now };
    let (window, function, item) = look.states();
    [
        hop(HopName::Window, window, look.evidence(HopName::Window)),
        hop(HopName::Function, function, look.evidence(HopName::Function)),
        hop(HopName::Item, item, look.evidence(HopName::Item)),
    ]
}

/// When the counts of the run's last window should have arrived.
fn due(subject: &Subject, run: &Run) -> OffsetDateTime {
    let length = Duration::seconds(i64::from(subject.window_seconds.max(1)));
    // A SQL application gives a window out as it closes; Lambda calls once more for it; Flink waits for late rows and
    // hands its counts to another stream.
    let storing = match subject.engine {
        Engine::SqlApplication => Duration::seconds(10),
        Engine::TumblingWindow => Duration::seconds(30),
        Engine::Flink => Duration::seconds(60),
    };
    window_close(end_of(run), length) + storing
}

/// A run of which the table shows nothing.
struct Absence<'a> {
    subject: &'a Subject,
    run: &'a Run,
    facts: &'a Facts,
    counting: &'a CountingFacts,
    due: OffsetDateTime,
    now: OffsetDateTime,
}

impl Absence<'_> {
    fn states(&self) -> (HopState, HopState, HopState) {
        let function = self.against_function();
        let item = self.against_item();
        let has_later_reason = function.is_some() || item.is_some();
        let window = self.against_window().unwrap_or_else(|| self.window(has_later_reason));
        let function = function.unwrap_or_else(|| self.follows(&window));
        let item = item.unwrap_or_else(|| self.follows(&function));
        (window, function, item)
    }

    /// A hop that nothing speaks against, but that has seen nothing.
    fn follows(&self, before: &HopState) -> HopState {
        match before {
            HopState::Waiting { until, .. } => {
                HopState::Waiting { until: *until, why: "It comes after the hop before it.".to_owned() }
            }
            _ => unknown("It comes after the hop before it, of which it has got nothing."),
        }
    }

    // The window.

    fn against_window(&self) -> Option<HopState> {
        let by_application = self.counting.application.as_ref().and_then(|look| self.against_application(look));
        // With Flink the mapping stands behind the window.
        let mapping = self.counting.mapping.as_ref().filter(|_| self.subject.engine == Engine::TumblingWindow);
        by_application.or_else(|| mapping.and_then(|look| self.against_mapping(look)))
    }

    fn against_application(&self, look: &Look<ApplicationFacts>) -> Option<HopState> {
        let name = &self.subject.application;
        let application = match &look.result {
            Ok(application) => application,
            Err(CallError::Absent) => {
                return Some(stopped(
                    format!("There is no application {name}, so that nothing counts the rows."),
                    "Create and start it, then send again.",
                ));
            }
            Err(CallError::Retired) => {
                return Some(stopped(
                    "AWS closed SQL applications in January 2026.",
                    "Follow the clicks in the sandbox, or choose another engine.",
                ));
            }
            Err(_) => return None,
        };
        if application.created.is_some_and(|created| created > end_of(self.run)) {
            return Some(stopped(
                format!(
                    "The application {name} was created after these clicks were sent, and counts later ones alone."
                ),
                "Send again.",
            ));
        }
        let status = application.status.as_str();
        match status {
            "RUNNING" | "AUTOSCALING" => None,
            "READY" => Some(stopped(
                format!("The application {name} is not running, so that nothing counts the rows."),
                "Start it, then send again.",
            )),
            "STARTING" | "UPDATING" | "MAINTENANCE" | "ROLLING_BACK" => Some(HopState::Waiting {
                until: self.due.max(self.now + CHANGE),
                why: format!("The application {name} is in the state {status}. It counts once it runs."),
            }),
            _ => Some(stopped(
                format!("The application {name} is in the state {}.", crate::text::clip(status, 40)),
                "See that it runs, then send again.",
            )),
        }
    }

    fn against_mapping(&self, look: &Look<Option<MappingFacts>>) -> Option<HopState> {
        let function = &self.subject.functions.output;
        let stream = match self.subject.engine {
            Engine::Flink => &self.subject.counts_stream,
            Engine::SqlApplication | Engine::TumblingWindow => &self.subject.data_stream,
        };
        let mapping = match &look.result {
            Ok(Some(mapping)) => mapping,
            Ok(None) => {
                return Some(stopped(
                    format!("No event source mapping calls {function} with the records of {stream}."),
                    "Create one from the data stream to the function, then send again.",
                ));
            }
            Err(_) => return None,
        };
        match mapping.state.as_str() {
            "Disabled" | "Disabling" => Some(stopped(
                format!("The event source mapping from {stream} to {function} is switched off."),
                "Enable it. It goes on where it stopped, if the records are not older than a day.",
            )),
            "Deleting" => Some(stopped(
                format!("The event source mapping from {stream} to {function} is being deleted."),
                "Create it again, then send again.",
            )),
            "Creating" | "Enabling" | "Updating" => Some(HopState::Waiting {
                until: self.due.max(self.now + CHANGE),
                why: format!("The event source mapping of {function} is {}.", mapping.state.to_lowercase()),
            }),
            _ => None,
        }
    }

    /// A window that nothing visible speaks against.
    fn window(&self, has_later_reason: bool) -> HopState {
        if self.now < self.due {
            let why =
                format!("The window of the last rows is open. Its counts should be there at {}.", clock_time(self.due));
            return HopState::Waiting { until: self.due, why };
        }
        if has_later_reason {
            return unknown("What was counted is not to be seen from outside; the next hops stand in its way.");
        }
        let counts_what = match self.subject.engine {
            Engine::SqlApplication | Engine::Flink => "The SQL gives out no rows of the metric trace",
            Engine::TumblingWindow => "The function gives out no counts of the metric trace",
        };
        if let Ok(views) = self.counting.views.result
            && views > 0
        {
            return stopped(
                format!("Your clicks were counted: {views} views are stored for their windows. {counts_what}, though."),
                "Take over the lab's current version, which counts marked pages by themselves; then send again.",
            );
        }
        if let Some(error) = self.first_failed_look() {
            return unknown(could_not_look(error));
        }
        let (what, changed) = match self.subject.engine {
            Engine::TumblingWindow => ("event source mapping", self.mapping().and_then(|mapping| mapping.modified)),
            _ => ("application", self.application().and_then(|application| application.updated)),
        };
        if changed.is_some_and(|changed| changed > end_of(self.run)) {
            return stopped(
                format!(
                    "The {what} was started or changed after these clicks were sent, and may have passed them over."
                ),
                "Send again.",
            );
        }
        let advice = match self.subject.engine {
            Engine::SqlApplication => {
                "See whether the preprocessing function fails: its log tells, and the application then tries the same \
                 batch for ever. Then send again."
            }
            Engine::TumblingWindow => "Look into the function's log, then send again.",
            Engine::Flink => "Look into the application's log and into the dashboard of Flink, then send again.",
        };
        stopped(format!("The counts were due at {}, and there are none.", clock_time(self.due)), advice)
    }

    /// A look that might have told why, had it not failed.
    fn first_failed_look(&self) -> Option<&CallError> {
        let counting = self.counting;
        let failed = [
            counting.application.as_ref().and_then(|look| look.result.as_ref().err()),
            counting.mapping.as_ref().and_then(|look| look.result.as_ref().err()),
            counting.function.result.as_ref().err(),
            counting.views.result.as_ref().err(),
            self.facts.items.result.as_ref().err(),
        ];
        failed.into_iter().flatten().find(|error| **error != CallError::Absent)
    }

    // The function.

    fn against_function(&self) -> Option<HopState> {
        let name = &self.subject.functions.output;
        if matches!(self.counting.function.result, Err(CallError::Absent)) {
            return Some(stopped(format!("There is no function {name}."), "Create it, then send again."));
        }
        if self.application().is_some_and(|application| !application.has_output) {
            return Some(stopped(
                format!("The application does not hand its counts to {name}."),
                "Attach the function as the application's output, then send again.",
            ));
        }
        if self.subject.engine == Engine::Flink
            && let Some(state) = self.counting.mapping.as_ref().and_then(|look| self.against_mapping(look))
        {
            return Some(state);
        }
        if let Some(mapping) = self.mapping()
            && mapping.last_result.starts_with("PROBLEM")
        {
            return Some(stopped(
                format!("Lambda could not hand records to {name}: {}.", crate::text::clip(&mapping.last_result, 120)),
                "Look into the function's log. Lambda tries the same records again once it is mended.",
            ));
        }
        if let Ok(Some(letter)) = &self.counting.dead_letter.result {
            return Some(stopped(
                format!("The function {name} set rows aside that it could not store: {}.", letter.reason),
                "The items of the metric dead_letter hold those rows. Mend what made them so, then send again.",
            ));
        }
        let items = self.facts.items.result.as_deref().unwrap_or_default();
        if !items.is_empty() && items.iter().all(|item| !item.has_pages) {
            return Some(stopped(
                format!("The function {name} stores the metric trace without its pages."),
                "Give it the lab's current code, then send again.",
            ));
        }
        None
    }

    // The item.

    fn against_item(&self) -> Option<HopState> {
        match &self.facts.items.result {
            Err(CallError::Absent) => Some(stopped(
                format!("There is no table {}.", self.subject.table),
                "Create it. What the function could not store comes again.",
            )),
            // The question names both keys, and DynamoDB answers so where the table has others.
            Err(CallError::Refused { code, .. }) if code == "ValidationException" => Some(stopped(
                format!("The table {} has other keys than metric and window_end.", self.subject.table),
                "Delete it, and create it anew with these two, both of type String.",
            )),
            Err(error) => Some(unknown(could_not_look(error))),
            Ok(_) => None,
        }
    }

    fn application(&self) -> Option<&ApplicationFacts> {
        self.counting.application.as_ref()?.result.as_ref().ok()
    }

    fn mapping(&self) -> Option<&MappingFacts> {
        self.counting.mapping.as_ref()?.result.as_ref().ok()?.as_ref()
    }

    fn evidence(&self, name: HopName) -> Vec<Evidence> {
        let counting = self.counting;
        let of_application = || counting.application.iter().flat_map(|look| look.evidence.iter());
        let of_mapping = || counting.mapping.iter().flat_map(|look| look.evidence.iter());
        match name {
            HopName::Window => {
                let first = of_application().chain(counting.views.evidence.iter());
                if self.subject.engine == Engine::TumblingWindow {
                    first.chain(of_mapping()).cloned().collect()
                } else {
                    first.cloned().collect()
                }
            }
            HopName::Function => {
                let rest = counting.function.evidence.iter().chain(counting.dead_letter.evidence.iter());
                of_mapping().chain(rest).cloned().collect()
            }
            _ => self.facts.items.evidence.clone(),
        }
    }
}
