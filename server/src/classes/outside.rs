//! What leaves a class for other systems: its webhooks, learning platforms and xAPI, as documents of the class.
//!
//! Each has a reader of the class's log, by which it is known how far it has come. Secrets are made from the installation's
//! key, or encrypted with it.

use app::error::BackendError;
use app::model::teach::{
    DeliveryView, LtiView, PlatformDraft, PlatformView, ShownOnce, WebhookKind, WebhookView, XapiDraft, XapiView,
};
use deliveries::{Message, Reach, SigningKey};
use lti::{AgsEndpoint, Loopback, PlatformError, Setting};
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{ClassId, Delivery, Reader};
use time::OffsetDateTime;
use url::Url;

use super::Classes;
use crate::state::{internal, now, store_failed};

/// Kinds of the documents. Readers are named after them.
pub const WEBHOOK: &str = "webhook";
pub const PLATFORM: &str = "lti-platform";
/// What the latest launch from a platform told; under the platform's id.
pub const LAUNCHED: &str = "lti-launched";
/// The platform's line items; under its id.
pub const LINE_ITEMS: &str = "lti-line-items";
pub const XAPI: &str = "xapi";
/// The one xAPI document of a class.
pub const ONLY: &str = "only";
/// The latest launch is noted to within so many seconds.
const NOTED: i64 = 60;
/// Documents of one kind that a class may have.
const MOST: usize = 20;

/// An address that is told what happens in the class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub url: String,
    pub kinds: Vec<WebhookKind>,
}

/// A learning platform that may launch into the class; its id follows from issuer and client, see [`platform_id`].
pub type Platform = lti::PlatformSettings;

/// What the latest launch from a platform told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// In Unix seconds.
    pub at: i64,
    /// Where grades go, if they may.
    pub grades: Option<AgsEndpoint>,
}

impl Launched {
    /// Where grades go, if there can be a line item for each check.
    pub fn takes_grades(self) -> Option<AgsEndpoint> {
        self.grades.filter(AgsEndpoint::takes_grades_of_checks)
    }
}

/// Where xAPI statements go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Xapi {
    pub endpoint: String,
    pub key: String,
    /// The site's URL when this was entered: what is told about belongs to it. A site that moves keeps it, so that the
    /// statements before and after are about the same.
    pub site: String,
    /// Sealed for [`XAPI`] and the class's id.
    pub secret: String,
}

/// All of it, for the settings.
pub struct OutsideView {
    pub webhooks: Vec<WebhookView>,
    pub lti: LtiView,
    pub xapi: Option<XapiView>,
}

/// The name of the reader that belongs to a document.
pub fn reader_name(kind: &str, id: &str) -> String {
    format!("{kind}:{id}")
}

/// The id of a platform's document. A login tells issuer and client only, so that it is found by them.
pub fn platform_id(issuer: &str, client_id: &str) -> String {
    let digest = Sha256::digest(format!("{issuer}\n{client_id}"));
    hex::encode(&digest[..16])
}

/// The key with which a webhook's messages are signed.
pub fn signing_key(classes: &Classes, webhook: &str) -> SigningKey {
    SigningKey::new(classes.master_key().derive(WEBHOOK, webhook).as_slice())
}

pub async fn view(classes: &Classes, class: &ClassId, site: &str) -> Result<OutsideView, BackendError> {
    let store = classes.headwater().store();
    let (webhooks, platforms, launched, xapi, readers, deliveries, head) = tokio::try_join!(
        store.documents::<Webhook>(class, WEBHOOK),
        store.documents::<Platform>(class, PLATFORM),
        store.documents::<Launched>(class, LAUNCHED),
        store.document::<Xapi>(class, XAPI, ONLY),
        store.readers(class),
        store.deliveries(class),
        store.head(class)
    )
    .map_err(store_failed)?;
    let head = head.map_or(0, |head| head.seq);
    let reader = |kind: &str, id: &str| readers.iter().find(|reader| reader.name == reader_name(kind, id));
    let behind = |reader: Option<&Reader>| {
        u32::try_from(reader.map_or(0, |reader| head.saturating_sub(reader.position))).unwrap_or_default()
    };
    let trouble = |reader: Option<&Reader>| {
        let failed = reader.filter(|reader| reader.failures > 0).and_then(|reader| reader.outcome.as_ref());
        failed.map(|(outcome, _)| outcome.clone()).unwrap_or_default()
    };
    Ok(OutsideView {
        webhooks: (webhooks.into_iter())
            .map(|(id, webhook)| {
                let reader = reader(WEBHOOK, &id);
                WebhookView {
                    url: webhook.url,
                    kinds: webhook.kinds,
                    deliveries: reader.map(|reader| history(reader, &deliveries)).unwrap_or_default(),
                    behind: behind(reader),
                    off: reader.and_then(switched_off),
                    id,
                }
            })
            .collect(),
        lti: LtiView {
            addresses: [
                ("Tool, target link", ""),
                ("Login initiation", "lti/login"),
                ("Launch, redirection", "lti/launch"),
                ("Public keys", "lti/keys"),
                ("Content selection, deep linking", "lti/deep-link"),
            ]
            .map(|(label, path)| (label.to_owned(), format!("{site}/{path}")))
            .to_vec(),
            platforms: (platforms.into_iter())
                .map(|(id, platform)| {
                    let launched = launched.iter().find(|(platform, _)| *platform == id);
                    let launched = launched.map(|(_, launched)| launched.clone());
                    PlatformView {
                        trouble: trouble(reader(PLATFORM, &id)),
                        id,
                        issuer: platform.issuer,
                        client_id: platform.client_id,
                        deployment_ids: platform.deployment_ids,
                        launched_at: launched.as_ref().map(|launched| launched.at),
                        takes_grades: launched.and_then(Launched::takes_grades).is_some(),
                    }
                })
                .collect(),
        },
        xapi: xapi.map(|xapi| {
            let reader = reader(XAPI, ONLY);
            XapiView { endpoint: xapi.endpoint, key: xapi.key, behind: behind(reader), trouble: trouble(reader) }
        }),
    })
}

