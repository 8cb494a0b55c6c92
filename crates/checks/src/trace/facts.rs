//! What a trace rests on, read from the account. The reasons for an absence are read only when something is absent.

use aws_sdk_firehose::types::DeliveryStreamDescription;
use aws_sdk_kinesisanalyticsv2::types::ApplicationDetail;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use aws_smithy_types::DateTime;
use futures::{FutureExt, future::OptionFuture};
use time::{Duration, OffsetDateTime};

use super::{
    Run,
    items::{self, DeadLetter, TraceItem},
    objects::{self, Delivered},
};
use crate::{
    call::CallError,
    data_streams::DataStream,
    engine::Engine,
    observed::{Function, Observed},
    steps::{
        delivery_stream::{DEFAULT_BUFFER_SECONDS, buffer, extended_s3},
        ingest::transformation_seconds,
        streaming_sql::sql_configuration,
    },
    subject::Subject,
    verdict::Evidence,
};

/// What came of looking at one thing, with what to cite.
#[derive(Debug, Clone)]
pub(super) struct Look<T> {
    pub(super) result: Result<T, CallError>,
    pub(super) evidence: Vec<Evidence>,
}

/// Everything that was read.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) stream: Look<StreamFacts>,
    pub(super) delivered: Look<Delivered>,
    /// The newest object that could not be delivered since the run began; not read while all is well.
    pub(super) undelivered: Option<Look<Option<String>>>,
    pub(super) items: Look<Vec<TraceItem>>,
    /// Not read while all is well.
    pub(super) counting: Option<CountingFacts>,
}

/// The delivery stream.
#[derive(Debug, Clone)]
pub(super) struct StreamFacts {
    pub(super) status: String,
    pub(super) created: Option<OffsetDateTime>,
    /// How long Firehose may hold records back in all its buffers.
    pub(super) holds_back: Duration,
    /// Whether it takes its records from where the sender puts them.
    pub(super) has_source: bool,
}

/// What counts the clicks and stores the counts.
#[derive(Debug, Clone)]
pub(super) struct CountingFacts {
    /// Page views stored for the windows of the run, of whatever page.
    pub(super) views: Look<u64>,
    /// With the engines that have an application.
    pub(super) application: Option<Look<ApplicationFacts>>,
    /// With the engines whose function reads a data stream; `None` inside when there is no such mapping.
    pub(super) mapping: Option<Look<Option<MappingFacts>>>,
    /// Whether the output function is there.
    pub(super) function: Look<()>,
    /// The newest row that the function set aside since the run began.
    pub(super) dead_letter: Look<Option<DeadLetter>>,
}

/// The application.
#[derive(Debug, Clone)]
pub(super) struct ApplicationFacts {
    pub(super) status: String,
    pub(super) created: Option<OffsetDateTime>,
    pub(super) updated: Option<OffsetDateTime>,
    /// Whether the output function is attached to it; always with Flink, which has none attached.
    pub(super) has_output: bool,
}

/// The event source mapping.
#[derive(Debug, Clone)]
pub(super) struct MappingFacts {
    pub(super) state: String,
    pub(super) last_result: String,
    pub(super) modified: Option<OffsetDateTime>,
}

/// Reads what `run` may have left behind and, where it left nothing, why.
pub(super) async fn gather(observed: &Observed<'_>, run: &Run) -> Facts {
    // Boxed, as the futures of SDK calls are large and would stand on the stack together.
    let (stream, delivered, items) = tokio::join!(
        stream(observed).boxed(),
        objects::delivered(observed, run).boxed(),
        items::of_run(observed, run).boxed(),
    );
    let has_all = |count: u64| count >= run.marks_accepted;
    let is_delivered = delivered.result.as_ref().is_ok_and(|delivered| has_all(delivered.marks));
    let is_stored = items.result.as_ref().is_ok_and(|items| has_all(items.iter().map(|item| item.marks).sum()));
    let (undelivered, counting) = tokio::join!(
        OptionFuture::from((!is_delivered).then(|| objects::undelivered(observed, run).boxed())),
        OptionFuture::from((!is_stored).then(|| counting(observed, run).boxed())),
    );
    Facts { stream, delivered, undelivered, items, counting }
}

async fn stream(observed: &Observed<'_>) -> Look<StreamFacts> {
    let answer = observed.stream_answer().await;
    let facts = answer.result.as_ref().map(|stream| stream_facts(stream, observed.subject)).map_err(Clone::clone);
    let (status, holds_back) =
        facts.as_ref().map(|facts| (facts.status.clone(), facts.holds_back.whole_seconds())).unwrap_or_default();
    let evidence =
        answer.evidence([("DeliveryStreamStatus", status), ("buffered for at most", format!("{holds_back} s"))]);
    Look { result: facts, evidence: vec![evidence] }
}

