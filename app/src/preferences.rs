//! What a learner likes, kept in cookies that the server reads when it renders.

use serde::{Deserialize, Serialize};

/// The colour theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system wants it.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub const COOKIE: &str = "theme";
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// How the instructions are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    #[default]
    Page,
    Cli,
}

impl Dialect {
    pub const COOKIE: &str = "dialect";

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Cli => "cli",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Page, Self::Cli].into_iter().find(|dialect| dialect.as_str() == text)
    }
}

/// Both preferences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    pub theme: Theme,
    pub dialect: Dialect,
}

impl Preferences {
    /// Reads a `Cookie` header (or `document.cookie`); what is missing or odd is left at its default.
    pub fn from_cookies(cookies: &str) -> Self {
        let value = |name: &str| {
            cookies.split(';').find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name))
        };
        Self {
            theme: value(Theme::COOKIE).and_then(|(_, text)| Theme::parse(text)).unwrap_or_default(),
            dialect: value(Dialect::COOKIE).and_then(|(_, text)| Dialect::parse(text)).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_in_any_order_and_odd_ones_ignored() {
        let read = Preferences::from_cookies("id=abc=; dialect=cli; theme=dark");
        assert_eq!(read, Preferences { theme: Theme::Dark, dialect: Dialect::Cli });
        let odd = Preferences::from_cookies("theme=\"><script>; dialect; xtheme=dark");
        assert_eq!(odd, Preferences::default());
    }
}
