//! Kinesis Data Analytics for SQL applications (`awsJson1_1`, target `KinesisAnalytics_20180523`), which AWS closed in
//! January 2026: this is a place where such an application still runs.
//!
//! ```text
//! operations   requests to definitions       repository   definitions, journal, messages
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

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::firehose::Firehose;
use crate::iam::Iam;
use crate::lambda::Lambda;
use crate::{AwsError, Caller, Clock, Database, Operation, Scope};

use self::repository::{Application, Repository, Status};
use self::run::Context;
use self::sources::{InputLog, InvokeFunction, RoleFunctions};

pub use self::repository::Message;

/// SQL applications and the tasks that run them.
#[derive(Clone)]
pub struct Analytics {
    clock: Clock,
    iam: Iam,
    log: Arc<dyn InputLog>,
    functions: Arc<dyn InvokeFunction>,
    repository: Repository,
    running: Arc<Mutex<HashMap<i64, Running>>>,
}

struct Running {
    stop: CancellationToken,
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
        Self { clock, iam, log, functions, repository, running: Arc::default() }
    }

    /// Goes on with what applications were doing before a restart.
    pub(crate) async fn resume(&self) -> Result<(), AwsError> {
        for application in self.repository.busy().await? {
            match application.status {
                Status::Ready => {}
                Status::Starting | Status::Running => self.launch(&application.scope, &application.name).await?,
                Status::Updating => {
                    self.repository.forget_completeness(application.id).await?;
                    self.launch(&application.scope, &application.name).await?;
                }
                Status::Stopping => self.settle(application.id, Status::Stopping, Status::Ready).await,
                Status::Deleting => self.finish_deletion(&application).await,
            }
        }
        Ok(())
    }

    /// Answers one operation.
    pub(crate) async fn call(&self, caller: &Caller, operation: Operation<'_>, body: &[u8]) -> Result<Bytes, AwsError> {
        self.dispatch(caller, operation, body).await
    }

    /// What an application had to say lately, such as why its preprocessor is tried again, the oldest line first.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such application.
    pub async fn messages(&self, scope: &Scope, application: &str) -> Result<Vec<Message>, AwsError> {
        let application = self.repository.find(scope, application).await?;
        self.repository.messages(application.id).await
    }

    /// Starts the task of an application that is STARTING, RUNNING or UPDATING, with its definition of now.
    async fn launch(&self, scope: &Scope, name: &str) -> Result<(), AwsError> {
        let application = self.repository.find(scope, name).await?;
        let id = application.id;
        let context = match self.context(&application) {
            Ok(context) => Arc::new(context),
            // the definition was checked, so that only a newer and stricter sandbox comes here
            Err(message) => {
                self.repository.say(id, "ERROR", &format!("The application cannot run: {message}")).await;
                let busy = [Status::Starting, Status::Running, Status::Updating];
                self.repository.change_status(id, &busy, Status::Ready).await?;
                return Ok(());
            }
        };
        self.say_unknown_outputs(&context).await;
        let stop = CancellationToken::new();
        let task = tokio::spawn(run::run(context, stop.clone()));
        self.running.lock().await.insert(id, Running { stop, task });
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

    /// The service takes an output of any name; one that no stream has never gets a row, which the learner should know.
    async fn say_unknown_outputs(&self, context: &Context) {
        for kept in &context.outputs {
            let name = &kept.output.name;
            if context.program.stream(name).is_none() {
                let names: Vec<&str> = context.program.stream_names().collect();
                let message = format!(
                    "The output {name:?} gets no rows: no in-application stream has exactly that name. There are {names:?}."
                );
                self.repository.say(context.id, "WARN", &message).await;
            }
        }
    }

    /// Ends the task of an application and waits until it has ended.
    async fn halt(&self, id: i64) {
        let running = self.running.lock().await.remove(&id);
        if let Some(Running { stop, task }) = running {
            stop.cancel();
            if let Err(error) = task.await {
                tracing::error!(%error, "the task of an application failed");
            }
        }
    }

    /// Goes on with a changed definition. Windows that are open are counted anew by the changed code, from the journal.
    async fn restart(&self, application: &Application) {
        self.halt(application.id).await;
        let restarted = match self.repository.forget_completeness(application.id).await {
            Ok(()) => self.launch(&application.scope, &application.name).await,
            Err(error) => Err(error),
        };
        if let Err(error) = restarted {
            tracing::error!(%error, "an application did not go on after its update");
        }
    }

    async fn settle(&self, id: i64, from: Status, to: Status) {
        if let Err(error) = self.repository.change_status(id, &[from], to).await {
            tracing::error!(%error, "the status of an application could not be kept");
        }
    }

    async fn finish_deletion(&self, application: &Application) {
        self.halt(application.id).await;
        if let Ok(context) = self.context(application)
            && let Err(error) = self.log.forget_reader(&context.reader()).await
        {
            tracing::debug!(%error, "a deleted application's reader was not forgotten");
        }
        if let Err(error) = self.repository.delete(application.id).await {
            tracing::error!(%error, "a deleted application could not be removed");
        }
    }
}
