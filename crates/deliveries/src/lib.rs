//! What leaves for other systems: signed webhooks, xAPI statements, and the client that sends them to public addresses only.
//!
//! It knows no database: what was sent and what is to be tried again is for the caller to remember.

mod moment;
mod reach;
mod rest;
mod sender;
mod webhook;
mod xapi;

pub use reach::{Reach, Unreachable};
pub use rest::rest;
pub use sender::{Answer, SendError, Sender, bounded_client, client};
pub use webhook::{Message, SigningKey};
pub use xapi::{Statements, statement_headers, statements_url};
