//! Buckets: each belongs to one account and one region.

use sqlx::FromRow;
use time::OffsetDateTime;

use super::S3;
use crate::{AccountId, AwsError, Region};

/// Buckets an account may have, AWS's quota of old.
const MAX_BUCKETS: i64 = 100;

#[derive(Clone, Debug, FromRow)]
pub(super) struct BucketRow {
    pub bucket: String,
    pub region: String,
    pub created_ms: i64,
}

impl S3 {
    pub(super) async fn find_bucket(&self, account: &AccountId, bucket: &str) -> Result<Option<BucketRow>, AwsError> {
        Ok(sqlx::query_as("SELECT bucket, region, created_ms FROM bucket WHERE account_id = ? AND bucket = ?")
            .bind(account.as_str())
            .bind(bucket)
            .fetch_optional(self.database.read())
            .await?)
    }

    /// All buckets of an account, in the order of their names.
    pub(super) async fn buckets(&self, account: &AccountId) -> Result<Vec<BucketRow>, AwsError> {
        Ok(sqlx::query_as("SELECT bucket, region, created_ms FROM bucket WHERE account_id = ? ORDER BY bucket")
            .bind(account.as_str())
            .fetch_all(self.database.read())
            .await?)
    }

    /// Makes a bucket. `BucketAlreadyOwnedByYou` if the account has it, except that making it anew in `us-east-1` succeeds,
    /// as AWS keeps it for old clients.
    pub(super) async fn create_bucket(
        &self,
        account: &AccountId,
        bucket: &str,
        region: &Region,
    ) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        let existing: Option<String> =
            sqlx::query_scalar("SELECT region FROM bucket WHERE account_id = ? AND bucket = ?")
                .bind(account.as_str())
                .bind(bucket)
                .fetch_optional(&mut *transaction)
                .await?;
        match existing {
            Some(existing) if existing == "us-east-1" && region.as_str() == "us-east-1" => return Ok(()),
            Some(_) => {
                return Err(AwsError::client(
                    "BucketAlreadyOwnedByYou",
                    "Your previous request to create the named bucket succeeded and you already own it.",
                )
                .with_status(409));
            }
            None => {}
        }
        let buckets: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM bucket WHERE account_id = ?")
            .bind(account.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if buckets >= MAX_BUCKETS {
            return Err(AwsError::client("TooManyBuckets", "You have attempted to create more buckets than allowed"));
        }
        sqlx::query("INSERT INTO bucket (account_id, bucket, region, created_ms) VALUES (?, ?, ?, ?)")
            .bind(account.as_str())
            .bind(bucket)
            .bind(region.as_str())
            .bind(now_ms())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Deletes an empty bucket with the uploads under way in it. `BucketNotEmpty` if it has objects.
    pub(super) async fn delete_bucket(&self, account: &AccountId, bucket: &str) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        let filled: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM object WHERE account_id = ? AND bucket = ?)")
                .bind(account.as_str())
                .bind(bucket)
                .fetch_one(&mut *transaction)
                .await?;
        if filled {
            return Err(
                AwsError::client("BucketNotEmpty", "The bucket you tried to delete is not empty").with_status(409)
            );
        }
        let uploads = "SELECT upload_id FROM upload WHERE account_id = ? AND bucket = ?";
        let parts: Vec<String> =
            sqlx::query_scalar(&format!("DELETE FROM upload_part WHERE upload_id IN ({uploads}) RETURNING file"))
                .bind(account.as_str())
                .bind(bucket)
                .fetch_all(&mut *transaction)
                .await?;
        for delete in [
            "DELETE FROM upload WHERE account_id = ? AND bucket = ?",
            "DELETE FROM bucket WHERE account_id = ? AND bucket = ?",
        ] {
            sqlx::query(delete).bind(account.as_str()).bind(bucket).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        for part in parts {
            self.files.remove(account, &part).await;
        }
        Ok(())
    }
}

pub(super) fn no_such_bucket() -> AwsError {
    AwsError::client("NoSuchBucket", "The specified bucket does not exist").with_status(404)
}

pub(super) fn now_ms() -> i64 {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}
