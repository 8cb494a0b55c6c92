//! Streaming SQL as the service's `SQL-1_0` runtime has it: text to a checked [`Program`], rows through an [`Engine`]. No I/O.
//!
//! ```text
//! parse    text to statements
//! compile  names to positions, types checked
//! plan     statements to streams and pumps, in the order of flow
//! windows  what an open window holds
//! run      rows through the streams, windows closing as time advances
//! ```

mod compile;
mod error;
mod expression;
mod functions;
mod parse;
mod plan;
mod run;
mod types;
mod windows;

pub use compile::Column;
pub use error::{EvaluationError, SqlError};
pub use plan::{Program, SourceStream, StreamId};
pub use run::{Engine, RejectedInput};
pub use types::format_timestamp;
pub(crate) use types::parse_value;
pub use types::{Row, SqlType, Value};

#[cfg(test)]
mod tests;
