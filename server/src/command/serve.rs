//! `headwater serve`

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use deliveries::Sender;
use leptos::config::LeptosOptions;
use sandbox::{RemoteError, RemoteSandbox, Sandbox};
use store::Store;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::data_folder::{listen, lock, sandbox_folder, store_file};
use super::stopping::stop_on_signal;
use crate::classes::Classes;
use crate::classes::carriage::Carriage;
use crate::config::{RemoteOptions, ServeOptions};
use crate::connect::{Connector, LiveMode};
use crate::health::Health;
use crate::instructors::Instructors;
use crate::measures;
use crate::router::{WebOptions, router};
use crate::sandbox_access::SandboxAccess;
use crate::session_store::SessionStore;
use crate::state::{Admission, Headwater};
use crate::visits::Visits;

/// A sandbox elsewhere may start after this server, within this time.
const SANDBOX_WAIT: Duration = Duration::from_secs(60);
/// The pause between two tries to reach it.
const SANDBOX_RETRY: Duration = Duration::from_secs(1);

/// Serves the pages and the sandbox until SIGINT or SIGTERM, then lets requests under way end.
pub async fn run(options: ServeOptions) -> anyhow::Result<()> {
    let site = options.site_root.join("pkg");
    if !site.is_dir() {
        anyhow::bail!("{} is missing: build the browser half with `make run`, or set LEPTOS_SITE_ROOT", site.display());
    }
    serving::raise_open_files();
    let connector = Connector::new(options.connect()?);
    let pages = listen(options.listen, "--listen").await?;
    let metrics = match options.metrics_listen {
        Some(address) => Some((listen(address, "--metrics-listen").await?, measures::install()?)),
        None => None,
    };
    let own_sandbox = match options.remote.sandbox_control {
        Some(_) => None,
        None => Some(listen(options.sandbox.sandbox_listen, "--sandbox-listen").await?),
    };

    let data_dir = options.data_dir();
    let _lock = lock(&data_dir)?;
    let (sandbox, own_sandbox) = match own_sandbox {
        Some(listener) => {
            let config = options.sandbox.config(sandbox_folder(&data_dir), listener.local_addr()?);
            let sandbox = Sandbox::open(config).await?;
            (SandboxAccess::Here(sandbox.clone()), Some((sandbox, listener)))
        }
        None => (reach_sandbox(&options.remote).await?, None),
    };
    let endpoint_url = sandbox.endpoint_url().to_owned();
    let store = open_store(&options, &data_dir).await?;
    tokio::spawn(store.clone().listen());
    tokio::spawn(store.clone().keep_sealing());
    let sessions = SessionStore::open(&store).await.context("the sessions cannot be kept")?;
    tokio::spawn(sessions.clone().delete_expired());
    let shutdown = CancellationToken::new();
    let admission = Admission { max_learners: options.max_learners, labs_for: options.labs_for };
    let headwater = Headwater::new(store, sandbox, connector, admission, shutdown.clone());
    tokio::spawn(headwater.class_news().clone().pass_on(headwater.store().news()));
    let connector = headwater.connector();
    let unlock_code = (connector.mode() == LiveMode::Local).then(|| connector.unlock_code().printed());

    let leptos = LeptosOptions::builder()
        .output_name("headwater")
        .site_root(options.site_root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(pages.local_addr()?)
        .build();
    stop_on_signal(shutdown.clone())?;
    let instructors = Instructors::new(headwater.store().clone(), options.provider.provider()?);
    let set_up_code = instructors.set_up_code().await?;
    let sender = Sender::new(options.reach())?;
    let classes = Classes::new(headwater.clone(), options.master_key()?, options.public_url.as_deref(), sender);
    let carriage = Carriage::start(&classes, &shutdown);
    let health = Health::of_web(headwater.clone(), shutdown.clone());
    let web = WebOptions {
        secure_cookie: options.secure_cookie,
        visits: Visits::new(&options.visits),
        health: health.clone(),
        instructors,
        classes,
    };
    let router = router(headwater.clone(), leptos, sessions, web, shutdown.clone());

    println!("Headwater is at http://{}", pages.local_addr()?);
    println!("The sandbox's AWS endpoint is {endpoint_url}; state is in {}", data_dir.display());
    if let Some(unlock_code) = unlock_code {
        println!("To use your own AWS account, enter this code when a page asks for it: {unlock_code}");
    }
    if let Some(set_up_code) = set_up_code {
        let here = format!("http://{}", pages.local_addr()?);
        let site = options.public_url.as_deref().unwrap_or(&here).trim_end_matches('/');
        println!("To teach, make the first account at {site}/teach/setup with this code: {set_up_code}");
    }
    // Whoever watches this process can do so until its last request is answered.
    let watched = CancellationToken::new();
    if let Some((listener, recorder)) = metrics {
        println!("Metrics are at http://{}/metrics", listener.local_addr()?);
        let routes = measures::web_routes(recorder, headwater.clone(), data_dir.clone()).merge(health.routes());
        tokio::spawn(serving::serve(listener, routes, options.bounds.limits(), watched.clone()));
    }
    let _watched = watched.drop_guard();
    let limits = options.bounds.limits();
    // Requests under way ask the sandbox until they are answered, so that it stops after the pages.
    let pages_ended = CancellationToken::new();
    let serve_pages = async {
        let served = serving::serve(pages, router, limits, shutdown.clone()).await;
        pages_ended.cancel();
        served
    };
    let serve_sandbox = async {
        match own_sandbox {
            Some((sandbox, listener)) => sandbox.serve_within(listener, limits, pages_ended.clone()).await,
            None => Ok(()),
        }
    };
    tokio::try_join!(serve_pages, serve_sandbox)?;
    // What cannot be noted in time is carried again by the next server.
    let _ = tokio::time::timeout(limits.grace, carriage.ended()).await;
    Ok(())
}

/// Learners, classes and sessions: in PostgreSQL where one is named, else in the data folder.
async fn open_store(options: &ServeOptions, data_dir: &Path) -> anyhow::Result<Store> {
    Ok(match options.database_url()? {
        Some(url) => Store::connect(&url, options.database_connections).await?,
        None => Store::open(&store_file(data_dir)).await?,
    })
}

/// The sandbox of another process, waited for while it starts.
async fn reach_sandbox(options: &RemoteOptions) -> anyhow::Result<SandboxAccess> {
    let url = options.sandbox_control.as_deref().unwrap_or_default();
    let token = options.token.token()?;
    let end = Instant::now() + SANDBOX_WAIT;
    loop {
        match RemoteSandbox::connect(url, token.clone()).await {
            Ok(sandbox) => return Ok(SandboxAccess::elsewhere(sandbox, options.sandbox_internal_url.clone())),
            Err(RemoteError::Refused { cause, .. }) if cause.status == 503 && Instant::now() < end => {
                tracing::info!(url, "waiting for the sandbox");
                tokio::time::sleep(SANDBOX_RETRY).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
