//! `headwater backup`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use sandbox::backup::{back_up, copy_database};
use serde::{Deserialize, Serialize};

use super::data_folder::{sandbox_folder, store_file};
use crate::config::data_dir;
use crate::master_key::MasterKey;

/// The file that says that a folder is a copy, and is written last.
const LABEL: &str = "backup.json";
/// The shape of the copies that this version makes and reads.
const SHAPE: u32 = 1;

/// What `headwater backup` can be told.
#[derive(Clone, Debug, Args)]
pub struct BackupOptions {
    /// The new folder to copy into; it must not exist.
    to: PathBuf,
    /// Folder with the state to copy. The user's data folder if left out.
    #[arg(long, env = "HEADWATER_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

/// What a copy says of itself.
#[derive(Serialize, Deserialize)]
pub struct Label {
    pub shape: u32,
    pub headwater: String,
}

/// Copies the state. Databases and the sandbox's objects are each of one moment; a server may run meanwhile.
pub async fn run(options: BackupOptions) -> anyhow::Result<()> {
    let (from, to) = (data_dir(options.data_dir.as_deref()), options.to);
    let (store, sandbox) = (store_file(&from), sandbox_folder(&from));
    anyhow::ensure!(
        store.is_file() || sandbox.is_dir(),
        "{} holds no state of Headwater; choose its folder with --data-dir",
        from.display()
    );
    make_private(&to)?;
    // The sandbox first: what the store says of a learner's account is never older than the account.
    if sandbox.is_dir() {
        back_up(&sandbox, &sandbox_folder(&to)).await?;
    }
    if store.is_file() {
        copy_database(&store, &store_file(&to)).await?;
    }
    let key = MasterKey::file(&from);
    if key.is_file() {
        // The copy is for its owner only, as the file is.
        std::fs::copy(&key, MasterKey::file(&to)).with_context(|| format!("{} cannot be copied", key.display()))?;
    }
    let label = Label { shape: SHAPE, headwater: env!("CARGO_PKG_VERSION").to_owned() };
    std::fs::write(to.join(LABEL), serde_json::to_string_pretty(&label)?)?;
    println!("{} is copied to {}", from.display(), to.display());
    Ok(())
}

/// Reads what a copy says of itself: an error for what is no copy, or not a whole one.
pub fn read_label(folder: &Path) -> anyhow::Result<Label> {
    let text = std::fs::read_to_string(folder.join(LABEL))
        .with_context(|| format!("{} is no whole copy made by `headwater backup`", folder.display()))?;
    let label: Label = serde_json::from_str(&text).with_context(|| format!("{LABEL} cannot be read"))?;
    anyhow::ensure!(
        label.shape == SHAPE,
        "the copy was made by Headwater {}; restore it with that version",
        label.headwater
    );
    Ok(label)
}

/// A new folder for its owner only.
fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().mode(0o700).create(folder);
    made.with_context(|| format!("{} cannot be made; name a folder that does not exist", folder.display()))
}
