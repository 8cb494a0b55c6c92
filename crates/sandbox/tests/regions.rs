//! `ListRegions` of AWS Account Management, as the Rust SDK, the `aws` CLI and boto3 use it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use aws_sdk_account::Client;
use aws_sdk_account::error::ProvideErrorMetadata as _;
use aws_sdk_account::types::RegionOptStatus;
use common::TestSandbox;
use serde_json::Value;

#[tokio::test]
async fn an_account_has_the_regions_that_are_enabled_by_default() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    let listed = |statuses: &[RegionOptStatus]| {
        let request = client.list_regions().set_region_opt_status_contains(Some(statuses.to_vec())).max_results(50);
        async move {
            let regions = request.send().await.unwrap().regions.unwrap();
            regions.into_iter().map(|region| region.region_name.unwrap()).collect::<Vec<_>>()
        }
    };
    let enabled = listed(&[RegionOptStatus::EnabledByDefault, RegionOptStatus::Enabled]).await;
    assert_eq!(enabled.len(), 17, "{enabled:?}");
    for region in ["us-east-1", "eu-central-1", "sa-east-1", "ap-northeast-3"] {
        assert!(enabled.iter().any(|name| name == region), "{region}");
    }
    let disabled = listed(&[RegionOptStatus::Disabled]).await;
    assert!(disabled.iter().any(|name| name == "eu-south-1"), "{disabled:?}");
    assert!(enabled.iter().all(|name| !disabled.contains(name)));
    assert_eq!(listed(&[]).await.len(), enabled.len() + disabled.len());
    assert!(listed(&[RegionOptStatus::Enabling]).await.is_empty());
}

#[tokio::test]
async fn the_cli_and_boto3_page_through_them() {
    let sandbox = TestSandbox::start().await;
    let cli = sandbox
        .aws_json(&[
            "account",
            "list-regions",
            "--region-opt-status-contains",
            "ENABLED_BY_DEFAULT",
            "ENABLED",
            "--page-size",
            "5",
        ])
        .await;
    let regions = cli["Regions"].as_array().unwrap();
    assert_eq!(regions.len(), 17);
    assert!(regions.iter().all(|region| region["RegionOptStatus"] == "ENABLED_BY_DEFAULT"), "{regions:?}");
    let pages = sandbox
        .python(
            "
import boto3, json
pages = list(boto3.client('account').get_paginator('list_regions').paginate(PaginationConfig={'PageSize': 20}))
names = [region['RegionName'] for page in pages for region in page['Regions']]
print(json.dumps([[len(page['Regions']) for page in pages], names == sorted(set(names))]))
",
        )
        .await;
    assert_eq!(serde_json::from_str::<Value>(&pages).unwrap(), serde_json::json!([[20, 14], true]));
}

#[tokio::test]
async fn bad_requests_get_the_errors_of_the_service() {
    let sandbox = TestSandbox::start().await;
    let client = Client::new(&sandbox.sdk());
    let invalid = client.list_regions().max_results(51).send().await.unwrap_err();
    assert!(invalid.into_service_error().is_validation_exception());
    let token = client.list_regions().next_token("?").send().await.unwrap_err();
    assert_eq!((token.code(), token.message()), (Some("ValidationException"), Some("NextToken is not valid.")));
    let member = client.list_regions().account_id("111122223333").send().await.unwrap_err();
    assert!(member.into_service_error().is_access_denied_exception());
    let other = client.get_alternate_contact().alternate_contact_type("BILLING".into()).send().await.unwrap_err();
    assert_eq!(other.code(), Some("UnknownOperationException"));
}
