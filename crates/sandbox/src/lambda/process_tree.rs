//! The processes of one environment as the host sees them: how much memory they hold, and stopping them between
//! invocations.
//!
//! Control groups would do this too, but an ordinary user may not make them. Everything is read from `/proc`.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::memory;

/// More processes than an environment may have, so that a walk is bounded whatever it finds.
const MOST_PROCESSES: usize = 1024;
/// What an environment holds of the host's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Memory of all its processes that is not merely mapped from files, bytes.
    pub memory_bytes: u64,
    /// Files and folders in its `/tmp`.
    pub files: u64,
    /// Open files, sockets and pipes of all its processes.
    pub open_files: u64,
}

/// The environment whose outermost process is `root`, `bwrap` itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessTree {
    root: Pid,
}

impl ProcessTree {
    pub(super) fn new(root: u32) -> Option<Self> {
        Some(Self { root: Pid::from_raw(i32::try_from(root).ok()?)? })
    }

    /// What its processes use now. A process that ends meanwhile counts nothing.
    pub(super) fn usage(self) -> Usage {
        let mut usage = Usage::default();
        for (depth, pid) in self.members() {
            usage.memory_bytes += memory_bytes(pid);
            usage.open_files += open_files(pid);
            if depth >= 2 && usage.files == 0 {
                usage.files = files_in_tmp(pid);
            }
        }
        usage
    }

    /// Tells every process to stop, as AWS freezes an environment between invocations. True when all had stopped already;
    /// otherwise look again a little later, since a busy process stops when it next gets the processor.
    pub(super) fn freeze(self) -> bool {
        let mut all_stopped = true;
        for (depth, pid) in self.members() {
            if depth > 0 && !is_stopped(pid) {
                all_stopped = false;
                self.signal(pid, Signal::STOP);
            }
        }
        all_stopped
    }

    /// Lets every process go on.
    pub(super) fn thaw(self) {
        for (depth, pid) in self.members() {
            if depth > 0 {
                self.signal(pid, Signal::CONT);
            }
        }
    }

    /// Kills the environment's first process inside, and with it, by the kernel, all others.
    pub(super) fn kill(self) {
        for pid in children(self.root) {
            self.signal(pid, Signal::KILL);
        }
    }

    /// Its processes with their distance from the root, parents before children.
    fn members(self) -> Vec<(usize, Pid)> {
        let mut members = vec![(0, self.root)];
        let mut next = 0;
        while let Some(&(depth, pid)) = members.get(next) {
            next += 1;
            if members.len() < MOST_PROCESSES {
                members.extend(children(pid).into_iter().map(|child| (depth + 1, child)));
            }
        }
        members
    }

    /// Sends a signal through a descriptor of the process, so that no other process gets it that took over the number.
    fn signal(self, pid: Pid, signal: Signal) {
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        let (theirs, ours) =
            (pid_namespace(pid), pid_namespace(Pid::from_raw(std::process::id() as i32).unwrap_or(pid)));
        // bwrap's own processes are the only ones that may share the host's namespace, and only the root does.
        if theirs.is_some() && theirs != ours {
            let _ = pidfd_send_signal(process, signal);
        }
    }
}

fn folder(pid: Pid) -> PathBuf {
    Path::new("/proc").join(pid.as_raw_nonzero().to_string())
}

fn pid_namespace(pid: Pid) -> Option<PathBuf> {
    fs::read_link(folder(pid).join("ns/pid")).ok()
}

fn children(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(folder(pid).join("task")) else { return Vec::new() };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        let listed = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.extend(listed.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)));
    }
    children
}

fn memory_bytes(pid: Pid) -> u64 {
    let status = fs::read_to_string(folder(pid).join("status")).unwrap_or_default();
    let bytes = |name| memory::bytes_of(&status, name).unwrap_or(0);
    bytes("RssAnon:") + bytes("RssShmem:")
}

fn open_files(pid: Pid) -> u64 {
    fs::read_dir(folder(pid).join("fd")).map_or(0, |descriptors| descriptors.count() as u64)
}

fn is_stopped(pid: Pid) -> bool {
    // The state follows the program's name, which is in parentheses and may hold anything.
    let stat = fs::read_to_string(folder(pid).join("stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    matches!(state, None | Some('T' | 't' | 'Z' | 'X'))
}

fn files_in_tmp(pid: Pid) -> u64 {
    match rustix::fs::statvfs(folder(pid).join("root/tmp")) {
        Ok(tmp) => tmp.f_files.saturating_sub(tmp.f_ffree),
        Err(_) => 0,
    }
}
