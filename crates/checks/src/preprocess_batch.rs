//! The test batch for the preprocessing function, and the judgement of its answer.
//!
//! The event has the shape that a SQL application sends for a Firehose source ("Preprocessing Data Using a Lambda
//! Function" in the Kinesis Data Analytics guide), or a delivery stream with a Kinesis source ("Amazon Data Firehose
//! Data Transformation"). Both want an answer that names every record once, with `Ok`, `Dropped` or `ProcessingFailed`.

use std::collections::{HashMap, HashSet};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{arn, data_streams::DataStream, subject::Subject, text::clip};

/// A record of the batch.
struct Case {
    id: &'static str,
    what: &'static str,
    data: &'static [u8],
    /// The rows of an `Ok`; `None` when the record must not be `Ok`.
    rows: Option<&'static str>,
}

const CASES: [Case; 10] = [
    Case {
        id: "good-row",
        what: "a good row",
        data: b"Main_Page\tHypatia\tlink\t42\n",
        rows: Some("Main_Page\tHypatia\tlink\t42\n"),
    },
    Case {
        id: "commas-and-quotes",
        what: "a title with commas and quotes",
        data: b"Paris,_Texas\tThe_\"Seine\",_river\tlink\t7\n",
        rows: Some("Paris,_Texas\tThe_\"Seine\",_river\tlink\t7\n"),
    },
    Case {
        id: "unicode",
        what: "a title beyond ASCII",
        data: "other-search\tZürich_東京\texternal\t3\n".as_bytes(),
        rows: Some("other-search\tZürich_東京\texternal\t3\n"),
    },
    Case {
        id: "windows-line-end",
        what: "a row that ends with CR LF",
        data: b"A_page\tB_page\tother\t5\r\n",
        rows: Some("A_page\tB_page\tother\t5\n"),
    },
    Case {
        id: "many-lines",
        what: "two good rows around a bad one",
        data: b"One\tTwo\tlink\t1\nbroken\nThree\tFour\tother\t2\n",
        rows: Some("One\tTwo\tlink\t1\nThree\tFour\tother\t2\n"),
    },
    Case { id: "three-columns", what: "a row of three columns", data: b"Main_Page\tHypatia\tlink\n", rows: None },
    Case {
        id: "not-a-number",
        what: "a row whose hits are no number",
        data: b"Main_Page\tHypatia\tlink\tmany\n",
        rows: None,
    },
    Case {
        id: "ticker",
        what: "a stock ticker in JSON",
        data: br#"{"TICKER_SYMBOL":"QXZ","SECTOR":"HEALTHCARE","CHANGE":-0.05,"PRICE":84.51}"#,
        rows: None,
    },
    Case { id: "not-utf-8", what: "bytes that are not UTF-8", data: b"Main_Page\t\xff\xfe\tlink\t1\n", rows: None },
    Case { id: "empty", what: "an empty record", data: b"", rows: None },
];

/// The event, as the service sends it that calls the function with this engine. Its records are made up.
pub(crate) fn test_event(subject: &Subject) -> Value {
    if subject.engine.reads_data_stream() { transformation_event(subject) } else { preprocessing_event(subject) }
}

/// When the records are said to have arrived, in milliseconds.
const ARRIVAL: u64 = 1_764_000_000_000;

/// What a SQL application sends.
fn preprocessing_event(subject: &Subject) -> Value {
    let Subject { account, region, .. } = subject;
    let records: Vec<Value> = CASES
        .iter()
        .map(|case| {
            json!({
                "recordId": case.id,
                "data": BASE64_STANDARD.encode(case.data),
                "kinesisFirehoseRecordMetadata": { "approximateArrivalTimestamp": ARRIVAL },
            })
        })
        .collect();
    json!({
        "invocationId": "headwater-test-run",
        "applicationArn": format!("arn:{}:kinesisanalytics:{region}:{account}:application/{}", arn::partition(region), subject.application),
        "streamArn": delivery_stream_arn(subject),
        "records": records,
    })
}

