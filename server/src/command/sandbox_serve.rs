//! `headwater sandbox serve`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use sandbox::Sandbox;
use tokio_util::sync::CancellationToken;

use super::data_folder::{listen, lock, sandbox_folder};
use super::stopping::stop_on_signal;
use crate::config::{BoundsOptions, ControlOptions, SandboxOptions, data_dir};
use crate::health::Health;
use crate::measures;

/// What `headwater sandbox serve` can be told.
#[derive(Clone, Debug, Args)]
pub struct SandboxServeOptions {
    #[command(flatten)]
    sandbox: SandboxOptions,
    #[command(flatten)]
    control: ControlOptions,
    #[command(flatten)]
    bounds: BoundsOptions,
    /// Folder for the sandbox's state. The user's data folder if left out.
    #[arg(long, env = "HEADWATER_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Address for Prometheus, with `/metrics`, `/healthz` and `/readyz`. Off unless set; keep it on loopback or a private
    /// network, such as 127.0.0.1:9464.
    #[arg(long, env = "HEADWATER_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
}

/// Serves the sandbox and its control API until SIGINT or SIGTERM, then lets requests under way end.
pub async fn run(options: SandboxServeOptions) -> anyhow::Result<()> {
    let token = options.control.token.token()?;
    serving::raise_open_files();
    let listener = listen(options.sandbox.sandbox_listen, "--sandbox-listen").await?;
    let control = listen(options.control.control_listen, "--control-listen").await?;
    let metrics = match options.metrics_listen {
        Some(address) => Some((listen(address, "--metrics-listen").await?, measures::install()?)),
        None => None,
    };
    let data_dir = data_dir(options.data_dir.as_deref());
    let _lock = lock(&data_dir)?;
    let sandbox = Sandbox::open(options.sandbox.config(sandbox_folder(&data_dir), listener.local_addr()?)).await?;
    println!("The sandbox's AWS endpoint is {}; state is in {}", sandbox.config().endpoint_url, data_dir.display());
    println!("The control API is at http://{}", control.local_addr()?);
    let shutdown = CancellationToken::new();
    let limits = options.bounds.limits();
    let health = Health::of_sandbox(sandbox.clone(), shutdown.clone());
    // Whoever watches this process can do so until its last request is answered.
    let watched = CancellationToken::new();
    if let Some((listener, recorder)) = metrics {
        println!("Metrics are at http://{}/metrics", listener.local_addr()?);
        let routes = measures::sandbox_routes(recorder, sandbox.clone(), data_dir).merge(health.routes());
        tokio::spawn(serving::serve(listener, routes, limits, watched.clone()));
    }
    let _watched = watched.drop_guard();
    tokio::spawn(stop_on_signal(shutdown.clone()));
    let control_routes = sandbox.control(token).merge(health.routes());
    let serve_control = serving::serve(control, control_routes, limits, shutdown.clone());
    let serve_sandbox = sandbox.serve_within(listener, limits, shutdown.clone());
    tokio::try_join!(serve_control, serve_sandbox)?;
    Ok(())
}
