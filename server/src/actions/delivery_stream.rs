//! Step 1: the bucket and the delivery stream.

use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, DeliveryStreamType, ExtendedS3DestinationConfiguration,
    ExtendedS3DestinationUpdate,
};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde_json::json;

use super::fields::Fields;
use super::{ActionError, Workbench, refused, roles};

/// S3 `CreateBucket`.
pub async fn create_bucket(workbench: &mut Workbench, fields: &Fields<'_>) -> Result<String, ActionError> {
    let bucket = workbench.take_name(fields, "bucket", "bucket")?;
    let region = workbench.variables.region.clone();
    // us-east-1 is the default and must not be named as a location constraint.
    let location = (region != "us-east-1").then(|| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region.as_str()))
            .build()
    });
    let created = workbench.s3.create_bucket().bucket(&bucket).set_create_bucket_configuration(location).send().await;
    let answer = match created {
        Ok(_) => format!("Bucket {bucket} is there."),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_bucket_already_owned_by_you()) => {
            format!("Bucket {bucket} was there already, and it is yours.")
        }
        Err(error) => return Err(refused("s3:CreateBucket")(error)),
    };
    Ok(answer)
}

/// IAM role, then Firehose `CreateDeliveryStream`, or `UpdateDestination` when the stream exists.
pub async fn create_delivery_stream(workbench: &mut Workbench, fields: &Fields<'_>) -> Result<String, ActionError> {
    let stream = workbench.take_name(fields, "stream", "stream")?;
    let prefix = workbench.take_optional_name(fields, "prefix", "prefix")?;
    let error_prefix = workbench.take_optional_name(fields, "error_prefix", "error_prefix")?;
    let buffering = BufferingHints::builder()
        .size_in_mbs(fields.number("buffer_size", 1..=128)?)
        .interval_in_seconds(fields.number("buffer_interval", 0..=900)?)
        .build();
    let compression = CompressionFormat::from(fields.text("compression")?.as_str());

    let bucket_arn = format!("arn:aws:s3:::{}", workbench.variables.bucket);
    let role = workbench.variables.firehose_role.clone();
    roles::ensure(
        workbench,
        &role,
        "firehose.amazonaws.com",
        &json!([
            {"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
             "Resource": bucket_arn},
            {"Effect": "Allow", "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
             "Resource": format!("{bucket_arn}/*")},
        ]),
    )
    .await?;
    let role_arn = workbench.role_arn(&role);

    let described = workbench.firehose.describe_delivery_stream().delivery_stream_name(&stream).send().await;
    let existing = match described {
        Ok(answer) => answer.delivery_stream_description,
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => None,
        Err(error) => return Err(refused("firehose:DescribeDeliveryStream")(error)),
    };
    let answer = if let Some(existing) = existing {
        let update = ExtendedS3DestinationUpdate::builder()
            .role_arn(role_arn)
            .bucket_arn(bucket_arn)
            .prefix(&prefix)
            .error_output_prefix(&error_prefix)
            .buffering_hints(buffering)
            .compression_format(compression)
            .build();
        let destination = existing.destinations.first().map(|destination| destination.destination_id.clone());
        workbench
            .firehose
            .update_destination()
            .delivery_stream_name(&stream)
            .current_delivery_stream_version_id(existing.version_id)
            .set_destination_id(destination)
            .extended_s3_destination_update(update)
            .send()
            .await
            .map_err(refused("firehose:UpdateDestination"))?;
        format!("Delivery stream {stream} was there already; its destination is changed.")
    } else {
        let destination = ExtendedS3DestinationConfiguration::builder()
            .role_arn(role_arn)
            .bucket_arn(bucket_arn)
            .prefix(&prefix)
            .error_output_prefix(&error_prefix)
            .buffering_hints(buffering)
            .compression_format(compression)
            .build()
            .map_err(|error| ActionError::Refused {
                operation: "firehose:CreateDeliveryStream",
                message: error.to_string(),
            })?;
        workbench
            .firehose
            .create_delivery_stream()
            .delivery_stream_name(&stream)
            .delivery_stream_type(DeliveryStreamType::DirectPut)
            .extended_s3_destination_configuration(destination)
            .send()
            .await
            .map_err(refused("firehose:CreateDeliveryStream"))?;
        format!("Delivery stream {stream} is being created.")
    };
    Ok(answer)
}
