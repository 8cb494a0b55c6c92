use serde::{Deserialize, Serialize};
use std::fmt;

/// Points that someone earned, in hundredths: a step that was done for the learner may give a part of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Points {
    pub hundredths: u32,
}

impl Points {
    /// So many whole points.
    pub fn whole(points: u32) -> Self {
        Self { hundredths: points.saturating_mul(100) }
    }
}

impl fmt::Display for Points {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hundredths / 100, self.hundredths % 100) {
            (whole, 0) => write!(formatter, "{whole}"),
            (whole, rest) if rest % 10 == 0 => write!(formatter, "{whole}.{}", rest / 10),
            (whole, rest) => write!(formatter, "{whole}.{rest:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_told_without_needless_zeros() {
        let shown = [0, 250, 700, 733, 705].map(|hundredths| Points { hundredths }.to_string());
        assert_eq!(shown, ["0", "2.5", "7", "7.33", "7.05"]);
        assert_eq!(serde_json::to_string(&Points::whole(3)).unwrap(), "300");
    }
}
