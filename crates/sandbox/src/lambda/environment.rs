//! One execution environment: an isolated process with a runtime in it, from its start over its invocations to its end.
//!
//! A task owns the environment and decides what each call of the runtime means. It answers an invocation, rests in the
//! pool, and ends when it is idle for long, when its function changes, or when the function breaks it.

use std::process::ExitStatus;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep_until};

use super::isolation::{self, EnvironmentFolder, IsolatedProcess, Isolation};
use super::log::InvocationLog;
use super::pool::{Idle, Offer, Pool, Running, Start};
use super::process_tree::ProcessTree;
use super::runtime_api::{self, CallAnswer, MAX_RESPONSE_BYTES, NextInvocation, RuntimeCall};
use super::{Endpoint, Invocation, code, limits, report, unix_server};
use crate::logs::{FunctionLog, LogLine, Logs};
use crate::{AccountId, AwsError, PythonRuntime, Scope};

/// What a new environment is made from.
pub(super) struct Launch {
    pub account: AccountId,
    pub function_arn: String,
    pub revision: String,
    /// The zip file.
    pub code: Bytes,
    /// The program that becomes the runtime, with its arguments.
    pub program: Vec<String>,
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// Port inside at which the sandbox answers.
    pub endpoint_port: u16,
    pub endpoint: Endpoint,
    pub timeout: Duration,
    /// `MemorySize`, which the report names.
    pub memory_mb: u64,
    pub log: LogDestination,
    /// When the environment must not be used any more, since its credentials end.
    pub last_use: Instant,
}

/// Where the lines of an environment go.
pub(super) struct LogDestination {
    pub logs: Logs,
    pub scope: Scope,
    /// The function's role by name.
    pub role: String,
    pub group: String,
    pub stream: String,
}

/// One invocation for an environment.
pub(super) struct Job {
    pub request_id: String,
    pub payload: Bytes,
    /// JSON of `X-Amz-Client-Context`.
    pub client_context: Option<String>,
    /// Dropped without an answer when the environment broke before it began.
    pub reply: oneshot::Sender<Result<Invocation, AwsError>>,
    pub running: Running,
    /// Held for as long as the environment is at work.
    pub place: OwnedSemaphorePermit,
}

struct Environment {
    launch: Launch,
    process: IsolatedProcess,
    tree: Option<ProcessTree>,
    calls: mpsc::Receiver<RuntimeCall>,
    /// The runtime's unanswered `next` call: it is there exactly when the environment is idle.
    waiting: Option<oneshot::Sender<NextInvocation>>,
    /// Until the function is loaded.
    start: Option<Start>,
    is_ready: bool,
    log: InvocationLog,
    watch: Interval,
    /// Memory that it holds, and the most that it has held.
    bytes: u64,
    peak_bytes: u64,
    started: Instant,
    /// Set by the invocation that started the environment, for its report.
    init: Option<Duration>,
    /// Ends the servers of both sockets when dropped.
    _servers: JoinSet<()>,
    /// Last, since the processes must be gone before their files.
    _folder: EnvironmentFolder,
}

enum Event {
    Call(RuntimeCall),
    Exited(Option<ExitStatus>),
    OutOfMemory,
    Deadline,
}

/// What an invocation came to, and what it left behind.
struct Finished {
    result: Result<Invocation, AwsError>,
    after: After,
}

enum After {
    /// The runtime waits for the next invocation.
    Idle,
    /// The answer is there, but the runtime is still busy; it has until then.
    Busy(Instant),
    Broken,
}

/// How the runtime failed an invocation.
struct Failure {
    payload: Bytes,
    /// What the log says of it, before the `END` line.
    log: Option<String>,
    /// For the report: `Status` and `Error Type`.
    status: &'static str,
    error_type: String,
}

