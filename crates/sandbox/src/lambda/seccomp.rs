//! System calls that a function has no business with, refused in the kernel as if they did not exist.
//!
//! They are those that make memory which no limit counts, reach into other processes, wake what is frozen, leave the
//! environment by a socket that knows no namespaces, or open large parts of the kernel to attack: namespaces, mounts, BPF,
//! tracing, key rings, asynchronous I/O rings.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};
use thiserror::Error;

/// The filter could not be made for this machine.
#[derive(Debug, Error)]
pub(super) enum FilterError {
    #[error("the processor architecture is not supported: {0}")]
    Architecture(#[from] seccompiler::BackendError),
}

/// The numbers of the refused calls.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    // clone3 hides its flags from filters; without it the C library falls back to clone.
    libc::SYS_clone3,
    libc::SYS_fanotify_init,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_keyctl,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_mq_open,
    libc::SYS_msgget,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_request_key,
    libc::SYS_semget,
    libc::SYS_setns,
    // A new session would get a share of the processors of its own.
    libc::SYS_setsid,
    libc::SYS_shmget,
    // The kernel's log.
    libc::SYS_syslog,
    // A timer can send SIGCONT, which would wake a frozen environment.
    libc::SYS_timer_create,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

const NEW_NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Sockets that stay in the environment's own network, and the one by which the C library asks for its addresses. Others,
/// such as `AF_VSOCK`, reach the host, whatever the namespace.
const SOCKET_FAMILIES: &[libc::c_int] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// The command of `fcntl` that chooses the signal a file or socket sends, for all architectures.
const F_SETSIG: u64 = 10;

/// On x86-64 the same calls and some more answer to numbers from this on, where the kernel has the x32 interface.
const X32: u32 = 0x4000_0000;

/// The filter as `bwrap --seccomp` reads it: the kernel's `sock_filter` records in native byte order.
pub(super) fn filter() -> Result<Vec<u8>, FilterError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|&call| (call, Vec::new())).collect();
    let mut namespaces = Vec::new();
    for &flag in NEW_NAMESPACES {
        let flag = flag as u64;
        let flag_is_set = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?;
        namespaces.push(SeccompRule::new(vec![flag_is_set])?);
    }
    rules.insert(libc::SYS_clone, namespaces);
    let is_another =
        |family: &libc::c_int| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, *family as u64);
    let another_family = SOCKET_FAMILIES.iter().map(is_another).collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(another_family)?]);
    // Files and sockets, too, can be made to send SIGCONT.
    let set_signal = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, F_SETSIG)?;
    rules.insert(libc::SYS_fcntl, vec![SeccompRule::new(vec![set_signal])?]);
    let refusal = SeccompAction::Errno(libc::ENOSYS as u32);
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let program: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, refusal.clone(), architecture)?.try_into()?;
    let mut bytes = Vec::with_capacity((program.len() + 3) * 8);
    for instruction in refuse_numbers_from(X32, refusal).into_iter().chain(program) {
        bytes.extend_from_slice(&instruction.code.to_ne_bytes());
        bytes.push(instruction.jt);
        bytes.push(instruction.jf);
        bytes.extend_from_slice(&instruction.k.to_ne_bytes());
    }
    Ok(bytes)
}

/// What goes before a filter so that calls from this number on are refused; `seccompiler` knows single numbers only.
fn refuse_numbers_from(number: u32, refusal: SeccompAction) -> [sock_filter; 3] {
    let instruction = |code: u32, jf: u8, k: u32| sock_filter { code: code as u16, jt: 0, jf, k };
    [
        // The number is the first field of `seccomp_data`.
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 1, number),
        instruction(libc::BPF_RET | libc::BPF_K, 0, u32::from(refusal)),
    ]
}
