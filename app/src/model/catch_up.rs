use serde::{Deserialize, Serialize};

/// "Do this step for me".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatchUpView {
    /// The calls that will be made, in order; empty where the page cannot make them. What is there already is kept.
    pub calls: Vec<PlannedCallView>,
    /// Whether the page can do it: in the sandbox.
    pub can_perform: bool,
    /// Whether script and Terraform are handed over when the learner asks for them: in an account of the learner's own. Until
    /// then both are empty.
    pub hands_over: bool,
    /// A script for bash and the AWS CLI that does exactly this step, and can be run again.
    pub script: String,
    /// The step in Terraform.
    pub terraform: String,
    /// When it was last done for the learner.
    pub assisted_at: Option<i64>,
}

/// A call to be made in the learner's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCallView {
    /// For example `S3 CreateBucket`.
    pub operation: String,
    /// What it is made on, for example `clickstream-123456789012-us-east-1`.
    pub on: String,
}
