use serde::{Deserialize, Serialize};

/// The learner's pipeline as a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineView {
    pub shape: PipelineShape,
    pub nodes: Vec<NodeView>,
    pub flows: Vec<FlowView>,
}

impl PipelineView {
    /// A picture in which a flow is as far as the less finished of its ends.
    ///
    /// `describe` gives the state and the learner's own name of each node.
    pub fn new(shape: PipelineShape, mut describe: impl FnMut(NodeId) -> (NodeState, String)) -> Self {
        let nodes: Vec<NodeView> = shape
            .nodes()
            .iter()
            .map(|&id| {
                let (state, name) = describe(id);
                NodeView { id, name, state }
            })
            .collect();
        let state = |id| nodes.iter().find(|node| node.id == id).map_or(NodeState::Dark, |node| node.state);
        let flows = shape
            .flows()
            .iter()
            .map(|&(from, to)| FlowView { from, to, state: state(from).min(state(to)), moving: false })
            .collect();
        Self { shape, nodes, flows }
    }
}

/// Which parts there are, by what counts the clicks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PipelineShape {
    /// A SQL application reads the delivery stream.
    Sql,
    /// A function counts the records of a data stream in tumbling windows.
    Window,
    /// A Flink application counts them, and a function stores the counts.
    Flink,
}

impl PipelineShape {
    pub const ALL: [Self; 3] = [Self::Sql, Self::Window, Self::Flink];

    /// The parts, in the direction of the flow.
    pub fn nodes(self) -> &'static [NodeId] {
        use NodeId::{Application, Bucket, Clicks, DataStream, Output, Preprocess, Stream, Table};
        match self {
            Self::Sql => &[Clicks, Stream, Bucket, Preprocess, Application, Output, Table],
            Self::Window => &[Clicks, DataStream, Stream, Preprocess, Bucket, Output, Table],
            Self::Flink => &[Clicks, DataStream, Stream, Preprocess, Bucket, Application, Output, Table],
        }
    }

    /// Which parts hand data to which.
    pub fn flows(self) -> &'static [(NodeId, NodeId)] {
        use NodeId::{Application, Bucket, Clicks, DataStream, Output, Preprocess, Stream, Table};
        match self {
            Self::Sql => &[
                (Clicks, Stream),
                (Stream, Bucket),
                (Stream, Preprocess),
                (Preprocess, Application),
                (Application, Output),
                (Output, Table),
            ],
            Self::Window => &[
                (Clicks, DataStream),
                (DataStream, Stream),
                (Stream, Preprocess),
                (Preprocess, Bucket),
                (DataStream, Output),
                (Output, Table),
            ],
            Self::Flink => &[
                (Clicks, DataStream),
                (DataStream, Stream),
                (Stream, Preprocess),
                (Preprocess, Bucket),
                (DataStream, Application),
                (Application, Output),
                (Output, Table),
            ],
        }
    }
}

/// The parts of the pipeline, in the direction of the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NodeId {
    /// The sender of clicks.
    Clicks,
    /// The Kinesis data stream.
    DataStream,
    /// The Firehose delivery stream.
    Stream,
    /// The S3 bucket.
    Bucket,
    /// The Lambda function that cleans rows.
    Preprocess,
    /// The application that counts: streaming SQL or Flink.
    Application,
    /// The Lambda function that stores the counts, or also makes them.
    Output,
    /// The `DynamoDB` table.
    Table,
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
        let view = PipelineView::new(PipelineShape::Sql, |id| {
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
