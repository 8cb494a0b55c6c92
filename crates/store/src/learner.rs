//! Learners: who they are to Headwater, and how they come back.

use std::fmt;
use std::str::FromStr;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use crate::database::{Store, StoreError};
use crate::resume_code::ResumeCode;

/// A learner's random id, 32 hex digits; it names the learner in the session and is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LearnerId(String);

/// A learner.
#[derive(Clone, Debug)]
pub struct Learner {
    pub id: LearnerId,
    /// The AWS account, twelve digits: one of the sandbox, or the learner's own. Empty until it is connected.
    pub account: String,
    /// Where the lab runs, as the server wrote it.
    pub place: serde_json::Value,
    /// The learner's own names, as the server made them.
    pub variables: serde_json::Value,
    pub created: OffsetDateTime,
}

impl Store {
    /// Makes a learner; the code is what brings the learner back in another browser.
    pub async fn create_learner(
        &self,
        account: &str,
        place: &serde_json::Value,
        variables: &serde_json::Value,
        now: OffsetDateTime,
    ) -> Result<(Learner, ResumeCode), StoreError> {
        let learner = Learner {
            id: LearnerId::generate(),
            account: account.to_owned(),
            place: place.clone(),
            variables: variables.clone(),
            created: now,
        };
        let code = ResumeCode::generate();
        sqlx::query(
            "INSERT INTO learner (learner_id, resume_code_hash, account, place, variables, created_ms, seen_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&learner.id.0)
        .bind(code.hash())
        .bind(account)
        .bind(serde_json::to_string(place)?)
        .bind(serde_json::to_string(variables)?)
        .bind(milliseconds(now))
        .bind(milliseconds(now))
        .execute(&self.pool)
        .await?;
        Ok((learner, code))
    }

    /// The learner with this id.
    pub async fn learner(&self, id: &LearnerId) -> Result<Option<Learner>, StoreError> {
        let row =
            sqlx::query("SELECT learner_id, account, place, variables, created_ms FROM learner WHERE learner_id = ?")
                .bind(&id.0)
                .fetch_optional(&self.pool)
                .await?;
        row.as_ref().map(learner_from).transpose()
    }

    /// The learner whose resume code this is.
    pub async fn learner_by_resume_code(&self, code: &ResumeCode) -> Result<Option<Learner>, StoreError> {
        let row = sqlx::query(
            "SELECT learner_id, account, place, variables, created_ms FROM learner WHERE resume_code_hash = ?",
        )
        .bind(code.hash())
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(learner_from).transpose()
    }

    /// Gives the learner a new resume code; the old one no longer works.
    pub async fn renew_resume_code(&self, id: &LearnerId) -> Result<ResumeCode, StoreError> {
        let code = ResumeCode::generate();
        let done = sqlx::query("UPDATE learner SET resume_code_hash = ? WHERE learner_id = ?")
            .bind(code.hash())
            .bind(&id.0)
            .execute(&self.pool)
            .await?;
        if done.rows_affected() == 0 { Err(StoreError::NoSuchLearner) } else { Ok(code) }
    }

    /// Moves the learner's lab to an account: where it is, how it is reached, and the names that hold there.
    pub async fn connect_learner(
        &self,
        id: &LearnerId,
        account: &str,
        place: &serde_json::Value,
        variables: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE learner SET account = ?, place = ?, variables = ? WHERE learner_id = ?")
            .bind(account)
            .bind(serde_json::to_string(place)?)
            .bind(serde_json::to_string(variables)?)
            .bind(&id.0)
            .execute(&self.pool)
            .await?;
        if done.rows_affected() == 0 { Err(StoreError::NoSuchLearner) } else { Ok(()) }
    }

    /// Replaces the learner's own names.
    pub async fn save_variables(&self, id: &LearnerId, variables: &serde_json::Value) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE learner SET variables = ? WHERE learner_id = ?")
            .bind(serde_json::to_string(variables)?)
            .bind(&id.0)
            .execute(&self.pool)
            .await?;
        if done.rows_affected() == 0 { Err(StoreError::NoSuchLearner) } else { Ok(()) }
    }

    /// How many learners there are.
    pub async fn count_learners(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM learner").fetch_one(&self.pool).await?;
        Ok(count.unsigned_abs())
    }

    /// Forgets a learner with all progress.
    pub async fn delete_learner(&self, id: &LearnerId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM learner WHERE learner_id = ?").bind(&id.0).execute(&self.pool).await?;
        Ok(())
    }
}

impl LearnerId {
    fn generate() -> Self {
        Self(hex::encode(rand::rng().random::<[u8; 16]>()))
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LearnerId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a learner's id is 32 hex digits")
        }
    }
}

impl TryFrom<String> for LearnerId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LearnerId> for String {
    fn from(id: LearnerId) -> Self {
        id.0
    }
}

impl fmt::Display for LearnerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

pub(crate) fn milliseconds(time: OffsetDateTime) -> i64 {
    (time.unix_timestamp_nanos() / 1_000_000) as i64
}

pub(crate) fn from_milliseconds(milliseconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn learner_from(row: &SqliteRow) -> Result<Learner, StoreError> {
    let id: String = row.try_get("learner_id")?;
    let place: String = row.try_get("place")?;
    let variables: String = row.try_get("variables")?;
    Ok(Learner {
        id: LearnerId(id),
        account: row.try_get("account")?,
        place: serde_json::from_str(&place)?,
        variables: serde_json::from_str(&variables)?,
        created: from_milliseconds(row.try_get("created_ms")?),
    })
}
