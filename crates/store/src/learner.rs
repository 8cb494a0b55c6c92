//! Learners: who they are to Headwater, and how they come back.

use sqlx::FromRow;
use time::OffsetDateTime;

use crate::database::{Store, StoreError, alter, read};
use crate::id::LearnerId;
use crate::moment::{from_milliseconds, milliseconds};
use crate::resume_code::ResumeCode;

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
        let (place, variables) = (serde_json::to_string(place)?, serde_json::to_string(variables)?);
        alter!(self, database => {
            sqlx::query(
                "INSERT INTO learner (learner_id, resume_code_hash, account, place, variables, created_ms, seen_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $6)",
            )
            .bind(learner.id.as_str())
            .bind(code.hash())
            .bind(account)
            .bind(&place)
            .bind(&variables)
            .bind(milliseconds(now))
            .execute(database)
            .await?;
        });
        Ok((learner, code))
    }

    /// The learner with this id.
    pub async fn learner(&self, id: &LearnerId) -> Result<Option<Learner>, StoreError> {
        let row: Option<LearnerRow> = read!(self, database => {
            sqlx::query_as("SELECT learner_id, account, place, variables, created_ms FROM learner WHERE learner_id = $1")
                .bind(id.as_str())
                .fetch_optional(database)
                .await?
        });
        row.map(LearnerRow::learner).transpose()
    }

    /// The learner whose resume code this is.
    pub async fn learner_by_resume_code(&self, code: &ResumeCode) -> Result<Option<Learner>, StoreError> {
        let row: Option<LearnerRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT learner_id, account, place, variables, created_ms FROM learner WHERE resume_code_hash = $1",
            )
            .bind(code.hash())
            .fetch_optional(database)
            .await?
        });
        row.map(LearnerRow::learner).transpose()
    }

    /// Gives the learner a new resume code; the old one no longer works.
    pub async fn renew_resume_code(&self, id: &LearnerId) -> Result<ResumeCode, StoreError> {
        let code = ResumeCode::generate();
        let renewed = alter!(self, database => {
            sqlx::query("UPDATE learner SET resume_code_hash = $1 WHERE learner_id = $2")
                .bind(code.hash())
                .bind(id.as_str())
                .execute(database)
                .await?
                .rows_affected()
        });
        if renewed == 0 { Err(StoreError::NoSuchLearner) } else { Ok(code) }
    }

    /// Moves the learner's lab to an account: where it is, how it is reached, and the names that hold there.
    pub async fn connect_learner(
        &self,
        id: &LearnerId,
        account: &str,
        place: &serde_json::Value,
        variables: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let (place, variables) = (serde_json::to_string(place)?, serde_json::to_string(variables)?);
        let connected = alter!(self, database => {
            sqlx::query("UPDATE learner SET account = $1, place = $2, variables = $3 WHERE learner_id = $4")
                .bind(account)
                .bind(&place)
                .bind(&variables)
                .bind(id.as_str())
                .execute(database)
                .await?
                .rows_affected()
        });
        if connected == 0 { Err(StoreError::NoSuchLearner) } else { Ok(()) }
    }

    /// Replaces the learner's own names.
    pub async fn save_variables(&self, id: &LearnerId, variables: &serde_json::Value) -> Result<(), StoreError> {
        let variables = serde_json::to_string(variables)?;
        let saved = alter!(self, database => {
            sqlx::query("UPDATE learner SET variables = $1 WHERE learner_id = $2")
                .bind(&variables)
                .bind(id.as_str())
                .execute(database)
                .await?
                .rows_affected()
        });
        if saved == 0 { Err(StoreError::NoSuchLearner) } else { Ok(()) }
    }

    /// How many learners there are.
    pub async fn count_learners(&self) -> Result<u64, StoreError> {
        let count: i64 =
            read!(self, database => sqlx::query_scalar("SELECT count(*) FROM learner").fetch_one(database).await?);
        Ok(count.unsigned_abs())
    }

    /// Forgets a learner with all progress. What a class's log says of the learner stays; it names nobody.
    pub async fn delete_learner(&self, id: &LearnerId) -> Result<(), StoreError> {
        alter!(self, database => {
            sqlx::query("DELETE FROM learner WHERE learner_id = $1").bind(id.as_str()).execute(database).await?;
        });
        Ok(())
    }
}

#[derive(FromRow)]
struct LearnerRow {
    learner_id: String,
    account: String,
    place: String,
    variables: String,
    created_ms: i64,
}

impl LearnerRow {
    fn learner(self) -> Result<Learner, StoreError> {
        Ok(Learner {
            id: LearnerId::stored(self.learner_id),
            account: self.account,
            place: serde_json::from_str(&self.place)?,
            variables: serde_json::from_str(&self.variables)?,
            created: from_milliseconds(self.created_ms),
        })
    }
}
