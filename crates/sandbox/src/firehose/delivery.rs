//! The task of one delivery stream: buffers its log, transforms it if asked to, and writes objects.
//!
//! An object and the position in the log up to which it reaches are committed together, so that every record is in exactly
//! one object, whatever happens in between. What a function has transformed but no object holds yet is in memory only; after
//! a restart the function sees those records again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::compression::Compression;
use super::destination::Destination;
use super::log;
use super::operations::PRINCIPAL;
use super::source;
use super::stream::{Details, Status, Stream, Streams};
use super::transformation::{Invoke, StreamArns};
use crate::iam::Iam;
use crate::kinesis::readers;
use crate::s3::{NewObject, S3};
use crate::{AwsError, Clock, Database};

/// The name of the delivery as a reader of the log.
pub(super) const READER: &str = "delivery";
/// The longest wait before a failed delivery is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest that a deletion tries to deliver what is buffered.
const DRAIN_TIME: Duration = Duration::from_secs(30);
const NAME_TIME: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]-[hour]-[minute]-[second]");

/// How patient deliveries are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long a stream is CREATING.
    pub creation: Duration,
    /// The first wait before something that failed is tried again; it doubles each time.
    pub pause: Duration,
}

/// What the task of a stream works with.
pub(super) struct Delivery {
    pub stream: Arc<Stream>,
    pub streams: Streams,
    pub database: Database,
    pub clock: Clock,
    pub iam: Iam,
    pub s3: S3,
    pub invoker: Arc<dyn Invoke>,
    /// Bounds the objects that are made at the same time.
    pub slots: Arc<Semaphore>,
    pub patience: Patience,
}

/// Why nothing was delivered for now.
#[derive(Debug, Error)]
enum Problem {
    #[error("Firehose is unable to assume role {0}")]
    Role(String),
    #[error("the bucket {0} does not exist")]
    Bucket(String),
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::Aws(error.into())
    }
}

/// What was read from the log and is in no object yet.
#[derive(Debug)]
struct Buffer {
    /// The position that is committed.
    from: i64,
    /// The position up to which the log was read.
    to: i64,
    /// Bytes accepted by the stream before `to`.
    bytes_before: i64,
    /// When the oldest record of those read arrived.
    oldest_ms: Option<i64>,
    /// When the first of those read came in here.
    since_ms: i64,
    delivered: Vec<u8>,
    failed: Vec<u8>,
}

/// What to do next.
enum Next {
    /// Make an object of what was read.
    Write,
    /// Read on, as many bytes as this, and transform.
    Read { bytes: usize },
    /// Wait until then, if ever, or until something changes.
    Wait { until_ms: Option<i64> },
    /// All is delivered and the stream is to be deleted.
    Remove,
}

