//! What to send, how fast and for how long.

use std::time::Duration;

use thiserror::Error;

use crate::Click;

/// The highest rate, in rows a second.
pub const MAX_RATE: u32 = 5_000;
/// The longest sending.
pub const MAX_DURATION: Duration = Duration::from_secs(15 * 60);

/// A sending that keeps within the bounds.
#[derive(Clone, Debug)]
pub struct SendPlan {
    stream: String,
    rate: u32,
    source: RowSource,
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
    #[error("choose a duration from 1 second to {} minutes", MAX_DURATION.as_secs() / 60)]
    Duration,
    #[error("there are no rows to send")]
    NoRows,
    #[error("at this rate the rows would take longer than {} minutes: choose at least {least} rows a second", MAX_DURATION.as_secs() / 60)]
    TooSlow { least: u32 },
    #[error("there are more rows than can be sent in {} minutes: send a part of them", MAX_DURATION.as_secs() / 60)]
    TooManyRows,
}

impl SendPlan {
    /// Sends to the delivery stream named `stream`, at `rate` rows a second.
    pub fn new(stream: impl Into<String>, rate: u32, source: RowSource) -> Result<Self, PlanError> {
        if !(1..=MAX_RATE).contains(&rate) {
            return Err(PlanError::Rate);
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
                    Ok(least) if least > MAX_RATE => return Err(PlanError::TooManyRows),
                    Ok(least) if rate < least => return Err(PlanError::TooSlow { least }),
                    Ok(_) => {}
                    Err(_) => return Err(PlanError::TooManyRows),
                }
            }
        }
        Ok(Self { stream: stream.into(), rate, source })
    }

    /// The delivery stream's name.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Rows a second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// How many rows will be sent in all.
    pub fn planned_rows(&self) -> u64 {
        match &self.source {
            RowSource::Demo { duration, .. } => (duration.as_secs_f64() * f64::from(self.rate)).round() as u64,
            RowSource::Rows(rows) => rows.len() as u64,
        }
    }

    pub(crate) fn into_source(self) -> RowSource {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Generator;

    fn demo(rate: u32, seconds: u64) -> Result<SendPlan, PlanError> {
        SendPlan::new("s", rate, RowSource::Demo { seed: 1, duration: Duration::from_secs(seconds) })
    }

    fn rows(rate: u32, count: usize) -> Result<SendPlan, PlanError> {
        SendPlan::new("s", rate, RowSource::Rows(Generator::new(1).take(count).collect()))
    }

    #[test]
    fn keeps_within_the_bounds() {
        assert_eq!(demo(200, 60).unwrap().planned_rows(), 12_000);
        assert_eq!(demo(0, 60).unwrap_err(), PlanError::Rate);
        assert_eq!(demo(5_001, 60).unwrap_err(), PlanError::Rate);
        assert_eq!(demo(1, 0).unwrap_err(), PlanError::Duration);
        assert_eq!(demo(1, 901).unwrap_err(), PlanError::Duration);
        assert_eq!(rows(1, 900).unwrap().planned_rows(), 900);
        assert_eq!(rows(1, 901).unwrap_err(), PlanError::TooSlow { least: 2 });
        assert_eq!(rows(1, 0).unwrap_err(), PlanError::NoRows);
    }
}
