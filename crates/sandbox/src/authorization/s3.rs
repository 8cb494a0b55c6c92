//! The actions and resources of S3's operations.

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use s3s::path::S3Path;

use super::Wanted;

/// The policy of the session that sent a request, which the front door puts beside the caller.
#[derive(Clone, Debug)]
pub(crate) struct S3Session {
    pub policy: String,
}

/// What an operation wants to do.
pub(crate) fn wanted_by_s3(operation: &str, path: &S3Path, headers: &HeaderMap) -> Vec<Wanted> {
    let bucket = match path {
        S3Path::Root => return vec![Wanted::new("s3:ListAllMyBuckets", "*")],
        S3Path::Bucket { bucket } | S3Path::Object { bucket, .. } => format!("arn:aws:s3:::{bucket}"),
    };
    let object = match path {
        S3Path::Object { key, .. } => format!("{bucket}/{key}"),
        // The keys are in the body, which is not read yet.
        _ => format!("{bucket}/*"),
    };
    let (action, resource) = match operation {
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => ("ListBucket", bucket),
        "GetObject" | "HeadObject" => ("GetObject", object),
        "DeleteObject" | "DeleteObjects" => ("DeleteObject", object),
        "AbortMultipartUpload" => ("AbortMultipartUpload", object),
        "ListParts" => ("ListMultipartUploadParts", object),
        "ListMultipartUploads" => ("ListBucketMultipartUploads", bucket),
        "DeleteBucketTagging" => ("PutBucketTagging", bucket),
        "PutObject" | "CopyObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
            ("PutObject", object)
        }
        other => (other, bucket),
    };
    let mut wanted = vec![Wanted::new(format!("s3:{action}"), resource)];
    if let Some(source) = headers.get("x-amz-copy-source").and_then(|value| value.to_str().ok()) {
        let source = percent_decode_str(source.trim_start_matches('/')).decode_utf8_lossy();
        wanted.push(Wanted::new("s3:GetObject", format!("arn:aws:s3:::{source}")));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn operations_are_told_by_the_actions_of_iam() {
        let tell = |operation: &str, path: &S3Path, source: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(source) = source {
                headers.insert("x-amz-copy-source", HeaderValue::from_static(source));
            }
            let wanted = wanted_by_s3(operation, path, &headers);
            wanted
                .into_iter()
                .map(|wanted| format!("{} {}", wanted.action, wanted.resources[0]))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let bucket = S3Path::Bucket { bucket: "clicks".into() };
        let object = S3Path::Object { bucket: "clicks".into(), key: "a/b".into() };
        assert_eq!(tell("ListBuckets", &S3Path::Root, None), "s3:ListAllMyBuckets *");
        assert_eq!(tell("ListObjectsV2", &bucket, None), "s3:ListBucket arn:aws:s3:::clicks");
        assert_eq!(tell("GetBucketLocation", &bucket, None), "s3:GetBucketLocation arn:aws:s3:::clicks");
        assert_eq!(tell("HeadObject", &object, None), "s3:GetObject arn:aws:s3:::clicks/a/b");
        assert_eq!(tell("DeleteObjects", &bucket, None), "s3:DeleteObject arn:aws:s3:::clicks/*");
        assert_eq!(
            tell("CopyObject", &object, Some("/other/c%20d")),
            "s3:PutObject arn:aws:s3:::clicks/a/b, s3:GetObject arn:aws:s3:::other/c d"
        );
    }
}
