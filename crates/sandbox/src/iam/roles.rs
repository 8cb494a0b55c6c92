//! IAM `CreateRole`, `GetRole`, `ListRoles`, `DeleteRole`, `UpdateAssumeRolePolicy`.

use sqlx::{Sqlite, Transaction};
use time::OffsetDateTime;

use super::policy_document::check_size;
use super::trust::TrustPolicy;
use super::{Iam, check_name, encode_document, limit_exceeded, no_such_role, refuse_parameters, tags};
use crate::keyring::random_id;
use crate::query::{Form, Page, element, timestamp, validation_error};
use crate::{AccountId, AwsError};

/// Quotas as AWS sets them by default.
const MAX_ROLES: i64 = 1000;
const MAX_TRUST_POLICY: usize = 2048;

/// A role as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Role {
    pub role_name: String,
    /// `AROA...`
    pub role_id: String,
    pub path: String,
    pub description: Option<String>,
    pub trust_policy: String,
    pub max_session_seconds: i64,
    created_ms: i64,
}

impl Role {
    /// The role's ARN in its account.
    pub(crate) fn arn(&self, account: &AccountId) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path, self.role_name)
    }

    fn to_xml(&self, account: &AccountId) -> Result<String, AwsError> {
        let mut xml = element("Path", &self.path)
            + &element("RoleName", &self.role_name)
            + &element("RoleId", &self.role_id)
            + &element("Arn", &self.arn(account))
            + &element("CreateDate", &timestamp(self.created_ms)?)
            + &element("AssumeRolePolicyDocument", &encode_document(&self.trust_policy));
        if let Some(description) = &self.description {
            xml += &element("Description", description);
        }
        Ok(xml + &element("MaxSessionDuration", &self.max_session_seconds.to_string()))
    }
}

