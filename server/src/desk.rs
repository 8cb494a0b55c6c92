//! What the server holds in memory for each learner at work: clients, results just seen, a running sender.
//!
//! Nothing here needs to survive a restart: progress is in the store, resources are in the sandbox.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use app::error::BackendError;
use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use checks::{Clients, Step};
use futures::FutureExt as _;
use lab::Variables;
use sandbox::AccountId;
use store::LearnerId;
use tokio::sync::watch;

use crate::checking::Looked;
use crate::connect::Found;
use crate::demo::DemoDesk;
use crate::kept::Kept;
use crate::place::Place;
use crate::sandbox_access::SandboxAccess;
use crate::stocktaking::Taken;
use crate::views::{Charted, Traced};

/// Desks kept before idle ones are cleared away.
const DESKS: usize = 1000;
/// A desk unused for this long may be cleared away.
const IDLE: Duration = Duration::from_secs(30 * 60);
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
    pub changed: Changed,
    results: Mutex<HashMap<Step, Arc<tokio::sync::Mutex<Option<Looked>>>>>,
    traced: Kept<Traced>,
    charted: Kept<Charted>,
    inventoried: Arc<tokio::sync::Mutex<Option<Taken>>>,
    used: Mutex<Instant>,
}

/// Counts what was done at a desk, so that who looked away for a moment misses nothing.
#[derive(Default)]
pub struct Changed(watch::Sender<u64>);

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

    /// An account in the sandbox; `http` holds the connections that all desks share.
    pub fn to_sandbox(sandbox: &SandboxAccess, account: AccountId, region: &str, http: &SharedHttpClient) -> Self {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(sandbox.internal_url())
            .credentials_provider(sandbox.service_credentials(&account))
            .identity_cache(IdentityCache::lazy().build())
            .http_client(http.clone())
            .build();
        let sandbox = sandbox.clone();
        let ask = move || {
            let (sandbox, account) = (sandbox.clone(), account.clone());
            let told = async move {
                sandbox.regions(&account).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the sandbox does not tell the regions of an account");
                    checks::DEFAULT_REGIONS.map(str::to_owned).to_vec()
                })
            };
            told.boxed()
        };
        Self { clients: Clients::asking_for_regions(&sdk, ask), sdk }
    }
}

impl Changed {
    /// Wakes the open pages.
    pub fn notify_waiters(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// What an open page waits on.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

impl Desk {
    /// A desk from which an account is reached so.
    pub fn new(basis: Basis, access: Access) -> Self {
        Self {
            access: RwLock::new((basis, Arc::new(access))),
            demo: DemoDesk::default(),
            found: Mutex::default(),
            changed: Changed::default(),
            results: Mutex::default(),
            traced: Kept::default(),
            charted: Kept::default(),
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
    pub fn traced(&self) -> &Kept<Traced> {
        &self.traced
    }

    /// The place where the chart as it was read last is kept.
    pub fn charted(&self) -> &Kept<Charted> {
        &self.charted
    }

    /// When the account was last looked through; who holds it is the one who looks.
    pub fn inventoried(&self) -> Arc<tokio::sync::Mutex<Option<Taken>>> {
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
