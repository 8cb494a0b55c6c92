//! How long to rest before the next try: longer with each failure, and never at the same time as everyone else.

use std::time::Duration;

/// The first rest, at most.
const FIRST: Duration = Duration::from_secs(2);
/// A rest, at least.
const LEAST: Duration = Duration::from_secs(1);
/// A rest, at most.
const MOST: Duration = Duration::from_secs(4 * 3600);
/// The other system may ask for a longer rest, up to this.
const MOST_ASKED: Duration = Duration::from_secs(24 * 3600);

/// The rest after a try that follows `failures` others in a row. `random` is from 0 to 1; `asked` is what the other system has
/// asked for.
pub fn rest(failures: u32, asked: Option<Duration>, random: f64) -> Duration {
    let doubled = 1_u32.checked_shl(failures).filter(|_| failures < 31);
    let most = doubled.map_or(MOST, |times| FIRST.saturating_mul(times)).min(MOST);
    let chosen = most.mul_f64(random.clamp(0.0, 1.0)).max(LEAST);
    chosen.max(asked.unwrap_or_default().min(MOST_ASKED))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rest_is_bounded_whatever_happens(failures: u32, asked: Option<u64>, random in 0.0..=1.0) {
            let asked = asked.map(Duration::from_secs);
            let rest = rest(failures, asked, random);
            prop_assert!(rest >= LEAST && rest <= MOST_ASKED);
            prop_assert!(rest <= MOST.max(asked.unwrap_or_default()));
            prop_assert!(rest >= asked.unwrap_or_default().min(MOST_ASKED));
        }

        #[test]
        fn it_never_grows_shorter_with_more_failures(failures in 0..60_u32, random in 0.0..=1.0) {
            prop_assert!(rest(failures, None, random) <= rest(failures + 1, None, random));
        }
    }

    #[test]
    fn it_goes_from_seconds_to_hours() {
        let longest: Vec<u64> = [0, 1, 2, 5, 12, 13, 40].map(|failures| rest(failures, None, 1.0).as_secs()).to_vec();
        assert_eq!(longest, [2, 4, 8, 64, 8192, 14400, 14400]);
        assert_eq!(rest(20, None, 0.0), LEAST, "the whole of it is left to chance");
    }
}
