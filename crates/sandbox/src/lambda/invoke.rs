//! The operation `Invoke`, and invocations by other services of the sandbox.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use super::environment::{self, Job, Launch, LogDestination};
use super::errors::{access_denied, invalid_parameter, invalid_request_content, not_offered, too_large, validation};
use super::pool::{Admission, Start};
use super::store::{self, Function, State};
use super::{Invocation, Lambda, limits, operations, variables};
use crate::keyring::RoleSession;
use crate::{AwsError, Scope};

/// How long a role's credentials in an environment are good for.
const CREDENTIALS_LAST: Duration = Duration::from_secs(6 * 3600);
/// How long before their end an environment is not used any more: longer than any invocation takes.
const CREDENTIALS_MARGIN: Duration = Duration::from_secs(3600);
/// Times that an invocation is tried when its environment breaks before it begins.
const ATTEMPTS: usize = 3;
/// Largest `X-Amz-Client-Context`, bytes of base64, as AWS.
const MAX_CLIENT_CONTEXT: usize = 3583;

/// One invocation to be made.
pub(super) struct Request {
    pub request_id: String,
    pub payload: Bytes,
    pub client_context: Option<String>,
}

impl Request {
    pub(super) fn new(payload: Bytes) -> Self {
        // A function that is invoked without a payload gets an empty object.
        let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
        Self { request_id: Uuid::new_v4().to_string(), payload, client_context: None }
    }
}

