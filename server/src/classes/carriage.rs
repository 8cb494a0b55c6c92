//! Carries the sealed entries of the classes' logs to other systems, such as webhooks.
//!
//! Each kind of system is a [`Destination`] with a [`carrier`](self::carrier) of its own, so that no kind waits for another. A
//! reader in the database knows how far each has come; a server holds it while it carries, and what is not noted as carried is
//! carried again. So every entry arrives at least once and in order, whichever server ends when.

mod carrier;
mod grades;
mod statements;
mod turn;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use classroom::LogEntry;
use store::{ClassId, Delivery};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::carrier::Carrier;
use self::grades::PlatformGrades;
use self::statements::XapiStatements;
use self::webhooks::Webhooks;
use super::Classes;
use crate::state::now;

/// A kind of system to which a class's entries are carried.
#[async_trait]
pub trait Destination: Send + Sync + 'static {
    /// Which readers are its own: those named `KIND:ID`, see [`super::outside::reader_name`].
    fn kind(&self) -> &'static str;

    /// Entries that it is given at once, at most.
    fn batch(&self) -> u32;

    /// For how long it may fail at every try before it is switched off. `None`: for ever.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Carries entries on, in order. It bounds each thing that it waits for to seconds, and between two things looks whether
    /// the errand [is to end](Errand::is_to_end).
    async fn carry(&self, errand: &Errand) -> Report;
}

/// What is to be carried for one reader.
pub struct Errand {
    pub class: ClassId,
    /// The id of the class's document that says where to; it may be gone by now.
    pub id: String,
    /// Never empty, and without a gap after what was carried before.
    pub entries: Vec<LogEntry>,
    shutdown: CancellationToken,
    /// When the reader's turn is over.
    over: Instant,
}

/// How far an errand came.
pub struct Report {
    /// Number of the last entry that is carried, or that nobody there wants to know of.
    pub position: i64,
    /// What was sent, to be shown; nothing if nothing had to be sent.
    pub deliveries: Vec<Delivery>,
    pub end: End,
}

/// How an errand ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All is well. Not all entries need to be carried.
    Well,
    /// What follows the position is to be tried again, for this reason in a sentence, and not before `after`, if the other
    /// system has asked for that.
    Failed { words: String, after: Option<Duration> },
    /// The other system wants no more: it is switched off until somebody switches it on.
    SwitchedOff { words: String },
    /// The document is gone, and with it whatever waits.
    Gone,
}

impl Errand {
    /// Whether to send nothing more: the rest is for another turn.
    pub fn is_to_end(&self) -> bool {
        self.shutdown.is_cancelled() || Instant::now() >= self.over
    }

    /// Number of the last entry.
    pub fn last(&self) -> i64 {
        self.entries.last().map_or(0, |entry| entry.seq)
    }

    /// Number of the entry before the first.
    pub fn before(&self) -> i64 {
        self.entries.first().map_or(0, |entry| entry.seq - 1)
    }
}

impl Report {
    /// All is carried, and nothing had to be sent for it.
    pub fn nothing(errand: &Errand) -> Self {
        Self { position: errand.last(), deliveries: Vec::new(), end: End::Well }
    }

    /// Nothing could be sent, for this reason.
    pub fn failed(errand: &Errand, words: String) -> Self {
        let delivery = Delivery { at: now(), status: None, words: words.clone() };
        Self { position: errand.before(), deliveries: vec![delivery], end: End::Failed { words, after: None } }
    }

    /// Nothing could be sent, and that is this server's own fault. The cause is for its log.
    pub fn failed_here(errand: &Errand, cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "what is to be carried cannot be prepared");
        Self::failed(errand, "this server could not read what it should send".to_owned())
    }

    /// The document is gone.
    pub fn gone(errand: &Errand) -> Self {
        Self { position: errand.before(), deliveries: Vec::new(), end: End::Gone }
    }
}

/// Everything that is carrying, of all kinds.
pub struct Carriage {
    carriers: JoinSet<()>,
}

/// All kinds of systems that entries are carried to.
fn destinations(classes: &Classes) -> Vec<Arc<dyn Destination>> {
    vec![
        Arc::new(Webhooks::new(classes.clone())),
        Arc::new(PlatformGrades::new(classes.clone())),
        Arc::new(XapiStatements::new(classes.clone())),
    ]
}

impl Carriage {
    /// Begins to carry to all destinations, until `shutdown`.
    pub fn start(classes: &Classes, shutdown: &CancellationToken) -> Self {
        let mut carriers = JoinSet::new();
        for destination in destinations(classes) {
            let carrier = Carrier::new(classes.headwater().store().clone(), destination, shutdown.clone());
            carriers.spawn(carrier.carry_on());
        }
        Self { carriers }
    }

    /// Waits until what was being sent at the shutdown is sent and noted.
    pub async fn ended(mut self) {
        while self.carriers.join_next().await.is_some() {}
    }
}

/// How many were sent, in words.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The time on this server's clock and `duration` later.
fn later(now: OffsetDateTime, duration: Duration) -> OffsetDateTime {
    now.checked_add(duration.try_into().unwrap_or(time::Duration::MAX)).unwrap_or(now)
}
