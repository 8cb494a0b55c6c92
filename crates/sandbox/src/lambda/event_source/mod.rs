//! Event source mappings: Lambda reads a data stream and invokes a function with what it finds there.
//!
//! ```text
//! operations, settings   requests to mappings        store    mappings, open windows
//! poller                 one running mapping         shard    one shard of it
//! event, answer, window  what a function is told and what its answer means, pure
//! ```

mod answer;
mod event;
mod operations;
mod poller;
mod settings;
mod shard;
mod store;
mod tags;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::poller::Poller;
use self::store::Mapping;
use super::routes::{self, Route};
use super::{Lambda, json_answer, limits, no_content, ok, query, repeated};
use crate::fair_share::FairShare;
use crate::iam::Iam;
use crate::kinesis::Kinesis;
use crate::{AwsError, Caller, Database};

/// Event source mappings and the tasks that read for them. Cheap to clone; the tasks end with the last clone.
#[derive(Clone)]
pub struct EventSources {
    services: Services,
    /// The task of each mapping that reads. Who starts or ends one holds the lock until it is done.
    running: Arc<Mutex<HashMap<i64, Running>>>,
}

/// What mappings work with.
#[derive(Clone)]
struct Services {
    database: Database,
    iam: Iam,
    lambda: Lambda,
    kinesis: Kinesis,
    /// How many shards may be read at the same time, each of which holds a batch in memory: as many as there are environments
    /// to run functions in, and of an account as many as it may run.
    places: FairShare,
}

struct Running {
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl EventSources {
    pub(crate) fn new(database: Database, iam: Iam, lambda: Lambda, kinesis: Kinesis) -> Self {
        let places = FairShare::new(limits::MAX_AT_WORK, limits::MAX_CONCURRENT);
        Self { services: Services { database, iam, lambda, kinesis, places }, running: Arc::default() }
    }

    /// Goes on reading after a restart.
    pub(crate) async fn resume(&self) -> Result<(), AwsError> {
        for mapping in store::enabled(self.services.database.read()).await? {
            self.start(mapping).await;
        }
        Ok(())
    }

    /// Answers a request to the Lambda API as [`Lambda::handle`] does, which gets all that is not about mappings.
    pub(crate) async fn handle(&self, caller: Caller, request: Request<Bytes>) -> Result<Response<Bytes>, AwsError> {
        // A client that goes away must not leave a mapping changed but its task as it was.
        let (sources, scope) = (self.clone(), caller.scope.clone());
        match routes::route(request.method(), request.uri().path()) {
            Route::CreateEventSourceMapping => {
                let body = request.into_body();
                accepted(tokio::spawn(async move { sources.create(&scope, &body).await })).await
            }
            Route::UpdateEventSourceMapping(uuid) => {
                let body = request.into_body();
                accepted(tokio::spawn(async move { sources.update(&scope, &uuid, &body).await })).await
            }
            Route::DeleteEventSourceMapping(uuid) => {
                accepted(tokio::spawn(async move { sources.delete(&scope, &uuid).await })).await
            }
            Route::GetEventSourceMapping(uuid) => ok(&self.get(&scope, &uuid).await?),
            Route::ListEventSourceMappings => ok(&self.list(&scope, &query(request.uri())?).await?),
            Route::ListTags(arn) if tags::names_mapping(&arn) => ok(&self.list_tags(&scope, &arn).await?),
            Route::TagResource(arn) if tags::names_mapping(&arn) => {
                no_content(self.tag_resource(&scope, &arn, request.body()).await?)
            }
            Route::UntagResource(arn) if tags::names_mapping(&arn) => {
                no_content(self.untag_resource(&scope, &arn, &repeated(request.uri(), "tagKeys")?).await?)
            }
            _ => self.services.lambda.handle(caller, request).await,
        }
    }

    /// Begins to read for a mapping, in place of the task that may have done so before.
    async fn start(&self, mapping: Mapping) {
        let mut running = self.running.lock().await;
        end(running.remove(&mapping.id)).await;
        let stop = CancellationToken::new();
        let (id, stopped) = (mapping.id, stop.clone());
        let poller = Poller::new(self.services.clone(), mapping);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = poller.run() => {}
            }
        });
        running.insert(id, Running { stop: stop.drop_guard(), task });
    }

    /// Stops reading for a mapping; when this returns, nothing more is done for it.
    async fn stop(&self, id: i64) {
        let mut running = self.running.lock().await;
        end(running.remove(&id)).await;
    }
}

async fn end(running: Option<Running>) {
    let Some(Running { stop, task }) = running else { return };
    drop(stop);
    if let Err(error) = task.await {
        tracing::error!(%error, "the task of an event source mapping failed");
    }
}

async fn accepted(task: JoinHandle<Result<serde_json::Value, AwsError>>) -> Result<Response<Bytes>, AwsError> {
    json_answer(StatusCode::ACCEPTED, &task.await.map_err(AwsError::internal)??)
}
