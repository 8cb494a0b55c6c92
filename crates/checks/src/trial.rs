//! The made-up window for the counting function, and the judgement of its answers.
//!
//! The event is the one that Lambda sends for a Kinesis stream with a tumbling window; the answer holds the state for
//! the next call ("Using Lambda to process records from Amazon Kinesis Data Streams", time windows). The window lies in
//! the year 2000, where no real one can be, so that whatever the function stores is known to be a trial.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

use crate::{arn, data_streams::DataStream, finding::Finding, observed::Observed, subject::Subject, text::clip};

/// Window ends of trials begin so.
pub(crate) const TRIAL_YEAR: &str = "2000-";
/// Window ends of trials sort before this text, real ones behind it.
pub(crate) const TRIALS_END: &str = "2001";
/// The sum of the hits of the rows below.
pub(crate) const TRIAL_VIEWS: u64 = 11;
const ROWS: [&str; 3] = [
    "other-search\tHeadwater_check\texternal\t4\n",
    "Headwater_check\tZürich,_\"東京\"\tlink\t6\n",
    "other-empty\tHeadwater_check\texternal\t1\n",
];
/// Lambda takes a state of 1 MB.
const LARGEST_STATE: usize = 1_000_000;

/// A window of its own for each test: a function that stores a window but once would keep an old number.
pub(crate) struct Trial<'a> {
    subject: &'a Subject,
    start: OffsetDateTime,
}

/// Which check makes the trial. Those that are made in one second must not share a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether it counts: windows of the first half of the year.
    Counting,
    /// Whether a repetition changes nothing: those of the second half.
    Repetition,
}

fn start_at(now: OffsetDateTime, purpose: Purpose) -> OffsetDateTime {
    let half = match purpose {
        Purpose::Counting => 0,
        Purpose::Repetition => HALF_A_YEAR,
    };
    datetime!(2000-01-01 00:00 UTC) + Duration::seconds(half + now.unix_timestamp().rem_euclid(HALF_A_YEAR))
}

/// Seconds in half of the trials' year.
const HALF_A_YEAR: i64 = 182 * 24 * 60 * 60;

impl<'a> Trial<'a> {
    pub(crate) fn new(observed: &Observed<'a>, purpose: Purpose) -> Self {
        Self { subject: observed.subject, start: start_at(observed.clock.start(), purpose) }
    }

    /// The key that its items must have.
    pub(crate) fn window_end(&self) -> String {
        iso(self.start + Duration::seconds(i64::from(self.subject.window_seconds)))
    }

    /// Some records, within the window.
    pub(crate) fn records_event(&self) -> Value {
        let record = |(index, row): (usize, &&str)| {
            kinesis_record(self.subject, DataStream::Clicks, index, row.as_bytes(), self.start)
        };
        let records: Vec<Value> = ROWS.iter().enumerate().map(record).collect();
        self.event(&records, &json!({}), false)
    }

    /// The end of the window.
    pub(crate) fn final_event(&self, state: &Value) -> Value {
        self.event(&[], state, true)
    }

    fn event(&self, records: &[Value], state: &Value, is_final: bool) -> Value {
        json!({
            "Records": records,
            "window": { "start": iso(self.start), "end": self.window_end() },
            "state": state,
            "shardId": SHARD,
            "eventSourceARN": DataStream::Clicks.arn(self.subject),
            "isFinalInvokeForWindow": is_final,
            "isWindowTerminatedEarly": false,
        })
    }

    /// The state in the answer to [`Self::records_event`].
    pub(crate) fn state_in(&self, payload: &[u8]) -> Result<Value, Finding> {
        let answer = answer(payload)?;
        let state = answer.get("state").cloned().unwrap_or_default();
        let fault = |found: String, advice: &str| Err(Finding::wrong("state", "the counts so far", found, advice));
        match &state {
            Value::Object(counts) if counts.is_empty() => fault(
                "an empty state".to_owned(),
                "The function got three clicks and keeps nothing of them: the next call would begin at nought. Answer with \
                 the counts as state.",
            ),
            Value::Object(_) if state.to_string().len() > LARGEST_STATE => {
                fault("a state of more than 1 MB".to_owned(), "Lambda takes a state of 1 MB. Keep less in it.")
            }
            Value::Object(_) => Ok(state),
            Value::Null => fault(
                "no state".to_owned(),
                "Lambda hands the next call what this one answers as state. Answer with {\"state\": {…}}.",
            ),
            other => fault(clip(&other.to_string(), 120), "The state must be a JSON object, as {\"views\": 1}."),
        }
    }

    /// Whether the answer to [`Self::final_event`] is one; its state is of no use any more.
    pub(crate) fn took_the_end(&self, payload: &[u8]) -> Result<(), Finding> {
        answer(payload).map(drop)
    }
}

const SHARD: &str = "shardId-000000000000";

