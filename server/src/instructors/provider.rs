//! The OpenID Connect provider by which instructors may sign in, such as their school's.
//!
//! The authorization code flow with PKCE (OpenID Connect Core 1.0 section 3.1, RFC 7636). What a sign-in has to remember goes
//! into the browser's session, so that it ends in the browser in which it began.

mod http;

use std::sync::Arc;
use std::time::Duration;

use lti::is_loopback;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdTokenClaims, CoreIdTokenVerifier,
    CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, LocalizedClaim, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError, TokenResponse as _,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use store::ExternalIdentity;
use thiserror::Error;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use url::Url;

use self::http::Http;

/// Where the provider sends the browser back to, below the site.
pub const CALLBACK_PATH: &str = "/teach/oidc/callback";

/// What the provider told of itself is asked for again after this long.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// For an unknown key's sake, or when it could not be reached, it is asked again no sooner than this.
const AGAIN: Duration = Duration::from_secs(10);
/// People whom the provider is asked about at once.
const AT_ONCE: usize = 16;
/// Longest e-mail address.
const EMAIL: usize = 254;

/// The provider. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Parts>);

struct Parts {
    settings: ProviderSettings,
    http: Http,
    /// What the provider told latest, and when.
    told: Mutex<Option<(Instant, Result<CoreProviderMetadata, ProviderError>)>>,
    asking: Semaphore,
}

/// What is configured.
pub struct ProviderSettings {
    /// What the pages call it.
    pub name: String,
    pub issuer: IssuerUrl,
    pub client_id: String,
    /// None for a public client.
    pub secret: Option<SecretString>,
    /// Whoever has a verified address of these domains, in lower case, needs no invitation.
    pub domains: Vec<String>,
}

/// What the session remembers while somebody is at the provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    pub state: String,
    nonce: String,
    verifier: String,
    redirect: String,
}

/// Somebody for whom the provider vouches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub identity: ExternalIdentity,
    /// In lower case, and verified by the provider.
    pub email: Option<String>,
    /// As the provider has it.
    pub name: Option<String>,
}

/// The provider did not vouch for anybody.
#[derive(Clone, Debug, Error)]
pub enum ProviderError {
    #[error("too many sign in at once")]
    Busy,
    /// It could not be asked.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    /// It does not take the code, or this server's secret.
    #[error("the provider refused the code: {0}")]
    Refused(String),
    /// What it says does not hold.
    #[error("the provider's answer cannot be trusted: {0}")]
    Untrusted(String),
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl Provider {
    pub fn new(settings: ProviderSettings) -> anyhow::Result<Self> {
        let http = Http::new(!is_loopback(settings.issuer.url()))?;
        Ok(Self(Arc::new(Parts { settings, http, told: Mutex::default(), asking: Semaphore::new(AT_ONCE) })))
    }

    /// What the pages call it.
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    pub fn issuer(&self) -> &str {
        self.0.settings.issuer.as_str()
    }

    /// Whether someone may make an account without an invitation.
    pub fn welcomes(&self, person: &Person) -> bool {
        let domain = person.email.as_ref().and_then(|email| Some(email.rsplit_once('@')?.1));
        domain.is_some_and(|domain| self.0.settings.domains.iter().any(|welcome| welcome == domain))
    }

    /// Asks it about itself, as the first who signs in would.
    pub async fn look(&self) -> Result<(), ProviderError> {
        self.metadata(FRESH).await.map(drop)
    }

    /// Where the browser is to go, and what is to be remembered until it comes back. `site`: where browsers reach these
    /// pages, without a slash at its end.
    pub async fn begin(&self, site: &str) -> Result<(Url, Pending), ProviderError> {
        let redirect = format!("{site}{CALLBACK_PATH}");
        let client = self.client(self.metadata(FRESH).await?, &redirect)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let pending = Pending {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            redirect,
        };
        Ok((url, pending))
    }

    /// Whom the provider vouches for, by the code that the browser brought back.
    pub async fn person(&self, pending: Pending, code: String) -> Result<Person, ProviderError> {
        let _permit = self.0.asking.try_acquire().map_err(|_| ProviderError::Busy)?;
        let client = self.client(self.metadata(FRESH).await?, &pending.redirect)?;
        let http = &self.0.http;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| ProviderError::Unreachable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
            .request_async(http)
            .await
            .map_err(|error| ProviderError::Refused(error.to_string()))?;
        let nonce = Nonce::new(pending.nonce);
        let verified = match claims(&tokens, &client.id_token_verifier(), &nonce) {
            // The provider may have new keys.
            Err(Unverified::Claims(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            ))) => {
                let renewed = self.client(self.metadata(AGAIN).await?, &pending.redirect)?;
                claims(&tokens, &renewed.id_token_verifier(), &nonce).cloned()
            }
            verified => verified.cloned(),
        };
        let claims = verified.map_err(|error| ProviderError::Untrusted(error.to_string()))?;
        let identity = ExternalIdentity {
            issuer: claims.issuer().as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
        };
        let mut person = Person {
            identity,
            email: verified_email(claims.email().map(|email| email.as_str()), claims.email_verified()),
            name: claims.name().and_then(any).map(|name| name.as_str().to_owned()),
        };
        // Many providers keep such things for those who ask.
        if (person.email.is_none() || person.name.is_none())
            && let Ok(request) = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        {
            let told: CoreUserInfoClaims =
                request.request_async(http).await.map_err(|error| ProviderError::Untrusted(error.to_string()))?;
            let email = verified_email(told.email().map(|email| email.as_str()), told.email_verified());
            person.email = person.email.or(email);
            person.name = person.name.or_else(|| told.name().and_then(any).map(|name| name.as_str().to_owned()));
        }
        Ok(person)
    }

