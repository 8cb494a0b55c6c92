//! Conditional reads, by ETag and by time, in the order of precedence that S3 documents for `GetObject`.

use s3s::dto::{ETag, ETagCondition, Timestamp};
use time::OffsetDateTime;

use crate::AwsError;

/// The conditions of a read.
pub(super) struct ReadConditions<'a> {
    pub if_match: Option<&'a ETagCondition>,
    pub if_none_match: Option<&'a ETagCondition>,
    pub if_modified_since: Option<&'a Timestamp>,
    pub if_unmodified_since: Option<&'a Timestamp>,
}

impl ReadConditions<'_> {
    /// `PreconditionFailed` (412) or `NotModified` (304) unless the object is as the client wants it.
    pub(super) fn check(&self, etag: &str, modified: OffsetDateTime) -> Result<(), AwsError> {
        let since = |timestamp: &Timestamp| OffsetDateTime::from(timestamp.clone());
        // An If-Match that holds makes If-Unmodified-Since moot, an If-None-Match that is there If-Modified-Since.
        if let Some(condition) = self.if_match {
            if !matches(condition, etag) {
                return Err(precondition_failed());
            }
        } else if self.if_unmodified_since.is_some_and(|timestamp| modified > since(timestamp)) {
            return Err(precondition_failed());
        }
        let unmodified = match self.if_none_match {
            Some(condition) => matches(condition, etag),
            None => self.if_modified_since.is_some_and(|timestamp| modified <= since(timestamp)),
        };
        if unmodified {
            return Err(AwsError::client("NotModified", "Not Modified").with_status(304));
        }
        Ok(())
    }
}

/// Whether a condition names this ETag.
pub(super) fn matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.value() == etag,
    }
}

pub(super) fn precondition_failed() -> AwsError {
    AwsError::client("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        .with_status(412)
}

/// An ETag as answers carry it.
pub(super) fn strong(etag: &str) -> ETag {
    ETag::Strong(etag.to_owned())
}
