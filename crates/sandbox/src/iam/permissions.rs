//! What policies allow: the evaluation of identity-based and session policies.
//!
//! Source: "Policy evaluation logic" in the IAM User Guide. It is used for what a function's role may write to its log, for
//! the roles with which services read data streams, and for sessions that were given a policy; everybody else may do everything
//! in the account.

use std::collections::BTreeMap;

use super::Iam;
use super::conditions::{ConditionKeys, like};
use super::managed_policies::actions_of_managed_policy;
use super::policy_document::{Effect, OneOrMany, PolicyDocument, Statement};
use crate::{AwsError, Scope};

/// The policies of one principal, of which any may allow an action and any may deny it.
#[derive(Debug)]
pub(crate) struct Permissions {
    policies: Vec<PolicyDocument>,
    /// Actions that AWS's managed policies allow on every resource.
    managed: Vec<&'static [&'static str]>,
    /// Whether a managed policy is among them whose content the sandbox does not know.
    has_unknown: bool,
    keys: ConditionKeys,
}

impl Permissions {
    /// Those of a session policy.
    pub(crate) fn of_session_policy(scope: &Scope, policy: &str) -> Result<Self, AwsError> {
        let policies = vec![PolicyDocument::parse(policy)?];
        Ok(Self { policies, managed: Vec::new(), has_unknown: false, keys: condition_keys(scope) })
    }

    /// Whether the action is allowed on the resource and not denied. Managed policies that are not known allow nothing.
    pub(crate) fn allow(&self, action: &str, resource: &str) -> bool {
        let applies = |effect| {
            let mut statements = self.policies.iter().flat_map(|policy| &policy.statement);
            statements.any(|statement| statement.effect == effect && self.applies(statement, action, resource))
        };
        let managed = || self.managed.iter().copied().flatten().any(|pattern| is_action(pattern, action));
        (applies(Effect::Allow) || managed()) && !applies(Effect::Deny)
    }

    /// The same, but that managed policies that are not known allow everything.
    pub(crate) fn may_allow(&self, action: &str, resource: &str) -> bool {
        let denied = || {
            let mut statements = self.policies.iter().flat_map(|policy| &policy.statement);
            statements.any(|statement| statement.effect == Effect::Deny && self.applies(statement, action, resource))
        };
        self.allow(action, resource) || (self.has_unknown && !denied())
    }

    fn applies(&self, statement: &Statement, action: &str, resource: &str) -> bool {
        let named = |patterns: &OneOrMany<String>| patterns.iter().any(|pattern| is_action(pattern, action));
        let on = |patterns: &OneOrMany<String>| patterns.iter().any(|pattern| like(pattern, resource));
        (statement.action.as_ref().is_some_and(named) || statement.not_action.as_ref().is_some_and(|not| !named(not)))
            && (statement.resource.as_ref().is_some_and(on)
                || statement.not_resource.as_ref().is_some_and(|not| !on(not)))
            && self.keys.meet(&statement.condition)
    }
}

impl Iam {
    /// What the policies of a role allow; nothing if there is no such role any more.
    pub(crate) async fn permissions_of_role(&self, scope: &Scope, role: &str) -> Result<Permissions, AwsError> {
        let documents: Vec<String> =
            sqlx::query_scalar("SELECT document FROM role_policy WHERE account_id = ? AND role_name = ?")
                .bind(scope.account.as_str())
                .bind(role)
                .fetch_all(self.database.read())
                .await?;
        let attached: Vec<String> =
            sqlx::query_scalar("SELECT policy_arn FROM role_attachment WHERE account_id = ? AND role_name = ?")
                .bind(scope.account.as_str())
                .bind(role)
                .fetch_all(self.database.read())
                .await?;
        let policies = documents.iter().map(|document| PolicyDocument::parse(document));
        let managed: Vec<Option<&[&str]>> = attached.iter().map(|arn| actions_of_managed_policy(arn)).collect();
        Ok(Permissions {
            policies: policies.collect::<Result<_, _>>()?,
            has_unknown: managed.contains(&None),
            managed: managed.into_iter().flatten().collect(),
            keys: condition_keys(scope),
        })
    }
}

/// Actions are told apart without regard to case.
fn is_action(pattern: &str, action: &str) -> bool {
    like(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// What conditions may ask of every request.
fn condition_keys(scope: &Scope) -> ConditionKeys {
    let account = scope.account.to_string();
    ConditionKeys(BTreeMap::from([
        ("aws:requestedregion", scope.region.to_string()),
        ("aws:principalaccount", account.clone()),
        ("aws:resourceaccount", account),
        ("aws:securetransport", "false".to_owned()),
    ]))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/counts";

    fn allows(statements: &Value, action: &str, resource: &str) -> bool {
        let scope = Scope { account: "111122223333".parse().unwrap(), region: "us-east-1".parse().unwrap() };
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Permissions::of_session_policy(&scope, &policy).unwrap().allow(action, resource)
    }

    #[test]
    fn actions_and_resources_are_patterns() {
        let read = json!({"Effect": "Allow", "Action": ["dynamodb:Describe*", "dynamodb:query"], "Resource": "arn:aws:dynamodb:*:*:table/c*"});
        assert!(allows(&read, "dynamodb:DescribeTable", TABLE));
        assert!(allows(&read, "dynamodb:Query", TABLE));
        assert!(!allows(&read, "dynamodb:PutItem", TABLE));
        assert!(!allows(&read, "dynamodb:DescribeTable", &TABLE.replace("counts", "other")));
        let but = json!({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret"});
        assert!(allows(&but, "s3:ListBucket", "arn:aws:s3:::clicks"));
        assert!(!allows(&but, "s3:ListBucket", "arn:aws:s3:::secret"));
        assert!(!allows(&but, "iam:GetRole", "*"));
    }

    #[test]
    fn a_denial_wins_and_conditions_count() {
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let elsewhere = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}});
        assert!(allows(&json!([all, elsewhere]), "s3:ListBucket", "arn:aws:s3:::clicks"));
        let deletes = json!({"Effect": "Deny", "Action": "dynamodb:Delete*", "Resource": TABLE});
        assert!(!allows(&json!([all, deletes]), "dynamodb:DeleteTable", TABLE));
        let tls = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}});
        assert!(!allows(&tls, "dynamodb:GetItem", TABLE));
    }
}
