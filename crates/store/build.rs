//! Rebuilds the crate when a migration changes, which the `sqlx::migrate!` macro cannot ask for itself.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
