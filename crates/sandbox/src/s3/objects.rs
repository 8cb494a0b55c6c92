//! Objects: what is kept of them, and how one is stored, found and removed.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use s3s::dto::{ETagCondition, StreamingBlob, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Sqlite, Transaction};
use time::OffsetDateTime;

use super::S3;
use super::buckets::{no_such_bucket, now_ms};
use super::checksums::{BodyHasher, Checksums, Expected};
use super::conditions::{matches, precondition_failed};
use super::files::{StagedFile, quota_exceeded};
use crate::{AccountId, AwsError};

/// What one account may hold in all its buckets, uploads under way included.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;
const MAX_OBJECTS: i64 = 100_000;
/// The bytes that the names and values of user metadata may have together.
const MAX_METADATA: usize = 2048;

/// What a client sets on an object and gets back with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// An object but for its name and body.
#[derive(Clone, Debug)]
pub(super) struct StoredObject {
    pub size: i64,
    /// Without quotes.
    pub etag: String,
    pub attributes: Attributes,
    pub checksums: Checksums,
}

/// An object as it was found.
#[derive(Clone, Debug)]
pub(super) struct FoundObject {
    pub file: String,
    pub modified: OffsetDateTime,
    pub stored: StoredObject,
}

/// A body that has come in whole, with what its client expected of it.
pub(super) struct ReceivedBody {
    pub file: StagedFile,
    pub md5: [u8; 16],
    pub checksums: Checksums,
}

