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

/// Names the folder with the packages for learners' functions.
const PYTHON_PACKAGES: &str = "HEADWATER_PYTHON_PACKAGES";

/// Where a server keeps its state and its logs.
pub struct Folder {
    folder: TempDir,
    log: PathBuf,
}

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
    // Learners' functions need what set-up has put there, wherever it is.
    command.envs(std::env::var_os(PYTHON_PACKAGES).map(|folder| (PYTHON_PACKAGES, folder)));
    command
}

/// The environment of a new sandbox account, as `headwater sandbox new-account` prints it.
pub async fn account(server: &Server) -> BTreeMap<String, String> {
    let printed = headwater().args(["sandbox", "new-account", "--server", &server.url]).output().await.unwrap();
    let lines = String::from_utf8(printed.stdout).unwrap();
    let exports = lines.lines().map(|line| line.strip_prefix("export ").unwrap().split_once('=').unwrap());
    let account: BTreeMap<String, String> = exports.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    secret_audit::note("secret access key", &account["AWS_SECRET_ACCESS_KEY"]);
    account
}

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("site/pkg")).unwrap();
        let log = secret_audit::log_file("process").unwrap_or_else(|| folder.path().join("log"));
        Self { folder, log }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All that servers on this folder have written to standard error.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// A place in the folder that is no state of the server.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts `headwater` with its log kept.
    pub fn spawn(&self, change: impl FnOnce(&mut Command)) -> Child {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = headwater();
        command.stdout(Stdio::piped()).stderr(log);
        change(&mut command);
        command.spawn().unwrap()
    }

    /// Starts a server on ports of its own.
    pub async fn start(&self) -> Server {
        self.start_with(|_| ()).await
    }

    /// The same with options or variables of its own.
    pub async fn start_with(&self, change: impl FnOnce(&mut Command)) -> Server {
        let mut process = self.spawn(|command| {
            command.args(["serve", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"]).args([
                Path::new("--data-dir"),
                &self.data(),
                Path::new("--site-root"),
                &self.file("site"),
            ]);
            change(command);
        });
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = told(&mut output, "Headwater is at ").await;
        let endpoint = told(&mut output, "The sandbox's AWS endpoint is ").await;
        let site = Site::At(url.strip_prefix("http://").unwrap().parse().unwrap());
        Server { process, output, site, url, endpoint }
    }
}

fn note_unlock_code(line: &str) {
    if let Some((_, code)) = line.split_once("enter this code when a page asks for it: ") {
        secret_audit::note("unlock code", code);
        secret_audit::note("unlock code", &code.replace('-', ""));
    }
    if let Some((_, code)) = line.split_once("/teach/setup with this code: ") {
        secret_audit::note("set-up code", code);
    }
}

/// The word that follows these in the next line.
pub async fn told(output: &mut Lines<BufReader<ChildStdout>>, words: &str) -> String {
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

    /// The word that follows these in one of the next lines.
    pub async fn tells(&mut self, words: &str) -> String {
        self.tells_line(words).await.split([' ', ';']).next().unwrap().to_owned()
    }

    /// What follows these words in one of the next lines.
    pub async fn tells_line(&mut self, words: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.output.next_line()).await.expect("nothing more is told").unwrap();
            let line = line.unwrap_or_else(|| panic!("the server ended and did not tell {words:?}"));
            note_unlock_code(&line);
            if let Some(rest) = line.strip_prefix(words) {
                return rest.to_owned();
            }
        }
    }

    /// Asks it to end, by SIGTERM.
    pub async fn ask_to_stop(&self) {
        let process = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").arg(process).status().await.unwrap().success());
    }

    /// Asks it to end, by SIGTERM, and gives what it wrote to standard output since it started.
    pub async fn stop(self) -> String {
        self.ask_to_stop().await;
        self.ended().await
    }

    /// Waits until it has ended, and gives what it wrote to standard output since it started.
    pub async fn ended(mut self) -> String {
        let ended = timeout(PATIENCE, self.process.wait()).await.expect("the server does not stop").unwrap();
        assert!(ended.success(), "{ended}");
        let mut output = String::new();
        while let Some(line) = self.output.next_line().await.unwrap() {
            note_unlock_code(&line);
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
