//! The wall clock, replaceable so that tests can set the time that windows and object names are made from.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;

/// Tells the time in UTC.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that moves only when [`Clock::advance`] is called.
    Manual(watch::Sender<OffsetDateTime>),
}

impl Clock {
    /// A clock that stands at `now`.
    pub fn manual(now: OffsetDateTime) -> Self {
        Self::Manual(watch::Sender::new(now))
    }

    /// The time now, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        match self {
            Self::System => OffsetDateTime::now_utc(),
            Self::Manual(now) => *now.borrow(),
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn now_ms(&self) -> i64 {
        (self.now().unix_timestamp_nanos() / 1_000_000) as i64
    }

    /// Moves a manual clock forward; the machine's clock does not heed it.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(now) = self {
            now.send_modify(|now| *now += by);
        }
    }

    /// Waits until this clock tells `deadline_ms`, in milliseconds since 1970-01-01T00:00:00Z.
    pub async fn wait_until_ms(&self, deadline_ms: i64) {
        match self {
            Self::System => {
                // The machine's clock may be set while this sleeps, so it is read again.
                while let Some(rest) = u64::try_from(deadline_ms - self.now_ms()).ok().filter(|rest| *rest > 0) {
                    tokio::time::sleep(Duration::from_millis(rest)).await;
                }
            }
            Self::Manual(now) => {
                let mut changes = now.subscribe();
                while self.now_ms() < deadline_ms {
                    if changes.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_who_waits_for_it() {
        let clock = Clock::manual(OffsetDateTime::UNIX_EPOCH);
        let waiter = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.wait_until_ms(5_000).await;
                clock.now_ms()
            }
        });
        clock.advance(Duration::from_secs(2));
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        clock.advance(Duration::from_secs(3));
        assert_eq!(waiter.await.unwrap(), 5_000);
    }
}
