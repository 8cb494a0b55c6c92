//! Reads wire logs and fails when a request was sent that the table of calls does not grant.
//!
//! `HEADWATER_WIRE_LOG=FILE cargo test …`, then `cargo run -p checks --bin audit_calls FILE…`.

use std::process::ExitCode;

use checks::{Audit, audit};

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("audit_calls: name the wire logs to read");
        return ExitCode::FAILURE;
    }
    let mut requests = 0;
    let mut is_good = true;
    for file in &files {
        match std::fs::read_to_string(file).map(|log| audit(&log)) {
            Ok(Audit { good, faults }) => {
                requests += good;
                is_good &= faults.is_empty();
                faults.iter().for_each(|fault| eprintln!("{file}: {fault}"));
            }
            Err(error) => {
                is_good = false;
                eprintln!("{file}: {error}");
            }
        }
    }
    // A log without lines was not written, which proves nothing.
    if requests == 0 {
        eprintln!("audit_calls: no request was logged");
        is_good = false;
    }
    println!("audit_calls: {requests} requests, all in the table of calls: {}", if is_good { "yes" } else { "no" });
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
