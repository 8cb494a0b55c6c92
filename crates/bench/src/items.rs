//! Items into DynamoDB.

use anyhow::Context as _;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::load::{LoadOptions, drive};
use crate::measurement::{Measurement, Subject};
use crate::target::Target;

/// The table that `boto3_client.py prepare` makes.
const TABLE: &str = "bench";

/// Measures each target and prints a line for each.
pub async fn run(options: &LoadOptions) -> anyhow::Result<()> {
    let mut measured = Vec::new();
    for target in &options.targets {
        measured.push((target, aws_sdk_dynamodb::Client::new(&target.sdk()?), Vec::new()));
    }
    for round in 0..options.rounds {
        for (target, client, rates) in &mut measured {
            rates.push(rate(options, round, client).await.with_context(|| format!("at {}", target.name))?);
        }
    }
    for (Target { name, .. }, _, values) in measured {
        Measurement { subject: Subject::Items, how: options.how(), target: name.clone(), values }.print()?;
    }
    Ok(())
}

async fn rate(options: &LoadOptions, round: u32, client: &aws_sdk_dynamodb::Client) -> anyhow::Result<f64> {
    let metric = format!("rust-{}-{round}", options.calls);
    // The first call opens a connection, which is no part of the measurement.
    put(client, &metric, u64::MAX).await?;
    let (_, rate) = drive(options.calls, options.round(), |number| put(client, &metric, number)).await?;
    Ok(rate)
}

/// Writes a new item as the lab's output function does, in size and shape; the same as the boto3 client.
async fn put(client: &aws_sdk_dynamodb::Client, metric: &str, number: u64) -> anyhow::Result<u64> {
    client
        .put_item()
        .table_name(TABLE)
        .item("metric", AttributeValue::S(metric.to_owned()))
        .item("window_end", AttributeValue::S(format!("{number:020}")))
        .item("window_seconds", AttributeValue::N("60".to_owned()))
        .item("amount", AttributeValue::N(number.to_string()))
        .item("written_at", AttributeValue::S("2026-01-01T00:00:00Z".to_owned()))
        .send()
        .await?;
    Ok(1)
}
