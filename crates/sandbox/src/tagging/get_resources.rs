//! `GetResources`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{TaggedResource, Tagging};
use crate::service::{page_token, read_json, read_page_token, write_json};
use crate::{AwsError, Scope};

/// Resources in an answer, unless told otherwise and at most.
const USUAL_PAGE: i64 = 50;
const LONGEST_PAGE: i64 = 100;
/// Tags in an answer: at least what one resource may have, whose tags are never split.
const TAGS_PER_PAGE: std::ops::RangeInclusive<i64> = 100..=500;
const MAX_FILTERS: usize = 50;
const MAX_VALUES: usize = 20;
const MAX_TYPES: usize = 100;
const MAX_ARNS: usize = 100;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GetResources {
    pagination_token: Option<String>,
    tag_filters: Option<Vec<TagFilter>>,
    resources_per_page: Option<i64>,
    tags_per_page: Option<i64>,
    resource_type_filters: Option<Vec<String>>,
    #[serde(rename = "ResourceARNList")]
    resource_arn_list: Option<Vec<String>>,
    include_compliance_details: Option<bool>,
    exclude_compliant_resources: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagFilter {
    key: Option<String>,
    values: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    /// Empty after the last page.
    pagination_token: String,
    resource_tag_mapping_list: Vec<Mapping<'a>>,
}

#[derive(Serialize)]
struct Mapping<'a> {
    #[serde(rename = "ResourceARN")]
    arn: &'a str,
    #[serde(rename = "Tags")]
    tags: Vec<Tag<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag<'a> {
    key: &'a str,
    value: &'a str,
}

impl Tagging {
    /// Answers `GetResources`: what has the tags and is of the types that are asked for, in the order of ARNs.
    pub(super) async fn get_resources(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: GetResources = read_json(body)?;
        request.check()?;
        let token = request.pagination_token.as_deref().filter(|token| !token.is_empty());
        let after = token.map(|token| read_page_token(token).ok_or_else(token_expired)).transpose()?;
        let mut found = Vec::new();
        for service in self.services.iter() {
            found.extend(service.tagged_resources(scope).await?);
        }
        found.retain(|resource| request.wants(resource) && after.as_ref().is_none_or(|after| resource.arn > *after));
        found.sort_by(|a, b| a.arn.cmp(&b.arn));
        let page = page(&found, request.resources_per_page.unwrap_or(USUAL_PAGE), request.tags_per_page);
        let last = page.last().filter(|_| page.len() < found.len());
        write_json(&Answer {
            pagination_token: last.map(|last| page_token(&last.arn)).unwrap_or_default(),
            resource_tag_mapping_list: page.iter().map(Mapping::of).collect(),
        })
    }
}

impl GetResources {
    fn check(&self) -> Result<(), AwsError> {
        let filters = self.tag_filters.as_deref().unwrap_or_default();
        if filters.len() > MAX_FILTERS {
            return Err(invalid("TagFilters has at most 50 filters."));
        }
        for filter in filters {
            if !(1..=128).contains(&filter.key.as_deref().unwrap_or_default().chars().count()) {
                return Err(invalid("The Key of a tag filter has 1 to 128 characters."));
            }
            if filter.values.as_ref().is_some_and(|values| values.len() > MAX_VALUES) {
                return Err(invalid("The Values of a tag filter are at most 20."));
            }
        }
        if self.resources_per_page.is_some_and(|limit| !(1..=LONGEST_PAGE).contains(&limit)) {
            return Err(invalid("ResourcesPerPage must be between 1 and 100"));
        }
        if self.tags_per_page.is_some_and(|limit| !TAGS_PER_PAGE.contains(&limit)) {
            return Err(invalid("TagsPerPage must be between 100 and 500"));
        }
        if self.resource_type_filters.as_ref().is_some_and(|types| types.len() > MAX_TYPES) {
            return Err(invalid("ResourceTypeFilters has at most 100 types."));
        }
        if let Some(arns) = &self.resource_arn_list {
            if !(1..=MAX_ARNS).contains(&arns.len()) {
                return Err(invalid("ResourceARNList has 1 to 100 ARNs."));
            }
            let others = [
                self.resource_type_filters.as_ref().is_some_and(|types| !types.is_empty()),
                self.tag_filters.as_ref().is_some_and(|filters| !filters.is_empty()),
                self.resources_per_page.is_some(),
                self.tags_per_page.is_some(),
                self.pagination_token.as_ref().is_some_and(|token| !token.is_empty()),
            ];
            if others.contains(&true) {
                return Err(invalid("ResourceARNList cannot be combined with filters or pagination parameters."));
            }
        }
        if self.include_compliance_details == Some(true) || self.exclude_compliant_resources == Some(true) {
            return Err(invalid("The sandbox does not offer tag policies, so that nothing is known of compliance."));
        }
        Ok(())
    }

