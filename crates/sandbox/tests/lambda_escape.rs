//! Functions that try to get out of their isolation, or to take more than their share.
//!
//! When the tests are run by root, one of them runs all others again as an ordinary user, since the isolation is made in
//! another way for each.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net as unix;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use common::functions::{answer, create_function, function_role, invoke_function, log};
use common::{REGION, TestSandbox};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// Runs the code in its event, with `attempt` to try what should be refused.
const RUNNER: &str = r#"
import ctypes, errno, os, signal, socket, sys, time

libc = ctypes.CDLL(None, use_errno=True)

def attempt(action, *arguments):
    try:
        return "done: " + repr(action(*arguments))[:200]
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))

def system_call(number, *arguments):
    ctypes.set_errno(0)
    answer = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    return "done" if answer >= 0 else errno.errorcode[ctypes.get_errno()]

def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]

def handler(event, context):
    names = dict(globals(), event=event, context=context, result=None)
    exec(event["code"], names)
    return names["result"]
"#;

/// A sandbox with the function `Hostile`.
struct Prison {
    sandbox: TestSandbox,
    lambda: Client,
    role: String,
}

impl Prison {
    async fn new(timeout_seconds: i32) -> Self {
        let sandbox = TestSandbox::start().await;
        let lambda = Client::new(&sandbox.sdk());
        let role = function_role(&sandbox.sdk()).await;
        create_function(&lambda, &role, "Hostile", RUNNER, timeout_seconds).await;
        Self { sandbox, lambda, role }
    }

    /// Runs code that must leave something in `result`.
    async fn run(&self, code: &str) -> Value {
        self.run_with(code, json!({})).await
    }

    /// Runs code with more names in its event.
    async fn run_with(&self, code: &str, mut event: Value) -> Value {
        event["code"] = json!(code);
        let output = invoke_function(&self.lambda, "Hostile", &event).await;
        assert_eq!(output.function_error(), None, "{} {}", answer(&output), log(&output));
        answer(&output)
    }

    /// Runs code that must come to a bad end, and gives the invocation.
    async fn failing(&self, code: &str) -> InvokeOutput {
        let output = invoke_function(&self.lambda, "Hostile", &json!({ "code": code })).await;
        assert_eq!(output.function_error(), Some("Unhandled"), "{} {}", answer(&output), log(&output));
        output
    }

    /// Whether the function still works, in whatever environment.
    async fn still_works(&self) {
        assert_eq!(self.run("result = 6 * 7").await, 42);
    }
}

/// Command lines of the machine's processes in which `marker` stands.
fn processes_with(marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let command_line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command_line = String::from_utf8_lossy(&command_line).replace('\0', " ");
        if command_line.starts_with(marker) {
            found.push(command_line);
        }
    }
    found
}

async fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let reached = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached).await.expect(what);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosts_files_and_processes_are_not_there() {
    // What the server was started with, or opened without care, must not get inside.
    let _leaking = rustix::pipe::pipe().unwrap();
    let prison = Prison::new(20).await;
    let data_dir = prison.sandbox.data_dir();
    let mut secret = tempfile::Builder::new().prefix("treasure").tempfile().unwrap();
    secret.write_all(b"the host's secret").unwrap();
    fs::set_permissions(secret.path(), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(data_dir.join("treasure-of-the-data-folder"), b"the host's secret").unwrap();
    // Its environment rests with its code on the host while the other one looks around.
    let neighbour = "treasure = 'of a neighbour'\ndef handler(event, context): return treasure";
    create_function(&prison.lambda, &prison.role, "Neighbour", neighbour, 20).await;
    assert_eq!(answer(&invoke_function(&prison.lambda, "Neighbour", &json!({})).await), "of a neighbour");
    fs::metadata(data_dir.join("master.key")).unwrap();

    let code = r#"
paths = ["/etc/shadow", "/root", "/home", "/sys/kernel", "/boot", "/mnt", "/run/user", "/dev/mem", "/dev/vsock",
    "/dev/kmsg", "/proc/kcore", *event["paths"]]
result = {"paths": {path: attempt(os.stat if os.path.isdir(path) else open, path) for path in paths}}
result["root"] = sorted(os.listdir("/"))
result["etc"] = sorted(os.listdir("/etc"))
found = []
for folder, folders, files in os.walk("/"):
    if folder in ("/proc", "/usr", "/opt/python", "/etc/ssl/certs"):
        folders.clear()
        continue
    found += [os.path.join(folder, name) for name in folders + files if "treasure" in name]
    for name in files:
        path = os.path.join(folder, name)
        if path != "/var/task/lambda_function.py" and os.path.isfile(path):
            if "treasure" in attempt(lambda: open(path, "rb").read(1_000_000)):
                found.append(path)
result["found"] = found
result["processes"] = {}
for pid in processes():
    with open(f"/proc/{pid}/cmdline") as file:
        result["processes"][pid] = file.read().split("\0")[0]
    for what in ("root", "cwd"):
        listed = attempt(lambda: sorted(os.listdir(f"/proc/{pid}/{what}")))
        if listed.startswith("done") and "treasure" in listed + attempt(lambda: os.stat(f"/proc/{pid}/root/root")):
            found.append(f"/proc/{pid}/{what}")
result["outer"] = [attempt(lambda: os.stat(f"/proc/{pid}/root" + path))
    for pid in processes() for path in event["paths"] + ["/root", "/home"]]
result["descriptors"] = {name: attempt(os.readlink, f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")}
"#;
    let paths =
        [data_dir.as_path(), &data_dir.join("master.key"), secret.path(), Path::new(env!("CARGO_MANIFEST_DIR"))];
    let seen = prison.run_with(code, json!({ "paths": paths })).await;
    for (path, outcome) in seen["paths"].as_object().unwrap() {
        let refused = outcome == "ENOENT" || (path == "/proc/kcore" && outcome == "EACCES");
        assert!(refused, "{path}: {outcome}");
    }
    let root: Vec<&str> = seen["root"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for name in root {
        let known =
            ["bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "run", "sbin", "tmp", "usr", "var"];
        assert!(known.contains(&name), "/{name}");
    }
    assert_eq!(seen["etc"], json!(["group", "hosts", "ld.so.cache", "passwd", "ssl"]));
    assert_eq!(seen["found"], json!([]));
    for outcome in seen["outer"].as_array().unwrap() {
        assert!(["ENOENT", "EACCES", "EPERM"].contains(&outcome.as_str().unwrap()), "{outcome}");
    }
    let processes = seen["processes"].as_object().unwrap();
    assert!(processes.len() <= 4, "{processes:?}");
    for program in processes.values() {
        let own = ["/usr/bin/bwrap", "/usr/bin/python3"].contains(&program.as_str().unwrap());
        assert!(own, "{processes:?}");
    }
    let descriptors = seen["descriptors"].as_object().unwrap();
    assert_eq!(descriptors["1"], descriptors["2"]);
    for (descriptor, file) in descriptors {
        let own = file.as_str().unwrap().starts_with("done: 'socket:") || file == &descriptors["1"];
        assert!(own || ["done: '/dev/null'", "ENOENT"].contains(&file.as_str().unwrap()), "{descriptor}: {file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_temporary_folder_can_be_written() {
    let prison = Prison::new(30).await;
    let code = r#"
writable = []
for folder, folders, files in os.walk("/"):
    if folder == "/proc" or folder.count("/") > 3:
        folders.clear()
        continue
    if attempt(open, os.path.join(folder, "escape"), "w").startswith("done"):
        writable.append(folder)
settings = []
for folder, folders, files in os.walk("/proc/sys"):
    for name in files:
        path = os.path.join(folder, name)
        if attempt(lambda: os.write(os.open(path, os.O_WRONLY), b"1")).startswith("done"):
            settings.append(path)
others = {path: attempt(os.open, path, os.O_WRONLY) for path in
    ["/var/task/lambda_function.py", "/etc/passwd", "/proc/sysrq-trigger", "/run/sandbox/launcher.py", "/usr/bin/env"]}
result = [writable, settings, others]
"#;
    let seen = prison.run(code).await;
    assert_eq!(seen[0], json!(["/tmp"]));
    assert_eq!(seen[1], json!([]));
    for (path, outcome) in seen[2].as_object().unwrap() {
        assert!(["EROFS", "EACCES", "ENOENT"].contains(&outcome.as_str().unwrap()), "{path}: {outcome}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_ends_at_the_sandbox() {
    let prison = Prison::new(30).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let name = format!("headwater-escape-{}", std::process::id());
    let address = unix::SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract = unix::UnixListener::bind_addr(&address).unwrap();
    unix::UnixStream::connect_addr(&address).unwrap();
    let code = r#"
def connect(family, kind, address):
    with socket.socket(family, kind) as client:
        client.settimeout(2)
        client.connect(address)
        client.send(b"x")
inet, inet6, stream, datagram = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
result = {
    "host's loopback": attempt(connect, inet, stream, ("127.0.0.1", event["port"])),
    "internet": attempt(connect, inet, stream, ("1.1.1.1", 53)),
    "internet by datagram": attempt(connect, inet, datagram, ("1.1.1.1", 53)),
    "metadata": attempt(connect, inet, stream, ("169.254.169.254", 80)),
    "internet by IPv6": attempt(connect, inet6, stream, ("2606:4700:4700::1111", 53)),
    "abstract socket": attempt(connect, socket.AF_UNIX, stream, "\0" + event["abstract"]),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "VSOCK": attempt(socket.socket, 40, stream),
    "ALG": attempt(socket.socket, 38, socket.SOCK_SEQPACKET),
    "PACKET": attempt(socket.socket, 17, socket.SOCK_RAW),
    "raw": attempt(socket.socket, inet, socket.SOCK_RAW, 1),
    "name": attempt(socket.gethostbyname, "example.com").split(":")[0],
}
with socket.create_connection(("127.0.0.1", int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]))) as client:
    client.sendall(b"GET / HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n")
    result["the sandbox"] = client.makefile().readline()
"#;
    let seen = prison.run_with(code, json!({ "port": port, "abstract": name })).await;
    assert_eq!(seen["host's loopback"], "ECONNREFUSED");
    for place in ["internet", "internet by datagram", "metadata", "internet by IPv6"] {
        let outcome = seen[place].as_str().unwrap();
        assert!(["ENETUNREACH", "EADDRNOTAVAIL"].contains(&outcome), "{place}: {outcome}");
    }
    assert_eq!(seen["abstract socket"], "ECONNREFUSED");
    assert_eq!(seen["interfaces"], json!(["lo"]));
    for family in ["VSOCK", "ALG", "PACKET"] {
        assert_eq!(seen[family], "ENOSYS", "{family}");
    }
    assert_eq!(seen["raw"], "EPERM");
    assert_ne!(seen["name"], "done");
    assert_eq!(seen["the sandbox"], "HTTP/1.1 403 Forbidden\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kernel_refuses_what_would_open_the_isolation() {
    let prison = Prison::new(20).await;
    let code = r#"
result = {"calls": {
    "ptrace": system_call(101, 16, 1), "mount": system_call(165, 0, 0, 0, 0, 0), "unshare": system_call(272, 0x10000000),
    "setns": system_call(308, 0, 0), "pivot_root": system_call(155, 0, 0), "bpf": system_call(321, 0, 0, 0),
    "keyctl": system_call(250, 0, 0), "add_key": system_call(248, 0, 0, 0, 0, 0), "io_uring_setup": system_call(425, 8, 0),
    "memfd_create": system_call(319, 0, 0), "process_vm_readv": system_call(310, 1, 0, 0, 0, 0, 0),
    "perf_event_open": system_call(298, 0, 0, 0, 0, 0), "userfaultfd": system_call(323, 0),
    "timer_create": system_call(222, 0, 0, 0), "io_setup": system_call(206, 1, 0), "pidfd_getfd": system_call(438, 0, 0, 0),
    "syslog": system_call(103, 3, 0, 0), "shmget": system_call(29, 0, 4096, 0o1600), "mq_open": system_call(240, 0, 0, 0, 0),
    "clone in a new user namespace": system_call(56, 0x10000000 | 17, 0, 0, 0, 0),
    "clone3": system_call(435, 0, 0), "getpid as x32": system_call(0x40000000 + 39),
    "ptrace as x32": system_call(0x40000000 + 521, 16, 1), "fcntl F_SETSIG": system_call(72, 0, 10, 18),
    "setsid": system_call(112),
}, "refused": {
    "setuid": attempt(os.setuid, 0), "setgid": attempt(os.setgid, 0), "setgroups": attempt(os.setgroups, [0]),
    "chroot": attempt(os.chroot, "/tmp"), "nice": attempt(os.setpriority, os.PRIO_PROCESS, 0, -5),
    "hostname": attempt(socket.sethostname, "host"), "mknod": attempt(os.mknod, "/tmp/sda", 0o60600, os.makedev(8, 0)),
    "real time": attempt(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1)),
}}
result["niceness"] = os.getpriority(os.PRIO_PROCESS, 0)
if os.path.exists("/proc/self/autogroup"):
    with open("/proc/self/autogroup") as file:
        result["niceness of the session"] = file.read().split()[-1]
    result["refused"]["niceness of the session"] = attempt(lambda: open("/proc/self/autogroup", "w").write("0"))
wanted = ("Uid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp")
with open("/proc/self/status") as file:
    lines = dict(line.rstrip().split(":", 1) for line in file)
result["status"] = {name: lines[name].split() for name in wanted}
result["su"] = os.system("/usr/bin/su -c true root </dev/null >/dev/null 2>&1")
"#;
    if std::env::consts::ARCH != "x86_64" {
        // The numbers above are those of x86-64.
        return;
    }
    let seen = prison.run(code).await;
    for (call, outcome) in seen["calls"].as_object().unwrap() {
        assert_eq!(outcome, "ENOSYS", "{call}");
    }
    for (what, outcome) in seen["refused"].as_object().unwrap() {
        // Ids that a user namespace does not have are invalid rather than forbidden.
        assert!(["EPERM", "EACCES", "EINVAL", "EROFS"].contains(&outcome.as_str().unwrap()), "{what}: {outcome}");
    }
    assert_eq!(seen["niceness"], 19);
    // Kernels without groups of sessions have no such file.
    if let Some(niceness) = seen.get("niceness of the session") {
        assert_eq!(niceness, "19");
    }
    let status = &seen["status"];
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status[set], json!(["0000000000000000"]), "{set}");
    }
    assert_eq!((&status["NoNewPrivs"], &status["Seccomp"]), (&json!(["1"]), &json!(["2"])));
    for id in status["Uid"].as_array().unwrap() {
        assert_ne!(id, "0");
    }
    assert_ne!(seen["su"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_holds_the_roles_credentials_and_no_other() {
    let prison = Prison::new(20).await;
    let code = r#"
result = {"environment": dict(os.environ), "processes": []}
for pid in processes():
    result["processes"].append(attempt(lambda: open(f"/proc/{pid}/environ").read(100_000)))
    result["processes"].append(attempt(lambda: open(f"/proc/{pid}/cmdline").read(100_000)))
"#;
    let seen = prison.run(code).await;
    let environment = seen["environment"].as_object().unwrap();
    let names: BTreeSet<&str> = environment.keys().map(String::as_str).collect();
    let expected = "AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION AWS_ENDPOINT_URL AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_MEMORY_SIZE \
        AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_FORMAT \
        AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API AWS_REGION AWS_SECRET_ACCESS_KEY \
        AWS_SESSION_TOKEN LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT LANG PATH PYTHONPATH TABLE_NAME TZ _HANDLER";
    // Python and the runtime set these themselves.
    let own = ["LC_CTYPE", "_X_AMZN_TRACE_ID"];
    let names: Vec<&str> = names.into_iter().filter(|name| !own.contains(name)).collect();
    assert_eq!(names.join(" "), expected);
    assert!(environment["AWS_ACCESS_KEY_ID"].as_str().unwrap().starts_with("ASIA"));
    let everything = seen.to_string();
    let service_key = prison.sandbox.sandbox.service_credentials(&prison.sandbox.account);
    let data_dir = prison.sandbox.data_dir();
    for secret in [
        prison.sandbox.key.secret.expose_secret(),
        service_key.secret.expose_secret(),
        &prison.sandbox.key.id,
        &service_key.id,
        data_dir.to_str().unwrap(),
        &std::env::var("HOME").unwrap(),
    ] {
        assert!(!everything.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_and_memory_are_bounded() {
    let prison = Prison::new(10).await;
    let spawned = prison
        .run(
            r#"
spawned = 0
try:
    while spawned < 500:
        os.posix_spawn("/usr/bin/sleep", ["sleep", "100"], {})
        spawned += 1
    result = [spawned, "no bound"]
except OSError as error:
    result = [spawned, errno.errorcode[error.errno]]
"#,
        )
        .await;
    assert_eq!(spawned[1], "EAGAIN");
    assert!((20..64).contains(&spawned[0].as_i64().unwrap()), "{spawned}");
    // The processes of before rest with their environment, frozen. A new one makes its own.
    prison.still_works().await;

    let bomb = prison.failing("while True: os.fork()").await;
    // The copies of the process write to one connection, so that their own account of it may arrive mixed up.
    let told = String::from_utf8_lossy(bomb.payload().unwrap().as_ref()).into_owned();
    let bounded = ["BlockingIOError", "Runtime.OutOfMemory", "Sandbox.Timedout", "Runtime.ExitError"];
    assert!(bounded.iter().any(|kind| told.contains(kind)), "{told}");
    prison.still_works().await;

    // More than the function has, but less than the address space that stacks may reserve.
    let greedy = answer(&prison.failing("kept = [bytearray(1_000_000) for _ in range(600)]\ntime.sleep(9)").await);
    assert_eq!(greedy["errorType"], "Runtime.OutOfMemory");
    let message = greedy["errorMessage"].as_str().unwrap();
    assert!(message.ends_with(" Error: Runtime exited with error: signal: killed"), "{message}");
    let address_space = answer(&prison.failing("bytearray(4_000_000_000)").await);
    assert_eq!(address_space["errorType"], "MemoryError");

    // Memory that belongs to several processes, to none, or only to the kernel.
    let shared = "import mmap\nkept = [mmap.mmap(-1, 50_000_000) for _ in range(10)]\n\
                  for piece in kept: piece.write(b'x' * 50_000_000)\ntime.sleep(9)";
    assert_eq!(answer(&prison.failing(shared).await)["errorType"], "Runtime.OutOfMemory");
    let children = "for _ in range(8):\n  if os.fork() == 0:\n    kept = bytearray(b'x' * 60_000_000)\n    time.sleep(60)\ntime.sleep(9)";
    assert_eq!(answer(&prison.failing(children).await)["errorType"], "Runtime.OutOfMemory");
    let sockets = r#"
for _ in range(20):
    if os.fork() == 0:
        kept = []
        try:
            while True:
                pair = socket.socketpair()
                kept.append(pair)
                pair[0].setblocking(False)
                try:
                    while True: pair[0].send(b"x" * 65536)
                except BlockingIOError: pass
        except OSError: pass
        time.sleep(60)
time.sleep(9)
"#;
    assert_eq!(answer(&prison.failing(sockets).await)["errorType"], "Runtime.OutOfMemory");
    prison.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_temporary_folder_is_bounded() {
    let prison = Prison::new(10).await;
    let code = r#"
written = 0
try:
    for number in range(100):
        with open(f"/tmp/{number}", "wb", buffering=0) as file:
            while file.tell() < 8_000_000:
                written += file.write(b"x" * 65536)
    result = [written, "no bound"]
except OSError as error:
    result = [written, errno.errorcode[error.errno]]
"#;
    let filled = prison.run(code).await;
    assert_eq!(filled[1], "ENOSPC");
    let written = filled[0].as_i64().unwrap();
    assert!((50_000_000..=64 * 1024 * 1024).contains(&written), "{written}");
    // As in AWS, what is in the folder stays for the next invocation in the same environment.
    let kept = prison.run("result = len(os.listdir('/tmp'))").await;
    assert!(kept.as_i64().unwrap() >= 7, "{kept}");
    let many = "for number in range(1_000_000):\n  try: os.mkdir(f'/tmp/folder-{number}')\n  except OSError: pass";
    let many = answer(&prison.failing(many).await);
    assert_eq!(many["errorType"], "Runtime.OutOfMemory");
    assert_eq!(prison.run("result = os.listdir('/tmp')").await, json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_and_answers_are_bounded() {
    let prison = Prison::new(3).await;
    let flood = prison.failing("line = b'flood ' * 10_000\nwhile True: os.write(1, line); os.write(2, line)").await;
    assert_eq!(answer(&flood)["errorType"], "Sandbox.Timedout");
    assert!(log(&flood).len() <= 4096, "{}", log(&flood).len());
    assert!(log(&flood).contains("Task timed out after 3.00 seconds"), "{}", log(&flood));
    let flooded = prison.run("for _ in range(2_000): os.write(1, b'x' * 10_000)\nresult = 'well'").await;
    assert_eq!(flooded, "well");
    let large = answer(&prison.failing("result = 'x' * 20_000_000").await);
    assert_eq!(large["errorType"], "Function.ResponseSizeTooLarge");
    let error = answer(&prison.failing("raise ValueError('x' * 20_000_000)").await);
    assert!(error.to_string().len() < 7 * 1024 * 1024);
    prison.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_function_leaves_behind_ends_with_it() {
    let prison = Prison::new(2).await;
    let daemon = |marker: &str| {
        format!(
            "if os.fork() == 0:\n  os.setpgid(0, 0)\n  if os.fork() == 0:\n    os.execv('/usr/bin/sleep', ['{marker}', '600'])\n  \
             os._exit(0)\n"
        )
    };
    let id = std::process::id();

    let after_timeout = format!("left-by-timeout-{id}");
    let code = format!("{}while True: pass", daemon(&after_timeout));
    let (ended, ()) = tokio::join!(
        prison.failing(&code),
        wait_for("the daemon must start", || !processes_with(&after_timeout).is_empty()),
    );
    let body = answer(&ended);
    assert_eq!(body["errorType"], "Sandbox.Timedout");
    assert!(body["errorMessage"].as_str().unwrap().ends_with("Error: Task timed out after 2.00 seconds"), "{body}");
    wait_for("the time-out must end the daemon", || processes_with(&after_timeout).is_empty()).await;

    let after_deletion = format!("left-by-deletion-{id}");
    prison.run(&daemon(&after_deletion)).await;
    wait_for("the daemon must start", || !processes_with(&after_deletion).is_empty()).await;
    prison.lambda.delete_function().function_name("Hostile").send().await.unwrap();
    wait_for("the deletion must end the daemon", || processes_with(&after_deletion).is_empty()).await;

    create_function(&prison.lambda, &prison.role, "Hostile", RUNNER, 2).await;
    let after_shutdown = format!("left-by-shutdown-{id}");
    prison.run(&daemon(&after_shutdown)).await;
    wait_for("the daemon must start", || !processes_with(&after_shutdown).is_empty()).await;
    let Prison { sandbox, lambda, .. } = prison;
    drop(lambda);
    let folder = sandbox.stop().await;
    wait_for("the shutdown must end the daemon", || processes_with(&after_shutdown).is_empty()).await;
    let environments = folder.path().join("data/environments");
    let folders = || {
        let entries = fs::read_dir(&environments).unwrap().flatten();
        entries.filter(|entry| entry.path().is_dir()).count()
    };
    wait_for("the environments' folders must go", || folders() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_runs_between_invocations() {
    let prison = Prison::new(20).await;
    let code = r#"
import threading
sys.longest_pause = 0
def watch():
    last = time.monotonic()
    while True:
        time.sleep(0.01)
        now = time.monotonic()
        sys.longest_pause, last = max(sys.longest_pause, now - last), now
threading.Thread(target=watch, daemon=True).start()
if os.fork() == 0:
    # A process that wakes whatever it can, as often as it is let.
    while True:
        for pid in processes():
            attempt(os.kill, pid, signal.SIGCONT)
"#;
    prison.run(code).await;
    let rest = Duration::from_secs(3);
    tokio::time::sleep(rest).await;
    // The environment was kept, and its clock stood still.
    let pause = prison.run("time.sleep(0.2)\nresult = sys.longest_pause").await;
    assert!(pause.as_f64().unwrap() > rest.as_secs_f64() / 2.0, "{pause}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_is_served_meanwhile() {
    let prison = Prison::new(8).await;
    let (_, key) = prison.sandbox.another_account().await;
    let sdk = prison.sandbox.sdk_as(&key, REGION);
    let role = function_role(&sdk).await;
    let theirs = Client::new(&sdk);
    create_function(&theirs, &role, "Hostile", RUNNER, 20).await;

    let hog = "for _ in range(8):\n  if os.fork() == 0: break\nwhile True: pass";
    let flood = "while True: os.write(1, b'x' * 65536)";
    let bomb = "os.execv('/bin/sh', ['sh', '-c', 'b() { b | b & }; while true; do b; done'])";
    let requests = r#"
import threading
def ask():
    while True:
        try:
            with socket.create_connection(("127.0.0.1", int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]))) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n\r\n")
                client.recv(65536)
        except OSError: pass
for _ in range(20): threading.Thread(target=ask, daemon=True).start()
while True: time.sleep(1)
"#;
    let hostile = [hog, flood, bomb, requests, flood, hog].map(|code| {
        let payload = aws_sdk_lambda::primitives::Blob::new(json!({ "code": code }).to_string());
        prison.lambda.invoke().function_name("Hostile").payload(payload).send()
    });
    let served = async {
        let mut slowest = Duration::ZERO;
        for number in 0..10 {
            let asked = Instant::now();
            let output = invoke_function(&theirs, "Hostile", &json!({ "code": format!("result = {number}") })).await;
            assert_eq!(answer(&output), number);
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let (outcomes, slowest) = tokio::join!(futures::future::join_all(hostile), served);
    for outcome in outcomes {
        // A bomb may take the processes that a neighbour in its own account needs.
        assert!(outcome.is_err() || outcome.unwrap().function_error().is_some());
    }
    assert!(slowest < Duration::from_secs(6), "{slowest:?}");
    prison.still_works().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_bubblewrap_nothing_runs_and_the_error_says_so() {
    let sandbox = TestSandbox::start_with(|config| config.python.bubblewrap = "/nonexistent/bwrap".into()).await;
    let config = aws_sdk_lambda::config::Builder::from(&sandbox.sdk())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build();
    let lambda = Client::from_conf(config);
    let role = function_role(&sandbox.sdk()).await;
    create_function(&lambda, &role, "Hostile", RUNNER, 3).await;
    let error = lambda.invoke().function_name("Hostile").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ServiceException"));
    let message = error.message().unwrap();
    assert!(
        message.starts_with(
            "Functions cannot run: bubblewrap, which isolates them, is not installed at /nonexistent/bwrap."
        ),
        "{message}"
    );
    let arguments = ["lambda", "invoke", "--function-name", "Hostile", "/dev/null"];
    if let Ok(output) = tokio::process::Command::new("aws").arg("--version").output().await
        && output.status.success()
    {
        let said = sandbox.aws_error(&arguments).await;
        assert!(said.contains("(ServiceException) when calling the Invoke operation"), "{said}");
        assert!(said.contains("apt-get install bubblewrap"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_isolation_that_fails_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("bwrap");
    fs::write(&broken, "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
    let sandbox = TestSandbox::start_with(|config| config.python.bubblewrap = broken).await;
    let config = aws_sdk_lambda::config::Builder::from(&sandbox.sdk())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build();
    let lambda = Client::from_conf(config);
    let role = function_role(&sandbox.sdk()).await;
    create_function(&lambda, &role, "Hostile", RUNNER, 3).await;
    let error = lambda.invoke().function_name("Hostile").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ServiceException"));
    let message = error.message().unwrap();
    assert!(message.contains("bubblewrap says: bwrap: No permissions to create new namespace."), "{message}");
}

/// Runs this program's other tests as a user without rights, who has to make user namespaces.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_holds_for_an_ordinary_user() {
    const NOBODY: u32 = 65_534;
    if !is_root() {
        // Then all the others have shown it already.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("lambda_escape");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let packages = folder.path().join("python");
    let copied = std::process::Command::new("cp").arg("-r").arg(common::python_packages()).arg(&packages).status();
    assert!(copied.unwrap().success());
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let output = tokio::process::Command::new("setpriv")
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
            "--",
        ])
        .arg(&program)
        .args(["--test-threads", "2", "--skip", "the_same_holds_for_an_ordinary_user"])
        .current_dir(&home)
        .env("HEADWATER_PYTHON_PACKAGES", &packages)
        .env("TMPDIR", &home)
        .env("HOME", &home)
        // This user cannot write to the folder of the audit; the same tests keep the same logs there as root.
        .env_remove(secret_audit::VARIABLE)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("13 passed"), "{said}");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
