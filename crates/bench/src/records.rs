//! Records into Firehose.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record;

use crate::load::{LoadOptions, drive};
use crate::measurement::{Measurement, Subject};
use crate::target::Target;

/// The bucket and streams that `boto3_client.py prepare` makes. Several streams, since each has AWS's quota a second.
const BUCKET: &str = "bench";
const STREAMS: u64 = 8;
/// The most that `PutRecordBatch` takes.
const RECORDS_A_CALL: usize = 500;
/// Different calls; more would only take memory.
const BATCHES: usize = 16;
/// How long delivery of a round may take after it.
const SETTLE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// A target with the client that puts records into it.
struct Measured {
    target: Target,
    firehose: aws_sdk_firehose::Client,
    s3: aws_sdk_s3::Client,
    rates: Vec<f64>,
}

/// Measures each target and prints a line for each.
pub async fn run(options: &LoadOptions) -> anyhow::Result<()> {
    let batches: Vec<Vec<Record>> = (0..BATCHES).map(batch).collect::<anyhow::Result<_>>()?;
    let mut measured = options.targets.iter().map(Measured::new).collect::<anyhow::Result<Vec<_>>>()?;
    for _ in 0..options.rounds {
        for one in &mut measured {
            let rate = one.round(options, &batches).await.with_context(|| format!("at {}", one.target.name))?;
            one.rates.push(rate);
        }
    }
    for Measured { target, rates, .. } in measured {
        Measurement { subject: Subject::Records, how: options.how(), target: target.name, values: rates }.print()?;
    }
    Ok(())
}

impl Measured {
    fn new(target: &Target) -> anyhow::Result<Self> {
        let sdk = target.sdk()?;
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        Ok(Self {
            target: target.clone(),
            firehose: aws_sdk_firehose::Client::new(&sdk),
            s3: aws_sdk_s3::Client::from_conf(s3),
            rates: Vec::new(),
        })
    }

    /// One round, and the wait until its records are delivered, so that the next round begins with an idle machine. It also
    /// shows that nothing was lost.
    async fn round(&self, options: &LoadOptions, batches: &[Vec<Record>]) -> anyhow::Result<f64> {
        let delivered_before = self.delivered_bytes().await?;
        // The first calls open connections, which is no part of the measurement.
        let warm_up = self.put(batches, 0).await?;
        let (accepted, rate) = drive(options.calls, options.round(), |number| self.put(batches, number)).await?;
        let record_bytes = batches[0][0].data().as_ref().len() as u64;
        let expected = delivered_before + (warm_up + accepted) * record_bytes;
        let end = Instant::now() + SETTLE;
        loop {
            let delivered = self.delivered_bytes().await?;
            ensure!(delivered <= expected, "{delivered} bytes were delivered of {expected}");
            if delivered == expected {
                return Ok(rate);
            }
            if Instant::now() >= end {
                bail!("only {delivered} bytes of {expected} were delivered within {} s", SETTLE.as_secs());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn put(&self, batches: &[Vec<Record>], number: u64) -> anyhow::Result<u64> {
        let answer = self
            .firehose
            .put_record_batch()
            .delivery_stream_name(format!("bench-{}", number % STREAMS))
            .set_records(Some(batches[number as usize % batches.len()].clone()))
            .send()
            .await?;
        ensure!(answer.failed_put_count == 0, "{} records exceeded the quota", answer.failed_put_count);
        Ok(RECORDS_A_CALL as u64)
    }

    async fn delivered_bytes(&self) -> anyhow::Result<u64> {
        let mut pages = self.s3.list_objects_v2().bucket(BUCKET).into_paginator().send();
        let mut bytes = 0;
        while let Some(page) = pages.next().await {
            bytes += page?.contents().iter().filter_map(|object| u64::try_from(object.size?).ok()).sum::<u64>();
        }
        Ok(bytes)
    }
}

/// Rows of clicks, one a record, all of the same length; the same as those of the boto3 client.
fn batch(number: usize) -> anyhow::Result<Vec<Record>> {
    let record = |index: usize| {
        let row = format!("other-search\tPage_{:05}\texternal\t1\n", number * RECORDS_A_CALL + index);
        Ok(Record::builder().data(Blob::new(row)).build()?)
    };
    (0..RECORDS_A_CALL).map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_records_are_rows_of_one_length() {
        for number in 0..BATCHES {
            for record in batch(number).unwrap() {
                assert_eq!(record.data().as_ref().len(), 35);
                assert!(clickstream::Click::parse(record.data().as_ref()).is_ok());
            }
        }
    }
}
