//! S3, as the Rust SDK, the `aws` CLI and boto3 use it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, CreateBucketConfiguration,
    Delete, ObjectIdentifier,
};
use common::TestSandbox;

async fn put(s3: &Client, key: &str, body: &[u8]) {
    s3.put_object().bucket("clicks").key(key).body(ByteStream::from(body.to_vec())).send().await.unwrap();
}

/// A client with a bucket named `clicks`.
async fn with_bucket(sandbox: &TestSandbox) -> Client {
    let s3 = Client::new(&sandbox.sdk());
    s3.create_bucket().bucket("clicks").send().await.unwrap();
    s3
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    let put = s3
        .put_object()
        .bucket("clicks")
        .key("clicks/2026/ö +%&?.gz")
        .content_type("application/x-gzip")
        .content_encoding("gzip")
        .cache_control("no-store")
        .metadata("wiki", "en")
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .body(ByteStream::from_static(b"0123456789"))
        .send()
        .await
        .unwrap();
    assert_eq!(put.e_tag(), Some("\"781e5e245d69b566979b86e28d23f2c7\""));
    assert_eq!(put.checksum_sha256(), Some("hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII="));

    let sandbox = sandbox.restart().await;
    let s3 = Client::new(&sandbox.sdk());
    let get = || s3.get_object().bucket("clicks").key("clicks/2026/ö +%&?.gz");
    let got = get().send().await.unwrap();
    assert_eq!(got.content_type(), Some("application/x-gzip"));
    assert_eq!(got.content_encoding(), Some("gzip"));
    assert_eq!(got.cache_control(), Some("no-store"));
    assert_eq!(got.metadata().unwrap()["wiki"], "en");
    assert_eq!(got.e_tag(), put.e_tag());
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"0123456789");

    let head = s3.head_object().bucket("clicks").key("clicks/2026/ö +%&?.gz").send().await.unwrap();
    assert_eq!(head.content_length(), Some(10));
    let etag = put.e_tag().unwrap();
    let status = |error: &aws_sdk_s3::error::SdkError<_>| error.raw_response().unwrap().status().as_u16();
    assert_eq!(status(&get().if_none_match(etag).send().await.unwrap_err()), 304);
    assert_eq!(status(&get().if_match("\"other\"").send().await.unwrap_err()), 412);
    get().if_match(etag).send().await.unwrap();
}

#[tokio::test]
async fn ranges_are_as_http_has_them() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    put(&s3, "digits", b"0123456789").await;
    for (range, body, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=3-5", "345", "bytes 3-5/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
        ("bytes=-4", "6789", "bytes 6-9/10"),
        ("bytes=-100", "0123456789", "bytes 0-9/10"),
    ] {
        let got = s3.get_object().bucket("clicks").key("digits").range(range).send().await.unwrap();
        assert_eq!(got.content_range(), Some(content_range), "{range}");
        assert_eq!(got.content_length(), Some(body.len() as i64), "{range}");
        assert_eq!(got.body.collect().await.unwrap().to_vec(), body.as_bytes(), "{range}");
    }
    let beyond = s3.get_object().bucket("clicks").key("digits").range("bytes=10-").send().await.unwrap_err();
    assert_eq!(beyond.code(), Some("InvalidRange"));
}

