//! Tags of event source mappings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::EventSources;
use super::operations::mapping_not_found;
use super::store::{self, Mapping};
use crate::lambda::tags::check;
use crate::service::read_json;
use crate::tagging::{TaggedResource, TaggedResources};
use crate::{AwsError, Scope};

const RESOURCE: &str = ":event-source-mapping:";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagResource {
    tags: BTreeMap<String, String>,
}

/// Whether an ARN is one of an event source mapping.
pub(super) fn names_mapping(arn: &str) -> bool {
    arn.contains(RESOURCE)
}

impl EventSources {
    pub(super) async fn list_tags(&self, scope: &Scope, arn: &str) -> Result<Value, AwsError> {
        let uuid = uuid_of(scope, arn)?;
        let mapping = store::find(self.services.database.read(), scope, uuid).await?;
        Ok(json!({ "Tags": mapping.ok_or_else(mapping_not_found)?.tags }))
    }

    pub(super) async fn tag_resource(&self, scope: &Scope, arn: &str, body: &[u8]) -> Result<(), AwsError> {
        let request: TagResource = read_json(body)?;
        self.change_tags(scope, arn, |tags| tags.extend(request.tags)).await
    }

    pub(super) async fn untag_resource(&self, scope: &Scope, arn: &str, keys: &[String]) -> Result<(), AwsError> {
        self.change_tags(scope, arn, |tags| tags.retain(|key, _| !keys.contains(key))).await
    }

    async fn change_tags(
        &self,
        scope: &Scope,
        arn: &str,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<(), AwsError> {
        let uuid = uuid_of(scope, arn)?;
        let mut transaction = self.services.database.write().await?;
        let mapping = store::find(&mut *transaction, scope, uuid).await?;
        let mut mapping: Mapping = mapping.ok_or_else(mapping_not_found)?;
        change(&mut mapping.tags);
        mapping.tags = check(mapping.tags)?;
        store::update(&mut transaction, &mapping).await?;
        transaction.commit().await?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl TaggedResources for EventSources {
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError> {
        let mappings = store::list(self.services.database.read(), scope, None, None, 0, i64::MAX).await?;
        let tagged = mappings.into_iter().filter(|mapping| !mapping.tags.is_empty());
        Ok(tagged.map(|mapping| TaggedResource { arn: mapping.arn(), tags: mapping.tags }).collect())
    }
}

fn uuid_of<'a>(scope: &Scope, arn: &'a str) -> Result<&'a str, AwsError> {
    arn.strip_prefix(&scope.arn("lambda", "event-source-mapping:")).ok_or_else(mapping_not_found)
}
