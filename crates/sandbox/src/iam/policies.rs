//! IAM `PutRolePolicy`, `GetRolePolicy`, `ListRolePolicies`, `DeleteRolePolicy`, `AttachRolePolicy`, `DetachRolePolicy`,
//! `ListAttachedRolePolicies`.

use super::policy_document::{check_identity_policy, size};
use super::roles::find_role_in;
use super::{Iam, check_name, encode_document, limit_exceeded, no_such_role};
use crate::query::{Form, Page, element, validation_error};
use crate::{AccountId, AwsError};

/// Quotas as AWS sets them by default.
const MAX_INLINE_SIZE: usize = 10_240;
const MAX_ATTACHMENTS: i64 = 10;

impl Iam {
    pub(super) async fn put_role_policy(&self, account: &AccountId, form: &Form) -> Result<(), AwsError> {
        let (role, policy) = role_and_policy(form)?;
        let document = form.required("PolicyDocument")?;
        check_identity_policy(document)?;
        let mut transaction = self.database.write().await?;
        find_role_in(&mut transaction, account, role).await?.ok_or_else(|| no_such_role(role))?;
        let others: Vec<String> = sqlx::query_scalar(
            "SELECT document FROM role_policy WHERE account_id = ? AND role_name = ? AND policy_name <> ?",
        )
        .bind(account.as_str())
        .bind(role)
        .bind(policy)
        .fetch_all(&mut *transaction)
        .await?;
        if size(document) + others.iter().map(|document| size(document)).sum::<usize>() > MAX_INLINE_SIZE {
            return Err(limit_exceeded(format!(
                "Maximum policy size of {MAX_INLINE_SIZE} bytes exceeded for role {role}"
            )));
        }
        sqlx::query(
            "INSERT INTO role_policy (account_id, role_name, policy_name, document) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET document = excluded.document",
        )
        .bind(account.as_str())
        .bind(role)
        .bind(policy)
        .bind(document)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn get_role_policy(&self, account: &AccountId, form: &Form) -> Result<String, AwsError> {
        let (_, policy) = role_and_policy(form)?;
        let role = self.role_of_form(account, form).await?;
        let document: Option<String> = sqlx::query_scalar(
            "SELECT document FROM role_policy WHERE account_id = ? AND role_name = ? AND policy_name = ?",
        )
        .bind(account.as_str())
        .bind(&role.role_name)
        .bind(policy)
        .fetch_optional(self.database.read())
        .await?;
        let document = document.ok_or_else(|| no_such_role_policy(policy))?;
        Ok(element("RoleName", &role.role_name)
            + &element("PolicyName", policy)
            + &element("PolicyDocument", &encode_document(&document)))
    }

    pub(super) async fn list_role_policies(&self, account: &AccountId, form: &Form) -> Result<String, AwsError> {
        let role = self.role_of_form(account, form).await?;
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT policy_name FROM role_policy WHERE account_id = ? AND role_name = ? ORDER BY policy_name",
        )
        .bind(account.as_str())
        .bind(&role.role_name)
        .fetch_all(self.database.read())
        .await?;
        let page = Page::of(form, names, Clone::clone)?;
        let members: String = page.items.iter().map(|name| element("member", name)).collect();
        Ok(format!("<PolicyNames>{members}</PolicyNames>{}", page.to_xml()))
    }

    pub(super) async fn delete_role_policy(&self, account: &AccountId, form: &Form) -> Result<(), AwsError> {
        let (role, policy) = role_and_policy(form)?;
        let mut transaction = self.database.write().await?;
        find_role_in(&mut transaction, account, role).await?.ok_or_else(|| no_such_role(role))?;
        let deleted = sqlx::query("DELETE FROM role_policy WHERE account_id = ? AND role_name = ? AND policy_name = ?")
            .bind(account.as_str())
            .bind(role)
            .bind(policy)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        transaction.commit().await?;
        if deleted == 0 { Err(no_such_role_policy(policy)) } else { Ok(()) }
    }

