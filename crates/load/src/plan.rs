//! What a learner does, and when each doing is due: drawn from a seed before anything is sent.

use std::time::Duration;

use lab::{Engine, Lab, Step, Variables};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Length of a counting window, in seconds: short, so that a learner sees counts soon.
const WINDOW_SECONDS: u32 = 20;
/// Rows a second that a learner sends, and for how long: a few hundred clicks.
const ROWS_A_SECOND: u32 = 10;
const SENDING: Duration = Duration::from_secs(20);
/// A learner who pauses twice as long as another is common, one who pauses ten times as long is not.
const LONGEST_PAUSE: f64 = 4.0;

/// One doing of a learner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Presses "Start" on the first page.
    Start,
    /// Opens the page of a step, or another page, and follows what changes on it.
    Open { path: String, step: Option<String> },
    /// Answers a question, rightly or wrongly.
    Answer { step: String, question: String, choices: Vec<usize> },
    /// Asks for a hint.
    Hint { step: String },
    /// Chooses a short counting window.
    SaveNames,
    /// Posts the form of an action with what is filled in there.
    Perform { step: String, action: String },
    /// Sends demo clicks.
    Send { step: String, seed: u64 },
    /// Presses the button that checks the step, with a test run of the function if the step has one.
    Check { step: String },
    /// Waits until the open page tells that the step is passed.
    AwaitPass { step: String },
}

/// A doing and when it is due, counted from the learner's coming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub after: Duration,
    pub doing: Doing,
}

/// All that one learner will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// When the learner comes, counted from the beginning of the run.
    pub comes: Duration,
    pub doings: Vec<Due>,
}

/// The plans of a class: they come at random times within `ramp`, and each stays for `stay`.
pub fn class(lab: &Lab, learners: u32, ramp: Duration, stay: Duration, seed: u64) -> Vec<Plan> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut plans: Vec<Plan> = (0..learners)
        .map(|_| Plan {
            comes: ramp.mul_f64(random.random::<f64>()),
            doings: timed(doings(lab, &mut random), stay, &mut random),
        })
        .collect();
    plans.sort_by_key(|plan| plan.comes);
    plans
}

/// The names of a learner's lab, with the window that [`Doing::SaveNames`] chooses.
pub fn variables(account: &str, region: &str, endpoint: &str) -> Variables {
    let variables = Variables::defaults_for(Engine::SqlApplication, account, region, endpoint);
    Variables { window_seconds: WINDOW_SECONDS, ..variables }
}

/// The fields of the form that sends demo clicks.
pub fn sending(step: &str, seed: u64) -> Vec<(String, String)> {
    let field = |name: &str, value: String| (name.to_owned(), value);
    vec![
        field("slug", step.to_owned()),
        field("rate", ROWS_A_SECOND.to_string()),
        field("duration_seconds", SENDING.as_secs().to_string()),
        field("seed", seed.to_string()),
    ]
}

/// Spreads the doings over the stay, with pauses as people make them: many short ones, few long ones.
fn timed(doings: Vec<Doing>, stay: Duration, random: &mut StdRng) -> Vec<Due> {
    let pauses: Vec<f64> = doings
        .iter()
        .map(|doing| doing.usual_pause() * (-(1.0 - random.random::<f64>()).ln()).min(LONGEST_PAUSE))
        .collect();
    let all: f64 = pauses.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let mut passed = 0.0;
    doings
        .into_iter()
        .zip(pauses)
        .map(|(doing, pause)| {
            passed += pause;
            Due { after: stay.mul_f64((passed / all).min(1.0)), doing }
        })
        .collect()
}

