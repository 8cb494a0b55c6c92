//! Object bodies on disk. Names are random and belong to an account's folder; nothing of a file name comes from a client.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use crate::{AccountId, AwsError};

/// The bodies of all accounts. Cheap to clone.
#[derive(Clone)]
pub(super) struct Files {
    root: PathBuf,
    /// The bytes that each account has written but not yet stored, so that uploads side by side share one quota.
    in_flight: Arc<Mutex<HashMap<AccountId, u64>>>,
}

/// A body being written.
pub(super) struct BodyWriter {
    file: File,
    staged: StagedFile,
    /// The bytes that the account may yet write, all its uploads together.
    room: u64,
}

/// A body that is on disk but that no row names. Dropped, it is removed.
pub(crate) struct StagedFile {
    files: Files,
    account: AccountId,
    name: String,
    size: u64,
    kept: bool,
}

impl Files {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, in_flight: Arc::default() }
    }

    /// Begins a body of at most `room` bytes, less what the account's other uploads take.
    pub(super) async fn create(&self, account: &AccountId, room: u64) -> Result<BodyWriter, AwsError> {
        let folder = self.folder(account);
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&folder).map_err(AwsError::internal)?;
        let staged = self.stage(account);
        let file = File::create_new(self.path(account, &staged.name)).await.map_err(AwsError::internal)?;
        Ok(BodyWriter { file, staged, room })
    }

    /// A second name for a body, which lives on when the first is removed.
    pub(super) async fn link(&self, account: &AccountId, name: &str, size: u64) -> io::Result<StagedFile> {
        let mut staged = self.stage(account);
        tokio::fs::hard_link(self.path(account, name), self.path(account, &staged.name)).await?;
        staged.reserve(size);
        Ok(staged)
    }

    /// A stretch of a body, ready to be read from its first byte on.
    pub(super) async fn open(
        &self,
        account: &AccountId,
        name: &str,
        start: u64,
        length: u64,
    ) -> io::Result<tokio::io::Take<File>> {
        let mut file = File::open(self.path(account, name)).await?;
        if start > 0 {
            file.seek(io::SeekFrom::Start(start)).await?;
        }
        Ok(file.take(length))
    }

    /// Removes a body that no row names any more. A failure leaves it to the next sweep.
    pub(super) async fn remove(&self, account: &AccountId, name: &str) {
        if let Err(error) = tokio::fs::remove_file(self.path(account, name)).await {
            tracing::warn!(%error, "the body of a deleted object stays until the next start");
        }
    }

    /// Removes every body whose name is not among `named`.
    pub(super) async fn sweep(&self, named: HashSet<String>) -> Result<(), AwsError> {
        let root = self.root.clone();
        let swept = tokio::task::spawn_blocking(move || sweep(&root, &named)).await.map_err(AwsError::internal)?;
        let removed = swept.map_err(AwsError::internal)?;
        if removed > 0 {
            tracing::info!(removed, "removed the bodies of unfinished uploads and deleted objects");
        }
        Ok(())
    }

    fn stage(&self, account: &AccountId) -> StagedFile {
        let name = Uuid::new_v4().simple().to_string();
        StagedFile { files: self.clone(), account: account.clone(), name, size: 0, kept: false }
    }

    fn folder(&self, account: &AccountId) -> PathBuf {
        self.root.join(account.as_str())
    }

    fn path(&self, account: &AccountId, name: &str) -> PathBuf {
        self.folder(account).join(name)
    }
}

impl BodyWriter {
    /// Appends to the body. `QuotaExceeded` if the account has no room for it.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), AwsError> {
        if self.staged.reserve(bytes.len() as u64) > self.room {
            return Err(quota_exceeded());
        }
        self.file.write_all(bytes).await.map_err(AwsError::internal)
    }

    /// Ends the body.
    pub(super) async fn finish(mut self) -> Result<StagedFile, AwsError> {
        self.file.flush().await.map_err(AwsError::internal)?;
        Ok(self.staged)
    }
}

impl StagedFile {
    /// The name to write into a row.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes written so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Leaves the body where it is, since a row names it now.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }

    /// Counts bytes against the account's quota and tells how many it has in flight.
    fn reserve(&mut self, bytes: u64) -> u64 {
        self.size += bytes;
        let mut in_flight = self.files.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        let total = in_flight.entry(self.account.clone()).or_default();
        *total += bytes;
        *total
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        let mut in_flight = self.files.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(total) = in_flight.get_mut(&self.account) {
            *total -= self.size;
            if *total == 0 {
                in_flight.remove(&self.account);
            }
        }
        drop(in_flight);
        if !self.kept {
            // An unlink is quick, and there is nowhere to wait in a drop.
            let removed = std::fs::remove_file(self.files.path(&self.account, &self.name));
            if let Err(error) =
                removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
            {
                tracing::warn!(%error, "the body of an unfinished upload stays until the next start");
            }
        }
    }
}

/// The account holds as much as it may; S3 itself has no such bound, so that the code is the sandbox's own.
pub(super) fn quota_exceeded() -> AwsError {
    AwsError::client(
        "QuotaExceeded",
        "The account's objects would take more room than the sandbox gives one account; delete some first.",
    )
    .with_status(403)
}

fn sweep(root: &Path, named: &HashSet<String>) -> io::Result<usize> {
    let mut removed = 0;
    for folder in std::fs::read_dir(root)? {
        let folder = folder?.path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder)? {
            let file = file?;
            if file.file_name().to_str().is_none_or(|name| !named.contains(name)) {
                std::fs::remove_file(file.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}
