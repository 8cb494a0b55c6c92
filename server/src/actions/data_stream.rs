//! Step 1 with a data stream: Kinesis, from which Firehose and the counting function read.

use aws_sdk_kinesis::types::{StreamMode, StreamModeDetails};

use super::fields::Fields;
use super::{ActionError, Workbench, refused, tags};

/// Kinesis `CreateStream` with provisioned shards.
pub async fn create_data_stream(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let name = workbench.take_name(fields, "data_stream", "data_stream")?;
    let shards = fields.number("shards", 1..=4)?;
    let mode = StreamModeDetails::builder()
        .stream_mode(StreamMode::Provisioned)
        .build()
        .map_err(|error| ActionError::Refused { operation: "kinesis:CreateStream", message: error.to_string() })?;
    let created = workbench
        .kinesis
        .create_stream()
        .stream_name(&name)
        .shard_count(shards)
        .stream_mode_details(mode)
        .tags(tags::KEY, tags::VALUE)
        .send()
        .await;
    match created {
        Ok(_) => Ok(format!("Data stream {name} is being created.")),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_in_use_exception()) => {
            Ok(format!("Data stream {name} was there already."))
        }
        Err(error) => Err(refused("kinesis:CreateStream")(error)),
    }
}

/// Kinesis `DeleteStream`.
pub async fn delete_data_stream(workbench: &Workbench<'_>) -> Result<String, ActionError> {
    let name = &workbench.variables.data_stream;
    match workbench.kinesis.delete_stream().stream_name(name).send().await {
        Ok(_) => Ok(format!("Data stream {name} is being deleted.")),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => {
            Ok(format!("Data stream {name} is gone."))
        }
        Err(error) => Err(refused("kinesis:DeleteStream")(error)),
    }
}
