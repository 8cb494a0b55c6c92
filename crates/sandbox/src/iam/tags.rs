//! IAM `TagRole`, `UntagRole`, `ListRoleTags`, and the `Tags` of `CreateRole`.

use std::collections::HashSet;

use sqlx::{Sqlite, SqliteExecutor, Transaction};

use super::roles::find_role_in;
use super::{Iam, check_name, limit_exceeded, no_such_role};
use crate::query::{Form, Page, element, validation_error};
use crate::tagging::rules::{self, InvalidTag, MAX_TAGS};
use crate::{AccountId, AwsError};

/// A tag's key and value.
pub(super) type Tag = (String, String);

impl Iam {
    pub(super) async fn tag_role(&self, account: &AccountId, form: &Form) -> Result<(), AwsError> {
        let name = role_name(form)?;
        let tags = read(form)?;
        let mut transaction = self.database.write().await?;
        find_role_in(&mut transaction, account, name).await?.ok_or_else(|| no_such_role(name))?;
        write(&mut transaction, account, name, &tags).await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn untag_role(&self, account: &AccountId, form: &Form) -> Result<(), AwsError> {
        let name = role_name(form)?;
        let keys = form.list("TagKeys", "")?;
        let mut transaction = self.database.write().await?;
        find_role_in(&mut transaction, account, name).await?.ok_or_else(|| no_such_role(name))?;
        for (_, key) in keys {
            sqlx::query("DELETE FROM role_tag WHERE account_id = ? AND role_name = ? AND key = ?")
                .bind(account.as_str())
                .bind(name)
                .bind(key)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn list_role_tags(&self, account: &AccountId, form: &Form) -> Result<String, AwsError> {
        let role = self.role_of_form(account, form).await?;
        let tags = of_role(self.database.read(), account, &role.role_name).await?;
        let page = Page::of(form, tags, |(key, _)| key.to_lowercase())?;
        Ok(to_xml(&page.items) + &page.to_xml())
    }
}

/// A role's tags in the order of their keys.
pub(super) async fn of_role(
    executor: impl SqliteExecutor<'_>,
    account: &AccountId,
    role: &str,
) -> Result<Vec<Tag>, AwsError> {
    let mut tags: Vec<Tag> = sqlx::query_as("SELECT key, value FROM role_tag WHERE account_id = ? AND role_name = ?")
        .bind(account.as_str())
        .bind(role)
        .fetch_all(executor)
        .await?;
    tags.sort_by_cached_key(|(key, _)| key.to_lowercase());
    Ok(tags)
}

/// `<Tags>...</Tags>`
pub(super) fn to_xml(tags: &[Tag]) -> String {
    let members: String = tags
        .iter()
        .map(|(key, value)| format!("<member>{}{}</member>", element("Key", key), element("Value", value)))
        .collect();
    format!("<Tags>{members}</Tags>")
}

/// The tags in `Tags.member.N.Key` and `.Value`, checked.
pub(super) fn read(form: &Form) -> Result<Vec<Tag>, AwsError> {
    let keys = form.list("Tags", ".Key")?;
    let values = form.list("Tags", ".Value")?;
    let numbers = |members: &[(u32, &str)]| members.iter().map(|(number, _)| *number).collect::<Vec<_>>();
    if numbers(&keys) != numbers(&values) {
        return Err(validation_error(
            "Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null",
        ));
    }
    if keys.len() > MAX_TAGS {
        return Err(validation_error(&format!(
            "Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to {MAX_TAGS}"
        )));
    }
    let tags: Vec<Tag> =
        keys.into_iter().zip(values).map(|((_, key), (_, value))| (key.to_owned(), value.to_owned())).collect();
    rules::check(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))).map_err(|invalid| match invalid {
        InvalidTag::Duplicate(_) => duplicate(),
        InvalidTag::Reserved(_) => {
            AwsError::client("InvalidInput", "Tag keys beginning with aws: are reserved for system use.")
        }
        InvalidTag::Key(key) => validation_error(&format!(
            "Value '{key}' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression \
             pattern: [\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]+"
        )),
        InvalidTag::Value(key) => validation_error(&format!(
            "Value at 'tags.1.member.value' of the key '{key}' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]*"
        )),
    })?;
    let mut keys = HashSet::new();
    if tags.iter().all(|(key, _)| keys.insert(key.to_lowercase())) { Ok(tags) } else { Err(duplicate()) }
}

/// Adds checked tags to a role, which may have 50 in all.
pub(super) async fn write(
    transaction: &mut Transaction<'static, Sqlite>,
    account: &AccountId,
    role: &str,
    tags: &[Tag],
) -> Result<(), AwsError> {
    for (key, value) in tags {
        sqlx::query("INSERT OR REPLACE INTO role_tag (account_id, role_name, key, value) VALUES (?, ?, ?, ?)")
            .bind(account.as_str())
            .bind(role)
            .bind(key)
            .bind(value)
            .execute(&mut **transaction)
            .await?;
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM role_tag WHERE account_id = ? AND role_name = ?")
        .bind(account.as_str())
        .bind(role)
        .fetch_one(&mut **transaction)
        .await?;
    if count > MAX_TAGS as i64 {
        return Err(limit_exceeded("The number of tags has reached the maximum limit."));
    }
    Ok(())
}

fn role_name(form: &Form) -> Result<&str, AwsError> {
    let name = form.required("RoleName")?;
    check_name("roleName", name, 64)?;
    Ok(name)
}

fn duplicate() -> AwsError {
    AwsError::client("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
}
