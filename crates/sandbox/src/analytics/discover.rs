//! `DiscoverInputSchema`: a schema guessed from the delivery stream's recent records.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Analytics;
use super::input::first_json;
use super::model::DiscoverInputSchema;
use super::operations::invalid;
use super::preprocess::{event, read_answer};
use super::sources::SERVICE_PRINCIPAL;
use crate::firehose::LogRecord;
use crate::{AwsError, Scope};

/// Records that are looked at.
const SAMPLE_RECORDS: i64 = 50;
/// Rows that the answer shows.
const SHOWN_ROWS: usize = 10;
/// How long to wait for records when there are none.
const WAIT: Duration = Duration::from_secs(10);
/// Words that a column may not be named.
const RESERVED: [&str; 24] = [
    "ALL",
    "AND",
    "AS",
    "BY",
    "CASE",
    "COUNT",
    "CURRENT",
    "DATE",
    "DAY",
    "FROM",
    "GROUP",
    "HOUR",
    "INTERVAL",
    "MINUTE",
    "MONTH",
    "OR",
    "ORDER",
    "SECOND",
    "SELECT",
    "STREAM",
    "TIME",
    "TIMESTAMP",
    "VALUE",
    "YEAR",
];

/// What was found in the sample.
struct Found {
    schema: Value,
    rows: Vec<Vec<String>>,
}

impl Analytics {
    pub(super) async fn discover(&self, scope: &Scope, request: DiscoverInputSchema) -> Result<Bytes, AwsError> {
        if request.s3_configuration.is_some() {
            return Err(invalid(
                "The sandbox discovers the schema of a delivery stream (ResourceARN), not of an S3 object.",
            ));
        }
        let Some(stream_arn) = request.resource_arn else {
            return Err(invalid("ResourceARN must name the delivery stream."));
        };
        let role = request.service_execution_role;
        if !self.iam.may_assume(scope, &role, SERVICE_PRINCIPAL).await? {
            return Err(invalid(format!("Kinesis Analytics cannot assume the role {role}.")));
        }
        let stream = self.existing_stream(scope, &stream_arn).await?;
        let records = self.sample(scope, &stream).await?;
        let raw: Vec<String> = records.iter().map(|record| text(&record.data)).collect();
        let mut data: Vec<Bytes> = records.iter().map(|record| record.data.clone()).collect();
        let mut processed: Option<Vec<String>> = None;
        if let Some(processing) = &request.input_processing_configuration
            && !records.is_empty()
        {
            let function = &processing.input_lambda_processor.resource_arn;
            let payload = event(&scope.arn("kinesisanalytics", "application/discovery"), &stream_arn, &records);
            let invocation = self.functions.invoke(scope, &role, function, payload).await?;
            let ready = read_answer(&invocation, &records).map_err(|complaint| {
                undetected(format!("Preprocessing by {function} failed: {complaint}"), &raw, None)
            })?;
            data = ready.into_iter().filter_map(|record| record.data.ok()).collect();
            processed = Some(data.iter().map(|data| text(data)).collect());
        }
        let Some(Found { schema, rows }) = infer(&data) else {
            let message = if records.is_empty() {
                "The delivery stream has no recent records; send some and try again.".to_owned()
            } else {
                "The records are neither JSON nor delimited text.".to_owned()
            };
            return Err(undetected(message, &raw, processed.as_deref()));
        };
        let mut answer = json!({ "InputSchema": schema, "ParsedInputRecords": rows, "RawInputRecords": raw });
        if let Some(processed) = processed {
            answer["ProcessedInputRecords"] = json!(processed);
        }
        crate::service::write_json(&answer)
    }

    /// Recent records, or those that come in the next seconds.
    async fn sample(&self, scope: &Scope, stream: &str) -> Result<Vec<LogRecord>, AwsError> {
        let deadline = tokio::time::Instant::now() + WAIT;
        let mut accepted = self.log.watch_log(scope, stream).await?;
        loop {
            accepted.borrow_and_update();
            let next = self.log.next_sequence(scope, stream).await?;
            let from = (next - SAMPLE_RECORDS).max(0);
            let records = self.log.read_log(scope, stream, from, SAMPLE_RECORDS as usize).await?;
            // A stream that does not buffer may have delivered, and forgotten, what came a moment ago.
            let more = tokio::time::timeout_at(deadline, accepted.changed());
            if !records.is_empty() || !matches!(more.await, Ok(Ok(()))) {
                return Ok(records);
            }
        }
    }
}

fn undetected(message: String, raw: &[String], processed: Option<&[String]>) -> AwsError {
    let error = AwsError::client("UnableToDetectSchemaException", message).with_member("RawInputRecords", json!(raw));
    match processed {
        Some(processed) => error.with_member("ProcessedInputRecords", json!(processed)),
        None => error,
    }
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).chars().take(4_000).collect()
}

fn infer(data: &[Bytes]) -> Option<Found> {
    let objects: Vec<Map<String, Value>> = data
        .iter()
        .filter_map(|data| match first_json(data)? {
            Value::Object(object) => Some(object),
            _ => None,
        })
        .collect();
    if !data.is_empty() && objects.len() == data.len() {
        return Some(infer_json(&objects));
    }
    let texts: Vec<&str> = data.iter().filter_map(|data| std::str::from_utf8(data).ok()).collect();
    let lines: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.split('\n'))
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .filter(|line| !line.trim().is_empty())
        .take(1_000)
        .collect();
    if lines.is_empty() { None } else { Some(infer_csv(&lines)) }
}

