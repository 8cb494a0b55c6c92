//! A sandbox on an ephemeral loopback port, for tests that speak to it as clients do.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

pub mod data_streams;
pub mod functions;
pub mod pipeline;
pub mod server;
pub mod streams;

use std::path::PathBuf;
use std::process::{Output, Stdio};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use sandbox::firehose::FirehoseLimits;
use sandbox::{AccessKey, AccountId, Clock, PythonRuntime, Sandbox, SandboxConfig};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The region of most tests.
pub const REGION: &str = "us-east-1";

/// A served sandbox with one account. Its data folder goes when this is dropped.
pub struct TestSandbox {
    pub sandbox: Sandbox,
    /// `http://127.0.0.1:PORT`
    pub endpoint: String,
    pub account: AccountId,
    pub key: AccessKey,
    shutdown: DropGuard,
    server: JoinHandle<std::io::Result<()>>,
    folder: TempDir,
}

impl TestSandbox {
    /// A fresh sandbox on the machine's clock.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A fresh sandbox on this clock.
    pub async fn start_with_clock(clock: Clock) -> Self {
        Self::start_with(|config| config.clock = clock).await
    }

    /// A fresh sandbox with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = configuration(folder.path().join("data"));
        change(&mut config);
        let (sandbox, endpoint, shutdown, server) = serve(config).await;
        let account = sandbox.new_account().await.unwrap();
        let key = noted(sandbox.create_access_key(&account).await.unwrap());
        Self { sandbox, endpoint, account, key, shutdown, server, folder }
    }

    /// Stops serving and opens the same data folder anew, on another port.
    pub async fn restart(self) -> Self {
        let Self { sandbox, account, key, shutdown, server, folder, .. } = self;
        let config = sandbox.config().clone();
        shutdown.disarm().cancel();
        server.await.unwrap().unwrap();
        drop(sandbox);
        let (sandbox, endpoint, shutdown, server) = serve(config).await;
        Self { sandbox, endpoint, account, key, shutdown, server, folder }
    }

    /// Stops serving and lets go of the sandbox. The data folder stays until the answer is dropped.
    pub async fn stop(self) -> TempDir {
        let Self { sandbox, shutdown, server, folder, .. } = self;
        shutdown.disarm().cancel();
        server.await.unwrap().unwrap();
        drop(sandbox);
        folder
    }

    /// The sandbox's data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A further account with a key.
    pub async fn another_account(&self) -> (AccountId, AccessKey) {
        let account = self.sandbox.new_account().await.unwrap();
        let key = noted(self.sandbox.create_access_key(&account).await.unwrap());
        (account, key)
    }

    /// The configuration of a Rust SDK client of the account, in `us-east-1`.
    pub fn sdk(&self) -> SdkConfig {
        self.sdk_as(&self.key, REGION)
    }

    /// The configuration of a Rust SDK client with this key, in this region.
    pub fn sdk_as(&self, key: &AccessKey, region: &str) -> SdkConfig {
        self.sdk_with(Credentials::new(&key.id, key.secret.expose_secret(), None, None, "test"), region)
    }

    /// The configuration of a Rust SDK client with these credentials, in this region.
    pub fn sdk_with(&self, credentials: Credentials, region: &str) -> SdkConfig {
        sdk_config(&self.endpoint, credentials, region)
    }

    /// The environment in which the `aws` CLI and boto3 speak to this sandbox as the account.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", self.key.id.as_str()),
            ("AWS_SECRET_ACCESS_KEY", self.key.secret.expose_secret()),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/nonexistent"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
            ("AWS_PAGER", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Runs the `aws` CLI and gives its output, whatever came of it.
    pub async fn aws(&self, arguments: &[&str]) -> Output {
        self.command("aws").args(arguments).output().await.expect("the aws CLI must be on PATH")
    }

    /// Runs the `aws` CLI, which must succeed, and reads the JSON that it prints.
    pub async fn aws_json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.aws(arguments).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {arguments:?}: {errors}");
        if output.stdout.iter().all(u8::is_ascii_whitespace) {
            return serde_json::Value::Null;
        }
        serde_json::from_slice(&output.stdout).expect("the aws CLI prints JSON")
    }

    /// Runs the `aws` CLI, which must fail, and gives what it says.
    pub async fn aws_error(&self, arguments: &[&str]) -> String {
        let output = self.aws(arguments).await;
        assert!(!output.status.success(), "aws {arguments:?} should fail");
        String::from_utf8_lossy(&output.stderr).trim().to_owned()
    }

    /// Runs a Python program that may use boto3, which must succeed, and gives what it prints.
    pub async fn python(&self, program: &str) -> String {
        let output =
            self.command("python3").arg("-c").arg(program).output().await.expect("python3 with boto3 must be on PATH");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment()).env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN").stdin(Stdio::null());
        command.kill_on_drop(true);
        command
    }
}

/// The folder with the Python packages that functions may import, as set-up makes it.
pub fn python_packages() -> PathBuf {
    if let Some(folder) = std::env::var_os("HEADWATER_PYTHON_PACKAGES") {
        return PathBuf::from(folder);
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache"));
    cache.join("headwater/python")
}

/// The configuration of a sandbox in this folder, but for its endpoint.
fn configuration(data_dir: PathBuf) -> SandboxConfig {
    SandboxConfig {
        data_dir,
        endpoint_url: String::new(),
        python: PythonRuntime {
            interpreter: "/usr/bin/python3".into(),
            packages: python_packages(),
            bubblewrap: "/usr/bin/bwrap".into(),
        },
        clock: Clock::System,
        firehose: FirehoseLimits::default(),
    }
}

fn sdk_config(endpoint: &str, credentials: Credentials, region: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .build()
}

/// The same key, noted for the audit of all logs.
fn noted(key: AccessKey) -> AccessKey {
    secret_audit::note("secret access key", key.secret.expose_secret());
    key
}

async fn serve(config: SandboxConfig) -> (Sandbox, String, DropGuard, JoinHandle<std::io::Result<()>>) {
    // `s3s` is not logged by the server either.
    secret_audit::keep_log("sandbox", "s3s=off");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = Sandbox::open(SandboxConfig { endpoint_url: endpoint.clone(), ..config }).await.unwrap();
    let shutdown = CancellationToken::new();
    let serving = sandbox.clone();
    let stop = shutdown.clone();
    let server = tokio::spawn(async move { serving.serve(listener, stop).await });
    (sandbox, endpoint, shutdown.drop_guard(), server)
}
