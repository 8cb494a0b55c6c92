//! "Do this step for me": in the sandbox by the page's own actions, in an account of the learner's own by a script.
//!
//! What the checks find right is kept as it is. The rest is made by the actions, one after the other, each with the values
//! that its form begins with.

use std::collections::BTreeMap;
use std::time::Duration;

use app::error::BackendError;
use app::model::{CatchUpView, DemoRequest, Performed};
use checks::{CheckName, CheckResult, Consent, VerdictKind};
use lab::Step;
use tokio::time::Instant;

use crate::actions::{self, ActionError, Workbench};
use crate::place::Place;
use crate::state::{Headwater, Seat, internal, now};
use crate::views::Progress;
use crate::{checking, demo};

mod plan;

use self::plan::{Deed, deeds, planned_calls};

#[cfg(test)]
pub use self::plan::calls as planned_by;

/// A step is done within this time, or the learner is told how far it came.
const PATIENCE: Duration = Duration::from_secs(100);
/// Between two looks at something that is settling.
const PAUSE: Duration = Duration::from_millis(500);
/// An action that has not helped after so many times will not.
const TRIES: u32 = 3;
/// What is sent for the learner.
const SENDING: DemoRequest = DemoRequest { rate: 50, duration_seconds: 60, seed: 1 };

/// What the page says of it.
pub fn view(step: &Step, seat: &Seat, progress: &Progress) -> CatchUpView {
    let assisted_at = progress.step(&step.slug).and_then(|record| record.assisted);
    let can_perform = seat.place == Place::Sandbox && !deeds(step).is_empty();
    let hands_over = seat.place.connected().is_some();
    // In the learner's own account whoever wants the script asks for it, which is remembered.
    let shows = if seat.place.is_account() { hands_over && assisted_at.is_some() } else { true };
    CatchUpView {
        calls: if can_perform { planned_calls(step, &seat.variables) } else { Vec::new() },
        can_perform,
        hands_over,
        script: if shows { step.catch_up.script(&seat.variables) } else { String::new() },
        terraform: if shows { step.catch_up.terraform(&seat.variables) } else { String::new() },
        assisted_at: assisted_at.map(time::OffsetDateTime::unix_timestamp),
    }
}

/// What is told when script and Terraform are handed over.
pub fn handed_over(step: &Step) -> Performed {
    let message =
        format!("Here are the script and the Terraform for \"{}\". Read one of them, then run it.", step.title);
    Performed { message, calls: Vec::new() }
}

/// Does the step in the learner's sandbox account.
pub async fn perform(headwater: &Headwater, seat: &Seat, step: &Step) -> Result<Performed, BackendError> {
    let deeds = deeds(step);
    if deeds.is_empty() {
        return Err(BackendError::Refused {
            message: "There is nothing to do here: this step passes by itself.".to_owned(),
        });
    }
    let lab = headwater.lab(seat.engine());
    let mut workbench = Workbench::new(&seat.desk.access().sdk, lab, seat.variables.clone());
    let mut work =
        Work { headwater, seat, step, end: Instant::now() + PATIENCE, messages: Vec::new(), calls: Vec::new() };
    for deed in deeds {
        work.carry_out(&mut workbench, &deed).await?;
    }
    if work.messages.is_empty() {
        work.messages.push("Everything was there already.".to_owned());
    }
    Ok(Performed { message: work.messages.join(" "), calls: work.calls })
}

/// A step under way.
struct Work<'a> {
    headwater: &'a Headwater,
    seat: &'a Seat,
    step: &'a Step,
    end: Instant,
    messages: Vec<String>,
    calls: Vec<String>,
}

