//! Step 2: objects arrive, can be read, and hold click rows.

use aws_sdk_firehose::types::{
    DeliveryStreamStatus, ExtendedS3DestinationDescription, Processor, ProcessorParameterName,
};
use time::{Duration, OffsetDateTime};

use super::delivery_stream::{DEFAULT_BUFFER_SECONDS, buffer, extended_s3};
use crate::{
    call::{Answer, CallError},
    finding::{Finding, Judged},
    objects::{Content, Listing, Object},
    observed::{Observed, USUAL_CHANGE},
    rows::{BadLine, read_rows},
    text::{clip, counted},
};

/// What S3 and Firehose need on top of the buffering interval.
const DELIVERY: Duration = Duration::seconds(15);

pub(crate) async fn objects(observed: &Observed<'_>) -> Judged {
    let (answer, newest) = newest(observed).await?;
    let listing = answer.result.as_ref().map_or(0, |listing| listing.objects.len());
    let more = answer.result.as_ref().is_ok_and(|listing| listing.more);
    let count = if more { format!("more than {listing} objects") } else { counted(listing, "object") };
    let finding = Finding::pass(format!("There are {count} of yours under {}.", observed.subject.prefix));
    Ok(finding.with(answer.evidence([
        ("objects", count),
        ("Key", newest.key.clone()),
        ("Size", newest.size.to_string()),
        ("LastModified", newest.modified.to_string()),
    ])))
}

pub(crate) async fn readable(observed: &Observed<'_>) -> Judged {
    let (_, newest) = newest(observed).await?;
    let (answer, content) = content(observed, newest).await?;
    let finding = Finding::pass(format!(
        "We read {} of text from {} (compression: {}).",
        counted(content.text.len(), "byte"),
        file_name(&newest.key),
        content.compression
    ));
    Ok(finding.with(answer.evidence([
        ("Key", newest.key.clone()),
        ("compression", content.compression.to_owned()),
        ("bytes of text", content.text.len().to_string()),
    ])))
}

pub(crate) async fn rows(observed: &Observed<'_>) -> Judged {
    let (_, newest) = newest(observed).await?;
    let (answer, content) = content(observed, newest).await?;
    let rows = read_rows(&content.text, content.cut);
    let object = file_name(&newest.key);
    let evidence = answer.evidence([
        ("Key", newest.key.clone()),
        ("good rows", rows.good.to_string()),
        ("bad lines", rows.bad.to_string()),
        ("first bad line", rows.first_bad.as_ref().map(ToString::to_string).unwrap_or_default()),
    ]);
    let expected = "lines of prev, curr, type and n, split by tabs";
    let finding = match &rows.first_bad {
        Some(BadLine { ticker: true, .. }) => Finding::wrong(
            "rows",
            expected,
            "the AWS console's demo data: stock tickers in JSON",
            "These are stock tickers, which the AWS console sends when you press \"Start sending demo data\". Stop that \
             there, and send demo clicks from this page.",
        ),
        Some(bad) => Finding::wrong(
            "rows",
            expected,
            bad.to_string(),
            format!(
                "{} of {object} cannot be a click row; the first is line {}: {}. Send clicks again; the newest object \
                 counts.",
                counted(rows.bad, "line"),
                bad.number,
                bad.why
            ),
        ),
        None if rows.good == 0 => Finding::wrong(
            "rows",
            expected,
            "no line of text",
            format!("{object} holds no line of text. Send demo clicks; the newest object counts."),
        ),
        None => Finding::pass(format!("All of the {} read from {object} are clicks.", counted(rows.good, "row"))),
    };
    Ok(finding.with(evidence))
}

/// The newest delivered object, or why there is none.
async fn newest<'a>(observed: &'a Observed<'_>) -> Result<(&'a Answer<Listing>, &'a Object), Finding> {
    let answer = observed.objects().await;
    match &answer.result {
        Ok(listing) => match listing.objects.first() {
            Some(newest) => Ok((answer, newest)),
            None => Err(nothing_delivered(observed).await.with(answer.evidence([("objects", "0".to_owned())]))),
        },
        Err(CallError::Absent) => {
            let bucket = &observed.subject.bucket;
            let message = format!("There is no bucket {bucket}. Go back to the step before and create it.");
            Err(Finding::not_yet(format!("the bucket {bucket}"), message).with(answer.evidence([])))
        }
        Err(CallError::Moved { region }) => {
            let region = region.as_deref().unwrap_or("another region");
            let message = format!(
                "The bucket is in {region}, and the lab runs in {}. Go back to the step before.",
                observed.subject.region
            );
            Err(Finding::elsewhere(region, message).with(answer.evidence([])))
        }
        Err(error) => Err(Finding::could_not_look(answer, error)),
    }
}

