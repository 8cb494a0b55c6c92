//! The operations of S3, from `s3s`'s shapes to the buckets and objects and back. What is not here is answered with
//! `NotImplemented` by `s3s`, which names the operation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tokio_util::io::ReaderStream;

use super::S3;
use super::buckets::{BucketRow, no_such_bucket};
use super::checksums::{Checksums, Expected};
use super::conditions::{ReadConditions, strong};
use super::listing::{Entry, Listing, Start};
use super::objects::{Attributes, FoundObject, Precondition, StoredObject, whole_second};
use crate::{AwsError, Caller, Region};

/// Bytes that are read from a body at once.
const READ_BUFFER: usize = 64 * 1024;
/// What S3 leaves as it is when a listing is to be percent-encoded.
const URL_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');
const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// Answers S3 operations.
pub(super) struct Operations {
    pub s3: S3,
}

impl Operations {
    /// The bucket of a request, which must be of the caller's region and of the account that the client expects.
    pub(super) async fn bucket<T>(
        &self,
        request: &S3Request<T>,
        bucket: &str,
        expected_owner: Option<&str>,
    ) -> S3Result<(Caller, BucketRow)> {
        let caller = caller(request)?;
        let row = self.s3.find_bucket(&caller.scope.account, bucket).await?.ok_or_else(no_such_bucket)?;
        if expected_owner.is_some_and(|owner| owner != caller.scope.account.as_str()) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        if row.region != caller.scope.region.as_str() {
            let mut error = s3_error!(
                PermanentRedirect,
                "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all \
                 future requests to this endpoint."
            );
            error.set_headers(region_header(&row.region));
            return Err(error);
        }
        Ok((caller, row))
    }
}

