//! What the server holds in memory for each learner at work: clients, results just seen, a running sender.
//!
//! Nothing here needs to survive a restart: progress is in the store, resources are in the sandbox.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use app::error::BackendError;
use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use checks::{CheckResult, Clients, Step};
use lab::Variables;
use store::LearnerId;
use tokio::sync::Notify;

use crate::connect::Found;
use crate::demo::DemoDesk;
use crate::place::Place;
use crate::views::Traced;

/// Desks kept before idle ones are cleared away.
const DESKS: usize = 1000;
/// A desk unused for this long may be cleared away.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// Regions in which a missing resource is looked for, besides the learner's own.
const OTHER_REGIONS: [&str; 4] = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"];

/// All desks, by learner.
#[derive(Default)]
pub struct Desks(Mutex<HashMap<LearnerId, Arc<Desk>>>);

/// How the learner's account is reached.
pub struct Access {
    /// Configuration with credentials for it.
    pub sdk: SdkConfig,
    /// Clients of the checks; they keep count of calls, so that there is one set for a learner.
    pub clients: Clients,
}

/// What the way to a learner's account depends on. Another server, or the learner's own choice, may change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    pub place: Place,
    pub account: String,
    pub region: String,
    pub endpoint: String,
    /// All names, where a role's session is limited to them.
    pub names: Option<Variables>,
}

/// One learner's desk.
pub struct Desk {
    access: RwLock<(Basis, Arc<Access>)>,
    pub demo: DemoDesk,
    /// An account of the learner's own that was found and not confirmed yet.
    found: Mutex<Option<Found>>,
    /// Wakes the learner's open pages when something was done that they show.
    pub changed: Notify,
    results: Mutex<HashMap<Step, Arc<tokio::sync::Mutex<Option<Looked>>>>>,
    traced: Arc<tokio::sync::Mutex<Option<Traced>>>,
    inventoried: Arc<tokio::sync::Mutex<Option<Instant>>>,
    used: Mutex<Instant>,
}

/// When a step was looked at last, and what was found.
pub struct Looked {
    pub at: Instant,
    pub results: Vec<CheckResult>,
    /// The learner agreed to a test run of a function that was not ready yet.
    pub owes_test_run: bool,
}

impl Desks {
    /// The learner's desk, set up anew if it is not there.
    pub fn of(
        &self,
        learner: &LearnerId,
        set_up: impl FnOnce() -> Result<Desk, BackendError>,
    ) -> Result<Arc<Desk>, BackendError> {
        let mut desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desks.get(learner) {
            desk.touch();
            return Ok(Arc::clone(desk));
        }
        if desks.len() >= DESKS {
            desks.retain(|_, desk| desk.is_in_use());
        }
        let desk = Arc::new(set_up()?);
        desks.insert(learner.clone(), Arc::clone(&desk));
        Ok(desk)
    }
}

impl Access {
    /// What is not found in the configuration's region is looked for in `other_regions`.
    pub fn new(sdk: SdkConfig, other_regions: Vec<String>) -> Self {
        Self { clients: Clients::new(&sdk, other_regions), sdk }
    }

    /// A real account. Its limits on calls are shared by all labs in it, since AWS counts them by account.
    pub fn to_account(account: &str, sdk: SdkConfig, other_regions: Vec<String>) -> Self {
        Self { clients: Clients::for_account(account, &sdk, other_regions), sdk }
    }

    /// The sandbox account of these credentials, reached at `endpoint`; `http` holds the connections that all desks share.
    pub fn to_sandbox(
        credentials: SharedCredentialsProvider,
        region: &str,
        endpoint: &str,
        http: &SharedHttpClient,
    ) -> Self {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(endpoint)
            .credentials_provider(credentials)
            .identity_cache(IdentityCache::lazy().build())
            .http_client(http.clone())
            .build();
        Self::new(sdk, OTHER_REGIONS.map(str::to_owned).to_vec())
    }
}

impl Desk {
    /// A desk from which an account is reached so.
    pub fn new(basis: Basis, access: Access) -> Self {
        Self {
            access: RwLock::new((basis, Arc::new(access))),
            demo: DemoDesk::default(),
            found: Mutex::default(),
            changed: Notify::new(),
            results: Mutex::default(),
            traced: Arc::default(),
            inventoried: Arc::default(),
            used: Mutex::new(Instant::now()),
        }
    }

    /// How the learner's account is reached now.
    pub fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Whether the account is still reached as it was.
    pub fn stands_on(&self, basis: &Basis) -> bool {
        self.access.read().unwrap_or_else(PoisonError::into_inner).0 == *basis
    }

    /// Reaches the account otherwise from now on. What was seen by the old way is forgotten.
    pub fn set_access(&self, basis: Basis, access: Access) {
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = (basis, Arc::new(access));
        self.results.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.changed.notify_waiters();
    }

    /// Keeps an account that was found, for the learner to confirm.
    pub fn put_found(&self, found: Option<Found>) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// The account that waits for the learner's word.
    pub fn found(&self) -> Option<Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The place where the last look at a step is kept; who holds it is the one who looks.
    pub fn looked(&self, step: Step) -> Arc<tokio::sync::Mutex<Option<Looked>>> {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(results.entry(step).or_default())
    }

    /// The place where the last trace of a sending is kept.
    pub fn traced(&self) -> Arc<tokio::sync::Mutex<Option<Traced>>> {
        Arc::clone(&self.traced)
    }

    /// When the account was last looked through; who holds it is the one who looks.
    pub fn inventoried(&self) -> Arc<tokio::sync::Mutex<Option<Instant>>> {
        Arc::clone(&self.inventoried)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_in_use(&self) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.elapsed() < IDLE || self.demo.is_active()
    }
}
