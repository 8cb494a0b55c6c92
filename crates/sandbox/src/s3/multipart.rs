//! Multipart uploads: parts are bodies of their own until the upload is completed, when they are joined to one.

use std::collections::BTreeMap;

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::checksums::{ALGORITHMS, Expected, bad_digest, hasher};
use super::conditions::strong;
use super::objects::{Precondition, whole_second};
use super::operations::Operations;
use super::parameters::{attributes_of, checksums_of, encryption, not_offered, owner, refuse_unheeded, unheeded_of};
use super::uploads::{PartRow, UploadRow, delete_upload, no_such_upload};
use crate::{AwsError, Caller};

/// Every part but the last has at least this many bytes.
const MIN_PART: i64 = 5 * 1024 * 1024;
const MAX_PART_NUMBER: i32 = 10_000;

impl Operations {
    pub(super) async fn begin_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        refuse_unheeded(&unheeded_of!("CreateMultipartUpload", input))?;
        let attributes = attributes_of!(input);
        attributes.check()?;
        let checksum_type = upload_checksum_type(input.checksum_algorithm.as_ref(), input.checksum_type.as_ref())?;
        let algorithm = input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str);
        let row = UploadRow::new(&input.key, &attributes, algorithm, checksum_type)?;
        self.s3.create_upload(&caller.scope.account, &input.bucket, &row).await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(row.upload_id),
            checksum_algorithm: input.checksum_algorithm.clone(),
            checksum_type: checksum_type.map(ChecksumType::from_static),
            server_side_encryption: Some(encryption()),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn receive_part(
        &self,
        mut req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let body = req.input.body.take();
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let account = &caller.scope.account;
        if input.sse_customer_key.is_some() {
            return Err(not_offered("encryption with other keys than S3's own", "UploadPart"));
        }
        if !(1..=MAX_PART_NUMBER).contains(&input.part_number) {
            return Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"));
        }
        let upload = self.s3.upload(account, &input.bucket, &input.key, &input.upload_id).await?;
        let given = checksums_of!(input);
        let mut expected = Expected::new(
            given,
            input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str),
            input.content_md5.clone(),
            &req.headers,
            req.trailing_headers.clone(),
        );
        // The checksum of the whole is made of those of the parts, so that each part needs one.
        expected.algorithms.extend(upload.algorithm());
        let received = self.s3.receive(account, body, expected).await?;
        let etag = hex::encode(received.md5);
        let size = i64::try_from(received.file.size()).map_err(AwsError::internal)?;
        let replaced = self.s3.keep_part(account, &upload.upload_id, input.part_number, &received, size, &etag).await?;
        received.file.keep();
        if let Some(replaced) = replaced {
            self.s3.files.remove(account, &replaced).await;
        }
        let checksum = received.checksums.to_dto();
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(strong(&etag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            server_side_encryption: Some(encryption()),
            ..UploadPartOutput::default()
        }))
    }

    pub(super) async fn parts_of_upload(
        &self,
        req: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let upload = self.s3.upload(&caller.scope.account, &input.bucket, &input.key, &input.upload_id).await?;
        let max = input.max_parts.unwrap_or(1000).clamp(0, 1000);
        let after = input.part_number_marker.unwrap_or(0);
        let mut rows = self.s3.parts(&upload.upload_id).await?;
        rows.retain(|part| part.part_number > after);
        let page = usize::try_from(max).unwrap_or(0);
        let truncated = rows.len() > page;
        rows.truncate(page);
        let next = rows.last().map_or(after, |part| part.part_number);
        let mut parts = Vec::with_capacity(rows.len());
        for row in rows {
            let checksum = row.checksums()?.to_dto();
            parts.push(Part {
                part_number: Some(row.part_number),
                size: Some(row.size),
                e_tag: Some(strong(&row.etag)),
                last_modified: Some(whole_second(row.modified_ms)?.into()),
                checksum_crc32: checksum.checksum_crc32,
                checksum_crc32c: checksum.checksum_crc32c,
                checksum_crc64nvme: checksum.checksum_crc64nvme,
                checksum_sha1: checksum.checksum_sha1,
                checksum_sha256: checksum.checksum_sha256,
            });
        }
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(upload.upload_id),
            max_parts: Some(max),
            part_number_marker: Some(after),
            next_part_number_marker: Some(next),
            is_truncated: Some(truncated),
            parts: Some(parts),
            initiator: Some(initiator(&caller)),
            owner: Some(owner(&caller)),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            checksum_algorithm: upload.checksum_algorithm.map(ChecksumAlgorithm::from),
            checksum_type: upload.checksum_type.map(ChecksumType::from),
            ..ListPartsOutput::default()
        }))
    }

    pub(super) async fn uploads_of_bucket(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        if input.delimiter.as_ref().is_some_and(|delimiter| !delimiter.is_empty()) {
            return Err(not_offered("a delimiter", "ListMultipartUploads"));
        }
        let max = input.max_uploads.unwrap_or(1000).clamp(0, 1000);
        let prefix = input.prefix.clone().unwrap_or_default();
        let mut rows: Vec<UploadRow> = sqlx::query_as(
            "SELECT upload_id, key, attributes, checksum_algorithm, checksum_type, created_ms FROM upload \
             WHERE account_id = ? AND bucket = ? ORDER BY key, upload_id",
        )
        .bind(caller.scope.account.as_str())
        .bind(&input.bucket)
        .fetch_all(self.s3.database.read())
        .await
        .map_err(AwsError::from)?;
        rows.retain(|row| row.key.starts_with(prefix.as_bytes()) && is_after(row, input));
        let page = usize::try_from(max).unwrap_or(0);
        let truncated = rows.len() > page;
        rows.truncate(page);
        let key = |row: &UploadRow| String::from_utf8_lossy(&row.key).into_owned();
        let next = rows.last().filter(|_| truncated).map(|row| (key(row), row.upload_id.clone()));
        let mut uploads = Vec::with_capacity(rows.len());
        for row in rows {
            uploads.push(MultipartUpload {
                key: Some(key(&row)),
                initiated: Some(whole_second(row.created_ms)?.into()),
                upload_id: Some(row.upload_id),
                checksum_algorithm: row.checksum_algorithm.map(ChecksumAlgorithm::from),
                checksum_type: row.checksum_type.map(ChecksumType::from),
                initiator: Some(initiator(&caller)),
                owner: Some(owner(&caller)),
                storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            });
        }
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket.clone()),
            prefix: input.prefix.clone(),
            key_marker: input.key_marker.clone(),
            upload_id_marker: input.upload_id_marker.clone(),
            next_key_marker: next.as_ref().map(|(key, _)| key.clone()),
            next_upload_id_marker: next.map(|(_, upload_id)| upload_id),
            max_uploads: Some(max),
            is_truncated: Some(truncated),
            uploads: Some(uploads),
            ..ListMultipartUploadsOutput::default()
        }))
    }

    pub(super) async fn end_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let account = &caller.scope.account;
        let upload = self.s3.upload(account, &input.bucket, &input.key, &input.upload_id).await?;
        let wanted = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref()).unwrap_or_default();
        let parts = choose_parts(wanted, self.s3.parts(&upload.upload_id).await?)?;
        let (file, stored) = self.s3.join(account, &upload, &parts).await?;
        if input.mpu_object_size.is_some_and(|size| size != stored.size) {
            return Err(s3_error!(InvalidRequest, "The object size you specified is not that of the parts together."));
        }
        let given = checksums_of!(input);
        for algorithm in ALGORITHMS {
            if let (Some(given), Some(made)) = (given.get(algorithm), stored.checksums.get(algorithm))
                && given != made
            {
                return Err(bad_digest(algorithm).into());
            }
        }
        let precondition = match (&input.if_none_match, &input.if_match) {
            (Some(_), _) => Precondition::Absent,
            (None, Some(condition)) => Precondition::Matches(condition),
            (None, None) => Precondition::None,
        };
        let mut transaction = self.s3.database.write().await.map_err(AwsError::from)?;
        let mut freed = delete_upload(&mut transaction, &upload.upload_id).await?.ok_or_else(no_such_upload)?;
        let replaced = self
            .s3
            .put(&mut transaction, account, &input.bucket, &input.key, file.name(), &stored, &precondition)
            .await?;
        transaction.commit().await.map_err(AwsError::from)?;
        file.keep();
        freed.extend(replaced);
        for name in freed {
            self.s3.files.remove(account, &name).await;
        }
        let checksum = stored.checksums.to_dto();
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            e_tag: Some(strong(&stored.etag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            server_side_encryption: Some(encryption()),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn drop_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = &req.input;
        let (caller, _) = self.bucket(&req, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let account = &caller.scope.account;
        let upload = self.s3.upload(account, &input.bucket, &input.key, &input.upload_id).await?;
        let mut transaction = self.s3.database.write().await.map_err(AwsError::from)?;
        let freed = delete_upload(&mut transaction, &upload.upload_id).await?.ok_or_else(no_such_upload)?;
        transaction.commit().await.map_err(AwsError::from)?;
        for name in freed {
            self.s3.files.remove(account, &name).await;
        }
        let mut response = S3Response::new(AbortMultipartUploadOutput::default());
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }
}

/// The parts that a client names, in its order, which must be that of their numbers.
fn choose_parts(wanted: &[CompletedPart], uploaded: Vec<PartRow>) -> S3Result<Vec<PartRow>> {
    if wanted.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    let mut uploaded: BTreeMap<i32, PartRow> = uploaded.into_iter().map(|part| (part.part_number, part)).collect();
    let mut chosen: Vec<PartRow> = Vec::with_capacity(wanted.len());
    for want in wanted {
        let number = want.part_number.unwrap_or(0);
        if chosen.last().is_some_and(|last| last.part_number >= number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. The parts list must be specified in order by part number."
            ));
        }
        let part = uploaded.remove(&number).filter(|part| {
            want.e_tag.as_ref().is_none_or(|etag| etag.value() == part.etag) && checksums_agree(want, part)
        });
        chosen.push(part.ok_or_else(|| {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found. The part might not have been uploaded, or the \
                 specified entity tag might not have matched the part's entity tag."
            )
        })?);
    }
    if chosen.iter().rev().skip(1).any(|part| part.size < MIN_PART) {
        return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
    }
    Ok(chosen)
}

