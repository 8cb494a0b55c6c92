//! What can go wrong when the platform's services are called.

use std::time::Duration;

use crate::endpoints::Scope;
use crate::signing::SigningError;

/// Why a call to the platform failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    #[error("{0} is not a host that was registered for this platform")]
    HostNotRegistered(String),
    #[error("the platform does not offer this course the right {}", .0.uri())]
    NotOffered(Scope),
    #[error("the platform does not offer this course a list of line items")]
    NoLineItems,
    #[error("the platform cannot be reached: {0}")]
    Unreachable(&'static str),
    /// `code` is the platform's own word for it, such as `invalid_client`.
    #[error("the platform answered {status}{}", .code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused { status: u16, code: Option<String>, retry_after: Option<Duration> },
    /// Asking for an access token. `code` as above.
    #[error("the platform does not accept this tool's client id or key{}", .code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    ToolRefused { code: Option<String> },
    #[error("the platform sends elsewhere; register the address that it sends to")]
    Redirected,
    #[error("the platform's answer is too large")]
    TooLarge,
    #[error("the platform's {0} cannot be understood")]
    NotUnderstood(&'static str),
    #[error("the platform's keys were asked for a moment ago")]
    AskedAMomentAgo,
    #[error("a score has to be between nothing and its maximum, and that more than nothing")]
    NotAScore,
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl ServiceError {
    /// Whether the same call may work later, without anybody changing anything.
    pub fn worth_trying_again(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::AskedAMomentAgo => true,
            // 401: an access token was withdrawn; it has been forgotten, and the next call gets a new one.
            Self::Refused { status, .. } => matches!(status, 401 | 408 | 425 | 429 | 500..=599),
            Self::HostNotRegistered(_)
            | Self::NotOffered(_)
            | Self::NoLineItems
            | Self::ToolRefused { .. }
            | Self::Redirected
            | Self::TooLarge
            | Self::NotUnderstood(_)
            | Self::NotAScore
            | Self::Signing(_) => false,
        }
    }

    /// How long the platform asks to wait, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
