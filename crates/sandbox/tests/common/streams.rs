//! Delivery streams for tests, with their bucket and role.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_firehose::types::{BufferingHints, DeliveryStreamStatus, ExtendedS3DestinationConfiguration};

use super::functions::role_for;

/// An S3 client that needs no host name for each bucket.
pub fn s3(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

/// Makes a delivery stream that delivers at once below `clicks/` of a new bucket, waits until it is active, and gives its
/// ARN.
pub async fn create_stream(sdk: &SdkConfig, name: &str, bucket: &str) -> String {
    let role = role_for(sdk, "HeadwaterFirehoseRole", "firehose.amazonaws.com").await;
    s3(sdk).create_bucket().bucket(bucket).send().await.unwrap();
    let firehose = aws_sdk_firehose::Client::new(sdk);
    let destination = ExtendedS3DestinationConfiguration::builder()
        .role_arn(role)
        .bucket_arn(format!("arn:aws:s3:::{bucket}"))
        .prefix("clicks/")
        .error_output_prefix("errors/")
        .buffering_hints(BufferingHints::builder().size_in_mbs(5).interval_in_seconds(0).build())
        .build()
        .unwrap();
    firehose
        .create_delivery_stream()
        .delivery_stream_name(name)
        .extended_s3_destination_configuration(destination)
        .send()
        .await
        .unwrap();
    let active = async {
        loop {
            let described = firehose.describe_delivery_stream().delivery_stream_name(name).send().await.unwrap();
            let description = described.delivery_stream_description.unwrap();
            if description.delivery_stream_status == DeliveryStreamStatus::Active {
                return description.delivery_stream_arn;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), active).await.expect("the stream must become active")
}
