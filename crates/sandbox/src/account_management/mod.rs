//! AWS Account Management, as far as tools ask it which regions an account may use (`rest-json`, version 2021-02-01).

use bytes::Bytes;
use http::{Method, Request};
use serde::{Deserialize, Serialize};

use crate::service::{page_token, read_json, read_page_token, write_json};
use crate::{AwsError, Caller};

/// The regions that every account has.
const ENABLED_BY_DEFAULT: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
/// The regions that an account must opt in to, which those of the sandbox have not done.
const OPT_IN: [&str; 17] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
];
/// Regions in an answer, at most and unless told fewer.
const LONGEST_PAGE: i64 = 50;
/// What `RegionOptStatus` may be.
const STATUSES: [&str; 5] = ["ENABLED", "ENABLING", "DISABLING", "DISABLED", "ENABLED_BY_DEFAULT"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListRegions {
    account_id: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
    region_opt_status_contains: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListRegionsAnswer {
    regions: Vec<OptRegion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OptRegion {
    region_name: &'static str,
    region_opt_status: &'static str,
}

/// Answers one request, whose signature is verified.
pub(crate) fn handle(caller: &Caller, request: &Request<Bytes>) -> Result<Bytes, AwsError> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/listRegions") => list_regions(caller, request.body()),
        (method, path) => Err(AwsError::unknown_operation("account", &format!("{method} {path}"))),
    }
}

fn list_regions(caller: &Caller, body: &[u8]) -> Result<Bytes, AwsError> {
    let request: ListRegions = read_json(body)?;
    if request.account_id.is_some() {
        // Only the management account of an organization may name one of its members.
        return Err(AwsError::client(
            "AccessDeniedException",
            format!("User: {} is not authorized to name an AccountId: it is in no organization.", caller.arn()),
        )
        .with_status(403));
    }
    let limit = request.max_results.unwrap_or(LONGEST_PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(invalid("MaxResults is between 1 and 50."));
    }
    let wanted = request.region_opt_status_contains.unwrap_or_default();
    if let Some(other) = wanted.iter().find(|status| !STATUSES.contains(&status.as_str())) {
        return Err(invalid(format!("RegionOptStatusContains has a status of {}, not {other}.", STATUSES.join(", "))));
    }
    let token = request.next_token.filter(|token| !token.is_empty());
    let after = token.map(|token| read_page_token(&token).ok_or_else(|| invalid("NextToken is not valid.")));
    let after = after.transpose()?.unwrap_or_default();
    let mut rest = regions()
        .into_iter()
        .filter(|region| wanted.is_empty() || wanted.iter().any(|status| status == region.region_opt_status))
        .filter(|region| region.region_name > after.as_str())
        .peekable();
    let regions: Vec<OptRegion> = rest.by_ref().take(usize::try_from(limit).unwrap_or_default()).collect();
    let next_token = rest.peek().and_then(|_| regions.last()).map(|last| page_token(last.region_name));
    write_json(&ListRegionsAnswer { regions, next_token })
}

/// All regions in the order of their names.
fn regions() -> Vec<OptRegion> {
    let with = |status| move |name| OptRegion { region_name: name, region_opt_status: status };
    let default = ENABLED_BY_DEFAULT.into_iter().map(with("ENABLED_BY_DEFAULT"));
    let mut regions: Vec<OptRegion> = default.chain(OPT_IN.into_iter().map(with("DISABLED"))).collect();
    regions.sort_by_key(|region| region.region_name);
    regions
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationException", message)
}
