//! Learners in a class: coming in, going, names, raised hands, hints.

use std::str::FromStr;

use classroom::{Event, HelpSubject};
use sqlx::FromRow;
use thiserror::Error;
use time::OffsetDateTime;

use crate::class::Class;
use crate::database::{Store, StoreError, Work, alter, on, read};
use crate::feed::Change;
use crate::id::{ClassId, HintId, LearnerId};
use crate::log::append;
use crate::moment::{from_milliseconds, milliseconds};
use crate::progress::append_earlier_progress;

/// Members that a class may have, those who left included.
pub const MAX_MEMBERS: u32 = 20_000;
/// Hints that are kept for a learner.
const MAX_HINTS: i64 = 200;

/// A learner in a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub learner: LearnerId,
    pub class: ClassId,
    /// The shown name; none for who stays anonymous.
    pub name: Option<String>,
    pub state: MemberState,
    pub joined: OffsetDateTime,
    /// Since when the hand is up, and in which step.
    pub hand: Option<Hand>,
}

/// A raised hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hand {
    pub since: OffsetDateTime,
    pub step: String,
}

/// Whether a learner is in a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// Someone has to let them in.
    Waiting,
    Active,
    Left,
    /// They cannot come back by themselves.
    Removed,
}

/// A hint from an instructor to a learner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub id: HintId,
    pub step: String,
    pub words: String,
    /// Name of who sent it.
    pub sent_by: String,
    pub sent: OffsetDateTime,
    /// When the learner put it away.
    pub seen: Option<OffsetDateTime>,
}

/// A hint to be sent.
#[derive(Clone, Debug)]
pub struct NewHint {
    pub step: String,
    /// The check that it is about.
    pub check: Option<String>,
    pub words: String,
    /// Account of who sends it, for the log.
    pub by: String,
    /// Name of who sends it, for the learner.
    pub by_name: String,
}

/// Why a learner is not in a class.
#[derive(Debug, Error)]
pub enum JoinError {
    #[error("there is no such class")]
    NoClass,
    #[error("the class has not begun")]
    NotBegun { starts: OffsetDateTime },
    #[error("the class is over")]
    Over,
    #[error("the learner is in another class")]
    InAnotherClass,
    #[error("the learner was taken out of the class")]
    Removed,
    #[error("the class is full")]
    Full,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for JoinError {
    fn from(cause: sqlx::Error) -> Self {
        Self::Store(cause.into())
    }
}

impl Store {
    /// Takes a learner into a class; with approval, the learner waits. Who was in it and left comes back. What they have
    /// done before goes into the class's log. To join again changes nothing.
    pub async fn join(
        &self,
        class: &Class,
        learner: &LearnerId,
        name: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<MemberState, JoinError> {
        if class.archived.is_some() || class.ends.is_some_and(|ends| ends <= now) {
            return Err(JoinError::Over);
        }
        if let Some(starts) = class.starts.filter(|starts| *starts > now) {
            return Err(JoinError::NotBegun { starts });
        }
        let mut work = self.begin().await?;
        let before = member_in(&mut work, learner).await?;
        match &before {
            Some(member) if member.class != class.id => match member.state {
                MemberState::Waiting | MemberState::Active => return Err(JoinError::InAnotherClass),
                MemberState::Left | MemberState::Removed => (),
            },
            Some(Member { state: MemberState::Removed, .. }) => return Err(JoinError::Removed),
            Some(Member { state: state @ (MemberState::Waiting | MemberState::Active), .. }) => return Ok(*state),
            _ => (),
        }
        let members: i64 = on!(work, connection => {
            sqlx::query_scalar("SELECT count(*) FROM member WHERE class_id = $1")
                .bind(class.id.as_str())
                .fetch_one(connection)
                .await?
        });
        if members >= i64::from(MAX_MEMBERS) {
            return Err(JoinError::Full);
        }
        let state = if class.approval { MemberState::Waiting } else { MemberState::Active };
        on!(work, connection => {
            sqlx::query(
                "INSERT INTO member (learner_id, class_id, name, state, joined_ms) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (learner_id) DO UPDATE SET class_id = excluded.class_id, name = excluded.name,
                     state = excluded.state, joined_ms = excluded.joined_ms, hand_ms = NULL, hand_step = NULL",
            )
            .bind(learner.as_str())
            .bind(class.id.as_str())
            .bind(name)
            .bind(state.as_str())
            .bind(milliseconds(now))
            .execute(connection)
            .await?;
        });
        if state == MemberState::Active {
            enter(&mut work, &class.id, learner, now).await?;
        } else {
            append(&mut work, &class.id, Some(learner), &Event::Waiting, now).await?;
        }
        announce(&mut work, &class.id, learner);
        work.commit().await?;
        Ok(state)
    }

    /// Lets in a learner who waits, or who left or was removed. False when there is no such learner to let in.
    pub async fn let_in(&self, class: &ClassId, learner: &LearnerId, now: OffsetDateTime) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let changed = set_state(&mut work, class, learner, MemberState::Active).await?;
        if changed {
            enter(&mut work, class, learner, now).await?;
            announce(&mut work, class, learner);
            work.commit().await?;
        }
        Ok(changed)
    }

