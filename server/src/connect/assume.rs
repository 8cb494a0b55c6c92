//! Whether a role lets in exactly the learner who brings it.

use aws_sdk_sts::Client;
use aws_sdk_sts::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use thiserror::Error;

use super::credentials::{DENIES_ALL, SESSION_NAME, SESSION_SECONDS};
use super::role::{ExternalId, RoleArn};

/// Why a role is not used, in words for the learner.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AssumeError {
    #[error(
        "The role lets us in without your external ID, so anybody who knows its ARN could use it here. Add the condition \
         StringEquals sts:ExternalId to its trust policy, as the template has it, and try again. We have not used it."
    )]
    Open,
    #[error(
        "AWS does not let us assume this role. Either there is no such role, or its trust policy does not name us, or it \
         asks for another external ID than the one shown here. A role made a moment ago needs some ten seconds."
    )]
    Refused,
    #[error("This server has no usable AWS credentials of its own, so it can assume no role. Tell whoever runs it.")]
    NoCredentials,
    #[error("AWS STS did not answer usefully ({0}). This says nothing about your role; try again in a minute.")]
    Fault(String),
}

/// Tries the role without an external ID and with a wrong one, which must both fail, and then with the right one.
pub async fn prove_trust_policy(sts: &Client, role: &RoleArn, external_id: &ExternalId) -> Result<(), AssumeError> {
    for wrong in [None, Some(ExternalId::generate())] {
        match assume(sts, role, wrong.as_ref()).await {
            Ok(()) => return Err(AssumeError::Open),
            Err(AssumeError::Refused) => (),
            Err(error) => return Err(error),
        }
    }
    assume(sts, role, Some(external_id)).await
}

/// Assumes the role and lets the credentials go at once.
async fn assume(sts: &Client, role: &RoleArn, external_id: Option<&ExternalId>) -> Result<(), AssumeError> {
    let answer = sts
        .assume_role()
        .role_arn(role.as_str())
        .role_session_name(SESSION_NAME)
        .set_external_id(external_id.map(|id| id.as_str().to_owned()))
        .duration_seconds(SESSION_SECONDS)
        .policy(DENIES_ALL)
        .send()
        .await;
    answer.map(drop).map_err(|error| sort(&error))
}

/// Sorts by the codes that STS documents for `AssumeRole`, and the common ones.
pub fn sort<R>(error: &SdkError<AssumeRoleError, R>) -> AssumeError {
    match error {
        SdkError::ServiceError(_) => match error.code().unwrap_or_default() {
            "AccessDenied" | "AccessDeniedException" => AssumeError::Refused,
            "InvalidClientTokenId"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => AssumeError::NoCredentials,
            "" => AssumeError::Fault("no reason given".to_owned()),
            code => AssumeError::Fault(code.chars().take(80).collect()),
        },
        SdkError::TimeoutError(_) => AssumeError::Fault("no answer in time".to_owned()),
        SdkError::DispatchFailure(failure) if failure.as_connector_error().is_none() => AssumeError::NoCredentials,
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            AssumeError::Fault("not reachable".to_owned())
        }
        SdkError::DispatchFailure(_) => AssumeError::NoCredentials,
        _ => AssumeError::Fault("an answer that cannot be read".to_owned()),
    }
}
