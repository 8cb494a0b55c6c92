//! The learner's pipeline as a river that fills as the steps pass.

use super::icon::{Icon, icon_in_svg};
use crate::{
    format::shortened,
    live::Live,
    model::{FlowView, NodeId, NodeState, NodeView, PipelineView},
};
use leptos::prelude::*;

/// Down the page, beside the text: the picture of what the learner has.
#[component]
pub fn PipelineDown(live: Live) -> impl IntoView {
    let pipeline = live.pipeline;
    let flows = NodeId::FLOWS
        .into_iter()
        .enumerate()
        .map(|(index, (from, to))| {
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
                    <path class="bed" d=channel(from, to) stroke-width=bed_width/>
                    <path class="water" d=channel(from, to) stroke-width=water_width pathLength="100"/>
                    <path class="drift" d=channel(from, to)/>
                </g>
            }
        })
        .collect_view();
    let nodes = NodeId::ALL
        .into_iter()
        .map(|id| {
            let node = Memo::new(move |_| {
                pipeline
                    .with(|pipeline| pipeline.nodes.iter().find(|node| node.id == id).cloned())
                    .unwrap_or(NodeView { id, name: String::new(), state: NodeState::Dark })
            });
            view! { <DownNode node/> }
        })
        .collect_view();
    view! {
        <section class="pipeline panel" aria-labelledby="pipeline-title">
            <div class="panel-head">
                <h2 id="pipeline-title">"Your pipeline"</h2>
            </div>
            <svg class="pipeline-picture" viewBox="0 0 344 434" role="img" aria-labelledby="pipeline-picture-title pipeline-picture-text">
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
fn DownNode(node: Memo<NodeView>) -> impl IntoView {
    let id = node.with_untracked(|node| node.id);
    let (x, y) = place(id);
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
                {service(id)}
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

/// The middle of a node in the picture that goes down.
fn place(id: NodeId) -> (f64, f64) {
    match id {
        NodeId::Clicks => (74.0, 32.0),
        NodeId::Stream => (88.0, 94.0),
        NodeId::Bucket => (30.0, 156.0),
        NodeId::Preprocess => (84.0, 218.0),
        NodeId::Application => (66.0, 280.0),
        NodeId::Output => (86.0, 342.0),
        NodeId::Table => (70.0, 404.0),
    }
}

/// The bed of the water between two nodes, as SVG path data: it leaves and arrives flowing down.
fn channel(from: NodeId, to: NodeId) -> String {
    let ((x1, y1), (x2, y2)) = (place(from), place(to));
    let bend = (y2 - y1) * 0.5;
    format!("M{x1} {y1}C{x1} {} {x2} {} {x2} {y2}", y1 + bend, y2 - bend)
}

fn sign(id: NodeId) -> Icon {
    match id {
        NodeId::Clicks => Icon::Cursor,
        NodeId::Stream => Icon::Stream,
        NodeId::Bucket => Icon::Bucket,
        NodeId::Preprocess | NodeId::Output => Icon::Lambda,
        NodeId::Application => Icon::Sigma,
        NodeId::Table => Icon::Table,
    }
}

fn service(id: NodeId) -> &'static str {
    match id {
        NodeId::Clicks => "Clicks",
        NodeId::Stream => "Firehose",
        NodeId::Bucket => "S3",
        NodeId::Preprocess | NodeId::Output => "Lambda",
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
            format!("{}{name}: {}.", service(node.id), state_word(node.state))
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_told_in_words_too() {
        let pipeline = PipelineView::new(|id| match id {
            NodeId::Stream => (NodeState::Lit, "ClickStreamData".to_owned()),
            NodeId::Bucket => (NodeState::Begun, "clicks".to_owned()),
            _ => (NodeState::Dark, String::new()),
        });
        let text = description(&pipeline);
        assert!(text.contains("Firehose ClickStreamData: works. S3 clicks: begun."), "{text}");
    }

    #[test]
    fn nodes_keep_apart() {
        for (index, first) in NodeId::ALL.into_iter().enumerate() {
            for second in NodeId::ALL.into_iter().skip(index + 1) {
                let ((x1, y1), (x2, y2)) = (place(first), place(second));
                assert!((x1 - x2).hypot(y1 - y2) > 44.0, "{first:?} and {second:?} touch");
            }
        }
    }
}
