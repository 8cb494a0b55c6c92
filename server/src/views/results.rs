//! The whole lab on one page.

use app::error::BackendError;
use app::model::{CheckResult, ReceiptLine, ResultsView, StepResult, StepSummary};
use lab::Step;
use time::OffsetDateTime;

use super::{Progress, chart, learner, seconds, summaries};
use crate::demo;
use crate::state::{Headwater, Seat};

/// What the learner reached, step by step.
pub async fn results(headwater: &Headwater, seat: &Seat) -> Result<ResultsView, BackendError> {
    let progress = Progress::of(headwater, seat).await?;
    let lab = headwater.lab();
    let steps: Vec<StepResult> = lab
        .steps
        .iter()
        .zip(summaries(lab, seat, &progress))
        .map(|(step, summary)| step_result(step, summary, &progress))
        .collect();
    let finished_at = steps.iter().map(|step| step.passed_at).collect::<Option<Vec<i64>>>();
    Ok(ResultsView {
        learner: learner(headwater, &progress),
        account_id: seat.learner.account.clone(),
        region: seat.variables.region.clone(),
        started_at: seconds(seat.learner.created),
        finished_at: finished_at.and_then(|times| times.into_iter().max()),
        chart: chart(headwater, seat).await?,
        clicks_accepted: demo::clicks_accepted(headwater, seat).await?,
        receipt: receipt(lab.step("clean-up"), &progress),
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
        hints_used: record.map_or(0, |record| record.hints_revealed),
        questions_right: right as u32,
        questions_total: step.questions.len() as u32,
        summary,
    }
}

/// One line for each resource, once one of them was found gone.
fn receipt(clean_up: Option<&Step>, progress: &Progress) -> Vec<ReceiptLine> {
    let Some(step) = clean_up.filter(|_| progress.is_cleaned_up()) else {
        return Vec::new();
    };
    step.checks
        .iter()
        .map(|check| ReceiptLine {
            resource: check.title.clone(),
            gone: progress.check(&check.name).is_some_and(|record| record.passed),
        })
        .collect()
}

fn first_pass(progress: &Progress, check: &str) -> Option<i64> {
    let passed: Option<OffsetDateTime> = progress.check(check).and_then(|record| record.first_passed);
    passed.map(seconds)
}
