//! The login that a platform begins: OIDC's third-party initiated login, as LTI uses it.

use time::OffsetDateTime;
use url::Url;

use crate::form::{Form, FormError};
use crate::platform::Platform;
use crate::signing::SigningError;
use crate::state::StateKey;
use crate::tool::Tool;

/// Longest form that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// What a platform sends to begin a login, by GET or by POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginInitiation {
    pub issuer: String,
    pub login_hint: String,
    pub target_link: Url,
    pub message_hint: Option<String>,
    pub client_id: Option<String>,
    pub deployment_id: Option<String>,
}

/// The answer to a login initiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginStart {
    /// Where to send the browser.
    pub redirect: Url,
    /// Value of the `Set-Cookie` header.
    pub set_cookie: String,
}

/// Why a login cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Form(#[from] FormError),
    #[error("this platform is not registered here")]
    UnknownPlatform,
    #[error("this platform is registered more than once; it has to send its client id")]
    SeveralPlatforms,
    #[error("this deployment is not registered here")]
    UnknownDeployment,
    #[error("the link does not lead to this tool")]
    ForeignTarget,
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl LoginInitiation {
    /// Reads a query (GET) or a form's body (POST).
    pub fn parse(form: &str) -> Result<Self, LoginError> {
        let mut form = Form::parse(form, LONGEST)?;
        let target_link = form.required("target_link_uri")?;
        Ok(Self {
            issuer: form.required("iss")?,
            login_hint: form.required("login_hint")?,
            target_link: Url::parse(&target_link).map_err(|_| FormError::Unusable("target_link_uri"))?,
            message_hint: form.optional("lti_message_hint"),
            client_id: form.optional("client_id"),
            deployment_id: form.optional("lti_deployment_id"),
        })
    }

    /// The same as a query, for a link that begins the login again in a window of its own.
    pub fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("iss", &self.issuer);
        query.append_pair("login_hint", &self.login_hint);
        query.append_pair("target_link_uri", self.target_link.as_str());
        let optional = [
            ("lti_message_hint", &self.message_hint),
            ("client_id", &self.client_id),
            ("lti_deployment_id", &self.deployment_id),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// The platform that is meant, of those registered.
    pub fn platform<'a>(&self, registered: impl IntoIterator<Item = &'a Platform>) -> Result<&'a Platform, LoginError> {
        let mut fitting = registered.into_iter().filter(|platform| {
            platform.issuer() == self.issuer && self.client_id.as_deref().is_none_or(|id| id == platform.client_id())
        });
        let platform = fitting.next().ok_or(LoginError::UnknownPlatform)?;
        match fitting.next() {
            None => Ok(platform),
            Some(_) => Err(LoginError::SeveralPlatforms),
        }
    }
}

