//! The Lambda Runtime API (version 2018-06-01), the HTTP interface by which a runtime gets invocations and answers them.
//!
//! Here is only the protocol; what each call means is decided by the environment (`environment`), which gets every call
//! over a channel and answers it.

use axum::body::{Body, Bytes};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

/// The largest answer of a function: 6 MiB and a little for what surrounds it, as AWS has it.
pub(super) const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024 + 100;

/// A call of the runtime. Dropping the reply makes the call fail.
#[derive(Debug)]
pub(super) enum RuntimeCall {
    /// Our launcher runs inside the isolation; the runtime comes next.
    Ready,
    /// `GET /runtime/invocation/next`
    Next { reply: oneshot::Sender<NextInvocation> },
    /// `POST /runtime/invocation/{id}/response`
    Response { request_id: String, body: Result<Bytes, TooLarge>, reply: oneshot::Sender<CallAnswer> },
    /// `POST /runtime/invocation/{id}/error`
    Error { request_id: String, body: Result<Bytes, TooLarge>, reply: oneshot::Sender<CallAnswer> },
    /// `POST /runtime/init/error`
    InitError { error_type: String, body: Result<Bytes, TooLarge>, reply: oneshot::Sender<CallAnswer> },
}

/// The body was larger than [`MAX_RESPONSE_BYTES`].
#[derive(Clone, Copy, Debug)]
pub(super) struct TooLarge;

/// One invocation as the runtime gets it.
#[derive(Debug)]
pub(super) struct NextInvocation {
    pub request_id: String,
    pub function_arn: String,
    /// When the invocation times out, milliseconds since 1970.
    pub deadline_ms: i64,
    pub trace_id: String,
    /// JSON of `X-Amz-Client-Context`.
    pub client_context: Option<String>,
    pub payload: Bytes,
}

/// What a call that reports something is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallAnswer {
    Accepted,
    TooLarge,
    /// The id is not that of the invocation under way.
    InvalidRequestId,
    /// The call has no place in the environment's present state.
    InvalidState,
}

/// Answers one request of the runtime by asking the environment behind `calls`.
pub(super) async fn answer(calls: mpsc::Sender<RuntimeCall>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path: Vec<&str> = parts.uri.path().trim_start_matches('/').split('/').collect();
    match (&parts.method, path.as_slice()) {
        (&Method::POST, ["ready"]) => {
            let _ = calls.send(RuntimeCall::Ready).await;
            Response::new(Body::empty())
        }
        (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => next(&calls).await,
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
            let (request_id, body) = ((*id).to_owned(), read(body).await);
            report(&calls, |reply| RuntimeCall::Response { request_id, body, reply }).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
            let (request_id, body) = ((*id).to_owned(), read(body).await);
            report(&calls, |reply| RuntimeCall::Error { request_id, body, reply }).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
            let error_type = error_type(&parts.headers);
            let body = read(body).await;
            report(&calls, |reply| RuntimeCall::InitError { error_type, body, reply }).await
        }
        _ => message(StatusCode::NOT_FOUND, "UnknownOperation", "The Runtime API has no such path."),
    }
}

async fn next(calls: &mpsc::Sender<RuntimeCall>) -> Response<Body> {
    let (reply, invocation) = oneshot::channel();
    let asked = calls.send(RuntimeCall::Next { reply }).await;
    let (Ok(()), Ok(next)) = (asked, invocation.await) else { return invalid_state() };
    let mut response = Response::new(Body::from(next.payload));
    let headers = [
        ("content-type", Some("application/json".to_owned())),
        ("lambda-runtime-aws-request-id", Some(next.request_id)),
        ("lambda-runtime-invoked-function-arn", Some(next.function_arn)),
        ("lambda-runtime-deadline-ms", Some(next.deadline_ms.to_string())),
        ("lambda-runtime-trace-id", Some(next.trace_id)),
        ("lambda-runtime-client-context", next.client_context),
    ];
    for (name, value) in headers {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn report(
    calls: &mpsc::Sender<RuntimeCall>,
    call: impl FnOnce(oneshot::Sender<CallAnswer>) -> RuntimeCall,
) -> Response<Body> {
    let (reply, answer) = oneshot::channel();
    let asked = calls.send(call(reply)).await;
    let (Ok(()), Ok(answer)) = (asked, answer.await) else { return invalid_state() };
    match answer {
        CallAnswer::Accepted => status(StatusCode::ACCEPTED, &json!({ "status": "OK" })),
        CallAnswer::TooLarge => message(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            &format!("Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."),
        ),
        CallAnswer::InvalidRequestId => message(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        CallAnswer::InvalidState => invalid_state(),
    }
}

async fn read(body: Body) -> Result<Bytes, TooLarge> {
    match Limited::new(body, MAX_RESPONSE_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(TooLarge),
        // The connection broke off: there is nobody to tell, and what came is no answer.
        Err(_) => Ok(Bytes::new()),
    }
}

fn error_type(headers: &HeaderMap) -> String {
    let value = headers.get("lambda-runtime-function-error-type").and_then(|value| value.to_str().ok());
    value.filter(|value| value.len() <= 256).unwrap_or("Runtime.Unknown").to_owned()
}

fn invalid_state() -> Response<Body> {
    message(StatusCode::FORBIDDEN, "InvalidStateTransition", "Transition is not allowed in the current state.")
}

fn message(code: StatusCode, error_type: &str, text: &str) -> Response<Body> {
    status(code, &json!({ "errorMessage": text, "errorType": error_type }))
}

fn status(code: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = code;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}
