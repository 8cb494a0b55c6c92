//! Amazon S3 through the `s3s` crate, which speaks the protocol; this module keeps the buckets and objects.
//!
//! An object's body is a file whose random name is in the database: a body is written aside first and becomes an object by
//! one database commit, so that a reader sees the old object or the new one and a crash leaves no half object. Files that no
//! row names are swept when the sandbox opens.

mod access;
mod buckets;
mod checksums;
mod conditions;
mod copy;
mod files;
mod listing;
mod multipart;
mod objects;
mod operations;

use std::path::PathBuf;

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};
use sqlx::{Sqlite, Transaction};

use self::checksums::Checksums;
use self::files::{Files, StagedFile};
use self::objects::{Attributes, Precondition, StoredObject};
use crate::keyring::Keyring;
use crate::{AccountId, AwsError, Database};

/// Buckets and objects. Object bodies are files below the data folder; everything else is in the database.
#[derive(Clone)]
pub struct S3 {
    database: Database,
    files: Files,
}

/// An object to store, as another service of the sandbox writes it.
pub(crate) struct NewObject {
    pub bucket: String,
    pub key: String,
    pub body: Bytes,
    pub content_type: String,
    pub content_encoding: Option<String>,
}

/// An object whose body is on disk but which no reader sees until [`S3::publish`] commits. Dropped, its body is removed.
pub(crate) struct StagedObject {
    bucket: String,
    key: String,
    file: StagedFile,
    stored: StoredObject,
}

impl S3 {
    pub(crate) fn new(database: Database, objects: PathBuf) -> Self {
        Self { database, files: Files::new(objects) }
    }

    /// Removes the files of bodies that never became objects. Call it before anything is stored.
    pub(crate) async fn sweep(&self) -> Result<(), AwsError> {
        let named: Vec<String> = sqlx::query_scalar("SELECT file FROM object UNION ALL SELECT file FROM upload_part")
            .fetch_all(self.database.read())
            .await?;
        self.files.sweep(named.into_iter().collect()).await
    }

    /// The S3 protocol over these buckets, as `s3s` speaks it.
    pub(crate) fn service(&self, keyring: Keyring) -> S3Service {
        let mut builder = S3ServiceBuilder::new(operations::Operations { s3: self.clone() });
        builder.set_auth(access::Keys { keyring });
        builder.set_access(access::SameCaller);
        builder.set_host(access::LocalhostBuckets);
        builder.build()
    }

    /// Whether the bucket exists in this account, in any region.
    pub(crate) async fn bucket_exists(&self, account: &AccountId, bucket: &str) -> Result<bool, AwsError> {
        Ok(self.find_bucket(account, bucket).await?.is_some())
    }

    /// Writes the body to a file outside any transaction. `QuotaExceeded` if the account has no room for it.
    pub(crate) async fn stage(&self, account: &AccountId, object: NewObject) -> Result<StagedObject, AwsError> {
        let mut writer = self.files.create(account, self.room(account).await?).await?;
        writer.write(&object.body).await?;
        let attributes = Attributes {
            content_type: Some(object.content_type),
            content_encoding: object.content_encoding,
            ..Attributes::default()
        };
        let stored = StoredObject {
            size: i64::try_from(object.body.len()).map_err(AwsError::internal)?,
            etag: hex::encode(Md5::checksum(&object.body)),
            attributes,
            checksums: Checksums::default(),
        };
        Ok(StagedObject { bucket: object.bucket, key: object.key, file: writer.finish().await?, stored })
    }

    /// Makes a staged object visible within the caller's transaction, so that a service can commit its own progress
    /// (a delivery checkpoint, say) together with the object. `NoSuchBucket` when the bucket is gone, `QuotaExceeded` when
    /// the account holds too much.
    pub(crate) async fn publish(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        account: &AccountId,
        staged: StagedObject,
    ) -> Result<(), AwsError> {
        let StagedObject { bucket, key, file, stored } = staged;
        // The body of an object that is replaced here is swept at the next start: it must outlive this transaction.
        self.put(transaction, account, &bucket, &key, file.name(), &stored, &Precondition::None).await?;
        file.keep();
        Ok(())
    }
}

impl From<AwsError> for S3Error {
    fn from(error: AwsError) -> Self {
        let code = S3ErrorCode::from_bytes(error.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
        let status = http::StatusCode::from_u16(error.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let mut converted = Self::with_message(code, error.message);
        converted.set_status_code(status);
        converted
    }
}