/// Starts an environment for `job` and keeps it for further jobs that the pool brings.
pub(super) async fn run(isolation: Arc<Isolation>, launch: Launch, start: Option<Start>, job: Job, pool: Weak<Pool>) {
    let mut environment = match Environment::start(&isolation, launch, start).await {
        Ok(environment) => environment,
        Err(error) => {
            let _ = job.reply.send(Err(error));
            return;
        }
    };
    let mut job = job;
    loop {
        let Finished { result, after } = environment.invoke(&job).await;
        let Job { reply, running, place, .. } = job;
        let offer = match after {
            After::Idle => {
                // Offered before the answer is given, so that the invoker's next call finds it.
                let offer = environment.offer(&pool);
                drop(running);
                let _ = reply.send(result);
                offer
            }
            After::Busy(deadline) => {
                let _ = reply.send(result);
                let became_idle = environment.becomes_idle(deadline).await;
                drop(running);
                if became_idle { environment.offer(&pool) } else { None }
            }
            After::Broken => {
                environment.kill();
                drop(running);
                let _ = reply.send(result);
                None
            }
        };
        let Some(offer) = offer else {
            // The place is free when the processes are gone.
            environment.end().await;
            return;
        };
        drop(place);
        let Some(next) = environment.rest(offer, &pool).await else { break };
        job = next;
    }
    environment.end().await;
}

