//! One running application: its input through the preprocessor into the SQL, windows closing by the clock, output to Lambda.
//!
//! What makes counts right across a crash stands in [`super::repository`]: a batch gets its ROWTIME durably before the SQL
//! sees it, and the checkpoint follows what was delivered.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::delivery::{Outbox, deliver};
use super::input::InputFormat;
use super::model::{Definition, KeptOutput, RecordFormatType};
use super::output::encode_row;
use super::preprocess::{ReadyRecord, event, read_answer};
use super::repository::{Batch, Repository};
use super::sources::{InputLog, InvokeFunction};
use super::sql::{Engine, Program, RejectedInput, Row, SourceStream};
use crate::firehose::{LogReader, LogRecord};
use crate::{AwsError, Clock, Scope};

/// Records in one batch.
const MAX_BATCH_RECORDS: usize = 2_000;
/// Bytes in one batch: in base64 and with their envelope they stay below Lambda's 6 MB.
const MAX_BATCH_BYTES: usize = 3 * 1024 * 1024;
/// Rows that go through the SQL at once, between looks at how much waits for delivery.
const ROWS_AT_ONCE: usize = 256;
/// How often the input is looked at when nobody says that there is more.
const IDLE_LOOK: Duration = Duration::from_secs(5);
/// How long to wait after the log or the database failed.
const PAUSE: Duration = Duration::from_millis(500);

/// What a run needs to know of its application, and the services around it.
pub(super) struct Context {
    pub id: i64,
    pub scope: Scope,
    pub arn: String,
    pub role: String,
    /// Name of the delivery stream.
    pub stream: String,
    pub stream_arn: String,
    pub preprocessor: Option<String>,
    pub format: InputFormat,
    pub program: Arc<Program>,
    pub outputs: Vec<KeptOutput>,
    pub clock: Clock,
    pub log: Arc<dyn InputLog>,
    pub functions: Arc<dyn InvokeFunction>,
    pub repository: Repository,
    /// How long to wait after so many failures in a row.
    pub backoff: fn(u32) -> Duration,
}

/// Records with the place in the log that they came from.
struct ReadyBatch {
    first_sequence: i64,
    end_sequence: i64,
    records: Vec<ReadyRecord>,
}

struct AttachedOutput {
    outbox: Arc<Outbox>,
    format: RecordFormatType,
}

impl Context {
    /// The name by which the delivery stream's log knows the application.
    pub(super) fn reader(&self) -> LogReader {
        LogReader { scope: self.scope.clone(), stream: self.stream.clone(), reader: self.arn.clone() }
    }

    pub(super) fn backoff(&self, failures: u32) -> Duration {
        (self.backoff)(failures)
    }

    /// Says what goes wrong, but not each time that it does again. What it says may be the learner's, so that it is for those
    /// who look for it.
    pub(super) fn complain(&self, failures: u32, message: &str) {
        if failures.is_power_of_two() || failures == 0 {
            tracing::debug!(application = %self.arn, failures, "{message}");
        }
    }

    /// The service takes an output of any name; one that no stream has never gets a row.
    pub(super) fn log_unknown_outputs(&self) {
        for kept in &self.outputs {
            let name = &kept.output.name;
            if self.program.stream(name).is_none() {
                tracing::debug!(application = %self.arn, "no in-application stream has the output's name {name:?}");
            }
        }
    }
}

/// The in-application stream that an input fills.
pub(super) fn source_stream(name_prefix: &str, format: &InputFormat) -> SourceStream {
    SourceStream { name: format!("{name_prefix}_001"), columns: format.columns().to_vec() }
}

/// The streams that an application's SQL can read.
///
/// # Errors
/// What is wrong with the input's schema.
pub(super) fn sources(definition: &Definition) -> Result<Vec<SourceStream>, String> {
    match &definition.input {
        None => Ok(Vec::new()),
        Some(kept) => {
            let format = InputFormat::new(&kept.input.input_schema)?;
            Ok(vec![source_stream(&kept.input.name_prefix, &format)])
        }
    }
}

