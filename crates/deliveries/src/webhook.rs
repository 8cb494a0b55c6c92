//! Messages to webhooks, signed as Standard Webhooks has it, so that whoever gets them can verify them with its libraries.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use classroom::{Event, LogEntry};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::moment::{of_milliseconds, written};

/// How a key is told from other secrets.
const PREFIX: &str = "whsec_";

/// The key with which a webhook's messages are signed.
pub struct SigningKey(SecretSlice<u8>);

/// A message before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same whenever it is sent again.
    id: String,
    body: Vec<u8>,
}

#[derive(Serialize)]
struct Body<'a, T> {
    r#type: &'a str,
    timestamp: String,
    data: T,
}

impl SigningKey {
    pub fn new(key: &[u8]) -> Self {
        Self(key.to_vec().into())
    }

    /// The key as libraries take it.
    pub fn shown(&self) -> SecretString {
        let encoded = Zeroizing::new(STANDARD.encode(self.0.expose_secret()));
        SecretString::from(format!("{PREFIX}{}", *encoded))
    }

    /// The signature of a message that is sent at `timestamp`, in Unix seconds.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret());
        let mut code = hmac::Context::with_key(&key);
        code.update(format!("{id}.{timestamp}.").as_bytes());
        code.update(body);
        format!("v1,{}", STANDARD.encode(code.sign()))
    }
}

impl Message {
    /// An entry of a class's log. It is in the message as it is in an export.
    pub fn of_entry(entry: &LogEntry) -> Result<Self, serde_json::Error> {
        let timestamp = written(of_milliseconds(entry.at_ms));
        let body = Body { r#type: type_of(&entry.event), timestamp, data: entry };
        Ok(Self { id: format!("{}_{}", entry.class, entry.seq), body: serde_json::to_vec(&body)? })
    }

    /// A message to try a webhook; `random` makes its id.
    pub fn of_test(class: &str, random: u64, now: OffsetDateTime) -> Result<Self, serde_json::Error> {
        #[derive(Serialize)]
        struct Data<'a> {
            class: &'a str,
        }
        let body = Body { r#type: "webhook.test", timestamp: written(now), data: Data { class } };
        Ok(Self { id: format!("{class}_test_{random:016x}"), body: serde_json::to_vec(&body)? })
    }

    /// The headers and the body to post at `now`.
    pub fn signed(self, key: &SigningKey, now: OffsetDateTime) -> (HeaderMap, Vec<u8>) {
        let Self { id, body } = self;
        let timestamp = now.unix_timestamp();
        let signature = key.sign(&id, timestamp, &body);
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("webhook-id", value(&id));
        headers.insert("webhook-timestamp", timestamp.into());
        headers.insert("webhook-signature", value(&signature));
        (headers, body)
    }
}

/// What a message with this event is called.
fn type_of(event: &Event) -> &'static str {
    match event {
        Event::PointsSet { .. } => "points.set",
        Event::Waiting => "learner.waiting",
        Event::Joined => "learner.joined",
        Event::Renamed => "learner.renamed",
        Event::Left => "learner.left",
        Event::Removed => "learner.removed",
        Event::StepOpened { .. } => "step.opened",
        Event::Attempted { .. } => "step.attempted",
        Event::StepPassed { .. } => "step.passed",
        Event::Assisted { .. } => "step.assisted",
        Event::Verdict { .. } => "verdict.changed",
        Event::HintRevealed { .. } => "hint.revealed",
        Event::Answered { .. } => "question.answered",
        Event::HandRaised { .. } => "hand.raised",
        Event::HandLowered => "hand.lowered",
        Event::HintSent { .. } => "hint.sent",
        Event::HintSeen { .. } => "hint.seen",
        Event::Resolved { .. } => "help.resolved",
        Event::Reopened { .. } => "help.reopened",
    }
}

#[cfg(test)]
mod tests {
    use classroom::{Head, seal};

    use super::*;

    /// The example that the libraries of Standard Webhooks are tested with.
    #[test]
    fn a_signature_is_that_of_the_published_example() {
        let key = SigningKey::new(&STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        assert_eq!(key.shown().expose_secret(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_message_holds_the_entry_as_it_is_in_the_export_and_has_the_same_id_each_time() {
        let entry = seal(&mut Head::empty(), "c1", 1_700_000_000_123, Some("l1"), Event::Joined).unwrap();
        let (key, now) = (SigningKey::new(&[7; 32]), OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(5));
        let (headers, body) = Message::of_entry(&entry).unwrap().signed(&key, now);
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["type"], "learner.joined");
        assert_eq!(body["timestamp"], "2023-11-14T22:13:20.123Z");
        assert_eq!(body["data"], serde_json::to_value(&entry).unwrap());
        assert_eq!(headers["webhook-id"], "c1_1");
        assert_eq!(headers["webhook-timestamp"], "5");
        let (later, _) = Message::of_entry(&entry).unwrap().signed(&key, now + time::Duration::HOUR);
        assert_eq!(later["webhook-id"], "c1_1");
        assert_ne!(later["webhook-signature"], headers["webhook-signature"], "the time is signed, too");
    }
}