    pub(super) async fn attach_role_policy(&self, account: &AccountId, form: &Form) -> Result<(), AwsError> {
        let (role, arn) = role_and_arn(form)?;
        let mut transaction = self.database.write().await?;
        find_role_in(&mut transaction, account, role).await?.ok_or_else(|| no_such_role(role))?;
        if !is_aws_managed(arn) {
            return Err(AwsError::client("NoSuchEntity", format!("Policy {arn} does not exist or is not attachable."))
                .with_status(404));
        }
        sqlx::query(
            "INSERT INTO role_attachment (account_id, role_name, policy_arn) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(account.as_str())
        .bind(role)
        .bind(arn)
        .execute(&mut *transaction)
        .await?;
        let attached: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM role_attachment WHERE account_id = ? AND role_name = ?")
                .bind(account.as_str())
                .bind(role)
                .fetch_one(&mut *transaction)
                .await?;
        if attached > MAX_ATTACHMENTS {
            return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerRole: {MAX_ATTACHMENTS}")));
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn detach_role_policy(&self, account: &AccountId, form: &Form) -> Result<(), AwsError> {
        let (role, arn) = role_and_arn(form)?;
        let mut transaction = self.database.write().await?;
        find_role_in(&mut transaction, account, role).await?.ok_or_else(|| no_such_role(role))?;
        let detached =
            sqlx::query("DELETE FROM role_attachment WHERE account_id = ? AND role_name = ? AND policy_arn = ?")
                .bind(account.as_str())
                .bind(role)
                .bind(arn)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
        transaction.commit().await?;
        if detached == 0 {
            return Err(AwsError::client("NoSuchEntity", format!("Policy {arn} was not found.")).with_status(404));
        }
        Ok(())
    }

    pub(super) async fn list_attached_role_policies(
        &self,
        account: &AccountId,
        form: &Form,
    ) -> Result<String, AwsError> {
        let role = self.role_of_form(account, form).await?;
        let prefix = form.optional("PathPrefix").unwrap_or("/");
        let arns: Vec<String> = sqlx::query_scalar(
            "SELECT policy_arn FROM role_attachment WHERE account_id = ? AND role_name = ? ORDER BY policy_arn",
        )
        .bind(account.as_str())
        .bind(&role.role_name)
        .fetch_all(self.database.read())
        .await?;
        let arns = arns.into_iter().filter(|arn| policy_path(arn).starts_with(prefix));
        let page = Page::of(form, arns, Clone::clone)?;
        let members: String = page
            .items
            .iter()
            .map(|arn| {
                let name = arn.rsplit('/').next().unwrap_or_default();
                format!("<member>{}{}</member>", element("PolicyName", name), element("PolicyArn", arn))
            })
            .collect();
        Ok(format!("<AttachedPolicies>{members}</AttachedPolicies>{}", page.to_xml()))
    }
}

fn role_and_policy(form: &Form) -> Result<(&str, &str), AwsError> {
    let role = form.required("RoleName")?;
    check_name("roleName", role, 64)?;
    let policy = form.required("PolicyName")?;
    check_name("policyName", policy, 128)?;
    Ok((role, policy))
}

fn role_and_arn(form: &Form) -> Result<(&str, &str), AwsError> {
    let role = form.required("RoleName")?;
    check_name("roleName", role, 64)?;
    let arn = form.required("PolicyArn")?;
    if !(20..=2048).contains(&arn.len()) || !arn.starts_with("arn:") {
        return Err(validation_error(&format!("ARN {arn} is not valid.")));
    }
    Ok((role, arn))
}

/// Whether this may be one of AWS's own managed policies; which of them exist the sandbox does not know.
fn is_aws_managed(arn: &str) -> bool {
    arn.strip_prefix("arn:aws:iam::aws:policy/").is_some_and(|path| {
        !path.is_empty()
            && path.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c))
            && !path.ends_with('/')
    })
}

/// `/service-role/` of `arn:aws:iam::aws:policy/service-role/Name`.
fn policy_path(arn: &str) -> &str {
    let path = arn.split_once(":policy").map_or("/", |(_, path)| path);
    path.rsplit_once('/').map_or("/", |(parents, _)| &path[..=parents.len()])
}

fn no_such_role_policy(name: &str) -> AwsError {
    AwsError::client("NoSuchEntity", format!("The role policy with name {name} cannot be found.")).with_status(404)
}
