//! Running the checks of a step.

use std::time::Duration;

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    call::Clock,
    clients::Clients,
    data_streams::DataStream,
    finding::{Finding, Judged},
    name::{CheckName, Step},
    observed::Observed,
    steps::{
        clean_up, connect, delivery_stream, flink, idempotent, ingest, preprocess, result_rows, results, streaming_sql,
        tumbling_window,
    },
    subject::{Consent, Subject},
    verdict::CheckResult,
};

/// A step's checks may take this long together, when they only read.
const STEP_TIMEOUT: Duration = Duration::from_secs(25);
/// And this long when they run the learner's function: up to three times, in `results.idempotent`.
const STEP_TIMEOUT_WITH_TEST_RUN: Duration = Duration::from_secs(220);

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
    let judgements: Vec<_> =
        step.checks(subject.engine).map(|name| judge_until(deadline, name, &observed).boxed()).collect();
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

/// On the heap: together these futures would take much of a thread's stack.
fn judge<'a>(name: CheckName, observed: &'a Observed<'_>) -> BoxFuture<'a, Judged> {
    match name {
        CheckName::ConnectIdentity => connect::identity(observed).boxed(),
        CheckName::DeliveryStreamBucket => delivery_stream::bucket(observed).boxed(),
        CheckName::DeliveryStreamDataStream => delivery_stream::data_stream(observed).boxed(),
        CheckName::DeliveryStreamActive => delivery_stream::active(observed).boxed(),
        CheckName::DeliveryStreamSource => delivery_stream::source(observed).boxed(),
        CheckName::DeliveryStreamDestination => delivery_stream::destination(observed).boxed(),
        CheckName::DeliveryStreamPrefix => delivery_stream::prefix(observed).boxed(),
        CheckName::DeliveryStreamBuffering => delivery_stream::buffering(observed).boxed(),
        CheckName::DeliveryStreamCompression => delivery_stream::compression(observed).boxed(),
        CheckName::IngestObjects => ingest::objects(observed).boxed(),
        CheckName::IngestReadable => ingest::readable(observed).boxed(),
        CheckName::IngestRows => ingest::rows(observed).boxed(),
        CheckName::PreprocessFunction => preprocess::function(observed).boxed(),
        CheckName::PreprocessRuntime => preprocess::runtime(observed).boxed(),
        CheckName::PreprocessHandler => preprocess::handler(observed).boxed(),
        CheckName::PreprocessTimeout => preprocess::timeout(observed).boxed(),
        CheckName::PreprocessAnswer => preprocess::answer(observed).boxed(),
        CheckName::PreprocessAttached => preprocess::attached(observed).boxed(),
        CheckName::StreamingSqlApplication => streaming_sql::application(observed).boxed(),
        CheckName::StreamingSqlInput => streaming_sql::input(observed).boxed(),
        CheckName::StreamingSqlPreprocessor => streaming_sql::preprocessor(observed).boxed(),
        CheckName::StreamingSqlSchema => streaming_sql::schema(observed).boxed(),
        CheckName::StreamingSqlCode => streaming_sql::code(observed).boxed(),
        CheckName::StreamingSqlRunning => streaming_sql::running(observed).boxed(),
        CheckName::StreamingSqlCountFunction => tumbling_window::count_function(observed).boxed(),
        CheckName::StreamingSqlMapping => tumbling_window::mapping(observed).boxed(),
        CheckName::StreamingSqlWindow => tumbling_window::window(observed).boxed(),
        CheckName::StreamingSqlCountAnswer => tumbling_window::count_answer(observed).boxed(),
        CheckName::StreamingSqlApplicationFlink => flink::application(observed).boxed(),
        CheckName::StreamingSqlFlinkInput => flink::input(observed).boxed(),
        CheckName::StreamingSqlFlinkRunning => streaming_sql::running(observed).boxed(),
        CheckName::StreamingSqlCountsStream => flink::counts_stream(observed).boxed(),
        CheckName::ResultsTable => results::table(observed).boxed(),
        CheckName::ResultsKeys => results::keys(observed).boxed(),
        CheckName::ResultsFunction => results::function(observed).boxed(),
        CheckName::ResultsOutput => results::output(observed).boxed(),
        CheckName::ResultsCountsMapping => results::counts_mapping(observed).boxed(),
        CheckName::ResultsTableName => results::table_name(observed).boxed(),
        CheckName::ResultsIdempotent => idempotent::idempotent(observed).boxed(),
        CheckName::ResultsRows => result_rows::rows(observed).boxed(),
        CheckName::CleanUpApplication => clean_up::application(observed).boxed(),
        CheckName::CleanUpStream => clean_up::stream(observed).boxed(),
        CheckName::CleanUpDataStream => clean_up::data_stream(observed, DataStream::Clicks).boxed(),
        CheckName::CleanUpCountsStream => clean_up::data_stream(observed, DataStream::Counts).boxed(),
        CheckName::CleanUpFunctions => clean_up::functions(observed).boxed(),
        CheckName::CleanUpMapping => clean_up::mapping(observed).boxed(),
        CheckName::CleanUpTable => clean_up::table(observed).boxed(),
        CheckName::CleanUpBucket => clean_up::bucket(observed).boxed(),
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
