//! Demo clicks: rows like those of the Wikimedia Clickstream, and a sender that puts them on a stream.
//!
//! A [`Click`] is one row of UTF-8 TSV, `prev\tcurr\ttype\tn\n`. Rows come from a [`Generator`] (seeded, endless) or from a
//! learner's own file ([`parse_upload`]). A [`Sender`] carries out a [`SendPlan`]: it makes records of the rows and calls of
//! the records, keeps to the rate, sends refused records again, and tells its [`Progress`] as it goes. Its [`Target`] is a
//! Firehose delivery stream or a Kinesis data stream. With a [`Mark`], rows are added by which the sending is found again.
//!
//! The crate speaks to whatever the clients it is given ([`SdkClients`]) were configured for and knows nothing else.

mod backoff;
mod click;
mod generator;
mod mark;
mod packing;
mod plan;
mod progress;
mod put;
mod sender;
mod upload;
mod vocabulary;

pub use click::{Click, LineError, LinkKind, MAX_HITS, MAX_LINE_BYTES, MAX_TITLE_CHARS};
pub use generator::Generator;
pub use mark::{BadMark, Mark};
pub use plan::{MAX_DATA_STREAM_RATE, MAX_DURATION, MAX_RATE, PlanError, RowSource, SendPlan, Target};
pub use progress::{Progress, SendState, Tally};
pub use put::SdkClients;
pub use sender::Sender;
pub use upload::{
    BadLine, MAX_LISTED_BAD_LINES, MAX_UPLOAD_BYTES, MAX_UPLOAD_LINES, Upload, UploadError, parse_upload,
};
