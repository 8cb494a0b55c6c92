//! Making a call, and sorting what may go wrong with it.

use std::{error::Error, future::Future, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::{client::result::SdkError, http::Response};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    api_calls::{ApiCall, Service},
    text::clip,
    verdict::Evidence,
};

/// Why a call brought no answer, as far as a caller can act on it. Holds no secret and no request id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// The thing asked for does not exist.
    #[error("it does not exist")]
    Absent,
    /// The bucket is in another region.
    #[error("it is in {}", region.as_deref().unwrap_or("another region"))]
    Moved {
        /// That region, when S3 told.
        region: Option<String>,
    },
    /// The credentials lack a permission.
    #[error("the credentials lack the permission {action}")]
    Denied {
        /// The IAM action.
        action: String,
        /// The kind of policy that stands in the way, when AWS told: "an explicit deny in ...".
        because: Option<String>,
    },
    /// There are no credentials, or they are not accepted.
    #[error("{0}")]
    Credentials(CredentialsFault),
    /// The thing is being created or changed, so that it cannot do this now (`ResourceConflictException`).
    #[error("it is being changed")]
    Busy,
    /// AWS no longer offers this.
    #[error("AWS closed this service")]
    Retired,
    /// The service refused the request for another reason.
    #[error("{code}: {message}")]
    Refused {
        /// AWS's error code.
        code: String,
        /// AWS's message, cut.
        message: String,
    },
    /// The service, or the way to it, failed.
    #[error("{0}")]
    Fault(String),
}

/// What is the matter with the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CredentialsFault {
    /// There are none.
    #[error("no AWS credentials were found")]
    Missing,
    /// There are some, which could not be loaded.
    #[error("the AWS credentials could not be loaded")]
    Unreadable,
    /// They were valid once.
    #[error("the AWS credentials have expired")]
    Expired,
    /// AWS does not know the access key, or the secret does not belong to it.
    #[error("AWS does not accept the credentials")]
    Unknown,
    /// The clock of this machine is wrong.
    #[error("the clock of this machine differs too much from the one of AWS")]
    Clock,
}

/// What came of a call, and when.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) call: &'static ApiCall,
    pub(crate) at: OffsetDateTime,
    pub(crate) result: Result<T, CallError>,
}

impl<T> Answer<T> {
    /// This answer as evidence, with the `fields` that were read. A failed call shows its error instead.
    pub(crate) fn evidence<const N: usize>(&self, fields: [(&str, String); N]) -> Evidence {
        let fields = match &self.result {
            Ok(_) => fields.into_iter().map(|(name, value)| (name.to_owned(), clip(&value, 300))).collect(),
            Err(error) => vec![("error".to_owned(), clip(&error.to_string(), 300))],
        };
        Evidence { call: self.call.to_string(), fields, at: self.at }
    }
}

/// The clock of one run: the time given by the caller, moved on by the time that has passed since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    now: OffsetDateTime,
    started: Instant,
}

impl Clock {
    pub(crate) fn starting_at(now: OffsetDateTime) -> Self {
        Self { now, started: Instant::now() }
    }

    /// When the run began.
    pub(crate) fn start(&self) -> OffsetDateTime {
        self.now
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.now + self.started.elapsed()
    }
}

/// Makes one `call` of the table. The bound on time also holds where the SDK's own does not reach, as
/// while credentials are being loaded.
pub(crate) async fn make<T, E>(
    call: &'static ApiCall,
    clock: Clock,
    limit: Duration,
    send: impl Future<Output = Result<T, SdkError<E, Response>>>,
) -> Answer<T>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let result = match tokio::time::timeout(limit, send).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => Err(sort(call, &error)),
        Err(_) => Err(CallError::Fault(no_answer(call.service))),
    };
    if let Err(error @ (CallError::Fault(_) | CallError::Refused { .. })) = &result {
        tracing::warn!(call = %call, %error, "A check's call failed: {call}: {error}");
    }
    Answer { call, at: clock.now(), result }
}

fn no_answer(service: Service) -> String {
    format!("{} did not answer in time", service.title())
}

fn sort<E>(call: &ApiCall, error: &SdkError<E, Response>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(fault) = credentials_fault(error) {
        return CallError::Credentials(fault);
    }
    let service = call.service.title();
    match error {
        SdkError::ServiceError(context) => sort_service_error(call, context.err(), context.raw()),
        SdkError::TimeoutError(_) => CallError::Fault(no_answer(call.service)),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => CallError::Fault(no_answer(call.service)),
        SdkError::DispatchFailure(_) => CallError::Fault(format!("{service} could not be reached")),
        // S3 answers a HEAD request without a body, which leaves the status alone to go by.
        SdkError::ResponseError(context) => sort_status(call, context.raw())
            .unwrap_or_else(|| CallError::Fault(format!("{service} gave an answer that cannot be read"))),
        _ => CallError::Fault(format!("the request to {service} could not be made")),
    }
}

fn credentials_fault(error: &(dyn Error + 'static)) -> Option<CredentialsFault> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<CredentialsError>() {
            return Some(match error {
                CredentialsError::CredentialsNotLoaded(_) => CredentialsFault::Missing,
                _ => CredentialsFault::Unreadable,
            });
        }
        cause = error.source();
    }
    None
}

