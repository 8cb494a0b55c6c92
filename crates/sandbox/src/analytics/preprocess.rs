//! The optional Lambda function between the delivery stream and the in-application stream: the contract of the developer
//! guide's page "Preprocessing Data Using a Lambda Function".

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::firehose::LogRecord;
use crate::lambda::Invocation;

/// A record that is ready to be read as rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReadyRecord {
    pub arrival_ms: i64,
    /// What to read, or the raw record that the function gave up.
    pub data: Result<Bytes, Bytes>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    invocation_id: String,
    application_arn: &'a str,
    stream_arn: &'a str,
    records: Vec<EventRecord>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventRecord {
    record_id: String,
    data: String,
    kinesis_firehose_record_metadata: Metadata,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    approximate_arrival_timestamp: i64,
}

#[derive(Deserialize)]
struct Answer {
    records: Vec<AnswerRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerRecord {
    record_id: String,
    result: String,
    data: Option<String>,
}

/// The event for a batch of records.
pub(super) fn event(application_arn: &str, stream_arn: &str, records: &[LogRecord]) -> Bytes {
    let records = records
        .iter()
        .map(|record| EventRecord {
            record_id: record_id(record.sequence),
            data: STANDARD.encode(&record.data),
            kinesis_firehose_record_metadata: Metadata { approximate_arrival_timestamp: record.arrival_ms },
        })
        .collect();
    let event = Event { invocation_id: Uuid::new_v4().to_string(), application_arn, stream_arn, records };
    // texts and numbers always have a JSON form
    serde_json::to_vec(&event).map(Bytes::from).unwrap_or_default()
}

/// Reads the function's answer: every record must come back once, as `Ok` with data, `Dropped` or `ProcessingFailed`.
///
/// # Errors
/// What is wrong with the answer; the batch is then sent again.
pub(super) fn read_answer(invocation: &Invocation, sent: &[LogRecord]) -> Result<Vec<ReadyRecord>, String> {
    if invocation.function_error.is_some() {
        return Err(function_failure(invocation));
    }
    let answer: Answer = serde_json::from_slice(&invocation.payload).map_err(|error| {
        format!("the function's answer is not {{\"records\": [{{\"recordId\", \"result\", \"data\"}}]}}: {error}")
    })?;
    let mut answers: HashMap<String, AnswerRecord> = HashMap::with_capacity(answer.records.len());
    for record in answer.records {
        if let Some(record) = answers.insert(record.record_id.clone(), record) {
            return Err(format!("the function answered the record {} twice", record.record_id));
        }
    }
    let mut ready = Vec::with_capacity(sent.len());
    for record in sent {
        let id = record_id(record.sequence);
        let answer = answers
            .remove(&id)
            .ok_or_else(|| format!("the function did not answer the record {id}; every recordId must come back"))?;
        match (answer.result.as_str(), answer.data) {
            ("Ok", Some(data)) => {
                let data = STANDARD
                    .decode(data)
                    .map_err(|error| format!("the data of the record {id} is not base64: {error}"))?;
                ready.push(ReadyRecord { arrival_ms: record.arrival_ms, data: Ok(Bytes::from(data)) });
            }
            ("Ok", None) => return Err(format!("the record {id} is Ok but has no data")),
            ("Dropped", _) => {}
            ("ProcessingFailed", _) => {
                ready.push(ReadyRecord { arrival_ms: record.arrival_ms, data: Err(record.data.clone()) });
            }
            (other, _) => {
                return Err(format!("the result of the record {id} is {other:?}, not Ok, Dropped or ProcessingFailed"));
            }
        }
    }
    match answers.keys().next() {
        Some(unknown) => Err(format!("the function answered a record {unknown:?} that was not sent")),
        None => Ok(ready),
    }
}

/// One sentence about an invocation that failed in the function.
pub(super) fn function_failure(invocation: &Invocation) -> String {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Failure {
        error_type: String,
        error_message: String,
    }
    let failure: Failure = serde_json::from_slice(&invocation.payload).unwrap_or_default();
    let message: String = failure.error_message.chars().take(300).collect();
    format!(
        "the function failed with {}: {message}",
        if failure.error_type.is_empty() { "an error" } else { &failure.error_type }
    )
}

fn record_id(sequence: i64) -> String {
    format!("{sequence:056}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn records() -> Vec<LogRecord> {
        let record =
            |sequence, data: &'static str| LogRecord { sequence, arrival_ms: 1_000, data: data.into(), origin: None };
        vec![record(7, "a\tb\tlink\t1\n"), record(8, "junk"), record(9, "x")]
    }

    fn answer(records: &serde_json::Value) -> Invocation {
        Invocation {
            payload: json!({ "records": records }).to_string().into(),
            function_error: None,
            log_tail: Bytes::new(),
            executed_version: "$LATEST".to_owned(),
        }
    }

    fn id(sequence: i64) -> String {
        record_id(sequence)
    }

    #[test]
    fn the_event_is_that_of_the_developer_guide() {
        let event: serde_json::Value =
            serde_json::from_slice(&event("arn:app", "arn:stream", &records()[..1])).unwrap();
        insta::assert_json_snapshot!(event, {".invocationId" => "[uuid]"}, @r#"
        {
          "invocationId": "[uuid]",
          "applicationArn": "arn:app",
          "streamArn": "arn:stream",
          "records": [
            {
              "recordId": "00000000000000000000000000000000000000000000000000000007",
              "data": "YQliCWxpbmsJMQo=",
              "kinesisFirehoseRecordMetadata": {
                "approximateArrivalTimestamp": 1000
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn each_result_is_taken_for_what_it_says() {
        let invocation = answer(&json!([
            {"recordId": id(9), "result": "ProcessingFailed"},
            {"recordId": id(7), "result": "Ok", "data": "eQ=="},
            {"recordId": id(8), "result": "Dropped", "data": null},
        ]));
        let ready = read_answer(&invocation, &records()).unwrap();
        let data: Vec<_> = ready.into_iter().map(|record| record.data).collect();
        assert_eq!(data, [Ok(Bytes::from_static(b"y")), Err(Bytes::from_static(b"x"))]);
    }

    #[test]
    fn an_answer_that_breaks_the_contract_is_refused_in_words() {
        let ok = |sequence| json!({"recordId": id(sequence), "result": "Ok", "data": ""});
        for (answered, complaint) in [
            (json!([ok(7), ok(8)]), "did not answer"),
            (json!([ok(7), ok(8), ok(9), ok(9)]), "twice"),
            (json!([ok(7), ok(8), ok(9), ok(10)]), "not sent"),
            (json!([ok(7), ok(8), {"recordId": id(9), "result": "Ok"}]), "no data"),
            (json!([ok(7), ok(8), {"recordId": id(9), "result": "Ok", "data": "%"}]), "not base64"),
            (json!([ok(7), ok(8), {"recordId": id(9), "result": "Fine"}]), "\"Fine\""),
            (json!("records"), "the function's answer is not"),
        ] {
            let error = read_answer(&answer(&answered), &records()).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
        let failed = Invocation {
            payload: r#"{"errorMessage": "no module", "errorType": "Runtime.ImportModuleError"}"#.into(),
            function_error: Some("Unhandled".to_owned()),
            ..answer(&json!([]))
        };
        let error = read_answer(&failed, &records()).unwrap_err();
        assert_eq!(error, "the function failed with Runtime.ImportModuleError: no module");
    }
}
