//! STS `AssumeRole`.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use time::format_description::well_known::Rfc3339;

use super::Sts;
use crate::iam::{Assumer, Role, check_session_policy};
use crate::keyring::RoleSession;
use crate::query::{Form, element, validation_error};
use crate::{AwsError, Caller, Principal};

/// Seconds that a session lasts if nothing is said, at least, at most, and at most when one session makes another.
const DEFAULT_DURATION: i64 = 3600;
const MIN_DURATION: i64 = 900;
const MAX_DURATION: i64 = 43_200;
const MAX_CHAINED_DURATION: i64 = 3600;
/// The characters that a session policy may have.
const MAX_SESSION_POLICY: usize = 2048;
/// Parameters that would change what a session may do or is, and that the sandbox does not heed.
const NOT_OFFERED: &[&str] =
    &["PolicyArns.", "Tags.", "TransitiveTagKeys.", "SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts."];

impl Sts {
    /// Temporary credentials for a role whose trust policy allows the caller. `AccessDenied` tells neither whether the role
    /// exists nor which condition failed, as in AWS.
    pub(super) async fn assume_role(&self, caller: &Caller, form: &Form) -> Result<String, AwsError> {
        if let Some(name) = NOT_OFFERED.iter().find(|name| form.has_prefix(name)) {
            let name = name.trim_end_matches('.');
            return Err(AwsError::client(
                "ValidationError",
                format!("The sandbox does not offer the parameter {name} of the operation AssumeRole."),
            ));
        }
        let role_arn = form.required("RoleArn")?;
        if !(20..=2048).contains(&role_arn.len()) || !role_arn.starts_with("arn:") {
            return Err(AwsError::client("ValidationError", format!("{role_arn} is invalid")));
        }
        let session_name = form.required("RoleSessionName")?;
        check_text("roleSessionName", session_name, 2, 64, "_+=,.@-")?;
        let external_id = form.optional("ExternalId");
        if let Some(external_id) = external_id {
            check_text("externalId", external_id, 2, 1224, "_+=,.@:/-")?;
        }
        let policy = form.optional("Policy");
        if let Some(policy) = policy {
            if policy.chars().count() > MAX_SESSION_POLICY {
                return Err(validation_error(&format!(
                    "Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to \
                     {MAX_SESSION_POLICY}"
                )));
            }
            check_session_policy(policy)?;
        }
        let duration = read_duration(form)?;
        let (account, role) = match self.iam.role_by_arn(role_arn).await? {
            Some((account, role)) if self.trusts(caller, &role, external_id).await? => (account, role),
            _ => return Err(access_denied(caller, role_arn)),
        };
        let chained = matches!(caller.principal, Principal::AssumedRole { .. });
        if chained && duration > MAX_CHAINED_DURATION {
            return Err(AwsError::client(
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ));
        }
        if duration > role.max_session_seconds {
            return Err(AwsError::client(
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let session =
            RoleSession { account: &account, role: &role.role_name, role_id: &role.role_id, session_name, policy };
        let credentials = self.keyring.session_credentials(&session, Duration::from_secs(duration.unsigned_abs()))?;
        let expiration = credentials.expiration.replace_nanosecond(0).map_err(AwsError::internal)?;
        let mut xml = format!(
            "<Credentials>{}{}{}{}</Credentials><AssumedRoleUser>{}{}</AssumedRoleUser>",
            element("AccessKeyId", &credentials.access_key_id),
            element("SecretAccessKey", credentials.secret_access_key.expose_secret()),
            element("SessionToken", credentials.session_token.expose_secret()),
            element("Expiration", &expiration.format(&Rfc3339).map_err(AwsError::internal)?),
            element("AssumedRoleId", &format!("{}:{session_name}", role.role_id)),
            element("Arn", &format!("arn:aws:sts::{account}:assumed-role/{}/{session_name}", role.role_name)),
        );
        if let Some(policy) = policy {
            let percent = (policy.chars().count() * 100).div_ceil(MAX_SESSION_POLICY);
            xml += &element("PackedPolicySize", &percent.to_string());
        }
        Ok(xml)
    }

    async fn trusts(&self, caller: &Caller, role: &Role, external_id: Option<&str>) -> Result<bool, AwsError> {
        let account = &caller.scope.account;
        let caller_role = match &caller.principal {
            Principal::AssumedRole { role, .. } => self.iam.role_arn(account, role).await?,
            Principal::User { .. } => None,
        };
        let assumer = Assumer::Aws { account, arn: &caller.arn(), role_arn: caller_role.as_deref() };
        self.iam.trusts(role, &assumer, external_id)
    }
}

fn read_duration(form: &Form) -> Result<i64, AwsError> {
    let duration = form.integer("DurationSeconds")?.unwrap_or(DEFAULT_DURATION);
    let bound = if duration < MIN_DURATION {
        format!("greater than or equal to {MIN_DURATION}")
    } else if duration > MAX_DURATION {
        format!("less than or equal to {MAX_DURATION}")
    } else {
        return Ok(duration);
    };
    Err(validation_error(&format!(
        "Value '{duration}' at 'durationSeconds' failed to satisfy constraint: Member must have value {bound}"
    )))
}

fn check_text(member: &str, text: &str, min: usize, max: usize, punctuation: &str) -> Result<(), AwsError> {
    let constraint = if text.chars().count() < min {
        format!("length greater than or equal to {min}")
    } else if text.chars().count() > max {
        format!("length less than or equal to {max}")
    } else if text.chars().all(|c| c.is_ascii_alphanumeric() || punctuation.contains(c)) {
        return Ok(());
    } else {
        return Err(validation_error(&format!(
            "Value '{text}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: \
             [\\w{}]*",
            punctuation.trim_start_matches('_')
        )));
    };
    Err(validation_error(&format!(
        "Value '{text}' at '{member}' failed to satisfy constraint: Member must have {constraint}"
    )))
}

fn access_denied(caller: &Caller, role_arn: &str) -> AwsError {
    AwsError::client(
        "AccessDenied",
        format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}", caller.arn()),
    )
    .with_status(403)
}
