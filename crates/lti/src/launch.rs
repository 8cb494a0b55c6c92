//! A launch: the platform's signed word on who opens what from which course.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, Validation};
use time::{Duration, OffsetDateTime};
use url::Url;

use crate::claims::{self, Claims};
use crate::deep_linking::DeepLinkingSettings;
use crate::endpoints::{AgsEndpoint, NamesEndpoint};
use crate::form::{Form, FormError};
use crate::platform::Platform;
use crate::platform_keys::PlatformKeys;
use crate::roles::Roles;
use crate::service_error::ServiceError;
use crate::service_url::ServiceUrl;
use crate::state::PendingLaunch;
use crate::tool::Tool;

/// Longest form that is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// How far clocks may be apart.
const LEEWAY: Duration = Duration::seconds(60);
/// How old a token may be, whatever it says itself.
const OLDEST: Duration = Duration::hours(1);

/// What a platform posts to the launch address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchAnswer {
    /// To be opened with [`crate::StateKey::open`].
    pub state: String,
    /// To be given to [`crate::Client::verify_launch`].
    pub id_token: String,
}

/// A launch whose token is right, but might have been shown before.
#[derive(Debug)]
#[must_use = "note the nonce, then admit the launch"]
pub struct VerifiedLaunch {
    launch: Launch,
    nonce: String,
    expires: OffsetDateTime,
}

/// Whether a launch's nonce was noted for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceUse {
    First,
    Again,
}

/// Somebody opens the lab from a course.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    pub issuer: String,
    pub client_id: String,
    pub deployment_id: String,
    /// What the platform calls the person, always the same: with the issuer it tells who it is. Scores go to it.
    pub subject: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub roles: Roles,
    /// The course.
    pub context: Option<Context>,
    pub message: Message,
    pub custom: BTreeMap<String, String>,
    pub target_link: Url,
    pub ags: Option<AgsEndpoint>,
    pub names: Option<NamesEndpoint>,
    /// Where to send the browser when the person is done.
    pub return_url: Option<ServiceUrl>,
}

/// The course that the lab was opened from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    pub id: String,
    pub label: Option<String>,
    pub title: Option<String>,
}

/// The link in the course that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceLink {
    pub id: String,
    pub title: Option<String>,
}

/// What a launch is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// To do the lab, or to look after it.
    ResourceLink(ResourceLink),
    /// To choose what a link in the course should lead to.
    DeepLinking(DeepLinkingSettings),
}

