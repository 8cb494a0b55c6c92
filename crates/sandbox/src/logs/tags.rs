//! `TagResource`, `UntagResource` and `ListTagsForResource` for log groups.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::Logs;
use super::errors::{group_not_found, invalid, missing};
use super::groups::{group_arn, name_of};
use super::store::{self, Group};
use crate::service::{empty_json, read_json, write_json};
use crate::tagging::rules::{self, MAX_TAGS};
use crate::tagging::{TaggedResource, TaggedResources};
use crate::{AwsError, Scope};

type Tags = BTreeMap<String, String>;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TagRequest {
    resource_arn: Option<String>,
    tags: Tags,
    tag_keys: Vec<String>,
}

impl Logs {
    pub(super) async fn tag_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TagRequest = read_json(body)?;
        self.change_tags(scope, request.resource_arn, |tags| tags.extend(request.tags)).await
    }

    pub(super) async fn untag_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TagRequest = read_json(body)?;
        self.change_tags(scope, request.resource_arn, |tags| tags.retain(|key, _| !request.tag_keys.contains(key)))
            .await
    }

    pub(super) async fn list_tags_for_resource(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: TagRequest = read_json(body)?;
        let name = tagged_name(scope, request.resource_arn)?;
        write_json(&json!({ "tags": read(&store::group(self.database.read(), scope, &name).await?)? }))
    }

    async fn change_tags(
        &self,
        scope: &Scope,
        arn: Option<String>,
        change: impl FnOnce(&mut Tags),
    ) -> Result<Bytes, AwsError> {
        let name = tagged_name(scope, arn)?;
        let mut transaction = self.database.write().await?;
        let group = store::group(&mut *transaction, scope, &name).await?;
        let mut tags = read(&group)?;
        change(&mut tags);
        check(&tags, &name)?;
        sqlx::query("UPDATE log_group SET tags = ? WHERE group_id = ?")
            .bind(serde_json::to_string(&tags).map_err(AwsError::internal)?)
            .bind(group.group_id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(empty_json())
    }
}

#[async_trait::async_trait]
impl TaggedResources for Logs {
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError> {
        let groups: Vec<Group> =
            sqlx::query_as("SELECT * FROM log_group WHERE account_id = ? AND region = ? AND tags <> '{}'")
                .bind(scope.account.as_str())
                .bind(scope.region.as_str())
                .fetch_all(self.database.read())
                .await?;
        let resource = |group: Group| Ok(TaggedResource { arn: group_arn(scope, &group.name), tags: read(&group)? });
        groups.into_iter().map(resource).collect()
    }
}

/// Checks all tags of a group.
pub(super) fn check(tags: &Tags, group: &str) -> Result<(), AwsError> {
    if tags.len() > MAX_TAGS {
        let message = format!("A log group can have {MAX_TAGS} tags at most.");
        return Err(AwsError::client("TooManyTagsException", message).with_member("resourceName", json!(group)));
    }
    rules::check(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
        .map_err(|refused| invalid(format!("Invalid tag: {refused}.")))
}

fn tagged_name(scope: &Scope, arn: Option<String>) -> Result<String, AwsError> {
    let arn = arn.ok_or_else(|| missing("resourceArn"))?;
    if !arn.starts_with("arn:aws:logs:") {
        return Err(invalid(format!("{arn} is not the ARN of a log group.")));
    }
    let name = name_of(scope, &arn);
    if name.starts_with("arn:") { Err(group_not_found()) } else { Ok(name) }
}

fn read(group: &Group) -> Result<Tags, AwsError> {
    serde_json::from_str(&group.tags).map_err(AwsError::internal)
}
