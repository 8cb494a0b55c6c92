//! Resource-based policies of functions. They are kept and shown; nothing outside an account can invoke its functions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{conflict, not_found, resource_not_found, validation};
use super::{Lambda, function_name, store};
use crate::service::read_json;
use crate::{AwsError, Scope};

/// Largest policy, bytes, as AWS.
const MAX_POLICY_BYTES: usize = 20 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AddPermission {
    statement_id: String,
    action: String,
    principal: String,
    #[serde(default)]
    source_arn: Option<String>,
    #[serde(default)]
    source_account: Option<String>,
}

impl Lambda {
    pub(super) async fn get_policy(&self, scope: &Scope, name: &str, version: Option<&str>) -> Result<Value, AwsError> {
        let function = self.find(scope, name, version).await?;
        if function.policy.is_empty() {
            return Err(resource_not_found("The resource you requested does not exist."));
        }
        Ok(json!({ "Policy": document(&function.policy).to_string(), "RevisionId": function.revision_id }))
    }

    pub(super) async fn add_permission(&self, scope: &Scope, name: &str, body: &[u8]) -> Result<Value, AwsError> {
        let request: AddPermission = read_json(body)?;
        let id = &request.statement_id;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=100).contains(&id.len()) || !id.bytes().all(is_id) {
            return Err(validation(id, "statementId", "satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"));
        }
        let action = request.action.strip_prefix("lambda:");
        if !action.is_some_and(|name| name == "*" || name.bytes().all(|byte| byte.is_ascii_alphabetic())) {
            return Err(validation(
                &request.action,
                "action",
                r"satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])",
            ));
        }
        let name = function_name::parse(scope, name, None)?;
        let statement = statement(&request, &function_name::arn(scope, &name));
        let mut transaction = self.inner.database.write().await?;
        let function = store::find_to_change(&mut transaction, scope, &name).await?;
        let mut function = function.ok_or_else(|| not_found(&function_name::arn(scope, &name)))?;
        if function.policy.iter().any(|statement| statement["Sid"] == *id) {
            return Err(conflict(format!(
                "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the existing statement."
            )));
        }
        function.policy.push(statement.clone());
        if document(&function.policy).to_string().len() > MAX_POLICY_BYTES {
            return Err(AwsError::client(
                "PolicyLengthExceededException",
                format!("The final policy size is bigger than the limit ({MAX_POLICY_BYTES})."),
            )
            .with_member("Type", json!("User")));
        }
        store::update(&mut transaction, &function).await?;
        transaction.commit().await?;
        Ok(json!({ "Statement": statement.to_string() }))
    }

    pub(super) async fn remove_permission(&self, scope: &Scope, name: &str, id: &str) -> Result<(), AwsError> {
        let name = function_name::parse(scope, name, None)?;
        let mut transaction = self.inner.database.write().await?;
        let function = store::find_to_change(&mut transaction, scope, &name).await?;
        let mut function = function.ok_or_else(|| not_found(&function_name::arn(scope, &name)))?;
        let before = function.policy.len();
        function.policy.retain(|statement| statement["Sid"] != *id);
        if function.policy.len() == before {
            return Err(resource_not_found(format!("Statement {id} is not found in resource policy.")));
        }
        store::update(&mut transaction, &function).await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn statement(request: &AddPermission, arn: &str) -> Value {
    let principal = &request.principal;
    let is_account = principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
    let principal = if principal == "*" {
        json!("*")
    } else if is_account {
        json!({ "AWS": format!("arn:aws:iam::{principal}:root") })
    } else if principal.starts_with("arn:") {
        json!({ "AWS": principal })
    } else {
        json!({ "Service": principal })
    };
    let mut statement = json!({
        "Sid": request.statement_id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": request.action,
        "Resource": arn,
    });
    if let Some(account) = &request.source_account {
        statement["Condition"]["StringEquals"]["AWS:SourceAccount"] = json!(account);
    }
    if let Some(source) = &request.source_arn {
        statement["Condition"]["ArnLike"]["AWS:SourceArn"] = json!(source);
    }
    statement
}

fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements })
}
