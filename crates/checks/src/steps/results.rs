//! Step 5: the table, the output, and what arrives.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::{AttributeValue, KeyType, ScalarAttributeType, TableDescription, TableStatus};
use aws_sdk_kinesisanalyticsv2::types::{ApplicationDetail, ApplicationStatus, OutputDescription, RecordFormatType};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    ingest::clock_time,
    preprocess::{not_ready, state_evidence},
    streaming_sql::{same_function, sql_configuration},
};
use crate::{
    api_calls::QUERY,
    call::{Answer, CallError, make},
    clients::CALL_TIMEOUT,
    finding::{Finding, Judged},
    invoke::invoke,
    observed::{Function, Observed, Seen, USUAL_CHANGE},
    subject::Consent,
    text::clip,
    verdict::Evidence,
};

/// The stream that the output reads; its name is case-sensitive.
const OUTPUT: &str = "WINDOW_COUNTS";
/// The metric of the test row, which the chart does not show.
const TEST_METRIC: &str = "headwater_check";
const TEST_AMOUNT: u64 = 7;
/// How long a closed window's rows need to get into the table.
const STORING: Duration = Duration::seconds(10);

pub(crate) async fn table(observed: &Observed<'_>) -> Judged {
    let table = observed.table().await?;
    let name = &observed.subject.table;
    let until = observed.clock.now() + USUAL_CHANGE;
    let status = table.value.table_status.as_ref();
    let finding = match status {
        Some(TableStatus::Active) => Finding::pass(format!("The table {name} is active.")),
        Some(TableStatus::Creating) => {
            let why = "AWS is creating the table";
            Finding::settling(until, why, format!("AWS is creating the table {name}. That takes some seconds."))
        }
        Some(TableStatus::Updating) => {
            let why = "AWS is changing the table";
            Finding::settling(until, why, format!("AWS is changing the table {name}. That takes a minute or so."))
        }
        Some(
            status @ (TableStatus::Archived
            | TableStatus::Archiving
            | TableStatus::InaccessibleEncryptionCredentials
            | TableStatus::ReplicationNotAuthorized),
        ) => Finding::wrong(
            "TableStatus",
            "ACTIVE",
            status.as_str(),
            format!("AWS has locked the table {name}. Delete it and create it anew, without a key of your own."),
        ),
        _ => Finding::fault(
            "the table is in a state that we do not know",
            "The table is in a state that this lab does not know. Check again in a minute.",
        ),
    };
    Ok(finding.with(table_evidence(&table)))
}

fn table_evidence(table: &Seen<'_, TableDescription>) -> Evidence {
    table.evidence([("TableStatus", table.value.table_status.as_ref().map(ToString::to_string).unwrap_or_default())])
}

pub(crate) async fn keys(observed: &Observed<'_>) -> Judged {
    let table = observed.table().await?;
    let key = |kind: &KeyType| -> String {
        let Some(name) = table
            .value
            .key_schema()
            .iter()
            .find(|element| element.key_type == *kind)
            .map(|element| element.attribute_name.as_str())
        else {
            return "none".to_owned();
        };
        let attribute = table.value.attribute_definitions().iter().find(|definition| definition.attribute_name == name);
        let kind = attribute.map_or("?", |definition| definition.attribute_type.as_str());
        format!("{name} ({kind})")
    };
    let (partition, sort) = (key(&KeyType::Hash), key(&KeyType::Range));
    let string = ScalarAttributeType::S;
    let (expected_partition, expected_sort) = (format!("metric ({string})"), format!("window_end ({string})"));
    let evidence = table.evidence([("HASH", partition.clone()), ("RANGE", sort.clone())]);
    let advice = "The keys of a table cannot be changed: delete it and create it with the partition key metric and the sort \
                  key window_end, both of type String. With them a repeated delivery finds its own item again.";
    let finding = if partition != expected_partition {
        Finding::wrong("partition key", expected_partition, clip(&partition, 120), advice)
    } else if sort != expected_sort {
        Finding::wrong("sort key", expected_sort, clip(&sort, 120), advice)
    } else {
        Finding::pass("One item a metric and window: the keys are metric and window_end.")
    };
    Ok(finding.with(evidence))
}