impl Work<'_> {
    /// Does what is needed until the checks of the deed pass.
    async fn carry_out(&mut self, workbench: &mut Workbench<'_>, deed: &Deed) -> Result<(), BackendError> {
        let mut tries = 0;
        let mut refusal = None;
        loop {
            let state = self.state_of(deed).await?;
            match state {
                State::Done => return Ok(()),
                State::Settling => (),
                State::Open { message } => {
                    if tries == TRIES {
                        return Err(BackendError::Refused { message: refusal.unwrap_or(message) });
                    }
                    match self.act(workbench, deed).await {
                        Ok(Act::Done) => tries += 1,
                        Ok(Act::Ended) => return Ok(()),
                        // Something is still being changed: the same again in a moment.
                        Err(ActionError::Refused { message, .. }) if is_passing(&message) => refusal = Some(message),
                        Err(error) => return Err(BackendError::Refused { message: error.to_string() }),
                    }
                }
            }
            if Instant::now() > self.end {
                let message = refusal.unwrap_or_else(|| {
                    "Some of it is done, and something is still being set up. Press the button again in a moment."
                        .to_owned()
                });
                return Err(BackendError::Refused { message });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn act(&mut self, workbench: &mut Workbench<'_>, deed: &Deed) -> Result<Act, ActionError> {
        match deed {
            Deed::Action { name, .. } => {
                let fields = self.first_values(name);
                let performed = actions::run(workbench, name, &fields).await?;
                self.messages.push(performed.message);
                self.calls.extend(performed.calls);
                Ok(if deed.is_removal() { Act::Ended } else { Act::Done })
            }
            Deed::Send { .. } => {
                match demo::start(self.headwater, self.seat, SENDING) {
                    Ok(()) => self.messages.push("Clicks are being sent; the checks pass as they arrive.".to_owned()),
                    Err(BackendError::Busy) => self.messages.push("Clicks are being sent already.".to_owned()),
                    Err(error) => {
                        return Err(ActionError::Refused { operation: "sending", message: error.to_string() });
                    }
                }
                Ok(Act::Ended)
            }
        }
    }

    /// How far the checks find what the deed is for.
    async fn state_of(&self, deed: &Deed) -> Result<State, BackendError> {
        if deed.is_removal() {
            return Ok(State::Open { message: String::new() });
        }
        let step: checks::Step = self.step.slug.parse().map_err(internal)?;
        let subject = checking::subject(self.headwater, self.seat).await?;
        let access = self.seat.desk.access();
        // The learner's functions run only for the deeds that this is a proof of.
        let invokes = deed.checks().iter().any(|check| check.needs_consent());
        let consent = if invokes { Consent::Invoke } else { Consent::No };
        let results = checks::run_step(step, &access.clients, &subject, consent, now()).await;
        Ok(State::of(deed.checks(), &results))
    }

    /// The values that the form of an action begins with.
    fn first_values(&self, action: &str) -> BTreeMap<String, String> {
        let fields = self.step.action(action).map(|action| action.fields.as_slice()).unwrap_or_default();
        fields.iter().map(|field| (field.name.clone(), field.default_value(&self.seat.variables))).collect()
    }
}

/// What an act led to.
enum Act {
    /// The checks tell whether it helped.
    Done,
    /// There is nothing to wait for.
    Ended,
}

/// What the checks say of a deed.
#[derive(Debug, PartialEq)]
enum State {
    Done,
    Settling,
    Open { message: String },
}

impl State {
    fn of(names: &[CheckName], results: &[CheckResult]) -> Self {
        let mut state = Self::Done;
        for result in results.iter().filter(|result| names.contains(&result.name)) {
            match result.verdict.kind() {
                VerdictKind::Pass => (),
                VerdictKind::Settling => state = Self::Settling,
                _ => return Self::Open { message: result.message.clone() },
            }
        }
        state
    }
}

/// Whether a refusal is one that passes: AWS is still creating or changing something.
pub fn is_passing(message: &str) -> bool {
    [
        "ResourceInUseException",
        "ResourceConflictException",
        "ConcurrentModificationException",
        "ResourceNotFoundException",
    ]
    .iter()
    .any(|code| message.contains(code))
}

#[cfg(test)]
mod tests {
    use checks::Verdict;

    use super::*;

    fn result(name: CheckName, verdict: Verdict) -> CheckResult {
        CheckResult { name, verdict, message: format!("about {name}"), evidence: Vec::new() }
    }

    #[test]
    fn the_checks_of_a_deed_decide_whether_it_is_done() {
        let names = [CheckName::ResultsTable, CheckName::ResultsKeys];
        let pass = |name| result(name, Verdict::Pass);
        let missing = result(CheckName::ResultsTable, Verdict::NotYet { what: "the table".to_owned() });
        let settling = Verdict::Settling { until: now(), why: "being created".to_owned() };
        let settling = result(CheckName::ResultsKeys, settling);
        assert_eq!(State::of(&names, &[pass(names[0]), pass(names[1])]), State::Done);
        assert_eq!(State::of(&names, &[pass(names[0]), settling.clone()]), State::Settling);
        let open = State::Open { message: "about results.table".to_owned() };
        assert_eq!(State::of(&names, &[missing.clone(), settling]), open);
        assert_eq!(State::of(&[CheckName::ResultsRows], &[missing]), State::Done, "other checks do not count");
    }
}