/// What must hold of the object that a write replaces.
pub(super) enum Precondition<'a> {
    None,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match`
    Matches(&'a ETagCondition),
}

#[derive(FromRow)]
struct ObjectRow {
    file: String,
    size: i64,
    etag: String,
    attributes: String,
    checksums: String,
    modified_ms: i64,
}

impl Attributes {
    /// `MetadataTooLarge` if the user metadata is more than S3 takes.
    pub(super) fn check(&self) -> Result<(), AwsError> {
        let size: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > MAX_METADATA {
            return Err(AwsError::client(
                "MetadataTooLarge",
                "Your metadata headers exceed the maximum allowed metadata size",
            ));
        }
        Ok(())
    }

    pub(super) fn expires_timestamp(&self) -> Option<Timestamp> {
        self.expires.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()).map(Timestamp::from)
    }
}

impl S3 {
    /// The bytes that an account may yet store.
    pub(super) async fn room(&self, account: &AccountId) -> Result<u64, AwsError> {
        let used: Option<i64> = sqlx::query_scalar("SELECT bytes FROM object_usage WHERE account_id = ?")
            .bind(account.as_str())
            .fetch_optional(self.database.read())
            .await?;
        Ok(MAX_BYTES.saturating_sub(u64::try_from(used.unwrap_or(0)).unwrap_or(0)))
    }

    /// Writes a body to disk as it comes in, and compares it with what its client expected.
    pub(super) async fn receive(
        &self,
        account: &AccountId,
        body: Option<StreamingBlob>,
        expected: Expected,
    ) -> Result<ReceivedBody, AwsError> {
        let mut hasher = BodyHasher::new(expected)?;
        let mut writer = self.files.create(account, self.room(account).await?).await?;
        if let Some(mut body) = body {
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map_err(|error| broken_body(&*error))?;
                hasher.update(&chunk);
                writer.write(&chunk).await?;
            }
        }
        let (md5, checksums) = hasher.finish()?;
        Ok(ReceivedBody { file: writer.finish().await?, md5, checksums })
    }

    /// Makes a body an object, in place of the one of that name, whose file is given back to be removed after the commit.
    #[expect(clippy::too_many_arguments, reason = "an object is all of this")]
    pub(super) async fn put(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        account: &AccountId,
        bucket: &str,
        key: &str,
        file: &str,
        object: &StoredObject,
        precondition: &Precondition<'_>,
    ) -> Result<Option<String>, AwsError> {
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM bucket WHERE account_id = ? AND bucket = ?)")
                .bind(account.as_str())
                .bind(bucket)
                .fetch_one(&mut **transaction)
                .await?;
        if !exists {
            return Err(no_such_bucket());
        }
        let replaced: Option<(String, String)> =
            sqlx::query_as("SELECT file, etag FROM object WHERE account_id = ? AND bucket = ? AND key = ?")
                .bind(account.as_str())
                .bind(bucket)
                .bind(key.as_bytes())
                .fetch_optional(&mut **transaction)
                .await?;
        match (precondition, &replaced) {
            (Precondition::Absent, Some(_)) => return Err(precondition_failed()),
            (Precondition::Matches(_), None) => return Err(no_such_key()),
            (Precondition::Matches(condition), Some((_, etag))) if !matches(condition, etag) => {
                return Err(precondition_failed());
            }
            _ => {}
        }
        sqlx::query(
            "INSERT INTO object (account_id, bucket, key, file, size, etag, attributes, checksums, modified_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET file = excluded.file, size = excluded.size, \
             etag = excluded.etag, attributes = excluded.attributes, checksums = excluded.checksums, \
             modified_ms = excluded.modified_ms",
        )
        .bind(account.as_str())
        .bind(bucket)
        .bind(key.as_bytes())
        .bind(file)
        .bind(object.size)
        .bind(&object.etag)
        .bind(to_json(&object.attributes)?)
        .bind(to_json(&object.checksums)?)
        .bind(now_ms())
        .execute(&mut **transaction)
        .await?;
        let (objects, bytes): (i64, i64) =
            sqlx::query_as("SELECT objects, bytes FROM object_usage WHERE account_id = ?")
                .bind(account.as_str())
                .fetch_one(&mut **transaction)
                .await?;
        if objects > MAX_OBJECTS || u64::try_from(bytes).unwrap_or(0) > MAX_BYTES {
            return Err(quota_exceeded());
        }
        Ok(replaced.map(|(file, _)| file))
    }

    /// The same in a transaction of its own: once this returns, the object is there for good.
    pub(super) async fn put_alone(
        &self,
        account: &AccountId,
        bucket: &str,
        key: &str,
        file: StagedFile,
        object: &StoredObject,
        precondition: &Precondition<'_>,
    ) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        let replaced = self.put(&mut transaction, account, bucket, key, file.name(), object, precondition).await?;
        transaction.commit().await?;
        file.keep();
        if let Some(replaced) = replaced {
            self.files.remove(account, &replaced).await;
        }
        Ok(())
    }

    /// An object, or `NoSuchKey`.
    pub(super) async fn get(&self, account: &AccountId, bucket: &str, key: &str) -> Result<FoundObject, AwsError> {
        let row: Option<ObjectRow> = sqlx::query_as(
            "SELECT file, size, etag, attributes, checksums, modified_ms FROM object \
             WHERE account_id = ? AND bucket = ? AND key = ?",
        )
        .bind(account.as_str())
        .bind(bucket)
        .bind(key.as_bytes())
        .fetch_optional(self.database.read())
        .await?;
        let row = row.ok_or_else(no_such_key)?;
        Ok(FoundObject {
            file: row.file,
            modified: whole_second(row.modified_ms)?,
            stored: StoredObject {
                size: row.size,
                etag: row.etag,
                attributes: serde_json::from_str(&row.attributes).map_err(AwsError::internal)?,
                checksums: serde_json::from_str(&row.checksums).map_err(AwsError::internal)?,
            },
        })
    }

    /// Removes objects; those that are not there count as removed.
    pub(super) async fn delete(
        &self,
        account: &AccountId,
        bucket: &str,
        keys: impl Iterator<Item = &str>,
        condition: Option<&ETagCondition>,
    ) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        let mut files = Vec::new();
        for key in keys {
            let removed: Option<(String, String)> = sqlx::query_as(
                "DELETE FROM object WHERE account_id = ? AND bucket = ? AND key = ? RETURNING file, etag",
            )
            .bind(account.as_str())
            .bind(bucket)
            .bind(key.as_bytes())
            .fetch_optional(&mut *transaction)
            .await?;
            match (removed, condition) {
                (None, Some(_)) => return Err(no_such_key()),
                (Some((_, etag)), Some(condition)) if !matches(condition, &etag) => return Err(precondition_failed()),
                (removed, _) => files.extend(removed.map(|(file, _)| file)),
            }
        }
        transaction.commit().await?;
        for file in files {
            self.files.remove(account, &file).await;
        }
        Ok(())
    }
}

/// `QuotaExceeded` unless `size` bytes fit into `room`.
pub(super) fn quota_check(size: u64, room: u64) -> Result<(), AwsError> {
    if size > room { Err(quota_exceeded()) } else { Ok(()) }
}

/// S3 tells times of objects in whole seconds.
pub(super) fn whole_second(ms: i64) -> Result<OffsetDateTime, AwsError> {
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).map_err(AwsError::internal)
}

pub(super) fn no_such_key() -> AwsError {
    AwsError::client("NoSuchKey", "The specified key does not exist.").with_status(404)
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, AwsError> {
    serde_json::to_string(value).map_err(AwsError::internal)
}

/// A body that ended in an error. `s3s` checks hashes and chunk signatures as the body streams by, and its errors for that
/// have no public type, so that they are known by their text.
fn broken_body(error: &(dyn std::error::Error + Send + Sync)) -> AwsError {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        AwsError::client(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    } else if text.contains("SignatureMismatch") {
        AwsError::client(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing \
             method.",
        )
        .with_status(403)
    } else {
        AwsError::client(
            "IncompleteBody",
            "The request body terminated unexpectedly or does not have the length or form that its headers declare",
        )
    }
}
