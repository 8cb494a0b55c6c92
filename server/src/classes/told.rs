//! What is told to those who watch a board: server-sent events, written once for all of them.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use app::model::teach::BoardEvent;
use bytes::Bytes;

/// News of a board. Cheap to clone: all viewers share the bytes.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The log's entry up to which it tells.
    pub seq: i64,
    /// The rows that changed.
    pub rows: Bytes,
    /// Everything else.
    pub others: Bytes,
    /// Learners of whom the log tells something new, or who became stuck or unstuck; `None` where it may be anyone.
    pub learners: Option<Arc<HashSet<String>>>,
}

impl Told {
    pub fn new(seq: i64, rows: Option<&BoardEvent>, others: &[BoardEvent], learners: Option<HashSet<String>>) -> Self {
        Self { seq, rows: events(seq, rows), others: events(seq, others), learners: learners.map(Arc::new) }
    }

    /// Whether it may tell of this learner.
    pub fn may_concern(&self, learner: &str) -> bool {
        self.learners.as_ref().is_none_or(|learners| learners.contains(learner))
    }
}

/// Events as they travel, each with the number of the log's entry up to which it tells.
pub fn events<'a>(seq: i64, events: impl IntoIterator<Item = &'a BoardEvent>) -> Bytes {
    let mut text = String::new();
    for event in events {
        match serde_json::to_string(event) {
            // JSON has no line breaks. Writing to a string does not fail.
            Ok(json) => _ = write!(text, "id: {seq}\ndata: {json}\n\n"),
            Err(error) => tracing::error!(%error, "an event of a board could not be written"),
        }
    }
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_the_number_and_one_line_of_data() {
        let rows = BoardEvent::Rows { seq: 7, read_at: 9, rows: Vec::new(), gone: vec!["a\nb".to_owned()] };
        let told =
            Told::new(7, Some(&rows), &[BoardEvent::Help, BoardEvent::Reset], Some(HashSet::from(["ada".to_owned()])));
        assert!(told.may_concern("ada") && !told.may_concern("ben"));
        let rows = String::from_utf8(told.rows.to_vec()).unwrap();
        assert_eq!(rows, "id: 7\ndata: {\"rows\":{\"seq\":7,\"read_at\":9,\"rows\":[],\"gone\":[\"a\\nb\"]}}\n\n");
        let others = String::from_utf8(told.others.to_vec()).unwrap();
        assert_eq!(others, "id: 7\ndata: \"help\"\n\nid: 7\ndata: \"reset\"\n\n");
    }
}
