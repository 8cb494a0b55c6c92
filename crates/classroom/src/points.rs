//! What checks are worth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many points a class gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsScheme {
    /// Every check that can be passed, by step in the lab's order, with its points.
    pub steps: Vec<StepPoints>,
    /// Percent of the points that a check gives when its step was done for the learner.
    pub assisted_percent: u8,
}

/// The points of one step's checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPoints {
    /// The step's slug.
    pub step: String,
    /// Points by check.
    pub checks: BTreeMap<String, u32>,
}
