//! The front door: signatures, keys and errors in every protocol.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use aws_credential_types::Credentials;
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

#[tokio::test]
async fn unsigned_requests_are_refused_in_the_shape_of_the_service() {
    let sandbox = TestSandbox::start().await;
    let mut answers = Vec::new();
    for arguments in [
        vec!["-H", "x-amz-target: DynamoDB_20120810.ListTables", "-d", "{}"],
        vec!["-H", "x-amz-target: Firehose_20150804.ListDeliveryStreams", "-d", "{}"],
        vec!["-H", "x-amz-target: KinesisAnalytics_20180523.ListApplications", "-d", "{}"],
        vec!["-d", "Action=GetCallerIdentity&Version=2011-06-15"],
        vec!["/2015-03-31/functions"],
        vec!["/bucket/key"],
        vec!["-H", "authorization: AWS AKIAIOSFODNN7EXAMPLE:c2lnbmF0dXJl", "/bucket/key"],
    ] {
        answers.push(curl(&sandbox, &arguments).await);
    }
    insta::assert_snapshot!(answers.join("\n"), @r#"
    {"__type":"com.amazonaws.dynamodb.v20120810#MissingAuthenticationTokenException","message":"Missing Authentication Token"}
    400 application/x-amz-json-1.0
    {"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}
    400 application/x-amz-json-1.1
    {"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}
    400 application/x-amz-json-1.1
    <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message></Error></ErrorResponse>
    403 text/xml
    {"Type":"User","Message":"Missing Authentication Token"}
    403 application/json
    <?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>
    403 application/xml
    <?xml version="1.0" encoding="UTF-8"?>
    <Error><Code>InvalidRequest</Code><Message>The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.</Message></Error>
    400 application/xml
    "#);
}

#[tokio::test]
async fn what_is_not_offered_is_named() {
    let sandbox = TestSandbox::start().await;
    for (arguments, names) in [
        (vec!["sns", "list-topics"], "service sns"),
        (vec!["secretsmanager", "list-secrets"], "service secretsmanager"),
        (vec!["ec2", "describe-instances"], "service ec2"),
        (vec!["iam", "list-users"], "ListUsers"),
        (vec!["sts", "get-session-token"], "GetSessionToken"),
        (vec!["s3api", "get-bucket-policy", "--bucket", "clicks"], "GetBucketPolicy"),
    ] {
        let said = sandbox.aws_error(&arguments).await;
        assert!(said.contains(names), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn a_session_reaches_every_service_until_it_ends() {
    let sandbox = TestSandbox::start().await;
    let trust = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole"}}}}"#,
        sandbox.account
    );
    let iam = aws_sdk_iam::Client::new(&sandbox.sdk());
    let role = iam.create_role().role_name("Self").assume_role_policy_document(trust).send().await.unwrap();
    let arn = role.role().unwrap().arn();
    let sts = aws_sdk_sts::Client::new(&sandbox.sdk());
    let session = sts.assume_role().role_arn(arn).role_session_name("test").send().await.unwrap();
    let minted = session.credentials().unwrap();
    let with = |token: &str| {
        let token = Some(token.to_owned());
        let credentials = Credentials::new(minted.access_key_id(), minted.secret_access_key(), token, None, "session");
        sandbox.sdk_with(credentials, common::REGION)
    };
    let good = with(minted.session_token());
    aws_sdk_iam::Client::new(&good).list_roles().send().await.unwrap();
    let s3 = aws_sdk_s3::Client::new(&good);
    s3.create_bucket().bucket("clicks").send().await.unwrap();
    s3.put_object().bucket("clicks").key("k").body(vec![1; 100_000].into()).send().await.unwrap();
    let expiry = aws_sdk_s3::presigning::PresigningConfig::expires_in(std::time::Duration::from_secs(60)).unwrap();
    let signed = s3.get_object().bucket("clicks").key("k").presigned(expiry).await.unwrap();
    let output = tokio::process::Command::new("curl").args(["-sf", signed.uri()]).output().await.unwrap();
    assert_eq!(output.stdout.len(), 100_000);

    let forged = with("forged.token");
    let refused = aws_sdk_s3::Client::new(&forged).list_buckets().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidToken"));
    let refused = aws_sdk_firehose::Client::new(&forged).list_delivery_streams().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("UnrecognizedClientException"));
}

#[tokio::test]
async fn bodies_are_bounded() {
    let sandbox = TestSandbox::start().await;
    let iam = aws_sdk_iam::Client::new(&sandbox.sdk());
    let refused = iam
        .create_role()
        .role_name("large")
        .assume_role_policy_document("x".repeat(1024 * 1024))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("RequestEntityTooLargeException"));
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let sandbox = TestSandbox::start().await;
    for path in ["/", "/2015-03-31/functions", "/bucket/key?list-type=2"] {
        let headers = curl(&sandbox, &["-D", "-", "-o", "/dev/null", path]).await;
        let id = headers.lines().find_map(|line| line.strip_prefix("x-amzn-requestid: ")).unwrap();
        assert_eq!(id.trim().len(), 36, "{headers}");
    }
}

/// Runs curl with these arguments, the last of which may be a path, and gives the body and the status.
async fn curl(sandbox: &TestSandbox, arguments: &[&str]) -> String {
    let (path, arguments) = match arguments.split_last() {
        Some((path, rest)) if path.starts_with('/') && rest.last() != Some(&"-o") => (*path, rest),
        _ => ("/", arguments),
    };
    let mut command = tokio::process::Command::new("curl");
    command
        .args(["-s", "-w", "\n%{http_code} %{content_type}"])
        .args(arguments)
        .arg(format!("{}{path}", sandbox.endpoint));
    let output = command.output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // The request's id differs from run to run.
    text.split("<RequestId>")
        .enumerate()
        .map(|(n, part)| if n == 0 { part } else { part.split_once("</RequestId>").map_or(part, |(_, rest)| rest) })
        .collect()
}
