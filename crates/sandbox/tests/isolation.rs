//! Whatever accounts do, each sees its own resources and nothing of another's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use common::TestSandbox;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const ACCOUNTS: usize = 3;
const REGION: &str = "us-east-1";

/// What a client does: names are few, so that accounts collide.
#[derive(Clone, Debug)]
enum Action {
    PutObject { key: u8, body: u8 },
    DeleteObject { key: u8 },
    CreateRole { role: u8 },
    DeleteRole { role: u8 },
}

fn actions() -> impl Strategy<Value = Vec<(usize, Action)>> {
    let action = prop_oneof![
        3 => (0..3_u8, any::<u8>()).prop_map(|(key, body)| Action::PutObject { key, body }),
        1 => (0..3_u8).prop_map(|key| Action::DeleteObject { key }),
        2 => (0..3_u8).prop_map(|role| Action::CreateRole { role }),
        1 => (0..3_u8).prop_map(|role| Action::DeleteRole { role }),
    ];
    proptest::collection::vec((0..ACCOUNTS, action), 1..16)
}

/// What each account should hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct Holdings {
    objects: BTreeMap<String, u8>,
    roles: BTreeSet<String>,
}

async fn act(config: &SdkConfig, action: &Action, holdings: &mut Holdings) {
    let s3 = aws_sdk_s3::Client::new(config);
    let iam = aws_sdk_iam::Client::new(config);
    match action {
        Action::PutObject { key, body } => {
            let key = format!("key-{key}");
            s3.put_object().bucket("clicks").key(&key).body(vec![*body].into()).send().await.unwrap();
            holdings.objects.insert(key, *body);
        }
        Action::DeleteObject { key } => {
            let key = format!("key-{key}");
            s3.delete_object().bucket("clicks").key(&key).send().await.unwrap();
            holdings.objects.remove(&key);
        }
        Action::CreateRole { role } => {
            let role = format!("role-{role}");
            let trust = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}"#;
            let made = iam.create_role().role_name(&role).assume_role_policy_document(trust).send().await;
            assert_eq!(made.is_ok(), holdings.roles.insert(role), "{made:?}");
        }
        Action::DeleteRole { role } => {
            let role = format!("role-{role}");
            let deleted = iam.delete_role().role_name(&role).send().await;
            assert_eq!(deleted.is_ok(), holdings.roles.remove(&role), "{deleted:?}");
        }
    }
}

async fn seen(config: &SdkConfig) -> Holdings {
    let s3 = aws_sdk_s3::Client::new(config);
    let mut holdings = Holdings::default();
    for object in s3.list_objects_v2().bucket("clicks").send().await.unwrap().contents() {
        let key = object.key().unwrap().to_owned();
        let got = s3.get_object().bucket("clicks").key(&key).send().await.unwrap();
        holdings.objects.insert(key, got.body.collect().await.unwrap().to_vec()[0]);
    }
    let roles = aws_sdk_iam::Client::new(config).list_roles().send().await.unwrap();
    holdings.roles.extend(roles.roles().iter().map(|role| role.role_name().to_owned()));
    holdings
}

#[test]
fn accounts_see_their_own_only() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sandbox = runtime.block_on(TestSandbox::start());
    TestRunner::new(Config { cases: 16, ..Config::default() })
        .run(&actions(), |actions| {
            runtime.block_on(async {
                let mut configs = Vec::new();
                for _ in 0..ACCOUNTS {
                    let (_, key) = sandbox.another_account().await;
                    let config = sandbox.sdk_as(&key, REGION);
                    aws_sdk_s3::Client::new(&config).create_bucket().bucket("clicks").send().await.unwrap();
                    configs.push(config);
                }
                let mut expected = vec![Holdings::default(); ACCOUNTS];
                for (account, action) in &actions {
                    act(&configs[*account], action, &mut expected[*account]).await;
                }
                for (config, expected) in configs.iter().zip(&expected) {
                    assert_eq!(&seen(config).await, expected);
                }
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_bucket_name_may_be_taken_once_in_each_account() {
    let sandbox = TestSandbox::start().await;
    let (_, other) = sandbox.another_account().await;
    let mine = aws_sdk_s3::Client::new(&sandbox.sdk());
    let theirs = aws_sdk_s3::Client::new(&sandbox.sdk_as(&other, REGION));
    mine.create_bucket().bucket("clicks").send().await.unwrap();
    mine.put_object().bucket("clicks").key("secret").send().await.unwrap();
    let refused = theirs.get_object().bucket("clicks").key("secret").send().await.unwrap_err();
    assert_eq!(aws_sdk_s3::error::ProvideErrorMetadata::code(&refused), Some("NoSuchBucket"));
    let copied = theirs.copy_object().bucket("clicks").key("stolen").copy_source("clicks/secret").send().await;
    assert_eq!(aws_sdk_s3::error::ProvideErrorMetadata::code(&copied.unwrap_err()), Some("NoSuchBucket"));
    theirs.create_bucket().bucket("clicks").send().await.unwrap();
    assert_eq!(theirs.list_objects_v2().bucket("clicks").send().await.unwrap().key_count(), Some(0));
    let copied = theirs.copy_object().bucket("clicks").key("stolen").copy_source("clicks/secret").send().await;
    assert_eq!(aws_sdk_s3::error::ProvideErrorMetadata::code(&copied.unwrap_err()), Some("NoSuchKey"));
}
