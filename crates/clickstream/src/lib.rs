//! Demo clicks: rows like those of the Wikimedia Clickstream, and a sender that puts them on a delivery stream.
//!
//! A [`Click`] is one row of UTF-8 TSV, `prev\tcurr\ttype\tn\n`. Rows come from a [`Generator`] (seeded, endless) or from a
//! learner's own file ([`parse_upload`]). A [`Sender`] carries out a [`SendPlan`]: it joins many rows to a record and many
//! records to a `PutRecordBatch`, keeps to the rate, sends refused records again, and tells its [`Progress`] as it goes.
//!
//! The crate speaks to whatever its `aws_sdk_firehose::Client` was configured for and knows nothing else.

mod backoff;
mod click;
mod generator;
mod packing;
mod plan;
mod progress;
mod sender;
mod upload;
mod vocabulary;

pub use click::{Click, LineError, LinkKind, MAX_HITS, MAX_LINE_BYTES, MAX_TITLE_CHARS};
pub use generator::Generator;
pub use plan::{MAX_DURATION, MAX_RATE, PlanError, RowSource, SendPlan};
pub use progress::{Progress, SendState, Tally};
pub use sender::Sender;
pub use upload::{
    BadLine, MAX_LISTED_BAD_LINES, MAX_UPLOAD_BYTES, MAX_UPLOAD_LINES, Upload, UploadError, parse_upload,
};