impl Lambda {
    /// Answers `POST /2015-03-31/functions/{name}/invocations`.
    pub(super) async fn invoke_operation(
        &self,
        scope: &Scope,
        name: &str,
        version: Option<&str>,
        headers: &HeaderMap,
        payload: Bytes,
    ) -> Result<Response<Bytes>, AwsError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let function = self.find(scope, name, version).await?;
        for (name, what) in [
            ("x-amz-tenant-id", "tenants (TenantId)"),
            ("x-amz-durable-execution-name", "durable execution (DurableExecutionName)"),
        ] {
            if headers.contains_key(name) {
                return Err(not_offered(what));
            }
        }
        let kind = header("x-amz-invocation-type").unwrap_or("RequestResponse");
        let with_log = match header("x-amz-log-type") {
            None | Some("None") => false,
            Some("Tail") => true,
            Some(other) => return Err(validation(other, "logType", "satisfy enum value set: [Tail, None]")),
        };
        if !payload.is_empty() {
            serde_json::from_slice::<IgnoredAny>(&payload).map_err(|error| {
                invalid_request_content(format!(
                    "Could not parse request body into json: Could not parse payload into json: {error}"
                ))
            })?;
        }
        match kind {
            "RequestResponse" => {
                if payload.len() > limits::MAX_PAYLOAD_BYTES {
                    return Err(too_large(limits::MAX_PAYLOAD_BYTES, "InvokeFunction"));
                }
                let mut request = Request::new(payload);
                request.client_context = header("x-amz-client-context").map(client_context).transpose()?;
                let invocation = self.run(&function, request).await?;
                Ok(answer(invocation, with_log))
            }
            "Event" => {
                if payload.len() > limits::MAX_EVENT_PAYLOAD_BYTES {
                    return Err(too_large(limits::MAX_EVENT_PAYLOAD_BYTES, "InvokeFunction"));
                }
                if function.state() == State::Pending {
                    return Err(operations::is_pending());
                }
                self.accept_event(&function, Request::new(payload)).await?;
                Ok(empty(StatusCode::ACCEPTED))
            }
            "DryRun" => Ok(empty(StatusCode::NO_CONTENT)),
            other => {
                let all = "satisfy enum value set: [Event, RequestResponse, DryRun]";
                Err(validation(other, "invocationType", all))
            }
        }
    }

    /// Runs the function once, in a resting environment or a new one.
    pub(super) async fn run(&self, function: &Function, request: Request) -> Result<Invocation, AwsError> {
        if function.state() == State::Pending {
            return Err(operations::is_pending());
        }
        for _ in 0..ATTEMPTS {
            let running = self.inner.pool.enter(&function.scope.account)?;
            let Admission { place, start } = self.inner.pool.admit(&function.arn(), &function.revision_id).await?;
            let (reply, answer) = oneshot::channel();
            let job = Job {
                request_id: request.request_id.clone(),
                payload: request.payload.clone(),
                client_context: request.client_context.clone(),
                reply,
                running,
                place,
            };
            self.dispatch(function, job, start).await?;
            if let Ok(result) = answer.await {
                return result;
            }
        }
        Err(AwsError::internal(format!("the environments of {} break before they begin", function.arn())))
    }

    /// Gives the job to an environment that rests, or starts one. Where one rested a moment ago and is taken now, `start` is
    /// missing: it starts all the same.
    async fn dispatch(&self, function: &Function, mut job: Job, start: Option<Start>) -> Result<(), AwsError> {
        while let Some(jobs) = self.inner.pool.take(&function.arn(), &function.revision_id) {
            match jobs.try_send(job) {
                Ok(()) => return Ok(()),
                // It ended this very moment; the next one may do.
                Err(error) => job = error.into_inner(),
            }
        }
        let launch = self.launch(function).await?;
        let isolation = Arc::clone(&self.inner.isolation);
        tokio::spawn(environment::run(isolation, launch, start, job, Arc::downgrade(&self.inner.pool)));
        Ok(())
    }

    async fn launch(&self, function: &Function) -> Result<Launch, AwsError> {
        let endpoint = self.inner.endpoint.get().cloned();
        let endpoint =
            endpoint.ok_or_else(|| AwsError::internal("functions were invoked before the sandbox is open"))?;
        let scope = &function.scope;
        let role = &function.configuration.role;
        let denied = || access_denied("The role defined for the function cannot be assumed by Lambda.");
        if !self.inner.iam.may_assume(scope, role, super::PRINCIPAL).await? {
            return Err(denied());
        }
        let (_, role) = self.inner.iam.role_by_arn(role).await?.ok_or_else(denied)?;
        let code = store::code(&self.inner.database, function).await?;
        let code = code.ok_or_else(|| {
            // Deleted or changed between two reads: the caller finds out by asking again.
            super::errors::conflict(format!("The function {} was changed while it was invoked.", function.arn()))
        })?;
        let last_use = Instant::now() + CREDENTIALS_LAST - CREDENTIALS_MARGIN;
        let session = RoleSession {
            account: &scope.account,
            role: &role.role_name,
            role_id: &role.role_id,
            session_name: &function.name,
            policy: None,
        };
        let credentials = self.inner.keyring.session_credentials(&session, CREDENTIALS_LAST)?;
        let interpreter = self.inner.isolation.python().interpreter.to_string_lossy().into_owned();
        let handler = function.configuration.handler.clone();
        let log_stream = variables::new_log_stream();
        Ok(Launch {
            account: scope.account.clone(),
            function_arn: function.arn(),
            revision: function.revision_id.clone(),
            code,
            program: vec![interpreter, "-m".to_owned(), "awslambdaric".to_owned(), handler],
            variables: variables::of(function, &credentials, &log_stream, self.inner.endpoint_port),
            endpoint_port: self.inner.endpoint_port,
            endpoint,
            timeout: Duration::from_secs(function.configuration.timeout_seconds.into()),
            memory_mb: function.configuration.memory_mb.into(),
            log: LogDestination {
                logs: self.inner.logs.clone(),
                scope: scope.clone(),
                role: role.role_name.clone(),
                group: function.configuration.log_group.clone(),
                stream: log_stream,
            },
            last_use,
        })
    }
}

fn answer(invocation: Invocation, with_log: bool) -> Response<Bytes> {
    let mut response = Response::new(invocation.payload);
    let log = with_log.then(|| STANDARD.encode(&invocation.log_tail));
    let headers = [
        ("content-type", Some("application/json".to_owned())),
        ("x-amz-executed-version", Some(invocation.executed_version)),
        ("x-amz-function-error", invocation.function_error),
        ("x-amz-log-result", log),
    ];
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// The JSON in `X-Amz-Client-Context`, in a form that fits one header line.
fn client_context(header: &str) -> Result<String, AwsError> {
    if header.len() > MAX_CLIENT_CONTEXT {
        return Err(invalid_parameter("Client context must be no more than 3583 bytes."));
    }
    let json: Option<serde_json::Value> =
        STANDARD.decode(header).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match json {
        Some(context @ serde_json::Value::Object(_)) => Ok(json!(context).to_string()),
        _ => Err(invalid_request_content("Client context must be a valid Base64-encoded JSON object.")),
    }
}
