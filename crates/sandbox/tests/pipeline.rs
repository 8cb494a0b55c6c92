//! The whole pipeline with the lab's own functions and SQL: every good row is counted once, whatever happens on the way.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use aws_sdk_kinesisanalyticsv2::types::InputStartingPosition;
use common::TestSandbox;
use common::pipeline::{Clicks, PREPROCESS, Pipeline, STORE};

async fn pipeline(sandbox: &TestSandbox, preprocess: &str, store: &str) -> Pipeline {
    Pipeline::build(sandbox.sdk(), sandbox.account.as_str(), preprocess, store).await
}

/// Leaves an item of this metric in the table.
fn leave(metric: &str) -> String {
    format!(
        "    import boto3\n    boto3.client('dynamodb').put_item(TableName='counts',\n        \
         Item={{'metric': {{'S': '{metric}'}}, 'window_end': {{'S': 'never'}}}})\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_good_row_is_counted_once() {
    let sandbox = TestSandbox::start().await;
    let pipeline = pipeline(&sandbox, PREPROCESS, STORE).await;
    let mut clicks = Clicks::default();
    // Over several windows.
    for windows in 0..4 {
        for _ in 0..5 {
            pipeline.send(clicks.next(60)).await;
        }
        pipeline.wait_for_table("a window must close", |table| table.windows > windows).await;
    }
    pipeline.must_have_counted(&mut clicks).await;
    pipeline.must_have_delivered(clicks.bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_that_fail_lose_nothing() {
    let sandbox = TestSandbox::start().await;
    let raises = |metric: &str| format!("def handler(event, context):\n{}    raise ValueError('no')\n", leave(metric));
    let pipeline = pipeline(&sandbox, &raises("preprocess_failed"), &raises("store_failed")).await;
    let mut clicks = Clicks::default();
    pipeline.send(clicks.next(200)).await;
    let failed = |metric: &'static str| move |table: &common::pipeline::Table| table.metrics.contains(metric);
    pipeline.wait_for_table("the preprocessor must be tried", failed("preprocess_failed")).await;
    pipeline.send(clicks.next(200)).await;
    pipeline.mend("Preprocess", PREPROCESS).await;
    pipeline.wait_for_table("the output must be tried", failed("store_failed")).await;
    // Now it stores what it gets, and then fails all the same, so that every row comes again.
    let forgetful = format!(
        "{}\n\nstores = handler\n\ndef handler(event, context):\n    stores(event, context)\n{}    raise ValueError('no')\n",
        STORE,
        leave("acknowledgement_failed")
    );
    pipeline.mend("Store", &forgetful).await;
    pipeline.wait_for_table("rows must be stored", failed("acknowledgement_failed")).await;
    // And now it refuses some, and accepts others.
    let picky = format!(
        "{STORE}\n\nstores = handler\n\ndef handler(event, context):\n    answer = stores(event, context)\n    \
         for record in answer['records'][1:]: record['result'] = 'DeliveryFailed'\n{}    return answer\n",
        leave("delivery_failed")
    );
    pipeline.mend("Store", &picky).await;
    pipeline.wait_for_table("rows must be refused", failed("delivery_failed")).await;
    pipeline.mend("Store", STORE).await;
    pipeline.send(clicks.next(100)).await;
    pipeline.must_have_counted(&mut clicks).await;
    pipeline.must_have_delivered(clicks.bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_is_stopped_goes_on_where_it_was() {
    let mut sandbox = TestSandbox::start().await;
    let mut pipeline = pipeline(&sandbox, PREPROCESS, STORE).await;
    let mut clicks = Clicks::default();
    for windows in 0..3 {
        pipeline.send(clicks.next(50)).await;
        // In the midst of a window, with rows under way.
        pipeline.stop().await;
        pipeline.send(clicks.next(50)).await;
        if windows == 1 {
            sandbox = sandbox.restart().await;
            pipeline = pipeline.at(sandbox.sdk());
        }
        pipeline.start(InputStartingPosition::LastStoppedPoint).await;
        pipeline.send(clicks.next(50)).await;
        pipeline.wait_for_table("a window must close", |table| table.windows > windows).await;
    }
    pipeline.must_have_counted(&mut clicks).await;
    pipeline.must_have_delivered(clicks.bytes).await;
}
