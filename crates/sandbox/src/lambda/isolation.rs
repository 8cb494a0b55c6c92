//! Starting a program that sees nothing of the machine but `/usr`, its own code and the sandbox's sockets.
//!
//! `bwrap` makes new namespaces for everything (so no network but the environment's own loopback), `prlimit` sets the
//! kernel's limits, and a system call filter closes what they leave open. A server that runs as root gives every account a
//! user id of its own, without any rights; otherwise `bwrap` makes a user namespace.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{fs, io};

use sha2::{Digest as _, Sha256};
use tokio::process::{Child, Command};
use uuid::Uuid;

use super::limits;
use super::log::LogPipe;
use super::seccomp::{self, FilterError};
use crate::{AccountId, PythonRuntime};

/// Where an environment finds the sandbox's sockets, launcher and account files.
pub(super) const INSIDE: &str = "/run/sandbox";
/// The sandbox's endpoint, below [`INSIDE`] and in the environment's folder.
pub(super) const ENDPOINT_SOCKET: &str = "endpoint.sock";
/// The Runtime API, likewise.
pub(super) const RUNTIME_SOCKET: &str = "runtime.sock";
/// The function's code, as AWS.
pub(super) const TASK_ROOT: &str = "/var/task";
/// `awslambdaric` and `boto3`.
pub(super) const PACKAGES: &str = "/opt/python";

const LAUNCHER: &str = include_str!("launcher.py");
/// Gives what it starts the filter as descriptor 3, and the session that it leads the least share of the processors. Where
/// Linux shares them between sessions first (`sched(7)`, autogroup), a process's own niceness counts within its session
/// only, and each environment would get as much as the server. Who is not root may set it ten times a second, all
/// users together.
const START: &str = r#"filter=$1; shift
for try in 1 2 3 4 5 6 7 8 9 10; do
    { [ ! -e /proc/self/autogroup ] || echo 19 >/proc/self/autogroup; } 2>/dev/null && break
    /bin/sleep 0.1
done
exec "$@" 3<"$filter""#;
/// User ids that the systems we know of leave alone, for a server that runs as root.
const FIRST_USER_ID: u32 = 1_900_000_000;
const USER_IDS: u32 = 200_000_000;
/// The user id inside a user namespace; AWS has a user of this kind too.
const USER_ID_IN_NAMESPACE: u32 = 993;

/// What makes environments: the programs, and a folder for them.
#[derive(Debug)]
pub(super) struct Isolation {
    python: PythonRuntime,
    folder: PathBuf,
    is_root: bool,
}

/// A folder of one environment: `code/` and the sockets. It goes when this is dropped.
#[derive(Debug)]
pub(super) struct EnvironmentFolder {
    path: PathBuf,
    owner: Option<u32>,
}

/// A started environment. It is killed when this is dropped.
pub(super) struct IsolatedProcess {
    pub child: Child,
    /// Standard output and error of everything inside.
    pub log: LogPipe,
}

impl Isolation {
    /// Prepares `folder`, which is emptied: whatever ran there has died with the server that started it.
    pub(super) fn new(python: PythonRuntime, folder: PathBuf) -> Self {
        Self { python, folder, is_root: rustix::process::geteuid().is_root() }
    }

    /// The programs that functions run with.
    pub(super) fn python(&self) -> &PythonRuntime {
        &self.python
    }

