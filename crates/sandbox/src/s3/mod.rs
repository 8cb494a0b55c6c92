//! Amazon S3 through the `s3s` crate.

use std::path::PathBuf;

mod access;
mod operations;

use bytes::Bytes;
use s3s::service::{S3Service, S3ServiceBuilder};
use sqlx::{Sqlite, Transaction};

use crate::keyring::Keyring;
use crate::{AccountId, AwsError, Database};

/// Buckets and objects. Object bodies are files below the data folder; everything else is in the database.
#[derive(Clone)]
pub struct S3 {
    database: Database,
    objects: PathBuf,
}

/// An object to store, as another service of the sandbox writes it.
pub(crate) struct NewObject {
    pub bucket: String,
    pub key: String,
    pub body: Bytes,
    pub content_type: String,
    pub content_encoding: Option<String>,
}

/// An object whose body is on disk but which no reader sees until [`S3::publish`] commits.
pub(crate) struct StagedObject {
    pub object: NewObject,
    pub file: PathBuf,
}

impl S3 {
    pub(crate) fn new(database: Database, objects: PathBuf) -> Self {
        Self { database, objects }
    }

    /// The S3 protocol over these buckets, as `s3s` speaks it.
    pub(crate) fn service(&self, keyring: Keyring) -> S3Service {
        let mut builder = S3ServiceBuilder::new(operations::Operations { s3: self.clone() });
        builder.set_auth(access::Keys { keyring });
        builder.set_access(access::SameCaller);
        builder.set_host(access::LocalhostBuckets);
        builder.build()
    }

    /// Whether the bucket exists in this account.
    pub(crate) async fn bucket_exists(&self, account: &AccountId, bucket: &str) -> Result<bool, AwsError> {
        let _ = (&self.database, account, bucket);
        Ok(false)
    }

    /// Writes the body to a file outside any transaction.
    pub(crate) async fn stage(&self, account: &AccountId, object: NewObject) -> Result<StagedObject, AwsError> {
        let _ = (account, &self.objects);
        let file = self.objects.join("staged");
        Ok(StagedObject { object, file })
    }

    /// Makes a staged object visible within the caller's transaction, so that a service can commit its own progress
    /// (a delivery checkpoint, say) together with the object. `NoSuchBucket` when the bucket is gone.
    pub(crate) async fn publish(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        account: &AccountId,
        staged: StagedObject,
    ) -> Result<(), AwsError> {
        let _ = (transaction, account, staged.file, staged.object);
        Ok(())
    }
}