fn stream_facts(stream: &DeliveryStreamDescription, subject: &Subject) -> StreamFacts {
    let s3 = extended_s3(stream);
    let interval = Duration::seconds(i64::from(s3.map_or(DEFAULT_BUFFER_SECONDS, |s3| buffer(s3).1)));
    let transform = Duration::seconds(i64::from(s3.map_or(0, transformation_seconds)));
    let source = stream.source.as_ref().and_then(|source| source.kinesis_stream_source_description.as_ref());
    let source = source.and_then(|source| source.kinesis_stream_arn.as_deref());
    StreamFacts {
        status: stream.delivery_stream_status.to_string(),
        created: stream.create_timestamp.and_then(moment),
        holds_back: interval + transform,
        has_source: !subject.engine.reads_data_stream()
            || source.is_some_and(|arn| DataStream::Clicks.is(arn, subject)),
    }
}

async fn counting(observed: &Observed<'_>, run: &Run) -> CountingFacts {
    let engine = observed.subject.engine;
    let (views, application, mapping, function, dead_letter) = tokio::join!(
        items::views(observed, run).boxed(),
        OptionFuture::from((engine != Engine::TumblingWindow).then(|| application(observed).boxed())),
        OptionFuture::from(engine.reads_data_stream().then(|| mapping(observed).boxed())),
        function(observed).boxed(),
        items::dead_letter(observed, run).boxed(),
    );
    CountingFacts { views, application, mapping, function, dead_letter }
}

async fn application(observed: &Observed<'_>) -> Look<ApplicationFacts> {
    let answer = observed.application_answer().await;
    let facts = answer.result.as_ref().map(|application| application_facts(application, observed.subject));
    let status = facts.as_ref().map(|facts| facts.status.clone()).unwrap_or_default();
    let evidence = answer.evidence([("ApplicationStatus", status)]);
    Look { result: facts.map_err(Clone::clone), evidence: vec![evidence] }
}

fn application_facts(application: &ApplicationDetail, subject: &Subject) -> ApplicationFacts {
    let outputs = sql_configuration(application).and_then(|sql| sql.output_descriptions.as_deref()).unwrap_or_default();
    let is_attached = outputs.iter().any(|output| {
        let arn = output.lambda_output_description.as_ref().map_or("", |lambda| lambda.resource_arn.as_str());
        crate::arn::function_name(arn) == subject.functions.output
    });
    ApplicationFacts {
        status: application.application_status.to_string(),
        created: application.create_timestamp.and_then(moment),
        updated: application.last_update_timestamp.and_then(moment),
        has_output: is_attached || subject.engine != Engine::SqlApplication,
    }
}

async fn mapping(observed: &Observed<'_>) -> Look<Option<MappingFacts>> {
    let subject = observed.subject;
    let stream = if subject.engine == Engine::Flink { DataStream::Counts } else { DataStream::Clicks };
    let answer = observed.mappings_of_output().await;
    let found = answer.result.as_ref().map(|mappings| {
        let is_ours = |mapping: &&EventSourceMappingConfiguration| {
            stream.is(mapping.event_source_arn().unwrap_or_default(), subject)
        };
        mappings.iter().find(is_ours).map(mapping_facts)
    });
    let found = match found {
        Err(CallError::Absent) => Ok(None),
        other => other.map_err(Clone::clone),
    };
    let shown = |field: fn(&MappingFacts) -> &str| {
        found.as_ref().ok().and_then(Option::as_ref).map_or("none", field).to_owned()
    };
    let evidence = answer.evidence([
        ("State", shown(|mapping| &mapping.state)),
        ("LastProcessingResult", shown(|mapping| &mapping.last_result)),
    ]);
    Look { result: found, evidence: vec![evidence] }
}

fn mapping_facts(mapping: &EventSourceMappingConfiguration) -> MappingFacts {
    MappingFacts {
        state: mapping.state().unwrap_or_default().to_owned(),
        last_result: mapping.last_processing_result().unwrap_or_default().to_owned(),
        modified: mapping.last_modified.and_then(moment),
    }
}

async fn function(observed: &Observed<'_>) -> Look<()> {
    let answer = observed.function_answer(Function::Output).await;
    let name = observed.function_name(Function::Output).to_owned();
    let evidence = answer.evidence([("FunctionName", name)]);
    Look { result: answer.result.as_ref().map(|_| ()).map_err(Clone::clone), evidence: vec![evidence] }
}

fn moment(at: DateTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(at.as_nanos()).ok()
}
