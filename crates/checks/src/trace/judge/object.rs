//! The delivery to S3.

use time::{Duration, OffsetDateTime};

use super::{could_not_look, end_of, stopped, unknown};
use crate::{
    call::CallError,
    steps::{delivery_stream::DEFAULT_BUFFER_SECONDS, ingest::clock_time},
    subject::Subject,
    trace::{
        Hop, HopName, HopState, Run,
        facts::{Facts, Look, StreamFacts},
        objects::Delivered,
    },
};

/// What S3 and Firehose need on top of the buffering interval, and what they need more to read a data stream.
const DELIVERY: Duration = Duration::seconds(15);
const READING: Duration = Duration::seconds(15);
/// How long AWS usually takes to create a delivery stream.
const CREATION: Duration = Duration::seconds(30);

pub(super) fn hop(subject: &Subject, run: &Run, facts: &Facts, now: OffsetDateTime) -> Hop {
    let state = state(subject, run, facts, now);
    let mut evidence = facts.delivered.evidence.clone();
    // The stream tells how long to wait, and why in vain.
    if !matches!(state, HopState::Reached { .. }) {
        evidence.extend(facts.stream.evidence.iter().cloned());
        evidence.extend(facts.undelivered.iter().flat_map(|look| look.evidence.iter().cloned()));
    }
    Hop { name: HopName::Object, state, evidence }
}

fn state(subject: &Subject, run: &Run, facts: &Facts, now: OffsetDateTime) -> HopState {
    let due = due(subject, run, &facts.stream);
    let bucket = &subject.bucket;
    let delivered = match &facts.delivered.result {
        Ok(delivered) => delivered,
        Err(CallError::Absent) => {
            return stopped(
                format!("There is no bucket {bucket}."),
                "Create the bucket. Firehose goes on trying for a day; then send again.",
            );
        }
        Err(error) => return unknown(could_not_look(error)),
    };
    let count = delivered.marks;
    if count >= run.marks_accepted || (count > 0 && now >= due) {
        return HopState::Reached { count, at: delivered.first };
    }
    if count > 0 {
        let why = format!(
            "{count} of {} marked rows are in the bucket. Firehose writes the others until {}.",
            run.marks_accepted,
            clock_time(due)
        );
        return HopState::Waiting { until: due, why };
    }
    blocked(subject, run, &facts.stream, now).unwrap_or_else(|| absent(subject, facts, delivered, due, now))
}

/// What the delivery stream itself says against a delivery.
fn blocked(subject: &Subject, run: &Run, stream: &Look<StreamFacts>, now: OffsetDateTime) -> Option<HopState> {
    let name = &subject.stream;
    let stream = match &stream.result {
        Ok(stream) => stream,
        Err(CallError::Absent) => {
            return Some(stopped(
                format!("There is no delivery stream {name}, so that nothing takes the rows on to S3."),
                "Create it, then send again.",
            ));
        }
        Err(_) => return None,
    };
    if !stream.has_source {
        return Some(stopped(
            format!("The delivery stream {name} does not read the data stream {}.", subject.data_stream),
            "A delivery stream keeps its source. Delete it, and create it anew with the data stream as its source.",
        ));
    }
    if stream.created.is_some_and(|created| created > end_of(run)) {
        return Some(stopped(
            format!("The delivery stream {name} was created after these clicks were sent, and reads later ones alone."),
            "Send again.",
        ));
    }
    match stream.status.as_str() {
        "ACTIVE" => None,
        "CREATING" => Some(HopState::Waiting {
            until: now + CREATION,
            why: format!("AWS is creating the delivery stream {name}."),
        }),
        "DELETING" => Some(stopped(
            format!("The delivery stream {name} is being deleted."),
            "Wait until it is gone, create it again, then send again.",
        )),
        status => Some(stopped(
            format!("The delivery stream {name} is in the state {status}."),
            "Delete it, create it anew, then send again.",
        )),
    }
}

/// Why no object holds a marked row, though the delivery stream looks well or could not be looked at.
fn absent(
    subject: &Subject,
    facts: &Facts,
    delivered: &Delivered,
    due: OffsetDateTime,
    now: OffsetDateTime,
) -> HopState {
    if let Some(Ok(Some(key))) = facts.undelivered.as_ref().map(|look| &look.result) {
        let processing_failed = key.contains("processing-failed/");
        let why = if processing_failed {
            format!("Firehose gave up on the function that transforms the rows, and set them aside: {key}.")
        } else {
            format!("Firehose could not deliver rows, and set them aside: {key}.")
        };
        let advice = if processing_failed {
            "Look into the function's log, mend it, then send again."
        } else {
            "The object tells the error. Mend its cause, then send again."
        };
        return stopped(why, advice);
    }
    if now < due {
        let why =
            format!("Firehose holds rows back before it writes them. They should be there at {}.", clock_time(due));
        return HopState::Waiting { until: due, why };
    }
    if let Some(found) = &delivered.unreadable {
        return unknown(format!("The objects hold {found}, which we do not read. The lab delivers them as GZIP."));
    }
    if delivered.cut {
        return unknown("There are more objects than we read, and the marked rows may be in the others.");
    }
    if let Err(error) = &facts.stream.result {
        return unknown(could_not_look(error));
    }
    stopped(
        format!("The rows were due at {}, and no object under {} holds one.", clock_time(due), subject.prefix),
        format!(
            "See whether {} delivers to {} under {}, and whether its role may write there; then send again.",
            subject.stream, subject.bucket, subject.prefix
        ),
    )
}

/// When everything should have been delivered.
fn due(subject: &Subject, run: &Run, stream: &Look<StreamFacts>) -> OffsetDateTime {
    let default = Duration::seconds(i64::from(DEFAULT_BUFFER_SECONDS));
    let holds_back = stream.result.as_ref().map_or(default, |stream| stream.holds_back);
    let reading = if subject.engine.reads_data_stream() { READING } else { Duration::ZERO };
    end_of(run) + holds_back + reading + DELIVERY
}
