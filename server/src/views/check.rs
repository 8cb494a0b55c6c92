//! Checks with their verdicts.

use app::model::{CheckView, EvidenceField, EvidenceView, Verdict, VerdictView};
use checks::{CheckName, CheckResult, Evidence};
use lab::{CheckRef, Step};
use store::CheckRecord;

use super::{Progress, seconds};

/// The checks of a step in the lab's order, with the last verdict recorded.
pub fn checks(step: &Step, progress: &Progress) -> Vec<CheckView> {
    step.checks.iter().map(|check| check_view(check, progress)).collect()
}

fn check_view(check: &CheckRef, progress: &Progress) -> CheckView {
    let record = progress.check(&check.name);
    let result: Option<CheckResult> = record.and_then(|record| serde_json::from_value(record.result.clone()).ok());
    let first_passed = record.and_then(|record| record.first_passed);
    let regression = result
        .as_ref()
        .filter(|result| first_passed.is_some() && !result.verdict.is_pass() && !progress.is_cleaned_up())
        .map(|result| result.message.clone());
    CheckView {
        id: check.name.clone(),
        title: check.title.clone(),
        needs_consent: check.name.parse::<CheckName>().is_ok_and(CheckName::needs_consent),
        running: false,
        last: record.zip(result).map(|(record, result)| verdict_view(record, result)),
        passed_at: first_passed.map(seconds),
        regression,
    }
}

fn verdict_view(record: &CheckRecord, result: CheckResult) -> VerdictView {
    VerdictView {
        verdict: verdict(result.verdict),
        message: result.message,
        evidence: result.evidence.into_iter().map(evidence_view).collect(),
        checked_at: seconds(record.checked),
    }
}

fn verdict(verdict: checks::Verdict) -> Verdict {
    match verdict {
        checks::Verdict::Pass => Verdict::Pass,
        checks::Verdict::NotYet { .. } => Verdict::NotYet,
        checks::Verdict::Wrong { setting, expected, found } => Verdict::Wrong { setting, expected, found },
        checks::Verdict::Elsewhere { place } => Verdict::Elsewhere { place },
        checks::Verdict::NoPermission { action } => Verdict::NoPermission { action },
        checks::Verdict::Settling { until, .. } => Verdict::Settling { until: seconds(until) },
        checks::Verdict::ServiceFault { .. } => Verdict::ServiceFault,
    }
}

/// Evidence as the pages show it.
pub fn evidence_view(evidence: Evidence) -> EvidenceView {
    EvidenceView {
        call: evidence.call,
        at: seconds(evidence.at),
        fields: evidence.fields.into_iter().map(|(name, value)| EvidenceField { name, value }).collect(),
    }
}
