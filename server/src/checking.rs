//! Running the checks of a step for a learner and keeping what they found.

use std::time::{Duration, Instant};

use app::error::BackendError;
use checks::{CheckName, CheckResult, Consent, Functions, Roles, Step, Subject, Verdict, VerdictKind};
use lab::Variables;
use store::{CheckOutcome, CheckRecord};
use time::OffsetDateTime;

use crate::state::{Headwater, Seat, internal, now, store_failed};
use crate::{measures, stocktaking};

/// The fact that tells when clicks were sent last.
pub const SENT_AT: &str = "sent_at";

/// What was seen in an account holds this long where nothing has changed.
pub const UNCHANGED: Duration = Duration::from_secs(5 * 60);

/// When a step was looked at last, and what was found.
pub struct Looked {
    at: Instant,
    results: Vec<CheckResult>,
    /// What was looked at.
    basis: Basis,
    /// The learner agreed to a test run of a function that was not ready yet.
    owes_test_run: bool,
}

/// What verdicts depend on besides the time.
#[derive(PartialEq, Eq)]
struct Basis {
    /// [`Headwater::changes`] before the look.
    changes: Option<u64>,
    subject: Subject,
}

/// Looks at a step, unless it was looked at less than `max_age` ago or nothing has changed since, and records what changed.
///
/// With [`Consent::Invoke`], or no age at all, it always looks; with the former it also runs the learner's functions.
pub async fn look(
    headwater: &Headwater,
    seat: &Seat,
    step: Step,
    consent: Consent,
    max_age: Duration,
) -> Result<Vec<CheckResult>, BackendError> {
    let place = seat.desk.looked(step);
    let mut looked = place.lock().await;
    if let Some(last) = &*looked
        && consent == Consent::No
        && last.at.elapsed() < max_age
    {
        return Ok(last.results.clone());
    }
    let basis = Basis { changes: headwater.changes(seat), subject: subject(headwater, seat).await? };
    if let Some(last) = &*looked
        && consent == Consent::No
        && !max_age.is_zero()
        && last.still_holds(&basis)
    {
        return Ok(last.results.clone());
    }
    // A test run that the learner agreed to, but that could not be made yet, is still owed.
    let consent = if looked.as_ref().is_some_and(|last| last.owes_test_run) { Consent::Invoke } else { consent };
    let found = checks::run_step(step, &seat.desk.access().clients, &basis.subject, consent, now()).await;
    measures::count_checks(step, &found);
    let results = record(headwater, seat, step, consent, found).await?;
    let owes_test_run = consent == Consent::Invoke
        && results.iter().any(|result| result.name.needs_consent() && result.verdict.kind() == VerdictKind::Settling);
    *looked = Some(Looked { at: Instant::now(), results: results.clone(), basis, owes_test_run });
    Ok(results)
}

impl Looked {
    /// Whether another look would find the same.
    fn still_holds(&self, basis: &Basis) -> bool {
        let is_over = |result: &CheckResult| match &result.verdict {
            Verdict::Settling { until, .. } => *until <= now(),
            Verdict::ServiceFault { .. } => true,
            _ => false,
        };
        basis.changes.is_some()
            && *basis == self.basis
            && self.at.elapsed() < UNCHANGED
            && !self.owes_test_run
            && !self.results.iter().any(is_over)
    }
}

/// Looks at the steps before this one that are not passed: what was settling when the learner went on passes by itself, and
/// who does several steps in the terminal need not open each page.
pub async fn look_back(headwater: &Headwater, seat: &Seat, step: Step, max_age: Duration) -> Result<(), BackendError> {
    let passed = headwater.store().steps(&seat.learner.id).await.map_err(store_failed)?;
    let is_passed = |step: Step| passed.iter().any(|record| record.step == step.slug() && record.passed.is_some());
    let earlier = Step::ALL.into_iter().take_while(|earlier| *earlier != step).filter(|earlier| !is_passed(*earlier));
    let looks = earlier.map(|earlier| look(headwater, seat, earlier, Consent::No, max_age));
    futures::future::try_join_all(looks).await.map(drop)
}

