//! LTI 1.3 Advantage, the tool's side: how a learning platform (Moodle, Canvas, …) opens the lab and gets grades back.
//!
//! The order of things: a [`Platform`] is registered. It sends a [`LoginInitiation`]; [`begin_login`] answers with a
//! redirect. It posts a [`LaunchAnswer`]; [`StateKey::open`] tells what was begun, [`Client::verify_launch`] checks the
//! token, and [`VerifiedLaunch::admit`] gives the [`Launch`] once its nonce is noted. A teacher who chooses content is
//! sent back with [`deep_linking_response`]. Scores go back by [`Client::grades`].
//!
//! This crate knows no database and no web framework: forms come in as text, and what must be remembered is handed out.

mod access_token;
mod claims;
mod client;
mod deep_linking;
mod endpoints;
mod form;
mod grades;
mod launch;
mod login;
mod members;
mod paging;
mod platform;
mod platform_keys;
mod roles;
mod score;
mod service_error;
mod service_url;
mod signing;
mod state;
#[cfg(test)]
mod test_platform;
mod tool;
mod tool_key;

pub use client::Client;
pub use deep_linking::{DeepLinkingForm, DeepLinkingSettings, ResourceLinkItem, deep_linking_response};
pub use endpoints::{AgsEndpoint, NamesEndpoint, Scope};
pub use form::FormError;
pub use grades::{Grades, LineItem, NewLineItem, ScoreOutcome};
pub use launch::{
    Context, Launch, LaunchAnswer, LaunchError, Message, NonceUse, ResourceLink, VerifiedLaunch, verify_launch,
};
pub use login::{LoginError, LoginInitiation, LoginStart, begin_login};
pub use members::{Member, MemberStatus};
pub use platform::{Loopback, Platform, PlatformError, PlatformSettings, Setting};
pub use platform_keys::PlatformKeys;
pub use roles::{Role, Roles};
pub use score::{ActivityProgress, GradingProgress, Score};
pub use service_error::ServiceError;
pub use service_url::{ServiceUrl, UrlProblem, is_loopback};
pub use signing::SigningError;
pub use state::{Browser, LOGIN_COOKIE, PendingLaunch, StateError, StateKey};
pub use tool::Tool;
pub use tool_key::{ToolKey, ToolKeyError};
