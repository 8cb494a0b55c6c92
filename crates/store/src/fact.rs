//! Small facts kept by name as JSON: of a learner, or of the whole installation.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::database::{Store, StoreError, alter, on, read};
use crate::id::LearnerId;
use crate::moment::milliseconds;

impl Store {
    /// Keeps a fact, in place of an earlier one of that name.
    pub async fn save_fact<T: Serialize + Sync>(
        &self,
        learner: &LearnerId,
        name: &str,
        value: &T,
    ) -> Result<(), StoreError> {
        let value = serde_json::to_string(value)?;
        alter!(self, database => {
            sqlx::query(
                "INSERT INTO learner_fact (learner_id, name, value) VALUES ($1, $2, $3)
                 ON CONFLICT (learner_id, name) DO UPDATE SET value = excluded.value",
            )
            .bind(learner.as_str())
            .bind(name)
            .bind(&value)
            .execute(database)
            .await?;
        });
        Ok(())
    }

    /// Keeps a fact unless there is one of that name, and gives the one that is kept.
    pub async fn keep_first_fact<T: Serialize + DeserializeOwned + Sync>(
        &self,
        learner: &LearnerId,
        name: &str,
        value: &T,
    ) -> Result<T, StoreError> {
        let value = serde_json::to_string(value)?;
        let kept: String = alter!(self, database => {
            sqlx::query_scalar(
                "INSERT INTO learner_fact (learner_id, name, value) VALUES ($1, $2, $3)
                 ON CONFLICT (learner_id, name) DO UPDATE SET value = learner_fact.value RETURNING value",
            )
            .bind(learner.as_str())
            .bind(name)
            .bind(&value)
            .fetch_one(database)
            .await?
        });
        Ok(serde_json::from_str(&kept)?)
    }

    /// A fact kept before. `Decode` when it is not of the asked type.
    pub async fn fact<T: DeserializeOwned>(&self, learner: &LearnerId, name: &str) -> Result<Option<T>, StoreError> {
        let value: Option<String> = read!(self, database => {
            sqlx::query_scalar("SELECT value FROM learner_fact WHERE learner_id = $1 AND name = $2")
                .bind(learner.as_str())
                .bind(name)
                .fetch_optional(database)
                .await?
        });
        Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
    }

    /// Something kept for the whole installation.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(read!(self, database => {
            sqlx::query_scalar("SELECT value FROM installation WHERE name = $1").bind(name).fetch_optional(database).await?
        }))
    }

    /// Keeps something for the whole installation unless there is one of that name, and gives the one that is kept.
    pub async fn keep_first_setting(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let kept: String = alter!(self, database => {
            sqlx::query_scalar(
                "INSERT INTO installation (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = installation.value RETURNING value",
            )
            .bind(name)
            .bind(value)
            .fetch_one(database)
            .await?
        });
        Ok(kept)
    }

    /// Marks a value as used until `expires`. False when it was used before.
    pub async fn use_once(
        &self,
        value: &str,
        expires: time::OffsetDateTime,
        now: time::OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let is_new = on!(work, connection => {
            sqlx::query("DELETE FROM used_once WHERE expires_ms <= $1")
                .bind(milliseconds(now))
                .execute(&mut *connection)
                .await?;
            sqlx::query("INSERT INTO used_once (value, expires_ms) VALUES ($1, $2) ON CONFLICT (value) DO NOTHING")
                .bind(value)
                .bind(milliseconds(expires))
                .execute(connection)
                .await?
                .rows_affected()
        });
        work.commit().await?;
        Ok(is_new == 1)
    }
}
