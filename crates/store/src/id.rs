//! Random ids, 32 hex digits each. They name things in addresses and sessions and are no secrets.

use std::fmt;
use std::str::FromStr;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

/// What was given is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 hex digits")]
pub struct NoId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new id from the operating system's randomness.
            pub fn generate() -> Self {
                Self(hex::encode(rand::rng().random::<[u8; 16]>()))
            }

            /// The hex digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// An id that the database holds.
            pub(crate) fn stored(text: String) -> Self {
                Self(text)
            }
        }

        impl FromStr for $name {
            type Err = NoId;

            fn from_str(text: &str) -> Result<Self, NoId> {
                let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                if text.len() == 32 && text.bytes().all(is_digit) { Ok(Self(text.to_owned())) } else { Err(NoId) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NoId;

            fn try_from(text: String) -> Result<Self, NoId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A learner.
    LearnerId
}
id! {
    /// A class.
    ClassId
}
id! {
    /// An instructor.
    InstructorId
}
id! {
    /// A hint from an instructor.
    HintId
}
id! {
    /// An invitation to a class's staff.
    InvitationId
}
