//! The status of a server function that refuses.
//!
//! Leptos answers every refusal with 500. A mistake in a form is no failure of the server: it must not be logged as one.

use app::error::BackendError;
use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Collected};
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;

/// Sets the status that says whose fault it was; pages read the error from the body.
pub async fn with_status(answer: Response) -> Response {
    if answer.status() != StatusCode::INTERNAL_SERVER_ERROR || !answer.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    // The body of an error is in memory already.
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    if let Ok(error) = serde_json::from_slice::<BackendError>(&body) {
        parts.status = status(&error);
    }
    Response::from_parts(parts, Body::from(body))
}

/// The answer to a form that cannot be read.
pub fn unreadable(status: StatusCode, message: &str) -> Response {
    (status, Json(BackendError::Refused { message: message.to_owned() })).into_response()
}

/// The status that says whose fault an error was.
pub fn status(error: &BackendError) -> StatusCode {
    match error {
        BackendError::NotFound => StatusCode::NOT_FOUND,
        BackendError::NoLearner | BackendError::NotSignedIn => StatusCode::UNAUTHORIZED,
        BackendError::NotAllowed => StatusCode::FORBIDDEN,
        BackendError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        BackendError::Refused { .. } | BackendError::Busy => StatusCode::CONFLICT,
        BackendError::Internal { .. } | BackendError::Unreachable => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
