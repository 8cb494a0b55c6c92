//! What leaves for other systems: signed webhooks, xAPI statements, and the client that sends them to public addresses only.
//!
//! It knows no database: what was sent and what is to be tried again is for the caller to remember.

mod rest;

pub use rest::rest;
