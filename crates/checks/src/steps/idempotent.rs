//! Step 5: what is delivered twice must count once.

use std::collections::HashSet;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    preprocess::{not_ready, state_evidence},
    results::keys_fault,
};
use crate::{
    arn,
    data_streams::DataStream,
    engine::Engine,
    finding::{Finding, Judged},
    invoke::invoke,
    items::{Item, Windows, good, query, sort_key},
    observed::{Function, Observed},
    subject::Consent,
    text::clip,
    trial::{Purpose, TRIAL_VIEWS, Trial, answer, iso, kinesis_record},
    verdict::Evidence,
};

/// The metric of the test row, which the chart does not show.
const TEST_METRIC: &str = "headwater_check";
const TEST_AMOUNT: u64 = 7;

/// Delivers one thing twice, and looks whether the table holds it once: a marked row, or the end of a made-up window.
pub(crate) async fn idempotent(observed: &Observed<'_>) -> Judged {
    let function = observed.function(Function::Output).await?;
    let table = observed.table().await?;
    let name = observed.function_name(Function::Output);
    if let Some(finding) = not_ready(observed, &function, name) {
        return Err(finding.with(state_evidence(&function)));
    }
    if let Some(finding) = keys_fault(table.value) {
        return Err(finding.with(table.evidence([("KeySchema", table.value.key_schema().len().to_string())])));
    }
    let counts = observed.subject.engine == Engine::TumblingWindow;
    if observed.consent == Consent::No {
        let how = if counts {
            "with a made-up window of the year 2000 and tell it twice that the window is over, and look for its counts in \
             your table. They stay there; the chart leaves them out"
        } else {
            "twice with the same row of the metric headwater_check, and look for it in your table. One small item stays there"
        };
        let message = format!("We have not tried {name} yet. Press \"Test the function\": we call it {how}.");
        let evidence = function.evidence([("FunctionName", name.to_owned())]);
        return Ok(Finding::not_yet("a test run of the function", message).with(evidence));
    }
    let (metric, windows) = if counts { ("views", Windows::Trials) } else { (TEST_METRIC, Windows::Real) };
    let before = query(observed, metric, windows, None).await;
    let known: HashSet<String> = good(&before)?.iter().map(sort_key).collect();
    let mut evidence = Vec::new();
    let delivered =
        if counts { window_twice(observed, &mut evidence).await } else { row_twice(observed, &mut evidence).await };
    let (window_end, amount) = delivered.map_err(|finding| finding.with_all(evidence.clone()))?;
    let after = query(observed, metric, windows, None).await;
    let items = good(&after)?;
    let finding = judge_items(items, &known, &window_end, amount);
    Ok(finding.with_all(evidence).with(after.evidence([
        ("items before", known.len().to_string()),
        ("items after", items.len().to_string()),
        ("window_end", window_end),
    ])))
}

/// Delivers a marked row twice. Returns the key and the amount that its item must have.
async fn row_twice(observed: &Observed<'_>, evidence: &mut Vec<Evidence>) -> Result<(String, u64), Finding> {
    // A window of its own for each test: a function that stores a window but once would keep an old number.
    let window_end = observed.clock.start().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    for _ in 0..2 {
        let (payload, seen) = invoke(observed, Function::Output, row_event(observed, window_end)).await?;
        evidence.push(seen);
        acknowledged(observed, &payload)?;
    }
    Ok((iso(window_end), TEST_AMOUNT))
}

/// Counts a made-up window and ends it twice, as Lambda does when an answer got lost.
async fn window_twice(observed: &Observed<'_>, evidence: &mut Vec<Evidence>) -> Result<(String, u64), Finding> {
    let trial = Trial::new(observed, Purpose::Repetition);
    let (payload, seen) = invoke(observed, Function::Output, trial.records_event()).await?;
    evidence.push(seen);
    let state = trial.state_in(&payload)?;
    for _ in 0..2 {
        let (payload, seen) = invoke(observed, Function::Output, trial.final_event(&state)).await?;
        evidence.push(seen);
        trial.took_the_end(&payload)?;
    }
    Ok((trial.window_end(), TRIAL_VIEWS))
}

/// One marked row, as the engine delivers it.
fn row_event(observed: &Observed<'_>, window_end: OffsetDateTime) -> Value {
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
    if subject.engine == Engine::Flink {
        let row = row.to_string();
        return json!({ "Records": [kinesis_record(subject, DataStream::Counts, 0, row.as_bytes(), window_end)] });
    }
    json!({
        "invocationId": "headwater-test-run",
        "applicationArn":
            format!(
                "arn:{}:kinesisanalytics:{}:{}:application/{}",
                arn::partition(&subject.region), subject.region, subject.account, subject.application
            ),
        "records": [{
            "recordId": TEST_METRIC,
            "lambdaDeliveryRecordMetadata": { "retryHint": 0 },
            "data": BASE64_STANDARD.encode(row.to_string()),
        }],
    })
}

/// Whether the function took the row. To the SQL application it answers as in "Using a Lambda Function as Output".
fn acknowledged(observed: &Observed<'_>, payload: &[u8]) -> Result<(), Finding> {
    if observed.subject.engine != Engine::SqlApplication {
        return answer(payload).map(drop);
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

fn judge_items(items: &[Item], known: &HashSet<String>, window_end: &str, expected: u64) -> Finding {
    let new: Vec<&Item> = items.iter().filter(|item| !known.contains(&sort_key(item))).collect();
    let Some(item) = new.iter().find(|item| sort_key(item) == window_end) else {
        let found = match new.as_slice() {
            [] => "no new item".to_owned(),
            [item, ..] => format!("an item of {}", clip(&sort_key(item), 60)),
        };
        let advice = if new.is_empty() {
            "The function took the row, and the table holds no such item. Does TABLE_NAME name your table? Is the key the \
             metric and the window's end, as in 2026-11-24T19:00:00Z?"
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
    if amount.parse() == Ok(expected) {
        Finding::pass("The same row, delivered twice, is stored once and with the right number.")
    } else {
        Finding::wrong(
            "amount",
            expected.to_string(),
            clip(amount, 40),
            "The row was delivered twice and its number is not the one sent. SET the amount; ADD counts a repetition anew.",
        )
    }
}
