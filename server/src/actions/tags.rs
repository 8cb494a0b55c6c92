//! The tag that everything of the lab carries, so that it is found again at the clean-up whatever its name is.

use aws_sdk_dynamodb::error::BuildError;

/// Key of the tag.
pub const KEY: &str = "headwater";
/// Its value.
pub const VALUE: &str = "clickstream-lab";

/// For IAM roles.
pub fn iam() -> Option<aws_sdk_iam::types::Tag> {
    aws_sdk_iam::types::Tag::builder().key(KEY).value(VALUE).build().ok()
}

/// For Firehose delivery streams.
pub fn firehose() -> Option<aws_sdk_firehose::types::Tag> {
    aws_sdk_firehose::types::Tag::builder().key(KEY).value(VALUE).build().ok()
}

/// For applications.
pub fn analytics() -> Option<aws_sdk_kinesisanalyticsv2::types::Tag> {
    aws_sdk_kinesisanalyticsv2::types::Tag::builder().key(KEY).value(VALUE).build().ok()
}

/// For DynamoDB tables.
pub fn dynamodb() -> Result<aws_sdk_dynamodb::types::Tag, BuildError> {
    aws_sdk_dynamodb::types::Tag::builder().key(KEY).value(VALUE).build()
}

/// For S3 buckets: a bucket is tagged by a call of its own.
pub fn s3() -> Option<aws_sdk_s3::types::Tagging> {
    let tag = aws_sdk_s3::types::Tag::builder().key(KEY).value(VALUE).build().ok()?;
    aws_sdk_s3::types::Tagging::builder().tag_set(tag).build().ok()
}
