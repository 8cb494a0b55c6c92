//! The task of one event source mapping: waits for its stream and reads the shards of it, side by side.

use std::convert::Infallible;
use std::time::Duration;

use futures::future::try_join_all;

use super::Services;
use super::operations::cannot_access;
use super::shard::ShardReader;
use super::store::{self, Mapping};
use crate::AwsError;
use crate::kinesis::{DataStream, Start, Status, readers};

/// A mapping that reads.
pub(super) struct Poller {
    pub services: Services,
    pub mapping: Mapping,
}

impl Poller {
    pub(super) fn new(services: Services, mapping: Mapping) -> Self {
        Self { services, mapping }
    }

    /// Reads until it is dropped.
    pub(super) async fn run(&self) {
        let mut streams = self.services.kinesis.watch_streams();
        let mut failures = 0;
        loop {
            streams.mark_unchanged();
            let arn = self.mapping.stream_arn();
            let stream = self.services.kinesis.stream_by_arn(&self.mapping.scope, &arn);
            match stream {
                Some(stream) if stream.status() == Status::Active => {
                    tokio::select! {
                        ended = self.read(&stream) => {
                            let Err(error) = ended;
                            tracing::warn!(%error, mapping = self.mapping.uuid, "an event source mapping reads again");
                            tokio::time::sleep(pause(failures)).await;
                            failures += 1;
                        }
                        () = stream.ended() => {}
                    }
                    continue;
                }
                Some(stream) if stream.status() == Status::Creating => {}
                _ => self.tell(&format!("PROBLEM: {}", cannot_access(&arn))).await,
            }
            if streams.changed().await.is_err() {
                return;
            }
        }
    }

    /// Writes `LastProcessingResult`.
    pub(super) async fn tell(&self, result: &str) {
        let written = async {
            let mut transaction = self.services.database.write().await?;
            store::write_result(&mut transaction, self.mapping.id, result).await?;
            transaction.commit().await?;
            Ok::<(), AwsError>(())
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "the result of an event source mapping is not kept");
        }
    }

    async fn read(&self, stream: &DataStream) -> Result<Infallible, AwsError> {
        let reader = self.mapping.reader();
        if readers::position(self.services.database.read(), stream, 0, &reader).await?.is_none() {
            // The stream that the mapping was made for is gone, and this one has its name.
            let mut transaction = self.services.database.write().await?;
            readers::register(&mut transaction, stream, &reader, Start::TrimHorizon).await?;
            transaction.commit().await?;
        }
        let shards = (0..stream.shard_count).map(|shard| async move {
            let mut shard = ShardReader::open(self, stream, shard).await?;
            shard.run().await
        });
        match try_join_all(shards).await {
            Err(error) => Err(error),
            // There is no shard that ends well, and no stream without shards.
            Ok(_) => std::future::pending().await,
        }
    }
}

/// Waits longer after each failure, from 0.2 to ten seconds.
pub(super) fn pause(failures: u32) -> Duration {
    Duration::from_millis((200_u64 << failures.min(6)).min(10_000))
}