/// What a delivery stream sends that reads a data stream.
fn transformation_event(subject: &Subject) -> Value {
    let records: Vec<Value> = CASES
        .iter()
        .enumerate()
        .map(|(index, case)| {
            json!({
                "recordId": case.id,
                "approximateArrivalTimestamp": ARRIVAL,
                "data": BASE64_STANDARD.encode(case.data),
                "kinesisRecordMetadata": {
                    "sequenceNumber": format!("{}{index:04}", "4965".repeat(13)),
                    "subsequenceNumber": 0,
                    "partitionKey": "headwater_check",
                    "shardId": "shardId-000000000000",
                    "approximateArrivalTimestamp": ARRIVAL,
                },
            })
        })
        .collect();
    json!({
        "invocationId": "headwater-test-run",
        "sourceKinesisStreamArn": DataStream::Clicks.arn(subject),
        "deliveryStreamArn": delivery_stream_arn(subject),
        "region": subject.region,
        "records": records,
    })
}

fn delivery_stream_arn(subject: &Subject) -> String {
    let Subject { account, region, stream, .. } = subject;
    format!("arn:{}:firehose:{region}:{account}:deliverystream/{stream}", arn::partition(region))
}

/// The first thing in an answer that is not as it must be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) setting: String,
    pub(crate) expected: String,
    pub(crate) found: String,
    pub(crate) advice: String,
}

impl Fault {
    fn new(setting: &str, expected: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), expected: expected.to_owned(), found: found.into(), advice: advice.into() }
    }
}

#[derive(Deserialize)]
struct Answer {
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    record_id: String,
    result: String,
    data: Option<String>,
}

/// Judges the answer to [`test_event`].
pub(crate) fn faults_in(payload: &[u8]) -> Result<(), Fault> {
    let answer: Answer = serde_json::from_slice(payload).map_err(|error| {
        Fault::new(
            "answer",
            "{\"records\": [{\"recordId\", \"result\", \"data\"}, …]}",
            clip(&String::from_utf8_lossy(&payload[..payload.len().min(400)]), 200),
            format!("The answer has another shape than the service reads ({}).", clip(&error.to_string(), 120)),
        )
    })?;
    let records = by_id(&answer)?;
    CASES.iter().try_for_each(|case| {
        let record = records.get(case.id).ok_or_else(|| {
            Fault::new(
                "recordId",
                "every record of the batch",
                format!("no answer for {}", case.what),
                "A record has no answer. The service would send the whole batch again for ever: answer each record, the \
                 bad ones as Dropped or ProcessingFailed.",
            )
        })?;
        judge(case, record)
    })
}

fn by_id(answer: &Answer) -> Result<HashMap<&str, &Record>, Fault> {
    let known: HashSet<&str> = CASES.iter().map(|case| case.id).collect();
    let mut records = HashMap::new();
    for record in &answer.records {
        let id = record.record_id.as_str();
        if !known.contains(id) || records.insert(id, record).is_some() {
            return Err(Fault::new(
                "recordId",
                "each record once",
                clip(id, 60),
                "The answer names a record twice, or one that was not sent. Copy each recordId as it came.",
            ));
        }
    }
    Ok(records)
}

fn judge(case: &Case, record: &Record) -> Result<(), Fault> {
    let what = case.what;
    match (record.result.as_str(), case.rows) {
        ("Ok", Some(expected)) => {
            let data = decoded(record, what)?;
            if data == expected {
                return Ok(());
            }
            let advice = if data.trim_end_matches('\n') == expected.trim_end_matches('\n') {
                format!(
                    "For {what}, the last row must end with a line feed, for the next record is put right behind it."
                )
            } else if data.contains('\r') {
                format!("For {what}, the carriage return must go: it would become part of the number.")
            } else {
                format!("For {what}, the rows differ. Columns are split by tabs, and titles stay as they are.")
            };
            Err(Fault::new(&format!("data of {what}"), &clip(expected, 120), clip(&data, 120), advice))
        }
        ("Dropped" | "ProcessingFailed", None) => Ok(()),
        ("Ok", None) => Err(Fault::new(
            &format!("result for {what}"),
            "Dropped or ProcessingFailed",
            "Ok",
            format!("The function passed on {what}. Keep it out of the counts."),
        )),
        ("Dropped" | "ProcessingFailed", Some(_)) => Err(Fault::new(
            &format!("result for {what}"),
            "Ok",
            clip(&record.result, 40),
            format!("The function kept out {what}, which is to be counted."),
        )),
        (other, _) => Err(Fault::new(
            &format!("result for {what}"),
            "Ok, Dropped or ProcessingFailed",
            clip(other, 40),
            "The service knows three results only, written exactly so.",
        )),
    }
}

