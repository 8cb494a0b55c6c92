//! Options for signing in by an OpenID Connect provider.

use std::path::PathBuf;

use clap::Args;
use lti::is_loopback;
use openidconnect::IssuerUrl;
use secrecy::SecretString;

use super::secret::read_secret;
use crate::instructors::{Provider, ProviderSettings};

/// The provider by which instructors may sign in, besides passwords.
#[derive(Clone, Debug, Args)]
pub struct ProviderOptions {
    /// Issuer of an OpenID Connect provider by which instructors may sign in, letter by letter as the provider names itself,
    /// such as `https://login.school.example`. Register `/teach/oidc/callback` below --public-url there as a redirect URI.
    #[arg(long, env = "HEADWATER_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// The client id that the provider gave to this server.
    #[arg(long, env = "HEADWATER_OIDC_CLIENT_ID")]
    pub oidc_client_id: Option<String>,
    /// The secret that belongs to the client id. Left out for a public client.
    #[arg(long, env = "HEADWATER_OIDC_CLIENT_SECRET", hide_env_values = true, hide_default_value = true)]
    pub oidc_client_secret: Option<SecretString>,
    /// File that holds the client's secret.
    #[arg(long, env = "HEADWATER_OIDC_CLIENT_SECRET_FILE")]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// What the pages call the provider: "Sign in with NAME". If left out: its host.
    #[arg(long, env = "HEADWATER_OIDC_NAME")]
    pub oidc_name: Option<String>,
    /// Who has a verified e-mail address of one of these domains may make an account without an invitation, such as
    /// staff.school.example; several are separated by commas. Others need an invitation to a class.
    #[arg(long, env = "HEADWATER_OIDC_DOMAINS", value_delimiter = ',', value_parser = domain)]
    pub oidc_domains: Vec<String>,
}

impl ProviderOptions {
    /// The provider, if one is named. An error tells which option to correct.
    pub fn provider(&self) -> anyhow::Result<Option<Provider>> {
        let secret = read_secret(
            "oidc-client-secret",
            self.oidc_client_secret.as_ref(),
            self.oidc_client_secret_file.as_deref(),
        )?;
        let Some(issuer) = &self.oidc_issuer else {
            let is_alone = self.oidc_client_id.is_some() || secret.is_some() || !self.oidc_domains.is_empty();
            anyhow::ensure!(!is_alone, "oidc-issuer is missing: without it the other oidc options have no meaning");
            return Ok(None);
        };
        let Some(client_id) = &self.oidc_client_id else {
            anyhow::bail!("oidc-client-id is missing: the provider gives it when this server is registered there");
        };
        let issuer = IssuerUrl::new(issuer.clone()).map_err(|problem| {
            anyhow::anyhow!("oidc-issuer is no URL such as https://login.school.example: {problem}")
        })?;
        let host = issuer.url().host_str().unwrap_or_default().to_owned();
        anyhow::ensure!(
            issuer.url().scheme() == "https" || is_loopback(issuer.url()),
            "oidc-issuer does not begin with https://; http:// is taken on loopback only"
        );
        Ok(Some(Provider::new(ProviderSettings {
            name: self.oidc_name.clone().unwrap_or(host),
            issuer,
            client_id: client_id.clone(),
            secret,
            domains: self.oidc_domains.clone(),
        })?))
    }
}

/// A domain in lower case.
fn domain(text: &str) -> Result<String, String> {
    let domain = text.trim().trim_start_matches('@').to_ascii_lowercase();
    let is_well_formed =
        domain.contains('.') && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if is_well_formed { Ok(domain) } else { Err(format!("{text} is no domain such as staff.school.example")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(issuer: Option<&str>, client_id: Option<&str>) -> ProviderOptions {
        ProviderOptions {
            oidc_issuer: issuer.map(str::to_owned),
            oidc_client_id: client_id.map(str::to_owned),
            oidc_client_secret: None,
            oidc_client_secret_file: None,
            oidc_name: None,
            oidc_domains: Vec::new(),
        }
    }

    #[test]
    fn a_provider_is_named_as_a_whole_or_not_at_all() {
        assert!(options(None, None).provider().unwrap().is_none());
        let provider = options(Some("https://login.school.example"), Some("headwater")).provider().unwrap().unwrap();
        assert_eq!(provider.name(), "login.school.example");
        let loopback = options(Some("http://127.0.0.1:4000"), Some("headwater"));
        assert!(loopback.provider().unwrap().is_some());
        for (issuer, client_id, named) in [
            (None, Some("headwater"), "oidc-issuer is missing"),
            (Some("https://login.school.example"), None, "oidc-client-id is missing"),
            (Some("login.school.example"), Some("headwater"), "oidc-issuer is no URL"),
            (Some("http://login.school.example"), Some("headwater"), "does not begin with https://"),
        ] {
            let error = options(issuer, client_id).provider().err().unwrap().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn domains_are_in_lower_case() {
        assert_eq!(domain(" @Staff.School.example").as_deref(), Ok("staff.school.example"));
        for odd in ["", "example", "a b.example", "ü.example", "*"] {
            assert!(domain(odd).is_err(), "{odd}");
        }
    }
}