/// Runs until `stop` is cancelled. A failing database or log is tried again for ever.
pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut failures = 0;
    while let Err(error) = run_once(&context, &stop).await {
        context.complain(failures, &format!("The application starts again: {error}"));
        failures += 1;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(context.backoff(failures)) => {}
        }
    }
}

async fn run_once(context: &Arc<Context>, stop: &CancellationToken) -> Result<(), AwsError> {
    let progress = context.repository.progress(context.id).await?;
    // dropping the set at any return ends the tasks
    let mut tasks = JoinSet::new();
    let mut application = Application::new(context, progress.complete_from, progress.last_time);
    for output in &application.outputs {
        tasks.spawn(deliver(Arc::clone(context), Arc::clone(&output.outbox)));
    }
    for batch in &progress.batches {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            replayed = application.replay(*batch) => replayed?,
        }
    }
    let first = progress.batches.first().map_or(progress.next_sequence, |batch| batch.first_sequence);
    context.log.acknowledge(&context.reader(), first).await?;
    // one batch waits while one is evaluated; more would only take memory
    let (sender, mut batches) = mpsc::channel(1);
    tasks.spawn(read_input(Arc::clone(context), progress.next_sequence, sender));
    loop {
        let has_room = application.has_room();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = wait_until(&context.clock, application.engine.next_close()) => application.close_windows().await?,
            () = application.delivered.notified() => {}
            batch = batches.recv(), if has_room => match batch {
                // a batch that began must be evaluated whole before windows may close
                Some(batch) => tokio::select! {
                    () = stop.cancelled() => break,
                    accepted = application.accept(batch) => accepted?,
                },
                None => return Err(AwsError::internal("the input's task ended")),
            },
        }
        application.checkpoint().await?;
    }
    if application.replayed_whole() {
        application.checkpoint().await?;
    }
    Ok(())
}

/// The engine of a run with what hangs on it.
struct Application {
    context: Arc<Context>,
    engine: Engine,
    outputs: Vec<AttachedOutput>,
    delivered: Arc<Notify>,
    /// No later row gets this ROWTIME or an earlier one.
    last_time: i64,
    complete_from: Option<i64>,
    /// Whether a batch is half through the SQL.
    inside_batch: bool,
}

impl Application {
    fn new(context: &Arc<Context>, complete_from: Option<i64>, last_time: i64) -> Self {
        let mut engine = Engine::new(Arc::clone(&context.program), complete_from);
        let delivered = Arc::new(Notify::new());
        let mut outputs = Vec::new();
        for kept in &context.outputs {
            let (Some(stream), Some(function)) =
                (context.program.stream(&kept.output.name), &kept.output.lambda_output)
            else {
                continue;
            };
            engine.keep(stream);
            outputs.push(AttachedOutput {
                outbox: Arc::new(Outbox::new(stream, function.resource_arn.clone(), Arc::clone(&delivered))),
                format: kept.output.destination_schema.record_format_type,
            });
        }
        let context = Arc::clone(context);
        Self { context, engine, outputs, delivered, last_time, complete_from, inside_batch: false }
    }

    fn has_room(&self) -> bool {
        self.outputs.iter().all(|output| output.outbox.has_room())
    }

    /// Whether a checkpoint may be taken: not with half a batch in the windows.
    fn replayed_whole(&self) -> bool {
        !self.inside_batch
    }

    /// Evaluates a batch of an earlier run again, with the ROWTIME that it had.
    async fn replay(&mut self, batch: Batch) -> Result<(), AwsError> {
        let context = Arc::clone(&self.context);
        let mut position = batch.first_sequence;
        self.inside_batch = true;
        while position < batch.end_sequence {
            let mut records = read_some(&context, position).await?;
            records.retain(|record| record.sequence < batch.end_sequence);
            // records older than the log keeps are gone
            let Some(last) = records.last() else { break };
            position = last.sequence + 1;
            let ready = preprocess(&context, &records).await;
            self.evaluate(batch.rowtime, &ready).await;
        }
        self.inside_batch = false;
        Ok(())
    }

