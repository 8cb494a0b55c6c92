//! The learner's pipeline as a picture that lights up.

use app::model::{DemoState, DemoView, NodeId, NodeState, PipelineShape, PipelineView};
use checks::CheckName;
use lab::Engine;

use super::Progress;
use crate::checking;
use crate::state::Seat;

/// The picture: a part is lit when all its checks passed once, begun when some did.
pub fn pipeline(seat: &Seat, progress: &Progress, demo: &DemoView) -> PipelineView {
    let variables = &seat.variables;
    let engine = checking::engine(seat.engine());
    let checked = |id: NodeId| {
        let names: Vec<&str> = CheckName::ALL
            .iter()
            .filter(|name| name.engines().contains(&engine) && part(**name, seat.engine()) == Some(id))
            .map(|name| name.as_str())
            .collect();
        state(progress, &names)
    };
    let mut view = PipelineView::new(shape(seat.engine()), |id| match id {
        NodeId::Clicks => (clicks(demo), "Clicks".to_owned()),
        NodeId::DataStream => (checked(id), variables.data_stream.clone()),
        NodeId::Stream => (checked(id), variables.stream.clone()),
        NodeId::Bucket => (checked(id), variables.bucket.clone()),
        NodeId::Preprocess => (checked(id), variables.preprocess_function.clone()),
        NodeId::Application => (checked(id), variables.application.clone()),
        NodeId::Output => (checked(id), variables.output_function.clone()),
        NodeId::Table => (checked(id), variables.table.clone()),
    });
    let sending = demo.state == DemoState::Running;
    for flow in &mut view.flows {
        flow.moving = sending && flow.state == NodeState::Lit;
    }
    view
}

/// The part of the picture that a check is about; the clean-up lights nothing.
fn part(check: CheckName, engine: Engine) -> Option<NodeId> {
    Some(match check.as_str() {
        "delivery-stream.data-stream" => NodeId::DataStream,
        "delivery-stream.bucket" => NodeId::Bucket,
        "results.table" | "results.keys" | "results.rows" => NodeId::Table,
        name => match name.split('.').next()? {
            "delivery-stream" => NodeId::Stream,
            "ingest" => NodeId::Bucket,
            "preprocess" => NodeId::Preprocess,
            "streaming-sql" if engine == Engine::TumblingWindow => NodeId::Output,
            "streaming-sql" => NodeId::Application,
            "results" => NodeId::Output,
            _ => return None,
        },
    })
}

fn shape(engine: Engine) -> PipelineShape {
    match engine {
        Engine::SqlApplication => PipelineShape::Sql,
        Engine::TumblingWindow => PipelineShape::Window,
        Engine::Flink => PipelineShape::Flink,
    }
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
