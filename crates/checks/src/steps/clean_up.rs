//! Step 6: everything gone. Only the service's own "not found" proves that; a refusal never does.

use aws_sdk_dynamodb::types::TableStatus;
use aws_sdk_firehose::types::DeliveryStreamStatus;
use aws_sdk_kinesis::types::StreamStatus;
use aws_sdk_kinesisanalyticsv2::types::ApplicationStatus;

use crate::{
    api_calls::HEAD_BUCKET,
    call::{Answer, CallError, make},
    clients::CALL_TIMEOUT,
    data_streams::DataStream,
    engine::Engine,
    finding::{Finding, Judged},
    observed::{Function, Observed, USUAL_CHANGE},
    verdict::Evidence,
};

pub(crate) async fn application(observed: &Observed<'_>) -> Judged {
    let answer = observed.application_answer().await;
    let name = format!("the application {}", observed.subject.application);
    let status = match &answer.result {
        Ok(application) => &application.application_status,
        Err(CallError::Absent) => return Ok(gone(&name, answer, observed.application_elsewhere().await)),
        // No SQL application can be left where the service is closed.
        Err(CallError::Retired) if observed.subject.engine == Engine::SqlApplication => {
            return Ok(gone(&name, answer, None));
        }
        Err(error) => return Err(Finding::could_not_look(answer, error)),
    };
    let finding = match status {
        ApplicationStatus::Deleting => going(observed, &name),
        _ => still_there(&name, "It costs money as long as it runs."),
    };
    Ok(finding.with(answer.evidence([("ApplicationStatus", status.to_string())])))
}

pub(crate) async fn stream(observed: &Observed<'_>) -> Judged {
    let answer = observed.stream_answer().await;
    let name = format!("the delivery stream {}", observed.subject.stream);
    let status = match &answer.result {
        Ok(stream) => &stream.delivery_stream_status,
        Err(CallError::Absent) => return Ok(gone(&name, answer, observed.stream_elsewhere().await)),
        Err(error) => return Err(Finding::could_not_look(answer, error)),
    };
    let finding = match status {
        DeliveryStreamStatus::Deleting => going(observed, &name),
        DeliveryStreamStatus::DeletingFailed => Finding::wrong(
            "DeliveryStreamStatus",
            "gone",
            "DELETING_FAILED",
            "AWS could not delete the delivery stream, most likely because a key or role it used is gone. Delete it again \
             with AllowForceDelete.",
        ),
        _ => still_there(
            &name,
            "A stream that gets no records costs nothing, and yet it should not be left lying about.",
        ),
    };
    Ok(finding.with(answer.evidence([("DeliveryStreamStatus", status.to_string())])))
}

pub(crate) async fn data_stream(observed: &Observed<'_>, stream: DataStream) -> Judged {
    let answer = observed.data_stream_answer(stream).await;
    let name = stream.titled(observed.subject);
    let status = match &answer.result {
        Ok(summary) => &summary.stream_status,
        Err(CallError::Absent) => return Ok(gone(&name, answer, observed.data_stream_elsewhere(stream).await)),
        Err(error) => return Err(Finding::could_not_look(answer, error)),
    };
    let finding = match status {
        StreamStatus::Deleting => going(observed, &name),
        _ => still_there(&name, "Its shards cost money by the hour, also when no clicks arrive."),
    };
    Ok(finding.with(answer.evidence([("StreamStatus", status.to_string())])))
}

/// Mappings are no part of the function or the stream: they stay when those are deleted.
pub(crate) async fn mapping(observed: &Observed<'_>) -> Judged {
    let stream = match observed.subject.engine {
        Engine::Flink => DataStream::Counts,
        Engine::SqlApplication | Engine::TumblingWindow => DataStream::Clicks,
    };
    let answer = observed.mappings_from(stream).await;
    let left: Vec<&str> = match &answer.result {
        Ok(mappings) => {
            let from_here =
                mappings.iter().filter(|one| stream.is(one.event_source_arn().unwrap_or_default(), observed.subject));
            from_here.map(|mapping| mapping.state().unwrap_or_default()).collect()
        }
        Err(CallError::Absent) => Vec::new(),
        Err(error) => return Err(Finding::could_not_look(&answer, error)),
    };
    let name = format!("the event source mapping of {}", stream.titled(observed.subject));
    let finding = match left.as_slice() {
        [] => Finding::pass(format!("No event source mapping of {} is left.", stream.titled(observed.subject))),
        states if states.iter().all(|state| *state == "Deleting") => going(observed, &name),
        _ => still_there(&name, "It is not deleted with the function or the stream."),
    };
    Ok(finding.with(answer.evidence([("EventSourceMappings", left.len().to_string()), ("State", left.join(", "))])))
}

