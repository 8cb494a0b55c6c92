//! DynamoDB's expression language: conditions and filters, updates, key conditions and projections.
//!
//! Text becomes tokens (`token`), tokens become a syntax tree (`syntax`), and with the request's placeholders
//! (`placeholders`) that becomes a typed form which can be evaluated. Everything recursive is bounded by `token`.

mod condition;
mod condition_rules;
mod key_condition;
mod path;
mod placeholders;
mod projection;
mod reserved;
mod syntax;
mod token;
mod update;

pub use condition::{Condition, compare_values};
pub use key_condition::{KeyCondition, SortCondition};
pub use placeholders::{GivenExpressions, Placeholders};
pub use projection::Projection;
pub use update::Update;
