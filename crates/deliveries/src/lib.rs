//! What leaves for other systems: signed webhooks, xAPI statements, and the client that sends them to public addresses only.
//!
//! It knows no database: what was sent and what is to be tried again is for the caller to remember.

mod reach;
mod rest;
mod sender;
mod webhook;
mod xapi;

pub use reach::{Reach, Unreachable, is_public};
pub use rest::rest;
pub use sender::{Answer, SEND_TIMEOUT, SendError, Sender, client};
pub use webhook::{Message, SigningKey, type_of};
pub use xapi::{Statements, XAPI_VERSION, statement_headers, statements_url};
