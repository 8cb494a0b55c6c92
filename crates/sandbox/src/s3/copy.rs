//! S3 `CopyObject`: the copy shares the bytes on disk with its source, under a name of its own.

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::buckets::no_such_bucket;
use super::conditions::{ReadConditions, strong};
use super::objects::{Precondition, StoredObject, quota_check};
use super::operations::Operations;
use super::parameters::{attributes_of, check_version, encryption, not_offered, refuse_unheeded, unheeded_of};
use crate::AwsError;

impl Operations {
    pub(super) async fn copy(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let account = &caller.scope.account;
        let CopySource::Bucket { bucket: source_bucket, key: source_key, version_id } = &input.copy_source else {
            return Err(not_offered("access points as the source", "CopyObject"));
        };
        check_version(version_id.as_deref())?;
        refuse_unheeded(&unheeded_of!("CopyObject", input))?;
        if input.checksum_algorithm.is_some() {
            return Err(not_offered("x-amz-checksum-algorithm", "CopyObject"));
        }
        // A source bucket may be in another region of the account, as in S3.
        self.s3.find_bucket(account, source_bucket).await?.ok_or_else(no_such_bucket)?;
        if input.expected_source_bucket_owner.as_ref().is_some_and(|owner| owner != account.as_str()) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let found = self.s3.get(account, source_bucket, source_key).await?;
        let conditions = ReadConditions {
            if_match: input.copy_source_if_match.as_ref(),
            if_none_match: input.copy_source_if_none_match.as_ref(),
            if_modified_since: input.copy_source_if_modified_since.as_ref(),
            if_unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        };
        conditions.check(&found.stored.etag, found.modified).map_err(|error| {
            // A copy has no Not Modified: either kind of unmet condition fails it.
            if error.status == 304 { super::conditions::precondition_failed() } else { error }
        })?;
        let replace =
            input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !replace && **source_bucket == *input.bucket && **source_key == *input.key {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's \
                 metadata, storage class, website redirect location or encryption attributes."
            ));
        }
        let attributes = if replace { attributes_of!(input) } else { found.stored.attributes };
        attributes.check()?;
        let size = u64::try_from(found.stored.size).map_err(AwsError::internal)?;
        quota_check(size, self.s3.room(account).await?)?;
        let file = self.s3.files.link(account, &found.file, size).await.map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                super::objects::no_such_key()
            } else {
                AwsError::internal(error)
            }
        })?;
        let object = StoredObject { attributes, ..found.stored };
        self.s3.put_alone(account, &input.bucket, &input.key, file, &object, &Precondition::None).await?;
        let checksum = object.checksums.to_dto();
        let copied = self.s3.get(account, &input.bucket, &input.key).await?;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(strong(&object.etag)),
                last_modified: Some(copied.modified.into()),
                checksum_crc32: checksum.checksum_crc32,
                checksum_crc32c: checksum.checksum_crc32c,
                checksum_crc64nvme: checksum.checksum_crc64nvme,
                checksum_sha1: checksum.checksum_sha1,
                checksum_sha256: checksum.checksum_sha256,
                checksum_type: checksum.checksum_type,
            }),
            server_side_encryption: Some(encryption()),
            ..CopyObjectOutput::default()
        }))
    }
}
