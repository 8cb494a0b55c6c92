//! Options of the server, each by flag, environment or file, and the logging set-up.

mod bounds;
mod file;
mod provider;
mod sandbox;
mod secret;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, ValueEnum};
use deliveries::Reach;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use crate::connect::{ConnectOptions, LiveMode};
use crate::master_key::MasterKey;

pub use self::bounds::{BoundsOptions, VisitOptions};
pub use self::file::{Configured, config_option, with_file};
pub use self::provider::ProviderOptions;
pub use self::sandbox::{ControlOptions, RemoteOptions, SandboxOptions};
pub use self::secret::read_secret;

/// What `headwater serve` can be told.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    /// Address of the pages. Loopback unless told otherwise: learners need no log-in.
    #[arg(long, env = "HEADWATER_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub sandbox: SandboxOptions,
    #[command(flatten)]
    pub remote: RemoteOptions,
    #[command(flatten)]
    pub bounds: BoundsOptions,
    #[command(flatten)]
    pub visits: VisitOptions,
    /// Address for Prometheus, with `/metrics`, `/healthz` and `/readyz`. Off unless set; keep it on loopback or a private
    /// network, such as 127.0.0.1:9464.
    #[arg(long, env = "HEADWATER_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Folder for all state: learners, progress, sandbox. The user's data folder if left out.
    #[arg(long, env = "HEADWATER_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL database for learners, classes and sessions, such as `postgres://user:password@host/database`; several
    /// servers may share it. If left out: a SQLite file in the data folder.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, hide_default_value = true)]
    pub database_url: Option<SecretString>,
    /// File that holds the address of the PostgreSQL database.
    #[arg(long, env = "HEADWATER_DATABASE_URL_FILE")]
    pub database_url_file: Option<PathBuf>,
    /// Connections to PostgreSQL that this server may hold.
    #[arg(long, env = "HEADWATER_DATABASE_CONNECTIONS", default_value_t = store::CONNECTIONS, value_parser = clap::value_parser!(u32).range(2..=500))]
    pub database_connections: u32,
    /// Folder with the built browser half, style and public files.
    #[arg(long, env = "LEPTOS_SITE_ROOT", default_value = "target/site")]
    pub site_root: PathBuf,
    /// Learners and sandbox accounts that may exist at once.
    #[arg(long, env = "HEADWATER_MAX_LEARNERS", default_value_t = 20_000)]
    pub max_learners: u32,
    /// Who may start a lab: `everyone`, or only `members` of a class, who come in by its code.
    #[arg(long, env = "HEADWATER_LABS_FOR", value_enum, default_value_t = LabsFor::Everyone)]
    pub labs_for: LabsFor,
    /// URL at which browsers reach the pages, such as `https://lab.example`. Links to be passed on are made from it; if left
    /// out, from the address at which the instructor sees the page.
    #[arg(long, env = "HEADWATER_PUBLIC_URL")]
    pub public_url: Option<String>,
    #[command(flatten)]
    pub provider: ProviderOptions,
    /// Send to private addresses, too, and by plain HTTP, where an instructor enters one for a webhook, a learning platform or
    /// a learning record store: for systems in the same network. Whoever owns a class can then make this server send requests
    /// to whatever it reaches.
    #[arg(
        long,
        env = "HEADWATER_ALLOW_PRIVATE_TARGETS",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true"
    )]
    pub allow_private_targets: bool,
    /// Key from which this installation's other secrets are made: 64 hex digits. Servers that share a database need the
    /// same. If left out: the file secret.key in the data folder, made at the first start.
    #[arg(long, env = "HEADWATER_SECRET_KEY", hide_env_values = true, hide_default_value = true)]
    pub secret_key: Option<SecretString>,
    /// File that holds the secret key.
    #[arg(long, env = "HEADWATER_SECRET_KEY_FILE")]
    pub secret_key_file: Option<PathBuf>,
    /// Send the session cookie over HTTPS only; set it when a proxy in front speaks HTTPS.
    #[arg(
        long,
        env = "HEADWATER_SECURE_COOKIE",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true"
    )]
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
}

/// Who may start a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LabsFor {
    Everyone,
    /// Who joins a class.
    Members,
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
    /// The folder for all state.
    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.data_dir.as_deref())
    }

    /// The address of the PostgreSQL database, if one is to be used.
    pub fn database_url(&self) -> anyhow::Result<Option<SecretString>> {
        read_secret("database-url", self.database_url.as_ref(), self.database_url_file.as_deref())
    }

    /// The installation's key: the one that is given, else the one in the data folder.
    pub fn master_key(&self) -> anyhow::Result<MasterKey> {
        let given = read_secret("secret-key", self.secret_key.as_ref(), self.secret_key_file.as_deref())?;
        Ok(match given {
            Some(text) => MasterKey::given(&text)?,
            None => MasterKey::in_folder(&self.data_dir())?,
        })
    }

    /// Where what leaves a class may go.
    pub fn reach(&self) -> Reach {
        if self.allow_private_targets { Reach::Everywhere } else { Reach::Public }
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
}

/// What is logged unless `RUST_LOG` chooses: our own events from `info` on, everything else from `warn` on.
const LOGGED: &str = "warn,headwater=info,server=info,sandbox=info,store=info";
/// What is logged by no choice: `s3s` writes whole requests down, session tokens included, and takes an operation that the
/// sandbox does not have for an error.
pub const NOT_LOGGED: &str = "s3s=off";

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

/// The folder for all state, by default `headwater` in the user's data folder (XDG base directories).
pub fn data_dir(chosen: Option<&Path>) -> PathBuf {
    chosen.map_or_else(|| user_folder("XDG_DATA_HOME", ".local/share"), Path::to_owned)
}

fn user_folder(variable: &str, fallback: &str) -> PathBuf {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(fallback))
        .join("headwater")
}
