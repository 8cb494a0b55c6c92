//! A learning platform as its administrator and ours have agreed on it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::service_url::{ServiceUrl, UrlProblem};

/// Longest issuer, client id or deployment id, as LTI has it.
const LONGEST: usize = 255;
/// Most deployments, or further hosts, of one platform.
const MOST: usize = 100;

/// A registration as it is typed in and stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformSettings {
    /// Who signs: compared letter by letter with the tokens' `iss`.
    pub issuer: String,
    /// What the platform calls this tool.
    pub client_id: String,
    pub deployment_ids: Vec<String>,
    /// Where a browser is sent to be recognised.
    pub authorization_url: String,
    /// Where access tokens are had.
    pub token_url: String,
    /// Where the platform's public keys are.
    pub jwks_url: String,
    /// Audience of our requests for access tokens, where it is not `token_url`.
    #[serde(default)]
    pub token_audience: Option<String>,
    /// Further hosts that the platform's services are at, such as `https://school.example`.
    #[serde(default)]
    pub service_hosts: Vec<String>,
}

/// A registration that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    settings: PlatformSettings,
    authorization_url: ServiceUrl,
    token_url: ServiceUrl,
    jwks_url: ServiceUrl,
    service_origins: BTreeSet<String>,
}

/// Whether a platform may be on the server's own machine. Where others can register platforms it should not: the
/// server would call its neighbours for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    Allowed,
    Refused,
}

/// A part of a registration, for messages about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Issuer,
    ClientId,
    DeploymentId,
    AuthorizationUrl,
    TokenUrl,
    JwksUrl,
    TokenAudience,
    ServiceHost,
}

/// Why a registration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    #[error("{0} is missing")]
    Missing(Setting),
    #[error("{0} is longer than {LONGEST} bytes")]
    TooLong(Setting),
    #[error("{0} holds spaces or control characters")]
    Unprintable(Setting),
    #[error("more than {MOST} of: {0}")]
    TooMany(Setting),
    #[error("{0} {1}")]
    Address(Setting, UrlProblem),
    #[error("{0} is on the server's own machine")]
    OnLoopback(Setting),
}

impl Platform {
    pub fn new(settings: PlatformSettings, loopback: Loopback) -> Result<Self, PlatformError> {
        let address = |setting, text: &str| {
            let url = ServiceUrl::parse(text).map_err(|problem| PlatformError::Address(setting, problem))?;
            match loopback {
                Loopback::Refused if url.is_loopback() => Err(PlatformError::OnLoopback(setting)),
                _ => Ok(url),
            }
        };
        plain(Setting::Issuer, &settings.issuer)?;
        address(Setting::Issuer, &settings.issuer)?;
        plain(Setting::ClientId, &settings.client_id)?;
        let deployments = &settings.deployment_ids;
        if deployments.is_empty() {
            return Err(PlatformError::Missing(Setting::DeploymentId));
        }
        if deployments.len() > MOST {
            return Err(PlatformError::TooMany(Setting::DeploymentId));
        }
        deployments.iter().try_for_each(|id| plain(Setting::DeploymentId, id))?;
        if let Some(audience) = &settings.token_audience {
            plain(Setting::TokenAudience, audience)?;
        }
        if settings.service_hosts.len() > MOST {
            return Err(PlatformError::TooMany(Setting::ServiceHost));
        }
        let authorization_url = address(Setting::AuthorizationUrl, &settings.authorization_url)?;
        let token_url = address(Setting::TokenUrl, &settings.token_url)?;
        let jwks_url = address(Setting::JwksUrl, &settings.jwks_url)?;
        let mut service_origins: BTreeSet<String> =
            [&authorization_url, &token_url, &jwks_url].into_iter().map(ServiceUrl::origin).collect();
        for host in &settings.service_hosts {
            service_origins.insert(address(Setting::ServiceHost, host)?.origin());
        }
        Ok(Self { settings, authorization_url, token_url, jwks_url, service_origins })
    }

    /// What was registered, to be stored or shown.
    pub fn settings(&self) -> &PlatformSettings {
        &self.settings
    }

    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    pub fn client_id(&self) -> &str {
        &self.settings.client_id
    }

    pub fn authorization_url(&self) -> &ServiceUrl {
        &self.authorization_url
    }