/// Begins a login. `cookie` is the value of [`crate::LOGIN_COOKIE`], if the browser sent it.
pub fn begin_login(
    initiation: &LoginInitiation,
    platform: &Platform,
    tool: &Tool,
    key: &StateKey,
    cookie: Option<&str>,
    now: OffsetDateTime,
) -> Result<LoginStart, LoginError> {
    let of_platform = initiation.issuer == platform.issuer()
        && initiation.client_id.as_deref().is_none_or(|id| id == platform.client_id());
    if !of_platform {
        return Err(LoginError::UnknownPlatform);
    }
    if initiation.deployment_id.as_deref().is_some_and(|id| !platform.has_deployment(id)) {
        return Err(LoginError::UnknownDeployment);
    }
    if !tool.owns(&initiation.target_link) {
        return Err(LoginError::ForeignTarget);
    }
    let made = key.make(platform, initiation.target_link.clone(), cookie, now)?;
    let mut redirect = platform.authorization_url().as_url().clone();
    let mut query = redirect.query_pairs_mut();
    query
        .append_pair("scope", "openid")
        .append_pair("response_type", "id_token")
        .append_pair("response_mode", "form_post")
        .append_pair("prompt", "none")
        .append_pair("client_id", platform.client_id())
        .append_pair("redirect_uri", tool.launch_url().as_str())
        .append_pair("login_hint", &initiation.login_hint)
        .append_pair("state", &made.state)
        .append_pair("nonce", &made.nonce);
    if let Some(hint) = &initiation.message_hint {
        query.append_pair("lti_message_hint", hint);
    }
    drop(query);
    Ok(LoginStart { redirect, set_cookie: made.set_cookie })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::platform::Loopback;
    use crate::state::StateKey;
    use crate::test_platform::{NOW, platform, tool};

    const FORM: &str = "iss=https%3A%2F%2Fschool.example&login_hint=someone&lti_message_hint=a%26b\
        &target_link_uri=https%3A%2F%2Flab.example%2Flabs%2Fclicks&client_id=client&lti_deployment_id=1";

    fn begin(initiation: &LoginInitiation) -> Result<LoginStart, LoginError> {
        begin_login(initiation, &platform(), &tool(), &StateKey::new(&[7; 32]), None, NOW)
    }

    #[test]
    fn an_initiation_is_read_and_can_be_begun_again() {
        let initiation = LoginInitiation::parse(FORM).unwrap();
        assert_eq!(initiation.message_hint.as_deref(), Some("a&b"));
        assert_eq!(LoginInitiation::parse(&initiation.to_query()).unwrap(), initiation);
    }

    #[test]
    fn incomplete_and_doubled_forms_are_refused() {
        let refusal = |form: &str| LoginInitiation::parse(form).unwrap_err();
        assert_eq!(refusal(""), FormError::Lacks("target_link_uri").into());
        assert_eq!(refusal(&FORM.replace("iss=", "is=")), FormError::Lacks("iss").into());
        assert_eq!(refusal(&format!("{FORM}&iss=other")), FormError::Twice.into());
        assert_eq!(refusal(&format!("{FORM}&a={}", "a".repeat(LONGEST))), FormError::TooLarge.into());
        assert_eq!(refusal(&FORM.replace("https%3A%2F%2Flab", "lab")), FormError::Unusable("target_link_uri").into());
    }

    #[test]
    fn the_platform_is_found_by_issuer_and_client_id() {
        let mut other = platform().settings().clone();
        other.client_id = "other".to_owned();
        let registered = [platform(), Platform::new(other, Loopback::Refused).unwrap()];
        let mut initiation = LoginInitiation::parse(FORM).unwrap();
        assert_eq!(initiation.platform(&registered).unwrap().client_id(), "client");
        initiation.client_id = None;
        assert_eq!(initiation.platform(&registered), Err(LoginError::SeveralPlatforms));
        assert_eq!(initiation.platform(&registered[..1]).unwrap().client_id(), "client");
        initiation.issuer = "https://elsewhere.example".to_owned();
        assert_eq!(initiation.platform(&registered), Err(LoginError::UnknownPlatform));
    }

    #[test]
    fn the_browser_is_sent_on_with_what_the_platform_needs() {
        let start = begin(&LoginInitiation::parse(FORM).unwrap()).unwrap();
        assert!(start.redirect.as_str().starts_with("https://school.example/auth?"));
        let sent: HashMap<_, _> = start.redirect.query_pairs().into_owned().collect();
        let pending = StateKey::new(&[7; 32]).open(&sent["state"], None, NOW).unwrap();
        assert_eq!(sent["nonce"], pending.nonce);
        assert_eq!(sent["response_mode"], "form_post");
        assert_eq!(sent["response_type"], "id_token");
        assert_eq!(sent["scope"], "openid");
        assert_eq!(sent["prompt"], "none");
        assert_eq!(sent["redirect_uri"], "https://lab.example/lti/launch");
        assert_eq!(sent["login_hint"], "someone");
        assert_eq!(sent["lti_message_hint"], "a&b");
        assert!(start.set_cookie.contains("; Secure; SameSite=None"));
    }

    #[test]
    fn foreign_targets_and_deployments_are_refused() {
        let mut initiation = LoginInitiation::parse(FORM).unwrap();
        initiation.deployment_id = Some("2".to_owned());
        assert_eq!(begin(&initiation), Err(LoginError::UnknownDeployment));
        let mut initiation = LoginInitiation::parse(FORM).unwrap();
        initiation.target_link = Url::parse("https://elsewhere.example/").unwrap();
        assert_eq!(begin(&initiation), Err(LoginError::ForeignTarget));
        let mut initiation = LoginInitiation::parse(FORM).unwrap();
        initiation.client_id = Some("other".to_owned());
        assert_eq!(begin(&initiation), Err(LoginError::UnknownPlatform));
    }
}
