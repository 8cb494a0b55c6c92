//! The whole lab on one page.

use app::error::BackendError;
use app::model::{CheckResult, ResultsView, StepResult, StepSummary};
use lab::Step;
use time::OffsetDateTime;

use super::receipt::kept_receipt;
use super::{Progress, chart, engine, learner, seconds, summaries};
use crate::demo;
use crate::kept::Reader;
use crate::state::{Headwater, Seat};

/// What the learner reached, step by step.
pub async fn results(headwater: &Headwater, seat: &Seat) -> Result<ResultsView, BackendError> {
    let progress = Progress::of(headwater, seat).await?;
    let lab = headwater.lab(seat.engine());
    let steps: Vec<StepResult> = lab
        .steps
        .iter()
        .zip(summaries(lab, seat, &progress))
        .map(|(step, summary)| step_result(step, summary, &progress))
        .collect();
    let finished_at = steps.iter().map(|step| step.passed_at).collect::<Option<Vec<i64>>>();
    Ok(ResultsView {
        learner: learner(lab, &progress),
        account_id: seat.learner.account.clone(),
        region: seat.variables.region.clone(),
        started_at: seconds(seat.learner.created),
        finished_at: finished_at.and_then(|times| times.into_iter().max()),
        chart: chart(headwater, seat, Reader::Page).await?,
        clicks_accepted: demo::clicks_accepted(headwater, seat).await?,
        engine: engine(seat.engine()).to_owned(),
        is_account: seat.place.is_account(),
        receipt: kept_receipt(headwater, seat).await?,
        steps,
    })
}

fn step_result(step: &Step, summary: StepSummary, progress: &Progress) -> StepResult {
    let record = progress.step(&step.slug);
    let right = progress.answers.iter().filter(|answer| answer.step == step.slug && answer.correct).count();
    StepResult {
        passed_at: record.and_then(|record| record.passed).map(seconds),
        checks: step
            .checks
            .iter()
            .map(|check| CheckResult { title: check.title.clone(), passed_at: first_pass(progress, &check.name) })
            .collect(),
        assisted_at: record.and_then(|record| record.assisted).map(seconds),
        hints_used: record.map_or(0, |record| record.hints_revealed),
        questions_right: right as u32,
        questions_total: step.questions.len() as u32,
        summary,
    }
}

fn first_pass(progress: &Progress, check: &str) -> Option<i64> {
    let passed: Option<OffsetDateTime> = progress.check(check).and_then(|record| record.first_passed);
    passed.map(seconds)
}
