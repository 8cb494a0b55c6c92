//! The lab that is built in.

use std::path::Path;

use lab::{Lab, lint};

#[test]
fn it_lints_clean_and_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("content");
    let faults: Vec<String> = lint(&folder).iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(Lab::load(&folder).unwrap(), Lab::embedded());
}