pub(crate) async fn function(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Output).await?;
    let name = observed.function_name(Function::Output);
    let table = &observed.subject.table;
    let variables = function.value.environment().and_then(|environment| environment.variables());
    // The value itself is not shown: a variable may hold a secret.
    let found = match variables.and_then(|variables| variables.get("TABLE_NAME")) {
        Some(value) if value == table => None,
        Some(_) => Some("another value"),
        None => Some("not set"),
    };
    let finding = match (not_ready(observed, &function, name), found) {
        (Some(finding), _) => finding,
        (None, None) => Finding::pass(format!("The function {name} is ready, and knows its table.")),
        (None, Some(found)) => Finding::wrong(
            "TABLE_NAME",
            table,
            found,
            format!("The function reads the name of the table from its environment. Set TABLE_NAME to {table}."),
        ),
    };
    Ok(finding.with(state_evidence(&function)))
}

pub(crate) async fn output(observed: &Observed<'_>) -> Judged {
    let application = observed.application().await?;
    let expected_function = &observed.subject.functions.output;
    let outputs = outputs(application.value);
    // Several outputs may be attached; the one that fits best is the one to talk about.
    let output = outputs
        .iter()
        .find(|output| output.name.as_deref() == Some(OUTPUT))
        .or_else(|| outputs.iter().find(|output| same_function(observed, lambda_arn(output), expected_function)))
        .or_else(|| outputs.first());
    let Some(output) = output else {
        let message = format!("The application has no output yet. Attach {expected_function} to the stream {OUTPUT}.");
        let finding = Finding::not_yet("the application's output", message);
        return Ok(finding.with(application.evidence([("OutputDescriptions", "0".to_owned())])));
    };
    let name = output.name.as_deref().unwrap_or_default();
    let arn = lambda_arn(output);
    let format = output.destination_schema.as_ref().map_or("none", |schema| schema.record_format_type.as_str());
    let evidence = application.evidence([
        ("Name", name.to_owned()),
        ("LambdaOutput.ResourceARN", arn.to_owned()),
        ("RecordFormatType", format.to_owned()),
    ]);
    let finding = if name != OUTPUT {
        Finding::wrong(
            "Name",
            OUTPUT,
            if name.is_empty() { "none".to_owned() } else { clip(name, 60) },
            "The output's name must be that of the in-application stream, letter for letter. Delete the output and attach \
             it as WINDOW_COUNTS.",
        )
    } else if !same_function(observed, arn, expected_function) {
        Finding::wrong(
            "LambdaOutput.ResourceARN",
            format!(
                "arn:aws:lambda:{}:{}:function:{expected_function}",
                observed.subject.region, observed.subject.account
            ),
            if arn.is_empty() { "no function".to_owned() } else { clip(arn, 200) },
            format!("The counts go somewhere else. Delete the output and attach {expected_function}."),
        )
    } else if format != RecordFormatType::Json.as_str() {
        Finding::wrong(
            "RecordFormatType",
            "JSON",
            clip(format, 40),
            "The function reads rows in JSON. Delete the output and attach it with the format JSON.",
        )
    } else {
        Finding::pass(format!("The application sends {OUTPUT} to {expected_function}, as JSON."))
    };
    Ok(finding.with(evidence))
}

fn outputs(application: &ApplicationDetail) -> &[OutputDescription] {
    sql_configuration(application).and_then(|sql| sql.output_descriptions.as_deref()).unwrap_or_default()
}

fn lambda_arn(output: &OutputDescription) -> &str {
    output.lambda_output_description.as_ref().map_or("", |lambda| lambda.resource_arn.as_str())
}