#[async_trait::async_trait]
impl s3s::S3 for Operations {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let caller = caller(&req)?;
        let input = req.input;
        if input.object_lock_enabled_for_bucket == Some(true) {
            return Err(not_offered("ObjectLockEnabledForBucket", "CreateBucket"));
        }
        if input.object_ownership.as_ref().is_some_and(|o| o.as_str() != ObjectOwnership::BUCKET_OWNER_ENFORCED) {
            return Err(not_offered("ObjectOwnership", "CreateBucket"));
        }
        let private = input.acl.as_ref().is_none_or(|acl| acl.as_str() == BucketCannedACL::PRIVATE);
        let granted = [&input.grant_full_control, &input.grant_read, &input.grant_read_acp, &input.grant_write_acp];
        if !private || input.grant_write.is_some() || granted.iter().any(|grant| grant.is_some()) {
            return Err(s3_error!(
                InvalidBucketAclWithObjectOwnership,
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
            ));
        }
        let configuration = input.create_bucket_configuration.unwrap_or_default();
        if configuration.bucket.is_some() || configuration.location.is_some() {
            return Err(not_offered("CreateBucketConfiguration.Bucket (directory buckets)", "CreateBucket"));
        }
        let constraint = configuration.location_constraint.filter(|constraint| !constraint.as_str().is_empty());
        let region = bucket_region(&caller.scope.region, constraint.as_ref().map(BucketLocationConstraint::as_str))?;
        self.s3.create_bucket(&caller.scope.account, &input.bucket, &region).await?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) }))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        let (_, bucket) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(bucket.region),
            access_point_alias: Some(false),
            ..HeadBucketOutput::default()
        }))
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let caller = caller(&req)?;
        let input = req.input;
        let max = input.max_buckets.unwrap_or(10_000);
        if !(1..=10_000).contains(&max) {
            return Err(s3_error!(InvalidArgument, "Argument max-buckets must be an integer between 1 and 10000"));
        }
        let after = input.continuation_token.as_deref().map(read_token).transpose()?;
        let all = self.s3.buckets(&caller.scope.account).await?;
        let mut rest = all
            .into_iter()
            .filter(|bucket| input.prefix.as_ref().is_none_or(|prefix| bucket.bucket.starts_with(prefix.as_str())))
            .filter(|bucket| input.bucket_region.as_ref().is_none_or(|region| bucket.region == *region))
            .filter(|bucket| after.as_ref().is_none_or(|after| bucket.bucket.as_bytes() > after.as_slice()))
            .peekable();
        let page: Vec<BucketRow> = rest.by_ref().take(usize::try_from(max).unwrap_or(0)).collect();
        let token = rest.peek().and_then(|_| page.last()).map(|last| URL_SAFE_NO_PAD.encode(&last.bucket));
        let paged = input.max_buckets.is_some() || input.prefix.is_some() || input.bucket_region.is_some();
        let mut buckets = Vec::with_capacity(page.len());
        for bucket in page {
            buckets.push(Bucket {
                creation_date: Some(whole_second(bucket.created_ms)?.into()),
                bucket_region: paged.then_some(bucket.region),
                name: Some(bucket.bucket),
            });
        }
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(owner(&caller)),
            continuation_token: token,
            prefix: input.prefix,
        }))
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        let (caller, bucket) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        self.s3.delete_bucket(&caller.scope.account, &bucket.bucket).await?;
        let mut response = S3Response::new(DeleteBucketOutput {});
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        // Unlike the others, this operation is answered from any region: it is how a client finds the right one.
        let caller = caller(&req)?;
        let bucket = self.s3.find_bucket(&caller.scope.account, &req.input.bucket).await?.ok_or_else(no_such_bucket)?;
        if req.input.expected_bucket_owner.is_some_and(|owner| owner != caller.scope.account.as_str()) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let constraint = (bucket.region != "us-east-1").then(|| BucketLocationConstraint::from(bucket.region));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: constraint }))
    }

    async fn put_object(&self, mut req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let body = req.input.body.take();
        let (caller, _) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        let account = &caller.scope.account;
        let input = &req.input;
        refuse_unheeded(&Unheeded {
            operation: "PutObject",
            acl: input.acl.as_ref().map(ObjectCannedACL::as_str),
            grants: input.grant_full_control.is_some()
                || input.grant_read.is_some()
                || input.grant_read_acp.is_some()
                || input.grant_write_acp.is_some(),
            lock: input.object_lock_mode.is_some()
                || input.object_lock_legal_hold_status.is_some()
                || input.object_lock_retain_until_date.is_some(),
            encryption: input.server_side_encryption.as_ref().map(ServerSideEncryption::as_str),
            customer_key: input.sse_customer_key.is_some() || input.sse_customer_algorithm.is_some(),
            storage_class: input.storage_class.as_ref().map(StorageClass::as_str),
            tagging: input.tagging.is_some(),
            redirect: input.website_redirect_location.is_some(),
        })?;
        if input.write_offset_bytes.is_some() {
            return Err(not_offered("WriteOffsetBytes", "PutObject"));
        }
        let attributes = Attributes {
            content_type: input.content_type.clone(),
            content_encoding: content_encoding(input.content_encoding.as_deref()),
            content_disposition: input.content_disposition.clone(),
            content_language: input.content_language.clone(),
            cache_control: input.cache_control.clone(),
            expires: input.expires.clone().map(|time| OffsetDateTime::from(time).unix_timestamp()),
            metadata: input.metadata.clone().unwrap_or_default().into_iter().collect(),
        };
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
        let given = Checksums {
            crc32: input.checksum_crc32.clone(),
            crc32c: input.checksum_crc32c.clone(),
            crc64nvme: input.checksum_crc64nvme.clone(),
            sha1: input.checksum_sha1.clone(),
            sha256: input.checksum_sha256.clone(),
            composite: false,
        };
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

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
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

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
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

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
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

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
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

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let max = max_keys(input.max_keys)?;
        let url = url_encoding(input.encoding_type.as_ref())?;
        let listing = Listing {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            from: match input.marker.as_deref().filter(|marker| !marker.is_empty()) {
                Some(marker) => Start::After(marker.to_owned()),
                None => Start::Beginning,
            },
            max: usize::try_from(max).unwrap_or(0),
        };
        let listed = self.s3.list(&caller.scope.account, &input.bucket, &listing).await?;
        // Without a delimiter the next marker is the last key, which AWS leaves to the client.
        let next_marker = (listed.next.is_some() && input.delimiter.is_some())
            .then(|| listed.entries.last().map(Entry::name))
            .flatten();
        let truncated = listed.next.is_some();
        let (contents, common_prefixes) = contents(listed.entries, url, Some(&owner(&caller)))?;
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket.clone()),
            prefix: Some(encode(input.prefix.clone().unwrap_or_default(), url)),
            marker: Some(encode(input.marker.clone().unwrap_or_default(), url)),
            max_keys: Some(max),
            is_truncated: Some(truncated),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: input.delimiter.clone().map(|delimiter| encode(delimiter, url)),
            next_marker: next_marker.map(|marker| encode(marker, url)),
            encoding_type: input.encoding_type.clone(),
            request_charged: None,
        }))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let max = max_keys(input.max_keys)?;
        let url = url_encoding(input.encoding_type.as_ref())?;
        let start_after = input.start_after.as_deref().filter(|key| !key.is_empty());
        let listing = Listing {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            from: match (input.continuation_token.as_deref(), start_after) {
                (Some(token), _) => Start::At(read_token(token)?),
                (None, Some(key)) => Start::After(key.to_owned()),
                (None, None) => Start::Beginning,
            },
            max: usize::try_from(max).unwrap_or(0),
        };
        let listed = self.s3.list(&caller.scope.account, &input.bucket, &listing).await?;
        let key_count = i32::try_from(listed.entries.len()).map_err(AwsError::internal)?;
        let owner = (input.fetch_owner == Some(true)).then(|| owner(&caller));
        let (contents, common_prefixes) = contents(listed.entries, url, owner.as_ref())?;
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket.clone()),
            prefix: Some(encode(input.prefix.clone().unwrap_or_default(), url)),
            max_keys: Some(max),
            key_count: Some(key_count),
            continuation_token: input.continuation_token.clone(),
            is_truncated: Some(listed.next.is_some()),
            next_continuation_token: listed.next.map(|next| URL_SAFE_NO_PAD.encode(next)),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: input.delimiter.clone().map(|delimiter| encode(delimiter, url)),
            encoding_type: input.encoding_type.clone(),
            start_after: input.start_after.clone().map(|key| encode(key, url)),
            request_charged: None,
        }))
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        self.copy(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.begin_upload(req).await
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.receive_part(req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.parts_of_upload(req).await
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        self.uploads_of_bucket(req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.end_upload(req).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.drop_upload(req).await
    }
}

/// Parameters of a write that the sandbox does not heed, so that it must refuse them.
pub(super) struct Unheeded<'a> {
    pub operation: &'static str,
    pub acl: Option<&'a str>,
    pub grants: bool,
    pub lock: bool,
    pub encryption: Option<&'a str>,
    pub customer_key: bool,
    pub storage_class: Option<&'a str>,
    pub tagging: bool,
    pub redirect: bool,
}