fn infer_json(objects: &[Map<String, Value>]) -> Found {
    let keys: BTreeSet<&String> = objects.iter().flat_map(Map::keys).take(1_000).collect();
    let cell = |object: &Map<String, Value>, key: &str| match object.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let columns: Vec<Value> = keys
        .iter()
        .enumerate()
        .map(|(index, key)| {
            let values: Vec<String> = objects.iter().map(|object| cell(object, key)).collect();
            json!({ "Name": column_name(key, index), "Mapping": format!("$.{key}"), "SqlType": column_type(&values) })
        })
        .collect();
    let rows =
        objects.iter().take(SHOWN_ROWS).map(|object| keys.iter().map(|key| cell(object, key)).collect()).collect();
    let format = json!({
        "RecordFormatType": "JSON",
        "MappingParameters": { "JSONMappingParameters": { "RecordRowPath": "$" } },
    });
    Found { schema: json!({ "RecordFormat": format, "RecordEncoding": "UTF-8", "RecordColumns": columns }), rows }
}

fn infer_csv(lines: &[&str]) -> Found {
    // the delimiter that cuts most lines into the same number of fields
    let score = |delimiter: &str| {
        let fields = lines[0].split(delimiter).count();
        let alike = lines.iter().filter(|line| line.split(delimiter).count() == fields).count();
        if fields > 1 { (alike, fields) } else { (0, 0) }
    };
    let delimiter = ["\t", ",", "|", ";"].into_iter().rev().max_by_key(|delimiter| score(delimiter)).unwrap_or(",");
    let delimiter = if score(delimiter) == (0, 0) { "," } else { delimiter };
    let count = lines[0].split(delimiter).count();
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| line.split(delimiter).map(str::to_owned).collect::<Vec<_>>())
        .filter(|fields| fields.len() == count)
        .collect();
    let columns: Vec<Value> = (0..count)
        .map(|index| {
            let values: Vec<String> = rows.iter().map(|row| row[index].clone()).collect();
            json!({ "Name": format!("COL_{index}"), "SqlType": column_type(&values) })
        })
        .collect();
    let format = json!({
        "RecordFormatType": "CSV",
        "MappingParameters": {
            "CSVMappingParameters": { "RecordRowDelimiter": "\n", "RecordColumnDelimiter": delimiter },
        },
    });
    let schema = json!({ "RecordFormat": format, "RecordEncoding": "UTF-8", "RecordColumns": columns });
    Found { schema, rows: rows.into_iter().take(SHOWN_ROWS).collect() }
}

/// The key itself when it can name a column, otherwise `COL_` with what is usable of it.
fn column_name(key: &str, index: usize) -> String {
    let usable: String =
        key.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '_').collect();
    if usable.is_empty() {
        format!("COL_{index}")
    } else if usable != key
        || usable.len() < 2
        || usable.starts_with(|first: char| first.is_ascii_digit())
        || RESERVED.contains(&usable.to_ascii_uppercase().as_str())
    {
        format!("COL_{usable}")
    } else {
        usable
    }
}

fn column_type(values: &[String]) -> String {
    let mut filled = values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).peekable();
    if filled.peek().is_some() {
        let filled: Vec<&str> = filled.collect();
        let all = |test: fn(&str) -> bool| filled.iter().all(|value| test(value));
        if all(|value| value.parse::<i32>().is_ok()) {
            return "INTEGER".to_owned();
        }
        if all(|value| value.parse::<i64>().is_ok()) {
            return "BIGINT".to_owned();
        }
        if all(|value| value.parse::<f64>().is_ok_and(f64::is_finite)) {
            return "DOUBLE".to_owned();
        }
        if all(|value| value == "true" || value == "false") {
            return "BOOLEAN".to_owned();
        }
    }
    let longest = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
    format!("VARCHAR({})", longest.next_power_of_two().clamp(4, 65_535))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(data: &[&str]) -> String {
        let data: Vec<Bytes> = data.iter().map(|data| Bytes::copy_from_slice(data.as_bytes())).collect();
        let Some(found) = infer(&data) else { return "nothing".to_owned() };
        let columns = found.schema["RecordColumns"].as_array().unwrap();
        let names = columns.iter().map(|column| format!("{} {}", column["Name"], column["SqlType"]).replace('"', ""));
        names.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn delimited_text_gets_numbered_columns() {
        let found = columns(&["other-search\tParis,_Texas\texternal\t12\n", "Rome\tItaly\tlink\t3000000000\n"]);
        assert_eq!(found, "COL_0 VARCHAR(16), COL_1 VARCHAR(16), COL_2 VARCHAR(8), COL_3 BIGINT");
        assert_eq!(columns(&["a,1,2.5", "b,2,3"]), "COL_0 VARCHAR(4), COL_1 INTEGER, COL_2 DOUBLE");
        assert_eq!(columns(&["one column"]), "COL_0 VARCHAR(16)");
        assert_eq!(columns(&[]), "nothing");
        assert_eq!(columns(&["\n"]), "nothing");
    }

    #[test]
    fn json_keeps_usable_names() {
        let found = columns(&[r#"{"TICKER_SYMBOL":"QXZ","CHANGE":-0.05,"n":1,"time":"x","a-b":true,"-":null}"#]);
        assert_eq!(
            found,
            "COL_0 VARCHAR(4), CHANGE DOUBLE, TICKER_SYMBOL VARCHAR(4), COL_ab BOOLEAN, COL_n INTEGER, COL_time VARCHAR(4)"
        );
    }
}
