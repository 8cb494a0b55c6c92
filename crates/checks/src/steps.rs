//! One module a step.

pub(crate) mod connect;
pub(crate) mod delivery_stream;
