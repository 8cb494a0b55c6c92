//! What belongs to a class and is the server's own to understand: webhooks, learning platforms.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::database::{Store, StoreError, on, read};
use crate::feed::Change;
use crate::id::ClassId;

impl Store {
    /// Keeps a document of a class, in place of an earlier one of that kind and id.
    pub async fn save_document<T: Serialize + Sync>(
        &self,
        class: &ClassId,
        kind: &str,
        id: &str,
        value: &T,
    ) -> Result<(), StoreError> {
        let value = serde_json::to_string(value)?;
        let mut work = self.begin().await?;
        on!(work, connection => {
            sqlx::query(
                "INSERT INTO class_document (class_id, kind, document_id, value) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (class_id, kind, document_id) DO UPDATE SET value = excluded.value",
            )
            .bind(class.as_str())
            .bind(kind)
            .bind(id)
            .bind(&value)
            .execute(connection)
            .await?;
        });
        work.announce(Change::Class(class.clone()));
        work.commit().await
    }

    /// A document of a class.
    pub async fn document<T: DeserializeOwned>(
        &self,
        class: &ClassId,
        kind: &str,
        id: &str,
    ) -> Result<Option<T>, StoreError> {
        let value: Option<String> = read!(self, database => {
            sqlx::query_scalar("SELECT value FROM class_document WHERE class_id = $1 AND kind = $2 AND document_id = $3")
                .bind(class.as_str())
                .bind(kind)
                .bind(id)
                .fetch_optional(database)
                .await?
        });
        Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
    }

    /// All documents of a kind that a class has, with their ids, by id.
    pub async fn documents<T: DeserializeOwned>(
        &self,
        class: &ClassId,
        kind: &str,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let rows: Vec<(String, String)> = read!(self, database => {
            sqlx::query_as(
                "SELECT document_id, value FROM class_document WHERE class_id = $1 AND kind = $2 ORDER BY document_id",
            )
            .bind(class.as_str())
            .bind(kind)
            .fetch_all(database)
            .await?
        });
        rows.into_iter().map(|(id, value)| Ok((id, serde_json::from_str(&value)?))).collect()
    }

    /// All documents of a kind with this id, whichever class they belong to.
    pub async fn documents_by_id<T: DeserializeOwned>(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Vec<(ClassId, T)>, StoreError> {
        let rows: Vec<(String, String)> = read!(self, database => {
            sqlx::query_as(
                "SELECT class_id, value FROM class_document WHERE kind = $1 AND document_id = $2 ORDER BY class_id",
            )
            .bind(kind)
            .bind(id)
            .fetch_all(database)
            .await?
        });
        rows.into_iter().map(|(class, value)| Ok((ClassId::stored(class), serde_json::from_str(&value)?))).collect()
    }

    /// Deletes a document of a class. False when there is none.
    pub async fn delete_document(&self, class: &ClassId, kind: &str, id: &str) -> Result<bool, StoreError> {
        let mut work = self.begin().await?;
        let deleted = on!(work, connection => {
            sqlx::query("DELETE FROM class_document WHERE class_id = $1 AND kind = $2 AND document_id = $3")
                .bind(class.as_str())
                .bind(kind)
                .bind(id)
                .execute(connection)
                .await?
                .rows_affected()
        });
        work.announce(Change::Class(class.clone()));
        work.commit().await?;
        Ok(deleted > 0)
    }
}
