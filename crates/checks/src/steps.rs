//! One module a step, and one for each part of a step that has much to say.

pub(crate) mod clean_up;
pub(crate) mod connect;
pub(crate) mod delivery_stream;
pub(crate) mod flink;
pub(crate) mod idempotent;
pub(crate) mod ingest;
pub(crate) mod preprocess;
pub(crate) mod result_rows;
pub(crate) mod results;
pub(crate) mod streaming_sql;
pub(crate) mod tumbling_window;
