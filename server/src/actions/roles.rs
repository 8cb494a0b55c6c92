//! Roles with just what each service needs, made where they are first wanted.

use lab::Variables;
use serde_json::{Value, json};

use super::{ActionError, Workbench, refused, tags};

/// Name of the inline policy of each role.
pub const POLICY: &str = "headwater-lab";

/// The roles that the lab makes with the learner's engine: without an application there is none for it.
pub fn of_lab(variables: &Variables) -> Vec<&String> {
    let Variables { firehose_role, lambda_role, analytics_role, engine, .. } = variables;
    let mut roles = vec![firehose_role, lambda_role];
    if engine.uses("analytics_role") {
        roles.push(analytics_role);
    }
    roles
}

/// Makes the role if absent and sets its policy: the service `principal` may do what `statements` allow.
///
/// IAM `CreateRole`, `PutRolePolicy`.
pub async fn ensure(
    workbench: &Workbench<'_>,
    role: &str,
    principal: &str,
    statements: &Value,
) -> Result<(), ActionError> {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}],
    });
    let create = workbench.iam.create_role().role_name(role).assume_role_policy_document(trust.to_string());
    let created = create.set_tags(tags::iam().map(|tag| vec![tag])).send().await;
    if let Err(error) = created
        && !error.as_service_error().is_some_and(|cause| cause.is_entity_already_exists_exception())
    {
        return Err(refused("iam:CreateRole")(error));
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    workbench
        .iam
        .put_role_policy()
        .role_name(role)
        .policy_name(POLICY)
        .policy_document(policy.to_string())
        .send()
        .await
        .map_err(refused("iam:PutRolePolicy"))?;
    Ok(())
}

/// Deletes a role with its inline policies; one that is gone already is fine.
pub async fn delete(workbench: &Workbench<'_>, role: &str) -> Result<(), ActionError> {
    let policies = match workbench.iam.list_role_policies().role_name(role).send().await {
        Ok(answer) => answer.policy_names,
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_no_such_entity_exception()) => {
            return Ok(());
        }
        Err(error) => return Err(refused("iam:ListRolePolicies")(error)),
    };
    for policy in policies {
        workbench
            .iam
            .delete_role_policy()
            .role_name(role)
            .policy_name(policy)
            .send()
            .await
            .map_err(refused("iam:DeleteRolePolicy"))?;
    }
    workbench.iam.delete_role().role_name(role).send().await.map_err(refused("iam:DeleteRole"))?;
    Ok(())
}
