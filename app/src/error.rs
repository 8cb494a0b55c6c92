//! The one error of all server functions.

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};
use serde::{Deserialize, Serialize};

/// Why the server did not do what was asked; its `Display` is fit for the learner's eyes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum BackendError {
    /// There is no such step, action or question.
    #[error("There is no such thing here.")]
    NotFound,
    /// The session has no learner: it is new, or it has expired.
    #[error("This browser has no lab yet. Start one, or resume yours with its code.")]
    NoLearner,
    /// The session has no instructor: nobody signed in, or the session has expired.
    #[error("Sign in first: nobody is signed in as an instructor in this browser.")]
    NotSignedIn,
    /// The instructor is not of the staff of the class, or the role there does not allow it.
    #[error("Your role in this class does not allow that. Ask one of its owners.")]
    NotAllowed,
    /// A field of a form cannot be accepted as it is.
    #[error("{message}")]
    Invalid {
        /// The field's name.
        field: String,
        message: String,
    },
    /// AWS, the sandbox or the lab said no; the message tells why and what to do.
    #[error("{message}")]
    Refused { message: String },
    /// The same is under way already, or too much was asked at once.
    #[error("That is still under way. Wait a moment and try again.")]
    Busy,
    /// The cause is in the server's log.
    #[error("Something went wrong on our side. Your work is kept; try again in a moment.{}", to_report(request.as_deref()))]
    Internal {
        /// The id of the request, by which the cause is found in the log.
        request: Option<String>,
    },
    /// The browser did not reach the server.
    #[error("The server could not be reached. Is it still running? Your input is kept.")]
    Unreachable,
}

impl BackendError {
    /// The field at fault, if it is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            _ => None,
        }
    }
}

/// What to tell whoever runs the server.
fn to_report(request: Option<&str>) -> String {
    request
        .map(|id| format!(" If that does not help, tell whoever runs this server the request's number: {id}"))
        .unwrap_or_default()
}

impl FromServerFnError for BackendError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Unreachable,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self::Refused { message: "The form was not complete. Load the page again and retry.".to_owned() }
            }
            _ => Self::Internal { request: None },
        }
    }
}
