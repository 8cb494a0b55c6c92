//! Uploads under way and their parts: how they are kept and how parts become one body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::ChecksumType;
use sqlx::{FromRow, Sqlite, Transaction};
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::S3;
use super::buckets::{no_such_bucket, now_ms};
use super::checksums::{Checksums, hasher};
use super::files::{StagedFile, quota_exceeded};
use super::objects::{Attributes, ReceivedBody, StoredObject, to_json};
use crate::{AccountId, AwsError};

/// Uploads that an account may have under way.
const MAX_UPLOADS: i64 = 1000;
const COPY_BUFFER: usize = 256 * 1024;

#[derive(Debug, FromRow)]
pub(super) struct UploadRow {
    pub upload_id: String,
    pub key: Vec<u8>,
    pub attributes: String,
    pub checksum_algorithm: Option<String>,
    pub checksum_type: Option<String>,
    pub created_ms: i64,
}

#[derive(Debug, FromRow)]
pub(super) struct PartRow {
    pub part_number: i32,
    pub file: String,
    pub size: i64,
    pub etag: String,
    pub checksums: String,
    pub modified_ms: i64,
}

impl UploadRow {
    pub(super) fn new(
        key: &str,
        attributes: &Attributes,
        checksum_algorithm: Option<&str>,
        checksum_type: Option<&str>,
    ) -> Result<Self, AwsError> {
        Ok(Self {
            upload_id: Uuid::new_v4().simple().to_string(),
            key: key.as_bytes().to_vec(),
            attributes: to_json(attributes)?,
            checksum_algorithm: checksum_algorithm.map(str::to_owned),
            checksum_type: checksum_type.map(str::to_owned),
            created_ms: now_ms(),
        })
    }

    /// The algorithm in lower case, as headers have it.
    pub(super) fn algorithm(&self) -> Option<String> {
        self.checksum_algorithm.as_ref().map(|algorithm| algorithm.to_lowercase())
    }

    pub(super) fn is_composite(&self) -> bool {
        self.checksum_type.as_deref() == Some(ChecksumType::COMPOSITE)
    }
}

impl PartRow {
    pub(super) fn checksums(&self) -> Result<Checksums, AwsError> {
        serde_json::from_str(&self.checksums).map_err(AwsError::internal)
    }
}

