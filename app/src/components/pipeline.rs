//! The learner's pipeline as a river that fills as the steps pass.

use super::icon::{Icon, icon_in_svg};
use crate::{
    format::shortened,
    live::Live,
    model::{FlowView, NodeId, NodeState, NodeView, PipelineShape, PipelineView},
};
use leptos::prelude::*;

/// Down the page, beside the text: the picture of what the learner has.
#[component]
pub fn PipelineDown(live: Live) -> impl IntoView {
    let pipeline = live.pipeline;
    // A lab keeps its shape for as long as it lives.
    let shape = pipeline.with_untracked(|pipeline| pipeline.shape);
    let flows = shape
        .flows()
        .iter()
        .enumerate()
        .map(|(index, &(from, to))| {
            let flow = Memo::new(move |_| {
                pipeline
                    .with(|pipeline| pipeline.flows.iter().find(|flow| flow.from == from && flow.to == to).cloned())
                    .unwrap_or(FlowView { from, to, state: NodeState::Dark, moving: false })
            });
            let bed_width = (8 + index).to_string();
            let water_width = (4 + index).to_string();
            view! {
                <g
                    class="flow"
                    class:is-lit=move || flow.with(|flow| flow.state == NodeState::Lit)
                    class:is-moving=move || flow.with(|flow| flow.moving)
                >
                    <path class="bed" d=channel(shape, from, to) stroke-width=bed_width/>
                    <path class="water" d=channel(shape, from, to) stroke-width=water_width pathLength="100"/>
                    <path class="drift" d=channel(shape, from, to)/>
                </g>
            }
        })
        .collect_view();
    let nodes = shape
        .nodes()
        .iter()
        .map(|&id| {
            let node = Memo::new(move |_| {
                pipeline
                    .with(|pipeline| pipeline.nodes.iter().find(|node| node.id == id).cloned())
                    .unwrap_or(NodeView { id, name: String::new(), state: NodeState::Dark })
            });
            view! { <DownNode shape node/> }
        })
        .collect_view();
    view! {
        <section class="pipeline panel" aria-labelledby="pipeline-title">
            <div class="panel-head">
                <h2 id="pipeline-title">"Your pipeline"</h2>
            </div>
            <svg class="pipeline-picture" viewBox=format!("0 0 344 {}", height(shape)) role="img" aria-labelledby="pipeline-picture-title pipeline-picture-text">
                <title id="pipeline-picture-title">"Your pipeline"</title>
                <desc id="pipeline-picture-text">{move || pipeline.with(description)}</desc>
                {flows}
                {nodes}
            </svg>
        </section>
    }
    .into_any()
}

#[component]
fn DownNode(shape: PipelineShape, node: Memo<NodeView>) -> impl IntoView {
    let id = node.with_untracked(|node| node.id);
    let (x, y) = place(shape, id);
    let state = move || node.with(|node| node.state);
    view! {
        <g
            class="node"
            class:is-lit=move || state() == NodeState::Lit
            class:is-begun=move || state() == NodeState::Begun
            data-node=format!("{id:?}")
        >
            <circle class="ripple" cx=x cy=y r="20"/>
            <circle class="pebble" cx=x cy=y r="20"/>
            {icon_in_svg(sign(id), x, y, 22.0)}
            <text class="node-service" x="122" y=y - 3.0>
                {service(id, shape)}
                <tspan class="node-state" dx="6">{move || state_word(state())}</tspan>
            </text>
            <text class="node-name" x="122" y=y + 14.0>
                {move || node.with(|node| shortened(&node.name, 30))}
            </text>
        </g>
    }
    .into_any()
}