#[tokio::test]
async fn buckets_belong_to_regions() {
    let sandbox = TestSandbox::start().await;
    let home = Client::new(&sandbox.sdk());
    let ireland = Client::new(&sandbox.sdk_as(&sandbox.key, "eu-west-1"));
    let located = |constraint: &str| {
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(constraint)).build()
    };
    let unlocated = ireland.create_bucket().bucket("abroad").send().await.unwrap_err();
    assert_eq!(unlocated.code(), Some("IllegalLocationConstraintException"));
    let elsewhere =
        ireland.create_bucket().bucket("abroad").create_bucket_configuration(located("eu-north-1")).send().await;
    assert_eq!(elsewhere.unwrap_err().code(), Some("IllegalLocationConstraintException"));
    let create = || ireland.create_bucket().bucket("abroad").create_bucket_configuration(located("eu-west-1"));
    create().send().await.unwrap();
    assert_eq!(create().send().await.unwrap_err().code(), Some("BucketAlreadyOwnedByYou"));
    home.create_bucket().bucket("home").send().await.unwrap();
    home.create_bucket().bucket("home").send().await.expect("us-east-1 takes a bucket's making twice");

    let location = |client: &Client, bucket: &str| client.get_bucket_location().bucket(bucket).send();
    assert_eq!(location(&home, "abroad").await.unwrap().location_constraint().unwrap().as_str(), "eu-west-1");
    assert!(location(&home, "home").await.unwrap().location_constraint().is_none_or(|c| c.as_str().is_empty()));
    assert_eq!(ireland.head_bucket().bucket("abroad").send().await.unwrap().bucket_region(), Some("eu-west-1"));

    let redirected = home.list_objects_v2().bucket("abroad").send().await.unwrap_err();
    assert_eq!(redirected.code(), Some("PermanentRedirect"));
    let headed = home.head_bucket().bucket("abroad").send().await.unwrap_err();
    let answer = headed.raw_response().unwrap();
    assert_eq!(answer.status().as_u16(), 301);
    assert_eq!(answer.headers().get("x-amz-bucket-region"), Some("eu-west-1"));
    // The CLI follows the region that it is told.
    sandbox.aws_json(&["s3api", "list-objects-v2", "--bucket", "abroad"]).await;

    let names: Vec<String> =
        home.list_buckets().send().await.unwrap().buckets().iter().map(|b| b.name().unwrap().to_owned()).collect();
    assert_eq!(names, ["abroad", "home"]);
}

#[tokio::test]
async fn refusals_have_the_codes_of_s3() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    put(&s3, "there", b"there").await;
    let mut codes = Vec::new();
    let mut refused = |what: &str, code: Option<&str>| codes.push(format!("{what}: {}", code.unwrap_or("-")));
    let bucket = |name: &str| s3.create_bucket().bucket(name).send();
    refused("name with capitals", bucket("Clicks").await.unwrap_err().code());
    refused("name like an address", bucket("192.168.0.1").await.unwrap_err().code());
    refused("full bucket", s3.delete_bucket().bucket("clicks").send().await.unwrap_err().code());
    refused("no bucket", s3.list_objects_v2().bucket("none").send().await.unwrap_err().code());
    refused("no bucket to head", s3.head_bucket().bucket("none").send().await.unwrap_err().code());
    refused("no key", s3.get_object().bucket("clicks").key("none").send().await.unwrap_err().code());
    let foreign = s3.list_objects_v2().bucket("clicks").expected_bucket_owner("111122223333").send().await;
    refused("other owner", foreign.unwrap_err().code());
    let over = s3.put_object().bucket("clicks").key("there").if_none_match("*").send().await;
    refused("already there", over.unwrap_err().code());
    let wrong = s3.put_object().bucket("clicks").key("there").if_match("\"0\"").send().await;
    refused("other etag", wrong.unwrap_err().code());
    let bad = s3
        .put_object()
        .bucket("clicks")
        .key("bad")
        .checksum_crc32("AAAAAA==")
        .body(ByteStream::from_static(b"not that"))
        .send()
        .await;
    refused("other checksum", bad.unwrap_err().code());
    let md5 = s3
        .put_object()
        .bucket("clicks")
        .key("bad")
        .content_md5("1B2M2Y8AsgTpgAmY7PhCfg==")
        .body(ByteStream::from_static(b"not that"))
        .send()
        .await;
    refused("other MD5", md5.unwrap_err().code());
    let large = s3.put_object().bucket("clicks").key("large").metadata("m", "x".repeat(2048)).send().await;
    refused("much metadata", large.unwrap_err().code());
    let tagged = s3.put_object().bucket("clicks").key("tagged").tagging("a=b").send().await;
    refused("tags", tagged.unwrap_err().code());
    let public = s3.put_object().bucket("clicks").key("p").acl(aws_sdk_s3::types::ObjectCannedAcl::PublicRead).send();
    refused("public", public.await.unwrap_err().code());
    refused("another operation", s3.get_bucket_policy().bucket("clicks").send().await.unwrap_err().code());
    insta::assert_debug_snapshot!(codes, @r#"
    [
        "name with capitals: InvalidBucketName",
        "name like an address: InvalidBucketName",
        "full bucket: BucketNotEmpty",
        "no bucket: NoSuchBucket",
        "no bucket to head: NotFound",
        "no key: NoSuchKey",
        "other owner: AccessDenied",
        "already there: PreconditionFailed",
        "other etag: PreconditionFailed",
        "other checksum: BadDigest",
        "other MD5: BadDigest",
        "much metadata: MetadataTooLarge",
        "tags: NotImplemented",
        "public: AccessControlListNotSupported",
        "another operation: NotImplemented",
    ]
    "#);
    assert_eq!(s3.list_objects_v2().bucket("clicks").send().await.unwrap().key_count(), Some(1));
}

