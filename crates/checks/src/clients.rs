//! SDK clients with the bounds that the checks need.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::{Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use tokio::time::Instant;

use crate::guard::OnlyCallsInTheTable;

/// One attempt of a call may take this long.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// A call with its retries may take this long.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A test run of a learner's function may take this long; it is never retried.
pub(crate) const INVOKE_TIMEOUT: Duration = Duration::from_secs(65);

/// AWS allows five describe calls a second in a region and account; one is left for retries.
const FIREHOSE_DESCRIBES_PER_SECOND: usize = 4;

/// SDK clients for one learner. Cheap to clone; keep one for a learner, since it also keeps count of
/// the calls made, so as to stay within Firehose's limit.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
    other_regions: Arc<[String]>,
    firehose_calls: Arc<CallsPerSecond>,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) firehose: aws_sdk_firehose::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) analytics: aws_sdk_kinesisanalyticsv2::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
}

/// An SDK client of `$service` that makes no call but those in the table.
macro_rules! guarded {
    ($service:ident, $config:expr) => {
        $service::Client::from_conf($service::config::Builder::from($config).interceptor(OnlyCallsInTheTable).build())
    };
}

impl Clients {
    /// Clients with the credentials, region and endpoint of `config`. What is not found there is looked
    /// for in `other_regions`, to tell a learner that it was created in the wrong one.
    pub fn new(config: &SdkConfig, other_regions: impl IntoIterator<Item = String>) -> Self {
        let here = config.region().map(ToString::to_string);
        let config = config
            .clone()
            .into_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(250)))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(3))
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            )
            .build();
        // A local endpoint has no host name for each bucket.
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(config.endpoint_url().is_some())
            .interceptor(OnlyCallsInTheTable)
            .build();
        Self {
            other_regions: other_regions.into_iter().filter(|region| Some(region) != here.as_ref()).collect(),
            firehose_calls: Arc::default(),
            sts: guarded!(aws_sdk_sts, &config),
            firehose: guarded!(aws_sdk_firehose, &config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            lambda: guarded!(aws_sdk_lambda, &config),
            analytics: guarded!(aws_sdk_kinesisanalyticsv2, &config),
            dynamodb: guarded!(aws_sdk_dynamodb, &config),
            config,
        }
    }

    /// Whether these clients speak to AWS itself, not to an endpoint of our own.
    pub(crate) fn is_aws(&self) -> bool {
        self.config.endpoint_url().is_none()
    }

    pub(crate) fn other_regions(&self) -> &[String] {
        &self.other_regions
    }

    /// The same credentials, retries and bounds in another region.
    pub(crate) fn firehose_in(&self, region: &str) -> aws_sdk_firehose::Client {
        guarded!(aws_sdk_firehose, &self.config_in(region))
    }

    pub(crate) fn lambda_in(&self, region: &str) -> aws_sdk_lambda::Client {
        guarded!(aws_sdk_lambda, &self.config_in(region))
    }

    pub(crate) fn analytics_in(&self, region: &str) -> aws_sdk_kinesisanalyticsv2::Client {
        guarded!(aws_sdk_kinesisanalyticsv2, &self.config_in(region))
    }

    pub(crate) fn dynamodb_in(&self, region: &str) -> aws_sdk_dynamodb::Client {
        guarded!(aws_sdk_dynamodb, &self.config_in(region))
    }

    fn config_in(&self, region: &str) -> SdkConfig {
        self.config.clone().into_builder().region(Region::new(region.to_owned())).build()
    }

    /// Waits until one more Firehose describe call fits into the current second of `region`.
    pub(crate) async fn wait_for_firehose(&self, region: &str) {
        tokio::time::sleep_until(self.firehose_calls.next(region, Instant::now())).await;
    }
}

/// The starts of the latest calls, by region.
#[derive(Debug, Default)]
struct CallsPerSecond(Mutex<HashMap<String, VecDeque<Instant>>>);

impl CallsPerSecond {
    /// Reserves the earliest moment at which a call keeps the limit.
    fn next(&self, region: &str, now: Instant) -> Instant {
        let mut regions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = regions.entry(region.to_owned()).or_default();
        let mut start = now;
        if calls.len() == FIREHOSE_DESCRIBES_PER_SECOND
            && let Some(oldest) = calls.pop_front()
        {
            start = start.max(oldest + Duration::from_secs(1));
        }
        calls.push_back(start);
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firehose_calls_are_spread_over_seconds() {
        let calls = CallsPerSecond::default();
        let begin = Instant::now();
        let starts: Vec<u64> = (0..10).map(|_| (calls.next("us-east-1", begin) - begin).as_secs()).collect();
        assert_eq!(starts, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
        assert_eq!(calls.next("eu-west-1", begin), begin, "each region has a limit of its own");
    }
}
