//! Fails when a log of the test run holds a secret of the test run: `audit_secrets FOLDER`, where `FOLDER` is what
//! `HEADWATER_SECRET_AUDIT` named while the tests ran.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("audit_secrets: name the folder of the audit");
        return ExitCode::FAILURE;
    };
    let findings = match secret_audit::look(Path::new(&folder)) {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("audit_secrets: the folder cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    for (kind, log) in &findings.leaks {
        eprintln!("audit_secrets: a {kind} stands in {log}");
    }
    let missing = findings.missing_kinds();
    for kind in &missing {
        eprintln!("audit_secrets: no test minted a {kind}, so that nothing is proved for it");
    }
    let kinds: Vec<String> = findings.secrets.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
    println!(
        "audit_secrets: {} in {} logs of {} KiB: {} found",
        kinds.join(", "),
        findings.logs,
        findings.log_bytes / 1024,
        findings.leaks.len()
    );
    if findings.leaks.is_empty() && missing.is_empty() && findings.log_bytes > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
