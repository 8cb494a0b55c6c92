//! Operations on delivery streams: create, describe, list, update, delete.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Firehose;
use super::delivery::READER;
use super::destination::{DESTINATION_ID, Destination, DestinationRequest};
use super::errors::{invalid_argument, missing, not_offered, stream_not_found, validation};
use super::log::{self, LogEnd};
use super::source::{self, SourceRequest};
use super::stream::{Details, Settings, Status, Stream, StreamRow};
use super::tags::{self, Tag};
use crate::kinesis::{DataStream, Start, readers};
use crate::service::{empty_json, read_json, write_json};
use crate::{AwsError, Scope};

/// Delivery streams that an account may have in a region.
const MAX_STREAMS: usize = 50;
const MAX_NAME: usize = 64;
/// Who Firehose is when it assumes a role.
pub(super) const PRINCIPAL: &str = "firehose.amazonaws.com";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateInput {
    delivery_stream_name: Option<String>,
    delivery_stream_type: Option<String>,
    direct_put_source_configuration: Option<DirectPutSource>,
    kinesis_stream_source_configuration: Option<SourceRequest>,
    delivery_stream_encryption_configuration_input: Option<Value>,
    #[serde(rename = "S3DestinationConfiguration")]
    s3_destination_configuration: Option<DestinationRequest>,
    #[serde(rename = "ExtendedS3DestinationConfiguration")]
    extended_s3_destination_configuration: Option<DestinationRequest>,
    #[serde(default)]
    tags: Vec<Tag>,
    /// Other sources and destinations.
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DirectPutSource {
    #[serde(rename = "ThroughputHintInMBs")]
    throughput_hint_in_mbs: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateInput {
    delivery_stream_name: Option<String>,
    current_delivery_stream_version_id: Option<String>,
    destination_id: Option<String>,
    #[serde(rename = "S3DestinationUpdate")]
    s3_destination_update: Option<DestinationRequest>,
    #[serde(rename = "ExtendedS3DestinationUpdate")]
    extended_s3_destination_update: Option<DestinationRequest>,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NameInput {
    delivery_stream_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    limit: Option<usize>,
    delivery_stream_type: Option<String>,
    exclusive_start_delivery_stream_name: Option<String>,
}

impl Firehose {
    pub(super) async fn create_delivery_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: CreateInput = read_json(body)?;
        let name = input.delivery_stream_name.ok_or_else(|| missing("deliveryStreamName"))?;
        check_name(&name)?;
        let source = match (input.delivery_stream_type.as_deref(), input.kinesis_stream_source_configuration) {
            (None | Some("DirectPut"), None) => None,
            (None | Some("DirectPut"), Some(_)) => {
                return Err(invalid_argument(
                    "KinesisStreamSourceConfig is only applicable for KinesisStreamAsSource stream type.",
                ));
            }
            (Some("KinesisStreamAsSource"), Some(source)) => Some(source),
            (Some("KinesisStreamAsSource"), None) => {
                return Err(invalid_argument(
                    "KinesisStreamSourceConfig must be specified for KinesisStreamAsSource stream type.",
                ));
            }
            (Some(other), _) => return Err(not_offered(&format!("DeliveryStreamType {other}"))),
        };
        if let Some(other) = input.others.iter().find(|(_, value)| !value.is_null()) {
            return Err(not_offered(other.0));
        }
        if input.delivery_stream_encryption_configuration_input.is_some() {
            return Err(not_offered("DeliveryStreamEncryptionConfigurationInput"));
        }
        let throughput_hint_mbs = input.direct_put_source_configuration.map(|source| source.throughput_hint_in_mbs);
        if let Some(hint) = throughput_hint_mbs.filter(|hint| !(1..=100).contains(hint)) {
            let member = "directPutSourceConfiguration.throughputHintInMBs";
            return Err(validation(hint, member, "have value between 1 and 100"));
        }
        tags::check(&input.tags)?;
        let destination = match (input.extended_s3_destination_configuration, input.s3_destination_configuration) {
            (Some(extended), None) => Destination::create(extended, "extendedS3DestinationConfiguration")?,
            (None, Some(plain)) => Destination::create(plain, "s3DestinationConfiguration")?,
            _ => return Err(invalid_argument("Exactly one destination configuration is supported for a Firehose.")),
        };
        self.check_destination(scope, &destination).await?;
        let source = match source {
            Some(_) if throughput_hint_mbs.is_some() => {
                return Err(invalid_argument("DirectPutSourceConfiguration is for the stream type DirectPut only."));
            }
            Some(source) => Some(self.check_source(scope, source).await?),
            None => None,
        };
        let data_stream = source.as_ref().map(|(_, data_stream)| data_stream.clone());

        if self.streams.of(scope).len() >= MAX_STREAMS {
            return Err(AwsError::client(
                "LimitExceededException",
                format!(
                    "You have already consumed your firehose quota of {MAX_STREAMS} hoses. Account ID: {}",
                    scope.account
                ),
            ));
        }
        let details = Details {
            status: Status::Creating,
            version: 1,
            settings: Settings { destination, throughput_hint_mbs, source: source.map(|(source, _)| source) },
            created_ms: self.clock.now_ms(),
            updated_ms: None,
        };
        let (id, next_sequence) = self.insert(scope, &name, &details, &input.tags, data_stream.as_deref()).await?;
        let end = LogEnd { next_sequence, accepted_bytes: 0 };
        let row = StreamRow { id, scope: scope.clone(), name, details, end };
        let stream = Arc::new(Stream::new(row, self.limits.throughput));
        let arn = stream.arn();
        self.start(stream);
        write_json(&json!({"DeliveryStreamARN": arn}))
    }

    /// Gives the stream's id and the sequence number of its first record.
    async fn insert(
        &self,
        scope: &Scope,
        name: &str,
        details: &Details,
        tags: &[Tag],
        data_stream: Option<&DataStream>,
    ) -> Result<(i64, i64), AwsError> {
        let settings = serde_json::to_string(&details.settings).map_err(AwsError::internal)?;
        let mut transaction = self.database.write().await?;
        let next_sequence = log::origin(&mut transaction, scope).await?;
        let id = sqlx::query_scalar(
            "INSERT INTO delivery_stream (account_id, region, name, status, version, settings, created_ms, next_sequence) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING stream_id",
        )
        .bind(scope.account.as_str())
        .bind(scope.region.as_str())
        .bind(name)
        .bind(details.status.as_str())
        .bind(details.version)
        .bind(settings)
        .bind(details.created_ms)
        .bind(next_sequence)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| {
            AwsError::client(
                "ResourceInUseException",
                format!("Firehose {name} under accountId {} already exists", scope.account),
            )
        })?;
        log::acknowledge(&mut transaction, id, READER, next_sequence).await?;
        log::inherit(&mut transaction, id, next_sequence).await?;
        tags::write(&mut transaction, id, tags).await?;
        if let Some(data_stream) = data_stream {
            // As AWS, it reads what comes from now on.
            readers::register(&mut transaction, data_stream, &source::reader(id), Start::Latest).await?;
        }
        transaction.commit().await?;
        Ok((id, next_sequence))
    }

    /// The role must trust Firehose and the bucket must exist, both in the caller's account.
    async fn check_destination(&self, scope: &Scope, destination: &Destination) -> Result<(), AwsError> {
        let role = &destination.role_arn;
        if !self.iam.may_assume(scope, role, PRINCIPAL).await? {
            return Err(invalid_argument(format!(
                "Firehose is unable to assume role {role}. Please check the role provided."
            )));
        }
        let bucket = &destination.bucket;
        if !self.s3.bucket_exists(&scope.account, bucket).await? {
            return Err(invalid_argument(format!(
                "Firehose cannot find the bucket arn:aws:s3:::{bucket}. Please check the bucket provided."
            )));
        }
        Ok(())
    }

    pub(super) fn describe_delivery_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let stream = self.named(scope, body)?;
        write_json(&json!({"DeliveryStreamDescription": stream.describe()}))
    }

    pub(super) fn list_delivery_streams(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: ListInput = read_json(body)?;
        let limit = input.limit.unwrap_or(10);
        if !(1..=10_000).contains(&limit) {
            return Err(validation(limit, "limit", "have value between 1 and 10000"));
        }
        let mut streams = self.streams.of(scope);
        if let Some(kind) = input.delivery_stream_type {
            streams.retain(|stream| stream.details().settings.kind() == kind);
        }
        let mut names: Vec<&str> = streams.iter().map(|stream| stream.name.as_str()).collect();
        if let Some(start) = input.exclusive_start_delivery_stream_name {
            names.retain(|name| *name > start.as_str());
        }
        let more = names.len() > limit;
        names.truncate(limit);
        write_json(&json!({"DeliveryStreamNames": names, "HasMoreDeliveryStreams": more}))
    }

    /// Marks the stream; its task delivers what is buffered, if that succeeds at once, and then removes it.
    pub(super) async fn delete_delivery_stream(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let stream = self.named(scope, body)?;
        let marked = {
            let mut transaction = self.database.write().await?;
            let marked = sqlx::query("UPDATE delivery_stream SET status = 'DELETING' WHERE stream_id = ?")
                .bind(stream.id)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            marked.rows_affected()
        };
        if marked == 0 {
            return Err(stream_not_found(&stream.name, &scope.account));
        }
        stream.details.send_modify(|details| Arc::make_mut(details).status = Status::Deleting);
        Ok(empty_json())
    }

    pub(super) async fn update_destination(&self, scope: &Scope, body: &[u8]) -> Result<Bytes, AwsError> {
        let input: UpdateInput = read_json(body)?;
        let name = input.delivery_stream_name.ok_or_else(|| missing("deliveryStreamName"))?;
        let version =
            input.current_delivery_stream_version_id.ok_or_else(|| missing("currentDeliveryStreamVersionId"))?;
        let destination_id = input.destination_id.ok_or_else(|| missing("destinationId"))?;
        let stream = self.streams.get(scope, &name)?;
        if let Some(other) = input.others.iter().find(|(_, value)| !value.is_null()) {
            return Err(not_offered(other.0));
        }
        if destination_id != DESTINATION_ID {
            return Err(invalid_argument(format!("Destination Id {destination_id} not found")));
        }
        let details = stream.details();
        if details.status != Status::Active {
            return Err(AwsError::client(
                "ResourceInUseException",
                format!("Firehose {name} under accountId {} is not in ACTIVE state.", scope.account),
            ));
        }
        let conflict = || {
            AwsError::client(
                "ConcurrentModificationException",
                format!(
                    "Firehose {name} under accountId {} has the version {}, not {version}: another update came first.",
                    scope.account,
                    stream.details().version
                ),
            )
        };
        if version != details.version.to_string() {
            return Err(conflict());
        }
        let before = details.settings.destination.clone();
        let destination = match (input.extended_s3_destination_update, input.s3_destination_update) {
            (Some(extended), None) => before.update(extended, "extendedS3DestinationUpdate")?,
            (None, Some(plain)) => before.update(plain, "s3DestinationUpdate")?,
            _ => return Err(invalid_argument("Exactly one destination update is supported for a Firehose.")),
        };
        self.check_destination(scope, &destination).await?;
        let after = Details {
            version: details.version + 1,
            updated_ms: Some(self.clock.now_ms()),
            settings: Settings { destination, ..details.settings.clone() },
            ..(*details).clone()
        };
        let settings = serde_json::to_string(&after.settings).map_err(AwsError::internal)?;
        let mut transaction = self.database.write().await?;
        let updated = sqlx::query(
            "UPDATE delivery_stream SET settings = ?, version = ?, updated_ms = ? \
             WHERE stream_id = ? AND version = ? AND status = 'ACTIVE'",
        )
        .bind(settings)
        .bind(after.version)
        .bind(after.updated_ms)
        .bind(stream.id)
        .bind(details.version)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        if updated.rows_affected() == 0 {
            return Err(conflict());
        }
        stream.details.send_modify(|known| {
            // A deletion may have been asked for meanwhile.
            let status = known.status;
            *known = Arc::new(Details { status, ..after });
        });
        Ok(empty_json())
    }

    fn named(&self, scope: &Scope, body: &[u8]) -> Result<Arc<Stream>, AwsError> {
        let input: NameInput = read_json(body)?;
        let name = input.delivery_stream_name.ok_or_else(|| missing("deliveryStreamName"))?;
        check_name(&name)?;
        self.streams.get(scope, &name)
    }
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.is_empty() || !name.bytes().all(known) {
        return Err(validation(name, "deliveryStreamName", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"));
    }
    if name.len() > MAX_NAME {
        return Err(validation(name, "deliveryStreamName", "have length less than or equal to 64"));
    }
    Ok(())
}
