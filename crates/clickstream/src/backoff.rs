//! How long to wait before sending again.

use std::time::Duration;

use rand::{Rng, RngExt as _};

/// Exponential backoff with full jitter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// The longest wait after the first attempt; it doubles with each further one.
    pub base: Duration,
    /// The longest wait of all.
    pub cap: Duration,
    /// How often a record is sent in all before it is given up.
    pub attempts: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(100), cap: Duration::from_secs(5), attempts: 8 }
    }
}

impl Backoff {
    /// A random time up to `base * 2^(attempt - 1)`, at most `cap`. `attempt` counts the attempts made so far, from 1.
    pub(crate) fn delay(&self, attempt: u32, random: &mut impl Rng) -> Duration {
        let ceiling = self.base.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(self.cap);
        ceiling.mul_f64(random.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn grows_to_the_cap_and_spreads_over_the_whole_range() {
        let mut random = StdRng::seed_from_u64(7);
        let backoff = Backoff::default();
        let mut longest = |attempt| (0..500).map(|_| backoff.delay(attempt, &mut random)).max().unwrap();
        for (attempt, ceiling_ms) in [(1, 100), (2, 200), (3, 400), (6, 3_200), (7, 5_000), (40, 5_000)] {
            let longest = longest(attempt);
            assert!(longest <= Duration::from_millis(ceiling_ms), "{attempt}: {longest:?}");
            assert!(longest > Duration::from_millis(ceiling_ms * 9 / 10), "{attempt}: {longest:?}");
        }
        let shortest = (0..500).map(|_| backoff.delay(5, &mut random)).min().unwrap();
        assert!(shortest < Duration::from_millis(100), "{shortest:?}");
    }
}
