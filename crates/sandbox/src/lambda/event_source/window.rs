//! Tumbling windows: which one a record belongs to (AWS Lambda developer guide, "Implementing stateful Kinesis Data Streams
//! processing in Lambda").

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A window, from its first millisecond since the epoch to the one after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub start_ms: i64,
    pub end_ms: i64,
}

impl Window {
    /// The window of so many seconds, one or more, that a record is in which arrived then. Windows follow on each other from
    /// the epoch on.
    pub(super) fn of(arrival_ms: i64, seconds: u32) -> Self {
        let length_ms = i64::from(seconds.max(1)) * 1000;
        let start_ms = arrival_ms.div_euclid(length_ms) * length_ms;
        Self { start_ms, end_ms: start_ms + length_ms }
    }

    pub(super) fn contains(&self, arrival_ms: i64) -> bool {
        (self.start_ms..self.end_ms).contains(&arrival_ms)
    }

    /// Start and end as the event tells them: `2026-11-24T19:00:00Z`.
    pub(super) fn describe(&self) -> (String, String) {
        (timestamp(self.start_ms), timestamp(self.end_ms))
    }
}

fn timestamp(ms: i64) -> String {
    // Windows begin with a full second; times that have no such form are not of this age.
    let time = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_a_multiple_of_its_length_since_the_epoch() {
        let window = Window::of(1_795_546_830_123, 60);
        assert_eq!(window.describe(), ("2026-11-24T19:00:00Z".to_owned(), "2026-11-24T19:01:00Z".to_owned()));
        // Seven seconds divide no minute.
        let odd = Window::of(1_795_546_830_123, 7);
        assert_eq!(odd.start_ms % 7_000, 0);
        assert_eq!(odd.end_ms - odd.start_ms, 7_000);
    }

    #[test]
    fn its_end_is_the_start_of_the_next() {
        let window = Window::of(59_999, 60);
        assert_eq!(window, Window { start_ms: 0, end_ms: 60_000 });
        assert!(window.contains(0) && window.contains(59_999));
        assert!(!window.contains(60_000) && !window.contains(-1));
        assert_eq!(Window::of(60_000, 60).start_ms, 60_000);
    }

    proptest::proptest! {
        #[test]
        fn a_record_is_in_its_window_and_no_other(arrival_ms in 0_i64..4_000_000_000_000, seconds in 1_u32..=900) {
            let window = Window::of(arrival_ms, seconds);
            proptest::prop_assert!(window.contains(arrival_ms));
            proptest::prop_assert_eq!(Window::of(window.start_ms, seconds), window);
            proptest::prop_assert_eq!(Window::of(window.end_ms - 1, seconds), window);
            proptest::prop_assert_ne!(Window::of(window.end_ms, seconds), window);
        }
    }
}
