//! What this server is to learning platforms: its key, and the client that calls them.

use std::sync::Arc;

use app::error::BackendError;
use deliveries::Reach;
use lti::{Client, StateKey, ToolKey};
use store::Store;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::master_key::MasterKey;
use crate::state::{internal, store_failed};

/// Under this name the installation keeps the private key; what it is sealed for, too.
const TOOL_KEY: &str = "lti-tool-key";
/// What the key that signs states is derived for.
const STATE_KEY: &str = "lti-state-key";
/// There is one of each.
const ONLY: &str = "only";

/// Cheap to clone.
#[derive(Clone)]
pub struct LtiTool(Arc<Parts>);

struct Parts {
    store: Store,
    master_key: MasterKey,
    state_key: StateKey,
    reach: Reach,
    /// Made, or read, when it is first needed.
    key: OnceCell<ToolKey>,
    client: OnceCell<Client>,
}

impl LtiTool {
    /// `reach`: where platforms may be.
    pub fn new(store: Store, master_key: MasterKey, reach: Reach) -> Self {
        let state_key = StateKey::new(&master_key.derive(STATE_KEY, ONLY));
        Self(Arc::new(Parts { store, master_key, state_key, reach, key: OnceCell::new(), client: OnceCell::new() }))
    }

    /// Signs what is remembered while a browser is at the platform. The same for all servers with one secret key.
    pub fn state_key(&self) -> &StateKey {
        &self.0.state_key
    }

    /// The key by which platforms know this server. The same for all servers with one database.
    pub async fn key(&self) -> Result<&ToolKey, BackendError> {
        self.0.key.get_or_try_init(|| self.kept_key()).await
    }

    /// The client, which calls addresses within reach only.
    pub async fn client(&self) -> Result<&Client, BackendError> {
        let made = async || Ok(Client::new(deliveries::client(self.0.reach).build().map_err(internal)?));
        self.0.client.get_or_try_init(made).await
    }

    async fn kept_key(&self) -> Result<ToolKey, BackendError> {
        let Parts { store, master_key, .. } = &*self.0;
        let sealed = match store.setting(TOOL_KEY).await.map_err(store_failed)? {
            Some(sealed) => sealed,
            None => {
                let new = spawn_blocking(ToolKey::generate).await.map_err(internal)?.map_err(internal)?;
                let sealed = master_key.seal(TOOL_KEY, ONLY, &new.to_pem());
                store.keep_first_setting(TOOL_KEY, &sealed).await.map_err(store_failed)?
            }
        };
        let pem = master_key.open(TOOL_KEY, ONLY, &sealed).map_err(internal)?;
        ToolKey::from_pem(&pem).map_err(internal)
    }
}