pub(super) fn refuse_unheeded(parameters: &Unheeded<'_>) -> S3Result<()> {
    if parameters.grants || parameters.acl.is_some_and(|acl| acl != "bucket-owner-full-control") {
        return Err(s3_error!(AccessControlListNotSupported, "The bucket does not allow ACLs"));
    }
    if parameters.lock {
        return Err(s3_error!(InvalidRequest, "Bucket is missing Object Lock Configuration"));
    }
    let unheeded = if parameters.customer_key || parameters.encryption.is_some_and(|kind| kind != "AES256") {
        "encryption with other keys than S3's own"
    } else if parameters.storage_class.is_some_and(|class| class != StorageClass::STANDARD) {
        "storage classes other than STANDARD"
    } else if parameters.tagging {
        "tags"
    } else if parameters.redirect {
        "redirects of websites"
    } else {
        return Ok(());
    };
    Err(not_offered(unheeded, parameters.operation))
}

pub(super) fn caller<T>(request: &S3Request<T>) -> S3Result<Caller> {
    request.extensions.get::<Caller>().cloned().ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))
}

pub(super) fn not_offered(what: &str, operation: &str) -> S3Error {
    S3Error::with_message(
        S3ErrorCode::NotImplemented,
        format!(
            "A header you provided implies functionality that is not implemented: the sandbox does not offer {what} in {operation}."
        ),
    )
}

/// The canonical user id of an account: made of the account id, since it says no more.
pub(super) fn owner(caller: &Caller) -> Owner {
    let digest = Sha256::digest(format!("canonical user {}", caller.scope.account));
    Owner { id: Some(hex::encode(digest)), display_name: None }
}

/// S3 encrypts every object with keys of its own and says so.
pub(super) fn encryption() -> ServerSideEncryption {
    ServerSideEncryption::from_static(ServerSideEncryption::AES256)
}

