//! What is logged, and what never is.

use std::collections::BTreeMap;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use axum::http::StatusCode;

use crate::client::{Learner, Visitor};
use crate::server::{Folder, Server, headwater};

/// Everything secret that was seen, by what it is.
type Secrets = BTreeMap<&'static str, String>;

/// Goes through all that mints a secret or uses one.
async fn use_the_lab(server: &Server, secrets: &mut Secrets) {
    let mut learner = Learner::start(&server.site).await;
    secrets.insert("first secret key", learner.secret.clone());
    secrets.insert("first resume code", learner.resume_code.clone());
    secrets.insert("session", learner.session().unwrap().to_owned());
    learner.post("/api/recheck", &[("slug", "connect")]).await;
    learner.create_bucket().await;
    learner.perform("delivery-stream", "create-bucket", &[("bucket", "Not_A_Bucket")]).await;
    let live = learner.open("/live/connect").await;
    assert_eq!(live.status(), StatusCode::OK);
    learner.upload("clicks.tsv", b"a\tb\tlink\t1\n").await;
    let sdk = server.sdk(&learner.access_key, &learner.secret);
    aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await.unwrap();
    refused_by_s3(&sdk).await;
    use_a_role(server, &learner, secrets).await;

    let mut elsewhere = Visitor::new(&server.site);
    elsewhere.post("/api/resume", &[("code", &learner.resume_code)]).await;
    secrets.insert("session elsewhere", elsewhere.session().unwrap().to_owned());
    elsewhere.post("/api/rotate-keys", &[]).await;
    elsewhere.post("/api/renew-resume-code", &[]).await;
    let page = elsewhere.get("/lab/connect").await;
    let exports = page.code("keys-exports").unwrap();
    let secret = exports.lines().find_map(|line| line.strip_prefix("export AWS_SECRET_ACCESS_KEY=")).unwrap();
    secrets.insert("second secret key", secret.to_owned());
    secrets.insert("second resume code", page.code("resume-code-value").unwrap());
    elsewhere.call("resume", &[("code", &secrets["first resume code"].clone())]).await;
    elsewhere.post("/api/forget", &[]).await;
}

/// Keys for an hour, with a token that is as secret as they are, used for S3.
async fn use_a_role(server: &Server, learner: &Learner, secrets: &mut Secrets) {
    let sdk = server.sdk(&learner.access_key, &learner.secret);
    let trust = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {{"AWS": "arn:aws:iam::{}:root"}}}}]}}"#,
        learner.account
    );
    let iam = aws_sdk_iam::Client::new(&sdk);
    let role = iam.create_role().role_name("Visitor").assume_role_policy_document(trust).send().await.unwrap();
    let arn = role.role().unwrap().arn();
    let assume = aws_sdk_sts::Client::new(&sdk).assume_role().role_arn(arn).role_session_name("test");
    let assumed = assume.send().await.unwrap().credentials.unwrap();
    secrets.insert("role's secret key", assumed.secret_access_key.clone());
    secrets.insert("role's session token", assumed.session_token.clone());
    let keys = (assumed.access_key_id, assumed.secret_access_key, assumed.session_token);
    let credentials = aws_credential_types::Credentials::new(keys.0, keys.1, Some(keys.2), None, "test");
    let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).credentials_provider(credentials);
    aws_sdk_s3::Client::from_conf(s3.build()).list_buckets().send().await.unwrap();
}

async fn refused_by_s3(sdk: &aws_config::SdkConfig) {
    let s3 = aws_sdk_s3::config::Builder::from(sdk).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    let refused = s3.list_objects_v2().bucket("no-such-bucket").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("NoSuchBucket"));
    let refused = s3.get_bucket_acl().bucket("no-such-bucket").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("NotImplemented"));
}

async fn no_secret_is_logged(format: &str) {
    let folder = Folder::new();
    let server = folder.start_with(|command| _ = command.env("RUST_LOG", "trace").args(["--log-format", format])).await;
    let mut secrets = Secrets::new();
    use_the_lab(&server, &mut secrets).await;
    let command = ["sandbox", "new-account", "--server", &server.url, "--log-format", format];
    let account = headwater().args(command).env("RUST_LOG", "trace").output().await.unwrap();
    let exports = String::from_utf8(account.stdout).unwrap();
    let secret = exports.lines().find_map(|line| line.strip_prefix("export AWS_SECRET_ACCESS_KEY=")).unwrap();
    secrets.insert("script's secret key", secret.to_owned());
    let output = server.stop().await;

    let log = folder.log() + &output + &String::from_utf8_lossy(&account.stderr);
    assert!(log.contains("GetCallerIdentity") && log.len() > 100_000, "{} bytes are too few for a trace", log.len());
    assert_eq!(secrets.len(), 9, "{:?}", secrets.keys());
    secret_audit::note("role's secret access key", &secrets["role's secret key"]);
    secret_audit::note("session token", &secrets["role's session token"]);
    secret_audit::note("secret access key", &secrets["script's secret key"]);
    for (what, secret) in secrets {
        assert!(secret.len() >= 16, "the {what} is too short to be one");
        // A key may have a slash or a plus, which JSON and forms write otherwise.
        for form in [secret.clone(), secret.replace('/', "\\/"), secret.replace('/', "%2F").replace('+', "%2B")] {
            let line = log.lines().find(|line| line.contains(&form));
            assert!(line.is_none(), "the {what} is logged: {}", line.unwrap_or_default());
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_the_most_talkative_log() {
    no_secret_is_logged("text").await;
}

#[tokio::test]
async fn nor_in_json() {
    no_secret_is_logged("json").await;
}

#[tokio::test]
async fn what_learners_get_wrong_is_not_logged() {
    let folder = Folder::new();
    let server = folder.start().await;
    let mut learner = Learner::start(&server.site).await;
    refused_by_s3(&server.sdk(&learner.access_key, &learner.secret)).await;
    let fields = [("slug", "delivery-stream"), ("action", "create-bucket"), ("fields[bucket]", "Not_A_Bucket")];
    let refused = learner.call("perform", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    learner.call("resume", &[("code", "nonsense")]).await;
    Visitor::new(&server.site).call("lab", &[]).await;
    Visitor::new(&server.site).get("/nowhere").await;
    server.stop().await;
    assert_eq!(folder.log(), "");
}
