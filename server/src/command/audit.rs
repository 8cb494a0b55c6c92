//! `headwater audit`

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use classroom::{AuditError, AuditReport, Head, audit};

/// Characters of a finding that are printed.
const LONGEST_FINDING: usize = 1_000;

/// Which export to verify, and against what.
#[derive(Debug, Args)]
pub struct AuditOptions {
    /// The exported JSON file of a class; `-` reads standard input.
    file: PathBuf,
    /// Number and hash of an entry that were noted earlier: the log must still have it. Without this, a log that was written
    /// anew as a whole cannot be told from the true one.
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<Head>,
}

/// Verifies and prints. Exit status 0: intact, 1: not intact, 2: there was nothing to verify.
pub fn run(options: &AuditOptions) -> ExitCode {
    let name =
        if options.file.as_os_str() == "-" { "standard input".to_owned() } else { options.file.display().to_string() };
    let reader = match open(&options.file) {
        Ok(reader) => reader,
        Err(error) => {
            eprintln!("headwater audit: {name} cannot be opened: {error}");
            return ExitCode::from(2);
        }
    };
    match audit(reader, options.head.as_ref()) {
        Ok(report) => {
            print!("{}", told(&name, &report));
            ExitCode::SUCCESS
        }
        Err(error) if error.is_unreadable() => {
            eprintln!("headwater audit: {name} cannot be verified: {}", printable(&error));
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("headwater audit: {name} is not intact: {}", printable(&error));
            ExitCode::FAILURE
        }
    }
}

fn open(file: &Path) -> std::io::Result<Box<dyn Read>> {
    Ok(if file.as_os_str() == "-" { Box::new(stdin().lock()) } else { Box::new(File::open(file)?) })
}

/// A finding with what it has from the file made harmless: a terminal obeys control characters, and a value may be long.
fn printable(error: &AuditError) -> String {
    let text = error.to_string();
    let safe = text.chars().take(LONGEST_FINDING).map(|one| match one {
        '"' | '\'' | '\\' => one.to_string(),
        _ => one.escape_debug().to_string(),
    });
    safe.collect()
}

/// What was verified, in lines to read.
fn told(name: &str, report: &AuditReport) -> String {
    let AuditReport { class, head, entries, learners, checks, earlier_than_previous, first_earlier, noted, .. } =
        report;
    let mut text = format!("{name} is intact: class {:?} ({})\n", class.name, class.id.escape_debug());
    // Writing to a string does not fail.
    let _ = writeln!(text, "{entries} entries in one chain; the head is {head}");
    let _ = writeln!(text, "{learners} learners with {checks} points of checks, as the log has them");
    match noted {
        Some(noted) => _ = writeln!(text, "entry {} is the one that was noted", noted.seq),
        None => text.push_str("no earlier head was given: a log written anew as a whole would pass, too (--head)\n"),
    }
    if let Some(first) = first_earlier {
        let _ = writeln!(
            text,
            "note: {earlier_than_previous} entries are earlier than the one before, the first is {first}"
        );
    }
    text
}
