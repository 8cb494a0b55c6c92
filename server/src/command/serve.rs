//! `headwater serve`

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::Context as _;
use leptos::config::LeptosOptions;
use sandbox::{Clock, PythonRuntime, Sandbox, SandboxConfig};
use store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::ServeOptions;
use crate::connect::{Connector, LiveMode};
use crate::router::router;
use crate::session_store::SessionStore;
use crate::state::Headwater;

/// Serves the pages and the sandbox until SIGINT or SIGTERM, then lets requests under way end.
pub async fn run(options: ServeOptions) -> anyhow::Result<()> {
    let site = options.site_root.join("pkg");
    if !site.is_dir() {
        anyhow::bail!("{} is missing: build the browser half with `make run`, or set LEPTOS_SITE_ROOT", site.display());
    }
    let connector = Connector::new(options.connect()?);
    let pages = listen(options.listen, "--listen").await?;
    let sandbox_listener = listen(options.sandbox_listen, "--sandbox-listen").await?;
    let endpoint_url = match &options.sandbox_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", sandbox_listener.local_addr()?),
    };

    let data_dir = options.data_dir();
    let _lock = lock(&data_dir)?;
    let sandbox = Sandbox::open(SandboxConfig {
        data_dir: data_dir.join("sandbox"),
        endpoint_url: endpoint_url.clone(),
        python: PythonRuntime {
            interpreter: options.python.clone(),
            packages: options.python_packages(),
            bubblewrap: options.bubblewrap.clone(),
        },
        clock: Clock::System,
        firehose: sandbox::firehose::FirehoseLimits::default(),
    })
    .await?;
    let store = match &options.database_url {
        Some(url) => Store::connect(url, options.database_connections).await?,
        None => Store::open(&data_dir.join("headwater.sqlite3")).await?,
    };
    tokio::spawn(store.clone().listen());
    tokio::spawn(store.clone().keep_sealing());
    let sessions = SessionStore::open(&store).await.context("the sessions cannot be kept")?;
    tokio::spawn(sessions.clone().delete_expired());
    let headwater = Headwater::new(store, sandbox.clone(), connector, options.max_learners);
    let connector = headwater.connector();
    let unlock_code = (connector.mode() == LiveMode::Local).then(|| connector.unlock_code().printed());

    let leptos = LeptosOptions::builder()
        .output_name("headwater")
        .site_root(options.site_root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(pages.local_addr()?)
        .build();
    let shutdown = CancellationToken::new();
    let router = router(headwater, leptos, sessions, options.secure_cookie, shutdown.clone());

    println!("Headwater is at http://{}", pages.local_addr()?);
    println!("The sandbox's AWS endpoint is {endpoint_url}; state is in {}", data_dir.display());
    if let Some(unlock_code) = unlock_code {
        println!("To use your own AWS account, enter this code when a page asks for it: {unlock_code}");
    }
    tokio::spawn(stop_on_signal(shutdown.clone()));
    let serve_pages =
        async { axum::serve(pages, router).with_graceful_shutdown(shutdown.clone().cancelled_owned()).await };
    let serve_sandbox = sandbox.serve(sandbox_listener, shutdown.clone());
    tokio::try_join!(serve_pages, serve_sandbox)?;
    Ok(())
}

/// Keeps a second server off the folder; released by the system when this process ends, however it ends.
fn lock(data_dir: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(data_dir).with_context(|| format!("{} cannot be made", data_dir.display()))?;
    let path = data_dir.join("lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "another server uses {}; stop it, or choose another folder with --data-dir",
            data_dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("{} cannot be locked", path.display())),
    }
}

async fn listen(address: std::net::SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("{address} cannot be listened on; is Headwater running already? {option} chooses another")
    })
}

async fn stop_on_signal(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => (),
                _ = terminate.recv() => (),
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM is not heeded");
            let _ = interrupt.await;
        }
    }
    shutdown.cancel();
}
