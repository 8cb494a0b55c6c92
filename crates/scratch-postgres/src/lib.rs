//! A real PostgreSQL server for tests: one a process, a new database for each that asks. It ends, and its files go, when the
//! process that started it ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Mutex, OnceCell};

/// Looks whether the server is up.
const TRIES: u32 = 600;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

static SERVER: OnceCell<Server> = OnceCell::const_new();
static DATABASES: Mutex<u32> = Mutex::const_new(0);

struct Server {
    port: u16,
    /// Its standard input is open for as long as this process lives.
    _keeper: Child,
}

/// The address of a new, empty database.
///
/// # Errors
/// When PostgreSQL is not installed or does not start; its own words are in the error.
pub async fn new_database() -> anyhow::Result<String> {
    let port = SERVER.get_or_try_init(start).await?.port;
    let mut made = DATABASES.lock().await;
    *made += 1;
    let name = format!("test_{made}");
    let mut connection = connect(port).await?;
    // The name is ours; it cannot be bound.
    sqlx::query(&format!("CREATE DATABASE {name}")).execute(&mut connection).await?;
    connection.close().await?;
    Ok(format!("postgres://headwater@127.0.0.1:{port}/{name}"))
}

async fn start() -> anyhow::Result<Server> {
    let binaries = binaries()?;
    let folder = tempfile::Builder::new().prefix("scratch-postgres-").tempdir()?.keep();
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut keeper = Command::new("sh")
        .args(["-c", include_str!("keep.sh"), "keep.sh"])
        .args([&folder, &binaries])
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .spawn()
        .context("PostgreSQL cannot be started")?;
    for _ in 0..TRIES {
        if let Ok(connection) = connect(port).await {
            connection.close().await?;
            return Ok(Server { port, _keeper: keeper });
        }
        if keeper.try_wait()?.is_some() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    bail!("PostgreSQL did not start: {log}")
}

async fn connect(port: u16) -> sqlx::Result<sqlx::PgConnection> {
    PgConnectOptions::new().host("127.0.0.1").port(port).username("headwater").database("postgres").connect().await
}

/// Where `initdb` is: on the search path, or where Debian puts it.
fn binaries() -> anyhow::Result<PathBuf> {
    let searched = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&searched).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let holds_both = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    folders
        .into_iter()
        .find(|folder| holds_both(folder))
        .context("PostgreSQL is not installed; run scripts/setup.sh test")
}
