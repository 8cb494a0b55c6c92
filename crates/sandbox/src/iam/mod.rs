//! AWS Identity and Access Management, as far as the lab's commands need it (query protocol, version 2010-05-08).

use bytes::Bytes;

use crate::query::{self, Form};
use crate::{AwsError, Caller, Database, Scope};

/// Roles and their policies. IAM is global: a role belongs to an account, whatever the region.
#[derive(Clone)]
pub struct Iam {
    database: Database,
}

impl Iam {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, body: &[u8], request_id: &str) -> Result<Bytes, AwsError> {
        let form = Form::read(body)?;
        let _ = (caller, request_id);
        Err(query::unknown_action("iam", form.action()?))
    }

    /// Whether the service `principal` (such as `firehose.amazonaws.com`) may assume the role `role_arn` of this account.
    ///
    /// Services call it when a resource is created and before they act for a learner, since AWS then assumes the role.
    pub(crate) async fn may_assume(&self, scope: &Scope, role_arn: &str, principal: &str) -> Result<bool, AwsError> {
        let _ = (&self.database, scope, role_arn, principal);
        Ok(true)
    }
}
