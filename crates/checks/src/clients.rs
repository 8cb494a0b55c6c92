//! SDK clients with the bounds that the checks need.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::{
    api_calls::Caller,
    guard::Guard,
    rates::{InTurn, Rates},
};

/// One attempt of a call may take this long, from when it is sent.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// A call with its retries may take this long.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A test run of a learner's function may take this long; it is never retried.
pub(crate) const INVOKE_TIMEOUT: Duration = Duration::from_secs(65);
/// What was not found in the other regions of AWS is not looked for there again for this long.
const LOOK_ELSEWHERE_AGAIN: Duration = Duration::from_secs(30);

/// SDK clients for one learner. Cheap to clone; keep one for a learner, since it also keeps count of
/// the calls made, so as to stay within AWS's limits.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
    other_regions: OtherRegions,
    nowhere_else: Arc<Mutex<HashMap<String, Instant>>>,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) firehose: aws_sdk_firehose::Client,
    pub(crate) kinesis: aws_sdk_kinesis::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) analytics: aws_sdk_kinesisanalyticsv2::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) iam: aws_sdk_iam::Client,
}

/// In which regions, beside the learner's own, something of the learner's may be.
#[derive(Clone)]
enum OtherRegions {
    /// All that the account has.
    All(Arc<[String]>),
    /// Those that are told for each look, of an endpoint that knows where an account has anything.
    Asked(Ask),
}

/// Tells the regions in which an account has anything.
type Ask = Arc<dyn Fn() -> BoxFuture<'static, Vec<String>> + Send + Sync>;

/// An SDK client of `$service` that makes no call but those in the table.
macro_rules! guarded {
    ($service:ident, $config:expr) => {
        $service::Client::from_conf(
            $service::config::Builder::from($config).interceptor(Guard::of(Caller::Checks)).build(),
        )
    };
}

impl Clients {
    /// Clients with the credentials, region and endpoint of `config`. What is not found there is looked
    /// for in `other_regions` (of [`crate::enabled_regions`]), to tell a learner that it was created in the wrong one.
    ///
    /// They keep AWS's rates among themselves; see [`Clients::for_account`].
    pub fn new(config: &SdkConfig, other_regions: impl IntoIterator<Item = String>) -> Self {
        Self::with_rates(Arc::default(), config, OtherRegions::all(other_regions))
    }

    /// The same for an endpoint of our own that knows where an account has anything: `ask` tells the regions, each time that
    /// something is looked for.
    pub fn asking_for_regions(
        config: &SdkConfig,
        ask: impl Fn() -> BoxFuture<'static, Vec<String>> + Send + Sync + 'static,
    ) -> Self {
        Self::with_rates(Arc::default(), config, OtherRegions::Asked(Arc::new(ask)))
    }

    /// The same for an AWS account that may be used by several learners: all clients made for `account` in this process
    /// keep AWS's rates together.
    pub fn for_account(account: &str, config: &SdkConfig, other_regions: impl IntoIterator<Item = String>) -> Self {
        Self::with_rates(Rates::of_account(account), config, OtherRegions::all(other_regions))
    }

    fn with_rates(rates: Arc<Rates>, config: &SdkConfig, other_regions: OtherRegions) -> Self {
        let behavior = config.behavior_version().unwrap_or_else(BehaviorVersion::latest);
        let in_turn = SharedHttpClient::new(InTurn::new(rates, config.http_client(), ATTEMPT_TIMEOUT));
        let config = config
            .clone()
            .into_builder()
            .behavior_version(behavior)
            .http_client(in_turn)
            // Exponential, with a random part of the whole wait ("full jitter").
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(250)))
            // An attempt is bounded by the HTTP client, which does not count the wait for its turn.
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(3))
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            )
            .build();
        // A local endpoint has no host name for each bucket.
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(config.endpoint_url().is_some())
            .interceptor(Guard::of(Caller::Checks))
            .build();
        Self {
            other_regions,
            nowhere_else: Arc::default(),
            sts: guarded!(aws_sdk_sts, &config),
            firehose: guarded!(aws_sdk_firehose, &config),
            kinesis: guarded!(aws_sdk_kinesis, &config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            lambda: guarded!(aws_sdk_lambda, &config),
            analytics: guarded!(aws_sdk_kinesisanalyticsv2, &config),
            dynamodb: guarded!(aws_sdk_dynamodb, &config),
            iam: guarded!(aws_sdk_iam, &config),
            config,
        }
    }

    /// Whether these clients speak to AWS itself, not to an endpoint of our own.
    pub(crate) fn is_aws(&self) -> bool {
        self.config.endpoint_url().is_none()
    }

    /// Where else to look than in the learner's own region.
    pub(crate) async fn other_regions(&self) -> Vec<String> {
        let mut regions = match &self.other_regions {
            OtherRegions::All(regions) => regions.to_vec(),
            OtherRegions::Asked(ask) => ask().await,
        };
        regions.retain(|region| Some(region.as_str()) != self.config.region().map(AsRef::as_ref));
        regions
    }

    /// The same credentials, retries and bounds in another region.
    pub(crate) fn firehose_in(&self, region: &str) -> aws_sdk_firehose::Client {
        guarded!(aws_sdk_firehose, &self.config_in(region))
    }

    pub(crate) fn kinesis_in(&self, region: &str) -> aws_sdk_kinesis::Client {
        guarded!(aws_sdk_kinesis, &self.config_in(region))
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

    pub(crate) fn logs_in(&self, region: &str) -> aws_sdk_cloudwatchlogs::Client {
        guarded!(aws_sdk_cloudwatchlogs, &self.config_in(region))
    }

    pub(crate) fn tagging_in(&self, region: &str) -> aws_sdk_resourcegroupstagging::Client {
        guarded!(aws_sdk_resourcegroupstagging, &self.config_in(region))
    }

    fn config_in(&self, region: &str) -> SdkConfig {
        self.config.clone().into_builder().region(Region::new(region.to_owned())).build()
    }

    /// Whether `thing` was looked for in the other regions a moment ago, in vain. A page that is left open would
    /// otherwise ask all regions again and again.
    pub(crate) fn is_known_to_be_nowhere_else(&self, thing: &str) -> bool {
        let found_nowhere = self.nowhere_else.lock().unwrap_or_else(PoisonError::into_inner);
        found_nowhere.get(thing).is_some_and(|at| at.elapsed() < LOOK_ELSEWHERE_AGAIN)
    }

    /// Remembers that `thing` is in no other region. An endpoint of our own may well be asked each time.
    pub(crate) fn is_nowhere_else(&self, thing: String) {
        if self.is_aws() {
            let mut found_nowhere = self.nowhere_else.lock().unwrap_or_else(PoisonError::into_inner);
            found_nowhere.retain(|_, at| at.elapsed() < LOOK_ELSEWHERE_AGAIN);
            found_nowhere.insert(thing, Instant::now());
        }
    }
}

impl OtherRegions {
    fn all(regions: impl IntoIterator<Item = String>) -> Self {
        Self::All(regions.into_iter().collect())
    }
}

impl fmt::Debug for OtherRegions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(regions) => formatter.debug_tuple("All").field(regions).finish(),
            Self::Asked(_) => formatter.write_str("Asked"),
        }
    }
}
