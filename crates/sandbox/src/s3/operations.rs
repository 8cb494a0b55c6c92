//! The operations of S3. What is not here is answered with `NotImplemented` by `s3s`.

use super::S3;

/// Answers S3 operations.
pub(super) struct Operations {
    pub s3: S3,
}

#[async_trait::async_trait]
impl s3s::S3 for Operations {}
