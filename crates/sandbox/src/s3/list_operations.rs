//! S3 `ListObjects` and `ListObjectsV2`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::checksums::{ALGORITHMS, Checksums};
use super::conditions::strong;
use super::listing::{Entry, Listing, Start};
use super::objects::whole_second;
use super::operations::Operations;
use super::parameters::{owner, read_token};
use crate::AwsError;

/// What S3 leaves as it is when a listing is to be percent-encoded.
const URL_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

impl Operations {
    pub(super) async fn keys_by_marker(
        &self,
        req: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
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

    pub(super) async fn keys_by_token(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
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
                let algorithms: Vec<ChecksumAlgorithm> = ALGORITHMS
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
