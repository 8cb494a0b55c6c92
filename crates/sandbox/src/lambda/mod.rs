//! AWS Lambda: functions in real Python processes, under bubblewrap, over the Lambda Runtime API (`rest-json`, 2015-03-31).
//!
//! An invocation finds its function (`store`), takes a resting environment from the `pool` or starts one (`environment`,
//! under `isolation`), and hands it the payload by the `runtime_api`. The code inside reaches the sandbox's endpoint by a
//! socket that its environment has for that.

mod code;
mod configuration;
mod environment;
mod errors;
mod event_source;
mod events;
mod function_name;
mod invoke;
mod isolation;
mod limits;
mod log;
mod memory;
mod operations;
mod policy;
mod pool;
mod process_tree;
mod report;
mod routes;
mod runtime_api;
mod seccomp;
mod store;
mod tags;
mod unix_server;
mod variables;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use serde_json::Value;

pub use self::event_source::EventSources;
use self::events::Events;
use self::isolation::Isolation;
use self::pool::Pool;
use self::routes::Route;
use crate::iam::Iam;
use crate::keyring::Keyring;
use crate::logs::Logs;
use crate::{AwsError, Caller, Database, SandboxConfig, Scope};

/// Who assumes a function's role.
const PRINCIPAL: &str = "lambda.amazonaws.com";

/// Answers a request that a function sends to the sandbox's endpoint, as the front door answers any client.
pub(crate) type Endpoint = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Functions and the processes that run them. Cheap to clone; the processes end with the last clone.
#[derive(Clone)]
pub struct Lambda {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    iam: Iam,
    keyring: Keyring,
    logs: Logs,
    isolation: Arc<Isolation>,
    pool: Arc<Pool>,
    events: Arc<Events>,
    endpoint: OnceLock<Endpoint>,
    /// Port at which a function finds the sandbox on its own loopback.
    endpoint_port: u16,
}

/// What an invocation came to, as the `Invoke` operation tells it.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function's answer, or the error document when `function_error` is set.
    pub payload: Bytes,
    /// `Unhandled` when the function failed (header `X-Amz-Function-Error`).
    pub function_error: Option<String>,
    /// The last 4 KB of what the function wrote, not yet base64 (header `X-Amz-Log-Result`).
    pub log_tail: Bytes,
    /// The version that ran, `$LATEST`.
    pub executed_version: String,
}

