//! What a class teaches: the steps and checks of the labs that it allows, and what they are worth unless its owner says
//! otherwise.
//!
//! All labs have the same steps. Labs of different engines differ in some checks: a class that allows several has them all on
//! its board, but gives points for those that every one of its labs has. So the same total can be reached in each of them.

use std::collections::{BTreeMap, HashMap};

use app::model::LabChoice;
use app::model::teach::{BoardCheck, BoardStep, SuggestionView};
use classroom::{PlannedMinutes, PointsScheme, StepPoints};
use lab::{Engine, Lab, Step, Variables};

use crate::backend::engine_of;
use crate::state::{Headwater, REGION};
use crate::views;

/// What a check is worth.
const POINTS: u32 = 1;
/// Percent of the points in a step that was done for the learner.
const ASSISTED_PERCENT: u8 = 50;
/// Stands for a learner's account number in a hint that goes to several.
const SOME_ACCOUNT: &str = "ACCOUNT";

/// The steps of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syllabus {
    /// In the order of the lab, each with the checks of all the class's labs.
    pub steps: Vec<BoardStep>,
    pub planned: PlannedMinutes,
    /// Checks that every lab of the class has.
    common: Vec<String>,
    engines: Vec<Engine>,
}

impl Syllabus {
    /// What these labs teach; of none, what the sandbox's does.
    pub fn of(headwater: &Headwater, labs: &[LabChoice]) -> Self {
        let mut engines: Vec<Engine> =
            Engine::ALL.into_iter().filter(|engine| labs.iter().any(|lab| engine_of(*lab) == *engine)).collect();
        if engines.is_empty() {
            engines.push(engine_of(LabChoice::default()));
        }
        let labs: Vec<&Lab> = engines.iter().map(|engine| headwater.lab(*engine)).collect();
        let mut steps: Vec<BoardStep> = Vec::new();
        let mut planned = PlannedMinutes::new();
        let mut common = Vec::new();
        for step in labs.iter().flat_map(|lab| &lab.steps) {
            planned.entry(step.slug.clone()).or_insert(step.minutes);
            match steps.iter_mut().find(|known| known.slug == step.slug) {
                Some(known) => {
                    let is_new = |id: &str| !known.checks.iter().any(|check| check.id == id);
                    let new: Vec<BoardCheck> = checks(step).filter(|check| is_new(&check.id)).collect();
                    known.checks.extend(new);
                }
                None => steps.push(BoardStep {
                    slug: step.slug.clone(),
                    number: step.number as u32,
                    title: step.title.clone(),
                    checks: checks(step).collect(),
                }),
            }
        }
        for check in steps.iter().flat_map(|step| &step.checks) {
            if labs.iter().all(|lab| lab.steps.iter().flat_map(|step| &step.checks).any(|one| one.name == check.id)) {
                common.push(check.id.clone());
            }
        }
        Self { steps, planned, common, engines }
    }

    /// The points of a new class.
    pub fn points(&self) -> PointsScheme {
        self.scheme(ASSISTED_PERCENT, |check| if self.is_common(check) { POINTS } else { 0 })
    }

    /// The points after the class's labs have changed. A check that all labs had and have keeps its points.
    pub fn points_after(&self, before: &Self, points: &PointsScheme) -> PointsScheme {
        self.scheme(points.assisted_percent, |check| match worth(points, check) {
            Some(worth) if before.is_common(check) && self.is_common(check) => worth,
            _ if self.is_common(check) => POINTS,
            _ => 0,
        })
    }

    /// Points as an owner sets them; a check that is not named keeps what it has.
    pub fn points_set(
        &self,
        before: Option<&PointsScheme>,
        points: &BTreeMap<String, u32>,
        assisted_percent: u8,
    ) -> PointsScheme {
        let kept = |check: &str| before.and_then(|before| worth(before, check)).unwrap_or_default();
        self.scheme(assisted_percent, |check| points.get(check).copied().unwrap_or_else(|| kept(check)))
    }

    /// A step by its slug.
    pub fn step(&self, slug: &str) -> Option<&BoardStep> {
        self.steps.iter().find(|step| step.slug == slug)
    }

    /// Whether there is such a check.
    pub fn has_check(&self, id: &str) -> bool {
        self.steps.iter().flat_map(|step| &step.checks).any(|check| check.id == id)
    }

    /// What checks are called, by id.
    pub fn titles(&self) -> HashMap<String, String> {
        let checks = self.steps.iter().flat_map(|step| &step.checks);
        checks.map(|check| (check.id.clone(), check.title.clone())).collect()
    }

    /// The lab's hints for a step in plain text, in nobody's names.
    pub fn suggestions(&self, headwater: &Headwater, slug: &str) -> Vec<SuggestionView> {
        let Some(engine) = self.engines.first() else { return Vec::new() };
        suggestions(headwater.lab(*engine), slug, &Variables::defaults_for(*engine, SOME_ACCOUNT, REGION, ""))
    }

    fn is_common(&self, check: &str) -> bool {
        self.common.iter().any(|common| common == check)
    }

    fn scheme(&self, assisted_percent: u8, worth: impl Fn(&str) -> u32) -> PointsScheme {
        let steps = self.steps.iter().map(|step| StepPoints {
            step: step.slug.clone(),
            checks: step.checks.iter().map(|check| (check.id.clone(), worth(&check.id))).collect(),
        });
        PointsScheme { steps: steps.collect(), assisted_percent }
    }
}

/// The lab's hints for a step in plain text and in these names.
pub fn suggestions(lab: &Lab, slug: &str, variables: &Variables) -> Vec<SuggestionView> {
    let hints = lab.step(slug).map_or(&[][..], |step| &step.hints);
    let suggestion = |hint: &lab::Hint| SuggestionView {
        title: views::tier(hint.tier).to_owned(),
        text: views::plain(lab::render(&hint.text, variables).as_str()).trim().to_owned(),
    };
    hints.iter().map(suggestion).collect()
}

/// What a check is worth in a scheme that has it.
pub fn worth(points: &PointsScheme, check: &str) -> Option<u32> {
    points.steps.iter().find_map(|step| step.checks.get(check)).copied()
}

fn checks(step: &Step) -> impl Iterator<Item = BoardCheck> {
    step.checks.iter().map(|check| BoardCheck { id: check.name.clone(), title: check.title.clone() })
}