/// What the checks look for: the learner's names, and when clicks were sent last.
pub async fn subject(headwater: &Headwater, seat: &Seat) -> Result<Subject, BackendError> {
    let sent_ms: Option<i64> = headwater.store().fact(&seat.learner.id, SENT_AT).await.map_err(store_failed)?;
    let sent_at = sent_ms.and_then(|ms| OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok());
    Ok(Subject { sent_at, ..names(&seat.variables) })
}

/// The learner's names as the checks know them.
pub fn names(variables: &Variables) -> Subject {
    let Variables {
        engine,
        account,
        region,
        endpoint: _,
        bucket,
        data_stream,
        stream,
        prefix,
        error_prefix,
        firehose_role,
        lambda_role,
        analytics_role,
        preprocess_function,
        application,
        counts_stream,
        output_function,
        table,
        window_seconds,
    } = variables.clone();
    Subject {
        engine: self::engine(engine),
        account,
        region,
        bucket,
        stream,
        data_stream,
        counts_stream,
        prefix,
        error_prefix,
        roles: Roles { firehose: firehose_role, lambda: lambda_role, analytics: analytics_role },
        functions: Functions { preprocess: preprocess_function, output: output_function },
        application,
        table,
        window_seconds,
        sent_at: None,
    }
}

/// The engine as the checks call it.
pub fn engine(engine: lab::Engine) -> checks::Engine {
    match engine {
        lab::Engine::SqlApplication => checks::Engine::SqlApplication,
        lab::Engine::TumblingWindow => checks::Engine::TumblingWindow,
        lab::Engine::Flink => checks::Engine::Flink,
    }
}

/// Keeps what was found. A check that was not run for want of consent keeps its earlier result; "gone" counts only for what
/// was once there.
async fn record(
    headwater: &Headwater,
    seat: &Seat,
    step: Step,
    consent: Consent,
    found: Vec<CheckResult>,
) -> Result<Vec<CheckResult>, BackendError> {
    let store = headwater.store();
    let records = store.checks(&seat.learner.id).await.map_err(store_failed)?;
    let mut results = Vec::with_capacity(found.len());
    let mut outcomes = Vec::new();
    for result in found {
        let record = records.iter().find(|record| record.name == result.name.as_str());
        if consent == Consent::No && result.name.needs_consent() {
            let kept = record.and_then(|record| serde_json::from_value(record.result.clone()).ok());
            results.push(kept.unwrap_or(result));
            continue;
        }
        let result = if was_never_there(result.name, &records) { nothing_to_clean_up(result) } else { result };
        if record.is_none_or(|record| differs(record, &result)) {
            outcomes.push(CheckOutcome {
                name: result.name.as_str().to_owned(),
                verdict: verdict_kind(&result.verdict),
                cause: cause(&result.verdict),
                result: serde_json::to_value(&result).map_err(internal)?,
            });
        }
        results.push(result);
    }
    if !outcomes.is_empty() {
        let passed_before = |name: CheckName| {
            records.iter().any(|record| record.name == name.as_str() && record.first_passed.is_some())
        };
        let passed_now = |name: CheckName| results.iter().any(|result| result.name == name && result.verdict.is_pass());
        let passes_step = step.checks(engine(seat.engine())).all(|name| passed_before(name) || passed_now(name));
        // All regions are looked through for it: in the sandbox, where nothing costs anything, once a step is whole.
        if passes_step || step == Step::CleanUp || seat.place.is_account() {
            stocktaking::expire(seat);
        }
        store
            .record_checks(&seat.learner.id, step.slug(), &outcomes, passes_step, now())
            .await
            .map_err(store_failed)?;
        seat.desk.changed.notify_waiters();
    }
    Ok(results)
}

/// What learners with the same trouble have in common. Names that learners chose are not in it.
fn cause(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Wrong { setting, .. } => setting.clone(),
        Verdict::NoPermission { action } => action.clone(),
        Verdict::Pass
        | Verdict::NotYet { .. }
        | Verdict::Elsewhere { .. }
        | Verdict::Settling { .. }
        | Verdict::ServiceFault { .. } => String::new(),
    }
}

