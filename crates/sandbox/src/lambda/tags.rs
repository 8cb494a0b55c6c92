//! Tags of functions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{invalid_parameter, not_found};
use super::{Lambda, function_name, store};
use crate::service::read_json;
use crate::tagging::{TaggedResource, TaggedResources};
use crate::{AwsError, Scope};

/// Most tags of a function, as AWS.
const MAX_TAGS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagResource {
    tags: BTreeMap<String, String>,
}

/// Checks a function's tags.
pub(super) fn check(tags: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, AwsError> {
    if tags.len() > MAX_TAGS {
        return Err(invalid_parameter(format!("A function can have {MAX_TAGS} tags at most.")));
    }
    for (key, value) in &tags {
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(invalid_parameter("A tag's key has 1 to 128 characters and its value 256 at most."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_parameter("Tags that begin with aws: are for AWS alone."));
        }
    }
    Ok(tags)
}

impl Lambda {
    pub(super) async fn list_tags(&self, scope: &Scope, arn: &str) -> Result<Value, AwsError> {
        Ok(json!({ "Tags": self.find(scope, arn, None).await?.tags }))
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
        let name = function_name::parse(scope, arn, None)?;
        let mut transaction = self.inner.database.write().await?;
        let function = store::find_to_change(&mut transaction, scope, &name).await?;
        let mut function = function.ok_or_else(|| not_found(&function_name::arn(scope, &name)))?;
        change(&mut function.tags);
        function.tags = check(function.tags)?;
        store::update(&mut transaction, &function).await?;
        transaction.commit().await?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl TaggedResources for Lambda {
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT function_name, tags FROM lambda_function WHERE account_id = ? AND region = ? AND tags <> '{}'",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .fetch_all(self.inner.database.read())
        .await?;
        let resources = rows.into_iter().map(|(name, tags)| {
            let tags = serde_json::from_str(&tags).map_err(AwsError::internal)?;
            Ok(TaggedResource { arn: function_name::arn(scope, &name), tags })
        });
        resources.collect()
    }
}