/// Delivers one marked row twice, and looks whether the table holds it once.
pub(crate) async fn idempotent(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Output).await?;
    observed.table().await?;
    let name = observed.function_name(Function::Output);
    if let Some(finding) = not_ready(observed, &function, name) {
        return Err(finding.with(state_evidence(&function)));
    }
    if observed.consent == Consent::No {
        let message = format!(
            "We have not tried {name} yet. Press \"Test the function\": we call it twice with the same row of the metric \
             {TEST_METRIC}, and look for it in your table. One small item stays there."
        );
        let evidence = function.evidence([("FunctionName", name.to_owned())]);
        return Ok(Finding::not_yet("a test run of the function", message).with(evidence));
    }
    let before = query(observed, TEST_METRIC, None).await;
    let known: HashSet<String> = good(&before)?.iter().map(sort_key).collect();
    // A window of its own for each test: a function that stores a window but once would keep an old number.
    let window_end = observed.clock.now().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut evidence = Vec::new();
    for _ in 0..2 {
        let (payload, seen) = invoke(observed, Function::Output, output_event(observed, window_end)).await?;
        evidence.push(seen);
        acknowledged(&payload).map_err(|finding| finding.with_all(evidence.clone()))?;
    }
    let after = query(observed, TEST_METRIC, None).await;
    let items = good(&after)?;
    let finding = judge_items(items, &known, &iso(window_end));
    Ok(finding.with_all(evidence).with(after.evidence([
        ("items before", known.len().to_string()),
        ("items after", items.len().to_string()),
        ("window_end", iso(window_end)),
    ])))
}

fn output_event(observed: &Observed<'_>, window_end: OffsetDateTime) -> Value {
    let subject = observed.subject;
    // As a TIMESTAMP column is written in JSON.
    let sql_time = iso(window_end).replace('T', " ").replace('Z', ".000");
    let row = json!({
        "metric": TEST_METRIC,
        "item": "",
        "window_end": sql_time,
        "window_seconds": subject.window_seconds,
        "amount": TEST_AMOUNT,
    });
    json!({
        "invocationId": "headwater-test-run",
        "applicationArn":
            format!("arn:aws:kinesisanalytics:{}:{}:application/{}", subject.region, subject.account, subject.application),
        "records": [{
            "recordId": TEST_METRIC,
            "lambdaDeliveryRecordMetadata": { "retryHint": 0 },
            "data": BASE64_STANDARD.encode(row.to_string()),
        }],
    })
}

