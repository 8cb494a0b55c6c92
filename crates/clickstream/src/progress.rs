//! How far a sending has come.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::Mark;

/// The state of one sending, told many times while it runs; the last one told is the summary.
///
/// When it has ended, `sent` = `accepted` + `failed`, in rows and in records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Whether it still runs, and if not, how it ended.
    pub state: SendState,
    /// Rows that the plan asks for in all, and the marked rows added to them so far.
    pub planned_rows: u64,
    /// Handed to a call at least once; marked rows count here and below.
    pub sent: Tally,
    /// Acknowledged by the stream.
    pub accepted: Tally,
    /// Sent again after a refusal, counted once for each time.
    pub retried: Tally,
    /// Given up after the last attempt, or by the end of the sending. After a time-out the stream may hold them nonetheless.
    pub failed: Tally,
    /// Sum of `n` over the accepted rows: what the windows' views add up to.
    pub clicks_accepted: u64,
    /// Bytes of the accepted records.
    pub bytes: u64,
    /// What its rows are marked with.
    #[serde(default)]
    pub mark: Option<Mark>,
    /// How many of the accepted rows are marked ones.
    #[serde(default)]
    pub marks_accepted: u64,
    /// When the stream first acknowledged something.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub first_accepted: Option<OffsetDateTime>,
    /// When it last did.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub last_accepted: Option<OffsetDateTime>,
    /// The latest refusal, in words for the learner; none while all goes well.
    pub latest_problem: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// Milliseconds since `started`.
    pub elapsed_ms: u64,
}

/// A number of rows and of the records that carry them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub rows: u64,
    pub records: u64,
}

/// Whether a sending runs, and if not, how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum SendState {
    Running,
    /// The learner stopped it.
    Stopped,
    /// Every planned row was sent; `failed` tells whether all were accepted.
    Finished,
    /// It cannot go on.
    Failed {
        /// What happened and what to do, in words for the learner.
        reason: String,
    },
}

impl Progress {
    /// A sending of `planned_rows` rows that starts now.
    pub fn starting(planned_rows: u64) -> Self {
        Self {
            state: SendState::Running,
            planned_rows,
            sent: Tally::default(),
            accepted: Tally::default(),
            retried: Tally::default(),
            failed: Tally::default(),
            clicks_accepted: 0,
            bytes: 0,
            mark: None,
            marks_accepted: 0,
            first_accepted: None,
            last_accepted: None,
            latest_problem: None,
            started: OffsetDateTime::now_utc(),
            elapsed_ms: 0,
        }
    }

    /// Whether it has ended, one way or another.
    pub fn is_over(&self) -> bool {
        self.state != SendState::Running
    }
}

impl Tally {
    /// Counts one record that carries `rows` rows.
    pub(crate) fn add_record(&mut self, rows: u64) {
        self.rows += rows;
        self.records += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_json_is_what_pages_read() {
        let mut progress = Progress::starting(1200);
        progress.started = OffsetDateTime::UNIX_EPOCH;
        progress.accepted.add_record(12);
        progress.state = SendState::Failed { reason: "There is no such stream.".to_owned() };
        insta::assert_json_snapshot!(progress, @r#"
        {
          "state": {
            "name": "failed",
            "reason": "There is no such stream."
          },
          "planned_rows": 1200,
          "sent": {
            "rows": 0,
            "records": 0
          },
          "accepted": {
            "rows": 12,
            "records": 1
          },
          "retried": {
            "rows": 0,
            "records": 0
          },
          "failed": {
            "rows": 0,
            "records": 0
          },
          "clicks_accepted": 0,
          "bytes": 0,
          "mark": null,
          "marks_accepted": 0,
          "first_accepted": null,
          "last_accepted": null,
          "latest_problem": null,
          "started": "1970-01-01T00:00:00Z",
          "elapsed_ms": 0
        }
        "#);
        let json = serde_json::to_string(&progress).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), progress);
        let before_marks =
            json.replace(r#""mark":null,"marks_accepted":0,"first_accepted":null,"last_accepted":null,"#, "");
        assert_ne!(before_marks, json);
        assert_eq!(serde_json::from_str::<Progress>(&before_marks).unwrap(), progress, "as kept by an earlier version");
    }
}
