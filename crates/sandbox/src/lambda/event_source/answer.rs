//! What a function's answer means for the records that it got: which of them are done with, and the state of the window.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kinesis::{DataRecord, sequence_number};

/// The largest state of a window, bytes (AWS: "a maximum of 1 MB per shard"). With a larger one the window ends early.
pub(super) const MAX_STATE_BYTES: usize = 1024 * 1024;

/// What a successful call came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// The number with which to go on: of the first record that failed, or the one after the last.
    pub next_number: i64,
    /// JSON; only where the records are in a window.
    pub state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WindowAnswer<'a> {
    #[serde(borrow)]
    state: &'a RawValue,
}

/// Reads an answer. `None` if the whole batch failed by it: because it has no state although there is a window, because its
/// list of failures cannot be read, or because not even the first record is done with.
///
/// The list is heeded only if the mapping reports failures of items. Without one, or with an empty one, all went well.
pub(super) fn read(
    payload: &Bytes,
    records: &[DataRecord],
    stream_id: i64,
    reports_failures: bool,
    in_window: bool,
) -> Option<Progress> {
    let (first, last) = (records.first()?, records.last()?);
    let state = if in_window { Some(state(payload)?) } else { None };
    let failed = if reports_failures { first_failed(payload, records, stream_id)? } else { None };
    let next_number = failed.unwrap_or(last.number + 1);
    (next_number > first.number).then_some(Progress { next_number, state })
}

/// The object `state` of an answer.
fn state(payload: &[u8]) -> Option<String> {
    let answer: WindowAnswer<'_> = serde_json::from_slice(payload).ok()?;
    let state = answer.state.get();
    state.starts_with('{').then(|| state.to_owned())
}

/// The lowest number among the failed records; the outer `None` if the list cannot be read.
fn first_failed(payload: &[u8], records: &[DataRecord], stream_id: i64) -> Option<Option<i64>> {
    if payload.is_empty() {
        return Some(None);
    }
    let failures = match serde_json::from_slice(payload).ok()? {
        Value::Null => return Some(None),
        Value::Object(mut answer) => answer.remove("batchItemFailures").unwrap_or(Value::Null),
        // Some text: AWS's function runtimes may answer nothing in particular.
        _ => return None,
    };
    let failures = match failures {
        Value::Null => return Some(None),
        Value::Array(failures) => failures,
        _ => return None,
    };
    let mut lowest = None;
    for failure in failures {
        let identifier = failure.get("itemIdentifier")?.as_str()?;
        let number = records.iter().find(|record| sequence_number(stream_id, record.number) == identifier)?.number;
        lowest = Some(lowest.map_or(number, |lowest: i64| lowest.min(number)));
    }
    Some(lowest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STREAM: i64 = 7;

    fn records() -> Vec<DataRecord> {
        let record = |number| DataRecord {
            number,
            arrival_ms: 0,
            partition_key: "k".to_owned(),
            data: Bytes::from_static(b"x"),
        };
        vec![record(10), record(13), record(14)]
    }

    fn next(answer: &Value) -> Option<i64> {
        read(&answer.to_string().into(), &records(), STREAM, true, false).map(|progress| progress.next_number)
    }

    fn failed(numbers: &[i64]) -> Value {
        let items: Vec<Value> =
            numbers.iter().map(|number| json!({"itemIdentifier": sequence_number(STREAM, *number)})).collect();
        json!({ "batchItemFailures": items })
    }

    #[test]
    fn without_failures_all_is_done() {
        for answer in [json!(null), json!({}), json!({"batchItemFailures": []}), json!({"batchItemFailures": null})] {
            assert_eq!(next(&answer), Some(15), "{answer}");
        }
        assert_eq!(read(&Bytes::new(), &records(), STREAM, true, false).map(|it| it.next_number), Some(15));
        let anything = Bytes::from_static(b"\"done\"");
        assert_eq!(read(&anything, &records(), STREAM, false, false).map(|it| it.next_number), Some(15));
    }

    #[test]
    fn goes_on_with_the_first_record_that_failed() {
        assert_eq!(next(&failed(&[14])), Some(14));
        assert_eq!(next(&failed(&[14, 13])), Some(13));
        // Not heeded where failures of items are not reported.
        let answer = failed(&[13]).to_string().into();
        assert_eq!(read(&answer, &records(), STREAM, false, false).map(|it| it.next_number), Some(15));
    }

    #[test]
    fn what_cannot_be_read_fails_the_batch() {
        for answer in [
            failed(&[10]),
            failed(&[99]),
            json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
            json!({"batchItemFailures": [{"itemIdentifier": null}]}),
            json!({"batchItemFailures": [{"id": "x"}]}),
            json!({"batchItemFailures": "all"}),
            json!("no"),
        ] {
            assert_eq!(next(&answer), None, "{answer}");
        }
    }

    #[test]
    fn a_window_needs_a_state() {
        let state = |answer: &Value| {
            read(&answer.to_string().into(), &records(), STREAM, true, true).and_then(|progress| progress.state)
        };
        assert_eq!(state(&json!({"state": {"a": 1}})), Some(r#"{"a":1}"#.to_owned()));
        assert_eq!(state(&json!({"state": {}, "batchItemFailures": []})), Some("{}".to_owned()));
        for answer in [json!(null), json!({}), json!({"state": null}), json!({"state": "x"}), json!([])] {
            assert_eq!(state(&answer), None, "{answer}");
        }
    }
}