impl Environment {
    async fn start(isolation: &Arc<Isolation>, mut launch: Launch, start: Option<Start>) -> Result<Self, AwsError> {
        let folder = isolation.environment_folder(&launch.account).map_err(AwsError::internal)?;
        let (zip, target) = (std::mem::take(&mut launch.code), folder.code());
        tokio::task::spawn_blocking(move || code::unpack(&zip, &target))
            .await
            .map_err(AwsError::internal)?
            .map_err(AwsError::internal)?;
        let runtime = folder.listen(isolation::RUNTIME_SOCKET).map_err(AwsError::internal)?;
        let endpoint = folder.listen(isolation::ENDPOINT_SOCKET).map_err(AwsError::internal)?;
        let (sender, calls) = mpsc::channel(16);
        let mut servers = JoinSet::new();
        servers.spawn(unix_server::serve(runtime, move |request| runtime_api::answer(sender.clone(), request)));
        let sandbox = Arc::clone(&launch.endpoint);
        servers.spawn(unix_server::serve(endpoint, move |request| sandbox(request)));
        let memory_mb = launch.memory_mb.min(limits::MAX_MEMORY_MB) + limits::OWN_MEMORY_MB;
        // The kernel kills the processes when this thread ends, so it must be one of the runtime's own.
        let mut process = isolation.start(&folder, memory_mb).map_err(|error| cannot_isolate(isolation, &error))?;
        let started = Instant::now();
        let tree = process.child.id().and_then(ProcessTree::new);
        let orders = orders(&launch).to_string();
        if let Some(mut input) = process.child.stdin.take() {
            // A launcher that has ended already is reported by its exit.
            let _ = input.write_all(orders.as_bytes()).await;
        }
        let mut watch = tokio::time::interval(limits::WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            launch,
            process,
            tree,
            calls,
            waiting: None,
            start,
            is_ready: false,
            log: InvocationLog::default(),
            watch,
            bytes: 0,
            peak_bytes: 0,
            started,
            init: None,
            _servers: servers,
            _folder: folder,
        })
    }

    /// Has the runtime run one invocation.
    async fn invoke(&mut self, job: &Job) -> Finished {
        if self.waiting.is_none()
            && let Err(finished) = self.initialize(job).await
        {
            return finished;
        }
        let Some(waiting) = self.waiting.take() else {
            return Finished { result: Err(AwsError::internal("the runtime does not wait")), after: After::Broken };
        };
        let begun = Instant::now();
        let deadline = begun + self.launch.timeout;
        self.log.note(&report::start(&job.request_id));
        let next = NextInvocation {
            request_id: job.request_id.clone(),
            function_arn: self.launch.function_arn.clone(),
            deadline_ms: report::now_ms() + i64::try_from(self.launch.timeout.as_millis()).unwrap_or(i64::MAX),
            trace_id: report::trace_id(),
            client_context: job.client_context.clone(),
            payload: job.payload.clone(),
        };
        if waiting.send(next).is_err() {
            // The runtime hung up while it waited: it is dead, and its exit tells why.
            tracing::debug!("a runtime went away while it waited");
        }
        let (outcome, is_answer) = loop {
            match self.event(deadline).await {
                Event::Call(RuntimeCall::Response { request_id, body, reply }) => {
                    if request_id != job.request_id {
                        let _ = reply.send(CallAnswer::InvalidRequestId);
                        continue;
                    }
                    match body {
                        Ok(body) => {
                            let _ = reply.send(CallAnswer::Accepted);
                            break (Ok(body), true);
                        }
                        Err(_) => {
                            let _ = reply.send(CallAnswer::TooLarge);
                            break (Err(response_too_large()), true);
                        }
                    }
                }
                Event::Call(RuntimeCall::Error { request_id, body, reply }) => {
                    if request_id != job.request_id {
                        let _ = reply.send(CallAnswer::InvalidRequestId);
                        continue;
                    }
                    match body {
                        Ok(payload) => {
                            let _ = reply.send(CallAnswer::Accepted);
                            break (Err(Failure::reported(payload, "")), true);
                        }
                        Err(_) => {
                            let _ = reply.send(CallAnswer::TooLarge);
                            break (Err(response_too_large()), true);
                        }
                    }
                }
                Event::Call(call) => refuse(call),
                Event::Exited(status) => break (Err(exited(&job.request_id, status)), false),
                Event::OutOfMemory => break (Err(out_of_memory(&job.request_id)), false),
                Event::Deadline => break (Err(timed_out(&job.request_id, self.launch.timeout)), false),
            }
        };
        let duration = begun.elapsed().min(self.launch.timeout);
        let after = if !is_answer {
            After::Broken
        } else if self.becomes_idle((Instant::now() + Duration::from_millis(200)).min(deadline)).await {
            After::Idle
        } else {
            After::Busy(deadline)
        };
        self.finish(job, outcome, duration, after)
    }

    /// Waits until the runtime has loaded the function.
    async fn initialize(&mut self, job: &Job) -> Result<(), Finished> {
        // AWS begins anew after ten seconds and then counts the function's own time-out; the sum is the same.
        let deadline = self.started + limits::INIT + self.launch.timeout;
        loop {
            let failure = match self.event(deadline).await {
                Event::Call(RuntimeCall::Ready) => {
                    self.is_ready = true;
                    continue;
                }
                Event::Call(RuntimeCall::Next { reply }) => {
                    self.waiting = Some(reply);
                    self.start = None;
                    self.init = Some(self.started.elapsed());
                    return Ok(());
                }
                Event::Call(RuntimeCall::InitError { error_type, body, reply }) => {
                    let _ = reply.send(CallAnswer::Accepted);
                    Failure::reported(body.unwrap_or_default(), &error_type)
                }
                Event::Call(call) => {
                    refuse(call);
                    continue;
                }
                Event::Exited(status) if !self.is_ready => {
                    let result = Err(self.isolation_failed(status));
                    return Err(Finished { result, after: After::Broken });
                }
                Event::Exited(status) => exited(&job.request_id, status),
                Event::OutOfMemory => out_of_memory(&job.request_id),
                Event::Deadline => timed_out(&job.request_id, self.launch.timeout),
            };
            self.process.log.drain(&mut self.log);
            self.log.note(&report::start(&job.request_id));
            let duration = self.started.elapsed();
            return Err(self.finish(job, Err(failure), duration, After::Broken));
        }
    }

    /// Closes the invocation's log and makes its result.
    fn finish(&mut self, job: &Job, outcome: Result<Bytes, Failure>, duration: Duration, after: After) -> Finished {
        self.measure();
        self.process.log.drain(&mut self.log);
        let (mut status, mut error_type) = (None, None);
        let (payload, function_error) = match outcome {
            Ok(payload) => (payload, None),
            Err(failure) => {
                if let Some(line) = &failure.log {
                    self.log.note(line);
                }
                if !failure.status.is_empty() {
                    status = Some(failure.status);
                    error_type = Some(failure.error_type).filter(|error_type| !error_type.is_empty());
                }
                (failure.payload, Some("Unhandled".to_owned()))
            }
        };
        let end = report::end(&report::Report {
            request_id: &job.request_id,
            duration,
            memory_mb: self.launch.memory_mb,
            peak_bytes: self.peak_bytes,
            init: self.init.take(),
            status,
            error_type: error_type.as_deref(),
        });
        self.log.note(&end);
        let (log_tail, lines) = self.log.take();
        self.launch.log.write(lines);
        let invocation =
            Invocation { payload, function_error, log_tail: log_tail.into(), executed_version: "$LATEST".to_owned() };
        Finished { result: Ok(invocation), after }
    }

    /// Whether the runtime asks for the next invocation before the deadline.
    async fn becomes_idle(&mut self, deadline: Instant) -> bool {
        loop {
            match self.event(deadline).await {
                Event::Call(RuntimeCall::Next { reply }) => {
                    self.waiting = Some(reply);
                    return true;
                }
                Event::Call(call) => refuse(call),
                Event::Exited(_) | Event::OutOfMemory | Event::Deadline => return false,
            }
        }
    }

    fn offer(&self, pool: &Weak<Pool>) -> Option<Offer> {
        if Instant::now() >= self.launch.last_use {
            return None;
        }
        pool.upgrade()?.offer(Idle {
            account: &self.launch.account,
            arn: &self.launch.function_arn,
            revision: &self.launch.revision,
            bytes: self.bytes,
        })
    }

    /// Waits, frozen, for the next job; nothing when the environment is to end.
    async fn rest(&mut self, mut offer: Offer, pool: &Weak<Pool>) -> Option<Job> {
        let since = Instant::now();
        let (mut tries, mut frozen) = (0, false);
        let mut next_look = since + limits::FREEZE_AFTER;
        let withdraw = || pool.upgrade().is_some_and(|pool| pool.withdraw(offer.id));
        let job = loop {
            tokio::select! {
                job = offer.jobs.recv() => break job,
                _ = self.process.child.wait() => {
                    withdraw();
                    return None;
                }
                // Nothing may be reported between invocations; the caller is told so.
                Some(call) = self.calls.recv() => refuse(call),
                () = self.process.log.read(&mut self.log) => {}
                () = sleep_until(next_look) => {
                    let all_stopped = self.tree.is_none_or(ProcessTree::freeze);
                    // Nobody watches the memory of a resting environment, so one that will not rest goes.
                    if !all_stopped && (frozen || tries == limits::FREEZE_TRIES) {
                        withdraw();
                        return None;
                    }
                    tries += 1;
                    frozen = all_stopped;
                    next_look += if frozen { limits::IDLE_WATCH } else { limits::FREEZE_PAUSE };
                }
                () = sleep_until(since + limits::IDLE) => {
                    if withdraw() || pool.strong_count() == 0 {
                        return None;
                    }
                    // It was taken this very moment: the job is on its way.
                    break offer.jobs.recv().await;
                }
            }
        };
        if let Some(tree) = self.tree {
            tree.thaw();
        }
        job
    }

    /// The next thing that happens to a running environment. Its output is read and its memory watched meanwhile.
    async fn event(&mut self, deadline: Instant) -> Event {
        loop {
            tokio::select! {
                Some(call) = self.calls.recv() => return Event::Call(call),
                status = self.process.child.wait() => return Event::Exited(status.ok()),
                () = self.process.log.read(&mut self.log) => {}
                () = sleep_until(deadline) => return Event::Deadline,
                _ = self.watch.tick() => {
                    if self.measure() {
                        self.kill();
                        return Event::OutOfMemory;
                    }
                }
            }
        }
    }

    /// Looks at what the environment uses. True when it is more than it may.
    fn measure(&mut self) -> bool {
        let Some(tree) = self.tree else { return false };
        let usage = tree.usage();
        self.bytes = usage.memory_bytes;
        self.peak_bytes = self.peak_bytes.max(usage.memory_bytes);
        let allowed_mb = self.launch.memory_mb.min(limits::MAX_MEMORY_MB) + limits::OWN_MEMORY_MB;
        usage.memory_bytes > allowed_mb * 1024 * 1024
            || usage.files > limits::TMP_FILES
            || usage.open_files > limits::ALL_OPEN_FILES
    }

    fn kill(&mut self) {
        if let Some(tree) = self.tree {
            tree.kill();
        }
        let _ = self.process.child.start_kill();
    }

    async fn end(mut self) {
        self.kill();
        let _ = self.process.child.wait().await;
        // Its files go with it, which may wait for the disk.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    fn isolation_failed(&mut self, status: Option<ExitStatus>) -> AwsError {
        self.process.log.drain(&mut self.log);
        let said = String::from_utf8_lossy(&self.log.take().0).trim().to_owned();
        tracing::error!(?status, said, "a function's environment could not be isolated");
        let reason = said.lines().next().unwrap_or("no reason given").to_owned();
        service_exception(format!(
            "The sandbox cannot isolate functions on this machine, so it does not run them. bubblewrap says: {reason}. \
             An ordinary user needs unprivileged user namespaces (kernel.unprivileged_userns_clone=1, and on Ubuntu \
             kernel.apparmor_restrict_unprivileged_userns=0)."
        ))
    }
}

