//! Lambda transformation: the settings of the processor, the event sent to the function, and what its answer means for each
//! record (Amazon Data Firehose, "Transform source data").

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::destination::{Processor, ProcessorParameter};
use super::errors::{invalid_argument, not_offered};
use super::log::LogRecord;
use crate::lambda::{Invocation, Lambda};
use crate::{AwsError, Clock, Scope};

/// The longest request to a function, in bytes (Lambda quotas, synchronous invocation).
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;

/// The one processor that is offered: a Lambda function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Transformation {
    pub lambda_arn: String,
    /// How often a failed invocation is tried again.
    pub retries: u32,
    /// MB of records for one invocation, as given.
    buffer_size_mb: f64,
    /// The longest that records wait for one, in seconds.
    pub buffer_interval_seconds: u32,
    role_arn: Option<String>,
}

/// Invokes functions; the sandbox's Lambda outside tests.
#[async_trait]
pub(super) trait Invoke: Send + Sync {
    /// As [`Lambda::invoke`].
    async fn invoke(&self, scope: &Scope, function: &str, payload: Bytes) -> Result<Invocation, AwsError>;
}

#[async_trait]
impl Invoke for Lambda {
    async fn invoke(&self, scope: &Scope, function: &str, payload: Bytes) -> Result<Invocation, AwsError> {
        self.invoke(scope, function, payload).await
    }
}

/// The streams that an event names.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamArns<'a> {
    pub delivery: &'a str,
    /// The data stream that the delivery stream reads, if it does.
    pub source: Option<&'a str>,
}

/// What became of a batch of records.
#[derive(Debug, Default)]
pub(super) struct Transformed {
    /// The data of the records that came back `Ok`, in their order, one after the other.
    pub delivered: Vec<u8>,
    /// A line of JSON for each record that was not transformed.
    pub failed: Vec<u8>,
}

#[derive(Deserialize)]
struct Answer {
    records: Vec<AnswerRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerRecord {
    record_id: String,
    result: String,
    #[serde(default)]
    data: Option<String>,
}

/// Why a record, or a whole batch, was not transformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failure {
    code: &'static str,
    message: &'static str,
}

const FUNCTION_ERROR: Failure = Failure {
    code: "Lambda.FunctionError",
    message: "The Lambda function was successfully invoked but it returned an error result.",
};
const NOT_FOUND: Failure = Failure {
    code: "Lambda.ResourceNotFound",
    message: "The specified Lambda function does not exist. Use a different function that does exist.",
};
const LIMIT_EXCEEDED: Failure = Failure {
    code: "Lambda.InvokeLimitExceeded",
    message: "The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit.",
};
const SERVICE_FAILED: Failure =
    Failure { code: "Lambda.ServiceException", message: "The Lambda service could not run the function." };
const NOT_PARSED: Failure = Failure {
    code: "Lambda.JsonProcessingException",
    message: "There was an error parsing returned records from the Lambda function. Ensure that the returned records follow \
              the status model required by Amazon Data Firehose.",
};
const DUPLICATED: Failure = Failure {
    code: "Lambda.DuplicatedRecordId",
    message: "Multiple records were returned with the same record ID. Ensure that the Lambda function returns unique record \
              IDs for each record.",
};
const MISSING: Failure = Failure {
    code: "Lambda.MissingRecordId",
    message: "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.",
};
const PROCESSING_FAILED: Failure =
    Failure { code: "Lambda.ProcessingFailedStatus", message: "ProcessingFailed status set for record." };

impl Transformation {
    /// Reads `Processors`: none, or one of type `Lambda`.
    pub(super) fn from_processors(processors: &[Processor]) -> Result<Option<Self>, AwsError> {
        let processor = match processors {
            [] => return Ok(None),
            [processor] => processor,
            _ => return Err(invalid_argument("Only one processor of type Lambda is supported for a delivery stream.")),
        };
        if processor.kind != "Lambda" {
            return Err(not_offered(&format!("processors of type {}", processor.kind)));
        }
        Self::from_parameters(&processor.parameters).map(Some)
    }

