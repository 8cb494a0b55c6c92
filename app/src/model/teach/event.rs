use super::{ClassCounters, ClassState, RowView, WaitingView};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One message of the event stream `GET /teach/classes/{id}/events`, as JSON in an unnamed event.
///
/// The `id:` of each event is the number of the log's entry up to which it tells, so that a browser that comes back with
/// `Last-Event-ID`, or a page that opens the stream with `?after=SEQ`, misses nothing. Telling something twice does no harm.
/// At its beginning a stream tells [`Self::Class`] and [`Self::Waiting`]; with `?rows=none` it never tells [`Self::Rows`],
/// and [`Self::Learner`] only with `?learner=ID`, there at its beginning as well.
/// Rows are told together, at most four times a second. The outer key tells the kind, as in `{"rows": {…}}` or `"help"`: a tag
/// inside would have each message read into memory twice by the page.
/// It is 401 without a session, 404 for one who is not of the staff and for a class that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoardEvent {
    /// Rows that changed or came, and learners who are no longer in the class.
    Rows {
        seq: i64,
        /// The server's time.
        read_at: i64,
        rows: Vec<Arc<RowView>>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<String>,
    },
    Class {
        state: ClassState,
        counters: ClassCounters,
    },
    /// Everyone who asks to be let in.
    Waiting {
        waiting: Vec<WaitingView>,
    },
    /// The help queue changed: a page that shows it reads it again.
    Help,
    /// Something of the learner of `?learner=ID` may have changed: that page reads it again.
    Learner,
    /// The stream cannot go on from where the page is: it reads all rows again.
    Reset,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_by_their_kind() {
        let text = r#"{"rows":{"seq":7,"read_at":9,"rows":[]}}"#;
        let event: BoardEvent = serde_json::from_str(text).unwrap();
        assert_eq!(event, BoardEvent::Rows { seq: 7, read_at: 9, rows: Vec::new(), gone: Vec::new() });
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
        assert_eq!(serde_json::to_string(&BoardEvent::Help).unwrap(), r#""help""#);
    }
}
