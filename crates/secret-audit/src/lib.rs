//! For tests alone: every secret that a test sees minted is noted, every log is kept, and at the end of the suite the program
//! `audit_secrets` looks for the secrets in the logs.
//!
//! All of it happens only where `HEADWATER_SECRET_AUDIT` names a folder. The notes are the secrets themselves, since nothing
//! else can be looked for; the folder is temporary, and nothing but throw-away test servers accepts what is in it.

mod look;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use tracing_subscriber::EnvFilter;

pub use self::look::{Findings, look};

/// Names the folder.
pub const VARIABLE: &str = "HEADWATER_SECRET_AUDIT";
/// Shorter secrets would be found by chance.
pub const SHORTEST: usize = 8;

/// The kinds of secrets that the suite mints. Each must be noted at least once: a kind that no test mints proves nothing.
/// A new kind of secret is added here, and noted by the tests that see it.
pub const KINDS: [&str; 16] = [
    "secret access key",
    "session token",
    "role's secret access key",
    "resume code",
    "session cookie",
    "unlock code",
    "external id",
    "control token",
    "password",
    "set-up code",
    "invitation code",
    "webhook secret",
    "record store's secret",
    "secret key",
    "OpenID Connect client secret",
    "authorization code",
];

/// Notes a secret, if secrets are noted in this run.
pub fn note(kind: &str, secret: &str) {
    assert!(KINDS.contains(&kind), "{kind:?} is not among the kinds of secrets");
    assert!(secret.len() >= SHORTEST, "a {kind} of {} characters is too short to be looked for", secret.len());
    if let Some(folder) = folder("secrets") {
        // One write of a short line to a file opened for appending is not torn apart by those of other processes.
        let line = format!("{kind}\t{}\n", hex::encode(secret));
        let mut file =
            OpenOptions::new().create(true).append(true).open(folder.join("noted")).expect("notes can be kept");
        file.write_all(line.as_bytes()).expect("notes can be kept");
    }
}

/// A new file for a log of the process or server called `name`, if logs are kept in this run.
pub fn log_file(name: &str) -> Option<PathBuf> {
    let unique: u64 = rand::random();
    folder("logs").map(|folder| folder.join(format!("{name}-{unique:016x}.log")))
}

/// What is kept of a process that is both server and client: the clients of the tests log as well, and may log their own keys.
const KEPT: &str = "debug,hyper=off,hyper_util=off,aws_config=off,aws_sigv4=off,aws_runtime=off,aws_smithy_runtime=off,\
                    aws_smithy_runtime_api=off,headwater=trace,server=trace,sandbox=trace,store=trace,checks=trace,\
                    serving=trace,tower_http=trace,tower_sessions=trace,tower_sessions_core=trace,axum=trace";

/// Keeps the log of this process, in which tests run servers of their own, at its most talkative. `not_logged` is what the
/// program that is tested never logs. May be called by every test.
pub fn keep_log(name: &str, not_logged: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(file) = log_file(name) else { return };
        let file = File::create(file).expect("logs can be kept");
        let filter = EnvFilter::new(format!("{KEPT},{not_logged}"));
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(file).init();
    });
}

/// A folder of the audit, made if absent.
fn folder(name: &str) -> Option<PathBuf> {
    let folder = Path::new(&std::env::var_os(VARIABLE)?).join(name);
    std::fs::create_dir_all(&folder).expect("the folder of the audit can be written");
    Some(folder)
}
