//! AWS Resource Groups Tagging API: the tagged resources of all services in one list (`awsJson1_1`, target
//! `ResourceGroupsTaggingAPI_20170126`).
//!
//! A service takes part by implementing [`TaggedResources`]; the front door hands them all to [`Tagging::new`].

mod get_resources;
pub(crate) mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::{AwsError, Caller, Operation, Scope};

/// A service whose tagged resources are to be found.
#[async_trait::async_trait]
pub(crate) trait TaggedResources: Send + Sync {
    /// The resources in this account and region that have a tag at least, in any order.
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError>;
}

/// A resource with its tags, of which it has one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaggedResource {
    pub arn: String,
    pub tags: BTreeMap<String, String>,
}

/// Finds resources by their tags. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tagging {
    services: Arc<[Arc<dyn TaggedResources>]>,
}

impl Tagging {
    pub(crate) fn new(services: impl IntoIterator<Item = Arc<dyn TaggedResources>>) -> Self {
        Self { services: services.into_iter().collect() }
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, operation: Operation<'_>, body: &[u8]) -> Result<Bytes, AwsError> {
        match operation {
            "GetResources" => self.get_resources(&caller.scope, body).await,
            _ => Err(AwsError::unknown_operation("tagging", operation)),
        }
    }
}

/// Brings rows of ARN, key and value together, as joins with a table of tags give them.
pub(crate) fn collect(rows: impl IntoIterator<Item = (String, String, Option<String>)>) -> Vec<TaggedResource> {
    let mut resources = BTreeMap::<String, BTreeMap<String, String>>::new();
    for (arn, key, value) in rows {
        resources.entry(arn).or_default().insert(key, value.unwrap_or_default());
    }
    resources.into_iter().map(|(arn, tags)| TaggedResource { arn, tags }).collect()
}