/// The verdict as the log of a class knows it.
fn verdict_kind(verdict: &Verdict) -> classroom::VerdictKind {
    match verdict.kind() {
        VerdictKind::Pass => classroom::VerdictKind::Pass,
        VerdictKind::NotYet => classroom::VerdictKind::NotYet,
        VerdictKind::Wrong => classroom::VerdictKind::Wrong,
        VerdictKind::Elsewhere => classroom::VerdictKind::Elsewhere,
        VerdictKind::NoPermission => classroom::VerdictKind::NoPermission,
        VerdictKind::Settling => classroom::VerdictKind::Settling,
        VerdictKind::ServiceFault => classroom::VerdictKind::ServiceFault,
    }
}

/// Whether a result says something new, apart from the times in its evidence.
fn differs(record: &CheckRecord, result: &CheckResult) -> bool {
    match serde_json::from_value::<CheckResult>(record.result.clone()) {
        Ok(last) => last.verdict.kind() != result.verdict.kind() || last.message != result.message,
        Err(_) => true,
    }
}

/// The checks of which one must have passed once, so that its thing's being gone is the learner's clean-up.
fn proof_of_existence(check: CheckName) -> &'static [CheckName] {
    match check {
        CheckName::CleanUpApplication => &[CheckName::StreamingSqlApplication, CheckName::StreamingSqlApplicationFlink],
        CheckName::CleanUpDataStream => &[CheckName::DeliveryStreamDataStream],
        CheckName::CleanUpCountsStream => &[CheckName::StreamingSqlCountsStream],
        CheckName::CleanUpMapping => &[CheckName::StreamingSqlMapping, CheckName::ResultsCountsMapping],
        CheckName::CleanUpStream => &[CheckName::DeliveryStreamActive],
        CheckName::CleanUpFunctions => {
            &[CheckName::PreprocessFunction, CheckName::StreamingSqlCountFunction, CheckName::ResultsFunction]
        }
        CheckName::CleanUpTable => &[CheckName::ResultsTable],
        CheckName::CleanUpBucket => &[CheckName::DeliveryStreamBucket],
        _ => &[],
    }
}

fn was_never_there(check: CheckName, records: &[CheckRecord]) -> bool {
    let proofs = proof_of_existence(check);
    !proofs.is_empty()
        && !proofs
            .iter()
            .any(|proof| records.iter().any(|record| record.name == proof.as_str() && record.first_passed.is_some()))
}

fn nothing_to_clean_up(result: CheckResult) -> CheckResult {
    if !result.verdict.is_pass() {
        return result;
    }
    CheckResult {
        verdict: Verdict::NotYet { what: "something to clean up".to_owned() },
        message: "There was nothing here yet, so there is nothing to clean up. Do the earlier steps first.".to_owned(),
        ..result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> CheckResult {
        CheckResult {
            name: CheckName::CleanUpTable,
            verdict: Verdict::Pass,
            message: "gone".to_owned(),
            evidence: Vec::new(),
        }
    }

    fn passed(name: CheckName) -> CheckRecord {
        CheckRecord {
            name: name.as_str().to_owned(),
            passed: true,
            result: serde_json::Value::Null,
            checked: OffsetDateTime::UNIX_EPOCH,
            first_passed: Some(OffsetDateTime::UNIX_EPOCH),
        }
    }

    #[test]
    fn what_was_never_there_is_not_cleaned_up() {
        assert!(was_never_there(CheckName::CleanUpTable, &[]));
        assert!(was_never_there(CheckName::CleanUpTable, &[passed(CheckName::DeliveryStreamActive)]));
        assert!(!was_never_there(CheckName::CleanUpTable, &[passed(CheckName::ResultsTable)]));
        assert!(!was_never_there(CheckName::DeliveryStreamActive, &[]), "only clean-up needs a proof");
        assert_eq!(nothing_to_clean_up(gone()).verdict.kind(), VerdictKind::NotYet);
    }

    #[test]
    fn every_check_of_the_clean_up_asks_for_a_proof() {
        for check in checks::Engine::ALL.into_iter().flat_map(|engine| Step::CleanUp.checks(engine)) {
            assert!(!proof_of_existence(check).is_empty(), "{check}");
        }
    }
}
