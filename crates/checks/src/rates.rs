//! Keeps within the rates that AWS allows: every request waits for its turn, retries included.
//!
//! The wait is a connector around the client's own, the one place that each attempt passes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
    time::Duration,
};

use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use tokio::time::Instant;

use crate::{clients::INVOKE_TIMEOUT, wire::WireCall};

/// So many requests may start in any second, for a service in a region and account. Where AWS names a quota it is
/// kept with room for the learner's own calls: Firehose 5 describe calls, Kinesis 20 `DescribeStreamSummary`,
/// Lambda 15 requests of its control plane. The others are bounded to be a polite guest.
fn requests_per_second(service: &str) -> usize {
    match service {
        "firehose" => 4,
        "kinesis" | "lambda" => 10,
        "dynamodb" | "sts" => 20,
        "s3" => 50,
        _ => 4,
    }
}

/// The starts of the latest requests of a service in a region. The lock is handed on in order of arrival.
type Queue = Arc<tokio::sync::Mutex<VecDeque<Instant>>>;

/// The rates of one account.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<HashMap<(String, String), Queue>>);

static ACCOUNTS: LazyLock<Mutex<HashMap<String, Weak<Rates>>>> = LazyLock::new(Mutex::default);

impl Rates {
    /// The rates of `account`, shared by all of this process.
    pub(crate) fn of_account(account: &str) -> Arc<Self> {
        let mut accounts = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rates) = accounts.get(account).and_then(Weak::upgrade) {
            return rates;
        }
        accounts.retain(|_, rates| rates.strong_count() > 0);
        let rates = Arc::default();
        accounts.insert(account.to_owned(), Arc::downgrade(&rates));
        rates
    }

    /// Waits until one more request fits into the current second. Who gives up waiting uses nothing up.
    async fn turn(&self, service: &str, region: &str) {
        let queue = {
            let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(queues.entry((service.to_owned(), region.to_owned())).or_default())
        };
        let mut starts = queue.lock().await;
        if starts.len() >= requests_per_second(service)
            && let Some(oldest) = starts.front()
        {
            tokio::time::sleep_until(*oldest + Duration::from_secs(1)).await;
            starts.pop_front();
        }
        starts.push_back(Instant::now());
    }
}

/// An HTTP client whose requests wait for their turn.
#[derive(Debug)]
pub(crate) struct InTurn {
    rates: Arc<Rates>,
    inner: SharedHttpClient,
    /// A request may take this long once it is sent; the SDK's own bound would count the wait, too.
    limit: Duration,
}

impl InTurn {
    pub(crate) fn new(rates: Arc<Rates>, inner: Option<SharedHttpClient>, limit: Duration) -> Self {
        Self { rates, inner: inner.unwrap_or_else(|| DEFAULT_CLIENT.clone()), limit }
    }
}

/// As the SDK makes one for a configuration that has none; one for all, since it holds the connections.
static DEFAULT_CLIENT: LazyLock<SharedHttpClient> = LazyLock::new(|| {
    aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc)).build_https()
});

impl HttpClient for InTurn {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(ConnectorInTurn {
            rates: Arc::clone(&self.rates),
            inner: self.inner.http_connector(settings, components),
            limit: self.limit,
        })
    }
}

#[derive(Debug)]
struct ConnectorInTurn {
    rates: Arc<Rates>,
    inner: SharedHttpConnector,
    limit: Duration,
}

impl HttpConnector for ConnectorInTurn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (rates, inner) = (Arc::clone(&self.rates), self.inner.clone());
        let call = WireCall::of(&request);
        // A test run takes as long as the learner's function.
        let limit = if call.operation == "Invoke" { INVOKE_TIMEOUT } else { self.limit };
        HttpConnectorFuture::new(async move {
            rates.turn(&call.service, &call.region).await;
            match tokio::time::timeout(limit, inner.call(request)).await {
                Ok(answer) => answer,
                Err(elapsed) => Err(ConnectorError::timeout(elapsed.into())),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In how many seconds after the first each of ten requests starts.
    async fn starts(rates: &Rates, service: &str, region: &str) -> Vec<u64> {
        let begin = Instant::now();
        let mut starts = Vec::new();
        for _ in 0..10 {
            rates.turn(service, region).await;
            starts.push(begin.elapsed().as_secs());
        }
        starts
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spread_over_seconds() {
        let rates = Rates::default();
        assert_eq!(starts(&rates, "firehose", "us-east-1").await, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
        assert_eq!(starts(&rates, "firehose", "eu-west-1").await[..4], [0; 4], "each region has its own rate");
        assert_eq!(starts(&rates, "lambda", "us-east-1").await, [0; 10], "and each service");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_uses_nothing_up() {
        let rates = Rates::default();
        for _ in 0..4 {
            rates.turn("firehose", "us-east-1").await;
        }
        for _ in 0..20 {
            let gave_up = tokio::time::timeout(Duration::from_millis(10), rates.turn("firehose", "us-east-1")).await;
            assert!(gave_up.is_err());
        }
        let begin = Instant::now();
        rates.turn("firehose", "us-east-1").await;
        assert!(begin.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn an_account_has_one_set_of_rates() {
        let one = Rates::of_account("111122223333");
        assert!(Arc::ptr_eq(&one, &Rates::of_account("111122223333")));
        assert!(!Arc::ptr_eq(&one, &Rates::of_account("444455556666")));
    }
}