impl Lambda {
    /// `keyring` gives a function the temporary credentials of its role, which `iam` must let Lambda assume; `logs` takes what
    /// it prints.
    pub(crate) fn new(database: Database, config: &SandboxConfig, iam: Iam, keyring: Keyring, logs: Logs) -> Self {
        let folder = config.data_dir.join("environments");
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let inner = Inner {
            database,
            iam,
            keyring,
            logs,
            isolation: Arc::new(Isolation::new(config.python.clone(), folder)),
            pool: Pool::new(memory::for_resting(), cores),
            events: Arc::default(),
            endpoint: OnceLock::new(),
            endpoint_port: endpoint_port(&config.endpoint_url),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Makes functions able to run, with `endpoint` to answer what they ask of the sandbox, and takes up the asynchronous
    /// invocations that were accepted before a restart.
    pub(crate) async fn resume(&self, endpoint: Endpoint) -> Result<(), AwsError> {
        let isolation = Arc::clone(&self.inner.isolation);
        tokio::task::spawn_blocking(move || isolation.prepare())
            .await
            .map_err(AwsError::internal)?
            .map_err(|error| AwsError::internal(format!("the folder for functions cannot be used: {error}")))?;
        if self.inner.endpoint.set(endpoint).is_ok() {
            tokio::spawn(Self::run_events(Arc::downgrade(&self.inner)));
        }
        Ok(())
    }

    /// Answers one HTTP request, whose signature is verified; paths are as the Lambda API has them
    /// (`/2015-03-31/functions/...`), still percent-encoded. Errors are rendered by the front door.
    pub(crate) async fn handle(&self, caller: Caller, request: Request<Bytes>) -> Result<Response<Bytes>, AwsError> {
        let (parts, body) = request.into_parts();
        let scope = &caller.scope;
        let query = query(&parts.uri)?;
        let version = query.get("Qualifier").map(String::as_str);
        match routes::route(&parts.method, parts.uri.path()) {
            Route::CreateFunction => json_answer(StatusCode::CREATED, &self.create_function(scope, &body).await?),
            Route::ListFunctions => ok(&self.list_functions(scope, &query).await?),
            Route::GetFunction(name) => ok(&self.get_function(scope, &name, version).await?),
            Route::GetFunctionConfiguration(name) => ok(&self.find(scope, &name, version).await?.answer()),
            Route::UpdateFunctionCode(name) => ok(&self.update_function_code(scope, &name, &body).await?),
            Route::UpdateFunctionConfiguration(name) => {
                ok(&self.update_function_configuration(scope, &name, &body).await?)
            }
            Route::DeleteFunction(name) => no_content(self.delete_function(scope, &name, version).await?),
            Route::Invoke(name) => self.invoke_operation(scope, &name, version, &parts.headers, body).await,
            Route::ListVersionsByFunction(name) => ok(&self.list_versions(scope, &name).await?),
            Route::GetAccountSettings => ok(&self.account_settings(scope).await?),
            Route::GetPolicy(name) => ok(&self.get_policy(scope, &name, version).await?),
            Route::AddPermission(name) => {
                json_answer(StatusCode::CREATED, &self.add_permission(scope, &name, version, &body).await?)
            }
            Route::RemovePermission(name, id) => no_content(self.remove_permission(scope, &name, &id, &query).await?),
            Route::ListTags(arn) => ok(&self.list_tags(scope, &arn).await?),
            Route::TagResource(arn) => no_content(self.tag_resource(scope, &arn, &body).await?),
            Route::UntagResource(arn) => {
                no_content(self.untag_resource(scope, &arn, &repeated(&parts.uri, "tagKeys")?).await?)
            }
            // They have a service of their own, which asks this one for everything else.
            Route::CreateEventSourceMapping
            | Route::ListEventSourceMappings
            | Route::GetEventSourceMapping(_)
            | Route::UpdateEventSourceMapping(_)
            | Route::DeleteEventSourceMapping(_) => {
                Err(AwsError::internal("event source mappings are not routed here"))
            }
            Route::Unknown(operation) => Err(AwsError::unknown_operation("lambda", &operation)),
        }
    }

    /// Invokes a function synchronously, as Firehose and the SQL application do. `function` is a name, a partial ARN or an
    /// ARN, with or without a version. Errors: `ResourceNotFoundException`, `TooManyRequestsException`, ...
    pub(crate) async fn invoke(&self, scope: &Scope, function: &str, payload: Bytes) -> Result<Invocation, AwsError> {
        if payload.len() > limits::MAX_PAYLOAD_BYTES {
            return Err(errors::too_large(limits::MAX_PAYLOAD_BYTES, "InvokeFunction"));
        }
        let function = self.find(scope, function, None).await?;
        self.run(&function, invoke::Request::new(payload)).await
    }
}

/// The port of the sandbox's endpoint, if an unprivileged program may listen there; the sandbox's usual one otherwise.
fn endpoint_port(endpoint_url: &str) -> u16 {
    let port = endpoint_url.parse::<Uri>().ok().and_then(|uri| uri.port_u16());
    port.filter(|port| *port >= 1024).unwrap_or(4566)
}

fn query(uri: &Uri) -> Result<BTreeMap<String, String>, AwsError> {
    let pairs: Vec<(String, String)> = pairs(uri)?;
    Ok(pairs.into_iter().collect())
}

fn repeated(uri: &Uri, name: &str) -> Result<Vec<String>, AwsError> {
    Ok(pairs(uri)?.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect())
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, AwsError> {
    serde_urlencoded::from_str(uri.query().unwrap_or_default())
        .map_err(|error| AwsError::client("InvalidQueryParameter", error.to_string()))
}

fn ok(answer: &Value) -> Result<Response<Bytes>, AwsError> {
    json_answer(StatusCode::OK, answer)
}

fn no_content((): ()) -> Result<Response<Bytes>, AwsError> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn json_answer(status: StatusCode, answer: &Value) -> Result<Response<Bytes>, AwsError> {
    let mut response = Response::new(serde_json::to_vec(answer).map(Bytes::from).map_err(AwsError::internal)?);
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    Ok(response)
}
