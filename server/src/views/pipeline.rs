//! The learner's pipeline as a picture that lights up.

use app::model::{DemoState, DemoView, NodeId, NodeState, PipelineView};

use super::Progress;
use crate::state::Seat;

/// The picture: a part is lit when all its checks passed once, begun when some did.
pub fn pipeline(seat: &Seat, progress: &Progress, demo: &DemoView) -> PipelineView {
    let variables = &seat.variables;
    let mut view = PipelineView::new(|id| match id {
        NodeId::Clicks => (clicks(demo), "Clicks".to_owned()),
        NodeId::Stream => (
            state(
                progress,
                &[
                    "delivery-stream.active",
                    "delivery-stream.source",
                    "delivery-stream.destination",
                    "delivery-stream.prefix",
                    "delivery-stream.buffering",
                    "delivery-stream.compression",
                ],
            ),
            variables.stream.clone(),
        ),
        NodeId::Bucket => (
            state(progress, &["delivery-stream.bucket", "ingest.objects", "ingest.readable", "ingest.rows"]),
            variables.bucket.clone(),
        ),
        NodeId::Preprocess => (
            state(
                progress,
                &[
                    "preprocess.function",
                    "preprocess.runtime",
                    "preprocess.handler",
                    "preprocess.timeout",
                    "preprocess.answer",
                ],
            ),
            variables.preprocess_function.clone(),
        ),
        NodeId::Application => (
            state(
                progress,
                &[
                    "streaming-sql.application",
                    "streaming-sql.input",
                    "streaming-sql.preprocessor",
                    "streaming-sql.schema",
                    "streaming-sql.code",
                    "streaming-sql.running",
                ],
            ),
            variables.application.clone(),
        ),
        NodeId::Output => (
            state(progress, &["results.function", "results.output", "results.idempotent"]),
            variables.output_function.clone(),
        ),
        NodeId::Table => (state(progress, &["results.table", "results.keys", "results.rows"]), variables.table.clone()),
    });
    let sending = demo.state == DemoState::Running;
    for flow in &mut view.flows {
        flow.moving = sending && flow.state == NodeState::Lit;
    }
    view
}

fn clicks(demo: &DemoView) -> NodeState {
    match demo.state {
        _ if demo.accepted > 0 => NodeState::Lit,
        DemoState::Running | DemoState::Stopping => NodeState::Begun,
        _ => NodeState::Dark,
    }
}

fn state(progress: &Progress, checks: &[&str]) -> NodeState {
    let passed =
        checks.iter().filter(|name| progress.check(name).is_some_and(|record| record.first_passed.is_some())).count();
    match passed {
        0 => NodeState::Dark,
        some if some < checks.len() => NodeState::Begun,
        _ => NodeState::Lit,
    }
}