impl LogDestination {
    fn write(&self, lines: Vec<LogLine>) {
        self.logs.write_function_log(FunctionLog {
            scope: self.scope.clone(),
            role: self.role.clone(),
            group: self.group.clone(),
            stream: self.stream.clone(),
            lines,
        });
    }
}

impl Failure {
    /// The runtime's own account of an error.
    fn reported(payload: Bytes, error_type: &str) -> Self {
        let status = if error_type.is_empty() { "" } else { "error" };
        Self { payload, log: None, status, error_type: error_type.to_owned() }
    }
}

/// What the launcher reads on its standard input.
fn orders(launch: &Launch) -> serde_json::Value {
    let inside = |name: &str| format!("{}/{name}", isolation::INSIDE);
    json!({
        "forward": [
            [runtime_port(launch.endpoint_port), inside(isolation::RUNTIME_SOCKET)],
            [launch.endpoint_port, inside(isolation::ENDPOINT_SOCKET)],
        ],
        "runtime": inside(isolation::RUNTIME_SOCKET),
        "folder": isolation::TASK_ROOT,
        "program": launch.program,
        "environment": launch.variables,
    })
}

/// The port of the Runtime API inside, as AWS has it unless the sandbox's own is the same.
pub(super) fn runtime_port(endpoint_port: u16) -> u16 {
    if endpoint_port == 9001 { 9002 } else { 9001 }
}