#[tokio::test]
async fn objects_are_deleted_alone_and_together() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    for key in ["a", "b", "c"] {
        put(&s3, key, key.as_bytes()).await;
    }
    put(&s3, "a", b"anew").await;
    let bodies =
        || std::fs::read_dir(sandbox.data_dir().join("objects").join(sandbox.account.as_str())).unwrap().count();
    assert_eq!(bodies(), 3, "an object that is replaced leaves no body behind");
    s3.delete_object().bucket("clicks").key("a").send().await.unwrap();
    s3.delete_object().bucket("clicks").key("a").send().await.expect("deleting what is gone succeeds");
    let object = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder().objects(object("b")).objects(object("c")).objects(object("none")).build().unwrap();
    let deleted = s3.delete_objects().bucket("clicks").delete(delete).send().await.unwrap();
    assert_eq!(deleted.deleted().len(), 3);
    assert_eq!(bodies(), 0);
    s3.delete_bucket().bucket("clicks").send().await.unwrap();
    assert!(s3.list_buckets().send().await.unwrap().buckets().is_empty());
}

#[tokio::test]
async fn an_object_is_copied_with_or_without_its_metadata() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    s3.put_object()
        .bucket("clicks")
        .key("from")
        .metadata("wiki", "en")
        .body(ByteStream::from_static(b"body"))
        .send()
        .await
        .unwrap();
    let copy = |to: &str| s3.copy_object().bucket("clicks").key(to).copy_source("clicks/from");
    copy("kept").send().await.unwrap();
    copy("replaced").metadata_directive("REPLACE".into()).metadata("wiki", "de").send().await.unwrap();
    assert_eq!(copy("from").send().await.unwrap_err().code(), Some("InvalidRequest"));
    s3.delete_object().bucket("clicks").key("from").send().await.unwrap();
    for (key, wiki) in [("kept", "en"), ("replaced", "de")] {
        let got = s3.get_object().bucket("clicks").key(key).send().await.unwrap();
        assert_eq!(got.metadata().unwrap()["wiki"], wiki);
        assert_eq!(got.body.collect().await.unwrap().to_vec(), b"body");
    }
}

#[tokio::test]
async fn presigned_urls_count_for_their_request_and_time_only() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    put(&s3, "shared", b"shared").await;
    let expiry = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let signed = s3.get_object().bucket("clicks").key("shared").presigned(expiry).await.unwrap();
    let fetch = |url: String| async move {
        let output =
            tokio::process::Command::new("curl").args(["-s", "-w", "\n%{http_code}", &url]).output().await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(fetch(signed.uri().to_owned()).await, "shared\n200");
    let other = fetch(signed.uri().replace("shared", "secret")).await;
    assert!(other.contains("SignatureDoesNotMatch") && other.ends_with("403"), "{other}");
    let unsigned = fetch(format!("{}/clicks/shared", sandbox.endpoint)).await;
    assert!(unsigned.contains("<Code>AccessDenied</Code>") && unsigned.ends_with("403"), "{unsigned}");
    sandbox.sandbox.delete_access_key(&sandbox.account, &sandbox.key.id).await.unwrap();
    let revoked = fetch(signed.uri().to_owned()).await;
    assert!(revoked.contains("InvalidAccessKeyId") && revoked.ends_with("403"), "{revoked}");
}

