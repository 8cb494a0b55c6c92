//! How requests name a stream: by its name, its ARN, or both.

use std::sync::Arc;

use serde::Deserialize;

use super::Kinesis;
use super::errors::{invalid_argument, stream_not_found, validation};
use super::stream::{DataStream, Status};
use crate::{AwsError, Scope};

const MAX_NAME: usize = 128;

/// The members with which every operation on a stream names it. `StreamId` is AWS's for later use and has no effect.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Named {
    pub stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    pub stream_arn: Option<String>,
}

impl Kinesis {
    /// The stream that a request names, whatever its status. `ResourceNotFoundException` if there is none.
    pub(super) fn named(&self, scope: &Scope, named: &Named) -> Result<Arc<DataStream>, AwsError> {
        let from_arn = named.stream_arn.as_deref().map(|arn| name_of(scope, arn)).transpose()?;
        let name = match (named.stream_name.as_deref(), from_arn) {
            (None, None) => return Err(invalid_argument("Either StreamName or StreamARN must be specified.")),
            (Some(name), Some(from_arn)) if name != from_arn => {
                return Err(invalid_argument("StreamName and StreamARN do not name the same stream."));
            }
            (Some(name), _) | (None, Some(name)) => name,
        };
        check_name(name)?;
        self.streams.get(scope, name)
    }

    /// The same for operations on records, which need a stream that is there and stays.
    pub(super) fn named_active(&self, scope: &Scope, named: &Named) -> Result<Arc<DataStream>, AwsError> {
        let stream = self.named(scope, named)?;
        match stream.status() {
            Status::Active => Ok(stream),
            Status::Creating | Status::Deleting => Err(stream_not_found(&stream.name, &scope.account)),
        }
    }
}

/// The name in a stream's ARN, which must be of this account and region.
pub(super) fn name_of<'a>(scope: &Scope, arn: &'a str) -> Result<&'a str, AwsError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "kinesis", region, account, resource] = parts[..] else { return Err(not_an_arn(arn)) };
    let name = resource.strip_prefix("stream/").ok_or_else(|| not_an_arn(arn))?;
    if region != scope.region.as_str() || account != scope.account.as_str() {
        let message = format!("Stream {name} under account {account} not found.");
        return Err(AwsError::client("ResourceNotFoundException", message));
    }
    Ok(name)
}

fn not_an_arn(arn: &str) -> AwsError {
    validation(arn, "streamARN", r"satisfy regular expression pattern: arn:aws.*:kinesis:.*:\d{12}:stream/\S+")
}

pub(super) fn check_name(name: &str) -> Result<(), AwsError> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.is_empty() || !name.bytes().all(known) {
        return Err(validation(name, "streamName", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"));
    }
    if name.len() > MAX_NAME {
        return Err(validation(name, "streamName", "have length less than or equal to 128"));
    }
    Ok(())
}