fn decoded(record: &Record, what: &str) -> Result<String, Fault> {
    let fault = |found: String| {
        Fault::new(
            &format!("data of {what}"),
            "UTF-8 text in base64",
            found,
            format!("For {what}, the data cannot be decoded. Encode the text as UTF-8, and that with b64encode."),
        )
    };
    let data = record.data.as_deref().ok_or_else(|| fault("no data".to_owned()))?;
    let bytes = BASE64_STANDARD.decode(data).map_err(|_| fault(clip(data, 80)))?;
    String::from_utf8(bytes).map_err(|_| fault("bytes that are not UTF-8".to_owned()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The answer of a function that does its work.
    pub(crate) fn good_answer() -> Value {
        let records: Vec<Value> = CASES
            .iter()
            .map(|case| match case.rows {
                Some(rows) => json!({"recordId": case.id, "result": "Ok", "data": BASE64_STANDARD.encode(rows)}),
                None => json!({"recordId": case.id, "result": "Dropped"}),
            })
            .collect();
        json!({ "records": records })
    }

    fn fault(edit: impl FnOnce(&mut Value)) -> Fault {
        let mut answer = good_answer();
        edit(&mut answer);
        faults_in(answer.to_string().as_bytes()).unwrap_err()
    }

    fn data(text: &str) -> Value {
        BASE64_STANDARD.encode(text).into()
    }

    #[test]
    fn a_good_answer_has_no_fault() {
        assert_eq!(faults_in(good_answer().to_string().as_bytes()), Ok(()));
    }

    #[test]
    fn the_order_of_records_does_not_matter() {
        let mut answer = good_answer();
        answer["records"].as_array_mut().unwrap().reverse();
        assert_eq!(faults_in(answer.to_string().as_bytes()), Ok(()));
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(faults_in(b"null").unwrap_err().setting, "answer");
        assert_eq!(faults_in(b"\xff\xff").unwrap_err().setting, "answer");
        assert_eq!(faults_in("[".repeat(100_000).as_bytes()).unwrap_err().setting, "answer");
        assert_eq!(fault(|a| drop(a["records"].as_array_mut().unwrap().pop())).found, "no answer for an empty record");
        assert_eq!(fault(|a| a["records"][1]["recordId"] = "good-row".into()).expected, "each record once");
        assert_eq!(fault(|a| a["records"][0]["recordId"] = "made-up".into()).found, "made-up");
        assert_eq!(fault(|a| a["records"][0]["result"] = "OK".into()).expected, "Ok, Dropped or ProcessingFailed");
        assert_eq!(fault(|a| a["records"][0]["result"] = "Dropped".into()).setting, "result for a good row");
        assert_eq!(fault(|a| a["records"][9]["result"] = "Ok".into()).setting, "result for an empty record");
        assert_eq!(fault(|a| a["records"][0]["data"] = "%%%".into()).found, "%%%");
        assert_eq!(fault(|a| drop(a["records"][0].as_object_mut().unwrap().remove("data"))).found, "no data");
        assert!(
            fault(|a| a["records"][3]["data"] = data("A_page\tB_page\tother\t5\r\n"))
                .advice
                .contains("carriage return")
        );
        assert!(fault(|a| a["records"][0]["data"] = data("Main_Page\tHypatia\tlink\t42")).advice.contains("line feed"));
        let quoted = "\"Paris,_Texas\",\"The_\"\"Seine\"\",_river\",link,7\n";
        assert!(fault(|a| a["records"][1]["data"] = data(quoted)).advice.contains("split by tabs"));
    }

    #[test]
    fn the_event_holds_every_case() {
        let event = test_event(&Subject::new("111122223333", "us-east-1"));
        assert_eq!(event["records"].as_array().unwrap().len(), CASES.len());
        assert_eq!(event["streamArn"], "arn:aws:firehose:us-east-1:111122223333:deliverystream/ClickStreamData");
    }
}
