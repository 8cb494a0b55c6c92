//! Options of the server, each by flag or environment, and the logging set-up.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use crate::connect::{ConnectOptions, LiveMode};

/// What `headwater serve` can be told.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    /// Address of the pages. Loopback unless told otherwise: the pages have no log-in of their own.
    #[arg(long, env = "HEADWATER_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Address of the sandbox's AWS endpoint. Loopback unless told otherwise.
    #[arg(long, env = "HEADWATER_SANDBOX_LISTEN", default_value = "127.0.0.1:4566")]
    pub sandbox_listen: SocketAddr,
    /// URL at which learners reach the sandbox, if it is not the address it listens on.
    #[arg(long, env = "HEADWATER_SANDBOX_URL")]
    pub sandbox_url: Option<String>,
    /// Folder for all state: learners, progress, sandbox. The user's data folder if left out.
    #[arg(long, env = "HEADWATER_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL database for learners, classes and sessions, such as postgres://user:password@host/database; several
    /// servers may share it. If left out: a SQLite file in the data folder.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,
    /// Connections to PostgreSQL that this server may hold.
    #[arg(long, env = "HEADWATER_DATABASE_CONNECTIONS", default_value_t = store::CONNECTIONS, value_parser = clap::value_parser!(u32).range(2..=500))]
    pub database_connections: u32,
    /// Folder with the built browser half, style and public files.
    #[arg(long, env = "LEPTOS_SITE_ROOT", default_value = "target/site")]
    pub site_root: PathBuf,
    /// Learners and sandbox accounts that may exist at once.
    #[arg(long, env = "HEADWATER_MAX_LEARNERS", default_value_t = 20_000)]
    pub max_learners: u32,
    /// Send the session cookie over HTTPS only; set it when a proxy in front speaks HTTPS.
    #[arg(long, env = "HEADWATER_SECURE_COOKIE")]
    pub secure_cookie: bool,
    /// Accounts of the learners' own: `off`, `local` (by this machine's credentials, after a code printed here was
    /// entered) or `hosted` (only by roles that learners make for this server). If left out: `local` where the pages are
    /// on loopback, else `off`.
    #[arg(long, env = "HEADWATER_LIVE", value_enum)]
    pub live: Option<LiveMode>,
    /// ARN that learners' roles are to trust, in hosted mode. If left out: the role of this server's own credentials; set
    /// it when that role has a path.
    #[arg(long, env = "HEADWATER_HOSTED_PRINCIPAL")]
    pub hosted_principal: Option<String>,
    /// Stands in for AWS where learners' own accounts are reached: to try this server against an emulator.
    #[arg(long, env = "HEADWATER_AWS_ENDPOINT_URL")]
    pub aws_endpoint_url: Option<String>,
    /// The Python below /usr that runs learners' functions.
    #[arg(long, env = "HEADWATER_PYTHON", default_value = "/usr/bin/python3")]
    pub python: PathBuf,
    /// Folder with the packages awslambdaric and boto3 for learners' functions; in the user's cache folder if left out.
    #[arg(long, env = "HEADWATER_PYTHON_PACKAGES")]
    pub python_packages: Option<PathBuf>,
    /// The bubblewrap program that isolates learners' functions.
    #[arg(long, env = "HEADWATER_BUBBLEWRAP", default_value = "/usr/bin/bwrap")]
    pub bubblewrap: PathBuf,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// One readable line an event.
    Text,
    /// One JSON object an event.
    Json,
}

impl ServeOptions {
    /// The folder for all state, by default `headwater` in the user's data folder (XDG base directories).
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| user_folder("XDG_DATA_HOME", ".local/share"))
    }

    /// How learners' own accounts are reached. An error where others than this machine's user could use its credentials.
    pub fn connect(&self) -> anyhow::Result<ConnectOptions> {
        let loopback = self.listen.ip().is_loopback();
        let mode = match self.live {
            Some(LiveMode::Local) if !loopback => anyhow::bail!(
                "--live local would let everyone who reaches {} use this machine's AWS credentials; listen on loopback, or \
                 choose hosted or off",
                self.listen
            ),
            Some(mode) => mode,
            None if loopback => LiveMode::Local,
            None => LiveMode::Off,
        };
        let (principal, endpoint_url) = (self.hosted_principal.clone(), self.aws_endpoint_url.clone());
        Ok(ConnectOptions { mode, principal, endpoint_url })
    }

    /// The folder with the Python packages, where set-up puts them.
    pub fn python_packages(&self) -> PathBuf {
        self.python_packages.clone().unwrap_or_else(|| user_folder("XDG_CACHE_HOME", ".cache").join("python"))
    }
}

/// What is logged unless `RUST_LOG` chooses: our own events from `info` on, everything else from `warn` on.
const LOGGED: &str = "warn,headwater=info,server=info,sandbox=info,store=info";
/// What is logged by no choice: `s3s` writes whole requests down, session tokens included, and takes an operation that the
/// sandbox does not have for an error.
const NOT_LOGGED: &str = "s3s=off";

/// Starts logging to standard error.
pub fn start_logging(format: LogFormat) {
    let chosen = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| LOGGED.to_owned());
    let filter = EnvFilter::new(format!("{chosen},{NOT_LOGGED}"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
}

fn user_folder(variable: &str, fallback: &str) -> PathBuf {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(fallback))
        .join("headwater")
}
