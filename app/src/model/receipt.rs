use serde::{Deserialize, Serialize};

/// What of the lab is in the account, and what has gone from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptView {
    pub read_at: i64,
    /// What is there, what costs most first.
    pub remaining: Vec<ResourceView>,
    /// What was there and is gone.
    pub deleted: Vec<DeletedView>,
    /// Where we were not allowed to look, which proves nothing.
    pub unknown: Vec<UnknownView>,
    /// US dollars an hour for all that remains, estimated.
    pub cost_per_hour: f64,
    /// Nothing that must go remains, and everything could be looked at.
    pub is_clean: bool,
}

/// A resource of the lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceView {
    /// For example `Delivery stream`.
    pub kind: String,
    pub name: String,
    pub region: String,
    /// For example `by name and tag`.
    pub found_by: String,
    /// For example `ACTIVE`; may be empty.
    pub state: String,
    /// US dollars an hour, estimated.
    pub cost_per_hour: f64,
    /// It costs money or holds data, and has to go; the rest may remain.
    pub must_go: bool,
    /// Commands of the AWS CLI that delete it.
    pub delete_command: String,
}

/// A resource that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedView {
    pub kind: String,
    pub name: String,
    pub region: String,
    /// When it was seen last.
    pub seen_at: i64,
    /// When it was found gone.
    pub gone_at: i64,
}

/// A look that was not allowed, or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownView {
    /// For example `Log groups in eu-west-1`.
    pub what: String,
    /// For example `logs:DescribeLogGroups is not allowed`.
    pub why: String,
}

/// What the lab costs in the learner's own account right now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostView {
    /// US dollars an hour, estimated.
    pub per_hour: f64,
    /// Resources that cost money or hold data.
    pub resources: u32,
    /// When that was looked at.
    pub read_at: i64,
}
