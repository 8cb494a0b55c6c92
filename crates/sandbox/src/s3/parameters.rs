//! What requests of several operations have in common.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{Owner, ServerSideEncryption, StorageClass};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};
use sha2::{Digest as _, Sha256};

use crate::Caller;

// The inputs of operations that write objects have the same fields but no type in common, hence macros.

/// The attributes of the object that a request writes.
macro_rules! attributes_of {
    ($input:expr) => {
        $crate::s3::objects::Attributes {
            content_type: $input.content_type.clone(),
            content_encoding: $crate::s3::parameters::content_encoding($input.content_encoding.as_deref()),
            content_disposition: $input.content_disposition.clone(),
            content_language: $input.content_language.clone(),
            cache_control: $input.cache_control.clone(),
            expires: $input.expires.clone().map(|time| time::OffsetDateTime::from(time).unix_timestamp()),
            metadata: $input.metadata.clone().unwrap_or_default().into_iter().collect(),
        }
    };
}

/// The checksums in the headers of a request.
macro_rules! checksums_of {
    ($input:expr) => {
        $crate::s3::checksums::Checksums {
            crc32: $input.checksum_crc32.clone(),
            crc32c: $input.checksum_crc32c.clone(),
            crc64nvme: $input.checksum_crc64nvme.clone(),
            sha1: $input.checksum_sha1.clone(),
            sha256: $input.checksum_sha256.clone(),
            composite: false,
        }
    };
}

/// The parameters of a request that must be refused if they are there.
macro_rules! unheeded_of {
    ($operation:literal, $input:expr) => {
        $crate::s3::parameters::Unheeded {
            operation: $operation,
            acl: $input.acl.as_ref().map(s3s::dto::ObjectCannedACL::as_str),
            grants: $input.grant_full_control.is_some()
                || $input.grant_read.is_some()
                || $input.grant_read_acp.is_some()
                || $input.grant_write_acp.is_some(),
            lock: $input.object_lock_mode.is_some()
                || $input.object_lock_legal_hold_status.is_some()
                || $input.object_lock_retain_until_date.is_some(),
            encryption: $input.server_side_encryption.as_ref().map(s3s::dto::ServerSideEncryption::as_str),
            customer_key: $input.sse_customer_key.is_some() || $input.sse_customer_algorithm.is_some(),
            storage_class: $input.storage_class.as_ref().map(s3s::dto::StorageClass::as_str),
            tagging: $input.tagging.is_some(),
            redirect: $input.website_redirect_location.is_some(),
        }
    };
}

pub(super) use {attributes_of, checksums_of, unheeded_of};

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

/// Refuses what a write asks for beyond what is heeded here, with the code that S3 has for it where it has one.
pub(super) fn refuse_unheeded(parameters: &Unheeded<'_>) -> S3Result<()> {
    // Both say that the object is the account's own, as every object is.
    let own = ["private", "bucket-owner-full-control"];
    if parameters.grants || parameters.acl.is_some_and(|acl| !own.contains(&acl)) {
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

/// Who calls: the front door has put it there.
pub(super) fn caller<T>(request: &S3Request<T>) -> S3Result<Caller> {
    request.extensions.get::<Caller>().cloned().ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))
}

/// `NotImplemented`, as S3 words it, with what and where.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acls_that_give_nothing_away_are_taken() {
        let with = |acl| {
            let parameters = Unheeded {
                operation: "PutObject",
                acl: Some(acl),
                grants: false,
                lock: false,
                encryption: None,
                customer_key: false,
                storage_class: None,
                tagging: false,
                redirect: false,
            };
            refuse_unheeded(&parameters)
        };
        for acl in ["private", "bucket-owner-full-control"] {
            assert!(with(acl).is_ok(), "{acl}");
        }
        for acl in ["public-read", "authenticated-read", "bucket-owner-read"] {
            assert_eq!(*with(acl).unwrap_err().code(), S3ErrorCode::AccessControlListNotSupported, "{acl}");
        }
    }
}