/// Whether the function took the row. Answer as in "Using a Lambda Function as Output".
fn acknowledged(payload: &[u8]) -> Result<(), Finding> {
    #[derive(Deserialize)]
    struct Answer {
        records: Vec<Record>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Record {
        record_id: String,
        result: String,
    }
    let answer: Option<Answer> = serde_json::from_slice(payload).ok();
    let shape = "{\"records\": [{\"recordId\": …, \"result\": \"Ok\"}]}";
    let result = answer.as_ref().and_then(|answer| match answer.records.as_slice() {
        [record] if record.record_id == TEST_METRIC => Some(record.result.as_str()),
        _ => None,
    });
    match result {
        Some("Ok") => Ok(()),
        Some("DeliveryFailed") => Err(Finding::wrong(
            "result",
            "Ok",
            "DeliveryFailed",
            "The function could not store the row. Look into its log: most often its role may not write to the table, or \
             TABLE_NAME names another one.",
        )),
        Some(other) => Err(Finding::wrong(
            "result",
            "Ok or DeliveryFailed",
            clip(other, 40),
            "The service knows two results only, written exactly so.",
        )),
        None => Err(Finding::wrong(
            "answer",
            shape,
            clip(&String::from_utf8_lossy(&payload[..payload.len().min(400)]), 200),
            "The function must answer each record once, with its recordId and a result.",
        )),
    }
}

fn judge_items(items: &[Item], known: &HashSet<String>, window_end: &str) -> Finding {
    let new: Vec<&Item> = items.iter().filter(|item| !known.contains(&sort_key(item))).collect();
    let Some(item) = new.iter().find(|item| sort_key(item) == window_end) else {
        let found = match new.as_slice() {
            [] => "no new item".to_owned(),
            [item, ..] => format!("an item of {}", clip(&sort_key(item), 60)),
        };
        let advice = if new.is_empty() {
            "The function answered Ok, and the table holds no such item. Does TABLE_NAME name your table?"
        } else {
            "The key must come from the row: metric, and the window's end as 2026-11-24T19:00:00Z. A key made of the \
             current time gives every repetition a new item."
        };
        return Finding::wrong("window_end", window_end, found, advice);
    };
    if new.len() > 1 {
        return Finding::wrong(
            "items",
            "1 item",
            format!("{} items", new.len()),
            "The same row, delivered twice, made more than one item. Make the key of metric and window_end alone.",
        );
    }
    let amount = item.get("amount").and_then(|amount| amount.as_n().ok()).map_or("none", String::as_str);
    if amount.parse() == Ok(TEST_AMOUNT) {
        Finding::pass("The same row, delivered twice, is stored once and with the right number.")
    } else {
        Finding::wrong(
            "amount",
            TEST_AMOUNT.to_string(),
            clip(amount, 40),
            "The row was delivered twice and its number is not the one sent. SET the amount; ADD counts a repetition anew.",
        )
    }
}

pub(crate) async fn rows(observed: &Observed<'_>) -> Judged {
    let answer = query(observed, "views", Some(1)).await;
    let items = match &answer.result {
        Ok(items) => items,
        // The table itself tells why: absent, elsewhere, or being deleted.
        Err(CallError::Absent) => {
            observed.table().await?;
            return Err(no_rows(observed).await.with(answer.evidence([])));
        }
        Err(error) => return Err(Finding::could_not_look(&answer, error)),
    };
    let Some(newest) = items.first() else {
        return Ok(no_rows(observed).await.with(answer.evidence([("items", "0".to_owned())])));
    };
    let shown = |name: &str| newest.get(name).map(plain).unwrap_or_default();
    let evidence = answer.evidence([
        ("window_end", shown("window_end")),
        ("amount", shown("amount")),
        ("window_seconds", shown("window_seconds")),
        ("written_at", shown("written_at")),
    ]);
    let finding = if OffsetDateTime::parse(&sort_key(newest), &Rfc3339).is_err() {
        Finding::wrong(
            "window_end",
            "a time such as 2026-11-24T19:00:00Z",
            clip(&sort_key(newest), 60),
            "The chart cannot place this item. Store the window's end in ISO 8601, in UTC.",
        )
    } else if let Some(name) = ["amount", "window_seconds"].into_iter().find(|name| !is_number(newest.get(*name))) {
        Finding::wrong(
            name,
            "a number",
            if newest.contains_key(name) { "something else" } else { "none" },
            format!("The chart needs the number {name} in each item. Store it as the lab's function does."),
        )
    } else {
        let (amount, end) = (shown("amount"), shown("window_end"));
        Finding::pass(format!("Counts arrive: {amount} views in the window that ended at {end}."))
    };
    Ok(finding.with(evidence))
}

/// Why no window count has arrived, from the state of the application and the time of sending.
async fn no_rows(observed: &Observed<'_>) -> Finding {
    let application = match observed.application().await {
        Ok(application) => application,
        Err(finding) => return finding,
    };
    let status = &application.value.application_status;
    let what = "window counts in the table";
    let finding = if *status == ApplicationStatus::Running {
        let length = Duration::seconds(i64::from(observed.subject.window_seconds.max(1)));
        match observed.subject.sent_at.map(|sent_at| (sent_at, window_close(sent_at, length) + STORING)) {
            None => Finding::not_yet(what, "No counts have arrived. Send demo clicks while the application runs."),
            Some((_, until)) if observed.clock.now() < until => Finding::settling(
                until,
                "the first window has not closed yet",
                format!(
                    "Your clicks are being counted. Their window closes at {}, and the counts follow at once.",
                    clock_time(until - STORING)
                ),
            ),
            Some((sent_at, _)) => Finding::not_yet(
                what,
                format!(
                    "Clicks were sent at {}, their window has closed, and no counts have arrived. Check the output above, \
                     and look into the function's log; then send clicks again.",
                    clock_time(sent_at)
                ),
            ),
        }
    } else {
        Finding::not_yet(
            what,
            "No counts have arrived, and the application is not running. Start it, then send clicks.",
        )
    };
    finding.with(application.evidence([("ApplicationStatus", status.to_string())]))
}

/// The end of the window in which rows sent at `sent_at` are counted: the next one, since reading and
/// preprocessing may carry them over the edge.
fn window_close(sent_at: OffsetDateTime, length: Duration) -> OffsetDateTime {
    let seconds = length.whole_seconds();
    let start = sent_at.unix_timestamp().div_euclid(seconds).saturating_mul(seconds);
    OffsetDateTime::from_unix_timestamp(start.saturating_add(2 * seconds)).unwrap_or(sent_at)
}

type Item = HashMap<String, AttributeValue>;

/// The items of one metric, newest window first. `limit` ends the search early; otherwise the pages are followed
/// within bounds, as one may be empty though more follow.
async fn query(observed: &Observed<'_>, metric: &str, limit: Option<i32>) -> Answer<Vec<Item>> {
    const PAGES: usize = 10;
    let mut items: Vec<Item> = Vec::new();
    let mut start = None;
    let mut at = observed.clock.now();
    for _ in 0..PAGES {
        let send = observed
            .clients
            .dynamodb
            .query()
            .table_name(&observed.subject.table)
            .key_condition_expression("#metric = :metric")
            .expression_attribute_names("#metric", "metric")
            .expression_attribute_values(":metric", AttributeValue::S(metric.to_owned()))
            .scan_index_forward(false)
            .consistent_read(true)
            .set_limit(limit)
            .set_exclusive_start_key(start.take())
            .send();
        let page = make(&QUERY, observed.clock, CALL_TIMEOUT, send).await;
        at = page.at;
        match page.result {
            Ok(page) => {
                items.extend(page.items.unwrap_or_default());
                start = page.last_evaluated_key.filter(|key| !key.is_empty());
            }
            Err(error) => return Answer { call: &QUERY, at, result: Err(error) },
        }
        if start.is_none() || limit.is_some() && !items.is_empty() {
            break;
        }
    }
    Answer { call: &QUERY, at, result: Ok(items) }
}

fn good(answer: &Answer<Vec<Item>>) -> Result<&[Item], Finding> {
    match &answer.result {
        Ok(items) => Ok(items),
        Err(error) => Err(Finding::could_not_look(answer, error)),
    }
}

fn sort_key(item: &Item) -> String {
    item.get("window_end").map(plain).unwrap_or_default()
}

/// A scalar as text, cut.
fn plain(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => clip(text, 60),
        _ => "(not a text or number)".to_owned(),
    }
}

fn is_number(value: Option<&AttributeValue>) -> bool {
    value.is_some_and(AttributeValue::is_n)
}

fn iso(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_window_is_waited_for_to_its_end_and_the_next() {
        let minute = Duration::seconds(60);
        assert_eq!(window_close(datetime!(2026-11-24 19:00:59 UTC), minute), datetime!(2026-11-24 19:02:00 UTC));
        assert_eq!(window_close(datetime!(2026-11-24 19:01:00 UTC), minute), datetime!(2026-11-24 19:03:00 UTC));
        assert_eq!(
            window_close(datetime!(2026-11-24 19:01:00.5 UTC), Duration::seconds(1)),
            datetime!(2026-11-24 19:01:02 UTC)
        );
    }

    #[test]
    fn times_are_written_to_the_second() {
        assert_eq!(iso(datetime!(2026-11-24 20:00 +1)), "2026-11-24T19:00:00Z");
    }
}
