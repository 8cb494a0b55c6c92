//! Small facts about a learner, kept by name as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::database::{Store, StoreError};
use crate::learner::LearnerId;

impl Store {
    /// Keeps a fact, in place of an earlier one of that name.
    pub async fn save_fact<T: Serialize + Sync>(
        &self,
        learner: &LearnerId,
        name: &str,
        value: &T,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO learner_fact (learner_id, name, value) VALUES (?, ?, ?)
             ON CONFLICT (learner_id, name) DO UPDATE SET value = excluded.value",
        )
        .bind(learner.as_str())
        .bind(name)
        .bind(serde_json::to_string(value)?)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps a fact unless there is one of that name, and gives the one that is kept.
    pub async fn keep_first_fact<T: Serialize + DeserializeOwned + Sync>(
        &self,
        learner: &LearnerId,
        name: &str,
        value: &T,
    ) -> Result<T, StoreError> {
        let kept: String = sqlx::query_scalar(
            "INSERT INTO learner_fact (learner_id, name, value) VALUES (?, ?, ?)
             ON CONFLICT (learner_id, name) DO UPDATE SET value = value RETURNING value",
        )
        .bind(learner.as_str())
        .bind(name)
        .bind(serde_json::to_string(value)?)
        .fetch_one(&self.pool)
        .await?;
        Ok(serde_json::from_str(&kept)?)
    }

    /// A fact kept before. `Decode` when it is not of the asked type.
    pub async fn fact<T: DeserializeOwned>(&self, learner: &LearnerId, name: &str) -> Result<Option<T>, StoreError> {
        let value: Option<String> =
            sqlx::query_scalar("SELECT value FROM learner_fact WHERE learner_id = ? AND name = ?")
                .bind(learner.as_str())
                .bind(name)
                .fetch_optional(&self.pool)
                .await?;
        Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
    }
}