/// A record as Lambda hands it to a function.
pub(crate) fn kinesis_record(
    subject: &Subject,
    stream: DataStream,
    index: usize,
    data: &[u8],
    at: OffsetDateTime,
) -> Value {
    let Subject { account, region, roles, .. } = subject;
    let sequence = format!("{}{index:04}", "4965".repeat(13));
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "headwater_check",
            "sequenceNumber": sequence,
            "data": BASE64_STANDARD.encode(data),
            "approximateArrivalTimestamp": at.unix_timestamp() as f64 + 0.5,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("{SHARD}:{sequence}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": format!("arn:{}:iam::{account}:role/{}", arn::partition(region), roles.lambda),
        "awsRegion": region,
        "eventSourceARN": stream.arn(subject),
    })
}

/// The answer to an event of a stream, in which no record may have failed. `null` is a good answer, too.
pub(crate) fn answer(payload: &[u8]) -> Result<Value, Finding> {
    let shown = || clip(&String::from_utf8_lossy(&payload[..payload.len().min(400)]), 200);
    let answer: Option<Value> = serde_json::from_slice(payload).ok();
    let Some(answer @ (Value::Object(_) | Value::Null)) = answer else {
        let shape = "{\"state\": {…}, \"batchItemFailures\": []}";
        let advice = "The answer has another shape than Lambda reads. Answer with an object.";
        return Err(Finding::wrong("answer", shape, shown(), advice));
    };
    match answer.get("batchItemFailures") {
        None | Some(Value::Null) => Ok(answer),
        Some(Value::Array(failures)) if failures.is_empty() => Ok(answer),
        Some(_) => Err(Finding::wrong(
            "batchItemFailures",
            "none",
            shown(),
            "The function says that it could not take our records. Look into its log: most often its role may not write to \
             the table, or TABLE_NAME names another one.",
        )),
    }
}

pub(crate) fn iso(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_of_one_second_have_windows_of_their_own_in_the_year_2000() {
        for now in
            [datetime!(2026-11-24 19:00:30 UTC), datetime!(2027-01-01 00:00 UTC), datetime!(2028-12-31 23:59:59 UTC)]
        {
            let starts = [Purpose::Counting, Purpose::Repetition].map(|purpose| start_at(now, purpose));
            assert_ne!(starts[0], starts[1]);
            // The longest window begins and ends in that year.
            assert!(starts.iter().all(|start| iso(*start + Duration::seconds(900)).starts_with(TRIAL_YEAR)), "{now}");
        }
    }

    #[test]
    fn times_are_written_to_the_second() {
        assert_eq!(iso(datetime!(2026-11-24 20:00 +1)), "2026-11-24T19:00:00Z");
    }

    #[test]
    fn a_trial_is_told_from_a_real_window() {
        let subject = Subject { window_seconds: 900, ..Subject::new("111122223333", "us-east-1") };
        for start in [datetime!(2000-01-01 00:00 UTC), datetime!(2000-12-30 23:59:59 UTC)] {
            let trial = Trial { subject: &subject, start };
            assert!(trial.window_end().as_str() < TRIALS_END && trial.window_end().starts_with(TRIAL_YEAR));
        }
        assert!("2026-11-24T19:00:00Z" > TRIALS_END);
    }

    #[test]
    fn the_rows_have_the_views_that_are_asked_for() {
        let hits: u64 =
            ROWS.iter().map(|row| row.trim_end().rsplit('\t').next().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(hits, TRIAL_VIEWS);
        assert_eq!(crate::rows::read_rows(&ROWS.concat(), false).bad, 0);
    }

    #[test]
    fn the_events_are_lambdas() {
        let subject = Subject::new_for(crate::Engine::TumblingWindow, "111122223333", "us-east-1");
        let trial = Trial { subject: &subject, start: datetime!(2000-06-01 00:00 UTC) };
        assert_eq!(
            trial.final_event(&json!({"views": 11})),
            json!({
                "Records": [],
                "window": {"start": "2000-06-01T00:00:00Z", "end": "2000-06-01T00:01:00Z"},
                "state": {"views": 11},
                "shardId": "shardId-000000000000",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:111122223333:stream/ClickStreamInput",
                "isFinalInvokeForWindow": true,
                "isWindowTerminatedEarly": false,
            })
        );
        let sequence = format!("{}0000", "4965".repeat(13));
        assert_eq!(
            trial.records_event()["Records"][0],
            json!({
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "headwater_check",
                    "sequenceNumber": sequence,
                    "data": BASE64_STANDARD.encode(ROWS[0]),
                    "approximateArrivalTimestamp": 959_817_600.5,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": format!("shardId-000000000000:{sequence}"),
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::111122223333:role/HeadwaterLambdaRole",
                "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:111122223333:stream/ClickStreamInput",
            })
        );
    }
}
