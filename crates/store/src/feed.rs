//! News of what has changed, for whoever shows it: within this server, and by PostgreSQL's LISTEN and NOTIFY between servers.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

use crate::database::{Database, Store};
use crate::id::{ClassId, LearnerId};

/// The channel that servers listen on.
pub(crate) const CHANNEL: &str = "headwater";
/// News that a slow reader may be behind before it is told [`Change::Unknown`].
const BACKLOG: usize = 4096;
/// A listener that lost its connection tries again after this long.
const RETRY: Duration = Duration::from_secs(1);

/// Something has changed. News can be lost or come twice: it says where to look, not what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Entries wait to be sealed; told within one server only.
    Appended,
    /// A class's log goes on up to `seq`.
    Sealed { class: ClassId, seq: i64 },
    /// A class's settings, names or staff.
    Class(ClassId),
    /// What a learner's pages show of the class.
    Learner(LearnerId),
    /// News was lost: anything may have changed.
    Unknown,
}

/// Where news is told.
#[derive(Debug)]
pub(crate) struct Feed(broadcast::Sender<Change>);

/// News as it comes.
#[derive(Debug)]
pub struct News(broadcast::Receiver<Change>);

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Feed {
    pub(crate) fn tell(&self, change: Change) {
        // That nobody listens is no fault.
        let _ = self.0.send(change);
    }
}

impl News {
    /// Waits for the next change. `None` when the store is gone.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Change::Unknown),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Store {
    /// News from now on.
    pub fn news(&self) -> News {
        News(self.feed.0.subscribe())
    }

    /// Hears what other servers tell, for ever. Returns at once where there are no others.
    pub async fn listen(self) {
        let Database::Postgres(pool) = &self.database else { return };
        loop {
            match PgListener::connect_with(pool).await {
                Ok(listener) => self.hear(listener).await,
                Err(error) => tracing::warn!(%error, "the news of other servers cannot be heard"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn hear(&self, mut listener: PgListener) {
        if let Err(error) = listener.listen(CHANNEL).await {
            tracing::warn!(%error, "the news of other servers cannot be heard");
            return;
        }
        // What was told before this connection is unknown.
        self.feed.tell(Change::Unknown);
        loop {
            match listener.try_recv().await {
                Ok(Some(notification)) => self.feed.tell(notification.payload().parse().unwrap_or(Change::Unknown)),
                // The listener has connected again: what was told meanwhile is lost.
                Ok(None) => self.feed.tell(Change::Unknown),
                Err(error) => {
                    tracing::warn!(%error, "the news of other servers cannot be heard");
                    return;
                }
            }
        }
    }
}

/// As servers tell it each other.
impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appended => formatter.write_str("appended"),
            Self::Sealed { class, seq } => write!(formatter, "sealed {class} {seq}"),
            Self::Class(class) => write!(formatter, "class {class}"),
            Self::Learner(learner) => write!(formatter, "learner {learner}"),
            Self::Unknown => formatter.write_str("unknown"),
        }
    }
}

impl FromStr for Change {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split(' ').collect();
        match *words.as_slice() {
            ["appended"] => Ok(Self::Appended),
            ["sealed", class, seq] => {
                Ok(Self::Sealed { class: class.parse().map_err(drop)?, seq: seq.parse().map_err(drop)? })
            }
            ["class", class] => class.parse().map(Self::Class).map_err(drop),
            ["learner", learner] => learner.parse().map(Self::Learner).map_err(drop),
            ["unknown"] => Ok(Self::Unknown),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let (class, learner) = (ClassId::generate(), LearnerId::generate());
        let all = [
            Change::Appended,
            Change::Sealed { class: class.clone(), seq: 12 },
            Change::Class(class),
            Change::Learner(learner),
            Change::Unknown,
        ];
        for change in all {
            assert_eq!(change.to_string().parse(), Ok(change));
        }
        assert_eq!("sealed x 1".parse::<Change>(), Err(()));
    }
}
