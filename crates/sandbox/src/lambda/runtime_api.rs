//! The Lambda Runtime API (version 2018-06-01), the HTTP interface by which a runtime gets invocations and answers them.
//!
//! Here is only the protocol; what each call means is decided by the environment (`environment`), which gets every call
//! over a channel and answers it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::unix_server::Turn;

/// The largest answer of a function: 6 MiB and a little for what surrounds it, as AWS has it.
pub(super) const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024 + 100;
/// How long the runtime may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

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
    let (mut parts, body) = request.into_parts();
    let turn: Turn = parts.extensions.remove().unwrap_or_default();
    let path: Vec<&str> = parts.uri.path().trim_start_matches('/').split('/').collect();
    match (&parts.method, path.as_slice()) {
        (&Method::POST, ["ready"]) => {
            let _ = calls.send(RuntimeCall::Ready).await;
            Response::new(Body::empty())
        }
        (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => next(&calls).await,
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
            let request_id = (*id).to_owned();
            report(&calls, &turn, body, |body, reply| RuntimeCall::Response { request_id, body, reply }).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
            let request_id = (*id).to_owned();
            report(&calls, &turn, body, |body, reply| RuntimeCall::Error { request_id, body, reply }).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
            let error_type = error_type(&parts.headers);
            report(&calls, &turn, body, |body, reply| RuntimeCall::InitError { error_type, body, reply }).await
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

/// Reads a body and reports it. An environment has only one in memory at a time, until it is answered.
async fn report(
    calls: &mpsc::Sender<RuntimeCall>,
    turn: &Turn,
    body: Body,
    call: impl FnOnce(Result<Bytes, TooLarge>, oneshot::Sender<CallAnswer>) -> RuntimeCall,
) -> Response<Body> {
    let _turn = turn.take().await;
    let Some(body) = read(body, BODY_TIME).await else {
        return message(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "The request's body did not come in time.");
    };
    let (reply, answer) = oneshot::channel();
    let asked = calls.send(call(body, reply)).await;
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

/// The body; nothing when it does not come whole in time, or the connection breaks off.
async fn read(body: Body, time: Duration) -> Option<Result<Bytes, TooLarge>> {
    match tokio::time::timeout(time, Limited::new(body, MAX_RESPONSE_BYTES).collect()).await.ok()? {
        Ok(collected) => Some(Ok(collected.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Some(Err(TooLarge)),
        Err(_) => None,
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn an_environment_has_one_body_at_a_time() {
        let (sender, mut calls) = mpsc::channel(16);
        let turn = Turn::default();
        let post = |id: &str, body: Body| {
            let mut request =
                Request::post(format!("/2018-06-01/runtime/invocation/{id}/response")).body(body).unwrap();
            request.extensions_mut().insert(turn.clone());
            tokio::spawn(answer(sender.clone(), request))
        };
        let (mut first_body, rest) = futures::channel::mpsc::channel::<Result<Bytes, Infallible>>(1);
        let first = post("first", Body::from_stream(rest));
        first_body.try_send(Ok(Bytes::from_static(b"1"))).unwrap();
        while first_body.try_send(Ok(Bytes::from_static(b"2"))).is_err() {
            tokio::task::yield_now().await;
        }
        let second = post("second", Body::from("3"));
        for _ in 0..100 {
            tokio::task::yield_now().await;
            assert!(calls.try_recv().is_err(), "the second body was read beside the first");
        }
        drop(first_body);
        for (expected, task) in [("first", first), ("second", second)] {
            let Some(RuntimeCall::Response { request_id, reply, .. }) = calls.recv().await else {
                panic!("{expected} was not reported")
            };
            assert_eq!(request_id, expected);
            reply.send(CallAnswer::Accepted).unwrap();
            assert_eq!(task.await.unwrap().status(), StatusCode::ACCEPTED);
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_whole_is_no_answer() {
        let stalled = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert!(read(stalled, Duration::from_millis(20)).await.is_none());
        let broken = Body::from_stream(stream::iter([Ok(Bytes::from_static(b"1")), Err("gone")]));
        assert!(read(broken, BODY_TIME).await.is_none());
        let large = Body::from(vec![0; MAX_RESPONSE_BYTES + 1]);
        assert!(matches!(read(large, BODY_TIME).await, Some(Err(TooLarge))));
        assert_eq!(read(Body::from("{}"), BODY_TIME).await.unwrap().unwrap(), "{}");
    }
}
