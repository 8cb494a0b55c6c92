//! AWS Identity and Access Management, as far as the lab's commands need it (query protocol, version 2010-05-08).
//!
//! Roles and their policies are kept and their trust policies are heeded. Permissions are evaluated for what functions write
//! to their logs, for the roles with which services read data streams, and for sessions that were given a policy; every other
//! principal of an account may do everything in it.

mod conditions;
mod managed_policies;
mod permissions;
mod policies;
mod policy_document;
mod roles;
mod tags;
mod trust;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) use permissions::Permissions;
pub(crate) use policy_document::check_session_policy;
pub(crate) use roles::Role;
pub(crate) use trust::Assumer;
use trust::TrustPolicy;

use crate::query::{self, Form};
use crate::{AccountId, AwsError, Caller, Database, Scope};

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
/// What IAM leaves as it is when it writes a policy document into XML (RFC 3986's unreserved characters).
const POLICY_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

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
        let account = &caller.scope.account;
        let action = form.action()?;
        let result = match action {
            "CreateRole" => Some(self.create_role(account, &form).await?),
            "GetRole" => Some(self.get_role(account, &form).await?),
            "ListRoles" => Some(self.list_roles(account, &form).await?),
            "DeleteRole" => self.delete_role(account, &form).await.map(|()| None)?,
            "UpdateAssumeRolePolicy" => self.update_assume_role_policy(account, &form).await.map(|()| None)?,
            "PutRolePolicy" => self.put_role_policy(account, &form).await.map(|()| None)?,
            "GetRolePolicy" => Some(self.get_role_policy(account, &form).await?),
            "ListRolePolicies" => Some(self.list_role_policies(account, &form).await?),
            "DeleteRolePolicy" => self.delete_role_policy(account, &form).await.map(|()| None)?,
            "AttachRolePolicy" => self.attach_role_policy(account, &form).await.map(|()| None)?,
            "DetachRolePolicy" => self.detach_role_policy(account, &form).await.map(|()| None)?,
            "ListAttachedRolePolicies" => Some(self.list_attached_role_policies(account, &form).await?),
            "TagRole" => self.tag_role(account, &form).await.map(|()| None)?,
            "UntagRole" => self.untag_role(account, &form).await.map(|()| None)?,
            "ListRoleTags" => Some(self.list_role_tags(account, &form).await?),
            _ => return Err(query::unknown_action("iam", action)),
        };
        Ok(query::answer(NAMESPACE, action, result.as_deref(), request_id))
    }

    /// Whether the service `principal` (such as `firehose.amazonaws.com`) may assume the role `role_arn` of this account.
    ///
    /// Services call it when a resource is created and before they act for a learner, since AWS then assumes the role.
    pub(crate) async fn may_assume(&self, scope: &Scope, role_arn: &str, principal: &str) -> Result<bool, AwsError> {
        let Some((account, role)) = self.role_by_arn(role_arn).await? else { return Ok(false) };
        if account != scope.account {
            return Ok(false);
        }
        let service = Assumer::Service { principal, scope };
        // The services name the account as external id, which Firehose's documented trust policy asks for.
        Ok(TrustPolicy::parse(&role.trust_policy)?.allows(&service, Some(account.as_str())))
    }

    /// The role that an ARN names and the account that it is in, if there is one.
    pub(crate) async fn role_by_arn(&self, role_arn: &str) -> Result<Option<(AccountId, Role)>, AwsError> {
        let Some((account, path_and_name)) = role_arn
            .strip_prefix("arn:aws:iam::")
            .and_then(|rest| rest.split_once(":role"))
            .and_then(|(account, path)| Some((account.parse::<AccountId>().ok()?, path)))
        else {
            return Ok(None);
        };
        let name = path_and_name.rsplit('/').next().unwrap_or_default();
        let role = self.find_role(&account, name).await?;
        // The ARN counts as written: with the role's path and in its case.
        Ok(role.filter(|role| role.arn(&account) == role_arn).map(|role| (account, role)))
    }

    /// The ARN of a role by its name.
    pub(crate) async fn role_arn(&self, account: &AccountId, name: &str) -> Result<Option<String>, AwsError> {
        Ok(self.find_role(account, name).await?.map(|role| role.arn(account)))
    }

    /// Whether this principal may assume the role, by the role's trust policy.
    pub(crate) fn trusts(
        &self,
        role: &Role,
        assumer: &Assumer<'_>,
        external_id: Option<&str>,
    ) -> Result<bool, AwsError> {
        Ok(TrustPolicy::parse(&role.trust_policy)?.allows(assumer, external_id))
    }
}

/// A policy document as IAM writes it into XML: percent-encoded.
fn encode_document(document: &str) -> String {
    utf8_percent_encode(document, POLICY_ESCAPES).to_string()
}

/// A name of a role or policy: `[\w+=,.@-]+` of at most `max` characters.
fn check_name(member: &str, name: &str, max: usize) -> Result<(), AwsError> {
    let count = name.chars().count();
    if count == 0 || count > max {
        let bound =
            if count == 0 { "greater than or equal to 1".to_owned() } else { format!("less than or equal to {max}") };
        return Err(query::validation_error(&format!(
            "Value '{name}' at '{member}' failed to satisfy constraint: Member must have length {bound}"
        )));
    }
    let well_formed = name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c));
    if !well_formed {
        return Err(query::validation_error(&format!(
            "Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: \
             [\\w+=,.@-]+"
        )));
    }
    Ok(())
}

/// A parameter that AWS has but the sandbox would not heed, so that it is refused.
fn refuse_parameters(form: &Form, operation: &str, names: &[&str]) -> Result<(), AwsError> {
    match names.iter().find(|name| form.has_prefix(name)) {
        Some(name) => Err(AwsError::client(
            "InvalidInput",
            format!("The sandbox does not offer the parameter {name} of the operation {operation}."),
        )),
        None => Ok(()),
    }
}

fn no_such_role(name: &str) -> AwsError {
    AwsError::client("NoSuchEntity", format!("The role with name {name} cannot be found.")).with_status(404)
}

fn limit_exceeded(message: impl Into<String>) -> AwsError {
    AwsError::client("LimitExceeded", message).with_status(409)
}