    /// Takes a learner out, who cannot come back by themselves. False when there is no such learner to take out.
    pub async fn remove_member(
        &self,
        class: &ClassId,
        learner: &LearnerId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.go(class, learner, MemberState::Removed, &Event::Removed, now).await
    }

    /// The learner leaves by themselves. False when there is no such learner in the class.
    pub async fn leave(&self, class: &ClassId, learner: &LearnerId, now: OffsetDateTime) -> Result<bool, StoreError> {
        self.go(class, learner, MemberState::Left, &Event::Left, now).await
    }

    async fn go(
        &self,
        class: &ClassId,
        learner: &LearnerId,
        state: MemberState,
        event: &Event,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let changed = set_state(&mut work, class, learner, state).await?;
        if changed {
            append(&mut work, class, Some(learner), event, now).await?;
            announce(&mut work, class, learner);
            work.commit().await?;
        }
        Ok(changed)
    }

    /// Shows the learner under another name, or none.
    pub async fn rename_member(
        &self,
        class: &ClassId,
        learner: &LearnerId,
        name: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let renamed = on!(work, connection => {
            sqlx::query("UPDATE member SET name = $1 WHERE class_id = $2 AND learner_id = $3")
                .bind(name)
                .bind(class.as_str())
                .bind(learner.as_str())
                .execute(connection)
                .await?
                .rows_affected()
        });
        if renamed > 0 {
            append(&mut work, class, Some(learner), &Event::Renamed, now).await?;
            announce(&mut work, class, learner);
        }
        work.commit().await?;
        Ok(renamed > 0)
    }

    /// The learner's place in a class, also one that they left or were taken out of.
    pub async fn member(&self, learner: &LearnerId) -> Result<Option<Member>, StoreError> {
        let row: Option<MemberRow> = read!(self, database => {
            sqlx::query_as("SELECT * FROM member WHERE learner_id = $1")
                .bind(learner.as_str())
                .fetch_optional(database)
                .await?
        });
        row.map(MemberRow::member).transpose()
    }

    /// All members of a class, by when they joined.
    pub async fn members(&self, class: &ClassId) -> Result<Vec<Member>, StoreError> {
        let rows: Vec<MemberRow> = read!(self, database => {
            sqlx::query_as("SELECT * FROM member WHERE class_id = $1 ORDER BY joined_ms, learner_id")
                .bind(class.as_str())
                .fetch_all(database)
                .await?
        });
        rows.into_iter().map(MemberRow::member).collect()
    }

