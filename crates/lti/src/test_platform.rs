//! A platform, and tokens of it, for this crate's own tests.

use std::sync::LazyLock;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use url::Url;

use crate::platform::{Loopback, Platform, PlatformSettings};
use crate::platform_keys::PlatformKeys;
use crate::state::{Browser, PendingLaunch};
use crate::tool::Tool;
use crate::tool_key::ToolKey;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

pub(crate) fn platform() -> Platform {
    let settings = PlatformSettings {
        issuer: "https://school.example".to_owned(),
        client_id: "client".to_owned(),
        deployment_ids: vec!["1".to_owned()],
        authorization_url: "https://school.example/auth".to_owned(),
        token_url: "https://school.example/token".to_owned(),
        jwks_url: "https://school.example/jwks".to_owned(),
        ..PlatformSettings::default()
    };
    Platform::new(settings, Loopback::Refused).unwrap()
}

pub(crate) fn tool() -> Tool {
    Tool::new("https://lab.example").unwrap()
}

pub(crate) fn pending() -> PendingLaunch {
    PendingLaunch {
        issuer: "https://school.example".to_owned(),
        client_id: "client".to_owned(),
        nonce: "nonce".to_owned(),
        target_link: Url::parse("https://lab.example/labs/clicks").unwrap(),
        expires: NOW + time::Duration::minutes(10),
        browser: Browser::Same,
    }
}

/// Two keys, made once because that takes time.
pub(crate) static KEY: LazyLock<ToolKey> = LazyLock::new(|| ToolKey::generate().unwrap());
pub(crate) static OTHER_KEY: LazyLock<ToolKey> = LazyLock::new(|| ToolKey::generate().unwrap());

pub(crate) fn keys_of(key: &ToolKey) -> PlatformKeys {
    PlatformKeys::parse(key.public_jwks().to_string().as_bytes()).unwrap()
}

/// Claims of a launch that is right in every way.
pub(crate) fn claims() -> Value {
    json!({
        "iss": "https://school.example",
        "aud": "client",
        "sub": "someone",
        "iat": NOW.unix_timestamp(),
        "exp": NOW.unix_timestamp() + 300,
        "nonce": "nonce",
        "name": "Ada Lovelace",
        "email": "ada@school.example",
        "https://purl.imsglobal.org/spec/lti/claim/message_type": "LtiResourceLinkRequest",
        "https://purl.imsglobal.org/spec/lti/claim/version": "1.3.0",
        "https://purl.imsglobal.org/spec/lti/claim/deployment_id": "1",
        "https://purl.imsglobal.org/spec/lti/claim/target_link_uri": "https://lab.example/labs/clicks",
        "https://purl.imsglobal.org/spec/lti/claim/roles":
            ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
        "https://purl.imsglobal.org/spec/lti/claim/context": { "id": "course", "label": "DE", "title": "Data" },
        "https://purl.imsglobal.org/spec/lti/claim/resource_link": { "id": "link", "title": "Clicks" },
        "https://purl.imsglobal.org/spec/lti/claim/custom": { "lab": "clicks" },
        "https://purl.imsglobal.org/spec/lti/claim/launch_presentation":
            { "return_url": "https://school.example/course" },
    })
}
