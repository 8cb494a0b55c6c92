//! An address that may be called or linked to: HTTPS, or this machine's own loopback.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Longest address that is taken, in bytes.
const LONGEST: usize = 2048;

/// An `https:` address, or an `http:` one on loopback, without user name and password.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceUrl(Url);

/// Why a text is no [`ServiceUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    #[error("is longer than {LONGEST} bytes")]
    TooLong,
    #[error("is not an address such as https://school.example/path")]
    NotAnAddress,
    #[error("has to begin with https://")]
    NotHttps,
    #[error("must not hold a user name or password")]
    HasCredentials,
}

impl ServiceUrl {
    pub fn parse(text: &str) -> Result<Self, UrlProblem> {
        if text.len() > LONGEST {
            return Err(UrlProblem::TooLong);
        }
        let url = Url::parse(text).map_err(|_| UrlProblem::NotAnAddress)?;
        if url.host().is_none() {
            return Err(UrlProblem::NotAnAddress);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(UrlProblem::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlProblem::HasCredentials);
        }
        Ok(Self(url))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Scheme, host and port, as in `https://school.example`.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether the host is this machine itself.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl TryFrom<String> for ServiceUrl {
    type Error = UrlProblem;

    fn try_from(text: String) -> Result<Self, UrlProblem> {
        Self::parse(&text)
    }
}

impl From<ServiceUrl> for String {
    fn from(url: ServiceUrl) -> Self {
        url.0.into()
    }
}

/// Whether an address is on this machine itself, where plain HTTP is as good as HTTPS.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_are_taken() {
        for text in
            ["https://school.example/a?b=c", "http://127.0.0.1:8000/", "http://localhost/jwks", "http://[::1]:9/"]
        {
            assert_eq!(ServiceUrl::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (text, problem) in [
            ("http://school.example/", UrlProblem::NotHttps),
            ("http://169.254.169.254/latest/meta-data", UrlProblem::NotHttps),
            ("http://localhost.school.example/", UrlProblem::NotHttps),
            ("ftp://127.0.0.1/", UrlProblem::NotHttps),
            ("file:///etc/passwd", UrlProblem::NotAnAddress),
            ("javascript:alert(1)", UrlProblem::NotAnAddress),
            ("/jwks", UrlProblem::NotAnAddress),
            ("", UrlProblem::NotAnAddress),
            ("https://user@school.example/", UrlProblem::HasCredentials),
            ("https://:word@school.example/", UrlProblem::HasCredentials),
            (&format!("https://school.example/{}", "a".repeat(LONGEST)), UrlProblem::TooLong),
        ] {
            assert_eq!(ServiceUrl::parse(text), Err(problem), "{text}");
        }
    }
}
