//! A score as it is sent to a platform.

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// With milliseconds, always in the same length: that is what the specification shows, and some platforms insist on.
const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// What somebody has reached in a line item.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The person: [`crate::Launch::subject`].
    pub user: String,
    pub given: f64,
    pub maximum: f64,
    pub activity: ActivityProgress,
    pub grading: GradingProgress,
    /// When it was reached. Platforms pass over a score that is older than the one they have.
    pub at: OffsetDateTime,
    /// Shown to the person.
    pub comment: Option<String>,
}

/// How far the person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum ActivityProgress {
    Initialized,
    Started,
    InProgress,
    Submitted,
    Completed,
}

/// How far the grading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum GradingProgress {
    FullyGraded,
    Pending,
    PendingManual,
    Failed,
    NotReady,
}

impl Score {
    pub(crate) fn is_sound(&self) -> bool {
        self.maximum.is_finite() && self.maximum > 0.0 && self.given.is_finite() && self.given >= 0.0
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error as _;
        let at = self.at.to_utc();
        let mut score = serializer.serialize_struct("Score", 7)?;
        score.serialize_field("userId", &self.user)?;
        score.serialize_field("scoreGiven", &self.given)?;
        score.serialize_field("scoreMaximum", &self.maximum)?;
        score.serialize_field("activityProgress", &self.activity)?;
        score.serialize_field("gradingProgress", &self.grading)?;
        score.serialize_field("timestamp", &at.format(TIMESTAMP).map_err(S::Error::custom)?)?;
        match &self.comment {
            Some(comment) => score.serialize_field("comment", comment)?,
            None => score.skip_field("comment")?,
        }
        score.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_score_is_written_as_platforms_read_it() {
        let score = Score {
            user: "someone".to_owned(),
            given: 1.5,
            maximum: 2.0,
            activity: ActivityProgress::InProgress,
            grading: GradingProgress::FullyGraded,
            at: datetime!(2026-03-01 13:00:00.123_456_789 +1),
            comment: None,
        };
        let written = json!({ "userId": "someone", "scoreGiven": 1.5, "scoreMaximum": 2.0,
            "activityProgress": "InProgress", "gradingProgress": "FullyGraded",
            "timestamp": "2026-03-01T12:00:00.123Z" });
        assert_eq!(serde_json::to_value(&score).unwrap(), written);
    }

    #[test]
    fn scores_beyond_reason_are_not_sound() {
        let score = |given, maximum| Score {
            user: String::new(),
            given,
            maximum,
            activity: ActivityProgress::Completed,
            grading: GradingProgress::FullyGraded,
            at: OffsetDateTime::UNIX_EPOCH,
            comment: None,
        };
        assert!(score(0.0, 1.0).is_sound());
        for (given, maximum) in [(-1.0, 1.0), (0.0, 0.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            assert!(!score(given, maximum).is_sound(), "{given} of {maximum}");
        }
    }
}
