//! Kinesis Data Analytics for SQL applications (`awsJson1_1`, target `KinesisAnalytics_20180523`), which AWS closed in
//! January 2026: this is a place where such an application still runs.
//!
//! ```text
//! operations   requests to definitions       repository   definitions, tags, journal
//! run          one running application       delivery     its rows to Lambda
//! input        records to rows               preprocess   records through Lambda
//! sql          the SQL itself, pure
//! ```

mod delivery;
mod describe;
mod discover;
mod input;
mod model;
mod operations;
mod output;
mod preprocess;
mod repository;
mod run;
mod sources;
pub mod sql;
mod tags;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::firehose::{Firehose, LogReader};
use crate::iam::Iam;
use crate::lambda::Lambda;
use crate::{AwsError, Caller, Clock, Database, Operation};

use self::model::Definition;
use self::repository::{Application, Repository, Status};
use self::run::Context;
use self::sources::{InputLog, InvokeFunction, RoleFunctions};

/// SQL applications and the tasks that run them. Cheap to clone; the tasks end with the last clone.
#[derive(Clone)]
pub struct Analytics {
    clock: Clock,
    iam: Iam,
    log: Arc<dyn InputLog>,
    functions: Arc<dyn InvokeFunction>,
    repository: Repository,
    tasks: Arc<std::sync::Mutex<HashMap<i64, Place>>>,
}

/// Where the one task of an application is, if it runs. Who starts or ends the task holds the lock until it is done.
type Place = Arc<Mutex<Option<Running>>>;

struct Running {
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Analytics {
    pub(crate) fn new(database: Database, clock: Clock, iam: Iam, firehose: Firehose, lambda: Lambda) -> Self {
        let functions = RoleFunctions { iam: iam.clone(), lambda };
        Self::with_services(database, clock, iam, Arc::new(firehose), Arc::new(functions))
    }

    fn with_services(
        database: Database,
        clock: Clock,
        iam: Iam,
        log: Arc<dyn InputLog>,
        functions: Arc<dyn InvokeFunction>,
    ) -> Self {
        let repository = Repository::new(database, clock.clone());
        Self { clock, iam, log, functions, repository, tasks: Arc::default() }
    }

    /// Goes on with what applications were doing before a restart.
    pub(crate) async fn resume(&self) -> Result<(), AwsError> {
        for application in self.repository.busy().await? {
            match application.status {
                Status::Ready => {}
                Status::Starting | Status::Running => {
                    self.launch(application.id, &mut *self.task_of(application.id).lock().await).await?;
                }
                Status::Updating => {
                    self.repository.forget_completeness(application.id).await?;
                    self.launch(application.id, &mut *self.task_of(application.id).lock().await).await?;
                }
                Status::Stopping => self.settle(application.id, Status::Stopping, Status::Ready).await,
                Status::Deleting => self.finish_deletion(&application).await,
            }
        }
        Ok(())
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, operation: Operation<'_>, body: &[u8]) -> Result<Bytes, AwsError> {
        if matches!(operation, "DescribeApplication" | "ListApplications" | "DiscoverInputSchema") {
            return self.dispatch(caller, operation, body).await;
        }
        // a client that goes away must not leave an application between two statuses
        let (service, caller) = (self.clone(), caller.clone());
        let (operation, body) = (operation.to_owned(), Bytes::copy_from_slice(body));
        let answer = tokio::spawn(async move { service.dispatch(&caller, &operation, &body).await });
        answer.await.map_err(AwsError::internal)?
    }

    /// The place of an application's task.
    fn task_of(&self, id: i64) -> Place {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tasks.entry(id).or_default())
    }

    /// Starts the task of an application that is STARTING, RUNNING or UPDATING, with its definition of now.
    async fn launch(&self, id: i64, task: &mut Option<Running>) -> Result<(), AwsError> {
        end(task).await;
        let busy = [Status::Starting, Status::Running, Status::Updating];
        // it may have been stopped or deleted before it came to this
        let Some(application) = self.repository.find_id(id).await?.filter(|found| busy.contains(&found.status)) else {
            return Ok(());
        };
        let context = match self.context(&application) {
            Ok(context) => Arc::new(context),
            // the definition was checked, so that only a newer and stricter sandbox comes here
            Err(message) => {
                tracing::warn!(application = describe::arn(&application), "an application cannot run: {message}");
                self.repository.change_status(id, &busy, Status::Ready).await?;
                return Ok(());
            }
        };
        if !application.has_run {
            // an update gave it another stream, which it reads from now on
            let next = match self.log.next_sequence(&context.scope, &context.stream).await {
                Err(error) if error.code == "ResourceNotFoundException" => 0,
                next => next?,
            };
            self.repository.start_afresh(id, next).await?;
        }
        context.log_unknown_outputs();
        let stop = CancellationToken::new();
        let running = tokio::spawn(run::run(context, stop.clone()));
        *task = Some(Running { stop: stop.drop_guard(), task: running });
        self.repository.change_status(id, &[Status::Starting, Status::Updating], Status::Running).await?;
        Ok(())
    }

