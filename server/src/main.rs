//! The Headwater binary: the web server with its sandbox, and the command line.

mod actions;
mod backend;
mod catch_up;
mod checking;
mod class_news;
mod class_settings;
mod classes;
mod client_address;
mod command;
mod config;
mod connect;
mod demo;
mod desk;
mod enrolment;
mod executor;
mod health;
mod instructors;
mod kept;
mod live;
mod lti;
mod master_key;
mod measures;
mod membership;
mod minted;
mod new_account;
mod oidc;
mod origin;
mod pasted_keys;
mod place;
mod refusal;
mod request_id;
mod role_file;
mod router;
mod sandbox_access;
mod security;
mod session;
mod session_store;
mod state;
mod stocktaking;
#[cfg(test)]
mod tests;
mod upload;
mod views;
mod visits;

/// With the system's own allocator, a fifth of the server's time under load goes to it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of a thread's stack: rendering a page nests deeply, most of all in a debug build, where a test has overflowed the two
/// megabytes that threads have otherwise.
const STACK: usize = 8 * 1024 * 1024;

fn main() -> anyhow::Result<std::process::ExitCode> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().thread_stack_size(STACK);
    runtime.build()?.block_on(command::run(std::env::args_os().collect()))
}
