use serde::{Deserialize, Serialize};

/// The learner's pipeline as a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineView {
    pub nodes: Vec<NodeView>,
    pub flows: Vec<FlowView>,
}

impl PipelineView {
    /// A picture in which a flow is as far as the less finished of its ends.
    ///
    /// `describe` gives the state and the learner's own name of each node.
    pub fn new(mut describe: impl FnMut(NodeId) -> (NodeState, String)) -> Self {
        let nodes: Vec<NodeView> = NodeId::ALL
            .into_iter()
            .map(|id| {
                let (state, name) = describe(id);
                NodeView { id, name, state }
            })
            .collect();
        let state = |id| nodes.iter().find(|node| node.id == id).map_or(NodeState::Dark, |node| node.state);
        let flows = NodeId::FLOWS
            .into_iter()
            .map(|(from, to)| FlowView { from, to, state: state(from).min(state(to)), moving: false })
            .collect();
        Self { nodes, flows }
    }
}

/// The parts of the pipeline, in the direction of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NodeId {
    /// The sender of clicks.
    Clicks,
    /// The Firehose delivery stream.
    Stream,
    /// The S3 bucket.
    Bucket,
    /// The Lambda function in front of the SQL.
    Preprocess,
    /// The streaming SQL application.
    Application,
    /// The Lambda function behind the SQL.
    Output,
    /// The `DynamoDB` table.
    Table,
}

impl NodeId {
    pub const ALL: [Self; 7] =
        [Self::Clicks, Self::Stream, Self::Bucket, Self::Preprocess, Self::Application, Self::Output, Self::Table];

    /// Which parts hand data to which.
    pub const FLOWS: [(Self, Self); 6] = [
        (Self::Clicks, Self::Stream),
        (Self::Stream, Self::Bucket),
        (Self::Stream, Self::Preprocess),
        (Self::Preprocess, Self::Application),
        (Self::Application, Self::Output),
        (Self::Output, Self::Table),
    ];
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    pub id: NodeId,
    /// The learner's own name for it, for example `ClickStreamData`.
    pub name: String,
    pub state: NodeState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NodeState {
    /// Not there yet.
    Dark,
    /// There, but not all its checks pass.
    Begun,
    /// All its checks passed.
    Lit,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowView {
    pub from: NodeId,
    pub to: NodeId,
    pub state: NodeState,
    /// Data goes through it right now.
    pub moving: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_as_far_as_the_less_finished_end() {
        use NodeState::{Begun, Dark, Lit};
        let view = PipelineView::new(|id| {
            let state = match id {
                NodeId::Clicks | NodeId::Stream => Lit,
                NodeId::Bucket => Begun,
                _ => Dark,
            };
            (state, String::new())
        });
        let states: Vec<_> = view.flows.iter().map(|flow| flow.state).collect();
        assert_eq!(states, [Lit, Begun, Dark, Dark, Dark, Dark]);
    }
}