/// Adds a webhook that is told what happens from now on; gives its key, to be shown once.
pub async fn add_webhook(
    classes: &Classes,
    class: &ClassId,
    url: String,
    kinds: Vec<WebhookKind>,
) -> Result<ShownOnce, BackendError> {
    refuse_unreachable(classes, "url", &url)?;
    let store = classes.headwater().store();
    let known: Vec<(String, Webhook)> = store.documents(class, WEBHOOK).await.map_err(store_failed)?;
    refuse_too_many(known.len())?;
    let mut random = [0; 16];
    rand::rng().fill_bytes(&mut random);
    let id = hex::encode(random);
    let head = store.head(class).await.map_err(store_failed)?.map_or(0, |head| head.seq);
    store.create_reader(class, &reader_name(WEBHOOK, &id), head).await.map_err(store_failed)?;
    let webhook = Webhook { url: url.clone(), kinds };
    store.save_document(class, WEBHOOK, &id, &webhook).await.map_err(store_failed)?;
    let secret = signing_key(classes, &id).shown().expose_secret().to_owned();
    Ok(ShownOnce::WebhookSecret { url, secret })
}

/// Sends a message to a webhook to try it, and tells what came back.
pub async fn test_webhook(classes: &Classes, class: &ClassId, webhook: &str) -> Result<String, BackendError> {
    let store = classes.headwater().store();
    let found: Option<Webhook> = store.document(class, WEBHOOK, webhook).await.map_err(store_failed)?;
    let url: Url = found.ok_or(BackendError::NotFound)?.url.parse().map_err(internal)?;
    let message = Message::of_test(class.as_str(), rand::random(), now()).map_err(internal)?;
    let (headers, body) = message.signed(&signing_key(classes, webhook), now());
    let refused = |message: String| Err(BackendError::Refused { message });
    match classes.sender().post(&url, headers, body).await {
        Ok(answer) if answer.is_success() => Ok(format!("The test was taken: it answered {}.", answer.status)),
        Ok(answer) => refused(format!("The test was not taken: it answered {}.", answer.status)),
        Err(error) => refused(format!("The test did not arrive: {error}.")),
    }
}

/// Switches a webhook on that was switched off, so that what it has missed is delivered.
pub async fn switch_on_webhook(classes: &Classes, class: &ClassId, webhook: &str) -> Result<(), BackendError> {
    let store = classes.headwater().store();
    let found = store.switch_on_reader(class, &reader_name(WEBHOOK, webhook)).await.map_err(store_failed)?;
    if found { Ok(()) } else { Err(BackendError::NotFound) }
}

pub async fn remove_webhook(classes: &Classes, class: &ClassId, webhook: &str) -> Result<(), BackendError> {
    remove(classes, class, WEBHOOK, webhook).await
}

