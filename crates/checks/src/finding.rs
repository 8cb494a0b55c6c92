//! What a check found, before it has the check's name.

use time::OffsetDateTime;

use crate::{
    api_calls::Service,
    call::{Answer, CallError, CredentialsFault},
    name::CheckName,
    verdict::{CheckResult, Evidence, Verdict},
};

/// A verdict with its message and evidence.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    message: String,
    evidence: Vec<Evidence>,
}

/// `Err` is a finding made before the check proper could begin, as when the thing to look at is absent.
pub(crate) type Judged = Result<Finding, Finding>;

impl Finding {
    pub(crate) fn new(verdict: Verdict, message: impl Into<String>) -> Self {
        Self { verdict, message: message.into(), evidence: Vec::new() }
    }

    pub(crate) fn pass(message: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, message)
    }

    pub(crate) fn not_yet(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Verdict::NotYet { what: what.into() }, message)
    }

    pub(crate) fn wrong(
        setting: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Verdict::Wrong { setting: setting.into(), expected: expected.into(), found: found.into() }, message)
    }

    pub(crate) fn elsewhere(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Verdict::Elsewhere { place: place.into() }, message)
    }

    pub(crate) fn settling(until: OffsetDateTime, why: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Verdict::Settling { until, why: why.into() }, message)
    }

    pub(crate) fn fault(cause: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Verdict::ServiceFault { message: cause.into() }, message)
    }

    pub(crate) fn with(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    pub(crate) fn with_all(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// What a failed call means where its failure says nothing about the learner's work.
    pub(crate) fn could_not_look<T>(answer: &Answer<T>, error: &CallError) -> Self {
        let service = answer.call.service;
        let finding = match error {
            CallError::Denied { action, because } => {
                let because = because.as_ref().map(|because| format!(" ({because})")).unwrap_or_default();
                let bucket_hint = if service == Service::S3 {
                    " Bucket names are shared by all AWS accounts, so that it may also be the bucket of somebody else."
                } else {
                    ""
                };
                Self::new(
                    Verdict::NoPermission { action: action.clone() },
                    format!(
                        "We may not look: your credentials lack {action}{because}. Nothing is known to be wrong with \
                         your work. Add the action to the policy of the user or role, and check again.{bucket_hint}"
                    ),
                )
            }
            CallError::Credentials(fault) => Self::new(
                Verdict::NoPermission { action: answer.call.action.to_owned() },
                format!("We could not look: {fault}. {}", remedy(*fault)),
            ),
            CallError::Refused { code, message } => {
                let cause = format!("{} refused our question ({code}: {message})", service.title());
                Self::fault(&cause, format!("{cause}. This says nothing about your work. Check again in a minute."))
            }
            CallError::Retired => Self::retired(),
            CallError::Fault(cause) => {
                Self::fault(cause, format!("{cause}. This says nothing about your work. Check again in a minute."))
            }
            CallError::Absent | CallError::Moved { .. } | CallError::Busy => {
                let cause = format!("{} answered in an unexpected way ({error})", service.title());
                Self::fault(&cause, format!("{cause}. Check again in a minute."))
            }
        };
        finding.with(answer.evidence([]))
    }

    /// AWS ended SQL applications: none can be created since October 2025, all were deleted from January 2026 on.
    pub(crate) fn retired() -> Self {
        Self::fault(
            "AWS closed Kinesis Data Analytics for SQL in January 2026",
            "AWS closed Kinesis Data Analytics for SQL in January 2026, so that no SQL application can exist in an AWS \
             account any more. You did nothing wrong. Do this step in the sandbox, which still runs it.",
        )
    }

    pub(crate) fn named(self, name: CheckName) -> CheckResult {
        CheckResult { name, verdict: self.verdict, message: self.message, evidence: self.evidence }
    }
}

/// What to do about credentials that do not work.
pub(crate) fn remedy(fault: CredentialsFault) -> &'static str {
    match fault {
        CredentialsFault::Missing | CredentialsFault::Unreadable => "Connect again in the first step.",
        CredentialsFault::Expired => "Sign in to AWS again, then connect again in the first step.",
        CredentialsFault::Unknown => "Connect again in the first step with an access key that is active.",
        CredentialsFault::Clock => "Set the clock, then check again.",
    }
}