fn doings(lab: &Lab, random: &mut StdRng) -> Vec<Doing> {
    let mut doings = vec![Doing::Open { path: "/".to_owned(), step: None }, Doing::Start];
    for step in &lab.steps {
        let slug = || step.slug.clone();
        doings.push(open(step));
        if step.number == 0 {
            doings.push(Doing::SaveNames);
        }
        if random.random_bool(0.3) {
            doings.push(Doing::Hint { step: slug() });
        }
        // What stops again is no part of the lab's way.
        for action in step.actions.iter().filter(|action| !action.name.starts_with("stop-")) {
            doings.push(Doing::Perform { step: slug(), action: action.name.clone() });
        }
        if matches!(step.slug.as_str(), "ingest" | "results") {
            doings.push(Doing::Send { step: slug(), seed: random.random::<u32>().into() });
        }
        doings.push(Doing::Check { step: slug() });
        for question in &step.questions {
            let right: Vec<usize> =
                (0..question.answers.len()).filter(|position| question.answers[*position].right).collect();
            let wrong = (0..question.answers.len()).find(|position| !question.answers[*position].right);
            if let Some(wrong) = wrong.filter(|_| random.random_bool(0.3)) {
                let question = question.name.clone();
                doings.push(Doing::Answer { step: slug(), question, choices: vec![wrong] });
            }
            doings.push(Doing::Answer { step: slug(), question: question.name.clone(), choices: right });
        }
        // Somebody looks around, and comes back.
        if step.number > 0 && random.random_bool(0.3) {
            doings.push(open(&lab.steps[step.number - 1]));
            doings.push(open(step));
        }
        doings.push(Doing::AwaitPass { step: slug() });
    }
    doings.push(Doing::Open { path: "/results".to_owned(), step: None });
    doings
}

fn open(step: &Step) -> Doing {
    Doing::Open { path: format!("/lab/{}", step.slug), step: Some(step.slug.clone()) }
}

impl Doing {
    /// Whether a person waits for what comes of it before doing anything else: a button that works in the account, or a step
    /// to pass. Pages and answers are not: what is due while one of them is under way is late, and measured as late.
    pub fn is_waited_for(&self) -> bool {
        match self {
            Self::Open { .. } | Self::Answer { .. } | Self::Hint { .. } => false,
            Self::Start
            | Self::SaveNames
            | Self::Perform { .. }
            | Self::Send { .. }
            | Self::Check { .. }
            | Self::AwaitPass { .. } => true,
        }
    }

    /// How long somebody usually thinks before it, relative to the others.
    fn usual_pause(&self) -> f64 {
        match self {
            Self::Start => 2.0,
            Self::Open { .. } => 4.0,
            // The page's text is read before the first thing is done.
            Self::Perform { .. } | Self::SaveNames => 12.0,
            Self::Send { .. } | Self::Check { .. } => 8.0,
            Self::Hint { .. } | Self::Answer { .. } => 10.0,
            Self::AwaitPass { .. } => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(learners: u32, seed: u64) -> Vec<Plan> {
        class(&Lab::embedded(), learners, Duration::from_secs(60), Duration::from_secs(600), seed)
    }

    #[test]
    fn a_plan_is_fixed_by_its_seed() {
        assert_eq!(class_of(5, 1), class_of(5, 1));
        assert_ne!(class_of(5, 1), class_of(5, 2));
    }

    #[test]
    fn everyone_comes_in_time_and_does_the_whole_lab_in_order() {
        let lab = Lab::embedded();
        for plan in class_of(50, 3) {
            assert!(plan.comes <= Duration::from_secs(60));
            assert!(plan.doings.is_sorted_by_key(|due| due.after));
            assert_eq!(plan.doings.last().unwrap().after.as_secs_f64().round(), 600.0);
            let awaited: Vec<&str> = plan
                .doings
                .iter()
                .filter_map(|due| match &due.doing {
                    Doing::AwaitPass { step } => Some(step.as_str()),
                    _ => None,
                })
                .collect();
            let steps: Vec<&str> = lab.steps.iter().map(|step| step.slug.as_str()).collect();
            assert_eq!(awaited, steps);
        }
    }

    #[test]
    fn the_forms_on_the_way_are_those_of_the_lab() {
        let plans = class_of(1, 4);
        let performed: Vec<&str> = plans[0]
            .doings
            .iter()
            .filter_map(|due| match &due.doing {
                Doing::Perform { action, .. } => Some(action.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(
            performed,
            [
                "create-bucket",
                "create-delivery-stream",
                "create-preprocess-function",
                "create-application",
                "attach-preprocessor",
                "start-application",
                "create-table",
                "create-output-function",
                "attach-output",
                "delete-application",
                "delete-delivery-stream",
                "delete-functions",
                "delete-table",
                "delete-bucket",
                "delete-roles",
            ]
        );
    }
}
