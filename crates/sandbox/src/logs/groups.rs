//! `CreateLogGroup`, `DeleteLogGroup`, `DescribeLogGroups`, `PutRetentionPolicy` and `DeleteRetentionPolicy`.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{constraint, invalid, missing, not_offered};
use super::store::{self, Group};
use super::{Logs, tags};
use crate::service::{empty_json, page_token, read_json, read_page_token, write_json};
use crate::{AwsError, Scope};

/// The days that `retentionInDays` may be.
const RETENTIONS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/// Groups or streams in an answer, at most and unless told fewer.
pub(super) const LONGEST_PAGE: i64 = 50;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CreateLogGroup {
    log_group_name: Option<String>,
    kms_key_id: Option<String>,
    tags: BTreeMap<String, String>,
    log_group_class: Option<String>,
    deletion_protection_enabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupRequest {
    log_group_name: Option<String>,
    retention_in_days: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeLogGroups {
    account_identifiers: Vec<String>,
    include_linked_accounts: bool,
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Vec<String>,
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

impl Logs {
    pub(super) async fn create_log_group(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: CreateLogGroup = read_json(body)?;
        let name = group_name(request.log_group_name)?;
        if request.kms_key_id.is_some() {
            return Err(not_offered("keys of KMS (kmsKeyId)"));
        }
        if request.log_group_class.as_ref().is_some_and(|class| class != "STANDARD") {
            return Err(not_offered("log group classes other than STANDARD"));
        }
        if request.deletion_protection_enabled == Some(true) {
            return Err(not_offered("deletionProtectionEnabled"));
        }
        tags::check(&request.tags, &name)?;
        let tags = serde_json::to_string(&request.tags).map_err(AwsError::internal)?;
        let mut transaction = self.database.write().await?;
        store::create_group(&mut transaction, scope, &name, &tags).await?;
        transaction.commit().await?;
        Ok(empty_json())
    }

    pub(super) async fn delete_log_group(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: GroupRequest = read_json(body)?;
        let name = group_name(request.log_group_name)?;
        let mut transaction = self.database.write().await?;
        let group = store::group(&mut *transaction, scope, &name).await?;
        sqlx::query("DELETE FROM log_group WHERE group_id = ?").bind(group.group_id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(empty_json())
    }

    pub(super) async fn describe_log_groups(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: DescribeLogGroups = read_json(body)?;
        let limit = page_size(request.limit)?;
        if request.log_group_name_prefix.is_some() && request.log_group_name_pattern.is_some() {
            return Err(invalid("logGroupNamePrefix and logGroupNamePattern cannot be given together."));
        }
        if request.include_linked_accounts || request.account_identifiers.iter().any(|id| id != scope.account.as_str())
        {
            return Err(not_offered("log groups of linked accounts"));
        }
        let wanted: Vec<String> =
            request.log_group_identifiers.iter().map(|identifier| name_of(scope, identifier)).collect();
        let after = request.next_token.as_deref().map(read_token).transpose()?;
        let groups: Vec<Group> =
            sqlx::query_as("SELECT * FROM log_group WHERE account_id = ? AND region = ? ORDER BY name")
                .bind(scope.account.as_str())
                .bind(scope.region.as_str())
                .fetch_all(self.database.read())
                .await?;
        let pattern = request.log_group_name_pattern.map(|pattern| pattern.to_lowercase());
        let mut rest = groups
            .into_iter()
            .filter(|group| request.log_group_name_prefix.as_ref().is_none_or(|start| group.name.starts_with(start)))
            .filter(|group| pattern.as_ref().is_none_or(|part| group.name.to_lowercase().contains(part)))
            .filter(|_| request.log_group_class.as_ref().is_none_or(|class| class == "STANDARD"))
            .filter(|group| wanted.is_empty() || wanted.contains(&group.name))
            .filter(|group| after.as_ref().is_none_or(|after| group.name > *after))
            .peekable();
        let page: Vec<Group> = rest.by_ref().take(limit).collect();
        let next = rest.peek().and_then(|_| page.last()).map(|last| page_token(&last.name));
        let mut described = Vec::with_capacity(page.len());
        for group in &page {
            described.push(self.describe(scope, group).await?);
        }
        let mut answer = json!({ "logGroups": described });
        if let Some(next) = next {
            answer["nextToken"] = json!(next);
        }
        write_json(&answer)
    }

    pub(super) async fn put_retention_policy(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: GroupRequest = read_json(body)?;
        let name = group_name(request.log_group_name)?;
        let days = request.retention_in_days.ok_or_else(|| missing("retentionInDays"))?;
        if !RETENTIONS.contains(&days) {
            let rule = format!("Member must satisfy enum value set: {RETENTIONS:?}");
            return Err(constraint(days, "retentionInDays", &rule));
        }
        self.set_retention(scope, &name, Some(days)).await
    }

    pub(super) async fn delete_retention_policy(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let request: GroupRequest = read_json(body)?;
        self.set_retention(scope, &group_name(request.log_group_name)?, None).await
    }

    async fn set_retention(&self, scope: &Scope, name: &str, days: Option<i64>) -> Result<Bytes, AwsError> {
        let mut transaction = self.database.write().await?;
        let group = store::group(&mut *transaction, scope, name).await?;
        sqlx::query("UPDATE log_group SET retention_days = ? WHERE group_id = ?")
            .bind(days)
            .bind(group.group_id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(empty_json())
    }

    async fn describe(&self, scope: &Scope, group: &Group) -> Result<Value, AwsError> {
        let bytes: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(bytes), 0) FROM log_event WHERE group_id = ? AND timestamp_ms >= ?",
        )
        .bind(group.group_id)
        .bind(group.expired_before(store::now_ms()))
        .fetch_one(self.database.read())
        .await?;
        let arn = group_arn(scope, &group.name);
        let mut answer = json!({
            "logGroupName": group.name,
            "creationTime": group.created_ms,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "logGroupArn": arn,
            "storedBytes": bytes,
            "logGroupClass": "STANDARD",
        });
        if let Some(days) = group.retention_days {
            answer["retentionInDays"] = json!(days);
        }
        Ok(answer)
    }
}

/// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`
pub(super) fn group_arn(scope: &Scope, name: &str) -> String {
    scope.arn("logs", &format!("log-group:{name}"))
}

/// The group's name in an identifier, which is a name or an ARN. A foreign ARN names nothing here.
pub(super) fn name_of(scope: &Scope, identifier: &str) -> String {
    let name = identifier.strip_prefix(&group_arn(scope, "")).unwrap_or(identifier);
    name.strip_suffix(":*").unwrap_or(name).to_owned()
}

/// The group that `logGroupName` or `logGroupIdentifier` names.
pub(super) fn named_group(scope: &Scope, name: Option<String>, identifier: Option<String>) -> Result<String, AwsError> {
    match (name, identifier) {
        (Some(_), Some(_)) => Err(invalid("logGroupName and logGroupIdentifier cannot be given together.")),
        (None, Some(identifier)) => Ok(name_of(scope, &identifier)),
        (name, None) => group_name(name),
    }
}

pub(super) fn group_name(name: Option<String>) -> Result<String, AwsError> {
    let name = name.ok_or_else(|| missing("logGroupName"))?;
    if name.is_empty() {
        return Err(constraint(name, "logGroupName", "Member must have length greater than or equal to 1"));
    }
    if name.len() > 512 {
        return Err(constraint(name, "logGroupName", "Member must have length less than or equal to 512"));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/#".contains(&byte)) {
        let rule = "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+";
        return Err(constraint(name, "logGroupName", rule));
    }
    Ok(name)
}

/// The number of groups or streams that a page may have.
pub(super) fn page_size(limit: Option<i64>) -> Result<usize, AwsError> {
    let limit = limit.unwrap_or(LONGEST_PAGE);
    let rule = match limit {
        ..1 => "Member must have value greater than or equal to 1",
        1..=LONGEST_PAGE => return usize::try_from(limit).map_err(AwsError::internal),
        _ => "Member must have value less than or equal to 50",
    };
    Err(constraint(limit, "limit", rule))
}

/// Reads a token that this sandbox wrote.
pub(super) fn read_token(token: &str) -> Result<String, AwsError> {
    read_page_token(token).ok_or_else(|| invalid("The specified nextToken is invalid."))
}