/// Lets a platform launch into the class, in place of an earlier entry of the same issuer and client.
pub async fn add_platform(classes: &Classes, class: &ClassId, draft: PlatformDraft) -> Result<(), BackendError> {
    let store = classes.headwater().store();
    let known: Vec<(String, Platform)> = store.documents(class, PLATFORM).await.map_err(store_failed)?;
    let id = platform_id(&draft.issuer, &draft.client_id);
    if !known.iter().any(|(known, _)| *known == id) {
        refuse_too_many(known.len())?;
    }
    let platform = Platform {
        issuer: draft.issuer,
        client_id: draft.client_id,
        deployment_ids: draft.deployment_ids,
        authorization_url: draft.auth_url,
        token_url: draft.token_url,
        jwks_url: draft.jwks_url,
        token_audience: draft.token_audience,
        service_hosts: draft.service_hosts,
    };
    refuse_unusable(classes, &platform)?;
    refuse_other_addresses(classes, class, &id, &platform).await?;
    // Grades are those of the whole log.
    let reader = reader_name(PLATFORM, &id);
    store.create_reader(class, &reader, 0).await.map_err(store_failed)?;
    store.save_document(class, PLATFORM, &id, &platform).await.map_err(store_failed)?;
    // What failed by what was entered before need not wait.
    store.switch_on_reader(class, &reader).await.map_err(store_failed)?;
    Ok(())
}

/// A registration as launches are checked with it.
pub fn checked(classes: &Classes, platform: Platform) -> Result<lti::Platform, PlatformError> {
    lti::Platform::new(platform, loopback(classes))
}

/// Notes a launch and what it told of grades. When grades can go to where none went before, all of them go.
pub async fn note_launch(
    classes: &Classes,
    class: &ClassId,
    platform: &str,
    launched: &Launched,
) -> Result<(), BackendError> {
    let store = classes.headwater().store();
    let before: Option<Launched> = store.document(class, LAUNCHED, platform).await.map_err(store_failed)?;
    // A whole class launches at once, and each write is news for its boards.
    let is_known = |before: &Launched| before.grades == launched.grades && launched.at - before.at < NOTED;
    if before.as_ref().is_some_and(is_known) {
        return Ok(());
    }
    store.save_document(class, LAUNCHED, platform, launched).await.map_err(store_failed)?;
    let place = |launched: &Launched| launched.clone().takes_grades().and_then(|endpoint| endpoint.line_items);
    if place(launched).is_some() && before.as_ref().and_then(place) != place(launched) {
        begin_again(classes, class, platform).await?;
    }
    Ok(())
}

/// Sends all grades of a class to its platforms again, since they are others now.
pub async fn send_grades_again(classes: &Classes, class: &ClassId) -> Result<(), BackendError> {
    let store = classes.headwater().store();
    let platforms: Vec<(String, Platform)> = store.documents(class, PLATFORM).await.map_err(store_failed)?;
    for (platform, _) in platforms {
        begin_again(classes, class, &platform).await?;
    }
    Ok(())
}

/// Carries the whole log to a platform again.
async fn begin_again(classes: &Classes, class: &ClassId, platform: &str) -> Result<(), BackendError> {
    let store = classes.headwater().store();
    let reader = reader_name(PLATFORM, platform);
    store.delete_reader(class, &reader).await.map_err(store_failed)?;
    store.create_reader(class, &reader, 0).await.map_err(store_failed)
}

pub async fn remove_platform(classes: &Classes, class: &ClassId, platform: &str) -> Result<(), BackendError> {
    let store = classes.headwater().store();
    for kind in [LAUNCHED, LINE_ITEMS] {
        store.delete_document(class, kind, platform).await.map_err(store_failed)?;
    }
    remove(classes, class, PLATFORM, platform).await
}

/// Sets where statements go, from what happens from now on. An empty secret leaves the one there is.
pub async fn save_xapi(classes: &Classes, class: &ClassId, draft: XapiDraft, site: &str) -> Result<(), BackendError> {
    refuse_unreachable(classes, "endpoint", &draft.endpoint)?;
    let store = classes.headwater().store();
    let known: Option<Xapi> = store.document(class, XAPI, ONLY).await.map_err(store_failed)?;
    let site = known.as_ref().map_or_else(|| site.to_owned(), |known| known.site.clone());
    let secret = match known {
        Some(known) if draft.secret.is_empty() => known.secret,
        None if draft.secret.is_empty() => {
            return Err(BackendError::Invalid {
                field: "secret".to_owned(),
                message: "Enter the secret that belongs to the key.".to_owned(),
            });
        }
        _ => classes.master_key().seal(XAPI, class.as_str(), &SecretString::from(draft.secret)),
    };
    let head = store.head(class).await.map_err(store_failed)?.map_or(0, |head| head.seq);
    let reader = reader_name(XAPI, ONLY);
    store.create_reader(class, &reader, head).await.map_err(store_failed)?;
    let xapi = Xapi { endpoint: draft.endpoint, key: draft.key, site, secret };
    store.save_document(class, XAPI, ONLY, &xapi).await.map_err(store_failed)?;
    // What failed by what was entered before need not wait.
    store.switch_on_reader(class, &reader).await.map_err(store_failed)?;
    Ok(())
}