    /// Empties the folder of what an earlier server left behind and writes the launcher and the filter.
    pub(super) fn prepare(&self) -> io::Result<()> {
        // Moved away first: whatever still writes below the old name, the removal cannot meet it.
        let aside = self.folder.with_extension(Uuid::new_v4().simple().to_string());
        match fs::rename(&self.folder, &aside) {
            Ok(()) => fs::remove_dir_all(&aside)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let filter = seccomp::filter().map_err(|error: FilterError| io::Error::other(error))?;
        fs::write(self.filter(), filter)?;
        fs::write(self.launcher(), LAUNCHER)?;
        fs::set_permissions(self.launcher(), fs::Permissions::from_mode(0o644))
    }

    /// Makes the folder of a new environment of this account.
    pub(super) fn environment_folder(&self, account: &AccountId) -> io::Result<EnvironmentFolder> {
        let name = Uuid::new_v4().simple().to_string();
        let path = self.folder.join(&name[..12]);
        let owner = self.is_root.then(|| user_id(account));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let folder = EnvironmentFolder { path, owner };
        let id = owner.unwrap_or(USER_ID_IN_NAMESPACE);
        for (name, content) in [
            ("passwd", format!("root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:{id}:{id}::/tmp:/sbin/nologin\n")),
            ("group", format!("root:x:0:\nsbx_user1051:x:{id}:\n")),
            ("hosts", "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
        ] {
            let file = folder.path.join(name);
            fs::write(&file, content)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
        }
        Ok(folder)
    }

    /// Starts the launcher inside. It waits for its orders on standard input.
    pub(super) fn start(&self, folder: &EnvironmentFolder, memory_mb: u64) -> io::Result<IsolatedProcess> {
        // A shell would say only that it cannot find the program.
        fs::metadata(&self.python.bubblewrap)?;
        let (reader, writer) = io::pipe()?;
        let log = LogPipe::new(reader)?;
        let mut command = Command::new("/usr/bin/setsid");
        command
            .args(["/bin/sh", "-c", START, "sh"])
            .arg(self.filter())
            .arg(&self.python.bubblewrap)
            .args(["--seccomp", "3"])
            .args(self.namespaces(folder))
            .args(self.file_system(folder))
            .arg("--")
            .args(self.limits(folder, memory_mb))
            .arg(&self.python.interpreter)
            .args(["-I", "-S", "-B"])
            .arg(Path::new(INSIDE).join("launcher.py"))
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .kill_on_drop(true);
        Ok(IsolatedProcess { child: command.spawn()?, log })
    }

    fn filter(&self) -> PathBuf {
        self.folder.join("seccomp.bpf")
    }

    fn launcher(&self) -> PathBuf {
        self.folder.join("launcher.py")
    }

    fn namespaces(&self, folder: &EnvironmentFolder) -> Vec<OsString> {
        let mut arguments = words(&[
            "--unshare-ipc",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--hostname",
            "sandbox",
            "--die-with-parent",
            "--clearenv",
            "--cap-drop",
            "ALL",
        ]);
        match folder.owner {
            // Root's own rights are needed once more, to take on the account's user id.
            Some(_) => arguments.extend(words(&["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"])),
            None => {
                let id = USER_ID_IN_NAMESPACE.to_string();
                arguments.extend(words(&["--unshare-user", "--disable-userns", "--uid", &id, "--gid", &id]));
            }
        }
        arguments
    }

    fn file_system(&self, folder: &EnvironmentFolder) -> Vec<OsString> {
        let mut arguments = words(&["--ro-bind", "/usr", "/usr"]);
        // bubblewrap keeps the folders it makes for a bind to their owner; the function runs as somebody else.
        for folder in ["/etc/ssl", "/opt", "/var", INSIDE] {
            arguments.extend(words(&["--dir", folder]));
        }
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            let path = Path::new("/").join(name);
            match fs::read_link(&path) {
                Ok(target) => arguments.extend([OsString::from("--symlink"), target.into(), path.into()]),
                Err(_) if path.is_dir() => {
                    arguments.extend([OsString::from("--ro-bind"), path.clone().into(), path.into()]);
                }
                Err(_) => {}
            }
        }
        // AWS's runtime has the standard library and its own packages, not what this machine happens to have.
        for hidden in ["/usr/local", "/usr/lib/python3/dist-packages"] {
            if Path::new(hidden).is_dir() && !self.python.interpreter.starts_with(hidden) {
                arguments.extend(words(&["--size", "4096", "--tmpfs", hidden, "--remount-ro", hidden]));
            }
        }
        for shared in ["/etc/ld.so.cache", "/etc/ssl/certs", "/etc/ssl/openssl.cnf"] {
            arguments.extend(words(&["--ro-bind-try", shared, shared]));
        }
        for (name, inside) in [("passwd", "/etc/passwd"), ("group", "/etc/group"), ("hosts", "/etc/hosts")] {
            arguments.extend(bind(&folder.path.join(name), inside));
        }
        arguments.extend(bind(&folder.code(), TASK_ROOT));
        arguments.extend(bind(&self.python.packages, PACKAGES));
        for name in [ENDPOINT_SOCKET, RUNTIME_SOCKET] {
            arguments.extend(bind(&folder.path.join(name), &format!("{INSIDE}/{name}")));
        }
        arguments.extend(bind(&self.launcher(), &format!("{INSIDE}/launcher.py")));
        let tmp_bytes = limits::TMP_BYTES.to_string();
        arguments.extend(words(&[
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--perms",
            "1777",
            "--size",
            &tmp_bytes,
            "--tmpfs",
            "/tmp",
            // What is left writable would be memory that no limit counts, or the kernel's settings.
            "--remount-ro",
            "/proc",
            "--remount-ro",
            "/dev",
            "--remount-ro",
            "/",
        ]));
        arguments
    }

    fn limits(&self, folder: &EnvironmentFolder, memory_mb: u64) -> Vec<OsString> {
        let mut arguments = Vec::new();
        if let Some(id) = folder.owner {
            let id = id.to_string();
            arguments.extend(words(&[
                "/usr/bin/setpriv",
                "--reuid",
                &id,
                "--regid",
                &id,
                "--clear-groups",
                "--inh-caps=-all",
                "--ambient-caps=-all",
                "--no-new-privs",
            ]));
        }
        let address_space = (memory_mb + limits::ADDRESS_SPACE_MB) * 1024 * 1024;
        arguments.extend(words(&[
            "/usr/bin/prlimit",
            &format!("--as={address_space}"),
            &format!("--nproc={}", limits::PROCESSES),
            &format!("--nofile={}", limits::OPEN_FILES),
            &format!("--fsize={}", limits::TMP_BYTES),
            &format!("--cpu={}", limits::PROCESSOR_SECONDS),
            "--core=0",
            "--memlock=0",
            "--msgqueue=0",
            "/usr/bin/nice",
            "-n",
            "19",
        ]));
        arguments
    }
}

impl EnvironmentFolder {
    /// Where the function's code is to be unpacked.
    pub(super) fn code(&self) -> PathBuf {
        self.path.join("code")
    }

    /// Makes a Unix socket that the environment, and nobody else, can connect to.
    pub(super) fn listen(&self, name: &str) -> io::Result<tokio::net::UnixListener> {
        let path = self.path.join(name);
        let listener = tokio::net::UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        if let Some(owner) = self.owner {
            chown(&path, Some(owner), Some(owner))?;
        }
        Ok(listener)
    }
}

impl Drop for EnvironmentFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "the folder of a function's environment could not be removed");
        }
    }
}

/// The user id of an account's functions when the server runs as root.
fn user_id(account: &AccountId) -> u32 {
    let digest = Sha256::digest(account.as_str());
    let number = digest.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    FIRST_USER_ID + number % USER_IDS
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn bind(outside: &Path, inside: &str) -> [OsString; 3] {
    [OsStr::new("--ro-bind").to_owned(), outside.as_os_str().to_owned(), OsStr::new(inside).to_owned()]
}
