//! From what the server knows to what the pages show.

mod account;
mod chart;
mod check;
mod pipeline;
mod receipt;
mod results;
mod step;
mod trace;

use app::error::BackendError;
use app::model::{LabView, LearnerView};
use lab::Lab;
use store::{AnswerRecord, CheckRecord, LearnerId, StepRecord, Store};
use time::OffsetDateTime;

use crate::demo;
use crate::kept::Reader;
use crate::state::{Headwater, Seat, store_failed};

pub use account::{engine, offer};
pub use chart::{Charted, chart};
pub use check::checks;
pub use pipeline::pipeline;
pub use receipt::{cost, receipt};
pub use results::results;
pub use step::{plain, question, step, summaries, tier};
pub use trace::{Traced, trace};

/// All that is recorded of a learner, read once for a view.
pub struct Progress {
    pub checks: Vec<CheckRecord>,
    pub steps: Vec<StepRecord>,
    pub answers: Vec<AnswerRecord>,
}

impl Progress {
    /// Reads it from the store.
    pub async fn of(headwater: &Headwater, seat: &Seat) -> Result<Self, BackendError> {
        Self::of_learner(headwater.store(), &seat.learner.id).await
    }

    /// The same of a learner for whom nothing is to be done.
    pub async fn of_learner(store: &Store, learner: &LearnerId) -> Result<Self, BackendError> {
        let (checks, steps, answers) =
            tokio::try_join!(store.checks(learner), store.steps(learner), store.answers(learner))
                .map_err(store_failed)?;
        Ok(Self { checks, steps, answers })
    }

    fn check(&self, name: &str) -> Option<&CheckRecord> {
        self.checks.iter().find(|record| record.name == name)
    }

    /// What is recorded of a step.
    pub fn step(&self, slug: &str) -> Option<&StepRecord> {
        self.steps.iter().find(|record| record.step == slug)
    }

    /// Whether the learner has passed the clean-up: from then on, what is gone is no change for the worse.
    fn is_cleaned_up(&self) -> bool {
        self.checks.iter().any(|record| record.name.starts_with("clean-up.") && record.first_passed.is_some())
    }
}

/// Everything that all pages of the lab show. `unlocked`: whether this browser may use the machine's credentials.
pub async fn lab(
    headwater: &Headwater,
    seat: &Seat,
    progress: &Progress,
    unlocked: bool,
) -> Result<LabView, BackendError> {
    let demo = demo::view(headwater, seat).await?;
    let lab = headwater.lab(seat.engine());
    Ok(LabView {
        learner: learner(lab, progress),
        account: account::account(headwater, seat, unlocked).await?,
        steps: summaries(lab, seat, progress),
        pipeline: pipeline(seat, progress, &demo),
        demo,
        chart: chart(headwater, seat, Reader::Page).await?,
        trace: trace(headwater, seat, Reader::Page).await?,
        cost: cost(headwater, seat).await?,
    })
}

/// Who is looking, and where they were.
pub fn learner(lab: &Lab, progress: &Progress) -> LearnerView {
    let steps = &lab.steps;
    let passed = |slug: &str| progress.step(slug).is_some_and(|record| record.passed.is_some());
    let current = steps.iter().find(|step| !passed(&step.slug)).or(steps.last());
    LearnerView {
        current_step: current.map(|step| step.slug.clone()).unwrap_or_default(),
        steps_passed: steps.iter().filter(|step| passed(&step.slug)).count() as u32,
        steps_total: steps.len() as u32,
    }
}

/// Unix seconds, as the pages count time.
fn seconds(time: OffsetDateTime) -> i64 {
    time.unix_timestamp()
}
