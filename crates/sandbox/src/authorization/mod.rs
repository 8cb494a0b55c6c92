//! Whether a session that was given a policy may do what it asks: what both that policy and its role's policies allow, as
//! AWS intersects the two. Other callers are not asked: they may do everything in their account.

mod requests;
mod s3;

pub(crate) use requests::wanted_by;
pub(crate) use s3::{S3Session, wanted_by_s3};

use crate::iam::{Iam, Permissions};
use crate::{AwsError, Caller, Principal};

/// An action on some resources, as policies name both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Such as `dynamodb:Query`.
    pub action: String,
    /// ARNs, or `*` for actions that have no resource.
    pub resources: Vec<String>,
}

/// The first action of a request that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    action: String,
    resource: String,
    /// Whether it is the session's policy that lacks it, and not the role's.
    by_session: bool,
}

impl Wanted {
    fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resources: vec![resource.into()] }
    }
}

impl Denied {
    /// What AWS says.
    pub(crate) fn message(&self, caller: &Caller) -> String {
        let Self { action, resource, by_session } = self;
        let policy = if *by_session { "session" } else { "identity-based" };
        format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no {policy} policy allows the \
             {action} action",
            caller.arn()
        )
    }
}

/// Looks at everything that a request of a session wants. The inner error tells what is denied.
pub(crate) async fn check(
    iam: &Iam,
    caller: &Caller,
    session_policy: &str,
    wanted: &[Wanted],
) -> Result<Result<(), Denied>, AwsError> {
    let Principal::AssumedRole { role, .. } = &caller.principal else { return Ok(Ok(())) };
    let session = Permissions::of_session_policy(&caller.scope, session_policy)?;
    let role = iam.permissions_of_role(&caller.scope, role).await?;
    for Wanted { action, resources } in wanted {
        for resource in resources {
            let resource = &with_path(iam, caller, resource).await?;
            let by_session = !session.allow(action, resource);
            if by_session || !role.may_allow(action, resource) {
                return Ok(Err(Denied { action: action.clone(), resource: resource.clone(), by_session }));
            }
        }
    }
    Ok(Ok(()))
}

/// A role's ARN with the role's path, which requests do not tell.
async fn with_path(iam: &Iam, caller: &Caller, resource: &str) -> Result<String, AwsError> {
    let account = &caller.scope.account;
    let known = match resource.strip_prefix(&format!("arn:aws:iam::{account}:role/")) {
        Some(name) => iam.role_arn(account, name).await?,
        None => None,
    };
    Ok(known.unwrap_or_else(|| resource.to_owned()))
}