/// Why the bucket may be empty, from the state of the stream and the time of sending.
async fn nothing_delivered(observed: &Observed<'_>) -> Finding {
    let stream = match observed.stream().await {
        Ok(stream) => stream,
        Err(finding) => return finding,
    };
    let status = &stream.value.delivery_stream_status;
    let s3 = extended_s3(stream.value);
    let seconds = s3.map_or(DEFAULT_BUFFER_SECONDS, |s3| buffer(s3).1) + s3.map_or(0, transformation_seconds);
    let evidence =
        stream.evidence([("DeliveryStreamStatus", status.to_string()), ("seconds of buffering", seconds.to_string())]);
    let now = observed.clock.now();
    if *status == DeliveryStreamStatus::Creating {
        let message = "AWS is creating the delivery stream. Send clicks once it is active.";
        return Finding::settling(now + USUAL_CHANGE, "AWS is creating the delivery stream", message).with(evidence);
    }
    let what = "delivered objects";
    let Some(sent_at) = observed.subject.sent_at else {
        let message = format!(
            "Nothing has been delivered yet. Send demo clicks; Firehose writes the first object {seconds} seconds later."
        );
        return Finding::not_yet(what, message).with(evidence);
    };
    let until = sent_at + Duration::seconds(i64::from(seconds)) + DELIVERY;
    if now < until {
        let message = format!(
            "Firehose holds your clicks back for {seconds} seconds before it writes them. The first object should be \
             there at {}.",
            clock_time(until)
        );
        return Finding::settling(until, "Firehose is buffering", message).with(evidence);
    }
    let errors = observed.undelivered().await;
    match &errors.result {
        Ok(Listing { objects, .. }) if !objects.is_empty() => {
            let error_prefix = &observed.subject.error_prefix;
            let newest = objects.first().map_or("", |object| object.key.as_str());
            Finding::wrong(
                "delivery",
                format!("objects under {}", observed.subject.prefix),
                format!("{} under {error_prefix}", counted(objects.len(), "object")),
                format!(
                    "Firehose could not deliver your clicks and put them under {error_prefix} instead. The newest of \
                     those objects tells why: {}.",
                    clip(newest, 200)
                ),
            )
            .with(errors.evidence([("Key", newest.to_owned())]))
        }
        _ => Finding::not_yet(
            what,
            format!(
                "Clicks were sent at {}, and no object has arrived. See whether the stream delivers to your bucket under \
                 {} (the step before), and whether its role may write there; then send again.",
                clock_time(sent_at),
                observed.subject.prefix
            ),
        ),
    }
    .with(evidence)
}

/// For how long a stream that transforms its records gathers them before it calls the function.
pub(crate) fn transformation_seconds(s3: &ExtendedS3DestinationDescription) -> i32 {
    /// What Firehose takes where the stream does not say.
    const DEFAULT: i32 = 60;
    let Some(processing) = s3.processing_configuration().filter(|processing| processing.enabled == Some(true)) else {
        return 0;
    };
    let mut parameters = processing.processors().iter().flat_map(Processor::parameters);
    let interval = parameters.find(|one| one.parameter_name == ProcessorParameterName::BufferIntervalInSeconds);
    interval
        .and_then(|one| one.parameter_value.parse().ok())
        .filter(|seconds| (0..=900).contains(seconds))
        .unwrap_or(DEFAULT)
}

async fn content<'a>(
    observed: &'a Observed<'_>,
    newest: &Object,
) -> Result<(&'a Answer<crate::objects::Sample>, Content), Finding> {
    let answer = observed.sample(newest).await;
    let sample = match &answer.result {
        Ok(sample) => sample,
        Err(CallError::Absent) => {
            let message = "The newest object was deleted while we looked. Send demo clicks, then check again.";
            return Err(Finding::not_yet("delivered objects", message).with(answer.evidence([])));
        }
        Err(CallError::Refused { code, .. }) if code == "InvalidObjectState" => {
            let message = "The newest object was moved to an archive, where it cannot be read. Send demo clicks again.";
            let finding = Finding::wrong("StorageClass", "STANDARD", "an archived object", message);
            return Err(finding.with(answer.evidence([])));
        }
        Err(error) => return Err(Finding::could_not_look(answer, error)),
    };
    sample.content().map(|content| (answer, content)).map_err(|unreadable| {
        Finding::wrong(
            unreadable.setting,
            unreadable.expected,
            &unreadable.found,
            format!(
                "{} holds {}; the lab needs {}. Mend the stream's settings, then send again: the newest object counts.",
                file_name(&newest.key),
                unreadable.found,
                unreadable.expected
            ),
        )
        .with(answer.evidence([("Key", newest.key.clone())]))
    })
}

fn file_name(key: &str) -> String {
    clip(key.rsplit('/').next().unwrap_or(key), 120)
}

/// The time of day in UTC, as "19:04:05 UTC".
pub(crate) fn clock_time(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{:02}:{:02}:{:02} UTC", at.hour(), at.minute(), at.second())
}
