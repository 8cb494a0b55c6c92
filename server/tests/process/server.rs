//! A server process with a data folder that outlives it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use checks::WIRE_LOG_VARIABLE;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::client::Site;

/// The server is up, or down, within this time, or the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server keeps its state and its logs.
pub struct Folder(TempDir);

/// A running server; killed when this is dropped.
pub struct Server {
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
    /// Where the pages are.
    pub site: Site,
    /// Address of the pages.
    pub url: String,
    /// Where the sandbox listens.
    pub endpoint: String,
}

/// The binary, in an environment that has nothing of this machine's user.
pub fn headwater() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    command.env_clear().env("HOME", "/nonexistent").stdin(Stdio::null()).kill_on_drop(true);
    // The log of requests that the tests are run with goes on in the processes that they start.
    command.envs(std::env::var_os(WIRE_LOG_VARIABLE).map(|file| (WIRE_LOG_VARIABLE, file)));
    command
}

/// The environment of a new sandbox account, as `headwater sandbox new-account` prints it.
pub async fn account(server: &Server) -> BTreeMap<String, String> {
    let printed = headwater().args(["sandbox", "new-account", "--server", &server.url]).output().await.unwrap();
    let lines = String::from_utf8(printed.stdout).unwrap();
    let exports = lines.lines().map(|line| line.strip_prefix("export ").unwrap().split_once('=').unwrap());
    exports.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("site/pkg")).unwrap();
        Self(folder)
    }

    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// All that servers on this folder have written to standard error.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log_file()).unwrap()).into_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.0.path().join("log")
    }

    /// Starts a server on ports of its own.
    pub async fn start(&self) -> Server {
        self.start_with(|_| ()).await
    }

    /// The same with options or variables of its own.
    pub async fn start_with(&self, change: impl FnOnce(&mut Command)) -> Server {
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = headwater();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"])
            .args([Path::new("--data-dir"), &self.data(), Path::new("--site-root"), &self.0.path().join("site")])
            .stdout(Stdio::piped())
            .stderr(log);
        change(&mut command);
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = told(&mut output, "Headwater is at ").await;
        let endpoint = told(&mut output, "The sandbox's AWS endpoint is ").await;
        let site = Site::At(url.strip_prefix("http://").unwrap().parse().unwrap());
        Server { process, output, site, url, endpoint }
    }
}

/// The word that follows these in the next line.
async fn told(output: &mut Lines<BufReader<ChildStdout>>, words: &str) -> String {
    let line = timeout(PATIENCE, output.next_line()).await.expect("the server does not start").unwrap();
    let line = line.expect("the server ended");
    let rest = line.strip_prefix(words).unwrap_or_else(|| panic!("{line:?} does not begin with {words:?}"));
    rest.split([' ', ';']).next().unwrap().to_owned()
}

impl Server {
    /// Kills it as a power cut would: SIGKILL, without warning.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// Asks it to end, by SIGTERM, and gives what it wrote to standard output since it started.
    pub async fn stop(mut self) -> String {
        let process = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").arg(process).status().await.unwrap().success());
        let ended = timeout(PATIENCE, self.process.wait()).await.expect("the server does not stop").unwrap();
        assert!(ended.success(), "{ended}");
        let mut output = String::new();
        while let Some(line) = self.output.next_line().await.unwrap() {
            output += &line;
        }
        output
    }

    /// The configuration of a Rust SDK client with this key.
    pub fn sdk(&self, access_key: &str, secret: &str) -> SdkConfig {
        let credentials = Credentials::new(access_key, secret, None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .region(Region::from_static("us-east-1"))
            .endpoint_url(&self.endpoint)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }
}
