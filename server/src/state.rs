//! What all requests share.

use std::sync::Arc;

use app::error::BackendError;
use app::model::LabChoice;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use lab::{Engine, Lab, Variables};
use sandbox::AccountId;
use store::{Learner, Store, StoreError};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::checking;
use crate::class_news::ClassNews;
use crate::config::LabsFor;
use crate::connect::{Connector, LiveMode};
use crate::desk::{Access, Basis, Desk, Desks};
use crate::place::Place;
use crate::request_id;
use crate::sandbox_access::SandboxAccess;

/// The region in which a learner's sandbox account starts.
pub const REGION: &str = "us-east-1";

/// The shared state. Cheap to clone.
#[derive(Clone)]
pub struct Headwater {
    parts: Arc<Parts>,
}

struct Parts {
    store: Store,
    sandbox: SandboxAccess,
    /// In the order of `Engine::ALL`.
    labs: [Lab; 3],
    connector: Connector,
    desks: Desks,
    /// Connections to the sandbox, shared by all learners' clients.
    http: SharedHttpClient,
    admission: Admission,
    class_news: ClassNews,
    shutdown: CancellationToken,
}

/// Whom the server lets in.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// Learners that may exist at once.
    pub max_learners: u32,
    pub labs_for: LabsFor,
}

/// A learner at work: what is durable, and what is in memory.
#[derive(Clone)]
pub struct Seat {
    pub learner: Learner,
    pub place: Place,
    pub variables: Variables,
    pub desk: Arc<Desk>,
}

impl Headwater {
    /// Joins the parts that the command opened.
    /// `shutdown`: cancelled when the server is to stop.
    pub fn new(
        store: Store,
        sandbox: SandboxAccess,
        connector: Connector,
        admission: Admission,
        shutdown: CancellationToken,
    ) -> Self {
        let labs = Engine::ALL.map(Lab::embedded_for);
        let (desks, http, class_news) = (Desks::default(), http_client(), ClassNews::default());
        Self {
            parts: Arc::new(Parts { store, sandbox, labs, connector, desks, http, admission, class_news, shutdown }),
        }
    }

    /// Cancelled when the server is to stop: what is looked at in the background ends then.
    pub fn shutdown(&self) -> &CancellationToken {
        &self.parts.shutdown
    }

    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    pub fn sandbox(&self) -> &SandboxAccess {
        &self.parts.sandbox
    }

    /// The lab in which this engine counts.
    pub fn lab(&self, engine: Engine) -> &Lab {
        let position = Engine::ALL.iter().position(|other| *other == engine).unwrap_or_default();
        &self.parts.labs[position]
    }

    /// The kinds of labs that this server has to offer, the usual one first.
    pub fn offered_labs(&self) -> Vec<LabChoice> {
        let accounts = self.parts.connector.mode() != LiveMode::Off;
        LabChoice::ALL.into_iter().filter(|choice| accounts || !choice.is_account()).collect()
    }

    /// How learners' own accounts are reached.
    pub fn connector(&self) -> &Connector {
        &self.parts.connector
    }

    pub fn desks(&self) -> &Desks {
        &self.parts.desks
    }

    /// A number that differs from the one before if something in the learner's account has changed in between; `None` where
    /// nobody can tell without asking, as of AWS.
    pub fn changes(&self, seat: &Seat) -> Option<u64> {
        if seat.place != Place::Sandbox {
            return None;
        }
        seat.learner.account.parse().ok().and_then(|account| self.parts.sandbox.changes(&account))
    }

    /// Who is told of news of learners in classes.
    pub fn class_news(&self) -> &ClassNews {
        &self.parts.class_news
    }

    /// Who may start a lab.
    pub fn labs_for(&self) -> LabsFor {
        self.parts.admission.labs_for
    }

    /// Makes a sandbox account, unless the server holds as many learners as it was told to.
    pub async fn new_account(&self) -> Result<AccountId, BackendError> {
        self.refuse_when_full().await?;
        self.parts.sandbox.new_account().await.map_err(internal)
    }

    /// An error when the server holds as many learners, or sandbox accounts, as it was told to.
    pub async fn refuse_when_full(&self) -> Result<(), BackendError> {
        let accounts = self.parts.sandbox.count_accounts().await.map_err(internal)?;
        let learners = self.parts.store.count_learners().await.map_err(store_failed)?;
        if u64::from(accounts).max(learners) >= u64::from(self.parts.admission.max_learners) {
            return Err(BackendError::Refused {
                message: "This server is full: it has as many learners as it was set up for. Ask whoever runs it."
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// The learner with everything needed to work for them.
    pub fn seat(&self, learner: Learner) -> Result<Seat, BackendError> {
        let mut variables: Variables = serde_json::from_value(learner.variables.clone()).map_err(internal)?;
        let place: Place = serde_json::from_value(learner.place.clone()).map_err(internal)?;
        if place == Place::Sandbox {
            // The endpoint is the server's to tell: it may have moved since the learner began.
            self.parts.sandbox.endpoint_url().clone_into(&mut variables.endpoint);
        }
        let basis = basis(&learner, &place, &variables);
        let access = || self.access(&learner, &place, &variables);
        let desk = self.parts.desks.of(&learner.id, || Ok(Desk::new(basis.clone(), access()?)))?;
        if !desk.stands_on(&basis) {
            desk.set_access(basis, access()?);
        }
        Ok(Seat { learner, place, variables, desk })
    }

    fn access(&self, learner: &Learner, place: &Place, variables: &Variables) -> Result<Access, BackendError> {
        Ok(match place {
            Place::Sandbox => {
                let account: AccountId = learner.account.parse().map_err(internal)?;
                Access::to_sandbox(&self.parts.sandbox, account, &variables.region, &self.parts.http)
            }
            Place::Account { connected: None } => {
                Access::new(self.parts.connector.unconnected(&variables.region), Vec::new())
            }
            Place::Account { connected: Some(connected) } if !self.parts.connector.serves(&connected.connection) => {
                Access::new(self.parts.connector.unconnected(&variables.region), Vec::new())
            }
            Place::Account { connected: Some(connected) } => {
                let subject = checking::names(variables);
                let sdk = self.parts.connector.sdk(&connected.connection, &subject);
                Access::to_account(&variables.account, sdk, connected.other_regions.clone())
            }
        })
    }
}

impl Seat {
    /// An error while the learner's own account is not connected: there is nothing to work on.
    pub fn refuse_unconnected(&self) -> Result<(), BackendError> {
        if self.place.awaits_connection() {
            return Err(BackendError::Refused { message: "Connect your account first, in step 0.".to_owned() });
        }
        Ok(())
    }

    /// What counts the clicks in this learner's lab.
    pub fn engine(&self) -> Engine {
        self.variables.engine
    }
}

fn basis(learner: &Learner, place: &Place, variables: &Variables) -> Basis {
    Basis {
        place: place.clone(),
        account: learner.account.clone(),
        region: variables.region.clone(),
        endpoint: variables.endpoint.clone(),
        names: place.connected().map(|_| variables.clone()),
    }
}

/// The sandbox is on plain HTTP: no certificates need to be loaded.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// Logs the cause once and tells the learner nothing of it.
pub fn internal(cause: impl std::fmt::Display) -> BackendError {
    tracing::error!(%cause, "a request failed");
    BackendError::Internal { request: request_id::current() }
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
