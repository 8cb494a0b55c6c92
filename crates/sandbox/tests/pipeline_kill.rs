//! The counts of the pipeline stay exact when the sandbox is killed again and again.
//!
//! This program is a test and, started anew by itself with a data folder in its arguments, the server that the test kills.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::time::Duration;

use aws_sdk_kinesisanalyticsv2::types::ApplicationStatus;
use common::pipeline::{Clicks, PREPROCESS, Pipeline, STORE};
use common::server::{Server, run_or_serve};

const KILLS: u32 = 8;

fn main() {
    run_or_serve("counts_stay_exact_through_kill_9", counts_stay_exact_through_kill_9());
}

async fn counts_stay_exact_through_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("data");
    let mut server = Server::start(&folder);
    let mut pipeline = Pipeline::build(server.sdk.clone(), &server.account, PREPROCESS, STORE).await;
    let mut clicks = Clicks::default();
    for round in 0..KILLS {
        for _ in 0..4 {
            pipeline.send(clicks.next(50)).await;
        }
        // At another moment each time: of preprocessing, counting and storing, and, later on, with windows stored already.
        tokio::time::sleep(Duration::from_millis(u64::from(450 * round))).await;
        server.kill();
        server = Server::start(&folder);
        pipeline = pipeline.at(server.sdk.clone());
        pipeline.wait_for(ApplicationStatus::Running).await;
    }
    pipeline.must_have_counted(&mut clicks).await;
    pipeline.must_have_delivered(clicks.bytes).await;
}