#[tokio::test]
async fn the_cli_copies_large_files_in_parts() {
    let sandbox = TestSandbox::start().await;
    with_bucket(&sandbox).await;
    let folder = tempfile::tempdir().unwrap();
    let (up, down) = (folder.path().join("up"), folder.path().join("down"));
    let body: Vec<u8> = (0..20_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&up, &body).unwrap();
    let url = "s3://clicks/large file";
    let copied = sandbox.aws(&["s3", "cp", "--no-progress", up.to_str().unwrap(), url]).await;
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let head = sandbox.aws_json(&["s3api", "head-object", "--bucket", "clicks", "--key", "large file"]).await;
    assert!(head["ETag"].as_str().unwrap().ends_with("-3\""), "{head}");
    let copied = sandbox.aws(&["s3", "cp", "--no-progress", url, down.to_str().unwrap()]).await;
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    assert!(std::fs::read(&down).unwrap() == body, "what comes down is what went up");
    let removed = sandbox.aws(&["s3", "rb", "--force", "s3://clicks"]).await;
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    let bodies = std::fs::read_dir(sandbox.data_dir().join("objects").join(sandbox.account.as_str())).unwrap().count();
    assert_eq!(bodies, 0, "neither parts nor objects are left");
}

#[tokio::test]
async fn uploads_in_parts_are_checked_and_can_be_dropped() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    let begin = || s3.create_multipart_upload().bucket("clicks").key("large").send();
    let upload = begin().await.unwrap().upload_id().unwrap().to_owned();
    let part = |number: i32, body: Vec<u8>| {
        s3.upload_part()
            .bucket("clicks")
            .key("large")
            .upload_id(&upload)
            .part_number(number)
            .body(ByteStream::from(body))
            .send()
    };
    let one = part(1, vec![1; 5 * 1024 * 1024]).await.unwrap().e_tag().unwrap().to_owned();
    let two = part(2, vec![2; 10]).await.unwrap().e_tag().unwrap().to_owned();
    let three = part(3, vec![3; 10]).await.unwrap().e_tag().unwrap().to_owned();
    assert_eq!(part(0, vec![]).await.unwrap_err().code(), Some("InvalidArgument"));

    let complete = |parts: &[(i32, &str)]| {
        let parts = parts
            .iter()
            .map(|(number, etag)| CompletedPart::builder().part_number(*number).e_tag(*etag).build())
            .collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        s3.complete_multipart_upload().bucket("clicks").key("large").upload_id(&upload).multipart_upload(parts).send()
    };
    for (parts, code) in [
        (vec![(2, two.as_str()), (1, one.as_str())], "InvalidPartOrder"),
        (vec![(1, two.as_str())], "InvalidPart"),
        (vec![(9, one.as_str())], "InvalidPart"),
        (vec![(1, one.as_str()), (2, two.as_str()), (3, three.as_str())], "EntityTooSmall"),
        (vec![], "MalformedXML"),
    ] {
        assert_eq!(complete(&parts).await.unwrap_err().code(), Some(code), "{parts:?}");
    }
    let listed = s3.list_parts().bucket("clicks").key("large").upload_id(&upload).max_parts(2).send().await.unwrap();
    assert_eq!(listed.parts().iter().map(|part| part.size().unwrap()).collect::<Vec<_>>(), [5 * 1024 * 1024, 10]);
    assert_eq!((listed.is_truncated(), listed.next_part_number_marker()), (Some(true), Some("2")));

    complete(&[(1, &one), (2, &two)]).await.unwrap();
    let got = s3.get_object().bucket("clicks").key("large").range("bytes=5242879-").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().to_vec(), [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert_eq!(complete(&[(1, &one)]).await.unwrap_err().code(), Some("NoSuchUpload"));

    let dropped = begin().await.unwrap().upload_id().unwrap().to_owned();
    let uploads = || s3.list_multipart_uploads().bucket("clicks").send();
    assert_eq!(uploads().await.unwrap().uploads()[0].upload_id(), Some(dropped.as_str()));
    s3.abort_multipart_upload().bucket("clicks").key("large").upload_id(&dropped).send().await.unwrap();
    assert!(uploads().await.unwrap().uploads().is_empty());
}