    /// Gives a batch its ROWTIME and evaluates it.
    async fn accept(&mut self, batch: ReadyBatch) -> Result<(), AwsError> {
        let rowtime = self.context.clock.now_ms().max(self.last_time + 1);
        let ReadyBatch { first_sequence, end_sequence, records } = batch;
        self.inside_batch = true;
        self.context.repository.record_batch(self.context.id, Batch { rowtime, first_sequence, end_sequence }).await?;
        self.last_time = rowtime;
        self.evaluate(rowtime, &records).await;
        self.inside_batch = false;
        Ok(())
    }

    async fn evaluate(&mut self, rowtime: i64, records: &[ReadyRecord]) {
        let context = Arc::clone(&self.context);
        blocking(|| self.engine.advance(rowtime));
        let mut rows = Vec::with_capacity(ROWS_AT_ONCE);
        let mut read = 0;
        for record in records {
            let arrival = record.arrival_ms;
            match &record.data {
                Ok(data) => {
                    for row in context.format.rows(data) {
                        match row {
                            Ok(values) => rows.push(Row { rowtime, arrival, values }),
                            Err((error, raw)) => self.engine.reject(rowtime, &RejectedInput { arrival, error, raw }),
                        }
                        read += 1;
                        if read % ROWS_AT_ONCE == 0 {
                            self.let_in(rowtime, &mut rows).await;
                        }
                    }
                }
                Err(raw) => self.engine.reject_record(rowtime, arrival, raw),
            }
        }
        self.let_in(rowtime, &mut rows).await;
    }

    /// Lets rows into the SQL and hands over what comes out.
    async fn let_in(&mut self, rowtime: i64, rows: &mut Vec<Row>) {
        blocking(|| self.engine.push(0, rowtime, rows));
        self.hand_over().await;
        // a batch may hold millions of rows
        tokio::task::yield_now().await;
    }

    /// Closes the windows that are due by the clock.
    async fn close_windows(&mut self) -> Result<(), AwsError> {
        let now = self.context.clock.now_ms();
        if self.engine.next_close().is_some_and(|end| end <= now) {
            self.context.repository.record_time(self.context.id, now).await?;
            self.last_time = self.last_time.max(now);
            blocking(|| self.engine.advance(now));
            self.move_rows();
        }
        Ok(())
    }

    /// Hands rows to delivery and waits until not too many are waiting there.
    async fn hand_over(&mut self) {
        self.move_rows();
        while !self.has_room() {
            self.delivered.notified().await;
        }
    }

    fn move_rows(&mut self) {
        let mut taken: Vec<(usize, Vec<Row>)> = Vec::new();
        for output in &self.outputs {
            let stream = output.outbox.stream;
            // two outputs may read one stream, which gives its rows once
            if !taken.iter().any(|(other, _)| *other == stream) {
                taken.push((stream, self.engine.take_rows(stream)));
            }
            let Some((_, rows)) = taken.iter().find(|(other, _)| *other == stream) else { continue };
            if !rows.is_empty() {
                let columns = self.engine.program().columns(stream);
                output.outbox.add(rows.iter().map(|row| (row.rowtime, encode_row(columns, row, output.format))));
            }
        }
    }

    /// Moves the checkpoint to the earliest ROWTIME that an open window or an undelivered row depends on.
    async fn checkpoint(&mut self) -> Result<(), AwsError> {
        let undelivered = self.outputs.iter().filter_map(|output| {
            let lookback = self.engine.program().lookback(output.outbox.stream);
            output.outbox.earliest().map(|rowtime| rowtime.saturating_sub(lookback))
        });
        let open = self.engine.needed_from(self.last_time + 1);
        let needed = undelivered.min().map_or(open, |undelivered| undelivered.min(open));
        if self.complete_from != Some(needed) {
            let sequence = self.context.repository.checkpoint(self.context.id, needed).await?;
            self.complete_from = Some(needed);
            if let Err(error) = self.context.log.acknowledge(&self.context.reader(), sequence).await {
                // the log is only kept longer than needed
                tracing::debug!(%error, "a checkpoint was not acknowledged");
            }
        }
        Ok(())
    }
}

