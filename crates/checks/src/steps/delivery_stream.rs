//! Step 1: the bucket, and the delivery stream's settings.

use aws_sdk_firehose::types::{
    CompressionFormat, DeliveryStreamDescription, DeliveryStreamStatus, DeliveryStreamType,
    ExtendedS3DestinationDescription,
};
use aws_sdk_kinesis::types::{StreamMode, StreamStatus};

use crate::{
    api_calls::HEAD_BUCKET,
    arn,
    call::{CallError, make},
    clients::CALL_TIMEOUT,
    data_streams::DataStream,
    finding::{Finding, Judged},
    observed::{Observed, Seen, USUAL_CHANGE},
    text::{clip, fixed_part},
};

/// Upper bounds that the lab asks for, so that the learner need not wait for minutes.
const LARGEST_BUFFER_MB: i32 = 5;
const LONGEST_BUFFER_SECONDS: i32 = 60;
/// What Firehose uses when a stream does not say (`BufferingHints`).
const DEFAULT_BUFFER_MB: i32 = 5;
pub(crate) const DEFAULT_BUFFER_SECONDS: i32 = 300;

pub(crate) async fn bucket(observed: &Observed<'_>) -> Judged {
    let bucket = &observed.subject.bucket;
    let region = &observed.subject.region;
    let owner = Some(observed.subject.account.clone()).filter(|account| !account.is_empty());
    let send = observed.clients.s3.head_bucket().bucket(bucket).set_expected_bucket_owner(owner).send();
    let answer = make(&HEAD_BUCKET, observed.clock, CALL_TIMEOUT, send).await;
    let found_region = match &answer.result {
        Ok(output) => output.bucket_region().map(str::to_owned),
        Err(CallError::Moved { region }) => Some(region.clone().unwrap_or_else(|| "another region".to_owned())),
        Err(CallError::Absent) => {
            let message = format!("There is no bucket {bucket} yet. Create it in {region}, then check again.");
            return Ok(Finding::not_yet(format!("the bucket {bucket}"), message).with(answer.evidence([])));
        }
        Err(error) => return Err(Finding::could_not_look(&answer, error)),
    };
    let evidence = answer.evidence([("BucketRegion", found_region.clone().unwrap_or_default())]);
    let finding = match found_region {
        Some(found) if found != *region && !found.is_empty() => Finding::elsewhere(
            &found,
            format!(
                "The bucket {bucket} is in {found}, and the lab runs in {region}. A bucket cannot be moved: delete it and \
                 create it in {region}, or give it another name there."
            ),
        ),
        _ => Finding::pass(format!("The bucket {bucket} exists in {region}.")),
    };
    Ok(finding.with(evidence))
}

