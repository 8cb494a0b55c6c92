//! Choosing content: what the platform takes, and the answer that the browser carries back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use url::Url;

use crate::claims::DeepLinkingClaim;
use crate::grades::NewLineItem;
use crate::platform::Platform;
use crate::service_url::ServiceUrl;
use crate::signing::{SigningError, random};
use crate::tool_key::ToolKey;

/// How long an answer can be used. It is made before the teacher has chosen.
const LIFETIME: Duration = Duration::minutes(30);

/// What a platform takes. To be kept until the teacher has chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeepLinkingSettings {
    /// Where the answer has to be posted, by the browser.
    pub return_url: ServiceUrl,
    /// Whether links to this tool can be chosen at all.
    pub accepts_links: bool,
    pub accepts_several: bool,
    /// Whether links may come with a line item.
    pub accepts_line_items: bool,
    /// The platform's own, given back as it came.
    pub data: Option<Value>,
}

/// A link to this tool that the platform should put into the course.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResourceLinkItem {
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub url: Url,
    /// Comes back with each launch of the link.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, String>,
    #[serde(rename = "lineItem", skip_serializing_if = "Option::is_none")]
    pub line_item: Option<NewLineItem>,
}

/// A form that the browser posts by itself: to `action`, with one field `JWT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeepLinkingForm {
    pub action: ServiceUrl,
    pub jwt: String,
}

/// The signed answer to a deep linking launch, for the deployment it came from. No items means: nothing was chosen.
pub fn deep_linking_response(
    key: &ToolKey,
    platform: &Platform,
    deployment_id: &str,
    settings: &DeepLinkingSettings,
    items: &[ResourceLinkItem],
    now: OffsetDateTime,
) -> Result<DeepLinkingForm, SigningError> {
    let items: Vec<Value> = items
        .iter()
        .map(|item| {
            let mut item = json!(item);
            item["type"] = json!("ltiResourceLink");
            item
        })
        .collect();
    let mut claims = json!({
        "iss": platform.client_id(),
        "aud": platform.issuer(),
        "iat": now.unix_timestamp(),
        "exp": (now + LIFETIME).unix_timestamp(),
        "nonce": random(),
        "https://purl.imsglobal.org/spec/lti/claim/message_type": "LtiDeepLinkingResponse",
        "https://purl.imsglobal.org/spec/lti/claim/version": "1.3.0",
        "https://purl.imsglobal.org/spec/lti/claim/deployment_id": deployment_id,
        "https://purl.imsglobal.org/spec/lti-dl/claim/content_items": items,
    });
    if let Some(data) = &settings.data {
        claims["https://purl.imsglobal.org/spec/lti-dl/claim/data"] = data.clone();
    }
    Ok(DeepLinkingForm { action: settings.return_url.clone(), jwt: key.sign(&claims)? })
}

impl DeepLinkingSettings {
    pub(crate) fn of(claim: DeepLinkingClaim) -> Option<Self> {
        Some(Self {
            return_url: ServiceUrl::parse(&claim.deep_link_return_url).ok()?,
            accepts_links: claim.accept_types.iter().any(|kind| kind == "ltiResourceLink"),
            // Left out, nothing is known: a line item would be passed over, several links might be refused.
            accepts_several: claim.accept_multiple.unwrap_or(false),
            accepts_line_items: claim.accept_lineitem.unwrap_or(true),
            data: claim.data,
        })
    }
}
