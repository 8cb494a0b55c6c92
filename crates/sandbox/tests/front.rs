//! The front door: signatures, keys and errors in every protocol.

mod common;

use aws_sdk_sts::error::ProvideErrorMetadata as _;
use common::TestSandbox;
use secrecy::SecretString;

#[tokio::test]
async fn every_kind_of_client_is_known_by_its_key() {
    let sandbox = TestSandbox::start().await;
    let account = sandbox.account.as_str();
    let arn = format!("arn:aws:iam::{account}:user/learner");

    let identity = aws_sdk_sts::Client::new(&sandbox.sdk()).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(account));
    assert_eq!(identity.arn(), Some(arn.as_str()));

    let identity = sandbox.aws_json(&["sts", "get-caller-identity"]).await;
    assert_eq!(identity["Account"], account);
    assert_eq!(identity["Arn"], arn);

    let printed = sandbox.python("import boto3; print(boto3.client('sts').get_caller_identity()['UserId'])").await;
    assert_eq!(printed, identity["UserId"].as_str().unwrap());
    assert!(printed.starts_with("AIDA") && printed.len() == 21, "{printed}");
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_key_are_refused_in_each_protocol() {
    let sandbox = TestSandbox::start().await;
    let mut wrong = sandbox.key.clone();
    wrong.secret = SecretString::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let mut unknown = sandbox.key.clone();
    unknown.id = "AKIAIOSFODNN7EXAMPLE".to_owned();

    let mut codes = Vec::new();
    for key in [&wrong, &unknown] {
        let config = sandbox.sdk_as(key, common::REGION);
        let sts = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap_err();
        let iam = aws_sdk_iam::Client::new(&config).list_roles().send().await.unwrap_err();
        let firehose = aws_sdk_firehose::Client::new(&config).list_delivery_streams().send().await.unwrap_err();
        let analytics = aws_sdk_kinesisanalyticsv2::Client::new(&config).list_applications().send().await.unwrap_err();
        let dynamodb = aws_sdk_dynamodb::Client::new(&config).list_tables().send().await.unwrap_err();
        let lambda = aws_sdk_lambda::Client::new(&config).list_functions().send().await.unwrap_err();
        let s3 = aws_sdk_s3::Client::new(&config).list_buckets().send().await.unwrap_err();
        codes.push(
            [sts.code(), iam.code(), firehose.code(), analytics.code(), dynamodb.code(), lambda.code(), s3.code()]
                .map(|code| code.unwrap_or_default().to_owned())
                .join(" "),
        );
    }
    insta::assert_debug_snapshot!(codes, @r#"
    [
        "SignatureDoesNotMatch SignatureDoesNotMatch InvalidSignatureException InvalidSignatureException InvalidSignatureException InvalidSignatureException SignatureDoesNotMatch",
        "InvalidClientTokenId InvalidClientTokenId UnrecognizedClientException UnrecognizedClientException UnrecognizedClientException UnrecognizedClientException InvalidAccessKeyId",
    ]
    "#);
}
