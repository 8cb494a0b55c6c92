//! The Headwater binary: the web server with its sandbox, and the command line.

mod actions;
mod backend;
mod catch_up;
mod checking;
mod client_address;
mod command;
mod config;
mod connect;
mod demo;
mod desk;
mod enrolment;
mod executor;
mod health;
mod live;
mod measures;
mod minted;
mod new_account;
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

#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    command::run(std::env::args_os().collect()).await
}