    /// Who waits to be let in, the longest first.
    pub async fn waiting(&self, class: &ClassId) -> Result<Vec<Member>, StoreError> {
        let rows: Vec<MemberRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT * FROM member WHERE class_id = $1 AND state = 'waiting' ORDER BY joined_ms, learner_id",
            )
            .bind(class.as_str())
            .fetch_all(database)
            .await?
        });
        rows.into_iter().map(MemberRow::member).collect()
    }

    /// Raises the learner's hand in a step. False for who is in no class. A hand that is up stays up since then.
    pub async fn raise_hand(&self, learner: &LearnerId, step: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let raised: Option<(String, i64)> = on!(work, connection => {
            sqlx::query_as(
                "UPDATE member SET hand_ms = coalesce(hand_ms, $1), hand_step = $2
                 WHERE learner_id = $3 AND state = 'active' RETURNING class_id, hand_ms",
            )
            .bind(milliseconds(now))
            .bind(step)
            .bind(learner.as_str())
            .fetch_optional(connection)
            .await?
        });
        let Some((class, since)) = raised else { return Ok(false) };
        if since == milliseconds(now) {
            let event = Event::HandRaised { step: step.to_owned() };
            append(&mut work, &ClassId::stored(class), Some(learner), &event, now).await?;
        }
        work.announce(Change::Learner(learner.clone()));
        work.commit().await?;
        Ok(true)
    }

    /// Lowers the learner's hand. False when it was not up.
    pub async fn lower_hand(&self, learner: &LearnerId, now: OffsetDateTime) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let Some(class) = lower(&mut work, learner).await? else { return Ok(false) };
        append(&mut work, &class, Some(learner), &Event::HandLowered, now).await?;
        work.announce(Change::Learner(learner.clone()));
        work.commit().await?;
        Ok(true)
    }

    /// Notes that an instructor has dealt with something; a raised hand goes down.
    pub async fn resolve(
        &self,
        class: &ClassId,
        learner: &LearnerId,
        subject: &HelpSubject,
        by: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        if *subject == HelpSubject::Hand {
            lower(&mut work, learner).await?;
        }
        let event = Event::Resolved { subject: subject.clone(), by: by.to_owned() };
        append(&mut work, class, Some(learner), &event, now).await?;
        work.announce(Change::Learner(learner.clone()));
        work.commit().await
    }

    /// Notes that something is open again.
    pub async fn reopen(
        &self,
        class: &ClassId,
        learner: &LearnerId,
        subject: &HelpSubject,
        by: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        let event = Event::Reopened { subject: subject.clone(), by: by.to_owned() };
        append(&mut work, class, Some(learner), &event, now).await?;
        work.announce(Change::Learner(learner.clone()));
        work.commit().await
    }

    /// Sends a hint to learners of a class, and says how many it reached: who is not in the class gets none.
    pub async fn send_hint(
        &self,
        class: &ClassId,
        learners: &[LearnerId],
        hint: &NewHint,
        now: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let id = HintId::generate();
        let mut reached = 0;
        let mut work = self.begin().await?;
        for learner in learners {
            let sent = on!(work, connection => {
                sqlx::query(
                    "INSERT INTO hint (hint_id, learner_id, class_id, step, words, sent_by, sent_ms)
                     SELECT $1, learner_id, class_id, $2, $3, $4, $5 FROM member
                     WHERE class_id = $6 AND learner_id = $7 AND state = 'active'
                     ON CONFLICT (learner_id, hint_id) DO NOTHING",
                )
                .bind(id.as_str())
                .bind(&hint.step)
                .bind(&hint.words)
                .bind(&hint.by_name)
                .bind(milliseconds(now))
                .bind(class.as_str())
                .bind(learner.as_str())
                .execute(connection)
                .await?
                .rows_affected()
            });
            if sent == 0 {
                continue;
            }
            reached += sent;
            let event = Event::HintSent {
                hint: id.as_str().to_owned(),
                step: hint.step.clone(),
                check: hint.check.clone(),
                by: hint.by.clone(),
            };
            append(&mut work, class, Some(learner), &event, now).await?;
            work.announce(Change::Learner(learner.clone()));
        }
        work.commit().await?;
        Ok(reached)
    }

    /// The hints that the learner got in the class where they are now, newest first.
    pub async fn hints(&self, learner: &LearnerId) -> Result<Vec<Hint>, StoreError> {
        let rows: Vec<HintRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT hint_id, step, words, sent_by, sent_ms, seen_ms FROM hint
                 JOIN member ON member.learner_id = hint.learner_id AND member.class_id = hint.class_id
                 WHERE hint.learner_id = $1 ORDER BY sent_ms DESC, hint_id LIMIT $2",
            )
            .bind(learner.as_str())
            .bind(MAX_HINTS)
            .fetch_all(database)
            .await?
        });
        Ok(rows.into_iter().map(HintRow::hint).collect())
    }

    /// Notes that the learner has put a hint away. False when it is not there, or was put away before.
    pub async fn see_hint(&self, learner: &LearnerId, hint: &HintId, now: OffsetDateTime) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let class: Option<String> = on!(work, connection => {
            sqlx::query_scalar(
                "UPDATE hint SET seen_ms = $1 WHERE learner_id = $2 AND hint_id = $3 AND seen_ms IS NULL
                 RETURNING class_id",
            )
            .bind(milliseconds(now))
            .bind(learner.as_str())
            .bind(hint.as_str())
            .fetch_optional(connection)
            .await?
        });
        let Some(class) = class else { return Ok(false) };
        let event = Event::HintSeen { hint: hint.as_str().to_owned() };
        append(&mut work, &ClassId::stored(class), Some(learner), &event, now).await?;
        work.announce(Change::Learner(learner.clone()));
        work.commit().await?;
        Ok(true)
    }

    /// The learner whom a learning platform knows so, in a class.
    pub async fn external_learner(
        &self,
        class: &ClassId,
        platform: &str,
        subject: &str,
    ) -> Result<Option<LearnerId>, StoreError> {
        let learner: Option<String> = read!(self, database => {
            sqlx::query_scalar(
                "SELECT learner_id FROM external_learner WHERE class_id = $1 AND platform = $2 AND subject = $3",
            )
            .bind(class.as_str())
            .bind(platform)
            .bind(subject)
            .fetch_optional(database)
            .await?
        });
        Ok(learner.map(LearnerId::stored))
    }

    /// Notes whom a learning platform knows so, unless someone is noted; gives who is.
    pub async fn keep_external_learner(
        &self,
        class: &ClassId,
        platform: &str,
        subject: &str,
        learner: &LearnerId,
    ) -> Result<LearnerId, StoreError> {
        let kept: String = alter!(self, database => {
            sqlx::query_scalar(
                "INSERT INTO external_learner (class_id, platform, subject, learner_id) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (class_id, platform, subject) DO UPDATE SET learner_id = external_learner.learner_id
                 RETURNING learner_id",
            )
            .bind(class.as_str())
            .bind(platform)
            .bind(subject)
            .bind(learner.as_str())
            .fetch_one(database)
            .await?
        });
        Ok(LearnerId::stored(kept))
    }

    /// How learning platforms know a learner in a class: pairs of platform and subject.
    pub async fn external_names(
        &self,
        class: &ClassId,
        learner: &LearnerId,
    ) -> Result<Vec<(String, String)>, StoreError> {
        Ok(read!(self, database => {
            sqlx::query_as(
                "SELECT platform, subject FROM external_learner WHERE class_id = $1 AND learner_id = $2 ORDER BY platform",
            )
            .bind(class.as_str())
            .bind(learner.as_str())
            .fetch_all(database)
            .await?
        }))
    }
}

