//! What to send, whereto, how fast and for how long.

use std::time::Duration;

use thiserror::Error;

use crate::{Click, Mark};

/// The highest rate, in rows a second.
pub const MAX_RATE: u32 = 5_000;
/// The highest rate to a data stream: one shard takes 1,000 records a second (Kinesis quotas), and a row is a record there.
pub const MAX_DATA_STREAM_RATE: u32 = 1_000;
/// The longest sending.
pub const MAX_DURATION: Duration = Duration::from_secs(15 * 60);

/// A sending that keeps within the bounds.
#[derive(Clone, Debug)]
pub struct SendPlan {
    target: Target,
    rate: u32,
    source: RowSource,
    mark: Option<Mark>,
}

/// The stream that rows are put on, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Firehose delivery stream with Direct PUT. Many rows make a record.
    DeliveryStream(String),
    /// A Kinesis data stream. Each row is a record, its page the partition key.
    DataStream(String),
}

/// Where the rows come from.
#[derive(Clone, Debug)]
pub enum RowSource {
    /// Rows of a [`crate::Generator`] with this seed, for this long.
    Demo { seed: u64, duration: Duration },
    /// These rows, once, in this order.
    Rows(Vec<Click>),
}

/// Why a plan is refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    #[error("choose a rate from 1 to {MAX_RATE} rows a second")]
    Rate,
    #[error(
        "choose a rate from 1 to {MAX_DATA_STREAM_RATE} rows a second: each row is a record, and a shard takes no more"
    )]
    DataStreamRate,
    #[error("choose a duration from 1 second to {} minutes", MAX_DURATION.as_secs() / 60)]
    Duration,
    #[error("there are no rows to send")]
    NoRows,
    #[error("at this rate the rows would take longer than {} minutes: choose at least {least} rows a second", MAX_DURATION.as_secs() / 60)]
    TooSlow { least: u32 },
    #[error("there are more rows than can be sent in {} minutes: send a part of them", MAX_DURATION.as_secs() / 60)]
    TooManyRows,
}

impl Target {
    /// The stream's name.
    pub fn name(&self) -> &str {
        match self {
            Self::DeliveryStream(name) | Self::DataStream(name) => name,
        }
    }

    /// The highest rate that a plan may have.
    pub fn max_rate(&self) -> u32 {
        match self {
            Self::DeliveryStream(_) => MAX_RATE,
            Self::DataStream(_) => MAX_DATA_STREAM_RATE,
        }
    }

    /// What it is, in a sentence.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::DeliveryStream(_) => "delivery stream",
            Self::DataStream(_) => "data stream",
        }
    }

    /// The IAM action that sending needs.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::DeliveryStream(_) => "firehose:PutRecordBatch",
            Self::DataStream(_) => "kinesis:PutRecords",
        }
    }
}

impl SendPlan {
    /// Sends to `target`, at `rate` rows a second, without a mark.
    pub fn new(target: Target, rate: u32, source: RowSource) -> Result<Self, PlanError> {
        let max_rate = target.max_rate();
        if !(1..=max_rate).contains(&rate) {
            return Err(match target {
                Target::DeliveryStream(_) => PlanError::Rate,
                Target::DataStream(_) => PlanError::DataStreamRate,
            });
        }
        match &source {
            RowSource::Demo { duration, .. } => {
                if !(Duration::from_secs(1)..=MAX_DURATION).contains(duration) {
                    return Err(PlanError::Duration);
                }
            }
            RowSource::Rows(rows) => {
                let least = (rows.len() as u64).div_ceil(MAX_DURATION.as_secs());
                match u32::try_from(least) {
                    Ok(0) => return Err(PlanError::NoRows),
                    Ok(least) if least > max_rate => return Err(PlanError::TooManyRows),
                    Ok(least) if rate < least => return Err(PlanError::TooSlow { least }),
                    Ok(_) => {}
                    Err(_) => return Err(PlanError::TooManyRows),
                }
            }
        }
        Ok(Self { target, rate, source, mark: None })
    }

    /// The same sending with a marked row at the beginning of each record (delivery stream) or call (data stream).
    pub fn marked(self, mark: Mark) -> Self {
        Self { mark: Some(mark), ..self }
    }

    /// Whereto.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Rows a second, marked ones not counted.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The mark, if there is one.
    pub fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// How many rows of the source will be sent in all; marked ones come on top.
    pub fn planned_rows(&self) -> u64 {
        match &self.source {
            RowSource::Demo { duration, .. } => (duration.as_secs_f64() * f64::from(self.rate)).round() as u64,
            RowSource::Rows(rows) => rows.len() as u64,
        }
    }

    pub(crate) fn into_parts(self) -> (Target, Option<Mark>, RowSource) {
        (self.target, self.mark, self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Generator;

    fn delivery_stream() -> Target {
        Target::DeliveryStream("s".to_owned())
    }

    fn data_stream() -> Target {
        Target::DataStream("s".to_owned())
    }

    fn demo(target: Target, rate: u32, seconds: u64) -> Result<SendPlan, PlanError> {
        SendPlan::new(target, rate, RowSource::Demo { seed: 1, duration: Duration::from_secs(seconds) })
    }

    fn rows(rate: u32, count: usize) -> Result<SendPlan, PlanError> {
        SendPlan::new(delivery_stream(), rate, RowSource::Rows(Generator::new(1).take(count).collect()))
    }

    #[test]
    fn keeps_within_the_bounds() {
        assert_eq!(demo(delivery_stream(), 200, 60).unwrap().planned_rows(), 12_000);
        assert_eq!(demo(delivery_stream(), 0, 60).unwrap_err(), PlanError::Rate);
        assert_eq!(demo(delivery_stream(), 5_001, 60).unwrap_err(), PlanError::Rate);
        assert_eq!(demo(delivery_stream(), 1, 0).unwrap_err(), PlanError::Duration);
        assert_eq!(demo(delivery_stream(), 1, 901).unwrap_err(), PlanError::Duration);
        assert_eq!(rows(1, 900).unwrap().planned_rows(), 900);
        assert_eq!(rows(1, 901).unwrap_err(), PlanError::TooSlow { least: 2 });
        assert_eq!(rows(1, 0).unwrap_err(), PlanError::NoRows);
    }

    #[test]
    fn a_data_stream_gets_no_more_than_its_shard_takes() {
        assert_eq!(demo(data_stream(), 1_000, 60).unwrap().planned_rows(), 60_000);
        let error = demo(data_stream(), 1_001, 60).unwrap_err();
        assert_eq!(
            error.to_string(),
            "choose a rate from 1 to 1000 rows a second: each row is a record, and a shard takes no more"
        );
        assert!(demo(data_stream(), 0, 60).is_err());
        assert!(demo(delivery_stream(), 1_001, 60).is_ok());
    }
}