fn checksums_agree(want: &CompletedPart, part: &PartRow) -> bool {
    let Ok(have) = part.checksums() else { return false };
    let pairs = [
        (&want.checksum_crc32, &have.crc32),
        (&want.checksum_crc32c, &have.crc32c),
        (&want.checksum_crc64nvme, &have.crc64nvme),
        (&want.checksum_sha1, &have.sha1),
        (&want.checksum_sha256, &have.sha256),
    ];
    pairs.iter().all(|(want, have)| want.is_none() || want == have)
}

/// How the checksum of the whole is made, which S3 decides by the algorithm if the client does not.
fn upload_checksum_type(
    algorithm: Option<&ChecksumAlgorithm>,
    wanted: Option<&ChecksumType>,
) -> S3Result<Option<&'static str>> {
    let Some(algorithm) = algorithm else {
        return match wanted {
            None => Ok(None),
            Some(_) => Err(s3_error!(InvalidRequest, "The x-amz-checksum-type header needs x-amz-checksum-algorithm.")),
        };
    };
    hasher(&[algorithm.as_str().to_lowercase().as_str()])?;
    let default = if algorithm.as_str() == ChecksumAlgorithm::CRC64NVME {
        ChecksumType::FULL_OBJECT
    } else {
        ChecksumType::COMPOSITE
    };
    let chosen = match wanted.map(ChecksumType::as_str) {
        None => default,
        Some(ChecksumType::COMPOSITE) => ChecksumType::COMPOSITE,
        Some(ChecksumType::FULL_OBJECT) => ChecksumType::FULL_OBJECT,
        Some(_) => return Err(s3_error!(InvalidRequest, "Value for x-amz-checksum-type header is invalid.")),
    };
    let is_sha = algorithm.as_str().starts_with("SHA");
    let is_crc64 = algorithm.as_str() == ChecksumAlgorithm::CRC64NVME;
    if (is_sha && chosen == ChecksumType::FULL_OBJECT) || (is_crc64 && chosen == ChecksumType::COMPOSITE) {
        return Err(s3_error!(
            InvalidRequest,
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            chosen,
            algorithm.as_str()
        ));
    }
    Ok(Some(chosen))
}

fn is_after(row: &UploadRow, input: &ListMultipartUploadsInput) -> bool {
    let Some(key_marker) = input.key_marker.as_deref().filter(|marker| !marker.is_empty()) else { return true };
    match row.key.as_slice().cmp(key_marker.as_bytes()) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => {
            input.upload_id_marker.as_deref().is_some_and(|marker| row.upload_id.as_str() > marker)
        }
    }
}

fn initiator(caller: &Caller) -> Initiator {
    Initiator { id: Some(caller.arn()), display_name: None }
}
