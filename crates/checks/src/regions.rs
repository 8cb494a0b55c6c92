//! The regions in which a learner may have created something by mistake.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_account::types::RegionOptStatus;
use time::OffsetDateTime;

use crate::{
    api_calls::{Caller, LIST_REGIONS},
    call::{CallError, Clock, make},
    guard::Guard,
};

/// The regions that every account has from the start, unless it switched one off.
pub const DEFAULT_REGIONS: [&str; 17] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ca-central-1",
    "sa-east-1",
];

/// So many pages of 50 regions are read.
const PAGES: usize = 4;
const TIMEOUT: Duration = Duration::from_secs(10);

/// The regions that are switched on in the account, from `account:ListRegions`; [`DEFAULT_REGIONS`] where that may not
/// be asked, or gives no answer. Ask once, when the learner connects.
pub async fn enabled_regions(config: &SdkConfig) -> Vec<String> {
    match listed(config).await {
        Ok(regions) if !regions.is_empty() => regions,
        _ => DEFAULT_REGIONS.map(str::to_owned).to_vec(),
    }
}

async fn listed(config: &SdkConfig) -> Result<Vec<String>, CallError> {
    let behavior = config.behavior_version().unwrap_or_else(BehaviorVersion::latest);
    let config = aws_sdk_account::config::Builder::from(config)
        .behavior_version(behavior)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(TimeoutConfig::builder().operation_timeout(TIMEOUT).build())
        .interceptor(Guard::of(Caller::Connect))
        .build();
    let account = aws_sdk_account::Client::from_conf(config);
    let clock = Clock::starting_at(OffsetDateTime::now_utc());
    let mut regions = Vec::new();
    let mut token = None;
    for _ in 0..PAGES {
        let send = account
            .list_regions()
            .region_opt_status_contains(RegionOptStatus::Enabled)
            .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
            .max_results(50)
            .set_next_token(token.take())
            .send();
        let page = make(&LIST_REGIONS, clock, TIMEOUT, send).await.result?;
        regions.extend(page.regions.unwrap_or_default().into_iter().filter_map(|region| region.region_name));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    regions.retain(|region| is_region(region));
    Ok(regions)
}

/// Whether `name` may become part of a host name.
fn is_region(name: &str) -> bool {
    (9..=30).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_types::body::SdkBody;

    use super::*;

    /// What comes of `answers`, and the requests that were made.
    async fn regions_of(answers: &[(u16, &'static str)]) -> (Vec<String>, Vec<String>) {
        let event = |(status, body): &(u16, &'static str)| {
            let request = http::Request::builder().uri("https://account.us-east-1.amazonaws.com/listRegions");
            ReplayEvent::new(
                request.body(SdkBody::empty()).unwrap(),
                http::Response::builder().status(*status).body(SdkBody::from(*body)).unwrap(),
            )
        };
        let replay = StaticReplayClient::new(answers.iter().map(event).collect());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .http_client(replay.clone())
            .build();
        let regions = enabled_regions(&config).await;
        (regions, replay.actual_requests().map(|request| request.uri().to_owned()).collect())
    }

    #[tokio::test]
    async fn the_regions_of_the_account_are_told_over_several_pages() {
        let (regions, requests) = regions_of(&[
            (
                200,
                r#"{"Regions":[{"RegionName":"us-east-1","RegionOptStatus":"ENABLED_BY_DEFAULT"}],"NextToken":"n"}"#,
            ),
            (200, r#"{"Regions":[{"RegionName":"eu-south-1","RegionOptStatus":"ENABLED"},{"RegionName":"x.evil.example"}]}"#),
        ])
        .await;
        assert_eq!(regions, ["us-east-1", "eu-south-1"]);
        assert_eq!(requests, ["https://account.us-east-1.amazonaws.com/listRegions"; 2]);
    }

    #[tokio::test]
    async fn who_may_not_ask_gets_the_regions_that_all_have() {
        let denied = r#"{"__type":"AccessDeniedException","message":"User: arn:aws:iam::111122223333:user/mia is not authorized to perform: account:ListRegions"}"#;
        for answer in [(403, denied), (200, "{}"), (200, r#"{"Regions":[]}"#), (400, "nonsense")] {
            assert_eq!(regions_of(&[answer]).await.0, DEFAULT_REGIONS, "{answer:?}");
        }
    }
}
