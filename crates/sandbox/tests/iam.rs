//! STS and IAM, as the `aws` CLI, boto3 and the Rust SDK use them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use aws_credential_types::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use common::TestSandbox;
use serde_json::{Value, json};

const FIREHOSE_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const S3_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:PutObject"],"Resource":"arn:aws:s3:::b/*"}]}"#;

#[tokio::test]
async fn the_cli_makes_describes_and_deletes_a_role() {
    let sandbox = TestSandbox::start().await;
    let name = ["--role-name", "HeadwaterFirehoseRole"];
    let aws = |operation: &str, more: &[&str]| {
        let arguments: Vec<String> =
            ["iam", operation].iter().chain(&name).chain(more).map(|text| (*text).to_owned()).collect();
        let sandbox = &sandbox;
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            sandbox.aws_json(&arguments).await
        }
    };
    let made = aws("create-role", &["--assume-role-policy-document", FIREHOSE_TRUST, "--description", "a < b"]).await;
    let arn = format!("arn:aws:iam::{}:role/HeadwaterFirehoseRole", sandbox.account);
    assert_eq!(made["Role"]["Arn"], arn);
    let trust: Value = serde_json::from_str(FIREHOSE_TRUST).unwrap();
    assert_eq!(made["Role"]["AssumeRolePolicyDocument"], trust);

    aws("put-role-policy", &["--policy-name", "write", "--policy-document", S3_POLICY]).await;
    aws("attach-role-policy", &["--policy-arn", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"])
        .await;
    let role = aws("get-role", &[]).await;
    assert_eq!(role["Role"]["Description"], "a < b");
    assert_eq!(role["Role"]["MaxSessionDuration"], 3600);
    let policy = aws("get-role-policy", &["--policy-name", "write"]).await;
    assert_eq!(policy["PolicyDocument"], serde_json::from_str::<Value>(S3_POLICY).unwrap());
    assert_eq!(aws("list-role-policies", &[]).await["PolicyNames"], json!(["write"]));
    let attached = aws("list-attached-role-policies", &[]).await;
    assert_eq!(attached["AttachedPolicies"][0]["PolicyName"], "AWSLambdaBasicExecutionRole");

    let lambda_trust = FIREHOSE_TRUST.replace("firehose", "lambda");
    aws("update-assume-role-policy", &["--policy-document", &lambda_trust]).await;
    let role = aws("get-role", &[]).await;
    assert_eq!(
        role["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"],
        "lambda.amazonaws.com"
    );

    let refused = sandbox.aws_error(&["iam", "delete-role", name[0], name[1]]).await;
    assert!(refused.contains("(DeleteConflict)"), "{refused}");
    aws("delete-role-policy", &["--policy-name", "write"]).await;
    let refused = sandbox.aws_error(&["iam", "delete-role", name[0], name[1]]).await;
    assert!(refused.contains("must detach all policies first"), "{refused}");
    aws("detach-role-policy", &["--policy-arn", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"])
        .await;
    aws("delete-role", &[]).await;
    let gone = sandbox.aws_error(&["iam", "get-role", name[0], name[1]]).await;
    assert!(gone.contains("(NoSuchEntity)"), "{gone}");
}

#[tokio::test]
async fn bad_requests_get_the_errors_of_iam() {
    let sandbox = TestSandbox::start().await;
    let iam = aws_sdk_iam::Client::new(&sandbox.sdk());
    let create = |name: &str, trust: &str| iam.create_role().role_name(name).assume_role_policy_document(trust).send();
    create("taken", FIREHOSE_TRUST).await.unwrap();
    let codes = [
        create("Taken", FIREHOSE_TRUST).await.unwrap_err().code().map(str::to_owned),
        create("a role", FIREHOSE_TRUST).await.unwrap_err().code().map(str::to_owned),
        create("new", "{").await.unwrap_err().code().map(str::to_owned),
        create("new", &FIREHOSE_TRUST.replace("firehose", &"x".repeat(2048)))
            .await
            .unwrap_err()
            .code()
            .map(str::to_owned),
        iam.create_user().user_name("x").send().await.unwrap_err().code().map(str::to_owned),
        iam.delete_role().role_name("none").send().await.unwrap_err().code().map(str::to_owned),
        iam.attach_role_policy()
            .role_name("taken")
            .policy_arn("arn:aws:iam::111122223333:policy/none")
            .send()
            .await
            .unwrap_err()
            .code()
            .map(str::to_owned),
        iam.put_role_policy()
            .role_name("taken")
            .policy_name("p")
            .policy_document(FIREHOSE_TRUST)
            .send()
            .await
            .unwrap_err()
            .code()
            .map(str::to_owned),
    ]
    .map(Option::unwrap_or_default);
    insta::assert_debug_snapshot!(codes, @r#"
    [
        "EntityAlreadyExists",
        "ValidationError",
        "MalformedPolicyDocument",
        "LimitExceeded",
        "InvalidAction",
        "NoSuchEntity",
        "NoSuchEntity",
        "MalformedPolicyDocument",
    ]
    "#);
}

#[tokio::test]
async fn roles_are_listed_in_pages_and_belong_to_one_account() {
    let sandbox = TestSandbox::start().await;
    let (_, other) = sandbox.another_account().await;
    let theirs = aws_sdk_iam::Client::new(&sandbox.sdk_as(&other, "eu-west-1"));
    let made = sandbox
        .python(&format!(
            "
import boto3
iam = boto3.client('iam')
for n in range(7):
    iam.create_role(RoleName=f'role-{{n}}', Path='/lab/', AssumeRolePolicyDocument='''{FIREHOSE_TRUST}''')
pages = iam.get_paginator('list_roles').paginate(PathPrefix='/lab/', PaginationConfig={{'PageSize': 3}})
print([[role['RoleName'] for role in page['Roles']] for page in pages])
"
        ))
        .await;
    assert_eq!(made, "[['role-0', 'role-1', 'role-2'], ['role-3', 'role-4', 'role-5'], ['role-6']]");
    assert!(theirs.list_roles().send().await.unwrap().roles().is_empty());
    let missing = theirs.get_role().role_name("role-0").send().await.unwrap_err();
    assert!(missing.into_service_error().is_no_such_entity_exception());
}

#[tokio::test]
async fn a_role_is_assumed_across_accounts_with_its_external_id_only() {
    let sandbox = TestSandbox::start().await;
    let (learner, learner_key) = sandbox.another_account().await;
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", sandbox.account)},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "enrolment-81c2"}},
    }]});
    let iam = aws_sdk_iam::Client::new(&sandbox.sdk_as(&learner_key, common::REGION));
    let role =
        iam.create_role().role_name("Checker").assume_role_policy_document(trust.to_string()).send().await.unwrap();
    let arn = role.role().unwrap().arn().to_owned();

    let sts = aws_sdk_sts::Client::new(&sandbox.sdk());
    let assume = || sts.assume_role().role_arn(&arn).role_session_name("check");
    for attempt in [assume(), assume().external_id("enrolment-0000")] {
        assert_eq!(attempt.send().await.unwrap_err().code(), Some("AccessDenied"));
    }
    let absent = sts.assume_role().role_arn(format!("{arn}X")).role_session_name("check").send().await.unwrap_err();
    assert_eq!(absent.code(), Some("AccessDenied"));

    let assumed = assume().external_id("enrolment-81c2").duration_seconds(900).policy(S3_POLICY).send().await.unwrap();
    let minted = assumed.credentials().unwrap();
    assert!(minted.access_key_id().starts_with("ASIA"));
    let with_token = |token: Option<String>| {
        let credentials = Credentials::new(minted.access_key_id(), minted.secret_access_key(), token, None, "assumed");
        aws_sdk_sts::Client::new(&sandbox.sdk_with(credentials, "eu-central-1"))
    };
    let identity = with_token(Some(minted.session_token().to_owned())).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(learner.as_str()));
    let session = format!("arn:aws:sts::{learner}:assumed-role/Checker/check");
    assert_eq!(identity.arn(), Some(session.as_str()));
    assert_eq!(assumed.assumed_role_user().unwrap().arn(), session);

    let without = with_token(None).get_caller_identity().send().await.unwrap_err();
    assert_eq!(without.code(), Some("InvalidClientTokenId"));
}

#[tokio::test]
async fn assume_role_heeds_its_bounds() {
    let sandbox = TestSandbox::start().await;
    let trust = json!({"Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": sandbox.account.as_str()},
        "Action": "sts:AssumeRole",
    }});
    let iam = aws_sdk_iam::Client::new(&sandbox.sdk());
    let role = iam
        .create_role()
        .role_name("Self")
        .max_session_duration(7200)
        .assume_role_policy_document(trust.to_string())
        .send()
        .await
        .unwrap();
    let arn = role.role().unwrap().arn().to_owned();
    let sts = aws_sdk_sts::Client::new(&sandbox.sdk());
    let assume = |client: &aws_sdk_sts::Client| client.assume_role().role_arn(&arn).role_session_name("test");
    let refused = [
        assume(&sts).duration_seconds(899),
        assume(&sts).duration_seconds(43_201),
        assume(&sts).duration_seconds(7201),
        assume(&sts).role_session_name("x"),
        assume(&sts).role_session_name("a b"),
        assume(&sts).external_id("#!"),
        assume(&sts).policy("{"),
        assume(&sts).policy(" ".repeat(2049)),
        assume(&sts).source_identity("someone"),
    ];
    let mut messages = Vec::new();
    for attempt in refused {
        let error = attempt.send().await.unwrap_err();
        messages.push(format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default()));
    }
    insta::assert_debug_snapshot!(messages, @r#"
    [
        "ValidationError: 1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
        "ValidationError: 1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200",
        "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        "ValidationError: 1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
        "ValidationError: 1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        "ValidationError: 1 validation error detected: Value '#!' at 'externalId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@:/-]*",
        "MalformedPolicyDocument: This policy contains invalid Json",
        "ValidationError: 1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048",
        "ValidationError: The sandbox does not offer the parameter SourceIdentity of the operation AssumeRole.",
    ]
    "#);

    let session = assume(&sts).duration_seconds(7200).send().await.unwrap();
    let minted = session.credentials().unwrap();
    let chained = Credentials::new(
        minted.access_key_id(),
        minted.secret_access_key(),
        Some(minted.session_token().to_owned()),
        None,
        "chained",
    );
    let chained = aws_sdk_sts::Client::new(&sandbox.sdk_with(chained, common::REGION));
    let error = assume(&chained).duration_seconds(3601).send().await.unwrap_err();
    assert!(error.message().unwrap().contains("role chaining"), "{error:?}");
    assume(&chained).duration_seconds(3600).send().await.unwrap();
}

#[tokio::test]
async fn a_session_policy_leaves_what_both_it_and_the_role_allow() {
    let sandbox = TestSandbox::start().await;
    let trust = json!({"Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": sandbox.account.as_str()},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "enrolment-81c2"}},
    }});
    let iam = aws_sdk_iam::Client::new(&sandbox.sdk());
    let role = iam.create_role().role_name("Checker").path("/class/").assume_role_policy_document(trust.to_string());
    let arn = role.send().await.unwrap().role.unwrap().arn;
    let grant = |policy: Value| {
        iam.put_role_policy().role_name("Checker").policy_name("grant").policy_document(policy.to_string()).send()
    };
    let statement = |actions: Value, resource: &str| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]});
    let sts = aws_sdk_sts::Client::new(&sandbox.sdk());
    let assume = |policy: Option<Value>| {
        let request = sts.assume_role().role_arn(&arn).role_session_name("check").external_id("enrolment-81c2");
        let request = request.duration_seconds(900).set_policy(policy.map(|policy| policy.to_string()));
        let sandbox = &sandbox;
        async move {
            let minted = request.send().await.unwrap().credentials.unwrap();
            let ends = minted.expiration().secs()
                - aws_sdk_sts::primitives::DateTime::from(std::time::SystemTime::now()).secs();
            assert!((880..=900).contains(&ends), "{ends}");
            let token = Some(minted.session_token().to_owned());
            let credentials = Credentials::new(minted.access_key_id(), minted.secret_access_key(), token, None, "test");
            sandbox.sdk_with(credentials, common::REGION)
        }
    };
    // The bucket and the table need not exist: who may not ask is not told so.
    async fn codes(sdk: &aws_config::SdkConfig) -> Vec<String> {
        let s3 = common::streams::s3(sdk);
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        let lambda = aws_sdk_lambda::Client::new(sdk);
        let code = |code: Option<&str>| code.unwrap_or("allowed").to_owned();
        vec![
            code(s3.list_objects_v2().bucket("clicks").send().await.err().as_ref().and_then(|e| e.code())),
            code(s3.get_object().bucket("clicks").key("k").send().await.err().as_ref().and_then(|e| e.code())),
            code(dynamodb.describe_table().table_name("counts").send().await.err().as_ref().and_then(|e| e.code())),
            code(dynamodb.describe_table().table_name("other").send().await.err().as_ref().and_then(|e| e.code())),
            code(lambda.list_functions().send().await.err().as_ref().and_then(|e| e.code())),
        ]
    }
    let table = format!("arn:aws:dynamodb:{}:{}:table/counts", common::REGION, sandbox.account);
    grant(statement(json!(["s3:ListBucket", "dynamodb:*"]), "*")).await.unwrap();
    let narrowed = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "dynamodb:Describe*", "Resource": table},
        {"Effect": "Allow", "Action": "iam:GetRole", "Resource": "*"},
    ]});
    let session = assume(Some(narrowed)).await;
    let denied =
        ["NoSuchBucket", "AccessDenied", "ResourceNotFoundException", "AccessDeniedException", "AccessDeniedException"];
    assert_eq!(codes(&session).await, denied);
    let identity = aws_sdk_sts::Client::new(&session).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(sandbox.account.as_str()));
    let asks = aws_sdk_iam::Client::new(&session);
    let refused = asks.get_role().role_name("Checker").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"));
    let message = refused.message().unwrap();
    assert!(message.contains(&format!("iam:GetRole on resource: {arn} because no identity-based policy")), "{message}");

    // The role's policies count as they are when the session asks.
    grant(statement(json!(["s3:*", "iam:GetRole"]), "*")).await.unwrap();
    asks.get_role().role_name("Checker").send().await.unwrap();
    let changed =
        ["NoSuchBucket", "NoSuchBucket", "AccessDeniedException", "AccessDeniedException", "AccessDeniedException"];
    assert_eq!(codes(&session).await, changed);

    // A session without a policy of its own may do everything, as every other principal here.
    let whole = ["NoSuchBucket", "NoSuchBucket", "ResourceNotFoundException", "ResourceNotFoundException", "allowed"];
    assert_eq!(codes(&assume(None).await).await, whole);
}