    fn wants(&self, resource: &TaggedResource) -> bool {
        let types = self.resource_type_filters.as_deref().unwrap_or_default();
        let filters = self.tag_filters.as_deref().unwrap_or_default();
        (types.is_empty() || types.iter().any(|filter| is_of_type(&resource.arn, filter)))
            && filters.iter().all(|filter| filter.matches(resource))
            && self.resource_arn_list.as_ref().is_none_or(|arns| arns.contains(&resource.arn))
    }
}

impl TagFilter {
    /// A filter without values wants the key alone.
    fn matches(&self, resource: &TaggedResource) -> bool {
        let values = self.values.as_deref().unwrap_or_default();
        let value = resource.tags.get(self.key.as_deref().unwrap_or_default());
        value.is_some_and(|value| values.is_empty() || values.contains(value))
    }
}

impl<'a> Mapping<'a> {
    fn of(resource: &'a TaggedResource) -> Self {
        Self { arn: &resource.arn, tags: resource.tags.iter().map(|(key, value)| Tag { key, value }).collect() }
    }
}

/// The first resources, as many as a page may have by their number and by the number of their tags.
fn page(found: &[TaggedResource], resources: i64, tags: Option<i64>) -> &[TaggedResource] {
    let mut page = found.len().min(usize::try_from(resources).unwrap_or_default());
    if let Some(most) = tags.and_then(|tags| usize::try_from(tags).ok()) {
        let mut counted = 0;
        let fits = found.iter().take_while(|resource| {
            counted += resource.tags.len();
            counted <= most
        });
        page = page.min(fits.count());
    }
    &found[..page]
}

/// Whether a resource is of a type such as `dynamodb:table`, or of a service such as `dynamodb`.
fn is_of_type(arn: &str, filter: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next().unwrap_or_default();
    let resource = parts.nth(2).unwrap_or_default();
    let kind = match service {
        // The ARN of a bucket names no type.
        "s3" => "bucket",
        _ => resource.split([':', '/']).next().unwrap_or_default(),
    };
    match filter.split_once(':') {
        Some((wanted_service, wanted_kind)) => wanted_service == service && wanted_kind == kind,
        None => filter == service,
    }
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidParameterException", message)
}

fn token_expired() -> AwsError {
    AwsError::client(
        "PaginationTokenExpiredException",
        "The specified PaginationToken has expired or is not valid; begin again without one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_from_arns() {
        let of = |arn: &str, filter: &str| is_of_type(arn, filter);
        let table = "arn:aws:dynamodb:us-east-1:111122223333:table/counts";
        assert!(of(table, "dynamodb") && of(table, "dynamodb:table"));
        assert!(!of(table, "dynamodb:index") && !of(table, "s3") && !of(table, "dynamo"));
        assert!(of("arn:aws:s3:::clicks", "s3") && of("arn:aws:s3:::clicks", "s3:bucket"));
        assert!(of("arn:aws:lambda:us-east-1:111122223333:function:F", "lambda:function"));
        assert!(of("arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/F", "logs:log-group"));
    }

    #[test]
    fn a_page_ends_before_it_has_too_many_tags() {
        let resource = |n: usize| TaggedResource {
            arn: format!("arn:aws:s3:::{n}"),
            tags: (0..40).map(|tag| (tag.to_string(), String::new())).collect(),
        };
        let found: Vec<TaggedResource> = (0..5).map(resource).collect();
        assert_eq!(page(&found, 50, None).len(), 5);
        assert_eq!(page(&found, 2, None).len(), 2);
        assert_eq!(page(&found, 50, Some(100)).len(), 2);
        assert_eq!(page(&found, 50, Some(120)).len(), 3);
    }
}