/// Across the page: what the learner will build.
#[component]
pub fn PipelineAcross() -> impl IntoView {
    let stops: [(NodeId, f64, f64, &str, &str); 7] = [
        (NodeId::Clicks, 70.0, 96.0, "Clicks", "who went from where to where"),
        (NodeId::Stream, 240.0, 120.0, "Firehose", "collects them"),
        (NodeId::Bucket, 320.0, 292.0, "S3", "keeps every one"),
        (NodeId::Preprocess, 420.0, 88.0, "Lambda", "cleans them"),
        (NodeId::Application, 600.0, 118.0, "Streaming SQL", "counts by window"),
        (NodeId::Output, 780.0, 84.0, "Lambda", "hands counts on"),
        (NodeId::Table, 950.0, 112.0, "DynamoDB", "holds the counts"),
    ];
    let nodes = stops
        .into_iter()
        .map(|(id, x, y, service, role)| {
            view! {
                <g class="node is-lit">
                    <circle class="pebble" cx=x cy=y r="26"/>
                    {icon_in_svg(sign(id), x, y, 28.0)}
                    <text class="node-service" x=x y=y + 52.0 text-anchor="middle">{service}</text>
                    <text class="node-name" x=x y=y + 71.0 text-anchor="middle">{role}</text>
                </g>
            }
        })
        .collect_view();
    let main = "M70 96C130 60 180 120 240 120S360 88 420 88S540 118 600 118S720 84 780 84S890 112 950 112C1010 112 1040 96 1100 90";
    let branch = "M240 120C300 130 318 200 320 292";
    view! {
        <svg class="pipeline-picture is-across" viewBox="0 0 1040 376" role="img" aria-labelledby="across-title across-text">
            <title id="across-title">"What you will build"</title>
            <desc id="across-text">
                "Clicks go to a Firehose delivery stream, which keeps them in an S3 bucket. A Lambda function cleans them for streaming SQL, which counts them by window; a second Lambda function writes the counts to a DynamoDB table."
            </desc>
            <g class="flow is-lit is-moving">
                <path class="bed" d=branch stroke-width="12"/>
                <path class="water" d=branch stroke-width="7" pathLength="100"/>
                <path class="drift" d=branch/>
            </g>
            <g class="flow is-lit is-moving">
                <path class="bed" d=main stroke-width="16"/>
                <path class="water" d=main stroke-width="10" pathLength="100"/>
                <path class="drift" d=main/>
            </g>
            {nodes}
        </svg>
    }
    .into_any()
}

/// From one part to the next in the picture that goes down.
const FALL: f64 = 62.0;
/// From the edges of that picture to its first and last part.
const EDGE: f64 = 32.0;

fn height(shape: PipelineShape) -> f64 {
    let steps = shape.nodes().len().saturating_sub(1);
    2.0f64.mul_add(EDGE, FALL * steps as f64) - 2.0
}

/// The middle of a node in the picture that goes down: each part a fall below the one before.
fn place(shape: PipelineShape, id: NodeId) -> (f64, f64) {
    let row = shape.nodes().iter().position(|&node| node == id).unwrap_or_default();
    let x = match (shape, id) {
        (PipelineShape::Sql, NodeId::Bucket) => 30.0,
        (PipelineShape::Sql, NodeId::Stream) => 88.0,
        (PipelineShape::Sql, NodeId::Preprocess) => 84.0,
        (PipelineShape::Sql, NodeId::Clicks) => 74.0,
        (PipelineShape::Sql, NodeId::Application) => 66.0,
        (PipelineShape::Sql, NodeId::Output) => 86.0,
        (PipelineShape::Sql, NodeId::Table) => 70.0,
        (_, NodeId::Clicks) => 72.0,
        (_, NodeId::DataStream) => 54.0,
        (_, NodeId::Stream | NodeId::Bucket) => 90.0,
        (_, NodeId::Preprocess) => 82.0,
        (PipelineShape::Window, NodeId::Output) | (_, NodeId::Application) => 46.0,
        (_, NodeId::Output) => 72.0,
        (_, NodeId::Table) => 64.0,
    };
    (x, FALL.mul_add(row as f64, EDGE))
}

/// The bed of the water between two nodes, as SVG path data: it leaves and arrives flowing down.
fn channel(shape: PipelineShape, from: NodeId, to: NodeId) -> String {
    let [(x1, y1), (x2, y2), (x3, y3), (x4, y4)] = curve(shape, from, to);
    format!("M{x1} {y1}C{x2} {y2} {x3} {y3} {x4} {y4}")
}

/// The four points of a cubic curve. An arm that goes by other parts keeps to the left of them.
fn curve(shape: PipelineShape, from: NodeId, to: NodeId) -> [(f64, f64); 4] {
    const BANK: f64 = 8.0;
    let ((x1, y1), (x2, y2)) = (place(shape, from), place(shape, to));
    let goes_by = from == NodeId::DataStream && y2 - y1 > FALL;
    let (bend, left, right) = if goes_by { (FALL, BANK, BANK) } else { ((y2 - y1) * 0.5, x1, x2) };
    [(x1, y1), (left, y1 + bend), (right, y2 - bend), (x2, y2)]
}

