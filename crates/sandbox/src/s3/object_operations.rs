//! The operations on single objects, but for `CopyObject`.

use http::{HeaderMap, HeaderValue};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};
use tokio_util::io::ReaderStream;

use super::checksums::Expected;
use super::conditions::{ReadConditions, strong};
use super::objects::{FoundObject, Precondition, StoredObject};
use super::operations::Operations;
use super::parameters::{
    attributes_of, check_version, checksums_of, encryption, not_offered, refuse_unheeded, unheeded_of,
};
use crate::AwsError;

/// Bytes that are read from a body at once.
const READ_BUFFER: usize = 64 * 1024;

impl Operations {
    pub(super) async fn store_object(
        &self,
        mut req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let body = req.input.body.take();
        let (caller, _) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        let account = &caller.scope.account;
        let input = &req.input;
        refuse_unheeded(&unheeded_of!("PutObject", input))?;
        if input.write_offset_bytes.is_some() {
            return Err(not_offered("WriteOffsetBytes", "PutObject"));
        }
        let attributes = attributes_of!(input);
        attributes.check()?;
        let precondition = match (&input.if_none_match, &input.if_match) {
            (Some(ETagCondition::Any), None) => Precondition::Absent,
            (None, Some(condition)) => Precondition::Matches(condition),
            (None, None) => Precondition::None,
            _ => {
                return Err(s3_error!(
                    NotImplemented,
                    "A header you provided implies functionality that is not implemented: PutObject takes \
                     If-None-Match: * or If-Match"
                ));
            }
        };
        let given = checksums_of!(input);
        let expected = Expected::new(
            given,
            input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str),
            input.content_md5.clone(),
            &req.headers,
            req.trailing_headers.clone(),
        );
        let received = self.s3.receive(account, body, expected).await?;
        let object = StoredObject {
            size: i64::try_from(received.file.size()).map_err(AwsError::internal)?,
            etag: hex::encode(received.md5),
            attributes,
            checksums: received.checksums,
        };
        self.s3.put_alone(account, &input.bucket, &input.key, received.file, &object, &precondition).await?;
        let checksum = object.checksums.to_dto();
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(strong(&object.etag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            server_side_encryption: Some(encryption()),
            ..PutObjectOutput::default()
        }))
    }

    pub(super) async fn read_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        check_read(input.version_id.as_deref(), input.part_number, input.sse_customer_key.is_some(), "GetObject")?;
        let account = &caller.scope.account;
        let conditions = ReadConditions {
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
        };
        loop {
            let found = self.s3.get(account, &input.bucket, &input.key).await?;
            conditions.check(&found.stored.etag, found.modified)?;
            let size = u64::try_from(found.stored.size).map_err(AwsError::internal)?;
            let (start, length, content_range) = stretch(input.range.as_ref(), size)?;
            let body = match self.s3.files.open(account, &found.file, start, length).await {
                Ok(body) => body,
                // The object was replaced or deleted between the row and the file: look again.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let still = self.s3.get(account, &input.bucket, &input.key).await?;
                    if still.file == found.file {
                        return Err(AwsError::internal("the body of an object is gone").into());
                    }
                    continue;
                }
                Err(error) => return Err(AwsError::internal(error).into()),
            };
            // The checksum of the whole says nothing about a part.
            let tell = content_range.is_none() && input.checksum_mode.is_some();
            let checksum = if tell { found.stored.checksums.to_dto() } else { Checksum::default() };
            let attributes = found.stored.attributes;
            return Ok(S3Response::new(GetObjectOutput {
                accept_ranges: Some("bytes".to_owned()),
                body: Some(StreamingBlob::wrap(ReaderStream::with_capacity(body, READ_BUFFER))),
                content_length: Some(i64::try_from(length).map_err(AwsError::internal)?),
                content_range,
                expires: attributes.expires_timestamp(),
                cache_control: attributes.cache_control,
                content_disposition: attributes.content_disposition,
                content_encoding: attributes.content_encoding,
                content_language: attributes.content_language,
                content_type: Some(content_type(attributes.content_type)),
                checksum_crc32: checksum.checksum_crc32,
                checksum_crc32c: checksum.checksum_crc32c,
                checksum_crc64nvme: checksum.checksum_crc64nvme,
                checksum_sha1: checksum.checksum_sha1,
                checksum_sha256: checksum.checksum_sha256,
                checksum_type: checksum.checksum_type,
                e_tag: Some(strong(&found.stored.etag)),
                last_modified: Some(found.modified.into()),
                metadata: Some(attributes.metadata.into_iter().collect()),
                server_side_encryption: Some(encryption()),
                ..GetObjectOutput::default()
            }));
        }
    }

    pub(super) async fn describe_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        check_read(input.version_id.as_deref(), input.part_number, input.sse_customer_key.is_some(), "HeadObject")?;
        let FoundObject { modified, stored, .. } =
            self.s3.get(&caller.scope.account, &input.bucket, &input.key).await?;
        let conditions = ReadConditions {
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
        };
        conditions.check(&stored.etag, modified)?;
        let size = u64::try_from(stored.size).map_err(AwsError::internal)?;
        let (_, length, content_range) = stretch(input.range.as_ref(), size)?;
        let tell = content_range.is_none() && input.checksum_mode.is_some();
        let checksum = if tell { stored.checksums.to_dto() } else { Checksum::default() };
        let attributes = stored.attributes;
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(i64::try_from(length).map_err(AwsError::internal)?),
            content_range,
            expires: attributes.expires_timestamp(),
            cache_control: attributes.cache_control,
            content_disposition: attributes.content_disposition,
            content_encoding: attributes.content_encoding,
            content_language: attributes.content_language,
            content_type: Some(content_type(attributes.content_type)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            e_tag: Some(strong(&stored.etag)),
            last_modified: Some(modified.into()),
            metadata: Some(attributes.metadata.into_iter().collect()),
            server_side_encryption: Some(encryption()),
            ..HeadObjectOutput::default()
        }))
    }

    pub(super) async fn remove_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        check_version(input.version_id.as_deref())?;
        if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
            return Err(not_offered("x-amz-if-match-size and x-amz-if-match-last-modified-time", "DeleteObject"));
        }
        let keys = std::iter::once(input.key.as_str());
        self.s3.delete(&caller.scope.account, &input.bucket, keys, input.if_match.as_ref()).await?;
        let mut response = S3Response::new(DeleteObjectOutput::default());
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(super) async fn remove_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let objects = &input.delete.objects;
        if objects.is_empty() || objects.len() > 1000 {
            return Err(s3_error!(
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            ));
        }
        for object in objects {
            check_version(object.version_id.as_deref())?;
            if object.e_tag.is_some() || object.size.is_some() || object.last_modified_time.is_some() {
                return Err(not_offered("conditions on single objects", "DeleteObjects"));
            }
        }
        let keys = objects.iter().map(|object| object.key.as_str());
        self.s3.delete(&caller.scope.account, &input.bucket, keys, None).await?;
        let deleted = objects
            .iter()
            .map(|object| DeletedObject { key: Some(object.key.clone()), ..DeletedObject::default() })
            .collect();
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (input.delete.quiet != Some(true)).then_some(deleted),
            ..DeleteObjectsOutput::default()
        }))
    }
}

fn check_read(version: Option<&str>, part: Option<i32>, customer_key: bool, operation: &str) -> S3Result<()> {
    check_version(version)?;
    if part.is_some() {
        return Err(not_offered("partNumber", operation));
    }
    if customer_key {
        return Err(not_offered("encryption with other keys than S3's own", operation));
    }
    Ok(())
}

/// The first byte and the length to send, and the `Content-Range` if it is not the whole.
fn stretch(range: Option<&Range>, size: u64) -> S3Result<(u64, u64, Option<String>)> {
    let Some(range) = range else { return Ok((0, size, None)) };
    match range.check(size) {
        Ok(bytes) => {
            let content_range = format!("bytes {}-{}/{size}", bytes.start, bytes.end.saturating_sub(1));
            Ok((bytes.start, bytes.end - bytes.start, Some(content_range)))
        }
        Err(_) => {
            let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                headers.insert(http::header::CONTENT_RANGE, value);
            }
            error.set_headers(headers);
            Err(error)
        }
    }
}

fn content_type(content_type: Option<String>) -> String {
    content_type.unwrap_or_else(|| "binary/octet-stream".to_owned())
}