/// Why a launch is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    #[error(transparent)]
    Form(#[from] FormError),
    /// The platform's own word for it, letters and `_` only.
    #[error("the platform refused the login: {0}")]
    RefusedByPlatform(String),
    #[error("the platform's keys could not be had: {0}")]
    Keys(#[from] ServiceError),
    #[error("the token is not a signed token")]
    NotAToken,
    #[error("the token is not signed with RS256")]
    Algorithm,
    #[error("the token is signed with a key that the platform does not publish")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token lacks a claim, or has one of another kind")]
    Claims,
    #[error("the token comes from another platform")]
    Issuer,
    #[error("the token is meant for another tool")]
    Audience,
    #[error("the token has expired")]
    Expired,
    #[error("the token is from the future; are the clocks right?")]
    FromTheFuture,
    #[error("the token is older than an hour")]
    TooOld,
    #[error("the token belongs to another login")]
    Nonce,
    #[error("the token was used before")]
    Replayed,
    #[error("the token comes from a deployment that is not registered here")]
    Deployment,
    #[error("the token is not of LTI 1.3")]
    Version,
    #[error("the message is of a kind that this tool does not know")]
    MessageType,
    #[error("the token leads to another place than the login")]
    TargetLink,
    #[error("the platform does not tell who opens the lab")]
    Anonymous,
}

impl LaunchAnswer {
    /// Reads the body of the posted form.
    pub fn parse(form: &str) -> Result<Self, LaunchError> {
        let mut form = Form::parse(form, LONGEST)?;
        if let Some(error) = form.optional("error") {
            let word = |letter: &char| letter.is_ascii_alphabetic() || *letter == '_';
            return Err(LaunchError::RefusedByPlatform(error.chars().filter(word).take(64).collect()));
        }
        Ok(Self { state: form.required("state")?, id_token: form.required("id_token")? })
    }
}

impl VerifiedLaunch {
    /// What it says, to be shown or asked about. Nobody may be let in by it before it is [admitted](Self::admit).
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// The nonce to note as used, so that it is noted only once: a primary key, or whatever is unique over all servers.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Until when it has to be noted.
    pub fn nonce_expires(&self) -> OffsetDateTime {
        self.expires
    }

    /// The launch, if its nonce was not noted before.
    pub fn admit(self, nonce: NonceUse) -> Result<Launch, LaunchError> {
        match nonce {
            NonceUse::First => Ok(self.launch),
            NonceUse::Again => Err(LaunchError::Replayed),
        }
    }
}

/// Checks a token against the platform's keys and the login that it answers.
pub fn verify_launch(
    id_token: &str,
    platform: &Platform,
    keys: &PlatformKeys,
    pending: &PendingLaunch,
    tool: &Tool,
    now: OffsetDateTime,
) -> Result<VerifiedLaunch, LaunchError> {
    let kid = key_name(id_token)?;
    let key = keys.find(kid.as_deref()).ok_or(LaunchError::UnknownKey)?;
    let mut validation = Validation::new(Algorithm::RS256);
    // Looked at below: with the time that was given, and with `azp`.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoded = jsonwebtoken::decode::<Claims>(id_token, &key, &validation).map_err(|error| {
        use jsonwebtoken::errors::ErrorKind;
        match error.kind() {
            ErrorKind::Json(_) | ErrorKind::Utf8(_) => LaunchError::Claims,
            ErrorKind::InvalidAlgorithm => LaunchError::Algorithm,
            ErrorKind::InvalidToken | ErrorKind::Base64(_) => LaunchError::NotAToken,
            _ => LaunchError::Signature,
        }
    })?;
    let claims = decoded.claims;
    is_for_us(&claims, platform)?;
    is_current(&claims, now)?;
    answers(&claims, platform, pending, now)?;
    if claims.version != "1.3.0" {
        return Err(LaunchError::Version);
    }
    let launch = launch(claims, platform, pending, tool)?;
    Ok(VerifiedLaunch { launch, nonce: pending.nonce.clone(), expires: pending.expires })
}

/// The name of the key that a token says it is signed with.
pub(crate) fn key_name(id_token: &str) -> Result<Option<String>, LaunchError> {
    if id_token.len() > LONGEST {
        return Err(FormError::TooLarge.into());
    }
    let header = jsonwebtoken::decode_header(id_token).map_err(|_| LaunchError::NotAToken)?;
    match header.alg {
        Algorithm::RS256 => Ok(header.kid),
        _ => Err(LaunchError::Algorithm),
    }
}

fn is_for_us(claims: &Claims, platform: &Platform) -> Result<(), LaunchError> {
    if claims.iss != platform.issuer() {
        return Err(LaunchError::Issuer);
    }
    let audience = claims.aud.list();
    let named = audience.iter().any(|client| client == platform.client_id());
    let authorized = match &claims.azp {
        Some(client) => client == platform.client_id(),
        None => audience.len() == 1,
    };
    if named && authorized { Ok(()) } else { Err(LaunchError::Audience) }
}

fn is_current(claims: &Claims, now: OffsetDateTime) -> Result<(), LaunchError> {
    let seconds = |time: OffsetDateTime| time.unix_timestamp() as f64;
    if claims.exp <= seconds(now - LEEWAY) {
        return Err(LaunchError::Expired);
    }
    if claims.iat >= seconds(now + LEEWAY) {
        return Err(LaunchError::FromTheFuture);
    }
    if claims.iat <= seconds(now - OLDEST) {
        return Err(LaunchError::TooOld);
    }
    Ok(())
}

/// Whether the token answers the login that was begun.
fn answers(
    claims: &Claims,
    platform: &Platform,
    pending: &PendingLaunch,
    now: OffsetDateTime,
) -> Result<(), LaunchError> {
    if pending.issuer != platform.issuer() || pending.client_id != platform.client_id() {
        return Err(LaunchError::Issuer);
    }
    if claims.nonce != pending.nonce {
        return Err(LaunchError::Nonce);
    }
    if now >= pending.expires {
        return Err(LaunchError::Expired);
    }
    if !platform.has_deployment(&claims.deployment_id) {
        return Err(LaunchError::Deployment);
    }
    Ok(())
}

