//! Where this tool is: the addresses that a platform's administrator enters.

use url::Url;

use crate::service_url::{ServiceUrl, UrlProblem};

/// This tool, by the address that browsers reach it at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Ends with a slash.
    base: Url,
}

impl Tool {
    /// The tool at `base`, such as `https://lab.example`.
    pub fn new(base: &str) -> Result<Self, UrlProblem> {
        let mut base = ServiceUrl::parse(base)?.as_url().clone();
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { base })
    }

    /// Where links in courses lead.
    pub fn home_url(&self) -> Url {
        self.base.clone()
    }

    /// Login initiation: where the platform sends a browser first.
    pub fn login_url(&self) -> Url {
        self.at("lti/login")
    }

    /// Redirection: where the platform posts a launch.
    pub fn launch_url(&self) -> Url {
        self.at("lti/launch")
    }

    /// Public keys.
    pub fn keys_url(&self) -> Url {
        self.at("lti/keys")
    }

    /// Where content is chosen.
    pub fn deep_link_url(&self) -> Url {
        self.at("lti/deep-link")
    }

    /// Whether an address leads to this tool.
    pub fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path().starts_with(self.base.path())
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_below_the_base() {
        for (base, launch) in [
            ("https://lab.example", "https://lab.example/lti/launch"),
            ("https://lab.example/one?a#b", "https://lab.example/one/lti/launch"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000/lti/launch"),
        ] {
            assert_eq!(Tool::new(base).unwrap().launch_url().as_str(), launch);
        }
        assert_eq!(Tool::new("http://lab.example"), Err(UrlProblem::NotHttps));
    }

    #[test]
    fn other_places_are_not_its_own() {
        let tool = Tool::new("https://lab.example/one").unwrap();
        let owns = |text| tool.owns(&Url::parse(text).unwrap());
        assert!(owns("https://lab.example/one/labs/clicks?step=1"));
        assert!(!owns("https://lab.example/other"));
        assert!(!owns("https://lab.example/one/../other"));
        assert!(!owns("https://user@lab.example/one/"));
        assert!(!owns("http://lab.example/one/"));
        assert!(!owns("https://lab.example.elsewhere.example/one/"));
    }
}
