//! The event that a function gets from a data stream (AWS Lambda developer guide, "Using Lambda to process records from Amazon
//! Kinesis Data Streams").

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::window::Window;
use crate::kinesis::{DataRecord, DataStream, sequence_number, shard_id};
use crate::lambda::limits::MAX_PAYLOAD_BYTES;

/// What an event's record takes beside its data and its partition key, at most.
const ENVELOPE_BYTES: usize = 1024;

/// Who reads which shard for which function.
pub(super) struct Origin<'a> {
    pub stream: &'a DataStream,
    pub shard: u32,
    /// The function's execution role.
    pub role_arn: &'a str,
}

/// What a call tells of the window that its records are in.
#[derive(Clone, Copy, Debug)]
pub(super) struct InWindow<'a> {
    pub window: Window,
    /// JSON, as the function returned it.
    pub state: &'a str,
    pub is_final: bool,
    pub ended_early: bool,
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "Records")]
    records: Vec<EventRecord<'a>>,
    #[serde(flatten)]
    window: Option<TimeWindow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TimeWindow<'a> {
    window: Bounds,
    state: &'a RawValue,
    shard_id: String,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
    is_final_invoke_for_window: bool,
    is_window_terminated_early: bool,
}

#[derive(Serialize)]
struct Bounds {
    start: String,
    end: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventRecord<'a> {
    kinesis: Kinesis<'a>,
    event_source: &'static str,
    event_version: &'static str,
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: &'static str,
    invoke_identity_arn: &'a str,
    aws_region: &'a str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis<'a> {
    kinesis_schema_version: &'static str,
    partition_key: &'a str,
    sequence_number: String,
    data: String,
    /// Seconds since the epoch.
    approximate_arrival_timestamp: f64,
}

/// How many of the records, from the first on, fit one event beside a state of so many bytes. The first one always counts.
pub(super) fn fitting(records: &[DataRecord], state_bytes: usize) -> usize {
    let room = MAX_PAYLOAD_BYTES.saturating_sub(ENVELOPE_BYTES + state_bytes);
    let mut taken = 0;
    let fits = |record: &&DataRecord| {
        // A character of the key takes six in JSON at most.
        taken += record.data.len().div_ceil(3) * 4 + record.partition_key.len() * 6 + ENVELOPE_BYTES;
        taken <= room
    };
    records.iter().take_while(fits).count().max(1).min(records.len())
}

/// The event with these records; in a tumbling window, with what belongs to it.
pub(super) fn event(
    origin: &Origin<'_>,
    records: &[DataRecord],
    window: Option<InWindow<'_>>,
) -> serde_json::Result<Bytes> {
    let arn = origin.stream.arn();
    let shard = shard_id(origin.shard);
    let records = records
        .iter()
        .map(|record| {
            let sequence_number = sequence_number(origin.stream.id, record.number);
            EventRecord {
                event_source: "aws:kinesis",
                event_version: "1.0",
                event_id: format!("{shard}:{sequence_number}"),
                event_name: "aws:kinesis:record",
                invoke_identity_arn: origin.role_arn,
                aws_region: origin.stream.scope.region.as_str(),
                event_source_arn: &arn,
                kinesis: Kinesis {
                    kinesis_schema_version: "1.0",
                    partition_key: &record.partition_key,
                    sequence_number,
                    data: BASE64_STANDARD.encode(&record.data),
                    approximate_arrival_timestamp: record.arrival_ms as f64 / 1000.0,
                },
            }
        })
        .collect();
    let window = window.map(|in_window| {
        let (start, end) = in_window.window.describe();
        serde_json::from_str(in_window.state).map(|state| TimeWindow {
            window: Bounds { start, end },
            state,
            shard_id: shard.clone(),
            event_source_arn: arn.clone(),
            is_final_invoke_for_window: in_window.is_final,
            is_window_terminated_early: in_window.ended_early,
        })
    });
    serde_json::to_vec(&Event { records, window: window.transpose()? }).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bytes: usize) -> DataRecord {
        DataRecord { number: 1, arrival_ms: 0, partition_key: "k".to_owned(), data: vec![b'x'; bytes].into() }
    }

    #[test]
    fn takes_as_many_records_as_an_invocation_allows() {
        assert_eq!(fitting(&[], 0), 0);
        assert_eq!(fitting(&vec![record(100); 1_000], 0), 1_000);
        // A MiB is 1.33 MiB in base64, of which four fit 6 MiB.
        assert_eq!(fitting(&vec![record(1024 * 1024); 10], 0), 4);
        assert_eq!(fitting(&vec![record(1024 * 1024); 10], 1024 * 1024), 3);
        assert_eq!(fitting(&vec![record(8 * 1024 * 1024); 2], 0), 1);
    }
}
