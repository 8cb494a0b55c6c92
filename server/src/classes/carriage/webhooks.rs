//! Webhooks: each event that they want is a message, one after the other.

use std::time::Duration;

use app::model::teach::WebhookKind;
use async_trait::async_trait;
use classroom::Event;
use deliveries::{Answer, Message, SendError};
use store::{Delivery, StoreError};
use url::Url;

use super::{Destination, End, Errand, Report, counted};
use crate::classes::Classes;
use crate::classes::outside::{WEBHOOK, Webhook, signing_key};
use crate::state::now;

/// Entries read at once.
const BATCH: u32 = 100;
/// Who fails for so long is switched off.
const PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);
/// The status of who wants no more, ever.
const GONE: u16 = 410;

/// All webhooks.
pub(super) struct Webhooks {
    classes: Classes,
}

impl Webhooks {
    pub(super) fn new(classes: Classes) -> Self {
        Self { classes }
    }

    async fn webhook(&self, errand: &Errand) -> Result<Option<Webhook>, StoreError> {
        self.classes.headwater().store().document(&errand.class, WEBHOOK, &errand.id).await
    }
}

#[async_trait]
impl Destination for Webhooks {
    fn kind(&self) -> &'static str {
        WEBHOOK
    }

    fn batch(&self) -> u32 {
        BATCH
    }

    fn patience(&self) -> Option<Duration> {
        Some(PATIENCE)
    }

    async fn carry(&self, errand: &Errand) -> Report {
        let webhook = match self.webhook(errand).await {
            Ok(Some(webhook)) => webhook,
            Ok(None) => return Report::gone(errand),
            Err(error) => return Report::failed_here(errand, &error),
        };
        let Ok(url) = webhook.url.parse::<Url>() else {
            return Report::failed(errand, "its address cannot be used".to_owned());
        };
        let key = signing_key(&self.classes, &errand.id);
        let mut position = errand.before();
        let mut taken = Taken::default();
        for entry in &errand.entries {
            if wants(&webhook.kinds, &entry.event) {
                if errand.is_to_end() {
                    break;
                }
                let message = match Message::of_entry(entry) {
                    Ok(message) => message,
                    Err(error) => return Report { position, ..Report::failed_here(errand, &error) },
                };
                let (headers, body) = message.signed(&key, now());
                match self.classes.sender().post(&url, headers, body).await {
                    Ok(answer) if answer.is_success() => taken.one(answer.status),
                    answered => return refused(position, &taken, answered),
                }
            }
            position = entry.seq;
        }
        Report { position, deliveries: taken.deliveries(), end: End::Well }
    }
}

/// What was taken in a turn, and the latest status.
#[derive(Default)]
struct Taken {
    count: usize,
    status: u16,
}

impl Taken {
    fn one(&mut self, status: u16) {
        self.count += 1;
        self.status = status;
    }

    fn deliveries(&self) -> Vec<Delivery> {
        if self.count == 0 {
            return Vec::new();
        }
        vec![Delivery { at: now(), status: Some(self.status), words: counted(self.count, "event") }]
    }
}

/// The report of a turn that ended with a message that was not taken.
fn refused(position: i64, taken: &Taken, answered: Result<Answer, SendError>) -> Report {
    let (status, words, after) = match answered {
        Ok(Answer { status: GONE, .. }) => (Some(GONE), "it answered 410 and wants no more".to_owned(), None),
        Ok(Answer { status, retry_after }) => (Some(status), not_taken(status), retry_after),
        Err(error) => (None, error.to_string(), None),
    };
    let mut deliveries = taken.deliveries();
    deliveries.push(failed_delivery(status, &words));
    let end = if status == Some(GONE) { End::SwitchedOff { words } } else { End::Failed { words, after } };
    Report { position, deliveries, end }
}

/// What a status that is no success says.
pub(super) fn not_taken(status: u16) -> String {
    match status {
        300..400 => format!("it answered {status}, and redirects are not followed"),
        status => format!("it answered {status}"),
    }
}

/// A delivery that failed. Its status is shown beside its words, which need not tell it again.
pub(super) fn failed_delivery(status: Option<u16>, words: &str) -> Delivery {
    let words = match status {
        None => words,
        Some(GONE) => "it wants no more",
        Some(300..400) => "redirects are not followed",
        Some(_) => "not taken",
    };
    Delivery { at: now(), status, words: words.to_owned() }
}

/// Whether an event is of one of these kinds. What only the board needs is of none.
fn wants(kinds: &[WebhookKind], event: &Event) -> bool {
    let kind = match event {
        Event::Waiting | Event::Joined | Event::Renamed | Event::Left | Event::Removed => WebhookKind::Members,
        Event::StepOpened { .. } | Event::StepPassed { .. } | Event::Assisted { .. } => WebhookKind::Steps,
        Event::Verdict { .. } => WebhookKind::Verdicts,
        Event::HandRaised { .. }
        | Event::HandLowered
        | Event::HintSent { .. }
        | Event::HintSeen { .. }
        | Event::Resolved { .. }
        | Event::Reopened { .. } => WebhookKind::Help,
        Event::PointsSet { .. } | Event::Attempted { .. } | Event::HintRevealed { .. } | Event::Answered { .. } => {
            return false;
        }
    };
    kinds.contains(&kind)
}
