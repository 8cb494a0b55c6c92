//! The data folder as the commands find it: its lock and its ports.

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::net::TcpListener;

/// Name of the store's file.
const STORE: &str = "headwater.sqlite3";
/// Name of the sandbox's folder.
const SANDBOX: &str = "sandbox";

/// The store's database.
pub fn store_file(data_dir: &Path) -> PathBuf {
    data_dir.join(STORE)
}

/// The sandbox's folder.
pub fn sandbox_folder(data_dir: &Path) -> PathBuf {
    data_dir.join(SANDBOX)
}

/// Keeps a second server off the folder; released by the system when this process ends, however it ends.
pub fn lock(data_dir: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(data_dir).with_context(|| format!("{} cannot be made", data_dir.display()))?;
    let path = data_dir.join("lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => anyhow::bail!(
            "another server uses {}; stop it, or choose another folder with --data-dir",
            data_dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("{} cannot be locked", path.display())),
    }
}

/// Listens at the address that `option` chose.
pub async fn listen(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("{address} cannot be listened on; is Headwater running already? {option} chooses another")
    })
}
