//! The generator's own limit: how many requests a second it can send, against a server that does nothing.
//!
//! The requests are made and timed as those of learners are, so that what the generator adds to their times is seen.

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use futures::future::join_all;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{Instant, sleep_until};

use crate::browser::Browser;
use crate::recorder::{Class, Recorder};

/// About as long as a compressed page of a step.
const PAGE_BYTES: usize = 16 * 1024;
/// Browsers that take turns.
const BROWSERS: u32 = 200;
/// Rates that are tried, in requests a second, each for as long.
const RATES: [u32; 7] = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000];
const ROUND: Duration = Duration::from_secs(2);
/// The 99th percentile above which a rate is more than the generator can do.
const BEARABLE: Duration = Duration::from_millis(10);

/// The highest rate that was kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit {
    pub rate: u32,
    /// At that rate.
    pub p50: Duration,
    pub p99: Duration,
}

/// Serves the small page until the standard input ends, as it does when the generator has gone.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let page: &'static str = String::from_iter(std::iter::repeat_n('x', PAGE_BYTES)).leak();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let served = axum::serve(listener, Router::new().fallback(get(move || async move { page })));
    let input = async {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(_)) = lines.next_line().await {}
    };
    tokio::select! {
        served = served => served?,
        () = input => (),
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures it, against a process of its own.
pub async fn measure() -> anyhow::Result<Limit> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("trivial")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().context("the trivial server's output cannot be read")?;
    let site = BufReader::new(output).lines().next_line().await?.context("the trivial server did not start")?;
    let mut best = Limit::default();
    for rate in RATES {
        let Some(limit) = round(&site, rate).await else { break };
        best = limit;
    }
    child.kill().await?;
    Ok(best)
}

/// One rate; nothing if it was too much.
async fn round(site: &str, rate: u32) -> Option<Limit> {
    let recorder = Recorder::default();
    let beginning = Instant::now() + Duration::from_millis(100);
    let gap = Duration::from_secs(1) * BROWSERS / rate;
    join_all((0..BROWSERS).map(|number| {
        let recorder = &recorder;
        async move {
            let mut browser = Browser::new(site);
            let mut due = beginning + Duration::from_secs(1) * number / rate;
            while due < beginning + ROUND {
                sleep_until(due).await;
                match browser.page("/", due).await {
                    Ok(answer) => recorder.succeeded(Class::Page, answer.time),
                    Err(_) => recorder.failed(Class::Page, "no answer"),
                }
                due += gap;
            }
        }
    }))
    .await;
    let recorded = recorder.so_far();
    let figures = recorded.classes.get(&Class::Page)?;
    let (p50, p99) = (figures.quantile(0.5), figures.quantile(0.99));
    (figures.failures == 0 && p99 <= BEARABLE).then_some(Limit { rate, p50, p99 })
}
