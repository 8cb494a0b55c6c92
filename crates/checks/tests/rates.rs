//! However many pages are open, AWS is never asked more often than it allows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use checks::{Clients, Consent, Engine, Step, Subject, run_step};
use time::OffsetDateTime;
use tokio::time::Instant;

/// When requests arrived, by service and region.
type Arrivals = Arc<Mutex<HashMap<(String, String), Vec<Instant>>>>;

/// An AWS that counts, and gives every request the same answer a while later.
#[derive(Clone, Debug)]
struct Counting {
    arrivals: Arrivals,
    code: &'static str,
}

impl HttpConnector for Counting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …"
        let authorization = request.headers().get("authorization").unwrap_or_default();
        let mut scope = authorization.split('/').skip(2).map(str::to_owned);
        let (region, service) = (scope.next().unwrap(), scope.next().unwrap());
        self.arrivals.lock().unwrap().entry((service, region)).or_default().push(Instant::now());
        let code = self.code;
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(Duration::from_millis(40)).await;
            let body = format!("{{\"__type\":\"{code}\",\"message\":\"\"}}");
            let mut response = HttpResponse::new(StatusCode::try_from(400_u16).unwrap(), SdkBody::from(body));
            response.headers_mut().insert("x-amzn-errortype", code);
            Ok(response)
        })
    }
}

impl Counting {
    fn new(code: &'static str) -> Self {
        Self { arrivals: Arrivals::default(), code }
    }

    fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIA", "secret", None, None, "test",
            )))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }

    /// The most requests that arrived within any second, by service and region.
    fn busiest_seconds(&self) -> HashMap<(String, String), usize> {
        let arrivals = self.arrivals.lock().unwrap();
        let most = |times: &Vec<Instant>| {
            let within = |start: &Instant| {
                times.iter().filter(|at| **at >= *start && **at - *start < Duration::from_secs(1)).count()
            };
            times.iter().map(within).max().unwrap_or(0)
        };
        arrivals.iter().map(|(place, times)| (place.clone(), most(times))).collect()
    }

    fn requests(&self) -> usize {
        self.arrivals.lock().unwrap().values().map(Vec::len).sum()
    }
}

const REGIONS: [&str; 5] = ["us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "sa-east-1"];
/// AWS's quotas for the calls of the checks.
const QUOTAS: [(&str, usize); 3] = [("firehose", 5), ("kinesis", 20), ("lambda", 15)];

/// Several learners with a page each in one account: each page looks at three steps again and again.
async fn pages(aws: &Counting, account: &str, pages: usize, looks: usize) {
    let looking = (0..pages).map(|_| async {
        let clients = Clients::for_account(account, &aws.config(), REGIONS.map(str::to_owned));
        let subject = Subject::new_for(Engine::TumblingWindow, account, "us-east-1");
        for _ in 0..looks {
            for step in [Step::DeliveryStream, Step::Preprocess, Step::CleanUp] {
                run_step(step, &clients, &subject, Consent::No, OffsetDateTime::UNIX_EPOCH).await;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    futures::future::join_all(looking).await;
}

#[tokio::test(start_paused = true)]
async fn pages_left_open_and_the_search_in_other_regions_keep_the_limits() {
    let aws = Counting::new("ResourceNotFoundException");
    pages(&aws, "111122223333", 8, 5).await;
    let busiest = aws.busiest_seconds();
    for (service, quota) in QUOTAS {
        for region in ["us-east-1"].iter().chain(&REGIONS) {
            let most = busiest[&(service.to_owned(), (*region).to_owned())];
            assert!((1..=quota).contains(&most), "{most} requests to {service} in {region} within a second");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retries_keep_the_limits_too() {
    let aws = Counting::new("ThrottlingException");
    pages(&aws, "222233334444", 4, 3).await;
    let busiest = aws.busiest_seconds();
    for (service, quota) in QUOTAS {
        let most = busiest[&(service.to_owned(), "us-east-1".to_owned())];
        assert!((1..=quota).contains(&most), "{most} requests to {service} within a second");
    }
}

#[tokio::test(start_paused = true)]
async fn other_regions_are_not_asked_at_every_look() {
    let aws = Counting::new("ResourceNotFoundException");
    let clients = Clients::new(&aws.config(), REGIONS.map(str::to_owned));
    let subject = Subject::new_for(Engine::TumblingWindow, "333344445555", "us-east-1");
    let look = || run_step(Step::Preprocess, &clients, &subject, Consent::No, OffsetDateTime::UNIX_EPOCH);
    look().await;
    let at_first = aws.requests();
    look().await;
    assert_eq!(aws.requests() - at_first, 2, "the function and the delivery stream, in the lab's region alone");
    tokio::time::sleep(Duration::from_secs(31)).await;
    look().await;
    assert_eq!(aws.requests() - at_first - 2, at_first, "and again in all after a while");
}