pub(crate) async fn active(observed: &Observed<'_>) -> Judged {
    let stream = observed.stream().await?;
    let name = &observed.subject.stream;
    let status = &stream.value.delivery_stream_status;
    let failure = stream.value.failure_description.as_ref();
    let reason = failure
        .map_or_else(String::new, |failure| format!("{}: {}", failure.r#type.as_str(), clip(&failure.details, 200)));
    let evidence =
        stream.evidence([("DeliveryStreamStatus", status.to_string()), ("FailureDescription", reason.clone())]);
    let finding = match status {
        DeliveryStreamStatus::Active => Finding::pass(format!("The delivery stream {name} is active.")),
        DeliveryStreamStatus::Creating => Finding::settling(
            observed.clock.now() + USUAL_CHANGE,
            "AWS is creating the delivery stream",
            format!("AWS is creating the delivery stream {name}. That takes up to a minute."),
        ),
        DeliveryStreamStatus::CreatingFailed | DeliveryStreamStatus::DeletingFailed => Finding::wrong(
            "DeliveryStreamStatus",
            "ACTIVE",
            format!("{status} {reason}").trim_end(),
            format!(
                "AWS could not finish its work on {name}. {reason} Delete the stream (with AllowForceDelete if AWS asks for \
                 it), mend the cause, and create it again."
            ),
        ),
        other => Finding::fault(
            format!("the delivery stream is in a state that we do not know, {}", clip(other.as_str(), 40)),
            "The delivery stream is in a state that this lab does not know. Check again in a minute.",
        ),
    };
    Ok(finding.with(evidence))
}

pub(crate) async fn data_stream(observed: &Observed<'_>) -> Judged {
    let stream = observed.data_stream(DataStream::Clicks).await?;
    let name = &observed.subject.data_stream;
    let value = stream.value;
    let mode = value.stream_mode_details().map_or("PROVISIONED", |details| details.stream_mode.as_str());
    let evidence = stream.evidence([
        ("StreamStatus", value.stream_status.to_string()),
        ("StreamMode", mode.to_owned()),
        ("OpenShardCount", value.open_shard_count.to_string()),
    ]);
    let finding = match not_active(observed, &value.stream_status, name) {
        Some(finding) => finding,
        None if mode != StreamMode::Provisioned.as_str() => Finding::wrong(
            "StreamMode",
            "PROVISIONED",
            clip(mode, 40),
            format!(
                "{name} grows on demand, with four shards or more, which costs more and would count each window in parts. \
                 Change its capacity mode to provisioned, with one shard."
            ),
        ),
        None if value.open_shard_count != 1 => Finding::wrong(
            "OpenShardCount",
            "1",
            value.open_shard_count.to_string(),
            format!("Each shard is counted by itself, and paid for. Set the number of shards of {name} to 1."),
        ),
        None => Finding::pass(format!("The data stream {name} is active and has one shard.")),
    };
    Ok(finding.with(evidence))
}

/// Why a data stream cannot be used yet, if so.
pub(crate) fn not_active(observed: &Observed<'_>, status: &StreamStatus, name: &str) -> Option<Finding> {
    let until = observed.clock.now() + USUAL_CHANGE;
    match status {
        StreamStatus::Active => None,
        StreamStatus::Creating => Some(Finding::settling(
            until,
            "AWS is creating the data stream",
            format!("AWS is creating the data stream {name}. That takes up to a minute."),
        )),
        StreamStatus::Updating => Some(Finding::settling(
            until,
            "AWS is changing the data stream",
            format!("AWS is changing the data stream {name}. That takes a minute or so."),
        )),
        other => Some(Finding::fault(
            format!("the data stream is in a state that we do not know, {}", clip(other.as_str(), 40)),
            "The data stream is in a state that this lab does not know. Check again in a minute.",
        )),
    }
}

pub(crate) async fn source(observed: &Observed<'_>) -> Judged {
    let stream = observed.stream().await?;
    if observed.subject.engine.reads_data_stream() {
        return Ok(data_stream_as_source(observed, &stream));
    }
    let kind = stream.value.delivery_stream_type.as_str();
    let finding = if stream.value.delivery_stream_type == DeliveryStreamType::DirectPut {
        Finding::pass("The stream takes records straight from the sender (Direct PUT).")
    } else {
        Finding::wrong(
            "DeliveryStreamType",
            "DirectPut",
            clip(kind, 60),
            "The stream reads from another source, so that nothing can be put into it. The source cannot be changed \
             later: delete the stream and create it with the source Direct PUT.",
        )
    };
    Ok(finding.with(stream.evidence([("DeliveryStreamType", kind.to_owned())])))
}

fn data_stream_as_source(observed: &Observed<'_>, stream: &Seen<'_, DeliveryStreamDescription>) -> Finding {
    let subject = observed.subject;
    let kind = stream.value.delivery_stream_type.as_str();
    let arn = stream
        .value
        .source()
        .and_then(|source| source.kinesis_stream_source_description())
        .and_then(|source| source.kinesis_stream_arn())
        .unwrap_or_default();
    let evidence = stream.evidence([("DeliveryStreamType", kind.to_owned()), ("KinesisStreamARN", arn.to_owned())]);
    let remedy = format!(
        "The source cannot be changed later: delete the stream and create it with the data stream {} as source.",
        subject.data_stream
    );
    let finding = if stream.value.delivery_stream_type != DeliveryStreamType::KinesisStreamAsSource {
        Finding::wrong(
            "DeliveryStreamType",
            "KinesisStreamAsSource",
            clip(kind, 60),
            format!("The stream does not read your data stream, so that no click would be delivered. {remedy}"),
        )
    } else if !DataStream::Clicks.is(arn, subject) {
        Finding::wrong(
            "KinesisStreamARN",
            DataStream::Clicks.arn(subject),
            if arn.is_empty() { "none".to_owned() } else { clip(arn, 200) },
            format!("The stream reads another data stream. {remedy}"),
        )
    } else {
        Finding::pass(format!("The stream reads the data stream {}.", subject.data_stream))
    };
    finding.with(evidence)
}

pub(crate) async fn destination(observed: &Observed<'_>) -> Judged {
    let stream = observed.stream().await?;
    let s3 = s3_destination(&stream)?;
    let subject = observed.subject;
    let bucket = s3.bucket_arn.rsplit(':').next().unwrap_or_default();
    let role = arn::role_name(&s3.role_arn);
    let evidence = stream.evidence([("BucketARN", s3.bucket_arn.clone()), ("RoleARN", s3.role_arn.clone())]);
    let finding = if bucket != subject.bucket {
        Finding::wrong(
            "BucketARN",
            format!("arn:aws:s3:::{}", subject.bucket),
            clip(&s3.bucket_arn, 120),
            format!("The stream delivers to another bucket. Change its destination to {}.", subject.bucket),
        )
    } else if role != subject.roles.firehose
        || !(subject.account.is_empty() || arn::account(&s3.role_arn) == subject.account)
    {
        Finding::wrong(
            "RoleARN",
            format!("arn:aws:iam::{}:role/{}", subject.account, subject.roles.firehose),
            clip(&s3.role_arn, 200),
            format!(
                "The stream writes with another role than the lab's. Change it to {}, which may write to your bucket and \
                 nothing else.",
                subject.roles.firehose
            ),
        )
    } else {
        Finding::pass(format!("The stream delivers to {bucket} with the role {role}."))
    };
    Ok(finding.with(evidence))
}

pub(crate) async fn prefix(observed: &Observed<'_>) -> Judged {
    let stream = observed.stream().await?;
    let s3 = s3_destination(&stream)?;
    let prefix = s3.prefix.as_deref().unwrap_or_default();
    let error_prefix = s3.error_output_prefix.as_deref().unwrap_or_default();
    let evidence = stream.evidence([("Prefix", prefix.to_owned()), ("ErrorOutputPrefix", error_prefix.to_owned())]);
    let expected = &observed.subject.prefix;
    let expected_errors = &observed.subject.error_prefix;
    let finding = if !begins_as_asked(prefix, expected) {
        wrong_prefix("Prefix", expected, prefix, "objects")
    } else if !begins_as_asked(error_prefix, expected_errors) {
        wrong_prefix("ErrorOutputPrefix", expected_errors, error_prefix, "records that could not be delivered")
    } else {
        Finding::pass(format!("Objects go under {expected}, and what could not be delivered under {expected_errors}."))
    };
    Ok(finding.with(evidence))
}

/// A prefix may go on with Firehose's own expressions, as in `clicks/!{timestamp:yyyy/MM/dd}/`.
fn begins_as_asked(found: &str, expected: &str) -> bool {
    found == expected || (found.contains("!{") && fixed_part(found) == expected)
}

fn wrong_prefix(setting: &str, expected: &str, found: &str, what: &str) -> Finding {
    let slash = if format!("{found}/") == expected {
        " The slash at the end is missing: Firehose puts the date right behind the prefix."
    } else {
        ""
    };
    let found = if found.is_empty() { "no prefix".to_owned() } else { clip(found, 120) };
    Finding::wrong(
        setting,
        expected,
        found,
        format!("The stream puts {what} somewhere else than the lab looks. Set {setting} to {expected}.{slash}"),
    )
}

pub(crate) async fn buffering(observed: &Observed<'_>) -> Judged {
    let stream = observed.stream().await?;
    let s3 = s3_destination(&stream)?;
    let (megabytes, seconds) = buffer(s3);
    let evidence = stream.evidence([
        ("BufferingHints.SizeInMBs", megabytes.to_string()),
        ("BufferingHints.IntervalInSeconds", seconds.to_string()),
    ]);
    let finding = if seconds > LONGEST_BUFFER_SECONDS {
        Finding::wrong(
            "BufferingHints.IntervalInSeconds",
            format!("at most {LONGEST_BUFFER_SECONDS}"),
            seconds.to_string(),
            format!(
                "Firehose holds records back for {seconds} seconds before it writes them, and you would wait as long for \
                 your first object. Set the interval to {LONGEST_BUFFER_SECONDS} seconds or less."
            ),
        )
    } else if megabytes > LARGEST_BUFFER_MB {
        Finding::wrong(
            "BufferingHints.SizeInMBs",
            format!("at most {LARGEST_BUFFER_MB}"),
            megabytes.to_string(),
            format!("The buffer is larger than the lab needs. Set its size to {LARGEST_BUFFER_MB} MiB or less."),
        )
    } else {
        Finding::pass(format!(
            "Firehose writes an object after {seconds} seconds or {megabytes} MiB, whichever comes first."
        ))
    };
    Ok(finding.with(evidence))
}

pub(crate) async fn compression(observed: &Observed<'_>) -> Judged {
    let stream = observed.stream().await?;
    let s3 = s3_destination(&stream)?;
    let found = s3.compression_format.as_str();
    let finding = if s3.compression_format == CompressionFormat::Gzip {
        Finding::pass("Objects are compressed with GZIP.")
    } else {
        Finding::wrong(
            "CompressionFormat",
            "GZIP",
            clip(found, 40),
            "Click rows shrink to a fraction with GZIP, and so does the bill. Set the compression of the S3 destination \
             to GZIP.",
        )
    };
    Ok(finding.with(stream.evidence([("CompressionFormat", found.to_owned())])))
}

/// Size in MiB and interval in seconds, with Firehose's defaults where the stream is silent.
pub(crate) fn buffer(s3: &ExtendedS3DestinationDescription) -> (i32, i32) {
    let hints = s3.buffering_hints.as_ref();
    (
        hints.and_then(|hints| hints.size_in_mbs).unwrap_or(DEFAULT_BUFFER_MB),
        hints.and_then(|hints| hints.interval_in_seconds).unwrap_or(DEFAULT_BUFFER_SECONDS),
    )
}

/// The S3 destination, in its extended form: the plain one is deprecated.
pub(crate) fn s3_destination<'a>(
    stream: &Seen<'a, DeliveryStreamDescription>,
) -> Result<&'a ExtendedS3DestinationDescription, Finding> {
    extended_s3(stream.value).ok_or_else(|| {
        Finding::wrong(
            "Destinations",
            "Amazon S3",
            "no S3 destination",
            "The stream delivers to something else than Amazon S3. Delete it and create it with an S3 destination.",
        )
        .with(stream.evidence([("Destinations", stream.value.destinations.len().to_string())]))
    })
}

pub(crate) fn extended_s3(stream: &DeliveryStreamDescription) -> Option<&ExtendedS3DestinationDescription> {
    stream.destinations.first()?.extended_s3_destination_description.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_may_go_on_with_expressions() {
        assert!(begins_as_asked("clicks/", "clicks/"));
        assert!(begins_as_asked("clicks/!{timestamp:yyyy/MM/dd}/", "clicks/"));
        assert!(!begins_as_asked("clicks", "clicks/"));
        assert!(!begins_as_asked("clicks/raw/", "clicks/"));
        assert!(!begins_as_asked("", "clicks/"));
    }
}
