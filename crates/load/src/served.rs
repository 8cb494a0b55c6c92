//! A `headwater serve` of our own on loopback, with a fresh data folder.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What the server prints before the address of its pages.
const ADDRESS: &str = "Headwater is at ";
/// And before the code for the first instructor's account.
const SET_UP: &str = "with this code: ";
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(30);

/// The running server. It is killed when this is dropped; its folder goes, too.
pub struct Served {
    /// Address of the pages.
    pub pages: String,
    /// Makes the first instructor's account.
    pub set_up_code: String,
    pub process: u32,
    child: Child,
    _folder: TempDir,
}

impl Served {
    /// Starts `program`. `cores` binds it to these processors, in the words of taskset; without `database`, the address of a
    /// PostgreSQL database, it keeps everything in its folder.
    pub async fn start(
        program: &Path,
        cores: Option<&str>,
        learners: u32,
        database: Option<&str>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // No browser looks at the pages, so that their other half need not be built.
        std::fs::create_dir_all(folder.path().join("site/pkg"))?;
        let mut command = match cores {
            Some(cores) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", cores]).arg(program);
                command
            }
            None => Command::new(program),
        };
        let most = learners.saturating_add(10).to_string();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0", "--max-learners", &most])
            .env("LEPTOS_SITE_ROOT", folder.path().join("site"))
            .env("HEADWATER_DATA_DIR", folder.path().join("data"))
            .env_remove("DATABASE_URL")
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some(database) = database {
            command.env("DATABASE_URL", database);
        }
        let mut child = command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
        let output = child.stdout.take().context("the server's output cannot be read")?;
        let told = timeout(START, async {
            let mut lines = BufReader::new(output).lines();
            let mut pages = None;
            while let Some(line) = lines.next_line().await? {
                if let Some((_, address)) = line.split_once(ADDRESS) {
                    pages = Some(address.trim().to_owned());
                }
                if let (Some(pages), Some((_, code))) = (&pages, line.split_once(SET_UP)) {
                    // The rest is read on, so that the server never waits for somebody to read it.
                    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                    return Ok((pages.clone(), code.trim().to_owned()));
                }
            }
            bail!("the server ended before it served")
        });
        let (pages, set_up_code) = told.await.context("the server did not start in time")??;
        let process = child.id().context("the server has ended")?;
        Ok(Self { pages, set_up_code, process, child, _folder: folder })
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops it as an operator would.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let process = rustix::process::Pid::from_raw(self.process.cast_signed()).context("the server has no number")?;
        rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
        // Open connections of browsers that went away may hold it up; what is durable does not depend on it.
        if timeout(STOP, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}