#[tokio::test]
async fn boto3_lists_in_pages_and_reads_what_it_wrote() {
    let sandbox = TestSandbox::start().await;
    with_bucket(&sandbox).await;
    let printed = sandbox
        .python(
            r"
import boto3, io
from botocore.config import Config
# Without retries, so that an answer that leaves the connection in disorder fails the test.
s3 = boto3.client('s3', config=Config(read_timeout=10, retries={'total_max_attempts': 1}))
for n in range(5):
    s3.put_object(Bucket='clicks', Key=f'clicks/2026/11/24/{n} ä+%.gz', Body=b'x' * n, Metadata={'n': str(n)})
s3.upload_fileobj(io.BytesIO(b'z' * 9_000_000), 'clicks', 'clicks/large')
pages = s3.get_paginator('list_objects_v2').paginate(Bucket='clicks', Prefix='clicks/2026/', PaginationConfig={'PageSize': 2})
print([[item['Size'] for item in page['Contents']] for page in pages])
v1 = s3.get_paginator('list_objects').paginate(Bucket='clicks', Delimiter='/', Prefix='clicks/', PaginationConfig={'PageSize': 1})
print([[p['Prefix'] for p in page.get('CommonPrefixes', [])] + [c['Key'] for c in page.get('Contents', [])] for page in v1])
print(s3.get_object(Bucket='clicks', Key='clicks/2026/11/24/4 ä+%.gz')['Body'].read(), s3.list_objects_v2(Bucket='clicks', MaxKeys=1)['Contents'][0]['Key'])
out = io.BytesIO(); s3.download_fileobj('clicks', 'clicks/large', out); print(len(out.getvalue()))
",
        )
        .await;
    insta::assert_snapshot!(printed, @r#"
    [[0, 1], [2, 3], [4]]
    [['clicks/2026/'], ['clicks/large']]
    b'xxxx' clicks/2026/11/24/0 ä+%.gz
    9000000
    "#);
}

#[tokio::test]
async fn buckets_are_found_in_host_names() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    put(&s3, "key", b"by host").await;
    let port = sandbox.endpoint.rsplit(':').next().unwrap();
    let config = sandbox.sdk().into_builder().endpoint_url(format!("http://localhost:{port}")).build();
    let expiry = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let signed = Client::new(&config).get_object().bucket("clicks").key("key").presigned(expiry).await.unwrap();
    assert!(signed.uri().starts_with(&format!("http://clicks.localhost:{port}/key?")), "{}", signed.uri());
    let output = tokio::process::Command::new("curl").args(["-s", signed.uri()]).output().await.unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "by host");
}

#[tokio::test]
async fn keys_are_never_paths() {
    let sandbox = TestSandbox::start().await;
    let s3 = with_bucket(&sandbox).await;
    let keys =
        ["../../master.key", ".", "..", "/absolute", "a//b", "a/./b", "a/", "new\nline", "ключ", "%2e%2e", "a+b c"];
    for key in keys {
        put(&s3, key, key.as_bytes()).await;
    }
    for key in keys {
        let got = s3.get_object().bucket("clicks").key(key).send().await.unwrap();
        assert_eq!(got.body.collect().await.unwrap().to_vec(), key.as_bytes(), "{key:?}");
    }
    let encoded = s3.list_objects_v2().bucket("clicks").encoding_type("url".into()).send().await.unwrap();
    let listed: Vec<&str> = encoded.contents().iter().map(|object| object.key().unwrap()).collect();
    insta::assert_debug_snapshot!(listed, @r#"
    [
        "%252e%252e",
        ".",
        "..",
        "../../master.key",
        "/absolute",
        "a%2Bb%20c",
        "a/",
        "a/./b",
        "a//b",
        "new%0Aline",
        "%D0%BA%D0%BB%D1%8E%D1%87",
    ]
    "#);
    let folders = std::fs::read_dir(sandbox.data_dir().join("objects")).unwrap();
    assert_eq!(folders.count(), 1, "bodies lie in the account's folder only");
}

#[tokio::test]
async fn a_large_body_for_nothing_is_refused_with_a_reason() {
    let sandbox = TestSandbox::start().await;
    let s3 = Client::new(&sandbox.sdk());
    for _ in 0..5 {
        let body = ByteStream::from(vec![7; 8_000_000]);
        let refused = s3.put_object().bucket("none").key("large").body(body).send().await.unwrap_err();
        assert_eq!(refused.code(), Some("NoSuchBucket"), "{refused:?}");
    }
}