pub async fn remove_xapi(classes: &Classes, class: &ClassId) -> Result<(), BackendError> {
    remove(classes, class, XAPI, ONLY).await
}

async fn remove(classes: &Classes, class: &ClassId, kind: &str, id: &str) -> Result<(), BackendError> {
    let store = classes.headwater().store();
    let was_there = store.delete_document(class, kind, id).await.map_err(store_failed)?;
    store.delete_reader(class, &reader_name(kind, id)).await.map_err(store_failed)?;
    if was_there { Ok(()) } else { Err(BackendError::NotFound) }
}

/// What a reader tried latest, latest first.
fn history(reader: &Reader, deliveries: &[(String, Delivery)]) -> Vec<DeliveryView> {
    let own = deliveries.iter().filter(|(name, _)| *name == reader.name);
    let again = (reader.failures > 0 && reader.off.is_none()).then(|| reader.retry.unix_timestamp());
    own.enumerate()
        .map(|(position, (_, delivery))| DeliveryView {
            at: delivery.at.unix_timestamp(),
            status: delivery.status,
            text: delivery.words.clone(),
            again_at: again.filter(|_| position == 0),
        })
        .collect()
}

/// Since when a reader is switched off, and why.
fn switched_off(reader: &Reader) -> Option<(i64, String)> {
    let why = reader.outcome.as_ref().map(|(words, _)| words.clone()).unwrap_or_default();
    reader.off.map(OffsetDateTime::unix_timestamp).map(|off| (off, why))
}

/// Whether platforms may be on this machine: where everything may be sent to.
fn loopback(classes: &Classes) -> Loopback {
    match classes.sender().reach() {
        Reach::Everywhere => Loopback::Allowed,
        Reach::Public => Loopback::Refused,
    }
}

/// Refuses a registration that cannot work, at the field that is wrong.
fn refuse_unusable(classes: &Classes, platform: &Platform) -> Result<(), BackendError> {
    let checked = checked(classes, platform.clone()).map_err(|error| {
        let (PlatformError::Missing(setting)
        | PlatformError::TooLong(setting)
        | PlatformError::Unprintable(setting)
        | PlatformError::TooMany(setting)
        | PlatformError::Address(setting, _)
        | PlatformError::OnLoopback(setting)) = error;
        let field = match setting {
            Setting::Issuer => "issuer",
            Setting::ClientId => "client_id",
            Setting::DeploymentId => "deployment_ids",
            Setting::AuthorizationUrl => "auth_url",
            Setting::TokenUrl => "token_url",
            Setting::JwksUrl => "jwks_url",
            Setting::TokenAudience => "token_audience",
            Setting::ServiceHost => "service_hosts",
        };
        BackendError::Invalid { field: field.to_owned(), message: format!("This cannot be used: the {error}.") }
    })?;
    refuse_unreachable(classes, "token_url", checked.token_url().as_str())?;
    refuse_unreachable(classes, "jwks_url", checked.jwks_url().as_str())?;
    platform.service_hosts.iter().try_for_each(|host| refuse_unreachable(classes, "service_hosts", host))
}

/// Refuses other addresses than the platform has in another class. A login tells issuer and client only, so that whoever
/// entered other addresses for them could send others' learners there.
async fn refuse_other_addresses(
    classes: &Classes,
    class: &ClassId,
    id: &str,
    platform: &Platform,
) -> Result<(), BackendError> {
    let store = classes.headwater().store();
    let known: Vec<(ClassId, Platform)> = store.documents_by_id(PLATFORM, id).await.map_err(store_failed)?;
    let addresses = |platform: &Platform| {
        [&platform.authorization_url, &platform.token_url, &platform.jwks_url].map(ToOwned::to_owned)
    };
    let differs = |(other, known): &(ClassId, Platform)| other != class && addresses(known) != addresses(platform);
    if known.iter().any(differs) {
        return Err(BackendError::Invalid {
            field: "auth_url".to_owned(),
            message:
                "Another class here has this issuer and client id with other addresses. Compare them with what the \
                      platform shows."
                    .to_owned(),
        });
    }
    Ok(())
}

/// Refuses an address that this server would not send to, as far as it tells by itself.
fn refuse_unreachable(classes: &Classes, field: &str, address: &str) -> Result<(), BackendError> {
    let invalid = |message: String| BackendError::Invalid { field: field.to_owned(), message };
    let url: Url = address.parse().map_err(|_| invalid("This is no address.".to_owned()))?;
    classes.sender().reach().allows(&url).map_err(|error| invalid(format!("This cannot be used: {error}.")))
}

fn refuse_too_many(known: usize) -> Result<(), BackendError> {
    if known >= MOST {
        return Err(BackendError::Refused {
            message: format!("A class has {MOST} of these at most. Remove one first."),
        });
    }
    Ok(())
}
