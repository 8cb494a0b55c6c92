//! `POST /api/sandbox/accounts`: a sandbox account for scripts, without a learner.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::router::WebState;
use crate::state::REGION;

/// Path of the route.
pub const PATH: &str = "/api/sandbox/accounts";

/// A new account with its first key, told this once.
#[derive(Serialize, Deserialize)]
pub struct NewAccount {
    pub account_id: String,
    pub region: String,
    pub endpoint_url: String,
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl NewAccount {
    /// The lines that a shell evaluates.
    pub fn export_lines(&self) -> String {
        format!(
            "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\nexport AWS_DEFAULT_REGION={}\nexport \
             AWS_ENDPOINT_URL={}\n",
            self.access_key_id, self.secret_access_key, self.region, self.endpoint_url
        )
    }
}

/// Makes the account.
pub async fn new_account(State(state): State<WebState>) -> Response {
    let sandbox = state.headwater.sandbox();
    let account = match state.headwater.new_account().await {
        Ok(account) => account,
        Err(error) => return (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    };
    let key = match sandbox.create_access_key(&account).await {
        Ok(key) => key,
        Err(error) => return (StatusCode::INTERNAL_SERVER_ERROR, error.code).into_response(),
    };
    let answer = NewAccount {
        account_id: account.as_str().to_owned(),
        region: REGION.to_owned(),
        endpoint_url: sandbox.endpoint_url().to_owned(),
        access_key_id: key.id.clone(),
        secret_access_key: key.secret.expose_secret().to_owned(),
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
