//! Running the checks of a step.

use std::time::Duration;

use futures::{FutureExt, future::join_all};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    call::Clock,
    clients::Clients,
    finding::{Finding, Judged},
    name::{CheckName, Step},
    observed::Observed,
    steps::{clean_up, connect, delivery_stream, ingest, preprocess, results, streaming_sql},
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
    let deadline = Instant::now() + limit;
    let judgements: Vec<_> = step.checks().map(|name| judge_until(deadline, name, &observed).boxed()).collect();
    join_all(judgements).await
}

async fn judge_until(deadline: Instant, name: CheckName, observed: &Observed<'_>) -> CheckResult {
    match tokio::time::timeout_at(deadline, judge(name, observed)).await {
        Ok(Ok(finding) | Err(finding)) => finding.named(name),
        Err(_) => too_slow().named(name),
    }
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
        CheckName::IngestObjects => ingest::objects(observed).await,
        CheckName::IngestReadable => ingest::readable(observed).await,
        CheckName::IngestRows => ingest::rows(observed).await,
        CheckName::PreprocessFunction => preprocess::function(observed).await,
        CheckName::PreprocessRuntime => preprocess::runtime(observed).await,
        CheckName::PreprocessHandler => preprocess::handler(observed).await,
        CheckName::PreprocessTimeout => preprocess::timeout(observed).await,
        CheckName::PreprocessAnswer => preprocess::answer(observed).await,
        CheckName::StreamingSqlApplication => streaming_sql::application(observed).await,
        CheckName::StreamingSqlInput => streaming_sql::input(observed).await,
        CheckName::StreamingSqlPreprocessor => streaming_sql::preprocessor(observed).await,
        CheckName::StreamingSqlSchema => streaming_sql::schema(observed).await,
        CheckName::StreamingSqlCode => streaming_sql::code(observed).await,
        CheckName::StreamingSqlRunning => streaming_sql::running(observed).await,
        CheckName::ResultsTable => results::table(observed).await,
        CheckName::ResultsKeys => results::keys(observed).await,
        CheckName::ResultsFunction => results::function(observed).await,
        CheckName::ResultsOutput => results::output(observed).await,
        CheckName::ResultsIdempotent => results::idempotent(observed).await,
        CheckName::ResultsRows => results::rows(observed).await,
        CheckName::CleanUpApplication => clean_up::application(observed).await,
        CheckName::CleanUpStream => clean_up::stream(observed).await,
        CheckName::CleanUpFunctions => clean_up::functions(observed).await,
        CheckName::CleanUpTable => clean_up::table(observed).await,
        CheckName::CleanUpBucket => clean_up::bucket(observed).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_can_be_spawned() {
        fn is_send<T: Send>(_: &T) {}
        let clients = Clients::new(&aws_config::SdkConfig::builder().build(), []);
        let subject = Subject::new("111122223333", "us-east-1");
        is_send(&run_step(Step::Connect, &clients, &subject, Consent::No, OffsetDateTime::UNIX_EPOCH));
        is_send(&crate::chart::window_counts(&clients, &subject, 10, OffsetDateTime::UNIX_EPOCH));
    }
}