fn launch(claims: Claims, platform: &Platform, pending: &PendingLaunch, tool: &Tool) -> Result<Launch, LaunchError> {
    let name = claims::text(claims.name.as_deref()).or_else(|| {
        let parts = [claims.given_name.as_deref(), claims.family_name.as_deref()].map(Option::unwrap_or_default);
        claims::text(Some(&parts.join(" ")))
    });
    let message = match claims.message_type.as_str() {
        "LtiResourceLinkRequest" => {
            let link = claims.resource_link.ok_or(LaunchError::Claims)?;
            let id = claims::id(link.id).ok_or(LaunchError::Claims)?;
            Message::ResourceLink(ResourceLink { id, title: claims::text(link.title.as_deref()) })
        }
        "LtiDeepLinkingRequest" => {
            let settings = claims.deep_linking.ok_or(LaunchError::Claims)?;
            Message::DeepLinking(DeepLinkingSettings::of(settings).ok_or(LaunchError::Claims)?)
        }
        _ => return Err(LaunchError::MessageType),
    };
    // Deep linking requests may leave the target out; the login has told it then.
    let target_link = match (claims.target_link, &message) {
        (Some(text), _) => Url::parse(&text).map_err(|_| LaunchError::TargetLink)?,
        (None, Message::DeepLinking(_)) => pending.target_link.clone(),
        (None, Message::ResourceLink(_)) => return Err(LaunchError::Claims),
    };
    if target_link != pending.target_link || !tool.owns(&target_link) {
        return Err(LaunchError::TargetLink);
    }
    let context = match claims.context {
        Some(context) => Some(Context {
            id: claims::id(context.id).ok_or(LaunchError::Claims)?,
            label: claims::text(context.label.as_deref()),
            title: claims::text(context.title.as_deref()),
        }),
        None => None,
    };
    Ok(Launch {
        issuer: claims.iss,
        client_id: platform.client_id().to_owned(),
        deployment_id: claims.deployment_id,
        subject: claims::id(claims.sub.ok_or(LaunchError::Anonymous)?).ok_or(LaunchError::Anonymous)?,
        name,
        email: claims::text(claims.email.as_deref()),
        roles: Roles::of(claims.roles.iter().map(String::as_str)),
        context,
        message,
        custom: claims::custom(claims.custom.unwrap_or_default()),
        target_link,
        ags: claims.ags.map(|ags| ags.endpoint()),
        names: claims.names.and_then(|names| names.endpoint()),
        return_url: claims
            .presentation
            .and_then(|presentation| presentation.return_url)
            .and_then(|url| ServiceUrl::parse(&url).ok()),
    })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;
    use crate::roles::Role;
    use crate::test_platform::{KEY, NOW, OTHER_KEY, claims, keys_of, pending, platform, tool};
    use crate::tool_key::ToolKey;

    /// What becomes of claims that the platform has signed.
    fn verified(claims: &Value) -> Result<Launch, LaunchError> {
        let key = &*KEY;
        checked(&key.sign(claims).unwrap(), key)
    }

    fn checked(token: &str, key: &ToolKey) -> Result<Launch, LaunchError> {
        verify_launch(token, &platform(), &keys_of(key), &pending(), &tool(), NOW)?.admit(NonceUse::First)
    }

    /// Why claims are refused that differ in one.
    fn refusal(name: &str, value: Value) -> LaunchError {
        let mut claims = claims();
        claims[name] = value;
        verified(&claims).unwrap_err()
    }

    fn lti(name: &str) -> String {
        format!("https://purl.imsglobal.org/spec/lti/claim/{name}")
    }

    fn base64(value: &Value) -> String {
        // The library's own encoding, by way of a token whose header is known.
        let token = jsonwebtoken::encode(&Header::default(), value, &EncodingKey::from_secret(b"")).unwrap();
        token.split('.').nth(1).unwrap().to_owned()
    }

    #[test]
    fn a_learners_launch_is_read() {
        let launch = verified(&claims()).unwrap();
        assert_eq!(launch.subject, "someone");
        assert_eq!(launch.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(launch.email.as_deref(), Some("ada@school.example"));
        assert_eq!(launch.roles.iter().collect::<Vec<_>>(), [Role::Learner]);
        assert_eq!(launch.context.unwrap().title.as_deref(), Some("Data"));
        let link = ResourceLink { id: "link".to_owned(), title: Some("Clicks".to_owned()) };
        assert_eq!(launch.message, Message::ResourceLink(link));
        assert_eq!(launch.custom["lab"], "clicks");
        assert_eq!(launch.return_url.unwrap().as_str(), "https://school.example/course");
        assert_eq!((launch.ags, launch.names), (None, None));
    }

    #[test]
    fn a_nonce_is_good_for_one_launch() {
        let key = &*KEY;
        let token = key.sign(&claims()).unwrap();
        let mut noted = std::collections::HashSet::new();
        let mut open = || {
            let verified = verify_launch(&token, &platform(), &keys_of(key), &pending(), &tool(), NOW).unwrap();
            assert_eq!(verified.nonce_expires(), pending().expires);
            let first = noted.insert(verified.nonce().to_owned());
            verified.admit(if first { NonceUse::First } else { NonceUse::Again })
        };
        assert!(open().is_ok());
        assert_eq!(open().unwrap_err(), LaunchError::Replayed);
    }

    #[test]
    fn unsigned_tokens_are_refused() {
        let key = &*KEY;
        for alg in ["none", "None", ""] {
            let header = base64(&json!({ "alg": alg, "kid": key.kid() }));
            for signature in ["", "AAAA"] {
                let token = format!("{header}.{}.{signature}", base64(&claims()));
                assert_eq!(checked(&token, key), Err(LaunchError::NotAToken));
            }
        }
    }

    #[test]
    fn a_token_signed_with_the_public_key_as_shared_secret_is_refused() {
        let key = &*KEY;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.kid().to_owned());
        for secret in [key.public_jwks().to_string(), key.public_jwks()["keys"][0]["n"].to_string()] {
            let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(secret.as_bytes())).unwrap();
            assert_eq!(checked(&token, key), Err(LaunchError::Algorithm));
        }
    }

    #[test]
    fn other_keys_and_changed_claims_are_refused() {
        let key = &*KEY;
        let other = &*OTHER_KEY;
        let foreign = other.sign(&claims()).unwrap();
        assert_eq!(checked(&foreign, key), Err(LaunchError::UnknownKey));
        let token = key.sign(&claims()).unwrap();
        let mut parts: Vec<&str> = token.split('.').collect();
        parts[2] = foreign.rsplit('.').next().unwrap();
        assert_eq!(checked(&parts.join("."), key), Err(LaunchError::Signature));
        let mut teacher = claims();
        teacher[lti("roles")] = json!(["Instructor"]);
        let (teacher, signature) = (base64(&teacher), token.rsplit('.').next().unwrap());
        let header = token.split('.').next().unwrap();
        assert_eq!(checked(&format!("{header}.{teacher}.{signature}"), key), Err(LaunchError::Signature));
    }

    #[test]
    fn a_token_for_or_from_someone_else_is_refused() {
        assert_eq!(refusal("iss", json!("https://elsewhere.example")), LaunchError::Issuer);
        assert_eq!(refusal("iss", json!(["https://school.example"])), LaunchError::Claims);
        assert_eq!(refusal("aud", json!("other")), LaunchError::Audience);
        assert_eq!(refusal("aud", json!([])), LaunchError::Audience);
        assert_eq!(refusal("aud", json!(["client", "other"])), LaunchError::Audience);
        assert_eq!(refusal("azp", json!("other")), LaunchError::Audience);
        assert_eq!(refusal("nonce", json!("other")), LaunchError::Nonce);
        assert_eq!(refusal(&lti("deployment_id"), json!("2")), LaunchError::Deployment);
        let mut several = claims();
        several["aud"] = json!(["client", "other"]);
        several["azp"] = json!("client");
        assert!(verified(&several).is_ok());
    }

    #[test]
    fn a_token_is_good_for_a_short_time() {
        let now = NOW.unix_timestamp();
        assert_eq!(refusal("exp", json!(now - 60)), LaunchError::Expired);
        assert_eq!(refusal("exp", json!(-1e300)), LaunchError::Expired);
        assert_eq!(refusal("iat", json!(now + 60)), LaunchError::FromTheFuture);
        assert_eq!(refusal("iat", json!(now - 3600)), LaunchError::TooOld);
        assert_eq!(refusal("exp", json!("soon")), LaunchError::Claims);
        let mut skewed = claims();
        skewed["exp"] = json!(now as f64 - 59.5);
        skewed["iat"] = json!(now + 59);
        assert!(verified(&skewed).is_ok());
        let key = &*KEY;
        let late = pending().expires;
        let mut long = claims();
        long["exp"] = json!(now + 3600);
        let token = key.sign(&long).unwrap();
        let refused = verify_launch(&token, &platform(), &keys_of(key), &pending(), &tool(), late).unwrap_err();
        assert_eq!(refused, LaunchError::Expired, "the login is over, whatever the token says");
    }

    #[test]
    fn a_login_of_another_platform_is_not_answered() {
        let key = &*KEY;
        let token = key.sign(&claims()).unwrap();
        let pending = PendingLaunch { client_id: "other".to_owned(), ..pending() };
        let refused = verify_launch(&token, &platform(), &keys_of(key), &pending, &tool(), NOW).unwrap_err();
        assert_eq!(refused, LaunchError::Issuer);
    }

    #[test]
    fn other_messages_and_targets_are_refused() {
        assert_eq!(refusal(&lti("version"), json!("1.1.0")), LaunchError::Version);
        assert_eq!(refusal(&lti("message_type"), json!("LtiSubmissionReviewRequest")), LaunchError::MessageType);
        assert_eq!(refusal(&lti("message_type"), json!("LtiDeepLinkingRequest")), LaunchError::Claims);
        assert_eq!(refusal(&lti("resource_link"), Value::Null), LaunchError::Claims);
        assert_eq!(refusal(&lti("resource_link"), json!({ "id": "a".repeat(256) })), LaunchError::Claims);
        assert_eq!(refusal(&lti("target_link_uri"), json!("https://lab.example/other")), LaunchError::TargetLink);
        assert_eq!(refusal(&lti("target_link_uri"), Value::Null), LaunchError::Claims);
        assert_eq!(refusal("sub", Value::Null), LaunchError::Anonymous);
        assert_eq!(refusal("sub", json!("a".repeat(256))), LaunchError::Anonymous);
    }

    #[test]
    fn services_are_read_and_unsafe_addresses_are_not() {
        let mut claims = claims();
        claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"] = json!({
            "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/lineitem", "https://elsewhere.example/all",
                "https://purl.imsglobal.org/spec/lti-ags/scope/score"],
            "lineitems": "https://school.example/lineitems",
            "lineitem": "http://10.0.0.1/lineitem",
        });
        claims[lti("launch_presentation")] = json!({ "return_url": "javascript:alert(1)" });
        let launch = verified(&claims).unwrap();
        let ags = launch.ags.unwrap();
        assert!(ags.takes_grades_of_checks());
        assert_eq!(ags.line_items.unwrap().as_str(), "https://school.example/lineitems");
        assert_eq!(ags.line_item, None);
        assert_eq!(launch.return_url, None);
    }

    #[test]
    fn a_teacher_who_chooses_content_is_recognised() {
        let mut claims = claims();
        claims[lti("message_type")] = json!("LtiDeepLinkingRequest");
        claims[lti("target_link_uri")] = Value::Null;
        let settings = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings";
        claims[settings] = json!({ "deep_link_return_url": "https://school.example/return",
            "accept_types": ["link", "ltiResourceLink"], "data": { "any": 1 } });
        let Message::DeepLinking(read) = verified(&claims).unwrap().message else { panic!("a deep linking request") };
        assert!(read.accepts_links && read.accepts_line_items && !read.accepts_several);
        assert_eq!(read.return_url.as_str(), "https://school.example/return");
        assert_eq!(read.data, Some(json!({ "any": 1 })));
        claims[settings]["deep_link_return_url"] = json!("http://school.example/return");
        assert_eq!(verified(&claims), Err(LaunchError::Claims));
    }

    #[test]
    fn forms_are_read_with_care() {
        let answer = LaunchAnswer::parse("state=a&id_token=b.c.d").unwrap();
        assert_eq!((answer.state.as_str(), answer.id_token.as_str()), ("a", "b.c.d"));
        let refusal = |form: &str| LaunchAnswer::parse(form).unwrap_err();
        assert_eq!(refusal("state=a"), FormError::Lacks("id_token").into());
        assert_eq!(refusal("state=a&state=b&id_token=c"), FormError::Twice.into());
        assert_eq!(refusal(&"a".repeat(LONGEST + 1)), FormError::TooLarge.into());
        let word = "error=login_required<script>&state=a";
        assert_eq!(refusal(word), LaunchError::RefusedByPlatform("login_requiredscript".to_owned()));
        let key = &*KEY;
        for token in ["", "a.b", "a.b.c", "....", &"a".repeat(1000)] {
            assert_eq!(checked(token, key), Err(LaunchError::NotAToken), "{token}");
        }
    }
}