    fn from_parameters(parameters: &[ProcessorParameter]) -> Result<Self, AwsError> {
        let mut lambda_arn = None;
        let mut transformation = Self {
            lambda_arn: String::new(),
            retries: 3,
            buffer_size_mb: 1.0,
            buffer_interval_seconds: 60,
            role_arn: None,
        };
        let mut seen = HashSet::new();
        for ProcessorParameter { parameter_name: name, parameter_value: value } in parameters {
            if !seen.insert(name) {
                return Err(invalid_argument(format!("The processor parameter {name} is specified more than once.")));
            }
            let wrong = |bounds: &str| {
                invalid_argument(format!("The processor parameter {name} must be {bounds}, not {value}."))
            };
            match name.as_str() {
                "LambdaArn" => lambda_arn = Some(value.clone()),
                "NumberOfRetries" => {
                    let retries = value.parse().ok().filter(|retries| *retries <= 300);
                    transformation.retries = retries.ok_or_else(|| wrong("a whole number from 0 to 300"))?;
                }
                "BufferSizeInMBs" => {
                    let size = value.parse().ok().filter(|size| (0.2..=3.0).contains(size));
                    transformation.buffer_size_mb = size.ok_or_else(|| wrong("a number from 0.2 to 3"))?;
                }
                "BufferIntervalInSeconds" => {
                    let interval = value.parse().ok().filter(|interval| *interval <= 900);
                    transformation.buffer_interval_seconds =
                        interval.ok_or_else(|| wrong("a whole number from 0 to 900"))?;
                }
                "RoleArn" => transformation.role_arn = Some(value.clone()),
                _ => {
                    return Err(invalid_argument(format!("The processor parameter {name} is not one of type Lambda.")));
                }
            }
        }
        let arn = lambda_arn.ok_or_else(|| invalid_argument("The processor parameter LambdaArn must be specified."))?;
        if !(arn.starts_with("arn:") && arn.contains(":lambda:") && arn.contains(":function:")) {
            return Err(invalid_argument(format!("The processor parameter LambdaArn must be an ARN, not {arn}.")));
        }
        transformation.lambda_arn = arn;
        Ok(transformation)
    }

    /// The entry of `Processors` in a description, defaults included.
    pub(super) fn describe(&self) -> Value {
        let parameter = |name: &str, value: &str| json!({"ParameterName": name, "ParameterValue": value});
        let mut parameters = vec![
            parameter("LambdaArn", &self.lambda_arn),
            parameter("NumberOfRetries", &self.retries.to_string()),
            parameter("BufferSizeInMBs", &self.buffer_size_mb.to_string()),
            parameter("BufferIntervalInSeconds", &self.buffer_interval_seconds.to_string()),
        ];
        parameters.extend(self.role_arn.as_deref().map(|arn| parameter("RoleArn", arn)));
        json!({"Type": "Lambda", "Parameters": parameters})
    }

    /// Bytes of records for one invocation: what was asked for, as long as it fits the event in base64.
    pub(super) fn buffer_bytes(&self) -> usize {
        ((self.buffer_size_mb * 1024.0 * 1024.0) as usize).min(MAX_EVENT_BYTES / 2)
    }

    pub(super) fn buffer_interval_ms(&self) -> i64 {
        i64::from(self.buffer_interval_seconds) * 1000
    }

