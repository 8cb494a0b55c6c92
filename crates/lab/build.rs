//! The content folder is embedded by a macro, which sees changed files but not
//! new ones: this rebuilds the crate when a file is added.

fn main() {
    println!("cargo:rerun-if-changed=content");
}
