//! `headwater restore`

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::backup::read_label;
use super::data_folder::{lock, sandbox_folder, store_file};
use crate::config::data_dir;
use crate::master_key::MasterKey;

/// What `headwater restore` can be told.
#[derive(Clone, Debug, Args)]
pub struct RestoreOptions {
    /// The folder that `headwater backup` made.
    from: PathBuf,
    /// Folder to restore into, which must hold no state yet. The user's data folder if left out.
    #[arg(long, env = "HEADWATER_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

/// Puts the copy in place. Nothing is overwritten, and no server may use the folder.
pub fn run(options: RestoreOptions) -> anyhow::Result<()> {
    let (from, to) = (options.from, data_dir(options.data_dir.as_deref()));
    read_label(&from)?;
    let _lock = lock(&to)?;
    for taken in [store_file(&to), sandbox_folder(&to), MasterKey::file(&to)] {
        anyhow::ensure!(
            !taken.exists(),
            "{} exists, and nothing is overwritten; choose an empty folder with --data-dir",
            taken.display()
        );
    }
    let (store, sandbox) = (store_file(&from), sandbox_folder(&from));
    if sandbox.is_dir() {
        copy(&sandbox, &sandbox_folder(&to))?;
    }
    if store.is_file() {
        copy(&store, &store_file(&to))?;
    }
    let key = MasterKey::file(&from);
    if key.is_file() {
        copy(&key, &MasterKey::file(&to))?;
    }
    println!("{} is restored to {}", from.display(), to.display());
    Ok(())
}

/// Copies a file or a folder with all in it, for its owner only.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let told = || format!("{} cannot be restored", from.display());
    if !from.is_dir() {
        fs::copy(from, to).with_context(told)?;
        return fs::set_permissions(to, fs::Permissions::from_mode(0o600)).with_context(told);
    }
    fs::DirBuilder::new().mode(0o700).create(to).with_context(told)?;
    for entry in fs::read_dir(from).with_context(told)? {
        let entry = entry.with_context(told)?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
