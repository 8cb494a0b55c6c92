//! What a sandbox needs to be told.

use std::path::PathBuf;

use crate::Clock;
use crate::firehose::FirehoseLimits;

/// Where the sandbox keeps its state and how it runs learners' code.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Folder for the database, S3 objects, function code and the master key. Made if absent, readable by the owner only.
    pub data_dir: PathBuf,
    /// The base URL at which clients reach this sandbox, such as `http://127.0.0.1:4566`; a learner's code is given it as
    /// `AWS_ENDPOINT_URL`.
    pub endpoint_url: String,
    /// How Python functions are run.
    pub python: PythonRuntime,
    /// The time; anything but the machine's clock is for tests.
    pub clock: Clock,
    /// How much delivery streams take; [`FirehoseLimits::default`] is as in AWS.
    pub firehose: FirehoseLimits,
}

/// The Python that runs learners' functions, under bubblewrap.
#[derive(Clone, Debug)]
pub struct PythonRuntime {
    /// An interpreter below `/usr`, such as `/usr/bin/python3`: only `/usr` is visible to a function.
    pub interpreter: PathBuf,
    /// Folder with the packages `awslambdaric` and `boto3`, as made by `pip install --target`.
    pub packages: PathBuf,
    /// The `bwrap` program.
    pub bubblewrap: PathBuf,
}
