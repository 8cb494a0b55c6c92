//! `headwater sandbox new-account`

use anyhow::{Context as _, bail};
use clap::Args;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::new_account::{NewAccount, PATH};

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Where to ask.
#[derive(Debug, Args)]
pub struct NewAccountOptions {
    /// Address of the running server.
    #[arg(long, env = "HEADWATER_URL", default_value = "http://127.0.0.1:3000")]
    server: String,
}

/// Asks the running server for an account and prints its `export` lines.
pub async fn run(options: NewAccountOptions) -> anyhow::Result<()> {
    let server = options.server.trim_end_matches('/');
    let uri: Uri = format!("{server}{PATH}").parse().with_context(|| format!("{server} is not an address"))?;
    let request = Request::builder().method(Method::POST).uri(uri).body(Empty::<Bytes>::new())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client
        .request(request)
        .await
        .with_context(|| format!("no server answers at {server}; start it with `make run`"))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(anyhow::Error::from_boxed)?;
    let body = body.to_bytes();
    if !status.is_success() {
        bail!("the server refused: {status}: {}", String::from_utf8_lossy(&body));
    }
    let account: NewAccount = serde_json::from_slice(&body).context("the server's answer cannot be read")?;
    print!("{}", account.export_lines());
    Ok(())
}