/// Answers a call that has no place now.
fn refuse(call: RuntimeCall) {
    match call {
        // Dropping the reply refuses it.
        RuntimeCall::Ready | RuntimeCall::Next { .. } => {}
        RuntimeCall::Response { reply, .. }
        | RuntimeCall::Error { reply, .. }
        | RuntimeCall::InitError { reply, .. } => {
            let _ = reply.send(CallAnswer::InvalidState);
        }
    }
}

fn error_document(error_type: &str, message: &str) -> Bytes {
    json!({ "errorType": error_type, "errorMessage": message }).to_string().into()
}

fn exited(request_id: &str, status: Option<ExitStatus>) -> Failure {
    let reason = match status.and_then(|status| status.code()) {
        Some(0) => "Runtime exited without providing a reason".to_owned(),
        // bwrap tells a signal as shells do.
        Some(code) if code > 128 => format!("Runtime exited with error: signal: {}", report::signal_name(code - 128)),
        Some(code) => format!("Runtime exited with error: exit status {code}"),
        None => "Runtime exited with error: signal: killed".to_owned(),
    };
    let message = format!("RequestId: {request_id} Error: {reason}");
    Failure {
        payload: error_document("Runtime.ExitError", &message),
        log: Some(format!("{message}\nRuntime.ExitError\n")),
        status: "error",
        error_type: "Runtime.ExitError".to_owned(),
    }
}

fn out_of_memory(request_id: &str) -> Failure {
    let message = format!("RequestId: {request_id} Error: Runtime exited with error: signal: killed");
    Failure {
        payload: error_document("Runtime.OutOfMemory", &message),
        log: Some(format!("{message}\nRuntime.OutOfMemory\n")),
        status: "error",
        error_type: "Runtime.OutOfMemory".to_owned(),
    }
}

fn timed_out(request_id: &str, timeout: Duration) -> Failure {
    let message = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
    Failure {
        payload: error_document("Sandbox.Timedout", &format!("RequestId: {request_id} Error: {message}")),
        log: Some(format!("{} {request_id} {message}\n\n", report::timestamp())),
        status: "timeout",
        error_type: String::new(),
    }
}

fn response_too_large() -> Failure {
    let message = format!("Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes).");
    Failure {
        payload: error_document("Function.ResponseSizeTooLarge", &message),
        log: None,
        status: "error",
        error_type: "Function.ResponseSizeTooLarge".to_owned(),
    }
}

fn cannot_isolate(isolation: &Isolation, error: &std::io::Error) -> AwsError {
    let PythonRuntime { bubblewrap, .. } = isolation.python();
    if error.kind() == std::io::ErrorKind::NotFound {
        return service_exception(format!(
            "Functions cannot run: bubblewrap, which isolates them, is not installed at {}. Install it (Debian and \
             Ubuntu: apt-get install bubblewrap) and invoke the function again.",
            bubblewrap.display()
        ));
    }
    AwsError::internal(format!("a function's environment did not start: {error}"))
}

fn service_exception(message: String) -> AwsError {
    AwsError::client("ServiceException", message).with_status(500).with_member("Type", json!("Service"))
}
