//! What all requests share.

use std::sync::Arc;

use app::error::BackendError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use lab::{Lab, Variables};
use sandbox::{AccountId, Sandbox};
use store::{Learner, Store, StoreError};
use time::OffsetDateTime;

use crate::desk::{Desk, Desks};

/// The region in which a learner's sandbox account starts.
pub const REGION: &str = "us-east-1";

/// The shared state. Cheap to clone.
#[derive(Clone)]
pub struct Headwater {
    parts: Arc<Parts>,
}

struct Parts {
    store: Store,
    sandbox: Sandbox,
    lab: Lab,
    desks: Desks,
    /// Connections to the sandbox, shared by all learners' clients.
    http: SharedHttpClient,
    /// Learners that may exist at once.
    max_learners: u32,
}

/// A learner at work: what is durable, and what is in memory.
#[derive(Clone)]
pub struct Seat {
    pub learner: Learner,
    pub variables: Variables,
    pub desk: Arc<Desk>,
}

impl Headwater {
    /// Joins the parts that the command opened.
    pub fn new(store: Store, sandbox: Sandbox, lab: Lab, max_learners: u32) -> Self {
        Self {
            parts: Arc::new(Parts { store, sandbox, lab, desks: Desks::default(), http: http_client(), max_learners }),
        }
    }

    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.parts.sandbox
    }

    pub fn lab(&self) -> &Lab {
        &self.parts.lab
    }

    pub fn desks(&self) -> &Desks {
        &self.parts.desks
    }

    /// Makes a sandbox account, unless the server holds as many learners as it was told to.
    pub async fn new_account(&self) -> Result<AccountId, BackendError> {
        if self.parts.sandbox.count_accounts().await.map_err(internal)? >= self.parts.max_learners {
            return Err(BackendError::Refused {
                message: "This server is full: it has as many learners as it was set up for. Ask whoever runs it."
                    .to_owned(),
            });
        }
        self.parts.sandbox.new_account().await.map_err(internal)
    }

    /// The learner with everything needed to work for them.
    pub fn seat(&self, learner: Learner) -> Result<Seat, BackendError> {
        let mut variables: Variables = serde_json::from_value(learner.variables.clone()).map_err(internal)?;
        // The endpoint is the server's to tell: it may have moved since the learner began.
        variables.endpoint.clone_from(&self.parts.sandbox.config().endpoint_url);
        let account: AccountId = learner.account.parse().map_err(internal)?;
        let desk = self.parts.desks.of(&learner.id, || {
            let key = self.parts.sandbox.service_credentials(&account);
            Desk::new(&key, &variables, &self.parts.http)
        });
        Ok(Seat { learner, variables, desk })
    }
}

/// The sandbox is on plain HTTP: no certificates need to be loaded.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// Logs the cause once and tells the learner nothing of it.
pub fn internal(cause: impl std::fmt::Display) -> BackendError {
    tracing::error!(%cause, "a request failed");
    BackendError::Internal
}

/// The same for the store's errors.
pub fn store_failed(cause: StoreError) -> BackendError {
    match cause {
        StoreError::NoSuchLearner => BackendError::NoLearner,
        cause => internal(cause),
    }
}

/// The time now, in UTC.
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