    pub fn token_url(&self) -> &ServiceUrl {
        &self.token_url
    }

    pub fn jwks_url(&self) -> &ServiceUrl {
        &self.jwks_url
    }

    /// Audience of our requests for access tokens.
    pub fn token_audience(&self) -> &str {
        self.settings.token_audience.as_deref().unwrap_or(&self.settings.token_url)
    }

    pub fn has_deployment(&self, id: &str) -> bool {
        self.settings.deployment_ids.iter().any(|known| known == id)
    }

    /// Whether an address that the platform names is on a host that was registered; no other is ever called.
    pub fn has_service_at(&self, url: &ServiceUrl) -> bool {
        self.service_origins.contains(&url.origin())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Issuer => "issuer",
            Self::ClientId => "client id",
            Self::DeploymentId => "deployment id",
            Self::AuthorizationUrl => "authorization address",
            Self::TokenUrl => "token address",
            Self::JwksUrl => "key set address",
            Self::TokenAudience => "token audience",
            Self::ServiceHost => "service host",
        })
    }
}

fn plain(setting: Setting, text: &str) -> Result<(), PlatformError> {
    match text {
        "" => Err(PlatformError::Missing(setting)),
        _ if text.len() > LONGEST => Err(PlatformError::TooLong(setting)),
        _ if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) => {
            Err(PlatformError::Unprintable(setting))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> PlatformSettings {
        PlatformSettings {
            issuer: "https://school.example".to_owned(),
            client_id: "client".to_owned(),
            deployment_ids: vec!["1".to_owned()],
            authorization_url: "https://school.example/auth".to_owned(),
            token_url: "https://school.example/token".to_owned(),
            jwks_url: "https://keys.school.example/jwks".to_owned(),
            token_audience: None,
            service_hosts: vec!["https://grades.school.example".to_owned()],
        }
    }

    fn refusal(change: impl FnOnce(&mut PlatformSettings)) -> PlatformError {
        let mut settings = settings();
        change(&mut settings);
        Platform::new(settings, Loopback::Refused).unwrap_err()
    }

    #[test]
    fn a_registration_survives_being_stored() {
        let platform = Platform::new(settings(), Loopback::Refused).unwrap();
        let stored = serde_json::to_string(platform.settings()).unwrap();
        let read = Platform::new(serde_json::from_str(&stored).unwrap(), Loopback::Refused).unwrap();
        assert_eq!(read, platform);
    }

    #[test]
    fn services_are_at_registered_hosts_only() {
        let platform = Platform::new(settings(), Loopback::Refused).unwrap();
        let at = |text| platform.has_service_at(&ServiceUrl::parse(text).unwrap());
        assert!(at("https://school.example/anything"));
        assert!(at("https://grades.school.example/lineitems"));
        assert!(!at("https://school.example:8443/anything"));
        assert!(!at("https://elsewhere.example/"));
        assert!(!at("http://127.0.0.1/"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        use PlatformError::*;
        use Setting::*;
        assert_eq!(refusal(|settings| settings.issuer.clear()), Missing(Issuer));
        assert_eq!(refusal(|settings| settings.client_id = "a b".to_owned()), Unprintable(ClientId));
        assert_eq!(refusal(|settings| settings.client_id = "a".repeat(256)), TooLong(ClientId));
        assert_eq!(refusal(|settings| settings.deployment_ids.clear()), Missing(DeploymentId));
        assert_eq!(refusal(|settings| settings.deployment_ids = vec!["1".to_owned(); 101]), TooMany(DeploymentId));
        assert_eq!(
            refusal(|settings| settings.token_url = "http://school.example/token".to_owned()),
            Address(TokenUrl, UrlProblem::NotHttps)
        );
        assert_eq!(refusal(|settings| settings.jwks_url = "https://127.0.0.1/jwks".to_owned()), OnLoopback(JwksUrl));
        assert_eq!(
            refusal(|settings| settings.token_url = "http://school.example/token".to_owned()).to_string(),
            "token address has to begin with https://"
        );
    }

    #[test]
    fn loopback_is_for_trying_things_out() {
        let mut settings = settings();
        settings.jwks_url = "http://127.0.0.1:8000/jwks".to_owned();
        assert!(Platform::new(settings, Loopback::Allowed).is_ok());
    }
}