    /// What the provider tells of itself, no older than this where it can be had. Whoever comes while it is asked waits.
    async fn metadata(&self, age: Duration) -> Result<CoreProviderMetadata, ProviderError> {
        let mut told = self.0.told.lock().await;
        if let Some((at, known)) = &*told
            && at.elapsed() < if known.is_ok() { age } else { AGAIN }
        {
            return known.clone();
        }
        let http = &self.0.http;
        let asked = CoreProviderMetadata::discover_async(self.0.settings.issuer.clone(), http).await;
        let asked = asked.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            ProviderError::Unreachable(format!("{error}{cause}"))
        });
        *told = Some((Instant::now(), asked.clone()));
        asked
    }

    fn client(&self, metadata: CoreProviderMetadata, redirect: &str) -> Result<Client, ProviderError> {
        let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|error| {
            ProviderError::Unreachable(format!("{redirect} is no address to come back to: {error}"))
        })?;
        let settings = &self.0.settings;
        let secret = settings.secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let in_body = metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
            !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(settings.client_id.clone()), secret)
            .set_redirect_uri(redirect)
            .set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth });
        Ok(client)
    }
}

/// Why a token does not hold.
#[derive(Debug, Error)]
enum Unverified {
    #[error("there is no ID token in it")]
    NoToken,
    #[error(transparent)]
    Claims(#[from] ClaimsVerificationError),
    #[error("the access token cannot be compared: {0}")]
    Hash(String),
    #[error("the access token is another one")]
    OtherToken,
}

/// What the ID token says, if it was made by the provider, for this server, for this sign-in and with this access token.
fn claims<'a>(
    tokens: &'a CoreTokenResponse,
    verifier: &CoreIdTokenVerifier<'_>,
    nonce: &Nonce,
) -> Result<&'a CoreIdTokenClaims, Unverified> {
    let token = tokens.id_token().ok_or(Unverified::NoToken)?;
    let claims = token.claims(verifier, nonce)?;
    if let Some(expected) = claims.access_token_hash() {
        let hash = |error: &dyn std::fmt::Display| Unverified::Hash(error.to_string());
        let algorithm = token.signing_alg().map_err(|error| hash(&error))?;
        let key = token.signing_key(verifier).map_err(|error| hash(&error))?;
        let actual =
            AccessTokenHash::from_token(tokens.access_token(), algorithm, key).map_err(|error| hash(&error))?;
        if actual != *expected {
            return Err(Unverified::OtherToken);
        }
    }
    Ok(claims)
}

/// An e-mail address in lower case, if the provider has made sure of it.
fn verified_email(email: Option<&str>, is_verified: Option<bool>) -> Option<String> {
    email.filter(|email| is_verified == Some(true) && email.len() <= EMAIL).map(str::to_lowercase)
}

/// A claim in whatever language there is.
fn any<T>(claim: &LocalizedClaim<T>) -> Option<&T> {
    claim.get(None).or_else(|| claim.iter().map(|(_, value)| value).next())
}
