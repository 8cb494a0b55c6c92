//! One module a step.

pub(crate) mod clean_up;
pub(crate) mod connect;
pub(crate) mod delivery_stream;
pub(crate) mod ingest;
pub(crate) mod preprocess;
pub(crate) mod results;
pub(crate) mod streaming_sql;