    /// Sends records through the function. Never fails: what cannot be transformed is in [`Transformed::failed`].
    ///
    /// A failed invocation is tried again after `pause` (doubled each time); an answer that cannot be used is not.
    pub(super) async fn apply(
        &self,
        invoker: &dyn Invoke,
        scope: &Scope,
        streams: StreamArns<'_>,
        records: &[LogRecord],
        clock: &Clock,
        pause: std::time::Duration,
    ) -> Transformed {
        let mut attempts = 0;
        let answer = loop {
            let event = event(scope, streams, records);
            attempts += 1;
            match self.invoke_once(invoker, scope, event).await {
                Ok(payload) => break serde_json::from_slice::<Answer>(&payload).map_err(|_| NOT_PARSED),
                Err(failure) if attempts > self.retries => break Err(failure),
                Err(failure) => {
                    tracing::debug!(code = failure.code, attempts, "a transformation is tried again");
                    let longest = std::time::Duration::from_secs(30);
                    tokio::time::sleep(pause.saturating_mul(1 << (attempts - 1).min(10)).min(longest)).await;
                }
            }
        };
        let mut transformed = Transformed::default();
        let fail = |transformed: &mut Transformed, record: &LogRecord, failure: Failure| {
            let line = json!({
                "attemptsMade": attempts,
                "arrivalTimestamp": record.arrival_ms,
                "errorCode": failure.code,
                "errorMessage": failure.message,
                "attemptEndingTimestamp": clock.now_ms(),
                "rawData": BASE64_STANDARD.encode(&record.data),
                "lambdaArn": self.lambda_arn,
            });
            transformed.failed.extend_from_slice(line.to_string().as_bytes());
            transformed.failed.push(b'\n');
        };
        match answer {
            Err(failure) => records.iter().for_each(|record| fail(&mut transformed, record, failure)),
            Ok(answer) => {
                let mut by_id: HashMap<&str, Vec<&AnswerRecord>> = HashMap::new();
                for record in &answer.records {
                    by_id.entry(&record.record_id).or_default().push(record);
                }
                for record in records {
                    match judge(by_id.get(record_id(record).as_str()).map(Vec::as_slice)) {
                        Ok(Some(data)) => transformed.delivered.extend_from_slice(&data),
                        Ok(None) => {}
                        Err(failure) => fail(&mut transformed, record, failure),
                    }
                }
            }
        }
        transformed
    }

    async fn invoke_once(&self, invoker: &dyn Invoke, scope: &Scope, event: Bytes) -> Result<Bytes, Failure> {
        match invoker.invoke(scope, &self.lambda_arn, event).await {
            Ok(invocation) if invocation.function_error.is_some() => Err(FUNCTION_ERROR),
            Ok(invocation) => Ok(invocation.payload),
            Err(error) => Err(match error.code.as_str() {
                "ResourceNotFoundException" => NOT_FOUND,
                "TooManyRequestsException" => LIMIT_EXCEEDED,
                _ => SERVICE_FAILED,
            }),
        }
    }
}

/// The event's id of a record: its sequence number, written as AWS writes ids of Direct PUT records (digits, long).
fn record_id(record: &LogRecord) -> String {
    format!("{:056}000000", record.sequence)
}

fn event(scope: &Scope, streams: StreamArns<'_>, records: &[LogRecord]) -> Bytes {
    let records: Vec<Value> = records
        .iter()
        .map(|record| {
            let mut described = json!({
                "recordId": record_id(record),
                "approximateArrivalTimestamp": record.arrival_ms,
                "data": BASE64_STANDARD.encode(&record.data),
            });
            if let Some(origin) = &record.origin {
                described["kinesisRecordMetadata"] = json!({
                    "shardId": origin.shard_id,
                    "partitionKey": origin.partition_key,
                    "approximateArrivalTimestamp": record.arrival_ms,
                    "sequenceNumber": origin.sequence_number,
                    "subsequenceNumber": 0,
                });
            }
            described
        })
        .collect();
    let mut event = json!({
        "invocationId": Uuid::new_v4().to_string(),
        "deliveryStreamArn": streams.delivery,
        "region": scope.region.as_str(),
        "records": records,
    });
    if let Some(source) = streams.source {
        event["sourceKinesisStreamArn"] = json!(source);
    }
    Bytes::from(event.to_string())
}

/// What the answers for one record come to: its data, `None` if it is dropped.
fn judge(answers: Option<&[&AnswerRecord]>) -> Result<Option<Vec<u8>>, Failure> {
    match answers {
        None | Some([]) => Err(MISSING),
        Some([answer]) => match answer.result.as_str() {
            "Ok" => {
                let data = answer.data.as_deref().ok_or(NOT_PARSED)?;
                BASE64_STANDARD.decode(data).map(Some).map_err(|_| NOT_PARSED)
            }
            "Dropped" => Ok(None),
            "ProcessingFailed" => Err(PROCESSING_FAILED),
            _ => Err(NOT_PARSED),
        },
        Some(_) => Err(DUPLICATED),
    }
}

#[cfg(test)]
mod tests;
