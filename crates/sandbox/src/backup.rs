//! Copies of a sandbox's data folder, made while the sandbox runs.

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use thiserror::Error;

use crate::master_key::make_private_folder;

/// How often the copy is begun anew because objects that it needs were deleted meanwhile. Each time there is less to copy.
const TRIES: usize = 100;

/// Why no copy was made.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error("{path}: {cause}")]
    File { path: PathBuf, cause: io::Error },
    #[error("the sandbox's database cannot be copied: {0}")]
    Database(#[from] sqlx::Error),
    #[error("objects were deleted all the time while they were copied; try again when less is going on")]
    TooBusy,
}

/// Copies the sandbox in `data_dir` into the folder `to`, which is made. The copy is of one moment.
pub async fn back_up(data_dir: &Path, to: &Path) -> Result<(), BackupError> {
    make_private_folder(to).map_err(failed(to))?;
    let snapshot = to.join(DATABASE);
    for _ in 0..TRIES {
        copy_database(&data_dir.join(DATABASE), &snapshot).await?;
        let named = named_files(&snapshot).await?;
        if copy_objects(&data_dir.join(OBJECTS), &to.join(OBJECTS), &named)? {
            remove_others(&to.join(OBJECTS), &named)?;
            copy_private(&data_dir.join(KEY), &to.join(KEY))?;
            return Ok(());
        }
        // What has been copied is kept: a body never changes, so that the next try has less to do.
        std::fs::remove_file(&snapshot).map_err(failed(&snapshot))?;
    }
    Err(BackupError::TooBusy)
}

/// Copies a SQLite database that others may write to meanwhile: the copy is of one moment.
pub async fn copy_database(from: &Path, to: &Path) -> Result<(), BackupError> {
    let options = SqliteConnectOptions::new().filename(from).busy_timeout(std::time::Duration::from_secs(10));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let copied = sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy().into_owned()).execute(&pool).await;
    pool.close().await;
    copied?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o600)).map_err(failed(to))
}

const DATABASE: &str = "sandbox.sqlite3";
const OBJECTS: &str = "objects";
const KEY: &str = "master.key";

/// Bodies by account and name.
type Named = HashSet<(String, String)>;

async fn named_files(database: &Path) -> Result<Named, BackupError> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let named =
        sqlx::query_as("SELECT account_id, file FROM object UNION ALL SELECT account_id, file FROM upload_part")
            .fetch_all(&pool)
            .await;
    pool.close().await;
    Ok(named?.into_iter().collect())
}

/// Whether all of them are there.
fn copy_objects(from: &Path, to: &Path, named: &Named) -> Result<bool, BackupError> {
    make_private_folder(to).map_err(failed(to))?;
    let mut complete = true;
    for (account, name) in named {
        let (source, folder) = (from.join(account).join(name), to.join(account));
        let target = folder.join(name);
        if target.exists() {
            continue;
        }
        make_private_folder(&folder).map_err(failed(&folder))?;
        match std::fs::copy(&source, &target) {
            Ok(_) => (),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => complete = false,
            Err(cause) => return Err(BackupError::File { path: source, cause }),
        }
    }
    Ok(complete)
}

/// Removes bodies that were copied for an earlier try.
fn remove_others(objects: &Path, named: &Named) -> Result<(), BackupError> {
    for folder in std::fs::read_dir(objects).map_err(failed(objects))? {
        let folder = folder.map_err(failed(objects))?;
        let account = folder.file_name().to_string_lossy().into_owned();
        for file in std::fs::read_dir(folder.path()).map_err(failed(objects))? {
            let file = file.map_err(failed(objects))?;
            let name = file.file_name().to_string_lossy().into_owned();
            if !named.contains(&(account.clone(), name)) {
                std::fs::remove_file(file.path()).map_err(failed(objects))?;
            }
        }
    }
    Ok(())
}

fn copy_private(from: &Path, to: &Path) -> Result<(), BackupError> {
    std::fs::copy(from, to).map_err(failed(from))?;
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o600)).map_err(failed(to))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> BackupError {
    let path = path.to_owned();
    move |cause| BackupError::File { path: path.clone(), cause }
}
