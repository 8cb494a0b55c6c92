//! A sandbox in a process of its own, so that a test can kill it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use sandbox::Sandbox;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{REGION, configuration, sdk_config};

const SERVE: &str = "--serve";

/// The whole `main` of a test program: runs the test, or, started by [`Server::start`], serves.
pub fn run_or_serve(name: &str, test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[..] {
        [_, flag, folder] if flag == SERVE => runtime.block_on(serve(Path::new(folder))),
        _ => {
            runtime.block_on(test);
            println!("test {name} ... ok");
        }
    }
}

/// Serves until it is killed. Prints its address, its account and a key.
async fn serve(folder: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut configuration = configuration(folder.to_owned());
    configuration.endpoint_url = format!("http://{}", listener.local_addr().unwrap());
    let endpoint_url = configuration.endpoint_url.clone();
    let sandbox = Sandbox::open(configuration).await.unwrap();
    let account_file = folder.join("account");
    let account = match std::fs::read_to_string(&account_file) {
        Ok(account) => account.parse().unwrap(),
        Err(_) => {
            let account = sandbox.new_account().await.unwrap();
            std::fs::write(&account_file, account.as_str()).unwrap();
            account
        }
    };
    let key = sandbox.service_credentials(&account);
    println!("{endpoint_url} {account} {} {}", key.id, key.secret.expose_secret());
    std::io::stdout().flush().unwrap();
    sandbox.serve(listener, CancellationToken::new()).await.unwrap();
}

/// A server in a process of its own. Killed when dropped.
pub struct Server {
    process: Child,
    pub account: String,
    pub sdk: SdkConfig,
}

impl Server {
    /// Starts this very program as a server on the folder, which keeps its account from one start to the next.
    pub fn start(folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg(SERVE)
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [endpoint, account, key_id, secret] = words[..] else { panic!("the server did not start: {line}") };
        let sdk = sdk_config(endpoint, Credentials::new(key_id, secret, None, None, "test"), REGION);
        Self { process, account: account.to_owned(), sdk }
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