fn sort_service_error(call: &ApiCall, error: &impl ProvideErrorMetadata, raw: &Response) -> CallError {
    let service = call.service.title();
    let message = error.message().unwrap_or_default();
    let Some(code) = error.code() else {
        return sort_status(call, raw)
            .unwrap_or_else(|| CallError::Fault(format!("{service} gave an answer that cannot be read")));
    };
    match code {
        "ResourceNotFoundException" | "NoSuchBucket" | "NoSuchKey" | "NoSuchEntity" | "NotFound" => CallError::Absent,
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"
            if call.service == Service::S3 =>
        {
            CallError::Moved { region: bucket_region(raw) }
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            CallError::Credentials(CredentialsFault::Expired)
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "AuthFailure" => {
            // An expired signature is a matter of clocks, not of keys.
            if message.contains("Signature expired") || message.contains("Signature not yet current") {
                CallError::Credentials(CredentialsFault::Clock)
            } else {
                CallError::Credentials(CredentialsFault::Unknown)
            }
        }
        "RequestTimeTooSkewed" => CallError::Credentials(CredentialsFault::Clock),
        "ResourceConflictException" | "ResourceInUseException" => CallError::Busy,
        "UnsupportedOperationException" if call.service == Service::KinesisAnalytics => CallError::Retired,
        code if code.contains("AccessDenied") || code == "UnauthorizedOperation" => denied(call, message),
        code if is_throttling(code) || raw.status().as_u16() == 429 => {
            CallError::Fault(format!("{service} asks to be called less often ({code})"))
        }
        code if raw.status().is_server_error() || code == "ServiceUnavailableException" => {
            CallError::Fault(format!("{service} failed ({})", clip(code, 80)))
        }
        code => CallError::Refused { code: clip(code, 80), message: clip(message, 200) },
    }
}

fn is_throttling(code: &str) -> bool {
    code.contains("Throttl")
        || matches!(
            code,
            "TooManyRequestsException"
                | "RequestLimitExceeded"
                | "ProvisionedThroughputExceededException"
                | "SlowDown"
                | "LimitExceededException"
        )
}

/// Sorts an answer that has a status and no error code.
fn sort_status(call: &ApiCall, raw: &Response) -> Option<CallError> {
    let service = call.service.title();
    match raw.status().as_u16() {
        301 | 307 => Some(CallError::Moved { region: bucket_region(raw) }),
        401 | 403 => Some(denied(call, "")),
        404 => Some(CallError::Absent),
        429 => Some(CallError::Fault(format!("{service} asks to be called less often"))),
        status if status >= 500 => Some(CallError::Fault(format!("{service} failed (HTTP {status})"))),
        status if status >= 400 => {
            Some(CallError::Refused { code: format!("HTTP {status}"), message: "no reason given".to_owned() })
        }
        _ => None,
    }
}

fn bucket_region(raw: &Response) -> Option<String> {
    raw.headers().get("x-amz-bucket-region").map(|region| clip(region, 40))
}

/// AWS's message reads "User: ARN is not authorized to perform: ACTION on resource: ARN because REASON".
fn denied(call: &ApiCall, message: &str) -> CallError {
    let action = message
        .split_once("not authorized to perform: ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .map(|action| action.trim_end_matches([',', '.', ';']))
        .filter(|action| is_action(action))
        .unwrap_or(call.action)
        .to_owned();
    let because = message.split_once(" because ").map(|(_, reason)| reason).and_then(policy_kind);
    CallError::Denied { action, because }
}

/// Names the kind of policy alone: AWS's sentence may hold ARNs of others.
fn policy_kind(reason: &str) -> Option<String> {
    let verb = if reason.contains("explicit deny") { "an explicit deny in" } else { "no allow in" };
    [
        ("service control policy", "a service control policy of the organisation"),
        ("resource control policy", "a resource control policy of the organisation"),
        ("permissions boundary", "the permissions boundary"),
        ("session policy", "the session policy"),
        ("resource-based policy", "the policy of the resource"),
        ("VPC endpoint policy", "the policy of the VPC endpoint"),
        ("identity-based policy", "the policies of the user or role"),
    ]
    .into_iter()
    .find(|(name, _)| reason.contains(name))
    .map(|(_, name)| format!("{verb} {name}"))
}

fn is_action(text: &str) -> bool {
    text.len() <= 100
        && text.split_once(':').is_some_and(|(service, operation)| {
            !service.is_empty()
                && service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !operation.is_empty()
                && operation.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_calls::{DESCRIBE_DELIVERY_STREAM, HEAD_BUCKET};

    fn action_in(message: &str) -> (String, Option<String>) {
        match denied(&DESCRIBE_DELIVERY_STREAM, message) {
            CallError::Denied { action, because } => (action, because),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_missing_action_is_taken_from_the_message() {
        assert_eq!(
            action_in(
                "User: arn:aws:iam::111122223333:user/mia is not authorized to perform: \
                 firehose:DescribeDeliveryStream on resource: arn:aws:firehose:us-east-1:111122223333:deliverystream/x \
                 because no identity-based policy allows the firehose:DescribeDeliveryStream action"
            ),
            (
                "firehose:DescribeDeliveryStream".to_owned(),
                Some("no allow in the policies of the user or role".to_owned())
            )
        );
        assert_eq!(
            action_in(
                "User: x is not authorized to perform: kms:Decrypt with an explicit deny in a service control policy"
            )
            .0,
            "kms:Decrypt"
        );
        assert_eq!(
            action_in("x is not authorized to perform: a:B because of an explicit deny in a service control policy").1,
            Some("an explicit deny in a service control policy of the organisation".to_owned())
        );
    }

    #[test]
    fn a_message_without_an_action_falls_back_on_the_table() {
        for message in ["", "no", "not authorized to perform: ", "not authorized to perform: <script>:x on"] {
            assert_eq!(action_in(message).0, "firehose:DescribeDeliveryStream", "{message:?}");
        }
        assert!(matches!(denied(&HEAD_BUCKET, ""), CallError::Denied { action, .. } if action == "s3:ListBucket"));
    }
}
