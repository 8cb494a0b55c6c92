//! What happened to a learner, in words.

use app::model::teach::TimelineView;
use classroom::{Event, HelpSubject, LogEntry, VerdictKind};

use super::board_state::BoardState;
use super::help_view::by_name;
use super::rows::seconds;

/// Entries of the log in words; what says nothing to a person is left out.
pub fn timeline(state: &BoardState, entries: &[LogEntry]) -> Vec<TimelineView> {
    entries.iter().filter_map(|entry| line(state, entry)).collect()
}

fn line(state: &BoardState, entry: &LogEntry) -> Option<TimelineView> {
    let (text, step) = words(state, &entry.event)?;
    let title = |slug: &str| state.syllabus.step(slug).map_or_else(|| slug.to_owned(), |step| step.title.clone());
    Some(TimelineView { at: seconds(entry.at_ms), text, step: step.map(title) })
}

fn words<'a>(state: &BoardState, event: &'a Event) -> Option<(String, Option<&'a str>)> {
    let check_title = |slug: &str, check: &str| {
        let step = state.syllabus.step(slug);
        let found = step.and_then(|step| step.checks.iter().find(|one| one.id == check));
        found.map_or_else(|| check.to_owned(), |check| check.title.clone())
    };
    Some(match event {
        Event::PointsSet { .. } => return None,
        Event::Waiting => ("Asked to be let in".to_owned(), None),
        Event::Joined => ("Came into the class".to_owned(), None),
        Event::Renamed => ("Got another name".to_owned(), None),
        Event::Left => ("Left the class".to_owned(), None),
        Event::Removed => ("Was removed from the class".to_owned(), None),
        Event::StepOpened { step } => ("Opened the step".to_owned(), Some(step)),
        Event::Attempted { step, attempts } => (format!("Asked for the checks, attempt {attempts}"), Some(step)),
        Event::Verdict { step, check, verdict, cause, .. } => {
            let title = check_title(step, check);
            let text = match verdict {
                VerdictKind::Pass => format!("Check passes: {title}"),
                VerdictKind::NotYet => format!("Not there yet: {title}"),
                VerdictKind::Wrong if cause.is_empty() => format!("Check finds something wrong: {title}"),
                VerdictKind::Wrong => format!("Check finds something wrong: {title} ({cause})"),
                VerdictKind::Elsewhere => format!("Found in another place: {title}"),
                VerdictKind::NoPermission => format!("Could not be looked at, a permission is missing: {title}"),
                VerdictKind::Settling => format!("Still settling: {title}"),
                VerdictKind::ServiceFault => format!("A service did not answer: {title}"),
            };
            (text, Some(step))
        }
        Event::StepPassed { step, .. } => ("Passed the step".to_owned(), Some(step)),
        Event::Assisted { step } => ("Had the step done for them".to_owned(), Some(step)),
        Event::HintRevealed { step, revealed } => (format!("Revealed hint {revealed} of the lab"), Some(step)),
        Event::Answered { step, question, correct, .. } => {
            let how = if *correct { "right" } else { "wrong" };
            (format!("Answered question {}: {how}", question + 1), Some(step))
        }
        Event::HandRaised { step } => ("Raised a hand".to_owned(), Some(step)),
        Event::HandLowered => ("Lowered the hand".to_owned(), None),
        Event::HintSent { step, by, .. } => (format!("Got a hint from {}", by_name(state, by)), Some(step)),
        Event::HintSeen { .. } => ("Put a hint away".to_owned(), None),
        Event::Resolved { subject, by } => told("Was dealt with by", state, subject, by),
        Event::Reopened { subject, by } => told("Was opened again by", state, subject, by),
    })
}

fn told<'a>(what: &str, state: &BoardState, subject: &'a HelpSubject, by: &str) -> (String, Option<&'a str>) {
    let step = match subject {
        HelpSubject::Hand => None,
        HelpSubject::Step { step } => Some(step.as_str()),
    };
    (format!("{what} {}", by_name(state, by)), step)
}
