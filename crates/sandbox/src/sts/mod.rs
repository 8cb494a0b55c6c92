//! AWS Security Token Service: `GetCallerIdentity`, `AssumeRole` (query protocol, version 2011-06-15).

mod assume_role;

use bytes::Bytes;

use crate::iam::Iam;
use crate::keyring::Keyring;
use crate::query::{self, Form, element};
use crate::{AwsError, Caller, Principal};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Tells callers who they are and hands out temporary credentials.
#[derive(Clone)]
pub(crate) struct Sts {
    keyring: Keyring,
    iam: Iam,
}

impl Sts {
    pub(crate) fn new(keyring: Keyring, iam: Iam) -> Self {
        Self { keyring, iam }
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, body: &[u8], request_id: &str) -> Result<Bytes, AwsError> {
        let form = Form::read(body)?;
        let action = form.action()?;
        let result = match action {
            "GetCallerIdentity" => self.get_caller_identity(caller),
            "AssumeRole" => self.assume_role(caller, &form).await?,
            _ => return Err(query::unknown_action("sts", action)),
        };
        Ok(query::answer(NAMESPACE, action, Some(&result), request_id))
    }

    fn get_caller_identity(&self, caller: &Caller) -> String {
        let account = &caller.scope.account;
        let user_id = match &caller.principal {
            Principal::User { name, .. } => self.keyring.user_id(account, name),
            Principal::AssumedRole { role_id, session, .. } => format!("{role_id}:{session}"),
        };
        element("Arn", &caller.arn()) + &element("UserId", &user_id) + &element("Account", account.as_str())
    }
}
