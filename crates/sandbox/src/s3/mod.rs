//! Amazon S3 through the `s3s` crate, which speaks the protocol; this module keeps the buckets and objects.
//!
//! An object's body is a file whose random name is in the database: a body is written aside first and becomes an object by
//! one database commit, so that a reader sees the old object or the new one and a crash leaves no half object. Files that no
//! row names are swept when the sandbox opens.

mod access;
mod bucket_operations;
mod bucket_tags;
mod buckets;
mod checksums;
mod conditions;
mod copy;
mod files;
mod list_operations;
mod listing;
mod multipart;
mod object_operations;
mod objects;
mod operations;
mod parameters;
mod uploads;

use std::path::PathBuf;

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};
use sqlx::{Sqlite, Transaction};

use self::checksums::Checksums;
use self::files::{Files, StagedFile};
use self::objects::{Attributes, Precondition, StoredObject};
use crate::iam::Iam;
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
    pub(crate) fn service(&self, keyring: Keyring, iam: Iam) -> S3Service {
        let mut builder = S3ServiceBuilder::new(operations::Operations { s3: self.clone() });
        builder.set_auth(access::Keys { keyring });
        builder.set_access(access::SameCaller { iam });
        builder.set_host(access::LocalhostBuckets);
        builder.set_validation(access::AnyBucketName);
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(folder: &tempfile::TempDir) -> (S3, AccountId) {
        let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        let account: AccountId = "111122223333".parse().unwrap();
        let mut transaction = database.write().await.unwrap();
        sqlx::query("INSERT INTO account VALUES (?, 0) ON CONFLICT DO NOTHING")
            .bind(account.as_str())
            .execute(&mut *transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        std::fs::create_dir_all(folder.path().join("objects")).unwrap();
        let s3 = S3::new(database, folder.path().join("objects"));
        s3.create_bucket(&account, "clicks", &"us-east-1".parse().unwrap()).await.unwrap();
        (s3, account)
    }

    fn object(key: &str) -> NewObject {
        NewObject {
            bucket: "clicks".to_owned(),
            key: key.to_owned(),
            body: Bytes::from_static(b"body"),
            content_type: "application/octet-stream".to_owned(),
            content_encoding: None,
        }
    }

    fn bodies(folder: &tempfile::TempDir, account: &AccountId) -> usize {
        std::fs::read_dir(folder.path().join("objects").join(account.as_str())).unwrap().count()
    }

    #[tokio::test]
    async fn a_staged_object_is_seen_after_the_commit_only() {
        let folder = tempfile::tempdir().unwrap();
        let (s3, account) = open(&folder).await;
        let staged = s3.stage(&account, object("key")).await.unwrap();
        assert_eq!(s3.get(&account, "clicks", "key").await.unwrap_err().code, "NoSuchKey");
        let mut transaction = s3.database.write().await.unwrap();
        s3.publish(&mut transaction, &account, staged).await.unwrap();
        assert_eq!(s3.get(&account, "clicks", "key").await.unwrap_err().code, "NoSuchKey");
        transaction.commit().await.unwrap();
        let found = s3.get(&account, "clicks", "key").await.unwrap();
        assert_eq!(found.stored.size, 4);
        assert_eq!(found.stored.etag, "841a2d689ad86bd1611447453c22c6fc");
    }

    #[tokio::test]
    async fn what_is_not_published_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (s3, account) = open(&folder).await;
        drop(s3.stage(&account, object("dropped")).await.unwrap());
        assert_eq!(bodies(&folder, &account), 0);

        let staged = s3.stage(&account, object("rolled-back")).await.unwrap();
        let mut transaction = s3.database.write().await.unwrap();
        s3.publish(&mut transaction, &account, staged).await.unwrap();
        transaction.rollback().await.unwrap();
        let kept = s3.stage(&account, object("kept")).await.unwrap();
        let mut transaction = s3.database.write().await.unwrap();
        s3.publish(&mut transaction, &account, kept).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(bodies(&folder, &account), 2);
        drop(s3);
        let (s3, account) = open(&folder).await;
        s3.sweep().await.unwrap();
        assert_eq!(bodies(&folder, &account), 1);
        assert!(s3.get(&account, "clicks", "kept").await.is_ok());
    }

    #[tokio::test]
    async fn a_bucket_that_is_gone_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (s3, account) = open(&folder).await;
        let staged = s3.stage(&account, object("key")).await.unwrap();
        s3.delete_bucket(&account, "clicks").await.unwrap();
        assert!(!s3.bucket_exists(&account, "clicks").await.unwrap());
        let mut transaction = s3.database.write().await.unwrap();
        let refused = s3.publish(&mut transaction, &account, staged).await.unwrap_err();
        assert_eq!(refused.code, "NoSuchBucket");
        assert_eq!(bodies(&folder, &account), 0);
    }

    #[tokio::test]
    async fn uploads_side_by_side_share_one_quota() {
        let folder = tempfile::tempdir().unwrap();
        let (s3, account) = open(&folder).await;
        let other: AccountId = "444455556666".parse().unwrap();
        let mut one = s3.files.create(&account, 10).await.unwrap();
        let mut two = s3.files.create(&account, 10).await.unwrap();
        let mut three = s3.files.create(&other, 10).await.unwrap();
        one.write(b"123456").await.unwrap();
        two.write(b"1234").await.unwrap();
        three.write(b"1234567890").await.unwrap();
        assert_eq!(two.write(b"5").await.unwrap_err().code, "QuotaExceeded");
        drop(two);
        one.write(b"7890").await.unwrap();
    }
}
