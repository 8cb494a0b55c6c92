//! How much a delivery stream takes.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::Region;

/// The limits of Firehose in this sandbox, and of Kinesis Data Streams.
#[derive(Clone, Debug)]
pub struct FirehoseLimits {
    /// What each delivery stream, and each shard of a data stream, takes a second; beyond it single records are refused with
    /// `ServiceUnavailableException`, or `ProvisionedThroughputExceededException`.
    pub throughput: ThroughputLimit,
    /// Bytes of accepted records that an account may have waiting for delivery and for its applications; beyond it every call
    /// is refused with `ServiceUnavailableException`. Its data streams may hold as much again.
    pub max_backlog_bytes: u64,
}

/// Which throughput a delivery stream or a shard has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ThroughputLimit {
    /// AWS's default quota of the delivery stream's region, and its quota of a shard.
    #[default]
    AsInAws,
    /// The same for all streams.
    Fixed(Throughput),
    /// As much as the machine can do.
    Unlimited,
}

/// An amount a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    pub records: u32,
    pub requests: u32,
    pub bytes: u32,
}

impl Default for FirehoseLimits {
    fn default() -> Self {
        Self { throughput: ThroughputLimit::AsInAws, max_backlog_bytes: 512 * 1024 * 1024 }
    }
}

impl ThroughputLimit {
    fn of(self, region: &Region) -> Option<Throughput> {
        const MIB: u32 = 1024 * 1024;
        match self {
            Self::Unlimited => None,
            Self::Fixed(throughput) => Some(throughput),
            // Amazon Data Firehose quotas, "Direct PUT".
            Self::AsInAws => Some(match region.as_str() {
                "us-east-1" | "us-west-2" | "eu-west-1" => {
                    Throughput { records: 500_000, requests: 2_000, bytes: 5 * MIB }
                }
                _ => Throughput { records: 100_000, requests: 1_000, bytes: MIB },
            }),
        }
    }
}

/// Keeps one stream, or one shard of a data stream, to its throughput. A second's worth may come at once.
#[derive(Debug)]
pub(crate) struct Meter {
    left: Option<Mutex<Left>>,
}

#[derive(Debug)]
struct Left {
    throughput: Throughput,
    records: f64,
    requests: f64,
    bytes: f64,
    at: Instant,
}

impl Meter {
    pub(super) fn new(limit: ThroughputLimit, region: &Region) -> Self {
        Self::of(limit.of(region))
    }

    /// Without a throughput it takes everything.
    pub(crate) fn of(throughput: Option<Throughput>) -> Self {
        let left = throughput.map(|throughput| {
            Mutex::new(Left {
                throughput,
                records: f64::from(throughput.records),
                requests: f64::from(throughput.requests),
                bytes: f64::from(throughput.bytes),
                at: Instant::now(),
            })
        });
        Self { left }
    }

    /// How many of these records, from the first on, may be taken now; `None` if not even the request may.
    pub(crate) fn admit(&self, sizes: &[usize], now: Instant) -> Option<usize> {
        let Some(left) = &self.left else { return Some(sizes.len()) };
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        left.refill(now);
        if left.requests < 1.0 {
            return None;
        }
        left.requests -= 1.0;
        let mut admitted = 0;
        for size in sizes {
            let size = *size as f64;
            // A record larger than a second's worth passes when nothing was taken for a second.
            let fits = left.bytes >= size.min(f64::from(left.throughput.bytes));
            if left.records < 1.0 || !fits {
                break;
            }
            left.records -= 1.0;
            left.bytes -= size;
            admitted += 1;
        }
        Some(admitted)
    }
}

impl Left {
    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        let refilled = |left: f64, rate: u32| (left + f64::from(rate) * seconds).min(f64::from(rate));
        self.records = refilled(self.records, self.throughput.records);
        self.requests = refilled(self.requests, self.throughput.requests);
        self.bytes = refilled(self.bytes, self.throughput.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn meter(records: u32, requests: u32, bytes: u32) -> Meter {
        Meter::new(ThroughputLimit::Fixed(Throughput { records, requests, bytes }), &"us-east-1".parse().unwrap())
    }

    #[test]
    fn takes_as_much_as_the_second_allows() {
        let start = Instant::now();
        let by_records = meter(5, 100, 1_000);
        assert_eq!(by_records.admit(&[1; 8], start), Some(5));
        assert_eq!(by_records.admit(&[1; 8], start), Some(0));
        assert_eq!(by_records.admit(&[1; 8], start + Duration::from_millis(400)), Some(2));
        assert_eq!(by_records.admit(&[1; 8], start + Duration::from_secs(60)), Some(5));

        let by_bytes = meter(100, 100, 1_000);
        assert_eq!(by_bytes.admit(&[300; 8], start), Some(3));

        let by_requests = meter(100, 2, 1_000);
        assert_eq!(by_requests.admit(&[1], start), Some(1));
        assert_eq!(by_requests.admit(&[1], start), Some(1));
        assert_eq!(by_requests.admit(&[1], start), None);
    }

    #[test]
    fn a_record_of_more_than_a_second_passes_alone_and_is_paid_off() {
        let start = Instant::now();
        let meter = meter(100, 100, 1_000);
        assert_eq!(meter.admit(&[2_000, 1], start), Some(1));
        assert_eq!(meter.admit(&[1], start + Duration::from_millis(900)), Some(0));
        assert_eq!(meter.admit(&[1], start + Duration::from_millis(1_100)), Some(1));
    }

    #[test]
    fn the_quota_is_that_of_the_region() {
        let of = |region: &str| ThroughputLimit::AsInAws.of(&region.parse().unwrap()).unwrap().records;
        assert_eq!((of("us-east-1"), of("eu-central-1")), (500_000, 100_000));
        let unlimited = Meter::new(ThroughputLimit::Unlimited, &"us-east-1".parse().unwrap());
        assert_eq!(unlimited.admit(&[1 << 30; 9], Instant::now()), Some(9));
    }
}
