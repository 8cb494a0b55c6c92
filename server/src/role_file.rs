//! `GET /connect/headwater-role.json`: the learner's role as a file for CloudFormation.

use app::error::BackendError;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use crate::router::WebState;
use crate::{backend, views};

/// The template for the learner of the session. 404 until the learner has told the account, and where roles are not used.
pub async fn cloudformation(State(state): State<WebState>, session: Session) -> Response {
    match template(&state, &session).await {
        Ok(Some(template)) => (
            [
                (header::CONTENT_TYPE, "application/json"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"headwater-role.json\""),
            ],
            template,
        )
            .into_response(),
        Ok(None) => {
            (StatusCode::NOT_FOUND, "Tell the number of your account on the Connect step first.").into_response()
        }
        Err(BackendError::NoLearner) => StatusCode::UNAUTHORIZED.into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

async fn template(state: &WebState, session: &Session) -> Result<Option<String>, BackendError> {
    let seat = backend::seat(&state.headwater, session).await?.ok_or(BackendError::NoLearner)?;
    match views::offer(&state.headwater, &seat).await? {
        None => Ok(None),
        Some(Ok(offer)) => Ok(Some(offer.cloudformation())),
        Some(Err(message)) => Err(BackendError::Refused { message }),
    }
}
