//! What a learner has: the picture, the sending on its way, steps done for them, the receipt and the cost.

use super::{Scene, page, post};

#[tokio::test]
async fn the_result_page_carries_the_receipt() {
    let page = page(Scene::Done, "/results").await;
    page.has_in_order(&[
        "7 of 7 steps passed",
        "Account in the sandbox",
        "481920375566",
        "Counted by",
        "a SQL application",
        "Delivery stream",
        "Assisted",
        "18:28 UTC",
        "Receipt of the clean-up",
        "All clean",
        "ClickStreamData",
        "gone at",
    ]);
    page.lacks("an hour");
}

#[tokio::test]
async fn each_engine_has_its_picture() {
    let shapes = [
        (Scene::Midway, vec!["Clicks", "Firehose", "S3", "Lambda", "Streaming SQL", "Lambda", "DynamoDB"]),
        (Scene::Window, vec!["Clicks", "Kinesis", "Firehose", "Lambda", "S3", "Lambda", "DynamoDB"]),
        (
            Scene::RoleConnected,
            vec!["Clicks", "Kinesis", "Firehose", "Lambda", "S3", "Managed Flink", "Lambda", "DynamoDB"],
        ),
    ];
    for (scene, services) in shapes {
        let page = page(scene, "/lab/preprocess").await;
        let nodes: Vec<&str> =
            page.body.split(r#"class="node-service">"#).skip(1).filter_map(|rest| rest.split('<').next()).collect();
        assert_eq!(nodes, services, "{scene:?}");
        let words: Vec<String> = services.iter().map(|service| format!("{service} ")).collect();
        let picture = page.body.split_once("pipeline-picture-text\">").map_or("", |(_, rest)| rest);
        let mut description = picture.split('<').next().unwrap_or_default();
        for word in &words {
            let Some((_, rest)) = description.split_once(word.as_str()) else { panic!("{scene:?}: no {word}") };
            description = rest;
        }
    }
}

#[tokio::test]
async fn a_sending_is_followed_hop_by_hop() {
    let waiting = page(Scene::Midway, "/lab/preprocess").await;
    waiting.has_in_order(&[
        r#"id="trace""#,
        "Headwater_run_k3v9q2x7ab",
        r#"data-hop="accepted" data-state="reached""#,
        "All 4 marked rows are here",
        "18:59:13",
        r#"data-hop="bucket" data-state="waiting""#,
        "Look again at",
        "19:00:45",
        "up to 60 seconds",
    ]);
    waiting.lacks("Stopped here");

    let arrived = page(Scene::Window, "/lab/results").await;
    arrived.has_in_order(&[
        r#"data-hop="bucket""#,
        "some came twice",
        "S3 GetObject",
        r#"data-hop="table""#,
        "3 of 4 marked rows so far",
    ]);

    let stopped = page(Scene::Connected, "/lab/preprocess").await;
    stopped.has_in_order(&[
        r#"data-hop="preprocess" data-state="stopped""#,
        "got an error each time",
        "What to do:",
        "Mend the code",
        r#"data-hop="bucket" data-state="stopped""#,
        r#"data-hop="table" data-state="unknown""#,
        "Cannot be told",
    ]);
    stopped.does_not_show("This advice is not for now.");
}

#[tokio::test]
async fn the_trace_is_under_the_sender_and_not_shown_before_the_data() {
    let ingest = page(Scene::Midway, "/lab/ingest").await;
    ingest.has_in_order(&[r#"id="demo""#, r#"id="trace""#, r#"id="hints""#]);
    assert_eq!(ingest.body.matches(r#"id="trace""#).count(), 1);
    page(Scene::Midway, "/lab/delivery-stream").await.lacks(r#"id="trace""#);
    page(Scene::Fresh, "/lab/preprocess").await.lacks("Headwater_run_");
}

#[tokio::test]
async fn the_sandbox_does_a_step_on_request_and_names_its_calls() {
    let page = page(Scene::Window, "/lab/delivery-stream").await;
    page.has_in_order(&[
        r#"id="catch-up""#,
        "done for you",
        "18:28 UTC",
        "S3 CreateBucket",
        "clickstream-481920375566-us-east-1",
        "Firehose CreateDeliveryStream",
        r#"action="/api/catch-up""#,
        r#"name="slug" value="delivery-stream""#,
        "Recorded as assisted",
    ]);
    page.lacks("headwater-delivery-stream.sh");
}

#[tokio::test]
async fn in_an_account_a_step_comes_as_a_script_and_as_terraform() {
    let page = page(Scene::Connected, "/lab/delivery-stream").await;
    page.has_in_order(&[
        r#"id="catch-up""#,
        "headwater-delivery-stream.sh",
        "aws kinesis create-stream",
        "headwater-delivery-stream.tf",
        "aws_kinesis_stream",
    ]);
    page.lacks(r#"action="/api/catch-up""#);
}

#[tokio::test]
async fn a_caught_up_step_comes_back_to_its_place() {
    let page = post(Scene::Window, "/api/catch-up", "slug=delivery-stream").await;
    assert_eq!((page.status, page.location.as_deref()), (302, Some("/lab/delivery-stream#catch-up")));
}

#[tokio::test]
async fn the_receipt_tells_what_remains_and_what_it_costs() {
    let page = page(Scene::RoleConnected, "/lab/clean-up").await;
    page.has_in_order(&[
        r#"id="receipt""#,
        "4 resources have to go, and 1 place could not be looked at.",
        "Still there",
        "ClickstreamAnalytics",
        "$0.22 an hour",
        "RUNNING · eu-central-1 · found by name and tag",
        "stop-application",
        "ClickStreamInput",
        "$0.015 an hour",
        "nothing by the hour",
        "$0.235",
        "$5.64 a day",
        "Could not look: logs:DescribeLogGroups is not allowed. This proves nothing.",
        "Gone",
        "ClickstreamWindowCounts",
        "gone at",
        "May remain",
        "HeadwaterFirehoseRole",
    ]);
    page.lacks("All clean");
}

#[tokio::test]
async fn a_clean_account_is_called_so() {
    let page = page(Scene::Clean, "/lab/clean-up").await;
    page.has_in_order(&["All clean", "every place could be looked at", "Gone", "ClickStreamInput", "May remain"]);
    page.lacks("have to go");
    page.lacks("is running in your account");
}

#[tokio::test]
async fn what_costs_money_is_told_on_every_page_of_the_lab() {
    for path in ["/lab/connect", "/lab/ingest", "/results"] {
        let page = page(Scene::Connected, path).await;
        page.has_in_order(&[
            r#"class="cost-bar is-running">"#,
            "About $0.02 an hour is running in your account · 3 resources",
            r#"href="/lab/clean-up""#,
        ]);
    }
    for scene in [Scene::Midway, Scene::Clean] {
        page(scene, "/lab/ingest").await.has_in_order(&[r#"aria-label="What the lab costs" hidden class="cost-bar""#]);
    }
}

#[tokio::test]
async fn the_results_of_an_account_say_where_and_by_what() {
    let page = page(Scene::Clean, "/results").await;
    page.has_in_order(&["Account on AWS", "111122223333", "Counted by", "a Lambda function with a tumbling window"]);
    page.lacks("Assisted");
}