pub(crate) async fn functions(observed: &Observed<'_>) -> Judged {
    let mut evidence = Vec::new();
    let mut remaining = Vec::new();
    let mut strayed = None;
    for function in [Function::Preprocess, Function::Output] {
        let answer = observed.function_answer(function).await;
        match &answer.result {
            Ok(configuration) => {
                remaining.push(observed.function_name(function));
                let arn = configuration.function_arn().unwrap_or_default().to_owned();
                evidence.push(answer.evidence([("FunctionArn", arn)]));
            }
            Err(CallError::Absent) => {
                evidence.push(answer.evidence([]));
                let elsewhere = observed.function_elsewhere(function).await;
                strayed = strayed.or(elsewhere.map(|elsewhere| (function, elsewhere)));
            }
            Err(error) => return Err(Finding::could_not_look(answer, error).with_all(evidence)),
        }
    }
    let finding = match (remaining.as_slice(), strayed) {
        ([], None) => Finding::pass("Both functions are gone."),
        ([], Some((function, elsewhere))) => {
            left_behind(&format!("the function {}", observed.function_name(function)), elsewhere)
        }
        ([name], _) => still_there(&format!("the function {name}"), ""),
        (names, _) => still_there(&format!("the functions {}", names.join(" and ")), ""),
    };
    Ok(finding.with_all(evidence))
}

pub(crate) async fn table(observed: &Observed<'_>) -> Judged {
    let answer = observed.table_answer().await;
    let name = format!("the table {}", observed.subject.table);
    let status = match &answer.result {
        Ok(table) => table.table_status.as_ref(),
        Err(CallError::Absent) => return Ok(gone(&name, answer, observed.table_elsewhere().await)),
        Err(error) => return Err(Finding::could_not_look(answer, error)),
    };
    let finding = match status {
        Some(TableStatus::Deleting) => going(observed, &name),
        _ => still_there(&name, "Its items are kept, and paid for, until it is deleted."),
    };
    Ok(finding.with(answer.evidence([("TableStatus", status.map(ToString::to_string).unwrap_or_default())])))
}

/// Without naming the expected owner: a bucket of that name in other hands is not the learner's any more, and
/// S3 then refuses to answer, which is reported as such.
pub(crate) async fn bucket(observed: &Observed<'_>) -> Judged {
    let bucket = &observed.subject.bucket;
    let send = observed.clients.s3.head_bucket().bucket(bucket).send();
    let answer = make(&HEAD_BUCKET, observed.clock, CALL_TIMEOUT, send).await;
    let name = format!("the bucket {bucket}");
    let finding = match &answer.result {
        Ok(_) => still_there(&name, "It must be empty before S3 deletes it; stored objects cost money."),
        Err(CallError::Absent) => return Ok(gone(&name, &answer, None)),
        Err(CallError::Moved { region }) => {
            let region = region.as_deref().unwrap_or("another region");
            Finding::elsewhere(region, format!("You still have {name} in {region}. Empty it and delete it."))
        }
        Err(error) => return Err(Finding::could_not_look(&answer, error)),
    };
    Ok(finding.with(answer.evidence([("exists", "yes".to_owned())])))
}

fn gone<T>(name: &str, answer: &Answer<T>, elsewhere: Option<&Evidence>) -> Finding {
    let finding = match elsewhere {
        Some(elsewhere) => left_behind(name, elsewhere),
        None => Finding::pass(format!("{} is gone.", capital(name))),
    };
    finding.with(answer.evidence([]))
}

/// The thing is gone from the lab's region, and one of the same name is left in another.
fn left_behind(name: &str, elsewhere: &Evidence) -> Finding {
    let region = elsewhere.fields.first().map_or("another region", |(_, region)| region);
    Finding::elsewhere(
        region,
        format!("In the lab's region {name} is gone, and one of the same name is left in {region}. Delete that, too."),
    )
    .with(elsewhere.clone())
}

fn going(observed: &Observed<'_>, name: &str) -> Finding {
    let why = format!("{} is being deleted", capital(name));
    let message = format!("{why}. Nothing more is to be done; we will look again.");
    Finding::settling(observed.clock.now() + USUAL_CHANGE, why, message)
}

fn still_there(name: &str, cost: &str) -> Finding {
    let message = format!("You still have {name}. {cost} Delete it, then check again.").replace("  ", " ");
    Finding::not_yet(format!("the deletion of {}", name.strip_prefix("the ").unwrap_or(name)), message)
}

fn capital(name: &str) -> String {
    name.replacen("the ", "The ", 1)
}