fn sign(id: NodeId) -> Icon {
    match id {
        NodeId::Clicks => Icon::Cursor,
        NodeId::DataStream => Icon::Shard,
        NodeId::Stream => Icon::Stream,
        NodeId::Bucket => Icon::Bucket,
        NodeId::Preprocess | NodeId::Output => Icon::Lambda,
        NodeId::Application => Icon::Sigma,
        NodeId::Table => Icon::Table,
    }
}

fn service(id: NodeId, shape: PipelineShape) -> &'static str {
    match id {
        NodeId::Clicks => "Clicks",
        NodeId::DataStream => "Kinesis",
        NodeId::Stream => "Firehose",
        NodeId::Bucket => "S3",
        NodeId::Preprocess | NodeId::Output => "Lambda",
        NodeId::Application if shape == PipelineShape::Flink => "Managed Flink",
        NodeId::Application => "Streaming SQL",
        NodeId::Table => "DynamoDB",
    }
}

fn state_word(state: NodeState) -> &'static str {
    match state {
        NodeState::Dark => "not yet",
        NodeState::Begun => "begun",
        NodeState::Lit => "works",
    }
}

/// The picture in words.
fn description(pipeline: &PipelineView) -> String {
    pipeline
        .nodes
        .iter()
        .map(|node| {
            let name = if node.name.is_empty() { String::new() } else { format!(" {}", node.name) };
            format!("{}{name}: {}.", service(node.id, pipeline.shape), state_word(node.state))
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_told_in_words_too() {
        let tell = |shape| {
            description(&PipelineView::new(shape, |id| match id {
                NodeId::Stream => (NodeState::Lit, "ClickStreamData".to_owned()),
                NodeId::Bucket => (NodeState::Begun, "clicks".to_owned()),
                _ => (NodeState::Dark, String::new()),
            }))
        };
        let text = tell(PipelineShape::Sql);
        assert!(text.contains("Firehose ClickStreamData: works. S3 clicks: begun."), "{text}");
        assert!(text.contains("Streaming SQL: not yet.") && !text.contains("Kinesis"), "{text}");
        let text = tell(PipelineShape::Window);
        assert!(text.starts_with("Clicks: not yet. Kinesis: not yet. Firehose ClickStreamData: works."), "{text}");
        assert!(!text.contains("SQL") && !text.contains("Flink"), "{text}");
        let text = tell(PipelineShape::Flink);
        assert!(text.contains("S3 clicks: begun. Managed Flink: not yet. Lambda: not yet."), "{text}");
    }

    #[test]
    fn nodes_keep_apart_and_inside_the_picture() {
        for shape in PipelineShape::ALL {
            for (index, &first) in shape.nodes().iter().enumerate() {
                let (x1, y1) = place(shape, first);
                assert!((24.0..=94.0).contains(&x1), "{shape:?}: {first:?} at {x1}");
                assert!(y1 >= 24.0 && y1 + 24.0 <= height(shape), "{shape:?}: {first:?} at {y1}");
                for &second in &shape.nodes()[index + 1..] {
                    let (x2, y2) = place(shape, second);
                    assert!((x1 - x2).hypot(y1 - y2) > 44.0, "{shape:?}: {first:?} and {second:?} touch");
                }
            }
        }
    }

    #[test]
    fn water_flows_around_the_nodes_that_it_does_not_join() {
        const PEBBLE: f64 = 21.0;
        const HALF_A_BED: f64 = 7.0;
        for shape in PipelineShape::ALL {
            for &(from, to) in shape.flows() {
                for &node in shape.nodes().iter().filter(|&&node| node != from && node != to) {
                    let (x, y) = place(shape, node);
                    let nearest = (0..=100_i32)
                        .map(|step| {
                            let (x1, y1) = along(curve(shape, from, to), f64::from(step) / 100.0);
                            (x - x1).hypot(y - y1)
                        })
                        .fold(f64::INFINITY, f64::min);
                    assert!(nearest > PEBBLE + HALF_A_BED, "{shape:?}: {from:?} to {to:?} is {nearest} from {node:?}");
                }
            }
        }
    }

    fn along([a, b, c, d]: [(f64, f64); 4], part: f64) -> (f64, f64) {
        let rest = 1.0 - part;
        let mix = |a: f64, b: f64, c: f64, d: f64| {
            a * rest.powi(3) + 3.0 * b * rest.powi(2) * part + 3.0 * c * rest * part.powi(2) + d * part.powi(3)
        };
        (mix(a.0, b.0, c.0, d.0), mix(a.1, b.1, c.1, d.1))
    }
}