    fn context(&self, application: &Application) -> Result<Context, String> {
        let definition = &application.definition;
        let input = definition.input.as_ref().ok_or("it has no input")?;
        let format = input::InputFormat::new(&input.input.input_schema)?;
        let stream_arn = input.input.kinesis_firehose_input.as_ref().ok_or("its input is not a delivery stream")?;
        let (_, stream) = stream_arn.resource_arn.rsplit_once('/').ok_or("its input is not a delivery stream")?;
        let sources = run::sources(definition)?;
        let code = definition.code.as_deref().unwrap_or_default();
        let program = sql::Program::compile(code, &sources).map_err(|error| error.to_string())?;
        let processing = input.input.input_processing_configuration.as_ref();
        Ok(Context {
            id: application.id,
            scope: application.scope.clone(),
            arn: describe::arn(application),
            role: definition.role.clone(),
            stream: stream.to_owned(),
            stream_arn: stream_arn.resource_arn.clone(),
            preprocessor: processing.map(|processing| processing.input_lambda_processor.resource_arn.clone()),
            format,
            program: Arc::new(program),
            outputs: definition.outputs.clone(),
            clock: self.clock.clone(),
            log: Arc::clone(&self.log),
            functions: Arc::clone(&self.functions),
            repository: self.repository.clone(),
            backoff: delivery::growing_backoff,
        })
    }

    /// Goes on with a changed definition. Windows that are open are counted anew by the changed code, from the journal.
    async fn restart(&self, before: &Application) {
        let place = self.task_of(before.id);
        let mut task = place.lock().await;
        end(&mut task).await;
        let restarted = async {
            if let Some(application) = self.repository.find_id(before.id).await? {
                self.forget_other_stream(before, &application.definition).await;
            }
            self.repository.forget_completeness(before.id).await?;
            self.launch(before.id, &mut task).await
        };
        if let Err(error) = restarted.await {
            tracing::error!(%error, "an application did not go on after its update");
            end(&mut task).await;
            self.settle(before.id, Status::Updating, Status::Ready).await;
        }
    }

    /// Lets go of the stream that an application read before, if it reads another one now.
    async fn forget_other_stream(&self, before: &Application, definition: &Definition) {
        if before.definition.stream_arn() != definition.stream_arn() {
            self.forget_stream(before).await;
        }
    }

    async fn forget_stream(&self, application: &Application) {
        let stream = application.definition.stream_arn().and_then(|arn| Some(arn.rsplit_once('/')?.1));
        let Some(stream) = stream else { return };
        let reader = LogReader {
            scope: application.scope.clone(),
            stream: stream.to_owned(),
            reader: describe::arn(application),
        };
        if let Err(error) = self.log.forget_reader(&reader).await {
            // the log is only kept longer than needed
            tracing::debug!(%error, "the reader of a stream was not forgotten");
        }
    }

    async fn settle(&self, id: i64, from: Status, to: Status) {
        if let Err(error) = self.repository.change_status(id, &[from], to).await {
            tracing::error!(%error, "the status of an application could not be kept");
        }
    }

    async fn finish_deletion(&self, application: &Application) {
        let place = self.task_of(application.id);
        let mut task = place.lock().await;
        end(&mut task).await;
        self.forget_stream(application).await;
        match self.repository.delete(application.id).await {
            Ok(()) => {
                self.tasks.lock().unwrap_or_else(PoisonError::into_inner).remove(&application.id);
            }
            Err(error) => tracing::error!(%error, "a deleted application could not be removed"),
        }
    }
}

/// Ends the task of an application and waits until it has ended.
async fn end(task: &mut Option<Running>) {
    if let Some(Running { stop, task }) = task.take() {
        drop(stop);
        if let Err(error) = task.await {
            tracing::error!(%error, "the task of an application failed");
        }
    }
}

#[cfg(test)]
mod tests;
