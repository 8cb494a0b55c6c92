//! What was measured, as it travels from the measuring programs to the report.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// One measurement: the same thing measured several times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    pub subject: Subject,
    /// What measured, such as `boto3, one call at a time`.
    pub how: String,
    /// What was measured: [`HEADWATER`], [`MOTO`] or [`LIMIT`].
    pub target: String,
    /// One value a round.
    pub values: Vec<f64>,
}

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Records a second that Firehose accepted.
    Records,
    /// Items a second that DynamoDB accepted.
    Items,
    /// Rows a second that passed the streaming SQL.
    Rows,
    /// Entries a second that a class's board took in.
    Entries,
    /// Milliseconds of work for a frame while a board is scrolled.
    Frames,
    /// Seconds from a window's end to the page.
    Delay,
}

impl Subject {
    /// Times are the better the smaller they are, rates the larger.
    pub fn is_better_small(self) -> bool {
        match self {
            Self::Frames | Self::Delay => true,
            Self::Records | Self::Items | Self::Rows | Self::Entries => false,
        }
    }
}

/// The measured product, as a target.
pub const HEADWATER: &str = "headwater";
/// The peer, as a target.
pub const MOTO: &str = "moto";
/// What has to be reached, as a target, where there is no peer.
pub const LIMIT: &str = "limit";

impl Measurement {
    /// Prints the measurement as a line of its own.
    pub fn print(&self) -> anyhow::Result<()> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }

    /// The middle value; of an even number of values the mean of the two in the middle.
    pub fn median(&self) -> anyhow::Result<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle).with_context(|| format!("{} has no values", self.how))?;
        Ok(if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], upper) } else { upper })
    }

    /// The smallest and the largest value.
    pub fn range(&self) -> (f64, f64) {
        self.values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Measurement {
        Measurement {
            subject: Subject::Rows,
            how: "a test".to_owned(),
            target: HEADWATER.to_owned(),
            values: values.to_vec(),
        }
    }

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(of(&[9.0, 1.0, 4.0]).median().unwrap(), 4.0);
        assert_eq!(of(&[9.0, 1.0, 4.0, 2.0]).median().unwrap(), 3.0);
        assert!(of(&[]).median().is_err());
        assert_eq!(of(&[9.0, 1.0, 4.0]).range(), (1.0, 9.0));
    }
}
