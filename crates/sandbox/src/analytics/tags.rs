//! `TagResource`, `UntagResource` and `ListTagsForResource`.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::json;

use super::Analytics;
use super::model::{ListTagsForResource, Tag, TagResource, UntagResource};
use super::operations::invalid;
use super::repository::Application;
use crate::service::{empty_json, write_json};
use crate::tagging::{TaggedResource, TaggedResources, collect};
use crate::{AwsError, Scope};

const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;
/// Tags or keys in one request, as the service's model has it.
const MAX_AT_ONCE: usize = 200;

impl Analytics {
    pub(super) async fn tag(&self, scope: &Scope, request: TagResource) -> Result<Bytes, AwsError> {
        if request.tags.is_empty() {
            return Err(invalid("Tags has at least one tag."));
        }
        check_tags(&request.tags)?;
        let application = self.tagged(scope, &request.resource_arn).await?;
        self.repository.tag(application.id, &request.tags).await?;
        Ok(empty_json())
    }

    pub(super) async fn untag(&self, scope: &Scope, request: UntagResource) -> Result<Bytes, AwsError> {
        if !(1..=MAX_AT_ONCE).contains(&request.tag_keys.len()) {
            return Err(invalid(format!("TagKeys has 1 to {MAX_AT_ONCE} keys.")));
        }
        let application = self.tagged(scope, &request.resource_arn).await?;
        self.repository.untag(application.id, &request.tag_keys).await?;
        Ok(empty_json())
    }

    pub(super) async fn list_tags(&self, scope: &Scope, request: ListTagsForResource) -> Result<Bytes, AwsError> {
        let application = self.tagged(scope, &request.resource_arn).await?;
        write_json(&json!({ "Tags": self.repository.tags(application.id).await? }))
    }

    async fn tagged(&self, scope: &Scope, arn: &str) -> Result<Application, AwsError> {
        let prefix = scope.arn("kinesisanalytics", "application/");
        let Some(name) = arn.strip_prefix(&prefix) else {
            return Err(invalid(format!("{arn} is not an application here; its ARN starts with {prefix}.")));
        };
        self.repository.find(scope, name).await
    }
}

#[async_trait::async_trait]
impl TaggedResources for Analytics {
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError> {
        let rows = self.repository.all_tags(scope).await?;
        let arn = |name: String| scope.arn("kinesisanalytics", &format!("application/{name}"));
        Ok(collect(rows.into_iter().map(|(name, key, value)| (arn(name), key, value))))
    }
}

/// Checks the tags of a request.
pub(super) fn check_tags(tags: &[Tag]) -> Result<(), AwsError> {
    if tags.len() > MAX_AT_ONCE {
        return Err(invalid(format!("Tags has at most {MAX_AT_ONCE} tags.")));
    }
    let mut keys = HashSet::new();
    for Tag { key, value } in tags {
        if !(1..=MAX_KEY).contains(&key.chars().count()) || key.starts_with("aws:") {
            return Err(invalid(format!(
                "The key of a tag has 1 to {MAX_KEY} characters and does not start with aws:."
            )));
        }
        if value.as_ref().is_some_and(|value| value.chars().count() > MAX_VALUE) {
            return Err(invalid(format!("The value of a tag has at most {MAX_VALUE} characters.")));
        }
        if !keys.insert(key) {
            return Err(invalid("A request names the key of a tag once."));
        }
    }
    Ok(())
}
