//! The number that tells whether something in an account has changed.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helper functions too")]

mod common;

use std::time::Duration;

use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record;
use common::TestSandbox;
use common::streams::{create_stream, s3};
use sandbox::AccountId;
use tokio::time::timeout;

/// What changes is told within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until the number differs from `before`, which the answer to a call may be ahead of.
async fn differs(sandbox: &TestSandbox, account: &AccountId, before: u64) {
    let told = async {
        while sandbox.sandbox.changes(account) == before {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, told).await.expect("the change is not told");
}

#[tokio::test]
async fn a_call_that_changes_something_is_told_and_one_that_reads_is_not() {
    let sandbox = TestSandbox::start().await;
    let (other, key) = sandbox.another_account().await;
    let (s3, others_s3) = (s3(&sandbox.sdk()), s3(&sandbox.sdk_as(&key, common::REGION)));
    // There is one writer: when it has written for the other account, it has told all that it wrote before.
    let of_other = sandbox.sandbox.changes(&other);
    others_s3.create_bucket().bucket("others-lake").send().await.unwrap();
    differs(&sandbox, &other, of_other).await;
    let before = sandbox.sandbox.changes(&sandbox.account);
    s3.create_bucket().bucket("lake").send().await.unwrap();
    differs(&sandbox, &sandbox.account, before).await;
    let of_other = sandbox.sandbox.changes(&other);
    s3.put_object().bucket("lake").key("a").body(b"1".to_vec().into()).send().await.unwrap();
    assert_eq!(sandbox.sandbox.changes(&other), of_other, "nothing happened in the other account");

    others_s3.delete_bucket().bucket("others-lake").send().await.unwrap();
    differs(&sandbox, &other, of_other).await;
    let (before, of_other) = (sandbox.sandbox.changes(&sandbox.account), sandbox.sandbox.changes(&other));
    s3.head_bucket().bucket("lake").send().await.unwrap();
    s3.list_objects_v2().bucket("lake").send().await.unwrap();
    s3.get_object().bucket("lake").key("a").send().await.unwrap();
    others_s3.create_bucket().bucket("others-pond").send().await.unwrap();
    differs(&sandbox, &other, of_other).await;
    assert_eq!(sandbox.sandbox.changes(&sandbox.account), before, "reading changes nothing");
}

#[tokio::test]
async fn what_the_services_do_by_themselves_is_told() {
    let sandbox = TestSandbox::start().await;
    let sdk = sandbox.sdk();
    create_stream(&sdk, "clicks", "lake").await;
    let listed = || async {
        let listed = s3(&sdk).list_objects_v2().bucket("lake").prefix("clicks/").send().await.unwrap();
        listed.key_count().unwrap_or_default()
    };
    let firehose = aws_sdk_firehose::Client::new(&sdk);
    let record = Record::builder().data(Blob::new("a row\n")).build().unwrap();
    firehose.put_record().delivery_stream_name("clicks").record(record).send().await.unwrap();
    // Whoever looks only when the number has changed must see the delivered object in the end.
    let delivered = async {
        loop {
            let before = sandbox.sandbox.changes(&sandbox.account);
            if listed().await > 0 {
                return;
            }
            differs(&sandbox, &sandbox.account, before).await;
        }
    };
    timeout(PATIENCE, delivered).await.expect("the delivery is not told");
}
