//! Everything that `headwater serve` puts together, without the sockets of the pages.

use std::path::{Path, PathBuf};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use deliveries::{Reach, Sender};
use leptos::config::LeptosOptions;
use sandbox::{Clock, PythonRuntime, Sandbox, SandboxConfig};
use secrecy::ExposeSecret as _;
use store::Store;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client::{Learner, Site, Visitor};
use crate::classes::Classes;
use crate::classes::carriage::Carriage;
use crate::config::{LabsFor, VisitOptions};
use crate::connect::{ConnectOptions, Connector, LiveMode};
use crate::health::Health;
use crate::instructors::{Instructors, Provider};
use crate::master_key::MasterKey;
use crate::router::{WebOptions, router};
use crate::sandbox_access::SandboxAccess;
use crate::session_store::SessionStore;
use crate::state::{Admission, Headwater, REGION};
use crate::visits::Visits;

/// A server with nobody in it yet. Its data folder goes when this is dropped.
pub struct World {
    pub site: Site,
    pub headwater: Headwater,
    pub instructors: Instructors,
    /// Where the sandbox listens.
    pub endpoint: String,
    pub store: Store,
    /// The account that the server's own credentials are of, where learners may use accounts of their own.
    pub own_account: String,
    pub shutdown: CancellationToken,
    /// Carries as long as this lives.
    _carriage: Carriage,
    _stop: DropGuard,
    folder: TempDir,
}

/// What a test wants otherwise.
#[derive(Clone)]
pub struct Wishes {
    pub max_learners: u32,
    pub labs_for: LabsFor,
    pub secure_cookie: bool,
    /// Learners' own accounts. The sandbox stands in for AWS, and the server's own credentials are a key to an account in it.
    pub live: LiveMode,
    pub visits: VisitOptions,
    /// Where what leaves a class may go.
    pub reach: Reach,
    /// By which instructors may sign in.
    pub provider: Option<Provider>,
}

impl Default for Wishes {
    fn default() -> Self {
        let visits = VisitOptions { starts_per_minute: 0, wrong_guesses_per_minute: 0, trusted_proxy: Vec::new() };
        Self {
            max_learners: 100,
            labs_for: LabsFor::Everyone,
            secure_cookie: false,
            live: LiveMode::Off,
            visits,
            reach: Reach::Public,
            provider: None,
        }
    }
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(Wishes::default()).await
    }

    /// A server that lets learners use accounts of their own in this way.
    pub async fn start_live(live: LiveMode) -> Self {
        Self::start_with(Wishes { live, ..Wishes::default() }).await
    }

    pub async fn start_with(wishes: Wishes) -> Self {
        secret_audit::keep_log("server", crate::config::NOT_LOGGED);
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let sandbox = Sandbox::open(SandboxConfig {
            data_dir: folder.path().join("sandbox"),
            endpoint_url: endpoint.clone(),
            python: PythonRuntime {
                interpreter: "/usr/bin/python3".into(),
                packages: folder.path().join("python"),
                bubblewrap: "/usr/bin/bwrap".into(),
            },
            clock: Clock::System,
            firehose: sandbox::firehose::FirehoseLimits::default(),
        })
        .await
        .unwrap();
        let shutdown = CancellationToken::new();
        let (served, stop) = (sandbox.clone(), shutdown.clone());
        tokio::spawn(async move { served.serve(listener, stop).await });
        let store = Store::open(&folder.path().join("headwater.sqlite3")).await.unwrap();
        let sessions = SessionStore::open(&store).await.unwrap();
        tokio::spawn(store.clone().keep_sealing());
        let options = ConnectOptions { mode: wishes.live, principal: None, endpoint_url: Some(endpoint.clone()) };
        let mut connector = Connector::new(options);
        secret_audit::note("unlock code", &connector.unlock_code().printed());
        let mut own_account = String::new();
        if wishes.live != LiveMode::Off {
            let own = sandbox.new_account().await.unwrap();
            let key = sandbox.create_access_key(&own).await.unwrap();
            secret_audit::note("secret access key", key.secret.expose_secret());
            let own_key = Credentials::new(&key.id, key.secret.expose_secret(), None, None, "test");
            connector = connector.with_own_credentials(SharedCredentialsProvider::new(own_key));
            own_account = own.as_str().to_owned();
        }
        let admission = Admission { max_learners: wishes.max_learners, labs_for: wishes.labs_for };
        let headwater =
            Headwater::new(store.clone(), SandboxAccess::Here(sandbox), connector, admission, shutdown.clone());
        tokio::spawn(headwater.class_news().clone().pass_on(store.news()));
        let leptos = LeptosOptions::builder()
            .output_name("headwater")
            .site_root(site_root(folder.path()).to_string_lossy().into_owned())
            .site_pkg_dir("pkg")
            .build();
        let instructors = Instructors::new(store.clone(), wishes.provider);
        let classes = Classes::new(headwater.clone(), MasterKey::generate(), None, Sender::new(wishes.reach).unwrap());
        let carriage = Carriage::start(&classes, &shutdown);
        let web = WebOptions {
            secure_cookie: wishes.secure_cookie,
            visits: Visits::new(&wishes.visits),
            health: Health::of_web(headwater.clone(), shutdown.clone()),
            instructors: instructors.clone(),
            classes,
        };
        let router = router(headwater.clone(), leptos, sessions, web, shutdown.clone());
        Self {
            site: Site::Router(Box::new(router)),
            headwater,
            instructors,
            endpoint,
            store,
            own_account,
            _carriage: carriage,
            _stop: shutdown.clone().drop_guard(),
            shutdown,
            folder,
        }
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database, to look at it past the store.
    pub fn sqlite(&self) -> &sqlx::SqlitePool {
        match self.store.database() {
            store::Database::Sqlite { writer, .. } => writer,
            store::Database::Postgres(_) => panic!("the tests' world is in SQLite"),
        }
    }

    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.site)
    }

    pub async fn learner(&self) -> Learner {
        Learner::start(&self.site).await
    }

    /// The configuration of a Rust SDK client with this key.
    pub fn sdk(&self, access_key: &str, secret: &str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                access_key, secret, None, None, "test",
            )))
            .region(Region::from_static(REGION))
            .endpoint_url(&self.endpoint)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }
}

/// A built site with one file.
fn site_root(folder: &Path) -> PathBuf {
    let site = folder.join("site");
    std::fs::create_dir_all(site.join("pkg")).unwrap();
    std::fs::write(site.join("pkg/headwater.css"), "body{margin:0}").unwrap();
    site
}
