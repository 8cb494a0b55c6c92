//! `headwater lab lint`

use std::path::Path;
use std::process::exit;

use lab::Lab;

/// Prints each fault with file and line; exits with status 1 if there are any.
pub fn run(folder: Option<&Path>) -> anyhow::Result<()> {
    let Some(folder) = folder else {
        let lab = Lab::embedded();
        println!("the built-in lab is clean: version {}, {} steps", lab.version, lab.steps.len());
        return Ok(());
    };
    let faults = lab::lint(folder);
    for fault in &faults {
        println!("{fault}");
    }
    if faults.is_empty() {
        println!("{} is clean", folder.display());
        return Ok(());
    }
    exit(1);
}