impl Delivery {
    /// Runs until the stream is deleted.
    pub(super) async fn run(self) {
        let mut failures = 0;
        loop {
            let ended = match self.activate().await {
                Ok(()) => self.deliver(&mut failures).await,
                Err(error) => Err(error),
            };
            let Err(problem) = ended else { return };
            let mut changes = self.stream.details.subscribe();
            changes.mark_unchanged();
            let pause = self.patience.pause.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
            failures += 1;
            tracing::warn!(stream = self.stream.arn(), %problem, ?pause, "a delivery is tried again");
            // A changed destination may be the cure.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = changes.changed() => {}
            }
        }
    }

    /// A new stream takes a moment, as in AWS.
    async fn activate(&self) -> Result<(), Problem> {
        if self.stream.details().status != Status::Creating {
            return Ok(());
        }
        tokio::time::sleep(self.patience.creation).await;
        let mut transaction = self.database.write().await?;
        sqlx::query("UPDATE delivery_stream SET status = 'ACTIVE' WHERE stream_id = ? AND status = 'CREATING'")
            .bind(self.stream.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.stream.details.send_if_modified(|details| {
            let creating = details.status == Status::Creating;
            if creating {
                Arc::make_mut(details).status = Status::Active;
            }
            creating
        });
        Ok(())
    }

    /// Delivers until the stream is deleted or something fails; then the position is read anew.
    async fn deliver(&self, failures: &mut u32) -> Result<(), Problem> {
        let mut changes = self.stream.details.subscribe();
        let mut growth = self.stream.end.subscribe();
        let mut buffer = self.open_buffer().await?;
        loop {
            changes.mark_unchanged();
            growth.mark_unchanged();
            let details = self.stream.details();
            if details.status == Status::Deleting {
                return self.drain(&mut buffer, &details).await;
            }
            match self.next(&buffer, &details).await? {
                Next::Write => {
                    self.write(&mut buffer, &details).await?;
                    *failures = 0;
                }
                Next::Read { bytes } => self.read(&mut buffer, &details, bytes).await?,
                Next::Wait { until_ms } => {
                    let due = async {
                        match until_ms {
                            Some(until_ms) => self.clock.wait_until_ms(until_ms).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        _ = changes.changed() => {}
                        _ = growth.changed() => {}
                        () = due => {}
                    }
                }
                Next::Remove => return Ok(()),
            }
        }
    }

    async fn open_buffer(&self) -> Result<Buffer, Problem> {
        let end = *self.stream.end.borrow();
        let position = log::position(self.database.read(), self.stream.id, READER).await?.unwrap_or(0);
        let waiting = log::bytes_from(self.database.read(), self.stream.id, position).await?;
        Ok(Buffer {
            from: position,
            to: position,
            bytes_before: end.accepted_bytes - waiting,
            oldest_ms: None,
            since_ms: 0,
            delivered: Vec::new(),
            failed: Vec::new(),
        })
    }

    async fn next(&self, buffer: &Buffer, details: &Details) -> Result<Next, Problem> {
        let now = self.clock.now_ms();
        let destination = &details.settings.destination;
        let buffering = destination.buffering;
        let deleting = details.status == Status::Deleting;
        let end = *self.stream.end.borrow();
        let unread = end.next_sequence > buffer.to;
        let mut until_ms = None;
        if buffer.to > buffer.from {
            let due_ms = buffer.since_ms + buffering.interval_ms();
            let full = buffer.delivered.len() + buffer.failed.len() >= buffering.bytes();
            // Without a transformation what was read is as much as makes an object.
            if full || now >= due_ms || destination.transformation().is_none() || deleting && !unread {
                return Ok(Next::Write);
            }
            until_ms = Some(due_ms);
        }
        if unread {
            let (bytes, interval_ms) = match destination.transformation() {
                Some(transformation) => (transformation.buffer_bytes(), transformation.buffer_interval_ms()),
                None => (buffering.bytes(), buffering.interval_ms()),
            };
            let full = end.accepted_bytes - buffer.bytes_before >= bytes as i64;
            if full || deleting {
                return Ok(Next::Read { bytes });
            }
            let oldest_ms = log::oldest_arrival_ms(self.database.read(), self.stream.id, buffer.to).await?;
            let due_ms = oldest_ms.unwrap_or(now) + interval_ms;
            if now >= due_ms {
                return Ok(Next::Read { bytes });
            }
            until_ms = Some(until_ms.map_or(due_ms, |until_ms: i64| until_ms.min(due_ms)));
        } else if deleting {
            return Ok(Next::Remove);
        }
        Ok(Next::Wait { until_ms })
    }

    async fn read(&self, buffer: &mut Buffer, details: &Details, bytes: usize) -> Result<(), Problem> {
        let end = *self.stream.end.borrow();
        let records = log::read(self.database.read(), self.stream.id, buffer.to, usize::MAX, bytes).await?;
        if buffer.to == buffer.from {
            buffer.since_ms = self.clock.now_ms();
        }
        let Some(last) = records.last() else {
            // What was there has expired.
            buffer.to = end.next_sequence;
            buffer.bytes_before = end.accepted_bytes;
            return Ok(());
        };
        buffer.oldest_ms = buffer.oldest_ms.or(records.first().map(|record| record.arrival_ms));
        let next = last.sequence + 1;
        let read_bytes: usize = records.iter().map(|record| record.data.len()).sum();
        match details.settings.destination.transformation() {
            None => buffer.delivered.extend_from_slice(&log::concatenate(&records)),
            Some(transformation) => {
                let arn = self.stream.arn();
                let scope = &self.stream.scope;
                let invoker = &*self.invoker;
                let source = details.settings.source.as_ref().map(|source| source.stream_arn.as_str());
                let streams = StreamArns { delivery: &arn, source };
                let transformed =
                    transformation.apply(invoker, scope, streams, &records, &self.clock, self.patience.pause).await;
                buffer.delivered.extend_from_slice(&transformed.delivered);
                buffer.failed.extend_from_slice(&transformed.failed);
            }
        }
        buffer.to = next;
        buffer.bytes_before =
            if next >= end.next_sequence { end.accepted_bytes } else { buffer.bytes_before + read_bytes as i64 };
        Ok(())
    }

    /// Makes the objects of what was read and moves the position, all or nothing.
    async fn write(&self, buffer: &mut Buffer, details: &Details) -> Result<(), Problem> {
        let _slot = self.slots.acquire().await;
        let destination = &details.settings.destination;
        let account = &self.stream.scope.account;
        let mut staged = Vec::new();
        if !(buffer.delivered.is_empty() && buffer.failed.is_empty()) {
            if !self.iam.may_assume(&self.stream.scope, &destination.role_arn, PRINCIPAL).await? {
                return Err(Problem::Role(destination.role_arn.clone()));
            }
            if !self.s3.bucket_exists(account, &destination.bucket).await? {
                return Err(Problem::Bucket(destination.bucket.clone()));
            }
            for object in self.objects(buffer, details, destination).await? {
                staged.push(self.s3.stage(account, object).await?);
            }
        }
        let mut transaction = self.database.write().await?;
        for object in staged {
            self.s3.publish(&mut transaction, account, object).await?;
        }
        if !log::advance(&mut transaction, self.stream.id, READER, buffer.from, buffer.to).await? {
            return Err(AwsError::internal("another task has delivered the same records").into());
        }
        transaction.commit().await?;
        *buffer = Buffer {
            from: buffer.to,
            to: buffer.to,
            bytes_before: buffer.bytes_before,
            oldest_ms: None,
            since_ms: 0,
            delivered: Vec::new(),
            failed: Vec::new(),
        };
        Ok(())
    }

    async fn objects(
        &self,
        buffer: &Buffer,
        details: &Details,
        destination: &Destination,
    ) -> Result<Vec<NewObject>, Problem> {
        let prefixes = destination.prefixes()?;
        let oldest_ms = buffer.oldest_ms.unwrap_or_else(|| self.clock.now_ms());
        let oldest =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(oldest_ms) * 1_000_000).map_err(AwsError::internal)?;
        let time = oldest.format(NAME_TIME).map_err(AwsError::internal)?;
        let name = || format!("{}-{}-{time}-{}", self.stream.name, details.version, Uuid::new_v4());
        let mut objects = Vec::new();
        if !buffer.delivered.is_empty() {
            let name = name();
            let compression = destination.compression;
            let body = compression.compress(Bytes::copy_from_slice(&buffer.delivered), name.clone()).await?;
            objects.push(NewObject {
                bucket: destination.bucket.clone(),
                key: format!("{}{name}{}", prefixes.delivered(oldest), destination.extension()),
                body,
                content_type: "application/octet-stream".to_owned(),
                content_encoding: compression.content_encoding(),
            });
        }
        if !buffer.failed.is_empty() {
            objects.push(NewObject {
                bucket: destination.bucket.clone(),
                key: format!("{}{}", prefixes.failed(oldest), name()),
                body: Bytes::copy_from_slice(&buffer.failed),
                content_type: "application/octet-stream".to_owned(),
                content_encoding: Compression::Uncompressed.content_encoding(),
            });
        }
        Ok(objects)
    }

    /// Delivers what is left, without waiting and without trying again, and then removes the stream.
    async fn drain(&self, buffer: &mut Buffer, details: &Details) -> Result<(), Problem> {
        let rest = async {
            loop {
                match self.next(buffer, details).await? {
                    Next::Write => self.write(buffer, details).await?,
                    Next::Read { bytes } => self.read(buffer, details, bytes).await?,
                    Next::Wait { .. } | Next::Remove => return Ok::<(), Problem>(()),
                }
            }
        };
        match tokio::time::timeout(DRAIN_TIME, rest).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => tracing::info!(%problem, "a deleted stream's buffer is dropped"),
            Err(_) => tracing::info!("a deleted stream's buffer is dropped: it took too long to deliver"),
        }
        let mut transaction = self.database.write().await?;
        log::remove(&mut transaction, self.stream.id, READER).await?;
        readers::forget(&mut transaction, &source::reader(self.stream.id)).await?;
        transaction.commit().await?;
        self.streams.remove(&self.stream);
        Ok(())
    }
}
