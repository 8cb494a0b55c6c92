//! What readers of the logs tried latest, for those who look after them.

use sqlx::FromRow;
use time::OffsetDateTime;

use crate::database::{Store, StoreError, Work, on, read};
use crate::id::ClassId;
use crate::moment::{from_milliseconds, milliseconds};
use crate::reader::Reader;

/// Deliveries of each reader that are kept.
pub const KEPT_DELIVERIES: usize = 20;

/// One try to carry entries elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub at: OffsetDateTime,
    /// The HTTP status that was answered, if there was an answer.
    pub status: Option<u16>,
    /// What happened, in a sentence.
    pub words: String,
}

impl Store {
    /// The latest deliveries of all readers of a class, each with its reader's name, latest first.
    pub async fn deliveries(&self, class: &ClassId) -> Result<Vec<(String, Delivery)>, StoreError> {
        let rows: Vec<DeliveryRow> = read!(self, database => {
            sqlx::query_as(
                "SELECT name, at_ms, status, words FROM delivery WHERE class_id = $1 ORDER BY delivery_id DESC",
            )
            .bind(class.as_str())
            .fetch_all(database)
            .await?
        });
        Ok(rows.into_iter().map(DeliveryRow::delivery).collect())
    }
}

/// Notes deliveries of a reader that is there, and forgets those that are too old to be kept.
pub(crate) async fn keep_deliveries(
    work: &mut Work,
    reader: &Reader,
    deliveries: &[Delivery],
) -> Result<(), StoreError> {
    if deliveries.is_empty() {
        return Ok(());
    }
    for delivery in &deliveries[deliveries.len().saturating_sub(KEPT_DELIVERIES)..] {
        on!(work, connection => {
            sqlx::query("INSERT INTO delivery (class_id, name, at_ms, status, words) VALUES ($1, $2, $3, $4, $5)")
                .bind(reader.class.as_str())
                .bind(&reader.name)
                .bind(milliseconds(delivery.at))
                .bind(delivery.status.map(i64::from))
                .bind(&delivery.words)
                .execute(connection)
                .await?;
        });
    }
    on!(work, connection => {
        sqlx::query(
            "DELETE FROM delivery WHERE class_id = $1 AND name = $2 AND delivery_id <= (
                 SELECT delivery_id FROM delivery WHERE class_id = $1 AND name = $2
                 ORDER BY delivery_id DESC LIMIT 1 OFFSET $3
             )",
        )
        .bind(reader.class.as_str())
        .bind(&reader.name)
        .bind(KEPT_DELIVERIES as i64)
        .execute(connection)
        .await?;
    });
    Ok(())
}

#[derive(FromRow)]
struct DeliveryRow {
    name: String,
    at_ms: i64,
    status: Option<i64>,
    words: String,
}

impl DeliveryRow {
    fn delivery(self) -> (String, Delivery) {
        let status = self.status.and_then(|status| u16::try_from(status).ok());
        (self.name, Delivery { at: from_milliseconds(self.at_ms), status, words: self.words })
    }
}