impl Iam {
    pub(super) async fn create_role(&self, account: &AccountId, form: &Form) -> Result<String, AwsError> {
        refuse_parameters(form, "CreateRole", &["PermissionsBoundary"])?;
        let name = form.required("RoleName")?;
        check_name("roleName", name, 64)?;
        let path = form.optional("Path").unwrap_or("/");
        check_path(path)?;
        let trust_policy = form.required("AssumeRolePolicyDocument")?;
        TrustPolicy::parse(trust_policy)?;
        check_size(trust_policy, MAX_TRUST_POLICY)
            .map_err(|()| limit_exceeded(format!("Cannot exceed quota for ACLSizePerRole: {MAX_TRUST_POLICY}")))?;
        let description = form.optional("Description");
        if description.is_some_and(|text| text.chars().count() > 1000) {
            return Err(validation_error(
                "Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000",
            ));
        }
        let max_session_seconds = form.integer("MaxSessionDuration")?.unwrap_or(3600);
        if !(3600..=43200).contains(&max_session_seconds) {
            let bound = if max_session_seconds < 3600 {
                "greater than or equal to 3600"
            } else {
                "less than or equal to 43200"
            };
            return Err(validation_error(&format!(
                "Value '{max_session_seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have \
                 value {bound}"
            )));
        }
        let tags = tags::read(form)?;
        let role = Role {
            role_name: name.to_owned(),
            role_id: random_id("AROA", 17),
            path: path.to_owned(),
            description: description.map(str::to_owned),
            trust_policy: trust_policy.to_owned(),
            max_session_seconds,
            created_ms: (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64,
        };
        let mut transaction = self.database.write().await?;
        if find_role_in(&mut transaction, account, name).await?.is_some() {
            return Err(AwsError::client("EntityAlreadyExists", format!("Role with name {name} already exists."))
                .with_status(409));
        }
        let roles: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM role WHERE account_id = ?")
            .bind(account.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if roles >= MAX_ROLES {
            return Err(limit_exceeded(format!("Cannot exceed quota for RolesPerAccount: {MAX_ROLES}")));
        }
        sqlx::query(
            "INSERT INTO role (account_id, role_name, role_id, path, description, trust_policy, max_session_seconds, \
             created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(account.as_str())
        .bind(&role.role_name)
        .bind(&role.role_id)
        .bind(&role.path)
        .bind(&role.description)
        .bind(&role.trust_policy)
        .bind(role.max_session_seconds)
        .bind(role.created_ms)
        .execute(&mut *transaction)
        .await?;
        tags::write(&mut transaction, account, name, &tags).await?;
        transaction.commit().await?;
        let tags = if tags.is_empty() { String::new() } else { tags::to_xml(&tags) };
        Ok(format!("<Role>{}{tags}</Role>", role.to_xml(account)?))
    }

    pub(super) async fn get_role(&self, account: &AccountId, form: &Form) -> Result<String, AwsError> {
        let role = self.role_of_form(account, form).await?;
        let tags = tags::of_role(self.database.read(), account, &role.role_name).await?;
        let tags = if tags.is_empty() { String::new() } else { tags::to_xml(&tags) };
        // AWS tells the last use some hours late; a role that was never used has an empty element.
        Ok(format!("<Role>{}{tags}<RoleLastUsed/></Role>", role.to_xml(account)?))
    }

    pub(super) async fn list_roles(&self, account: &AccountId, form: &Form) -> Result<String, AwsError> {
        let prefix = form.optional("PathPrefix").unwrap_or("/");
        let roles: Vec<Role> = sqlx::query_as("SELECT * FROM role WHERE account_id = ? ORDER BY role_name")
            .bind(account.as_str())
            .fetch_all(self.database.read())
            .await?;
        let roles = roles.into_iter().filter(|role| role.path.starts_with(prefix));
        let page = Page::of(form, roles, |role| role.role_name.to_ascii_lowercase())?;
        let mut members = String::new();
        for role in &page.items {
            members += &format!("<member>{}</member>", role.to_xml(account)?);
        }
        Ok(format!("<Roles>{members}</Roles>{}", page.to_xml()))
    }

    pub(super) async fn delete_role(&self, account: &AccountId, form: &Form) -> Result<(), AwsError> {
        let name = form.required("RoleName")?;
        check_name("roleName", name, 64)?;
        let mut transaction = self.database.write().await?;
        find_role_in(&mut transaction, account, name).await?.ok_or_else(|| no_such_role(name))?;
        let conflicts = [
            ("SELECT COUNT(*) FROM role_policy WHERE account_id = ? AND role_name = ?", "must delete policies first."),
            (
                "SELECT COUNT(*) FROM role_attachment WHERE account_id = ? AND role_name = ?",
                "must detach all policies first.",
            ),
        ];
        for (query, what) in conflicts {
            let left: i64 =
                sqlx::query_scalar(query).bind(account.as_str()).bind(name).fetch_one(&mut *transaction).await?;
            if left > 0 {
                return Err(
                    AwsError::client("DeleteConflict", format!("Cannot delete entity, {what}")).with_status(409)
                );
            }
        }
        sqlx::query("DELETE FROM role WHERE account_id = ? AND role_name = ?")
            .bind(account.as_str())
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn update_assume_role_policy(&self, account: &AccountId, form: &Form) -> Result<(), AwsError> {
        let name = form.required("RoleName")?;
        check_name("roleName", name, 64)?;
        let trust_policy = form.required("PolicyDocument")?;
        TrustPolicy::parse(trust_policy)?;
        check_size(trust_policy, MAX_TRUST_POLICY)
            .map_err(|()| limit_exceeded(format!("Cannot exceed quota for ACLSizePerRole: {MAX_TRUST_POLICY}")))?;
        let mut transaction = self.database.write().await?;
        let updated = sqlx::query("UPDATE role SET trust_policy = ? WHERE account_id = ? AND role_name = ?")
            .bind(trust_policy)
            .bind(account.as_str())
            .bind(name)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        transaction.commit().await?;
        if updated == 0 { Err(no_such_role(name)) } else { Ok(()) }
    }

    /// The role that `RoleName` names; `NoSuchEntity` without it.
    pub(super) async fn role_of_form(&self, account: &AccountId, form: &Form) -> Result<Role, AwsError> {
        let name = form.required("RoleName")?;
        check_name("roleName", name, 64)?;
        self.find_role(account, name).await?.ok_or_else(|| no_such_role(name))
    }

    pub(super) async fn find_role(&self, account: &AccountId, name: &str) -> Result<Option<Role>, AwsError> {
        Ok(sqlx::query_as("SELECT * FROM role WHERE account_id = ? AND role_name = ?")
            .bind(account.as_str())
            .bind(name)
            .fetch_optional(self.database.read())
            .await?)
    }
}

/// The role as a writing transaction sees it.
pub(super) async fn find_role_in(
    transaction: &mut Transaction<'static, Sqlite>,
    account: &AccountId,
    name: &str,
) -> Result<Option<Role>, AwsError> {
    Ok(sqlx::query_as("SELECT * FROM role WHERE account_id = ? AND role_name = ?")
        .bind(account.as_str())
        .bind(name)
        .fetch_optional(&mut **transaction)
        .await?)
}

/// `/` or `/some/path/`, at most 512 characters.
fn check_path(path: &str) -> Result<(), AwsError> {
    let printable = path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if printable && path.len() <= 512 && path.starts_with('/') && path.ends_with('/') {
        return Ok(());
    }
    Err(validation_error(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    ))
}
