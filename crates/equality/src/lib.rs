//! The same clicks through each of the lab's engines, to see that they count alike.
//!
//! ```text
//! records          clicks as records of a stream, good and hostile, each with the time at which it arrived
//! sql_application  the preprocessing function and the lab's SQL in the sandbox's engine
//! tumbling_window  the counting function, called as Lambda calls it
//! flink            the lab's Flink SQL in real Flink, run by the lab's own program
//! counts           what each of them comes to, in one form
//! ```
//!
//! What is not tested is what AWS alone has: the Kinesis connectors of Flink, and the service that runs it.

pub mod counts;
pub mod flink;
mod python;
pub mod records;
mod shipped;
pub mod sql_application;
pub mod tumbling_window;