impl S3 {
    /// Begins an upload. `QuotaExceeded` if the account has too many under way.
    pub(super) async fn create_upload(
        &self,
        account: &AccountId,
        bucket: &str,
        upload: &UploadRow,
    ) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM bucket WHERE account_id = ? AND bucket = ?)")
                .bind(account.as_str())
                .bind(bucket)
                .fetch_one(&mut *transaction)
                .await?;
        if !there {
            return Err(no_such_bucket());
        }
        let uploads: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM upload WHERE account_id = ?")
            .bind(account.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if uploads >= MAX_UPLOADS {
            return Err(quota_exceeded());
        }
        sqlx::query(
            "INSERT INTO upload (upload_id, account_id, bucket, key, attributes, checksum_algorithm, checksum_type, \
             created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&upload.upload_id)
        .bind(account.as_str())
        .bind(bucket)
        .bind(&upload.key)
        .bind(&upload.attributes)
        .bind(&upload.checksum_algorithm)
        .bind(&upload.checksum_type)
        .bind(upload.created_ms)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn upload(
        &self,
        account: &AccountId,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<UploadRow, AwsError> {
        let row: Option<UploadRow> = sqlx::query_as(
            "SELECT upload_id, key, attributes, checksum_algorithm, checksum_type, created_ms FROM upload \
             WHERE upload_id = ? AND account_id = ? AND bucket = ? AND key = ?",
        )
        .bind(id)
        .bind(account.as_str())
        .bind(bucket)
        .bind(key.as_bytes())
        .fetch_optional(self.database.read())
        .await?;
        row.ok_or_else(no_such_upload)
    }

    pub(super) async fn parts(&self, upload_id: &str) -> Result<Vec<PartRow>, AwsError> {
        Ok(sqlx::query_as(
            "SELECT part_number, file, size, etag, checksums, modified_ms FROM upload_part WHERE upload_id = ? \
             ORDER BY part_number",
        )
        .bind(upload_id)
        .fetch_all(self.database.read())
        .await?)
    }

    /// Makes a body a part, in place of the one of that number, whose file is given back.
    pub(super) async fn keep_part(
        &self,
        account: &AccountId,
        upload_id: &str,
        part_number: i32,
        received: &ReceivedBody,
        size: i64,
        etag: &str,
    ) -> Result<Option<String>, AwsError> {
        let mut transaction = self.database.write().await?;
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM upload WHERE upload_id = ?)")
            .bind(upload_id)
            .fetch_one(&mut *transaction)
            .await?;
        if !there {
            return Err(no_such_upload());
        }
        let replaced: Option<String> =
            sqlx::query_scalar("SELECT file FROM upload_part WHERE upload_id = ? AND part_number = ?")
                .bind(upload_id)
                .bind(part_number)
                .fetch_optional(&mut *transaction)
                .await?;
        sqlx::query(
            "INSERT INTO upload_part (upload_id, part_number, account_id, file, size, etag, checksums, modified_ms) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET file = excluded.file, size = excluded.size, \
             etag = excluded.etag, checksums = excluded.checksums, modified_ms = excluded.modified_ms",
        )
        .bind(upload_id)
        .bind(part_number)
        .bind(account.as_str())
        .bind(received.file.name())
        .bind(size)
        .bind(etag)
        .bind(to_json(&received.checksums)?)
        .bind(now_ms())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(replaced)
    }

    /// Writes the parts into one body, with the ETag and checksum that S3 makes of theirs.
    pub(super) async fn join(
        &self,
        account: &AccountId,
        upload: &UploadRow,
        parts: &[PartRow],
    ) -> Result<(StagedFile, StoredObject), AwsError> {
        let size: i64 = parts.iter().map(|part| part.size).sum();
        // The parts' own bytes count as used until the upload ends; joining must not need the room twice.
        let room = self.room(account).await? + u64::try_from(size).map_err(AwsError::internal)?;
        let algorithm = upload.algorithm();
        let composite = upload.is_composite();
        let wanted: Vec<&str> = algorithm.iter().map(String::as_str).collect();
        let mut whole = hasher(&wanted)?;
        let mut md5s = Md5::new();
        let mut writer = self.files.create(account, room).await?;
        let mut buffer = vec![0; COPY_BUFFER];
        for part in parts {
            md5s.update(&hex::decode(&part.etag).map_err(AwsError::internal)?);
            if composite && let Some(checksum) = part.checksums()?.get(wanted.first().unwrap_or(&"")) {
                whole.update(&STANDARD.decode(checksum).map_err(AwsError::internal)?);
            }
            let length = u64::try_from(part.size).map_err(AwsError::internal)?;
            let mut body = self.files.open(account, &part.file, 0, length).await.map_err(AwsError::internal)?;
            loop {
                let count = body.read(&mut buffer).await.map_err(AwsError::internal)?;
                if count == 0 {
                    break;
                }
                if !composite {
                    whole.update(&buffer[..count]);
                }
                writer.write(&buffer[..count]).await?;
            }
        }
        let file = writer.finish().await?;
        let computed = Checksums::from(whole.finalize());
        let checksums = match algorithm.as_deref().and_then(|name| Some((name, computed.get(name)?.clone()))) {
            Some((name, value)) if composite => Checksums::one(name, format!("{value}-{}", parts.len()), true),
            Some((name, value)) => Checksums::one(name, value, false),
            None => Checksums::default(),
        };
        let etag = format!("{}-{}", hex::encode(md5s.finalize()), parts.len());
        let attributes = serde_json::from_str(&upload.attributes).map_err(AwsError::internal)?;
        Ok((file, StoredObject { size, etag, attributes, checksums }))
    }
}

/// Forgets an upload and gives back the files of its parts; `None` if there is none.
pub(super) async fn delete_upload(
    transaction: &mut Transaction<'static, Sqlite>,
    upload_id: &str,
) -> Result<Option<Vec<String>>, AwsError> {
    let files = sqlx::query_scalar("DELETE FROM upload_part WHERE upload_id = ? RETURNING file")
        .bind(upload_id)
        .fetch_all(&mut **transaction)
        .await?;
    let deleted = sqlx::query("DELETE FROM upload WHERE upload_id = ?")
        .bind(upload_id)
        .execute(&mut **transaction)
        .await?
        .rows_affected();
    Ok((deleted == 1).then_some(files))
}

pub(super) fn no_such_upload() -> AwsError {
    AwsError::client(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )
    .with_status(404)
}