/// Does work that may take long, as learners' SQL may: on a runtime of several threads others go on with what waits.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Waits for the clock to reach `time`; for ever when there is none.
async fn wait_until(clock: &Clock, time: Option<i64>) {
    let Some(time) = time else { return std::future::pending().await };
    loop {
        let left = time - clock.now_ms();
        if left <= 0 {
            return;
        }
        tokio::time::sleep(match clock {
            // not longer than a second, because somebody may set the clock
            Clock::System => Duration::from_millis(left.min(1_000) as u64),
            Clock::Manual(_) => Duration::from_millis(2),
        })
        .await;
    }
}

/// Reads the delivery stream and lets the preprocessor at it, one batch ahead of the SQL.
async fn read_input(context: Arc<Context>, mut position: i64, batches: mpsc::Sender<ReadyBatch>) {
    let mut failures = 0;
    loop {
        match follow_log(&context, &mut position, &batches).await {
            Ok(()) => return,
            Err(error) => {
                context.complain(failures, &format!("The delivery stream {} cannot be read: {error}", context.stream));
                failures += 1;
                tokio::time::sleep(PAUSE.max(context.backoff(failures))).await;
            }
        }
    }
}

/// Ends well only when nobody takes the batches any more.
async fn follow_log(context: &Context, position: &mut i64, batches: &mpsc::Sender<ReadyBatch>) -> Result<(), AwsError> {
    let mut accepted = context.log.watch_log(&context.scope, &context.stream).await?;
    loop {
        accepted.borrow_and_update();
        let records = read_some(context, *position).await?;
        let Some(last) = records.last() else {
            match tokio::time::timeout(IDLE_LOOK, accepted.changed()).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(_)) => {
                    tokio::time::sleep(PAUSE).await;
                    accepted = context.log.watch_log(&context.scope, &context.stream).await?;
                }
            }
            continue;
        };
        let end_sequence = last.sequence + 1;
        let ready = preprocess(context, &records).await;
        let batch = ReadyBatch { first_sequence: *position, end_sequence, records: ready };
        if batches.send(batch).await.is_err() {
            return Ok(());
        }
        *position = end_sequence;
    }
}

async fn read_some(context: &Context, position: i64) -> Result<Vec<LogRecord>, AwsError> {
    let mut records = context.log.read_log(&context.scope, &context.stream, position, MAX_BATCH_RECORDS).await?;
    let mut bytes = 0;
    let fitting = records
        .iter()
        .take_while(|record| {
            bytes += record.data.len();
            bytes <= MAX_BATCH_BYTES
        })
        .count();
    records.truncate(fitting.max(1));
    Ok(records)
}

/// Invokes the preprocessor with the same batch until it answers as the contract says.
async fn preprocess(context: &Context, records: &[LogRecord]) -> Vec<ReadyRecord> {
    let Some(function) = &context.preprocessor else {
        let ready = |record: &LogRecord| ReadyRecord { arrival_ms: record.arrival_ms, data: Ok(record.data.clone()) };
        return records.iter().map(ready).collect();
    };
    let mut failures = 0;
    loop {
        let payload = event(&context.arn, &context.stream_arn, records);
        let complaint = match context.functions.invoke(&context.scope, &context.role, function, payload).await {
            Ok(invocation) => match read_answer(&invocation, records) {
                Ok(ready) => return ready,
                Err(complaint) => complaint,
            },
            Err(error) => error.to_string(),
        };
        let message =
            format!("Preprocessing by {function} is tried again with the same {} records: {complaint}", records.len());
        context.complain(failures, &message);
        tokio::time::sleep(context.backoff(failures)).await;
        failures += 1;
    }
}

#[cfg(test)]
mod tests;
