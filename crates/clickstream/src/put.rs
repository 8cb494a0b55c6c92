//! One call to a stream, and what its answer means for the records in it.

use std::error::Error;

use aws_sdk_firehose::config::retry::RetryConfig;
use aws_sdk_firehose::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_firehose::types::Record;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_smithy_runtime_api::http::Response;

use crate::Target;
use crate::packing::PackedRecord;

/// The clients that a sending may need, made by the caller; the one of its [`Target`] is used.
#[derive(Clone, Debug)]
pub struct SdkClients {
    pub firehose: aws_sdk_firehose::Client,
    pub kinesis: aws_sdk_kinesis::Client,
}

/// What the answer to one call means for the records in it.
pub(crate) enum Answer {
    /// Some may be refused, to be sent again.
    Taken { refused: Vec<PackedRecord>, accepted: Vec<PackedRecord>, problem: Option<String> },
    /// All are to be sent again.
    TryAgain { problem: String },
    /// No further call will do better.
    Hopeless { reason: String },
}

/// Why a record was refused: code and message.
type Refusal<'a> = Option<(&'a str, &'a str)>;

impl SdkClients {
    /// Makes one call, without the SDK's own retries, so that they can be counted.
    pub(crate) async fn put(&self, target: &Target, records: Vec<PackedRecord>) -> Answer {
        match target {
            Target::DeliveryStream(name) => {
                let entries =
                    records.iter().filter_map(|record| Record::builder().data(record.data.clone()).build().ok());
                let call = self.firehose.put_record_batch().delivery_stream_name(name);
                let call = call.set_records(Some(entries.collect()));
                let no_retries = aws_sdk_firehose::config::Builder::new().retry_config(RetryConfig::disabled());
                match call.customize().config_override(no_retries).send().await {
                    Ok(output) => {
                        let refusals = output.request_responses().iter().map(|entry| {
                            entry.error_code().map(|code| (code, entry.error_message().unwrap_or_default()))
                        });
                        read_answer(records, &refusals.collect::<Vec<_>>())
                    }
                    Err(error) => read_error(target, &error),
                }
            }
            Target::DataStream(name) => {
                let entries = records.iter().filter_map(|record| {
                    let entry = PutRecordsRequestEntry::builder().data(record.data.clone());
                    entry.partition_key(&record.key).build().ok()
                });
                let call = self.kinesis.put_records().stream_name(name).set_records(Some(entries.collect()));
                let no_retries = aws_sdk_kinesis::config::Builder::new().retry_config(RetryConfig::disabled());
                match call.customize().config_override(no_retries).send().await {
                    Ok(output) => {
                        let refusals = output.records().iter().map(|entry| {
                            entry.error_code().map(|code| (code, entry.error_message().unwrap_or_default()))
                        });
                        read_answer(records, &refusals.collect::<Vec<_>>())
                    }
                    Err(error) => read_error(target, &error),
                }
            }
        }
    }
}

/// An answer with status 200 may still refuse records, each in its place.
fn read_answer(records: Vec<PackedRecord>, refusals: &[Refusal<'_>]) -> Answer {
    if refusals.len() != records.len() {
        let reason = format!("The stream answered for {} of {} records.", refusals.len(), records.len());
        return Answer::Hopeless { reason };
    }
    let first = refusals.iter().find_map(|refusal| *refusal);
    let problem = first.map(|(code, message)| format!("The stream refused records for now: {code}: {message}"));
    let (refused, accepted): (Vec<_>, Vec<_>) =
        records.into_iter().zip(refusals).partition(|(_, refusal)| refusal.is_some());
    let records_only = |pairs: Vec<(PackedRecord, _)>| pairs.into_iter().map(|(record, _)| record).collect();
    Answer::Taken { refused: records_only(refused), accepted: records_only(accepted), problem }
}

fn read_error<E>(target: &Target, error: &SdkError<E, Response>) -> Answer
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => {
            Answer::TryAgain { problem: "The stream's endpoint did not answer in time.".to_owned() }
        }
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            Answer::TryAgain { problem: "The stream's endpoint cannot be reached.".to_owned() }
        }
        SdkError::ResponseError(_) => {
            Answer::TryAgain { problem: "The answer of the stream's endpoint could not be read.".to_owned() }
        }
        SdkError::ServiceError(refused) => {
            let code = refused.err().code().unwrap_or("an unnamed error");
            let message = refused.err().message().unwrap_or_default();
            if is_transient(refused.raw().status().as_u16(), code) {
                Answer::TryAgain { problem: format!("The stream refused the call for now: {code}: {message}") }
            } else {
                Answer::Hopeless { reason: explain(target, code, message) }
            }
        }
        _ => Answer::Hopeless { reason: "The call could not be made: there are no usable credentials.".to_owned() },
    }
}

fn is_transient(status: u16, code: &str) -> bool {
    status >= 500
        || status == 429
        || matches!(
            code,
            "ServiceUnavailableException"
                | "ServiceUnavailable"
                | "InternalFailure"
                | "InternalFailureException"
                | "InternalServerError"
                | "KMSThrottlingException"
                | "LimitExceededException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "RequestThrottled"
                | "RequestTimeout"
                | "SlowDown"
                | "Throttling"
                | "ThrottlingException"
                | "ThrottledException"
                | "TooManyRequestsException"
        )
}

/// A permanent error in words that say what to do.
fn explain(target: &Target, code: &str, message: &str) -> String {
    let name = target.name();
    match code {
        "ResourceNotFoundException" => {
            let noun = target.noun();
            format!("There is no {noun} {name} in this account and region. Create it, or correct its name.")
        }
        "AccessDeniedException" | "AccessDenied" => {
            format!("These credentials may not send to {name}: they need {}. {message}", target.action())
        }
        "ExpiredToken" | "ExpiredTokenException" => "The credentials have expired. Connect again.".to_owned(),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch" => {
            format!("The credentials were not accepted. Connect again. {message}")
        }
        _ => format!("The stream refused the call: {code}: {message}"),
    }
}
