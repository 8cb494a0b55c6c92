//! Whose credentials a configuration has.

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    api_calls::GET_CALLER_IDENTITY,
    call::{CallError, Clock, make},
    clients::{CALL_TIMEOUT, Clients},
};

/// What STS `GetCallerIdentity` tells of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerIdentity {
    /// Twelve digits.
    pub account: String,
    /// Of the user, or of the role's session.
    pub arn: String,
}

/// Asks STS. Nobody can be denied this, so that an error is one of the credentials or of the way to AWS.
pub async fn caller_identity(config: &SdkConfig) -> Result<CallerIdentity, CallError> {
    let clients = Clients::new(config, []);
    let send = clients.sts.get_caller_identity().send();
    let answer = make(&GET_CALLER_IDENTITY, Clock::starting_at(OffsetDateTime::now_utc()), CALL_TIMEOUT, send).await;
    let identity = answer.result?;
    match (identity.account, identity.arn) {
        (Some(account), Some(arn)) => Ok(CallerIdentity { account, arn }),
        _ => Err(CallError::Fault("AWS STS named no account".to_owned())),
    }
}
