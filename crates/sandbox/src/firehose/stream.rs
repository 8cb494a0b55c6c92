//! A delivery stream as it is kept in memory, and all of them by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};
use tokio::sync::watch;

use super::destination::Destination;
use super::errors::stream_not_found;
use super::limits::{Meter, ThroughputLimit};
use super::log::LogEnd;
use super::source::Source;
use crate::{AwsError, Scope};

/// `DeliveryStreamStatus`, as far as a stream in the sandbox can have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Creating,
    Active,
    Deleting,
}

/// What `UpdateDestination` may change, as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub destination: Destination,
    /// `DirectPutSourceConfiguration.ThroughputHintInMBs`; described as given, without effect.
    pub throughput_hint_mbs: Option<u32>,
    /// The data stream that records come from, if they are not put.
    #[serde(default)]
    pub source: Option<Source>,
}

/// What a description tells and the delivery heeds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Details {
    pub status: Status,
    /// Grows by one with each change of the settings.
    pub version: i64,
    pub settings: Settings,
    pub created_ms: i64,
    pub updated_ms: Option<i64>,
}

/// One delivery stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub id: i64,
    pub scope: Scope,
    pub name: String,
    pub details: watch::Sender<Arc<Details>>,
    /// Where its log ends.
    pub end: watch::Sender<LogEnd>,
    /// The same for other services: the next sequence number.
    pub next_sequence: watch::Sender<i64>,
    pub meter: Meter,
}

type StreamsByName = HashMap<(Scope, String), Arc<Stream>>;

/// All delivery streams by account, region and name.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    by_name: Arc<Mutex<StreamsByName>>,
}

/// A row of the table `delivery_stream`.
pub(super) struct StreamRow {
    pub id: i64,
    pub scope: Scope,
    pub name: String,
    pub details: Details,
    pub end: LogEnd,
}

impl Settings {
    /// `DeliveryStreamType`
    pub(super) fn kind(&self) -> &'static str {
        if self.source.is_some() { "KinesisStreamAsSource" } else { "DirectPut" }
    }
}

impl Stream {
    pub(super) fn new(row: StreamRow, limit: ThroughputLimit) -> Self {
        Self {
            id: row.id,
            meter: Meter::new(limit, &row.scope.region),
            scope: row.scope,
            name: row.name,
            details: watch::Sender::new(Arc::new(row.details)),
            end: watch::Sender::new(row.end),
            next_sequence: watch::Sender::new(row.end.next_sequence),
        }
    }

    /// Its details at this moment.
    pub(super) fn details(&self) -> Arc<Details> {
        self.details.borrow().clone()
    }

    /// `arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME`
    pub(super) fn arn(&self) -> String {
        self.scope.arn("firehose", &format!("deliverystream/{}", self.name))
    }

    /// Tells the readers that the log has grown. Calls may end in another order than they were committed in.
    pub(super) fn tell_end(&self, end: LogEnd) {
        self.end.send_if_modified(|known| {
            let grown = end.next_sequence > known.next_sequence;
            if grown {
                *known = end;
            }
            grown
        });
        self.next_sequence.send_if_modified(|known| {
            let grown = end.next_sequence > *known;
            if grown {
                *known = end.next_sequence;
            }
            grown
        });
    }

    /// `DeliveryStreamDescription`.
    pub(super) fn describe(&self) -> Value {
        let details = self.details();
        let mut description = json!({
            "DeliveryStreamName": self.name,
            "DeliveryStreamARN": self.arn(),
            "DeliveryStreamStatus": details.status,
            "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
            "DeliveryStreamType": details.settings.kind(),
            "VersionId": details.version.to_string(),
            "CreateTimestamp": seconds(details.created_ms),
            "Destinations": [details.settings.destination.describe()],
            "HasMoreDestinations": false,
        });
        if let Some(updated_ms) = details.updated_ms {
            description["LastUpdateTimestamp"] = seconds(updated_ms);
        }
        if let Some(hint) = details.settings.throughput_hint_mbs {
            description["Source"] = json!({"DirectPutSourceDescription": {"ThroughputHintInMBs": hint}});
        }
        if let Some(source) = &details.settings.source {
            description["Source"] = source.describe();
        }
        description
    }
}

impl Streams {
    /// `ResourceNotFoundException` if there is none of this name.
    pub(super) fn get(&self, scope: &Scope, name: &str) -> Result<Arc<Stream>, AwsError> {
        let streams = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = streams.get(&(scope.clone(), name.to_owned())).cloned();
        stream.ok_or_else(|| stream_not_found(name, &scope.account))
    }

    pub(super) fn add(&self, stream: Arc<Stream>) {
        let mut streams = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        streams.insert((stream.scope.clone(), stream.name.clone()), stream);
    }

    /// Forgets a stream, but not another one that has its name by now.
    pub(super) fn remove(&self, stream: &Stream) {
        let mut streams = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|_, known| known.id != stream.id);
    }

    /// A scope's streams in the order of their names.
    pub(super) fn of(&self, scope: &Scope) -> Vec<Arc<Stream>> {
        let streams = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = streams.values().filter(|stream| stream.scope == *scope).cloned().collect();
        found.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        found
    }
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
        }
    }
}

impl FromRow<'_, SqliteRow> for StreamRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let decode = |error: String| sqlx::Error::Decode(error.into());
        let status = match row.try_get("status")? {
            "CREATING" => Status::Creating,
            "ACTIVE" => Status::Active,
            "DELETING" => Status::Deleting,
            other => return Err(decode(format!("{other} is no status of a delivery stream"))),
        };
        let account = row.try_get::<&str, _>("account_id")?.parse().map_err(|error| decode(format!("{error}")))?;
        let region = row.try_get::<&str, _>("region")?.parse().map_err(|error| decode(format!("{error}")))?;
        let settings = serde_json::from_str(row.try_get("settings")?).map_err(|error| decode(error.to_string()))?;
        Ok(Self {
            id: row.try_get("stream_id")?,
            scope: Scope { account, region },
            name: row.try_get("name")?,
            details: Details {
                status,
                version: row.try_get("version")?,
                settings,
                created_ms: row.try_get("created_ms")?,
                updated_ms: row.try_get("updated_ms")?,
            },
            end: LogEnd {
                next_sequence: row.try_get("next_sequence")?,
                accepted_bytes: row.try_get("accepted_bytes")?,
            },
        })
    }
}

/// A timestamp as `awsJson1_1` has it.
pub(super) fn seconds(ms: i64) -> Value {
    json!(ms as f64 / 1000.0)
}
