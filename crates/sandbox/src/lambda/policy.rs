//! Resource-based policies of functions. They are kept and shown; nothing outside an account can invoke its functions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{conflict, not_found, not_offered, precondition_failed, resource_not_found, validation};
use super::store::{self, Function};
use super::{Lambda, function_name};
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
    #[serde(default)]
    revision_id: Option<String>,
    // Conditions that the sandbox does not offer are read so that they can be refused by name.
    #[serde(default, rename = "PrincipalOrgID")]
    principal_org_id: Option<Value>,
    #[serde(default)]
    event_source_token: Option<Value>,
    #[serde(default)]
    function_url_auth_type: Option<Value>,
    #[serde(default)]
    invoked_via_function_url: Option<Value>,
}

impl AddPermission {
    /// A statement without one of its conditions would allow more than was asked for.
    fn refuse_what_is_not_offered(&self) -> Result<(), AwsError> {
        let refused = [
            ("organizations (PrincipalOrgID)", &self.principal_org_id),
            ("event source tokens (EventSourceToken)", &self.event_source_token),
            ("function URLs (FunctionUrlAuthType)", &self.function_url_auth_type),
            ("function URLs (InvokedViaFunctionUrl)", &self.invoked_via_function_url),
        ];
        match refused.iter().find(|(_, given)| given.is_some()) {
            Some((what, _)) => Err(not_offered(what)),
            None => Ok(()),
        }
    }
}

impl Lambda {
    pub(super) async fn get_policy(&self, scope: &Scope, name: &str, version: Option<&str>) -> Result<Value, AwsError> {
        let function = self.find(scope, name, version).await?;
        if function.policy.is_empty() {
            return Err(resource_not_found("The resource you requested does not exist."));
        }
        Ok(json!({ "Policy": document(&function.policy).to_string(), "RevisionId": function.revision_id }))
    }

    pub(super) async fn add_permission(
        &self,
        scope: &Scope,
        name: &str,
        version: Option<&str>,
        body: &[u8],
    ) -> Result<Value, AwsError> {
        let request: AddPermission = read_json(body)?;
        request.refuse_what_is_not_offered()?;
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
        let name = function_name::parse(scope, name, version)?;
        let statement = statement(&request, &function_name::arn(scope, &name));
        let mut transaction = self.inner.database.write().await?;
        let function = store::find_to_change(&mut transaction, scope, &name).await?;
        let mut function = function.ok_or_else(|| not_found(&function_name::arn(scope, &name)))?;
        check_revision(&function, request.revision_id.as_deref())?;
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

    pub(super) async fn remove_permission(
        &self,
        scope: &Scope,
        name: &str,
        id: &str,
        query: &BTreeMap<String, String>,
    ) -> Result<(), AwsError> {
        let name = function_name::parse(scope, name, query.get("Qualifier").map(String::as_str))?;
        let mut transaction = self.inner.database.write().await?;
        let function = store::find_to_change(&mut transaction, scope, &name).await?;
        let mut function = function.ok_or_else(|| not_found(&function_name::arn(scope, &name)))?;
        check_revision(&function, query.get("RevisionId").map(String::as_str))?;
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

fn check_revision(function: &Function, revision: Option<&str>) -> Result<(), AwsError> {
    match revision {
        Some(revision) if revision != function.revision_id => Err(precondition_failed()),
        _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_that_are_not_kept_are_refused_by_name() {
        let with = |condition: &str, value: Value| {
            let mut request = json!({ "StatementId": "1", "Action": "lambda:InvokeFunction", "Principal": "*" });
            request[condition] = value;
            serde_json::from_value::<AddPermission>(request).unwrap().refuse_what_is_not_offered()
        };
        for (condition, value) in [
            ("PrincipalOrgID", json!("o-a1b2c3d4e5")),
            ("EventSourceToken", json!("token")),
            ("FunctionUrlAuthType", json!("NONE")),
            ("InvokedViaFunctionUrl", json!(true)),
        ] {
            let error = with(condition, value).unwrap_err();
            assert_eq!(error.code, "InvalidParameterValueException");
            assert!(error.message.contains(condition), "{error}");
        }
        assert!(with("SourceAccount", json!("123456789012")).is_ok());
    }
}
