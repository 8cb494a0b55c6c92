//! The profiles of this machine's shared AWS configuration files.

use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

/// The most that are offered.
const MOST: usize = 200;

/// Their names in order; none when there are no files, or they cannot be read.
pub async fn names() -> Vec<String> {
    match aws_config::profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), None).await {
        Ok(profiles) => {
            let mut names: Vec<String> = profiles.profiles().map(str::to_owned).collect();
            names.sort();
            names.truncate(MOST);
            names
        }
        Err(error) => {
            tracing::warn!(%error, "the AWS profiles of this machine cannot be read");
            Vec::new()
        }
    }
}
