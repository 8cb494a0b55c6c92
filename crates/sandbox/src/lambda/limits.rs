//! How much of the machine learners' functions may take, and AWS's own limits where ours are the same.

use std::time::Duration;

/// Zip file sent to `CreateFunction` and `UpdateFunctionCode`. AWS: 50 MB.
pub(super) const MAX_ZIP_BYTES: usize = 20 * 1024 * 1024;
/// Unzipped code. AWS: 250 MB.
pub(super) const MAX_UNZIPPED_BYTES: u64 = 64 * 1024 * 1024;
/// Files and folders in a zip file.
pub(super) const MAX_ZIP_ENTRIES: usize = 5_000;
/// Functions of an account in a region.
pub(super) const MAX_FUNCTIONS: i64 = 50;
/// Zip files of an account in all regions together. AWS: 75 GB.
pub(super) const MAX_CODE_BYTES: i64 = 100 * 1024 * 1024;
/// Event source mappings of an account in all regions together.
pub(super) const MAX_EVENT_SOURCE_MAPPINGS: i64 = 10;
/// Environment variables, names and values together, as AWS.
pub(super) const MAX_ENVIRONMENT_BYTES: usize = 4096;
/// `Invoke` with `RequestResponse`, as AWS.
pub(super) const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
/// `Invoke` with `Event`, as AWS.
pub(super) const MAX_EVENT_PAYLOAD_BYTES: usize = 1024 * 1024;
/// Asynchronous invocations of an account that may wait.
pub(super) const MAX_WAITING_EVENTS: i64 = 100;
/// Invocations of an account at the same time, as AWS gives new accounts.
pub(super) const MAX_CONCURRENT: usize = 10;
/// Environments of all accounts together that are at work at the same time.
pub(super) const MAX_AT_WORK: usize = 32;
/// How long an invocation waits for a place among [`MAX_AT_WORK`], and until its environment may start.
pub(super) const ADMISSION_WAIT: Duration = Duration::from_secs(30);
/// How long an environment may keep others from starting.
pub(super) const HEAD_START: Duration = Duration::from_secs(2);
/// Environments of all accounts together that rest.
pub(super) const MAX_RESTING: usize = 256;
/// Environments of an account that rest: with those at work they stay below [`PROCESSES`], which an account's user has in all
/// where the server runs as root.
pub(super) const MAX_RESTING_OF_ACCOUNT: usize = 10;
/// The part of the machine's memory that all resting environments together may hold.
pub(super) const RESTING_PART: u64 = 4;
/// How long an environment is kept for another invocation.
pub(super) const IDLE: Duration = Duration::from_secs(180);
/// How soon after an invocation an idle environment is frozen.
pub(super) const FREEZE_AFTER: Duration = Duration::from_millis(50);
/// Time for loading the function's module before the time-out of the function begins to count, as AWS.
pub(super) const INIT: Duration = Duration::from_secs(10);
/// How often the memory of a running environment is looked at.
pub(super) const WATCH: Duration = Duration::from_millis(100);
/// How often its processes are told to stop before the environment is held to be running away, and the pause between.
pub(super) const FREEZE_TRIES: usize = 50;
pub(super) const FREEZE_PAUSE: Duration = Duration::from_millis(20);
/// How often an idle environment is looked at, whether it is still frozen.
pub(super) const IDLE_WATCH: Duration = Duration::from_secs(5);

/// Memory that a function really gets, whatever its `MemorySize`, MB.
pub(super) const MAX_MEMORY_MB: u64 = 512;
/// What the environment's own processes need beside the function's, MB.
pub(super) const OWN_MEMORY_MB: u64 = 16;
/// Address space beyond memory: stacks and arenas of threads are reserved and mostly not used, MB.
pub(super) const ADDRESS_SPACE_MB: u64 = 1024;
/// The environment's `/tmp`. AWS: at least 512 MB.
pub(super) const TMP_BYTES: u64 = 64 * 1024 * 1024;
/// Files and folders in `/tmp`.
pub(super) const TMP_FILES: u64 = 10_000;
/// Processes and threads. AWS: 1,024.
pub(super) const PROCESSES: u64 = 64;
/// Open files of a process. AWS: 1,024.
pub(super) const OPEN_FILES: u64 = 256;
/// Open files of all processes of an environment together: the kernel keeps some 200 KB of what is sent to a socket and not
/// yet read, and counts it as nobody's memory.
pub(super) const ALL_OPEN_FILES: u64 = 1024;
/// Processor time of one process over the life of its environment, seconds.
pub(super) const PROCESSOR_SECONDS: u64 = 3600;
