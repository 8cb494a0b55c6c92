//! Options of the sandbox: the one in this process, and one elsewhere.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use sandbox::{Clock, ControlToken, PythonRuntime, SandboxConfig};
use secrecy::SecretString;

use super::{read_secret, user_folder};

/// How the sandbox listens and runs learners' functions.
#[derive(Clone, Debug, Args)]
pub struct SandboxOptions {
    /// Address of the sandbox's AWS endpoint. Loopback unless told otherwise.
    #[arg(long, env = "HEADWATER_SANDBOX_LISTEN", default_value = "127.0.0.1:4566")]
    pub sandbox_listen: SocketAddr,
    /// URL at which learners reach the sandbox, if it is not the address it listens on.
    #[arg(long, env = "HEADWATER_SANDBOX_URL")]
    pub sandbox_url: Option<String>,
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

/// How `headwater sandbox serve` is reached by web servers.
#[derive(Clone, Debug, Args)]
pub struct ControlOptions {
    /// Address of the control API, by which web servers make accounts and keys. For a private network: it is not encrypted.
    #[arg(long, env = "HEADWATER_CONTROL_LISTEN", default_value = "127.0.0.1:4567")]
    pub control_listen: SocketAddr,
    #[command(flatten)]
    pub token: TokenOptions,
}

/// How a web server uses a sandbox elsewhere.
#[derive(Clone, Debug, Args)]
pub struct RemoteOptions {
    /// URL of the control API of a `headwater sandbox serve`, which is then used instead of a sandbox of this server's own.
    #[arg(long, env = "HEADWATER_SANDBOX_CONTROL")]
    pub sandbox_control: Option<String>,
    /// URL at which this server reaches that sandbox's AWS endpoint, if it is not the one that learners use.
    #[arg(long, env = "HEADWATER_SANDBOX_INTERNAL_URL")]
    pub sandbox_internal_url: Option<String>,
    #[command(flatten)]
    pub token: TokenOptions,
}

/// The token that the control API asks for.
#[derive(Clone, Debug, Args)]
pub struct TokenOptions {
    /// Token of the control API, at least 32 characters.
    #[arg(long, env = "HEADWATER_SANDBOX_TOKEN", hide_env_values = true, hide_default_value = true)]
    pub sandbox_token: Option<SecretString>,
    /// File that holds the token.
    #[arg(long, env = "HEADWATER_SANDBOX_TOKEN_FILE")]
    pub sandbox_token_file: Option<PathBuf>,
}

impl SandboxOptions {
    /// The folder with the Python packages, where set-up puts them.
    pub fn python_packages(&self) -> PathBuf {
        self.python_packages.clone().unwrap_or_else(|| user_folder("XDG_CACHE_HOME", ".cache").join("python"))
    }

    /// The sandbox in this folder, which listens at this address.
    pub fn config(&self, data_dir: PathBuf, address: SocketAddr) -> SandboxConfig {
        SandboxConfig {
            data_dir,
            endpoint_url: match &self.sandbox_url {
                Some(url) => url.trim_end_matches('/').to_owned(),
                None => format!("http://{address}"),
            },
            python: PythonRuntime {
                interpreter: self.python.clone(),
                packages: self.python_packages(),
                bubblewrap: self.bubblewrap.clone(),
            },
            clock: Clock::System,
            firehose: sandbox::firehose::FirehoseLimits::default(),
        }
    }
}

impl TokenOptions {
    /// The token, which must be given one way or the other.
    pub fn token(&self) -> anyhow::Result<ControlToken> {
        let token = read_secret("sandbox-token", self.sandbox_token.as_ref(), self.sandbox_token_file.as_deref())?
            .context("the sandbox's token is missing: give it by --sandbox-token-file or HEADWATER_SANDBOX_TOKEN")?;
        Ok(ControlToken::new(token)?)
    }
}
