//! Step 1: the bucket and the delivery stream.

use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, DeliveryStreamDescription, DeliveryStreamType,
    ExtendedS3DestinationConfiguration, ExtendedS3DestinationUpdate, KinesisStreamSourceConfiguration,
    ProcessingConfiguration, Processor, ProcessorParameter, ProcessorParameterName, ProcessorType,
};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde_json::json;

use super::fields::Fields;
use super::{ActionError, Workbench, refused, roles, tags};

/// S3 `CreateBucket`.
pub async fn create_bucket(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
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
    let tag = workbench.s3.put_bucket_tagging().bucket(&bucket).set_tagging(tags::s3());
    tag.send().await.map_err(refused("s3:PutBucketTagging"))?;
    Ok(answer)
}

/// IAM role, then Firehose `CreateDeliveryStream`, or `UpdateDestination` when the stream exists.
pub async fn create_delivery_stream(workbench: &mut Workbench<'_>, fields: &Fields<'_>) -> Result<String, ActionError> {
    let stream = workbench.take_name(fields, "stream", "stream")?;
    let prefix = workbench.take_optional_name(fields, "prefix", "prefix")?;
    let error_prefix = workbench.take_optional_name(fields, "error_prefix", "error_prefix")?;
    let buffering = BufferingHints::builder()
        .size_in_mbs(fields.number("buffer_size", 1..=128)?)
        .interval_in_seconds(fields.number("buffer_interval", 0..=900)?)
        .build();
    let compression = CompressionFormat::from(fields.text("compression")?.as_str());

    if workbench.variables.engine.reads_data_stream() {
        workbench.take_name(fields, "data_stream", "data_stream")?;
    }
    ensure_firehose_role(workbench).await?;
    let role_arn = workbench.role_arn(&workbench.variables.firehose_role);
    let bucket_arn = format!("arn:aws:s3:::{}", workbench.variables.bucket);
    if let Some(existing) = describe(workbench, &stream).await? {
        let update = ExtendedS3DestinationUpdate::builder()
            .role_arn(role_arn)
            .bucket_arn(bucket_arn)
            .prefix(&prefix)
            .error_output_prefix(&error_prefix)
            .buffering_hints(buffering)
            .compression_format(compression)
            .build();
        update_destination(workbench, &existing, update).await?;
        return Ok(format!("Delivery stream {stream} was there already; its destination is changed."));
    }
    let destination = ExtendedS3DestinationConfiguration::builder()
        .role_arn(&role_arn)
        .bucket_arn(bucket_arn)
        .prefix(&prefix)
        .error_output_prefix(&error_prefix)
        .buffering_hints(buffering)
        .compression_format(compression)
        .build()
        .map_err(incomplete)?;
    let mut create = workbench
        .firehose
        .create_delivery_stream()
        .delivery_stream_name(&stream)
        .extended_s3_destination_configuration(destination)
        .set_tags(tags::firehose().map(|tag| vec![tag]));
    create = if workbench.variables.engine.reads_data_stream() {
        let source = KinesisStreamSourceConfiguration::builder()
            .kinesis_stream_arn(workbench.data_stream_arn())
            .role_arn(role_arn)
            .build()
            .map_err(incomplete)?;
        create
            .delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource)
            .kinesis_stream_source_configuration(source)
    } else {
        create.delivery_stream_type(DeliveryStreamType::DirectPut)
    };
    create.send().await.map_err(refused("firehose:CreateDeliveryStream"))?;
    Ok(format!("Delivery stream {stream} is being created."))
}

/// The role of the delivery stream: the bucket, and with a data stream that stream and the preprocessing function.
pub async fn ensure_firehose_role(workbench: &Workbench<'_>) -> Result<(), ActionError> {
    let lab::Variables { bucket, firehose_role, preprocess_function, engine, .. } = &workbench.variables;
    let bucket_arn = format!("arn:aws:s3:::{bucket}");
    let mut statements = vec![
        json!({"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
               "Resource": bucket_arn}),
        json!({"Effect": "Allow", "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
               "Resource": format!("{bucket_arn}/*")}),
    ];
    if engine.reads_data_stream() {
        statements.push(workbench.may_read_data_stream());
        statements.push(json!({
            "Effect": "Allow", "Action": ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
            "Resource": workbench.function_arn(preprocess_function),
        }));
    }
    roles::ensure(workbench, firehose_role, "firehose.amazonaws.com", &statements.into()).await
}

/// The delivery stream as it is, or `None` when there is none.
pub async fn describe(
    workbench: &Workbench<'_>,
    stream: &str,
) -> Result<Option<DeliveryStreamDescription>, ActionError> {
    match workbench.firehose.describe_delivery_stream().delivery_stream_name(stream).send().await {
        Ok(answer) => Ok(answer.delivery_stream_description),
        Err(error) if error.as_service_error().is_some_and(|cause| cause.is_resource_not_found_exception()) => Ok(None),
        Err(error) => Err(refused("firehose:DescribeDeliveryStream")(error)),
    }
}

/// Firehose `UpdateDestination` on the stream's one destination.
pub async fn update_destination(
    workbench: &Workbench<'_>,
    existing: &DeliveryStreamDescription,
    update: ExtendedS3DestinationUpdate,
) -> Result<(), ActionError> {
    let destination = existing.destinations.first().map(|destination| destination.destination_id.clone());
    workbench
        .firehose
        .update_destination()
        .delivery_stream_name(&existing.delivery_stream_name)
        .current_delivery_stream_version_id(&existing.version_id)
        .set_destination_id(destination)
        .extended_s3_destination_update(update)
        .send()
        .await
        .map_err(refused("firehose:UpdateDestination"))?;
    Ok(())
}

/// Processing by one function.
pub fn processing(function_arn: &str) -> Result<ProcessingConfiguration, ActionError> {
    let function = ProcessorParameter::builder()
        .parameter_name(ProcessorParameterName::LambdaArn)
        .parameter_value(function_arn)
        .build()
        .map_err(incomplete)?;
    let processor =
        Processor::builder().r#type(ProcessorType::Lambda).parameters(function).build().map_err(incomplete)?;
    Ok(ProcessingConfiguration::builder().enabled(true).processors(processor).build())
}

/// A required member that a Firehose builder misses: our own mistake, told like any other refusal.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn incomplete(error: aws_sdk_firehose::error::BuildError) -> ActionError {
    ActionError::Refused { operation: "firehose:CreateDeliveryStream", message: error.to_string() }
}
