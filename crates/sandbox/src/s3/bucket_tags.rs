//! `GetBucketTagging`, `PutBucketTagging` and `DeleteBucketTagging`.

use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result};

use super::S3;
use super::operations::Operations;
use crate::tagging::rules::{self, InvalidTag, MAX_TAGS};
use crate::tagging::{TaggedResource, TaggedResources, collect};
use crate::{AccountId, AwsError, Scope};

impl Operations {
    pub(super) async fn tags_of_bucket(
        &self,
        req: S3Request<GetBucketTaggingInput>,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let (caller, bucket) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        let tags = self.s3.bucket_tags(&caller.scope.account, &bucket.bucket).await?;
        if tags.is_empty() {
            return Err(AwsError::client("NoSuchTagSet", "The TagSet does not exist").with_status(404).into());
        }
        let tag_set = tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect();
        Ok(S3Response::new(GetBucketTaggingOutput { tag_set }))
    }

    pub(super) async fn tag_bucket(
        &self,
        req: S3Request<PutBucketTaggingInput>,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let (caller, bucket) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        let given = req.input.tagging.tag_set.into_iter();
        let tags: Vec<(String, String)> =
            given.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect();
        check(&tags)?;
        self.s3.replace_bucket_tags(&caller.scope.account, &bucket.bucket, &tags).await?;
        let mut response = S3Response::new(PutBucketTaggingOutput {});
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(super) async fn untag_bucket(
        &self,
        req: S3Request<DeleteBucketTaggingInput>,
    ) -> S3Result<S3Response<DeleteBucketTaggingOutput>> {
        let (caller, bucket) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        self.s3.replace_bucket_tags(&caller.scope.account, &bucket.bucket, &[]).await?;
        let mut response = S3Response::new(DeleteBucketTaggingOutput {});
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }
}

impl S3 {
    async fn bucket_tags(&self, account: &AccountId, bucket: &str) -> Result<Vec<(String, String)>, AwsError> {
        Ok(sqlx::query_as("SELECT key, value FROM bucket_tag WHERE account_id = ? AND bucket = ? ORDER BY key")
            .bind(account.as_str())
            .bind(bucket)
            .fetch_all(self.database.read())
            .await?)
    }

    async fn replace_bucket_tags(
        &self,
        account: &AccountId,
        bucket: &str,
        tags: &[(String, String)],
    ) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        sqlx::query("DELETE FROM bucket_tag WHERE account_id = ? AND bucket = ?")
            .bind(account.as_str())
            .bind(bucket)
            .execute(&mut *transaction)
            .await?;
        for (key, value) in tags {
            // The bucket may have been deleted since it was found.
            sqlx::query(
                "INSERT INTO bucket_tag (account_id, bucket, key, value)
                 SELECT account_id, bucket, ?, ? FROM bucket WHERE account_id = ? AND bucket = ?",
            )
            .bind(key)
            .bind(value)
            .bind(account.as_str())
            .bind(bucket)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl TaggedResources for S3 {
    /// Buckets are found from their own region.
    async fn tagged_resources(&self, scope: &Scope) -> Result<Vec<TaggedResource>, AwsError> {
        let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT bucket, key, value FROM bucket JOIN bucket_tag USING (account_id, bucket)
             WHERE account_id = ? AND region = ?",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .fetch_all(self.database.read())
        .await?;
        Ok(collect(rows.into_iter().map(|(bucket, key, value)| (format!("arn:aws:s3:::{bucket}"), key, value))))
    }
}

fn check(tags: &[(String, String)]) -> Result<(), S3Error> {
    if tags.len() > MAX_TAGS {
        let message = format!("Bucket tag count cannot be greater than {MAX_TAGS}");
        return Err(AwsError::client("BadRequest", message).into());
    }
    rules::check(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))).map_err(|invalid| {
        let message = match invalid {
            InvalidTag::Key(_) => "The TagKey you have provided is invalid",
            InvalidTag::Value(_) => "The TagValue you have provided is invalid",
            InvalidTag::Reserved(_) => "System tags cannot be added/updated by requester",
            InvalidTag::Duplicate(_) => "Cannot provide multiple Tags with the same key",
        };
        AwsError::client("InvalidTag", message).into()
    })
}