impl MemberState {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Left => "left",
            Self::Removed => "removed",
        }
    }
}

impl FromStr for MemberState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Waiting, Self::Active, Self::Left, Self::Removed];
        all.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// Tells the class's staff and the learner's open pages.
fn announce(work: &mut Work, class: &ClassId, learner: &LearnerId) {
    work.announce(Change::Class(class.clone()));
    work.announce(Change::Learner(learner.clone()));
}

async fn member_in(work: &mut Work, learner: &LearnerId) -> Result<Option<Member>, StoreError> {
    let row: Option<MemberRow> = on!(work, connection => {
        sqlx::query_as("SELECT * FROM member WHERE learner_id = $1")
            .bind(learner.as_str())
            .fetch_optional(connection)
            .await?
    });
    row.map(MemberRow::member).transpose()
}

/// Notes in the log that the learner is in the class now, with what they have done before.
async fn enter(work: &mut Work, class: &ClassId, learner: &LearnerId, now: OffsetDateTime) -> Result<(), StoreError> {
    append(work, class, Some(learner), &Event::Joined, now).await?;
    append_earlier_progress(work, learner, now).await
}

/// Changes the state of a member. False when there is no such member, or it is so already; who was removed cannot leave, and
/// so come back.
async fn set_state(
    work: &mut Work,
    class: &ClassId,
    learner: &LearnerId,
    state: MemberState,
) -> Result<bool, StoreError> {
    let changed = on!(work, connection => {
        sqlx::query(
            "UPDATE member SET state = $1, hand_ms = NULL, hand_step = NULL
             WHERE class_id = $2 AND learner_id = $3 AND state <> $1 AND (state <> 'removed' OR $1 <> 'left')",
        )
        .bind(state.as_str())
        .bind(class.as_str())
        .bind(learner.as_str())
        .execute(connection)
        .await?
        .rows_affected()
    });
    Ok(changed > 0)
}

/// Lowers a hand that is up, and says in which class.
async fn lower(work: &mut Work, learner: &LearnerId) -> Result<Option<ClassId>, StoreError> {
    let class: Option<String> = on!(work, connection => {
        sqlx::query_scalar(
            "UPDATE member SET hand_ms = NULL, hand_step = NULL WHERE learner_id = $1 AND hand_ms IS NOT NULL
             RETURNING class_id",
        )
        .bind(learner.as_str())
        .fetch_optional(connection)
        .await?
    });
    Ok(class.map(ClassId::stored))
}

#[derive(FromRow)]
struct MemberRow {
    learner_id: String,
    class_id: String,
    name: Option<String>,
    state: String,
    joined_ms: i64,
    hand_ms: Option<i64>,
    hand_step: Option<String>,
}

impl MemberRow {
    fn member(self) -> Result<Member, StoreError> {
        let hand = self.hand_ms.zip(self.hand_step);
        Ok(Member {
            learner: LearnerId::stored(self.learner_id),
            class: ClassId::stored(self.class_id),
            name: self.name,
            state: self.state.parse().map_err(|()| StoreError::Value)?,
            joined: from_milliseconds(self.joined_ms),
            hand: hand.map(|(since, step)| Hand { since: from_milliseconds(since), step }),
        })
    }
}

#[derive(FromRow)]
struct HintRow {
    hint_id: String,
    step: String,
    words: String,
    sent_by: String,
    sent_ms: i64,
    seen_ms: Option<i64>,
}

impl HintRow {
    fn hint(self) -> Hint {
        Hint {
            id: HintId::stored(self.hint_id),
            step: self.step,
            words: self.words,
            sent_by: self.sent_by,
            sent: from_milliseconds(self.sent_ms),
            seen: self.seen_ms.map(from_milliseconds),
        }
    }
}
