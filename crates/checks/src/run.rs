//! Running the checks of a step.

use std::time::Duration;

use futures::future::join_all;
use time::OffsetDateTime;

use crate::{
    call::Clock,
    clients::Clients,
    finding::{Finding, Judged},
    name::{CheckName, Step},
    observed::Observed,
    steps::{connect, delivery_stream},
    subject::{Consent, Subject},
    verdict::CheckResult,
};

/// A step's checks may take this long together, when they only read.
const STEP_TIMEOUT: Duration = Duration::from_secs(25);
/// And this long when they run the learner's function: twice, in `results.idempotent`.
const STEP_TIMEOUT_WITH_TEST_RUN: Duration = Duration::from_secs(150);

/// Runs the checks of `step` concurrently and returns their results in the order in which to show them.
///
/// Each question is put to AWS once, however many checks need the answer. A check that does not end in
/// time says so ([`crate::Verdict::ServiceFault`]); the others keep their results. `now` is the current time; it
/// decides what is still settling.
pub async fn run_step(
    step: Step,
    clients: &Clients,
    subject: &Subject,
    consent: Consent,
    now: OffsetDateTime,
) -> Vec<CheckResult> {
    let observed = Observed::new(clients, subject, consent, Clock::starting_at(now));
    let limit = match consent {
        Consent::Invoke => STEP_TIMEOUT_WITH_TEST_RUN,
        Consent::No => STEP_TIMEOUT,
    };
    let deadline = tokio::time::Instant::now() + limit;
    join_all(step.checks().map(|name| {
        let judged = judge(name, &observed);
        async move {
            match tokio::time::timeout_at(deadline, judged).await {
                Ok(Ok(finding) | Err(finding)) => finding.named(name),
                Err(_) => too_slow().named(name),
            }
        }
    }))
    .await
}

fn too_slow() -> Finding {
    Finding::fault(
        "AWS took too long to answer",
        "AWS took too long to answer. This says nothing about your work. Check again in a minute.",
    )
}

async fn judge(name: CheckName, observed: &Observed<'_>) -> Judged {
    match name {
        CheckName::ConnectIdentity => connect::identity(observed).await,
        CheckName::DeliveryStreamBucket => delivery_stream::bucket(observed).await,
        CheckName::DeliveryStreamActive => delivery_stream::active(observed).await,
        CheckName::DeliveryStreamSource => delivery_stream::source(observed).await,
        CheckName::DeliveryStreamDestination => delivery_stream::destination(observed).await,
        CheckName::DeliveryStreamPrefix => delivery_stream::prefix(observed).await,
        CheckName::DeliveryStreamBuffering => delivery_stream::buffering(observed).await,
        CheckName::DeliveryStreamCompression => delivery_stream::compression(observed).await,
        _ => Ok(Finding::fault("this check is not built in", "This version cannot judge this step.")),
    }
}
