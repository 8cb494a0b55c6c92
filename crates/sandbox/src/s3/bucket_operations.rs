//! The operations on buckets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::*;
use s3s::validation::{AwsNameValidation, NameValidation as _};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::buckets::{BucketRow, no_such_bucket};
use super::objects::whole_second;
use super::operations::Operations;
use super::parameters::{caller, not_offered, owner, read_token};
use crate::Region;

impl Operations {
    pub(super) async fn make_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let caller = caller(&req)?;
        let input = req.input;
        if !AwsNameValidation::new().validate_bucket_name(&input.bucket) {
            return Err(s3_error!(InvalidBucketName, "The specified bucket is not valid."));
        }
        if input.object_lock_enabled_for_bucket == Some(true) {
            return Err(not_offered("ObjectLockEnabledForBucket", "CreateBucket"));
        }
        if input.object_ownership.as_ref().is_some_and(|o| o.as_str() != ObjectOwnership::BUCKET_OWNER_ENFORCED) {
            return Err(not_offered("ObjectOwnership", "CreateBucket"));
        }
        let private = input.acl.as_ref().is_none_or(|acl| acl.as_str() == BucketCannedACL::PRIVATE);
        let granted = [&input.grant_full_control, &input.grant_read, &input.grant_read_acp, &input.grant_write_acp];
        if !private || input.grant_write.is_some() || granted.iter().any(|grant| grant.is_some()) {
            return Err(s3_error!(
                InvalidBucketAclWithObjectOwnership,
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
            ));
        }
        let configuration = input.create_bucket_configuration.unwrap_or_default();
        if configuration.bucket.is_some() || configuration.location.is_some() {
            return Err(not_offered("CreateBucketConfiguration.Bucket (directory buckets)", "CreateBucket"));
        }
        let constraint = configuration.location_constraint.filter(|constraint| !constraint.as_str().is_empty());
        let region = bucket_region(&caller.scope.region, constraint.as_ref().map(BucketLocationConstraint::as_str))?;
        self.s3.create_bucket(&caller.scope.account, &input.bucket, &region).await?;
        Ok(S3Response::new(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) }))
    }

    pub(super) async fn describe_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let (_, bucket) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(bucket.region),
            access_point_alias: Some(false),
            ..HeadBucketOutput::default()
        }))
    }

    pub(super) async fn buckets_of_account(
        &self,
        req: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let caller = caller(&req)?;
        let input = req.input;
        let max = input.max_buckets.unwrap_or(10_000);
        if !(1..=10_000).contains(&max) {
            return Err(s3_error!(InvalidArgument, "Argument max-buckets must be an integer between 1 and 10000"));
        }
        let after = input.continuation_token.as_deref().map(read_token).transpose()?;
        let all = self.s3.buckets(&caller.scope.account).await?;
        let mut rest = all
            .into_iter()
            .filter(|bucket| input.prefix.as_ref().is_none_or(|prefix| bucket.bucket.starts_with(prefix.as_str())))
            .filter(|bucket| input.bucket_region.as_ref().is_none_or(|region| bucket.region == *region))
            .filter(|bucket| after.as_ref().is_none_or(|after| bucket.bucket.as_bytes() > after.as_slice()))
            .peekable();
        let page: Vec<BucketRow> = rest.by_ref().take(usize::try_from(max).unwrap_or(0)).collect();
        let token = rest.peek().and_then(|_| page.last()).map(|last| URL_SAFE_NO_PAD.encode(&last.bucket));
        let paged = input.max_buckets.is_some() || input.prefix.is_some() || input.bucket_region.is_some();
        let mut buckets = Vec::with_capacity(page.len());
        for bucket in page {
            buckets.push(Bucket {
                creation_date: Some(whole_second(bucket.created_ms)?.into()),
                bucket_region: paged.then_some(bucket.region),
                name: Some(bucket.bucket),
            });
        }
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(owner(&caller)),
            continuation_token: token,
            prefix: input.prefix,
        }))
    }

    pub(super) async fn remove_bucket(
        &self,
        req: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let (caller, bucket) = self.bucket(&req, &req.input.bucket, req.input.expected_bucket_owner.as_deref()).await?;
        self.s3.delete_bucket(&caller.scope.account, &bucket.bucket).await?;
        let mut response = S3Response::new(DeleteBucketOutput {});
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(super) async fn location_of_bucket(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        // Unlike the others, this operation is answered from any region: it is how a client finds the right one.
        let caller = caller(&req)?;
        let bucket = self.s3.find_bucket(&caller.scope.account, &req.input.bucket).await?.ok_or_else(no_such_bucket)?;
        if req.input.expected_bucket_owner.is_some_and(|owner| owner != caller.scope.account.as_str()) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        let constraint = (bucket.region != "us-east-1").then(|| BucketLocationConstraint::from(bucket.region));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: constraint }))
    }
}

/// Where a bucket goes, by the region of the request and the location constraint, as S3's regional endpoints have it.
fn bucket_region(endpoint: &Region, constraint: Option<&str>) -> S3Result<Region> {
    let constraint = constraint.map(|constraint| if constraint == "EU" { "eu-west-1" } else { constraint });
    match constraint {
        None if endpoint.as_str() == "us-east-1" => Ok(endpoint.clone()),
        None => Err(s3_error!(
            IllegalLocationConstraintException,
            "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to."
        )),
        Some(constraint) if constraint == endpoint.as_str() && constraint != "us-east-1" => Ok(endpoint.clone()),
        // The endpoint of us-east-1 makes buckets in every region but, by name, its own.
        Some(constraint) if endpoint.as_str() == "us-east-1" && constraint != "us-east-1" => constraint
            .parse()
            .map_err(|_| s3_error!(InvalidLocationConstraint, "The specified location-constraint is not valid")),
        Some("us-east-1") if endpoint.as_str() == "us-east-1" => {
            Err(s3_error!(InvalidLocationConstraint, "The specified location-constraint is not valid"))
        }
        Some(constraint) => Err(s3_error!(
            IllegalLocationConstraintException,
            "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
            constraint
        )),
    }
}