/// The encoding of the content itself: how it came over the wire is not kept.
pub(super) fn content_encoding(header: Option<&str>) -> Option<String> {
    let kept: Vec<&str> =
        header?.split(',').map(str::trim).filter(|coding| !coding.is_empty() && *coding != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// The sandbox keeps one version of an object, which S3 names `null`.
pub(super) fn check_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null") => Ok(()),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid version id specified")),
    }
}

/// Reads a token that this sandbox wrote.
pub(super) fn read_token(token: &str) -> S3Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

fn content_type(content_type: Option<String>) -> String {
    content_type.unwrap_or_else(|| "binary/octet-stream".to_owned())
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

/// Where a bucket goes, by the region of the request and the location constraint, as S3's regional endpoints have it.
fn bucket_region(endpoint: &Region, constraint: Option<&str>) -> S3Result<Region> {
    let constraint = constraint.map(|constraint| if constraint == "EU" { "eu-west-1" } else { constraint });
    match constraint {
        None if endpoint.as_str() == "us-east-1" => Ok(endpoint.clone()),
        None => Err(s3_error!(
            IllegalLocationConstraintException,
            "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."
        )),
        Some(constraint) if constraint == endpoint.as_str() && constraint != "us-east-1" => Ok(endpoint.clone()),
        // The endpoint of us-east-1 makes buckets in every region but, by name, its own.
        Some(constraint) if endpoint.as_str() == "us-east-1" && constraint != "us-east-1" => constraint
            .parse()
            .map_err(|_| s3_error!(InvalidLocationConstraint, "The specified location-constraint is not valid")),
        Some("us-east-1") if endpoint.as_str() == "us-east-1" => {
            Err(s3_error!(InvalidLocationConstraint, "The specified location-constraint is not valid"))
        }
        Some(constraint) => Err(s3_error!(
            IllegalLocationConstraintException,
            "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
            constraint
        )),
    }
}

fn region_header(region: &str) -> HeaderMap {
    HeaderValue::from_str(region).map(|region| HeaderMap::from_iter([(BUCKET_REGION, region)])).unwrap_or_default()
}

fn max_keys(max: Option<i32>) -> S3Result<i32> {
    match max.unwrap_or(1000) {
        max if max < 0 => {
            Err(s3_error!(InvalidArgument, "Argument maxKeys must be an integer between 0 and 2147483647"))
        }
        max => Ok(max.min(1000)),
    }
}

fn url_encoding(encoding: Option<&EncodingType>) -> S3Result<bool> {
    match encoding.map(EncodingType::as_str) {
        None | Some("") => Ok(false),
        Some(EncodingType::URL) => Ok(true),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
    }
}

fn encode(text: String, url: bool) -> String {
    if url { utf8_percent_encode(&text, URL_ESCAPES).to_string() } else { text }
}

fn contents(entries: Vec<Entry>, url: bool, owner: Option<&Owner>) -> S3Result<(Vec<Object>, Vec<CommonPrefix>)> {
    let mut contents = Vec::new();
    let mut common_prefixes = Vec::new();
    for entry in entries {
        match entry {
            Entry::CommonPrefix(prefix) => common_prefixes.push(CommonPrefix { prefix: Some(encode(prefix, url)) }),
            Entry::Object(object) => {
                let checksums: Checksums = serde_json::from_str(&object.checksums).map_err(AwsError::internal)?;
                let algorithms: Vec<ChecksumAlgorithm> = super::checksums::ALGORITHMS
                    .into_iter()
                    .filter(|algorithm| checksums.get(algorithm).is_some())
                    .map(|algorithm| ChecksumAlgorithm::from(algorithm.to_uppercase()))
                    .collect();
                contents.push(Object {
                    key: Some(encode(object.key(), url)),
                    last_modified: Some(whole_second(object.modified_ms)?.into()),
                    e_tag: Some(strong(&object.etag)),
                    size: Some(object.size),
                    storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                    owner: owner.cloned(),
                    checksum_type: checksums.to_dto().checksum_type,
                    checksum_algorithm: (!algorithms.is_empty()).then_some(algorithms),
                    restore_status: None,
                });
            }
        }
    }
    Ok((contents, common_prefixes))
}
