//! Zip files with learners' code: checked when they come, unpacked when an environment starts.
//!
//! A zip file is hostile until proven otherwise: sizes in its directory may lie, names may lead out of the folder, and a
//! few kilobytes may unpack to gigabytes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use super::errors::{invalid_parameter, too_large};
use super::limits;
use crate::AwsError;

/// Longest path in a zip file, bytes.
const MAX_PATH_BYTES: usize = 512;
/// Longest name of a file or folder, bytes, as Linux has it.
const MAX_NAME_BYTES: usize = 255;
/// Deepest folder.
const MAX_DEPTH: usize = 32;

/// `CodeSha256`: the base64 of the SHA-256 of the zip file.
pub(super) fn code_sha256(zip: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(zip))
}

/// Reads the whole zip file, as unpacking would, so that a function never fails to start for the shape of its code.
pub(super) fn check(zip: &[u8], operation: &str) -> Result<(), AwsError> {
    if zip.len() > limits::MAX_ZIP_BYTES {
        return Err(too_large(limits::MAX_ZIP_BYTES, operation));
    }
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|_| not_a_zip())?;
    if archive.is_empty() {
        return Err(invalid_parameter("Uploaded file must be a non-empty zip"));
    }
    if archive.len() > limits::MAX_ZIP_ENTRIES {
        let most = limits::MAX_ZIP_ENTRIES;
        return Err(invalid_parameter(format!(
            "The zip file has more than {most} entries, the most the sandbox takes."
        )));
    }
    let mut unpacked = 0_u64;
    let (mut files, mut folders) = (BTreeSet::new(), BTreeSet::new());
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|_| not_a_zip())?;
        let name = entry.name().map_err(|_| not_a_zip())?.into_owned();
        if entry.is_symlink() {
            return Err(refused(&name, "is a symbolic link"));
        }
        let path = safe_path(&name).ok_or_else(|| refused(&name, "does not lie inside the code's folder"))?;
        folders.extend(path.ancestors().skip(1).map(Path::to_path_buf));
        if entry.is_dir() {
            folders.insert(path);
            continue;
        }
        if !files.insert(path) {
            return Err(refused(&name, "is there twice"));
        }
        let left = limits::MAX_UNZIPPED_BYTES - unpacked;
        unpacked += io::copy(&mut entry.take(left + 1), &mut io::sink()).map_err(|_| not_a_zip())?;
        if unpacked > limits::MAX_UNZIPPED_BYTES {
            let most = limits::MAX_UNZIPPED_BYTES;
            return Err(invalid_parameter(format!("Unzipped size must be smaller than {most} bytes")));
        }
    }
    if let Some(path) = files.intersection(&folders).next() {
        return Err(refused(&path.to_string_lossy(), "is both a file and a folder"));
    }
    Ok(())
}

/// Unpacks a zip file that [`check`] passed into `folder`, which must not exist. Everything is readable by all and
/// writable by its owner only; the folder's own parent keeps others out.
pub(super) fn unpack(zip: &[u8], folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o755).create(folder)?;
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(io::Error::other)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(io::Error::other)?;
        let name = entry.name().map_err(io::Error::other)?.into_owned();
        let path = safe_path(&name).ok_or_else(|| io::Error::other("a path leads out of the folder"))?;
        let target = folder.join(path);
        let make_folder = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o755).create(path);
        if entry.is_dir() {
            make_folder(&target)?;
            continue;
        }
        target.parent().map_or(Ok(()), make_folder)?;
        let executable = entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
        let mode = if executable { 0o755 } else { 0o644 };
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&target)?;
        io::copy(&mut entry.by_ref().take(limits::MAX_UNZIPPED_BYTES), &mut file)?;
    }
    Ok(())
}

/// The path in a zip file, if it stays below where it starts and a file system takes it.
fn safe_path(name: &str) -> Option<PathBuf> {
    if name.len() > MAX_PATH_BYTES || name.contains(['\0', '\\']) || name.starts_with('/') {
        return None;
    }
    let mut path = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) if part.len() <= MAX_NAME_BYTES => path.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    let depth = path.components().count();
    (1..=MAX_DEPTH).contains(&depth).then_some(path)
}

fn not_a_zip() -> AwsError {
    invalid_parameter("Could not unzip uploaded file. Please check your file, then try to upload again.")
}

fn refused(name: &str, why: &str) -> AwsError {
    let name: String = name.chars().take(100).collect();
    invalid_parameter(format!("The sandbox refuses the zip file: its entry {name:?} {why}."))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn error(zip: &[u8]) -> String {
        check(zip, "CreateFunction").unwrap_err().to_string()
    }

    #[test]
    fn unpacks_what_it_has_checked() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        writer.add_directory("package/", options).unwrap();
        writer.start_file("package/tool", options.unix_permissions(0o700)).unwrap();
        writer.start_file("lambda_function.py", options.unix_permissions(0o600)).unwrap();
        writer.write_all(b"def handler(event, context): pass").unwrap();
        let zip = writer.finish().unwrap().into_inner();
        check(&zip, "CreateFunction").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path().join("code");
        unpack(&zip, &code).unwrap();
        let mode = |name: &str| fs::metadata(code.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("package/tool"), 0o755);
        assert_eq!(mode("lambda_function.py"), 0o644);
        assert_eq!(fs::read(code.join("lambda_function.py")).unwrap(), b"def handler(event, context): pass");
    }

    #[test]
    fn refuses_paths_that_lead_out() {
        for name in ["../evil.py", "/etc/passwd", "a/../../b", "a\\..\\b", &"x/".repeat(40), &"x".repeat(300)] {
            assert!(error(&zip(&[(name, b"")])).contains("folder"), "{name}");
        }
    }

    #[test]
    fn refuses_symbolic_links_and_contradictions() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("link", "/etc/shadow", SimpleFileOptions::default()).unwrap();
        assert!(error(&writer.finish().unwrap().into_inner()).contains("symbolic link"));
        assert!(error(&zip(&[("a", b""), ("a/b", b"")])).contains("both a file and a folder"));
        assert!(error(&zip(&[("./a", b""), ("a", b"")])).contains("twice"));
    }

    #[test]
    fn refuses_bombs_and_rubbish() {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("bomb", options).unwrap();
        io::copy(&mut io::repeat(0).take(limits::MAX_UNZIPPED_BYTES + 1), &mut writer).unwrap();
        let bomb = writer.finish().unwrap().into_inner();
        assert!(bomb.len() < 100_000);
        assert!(error(&bomb).contains("Unzipped size must be smaller than 67108864 bytes"));
        assert!(error(b"PK no zip").contains("Could not unzip uploaded file"));
        assert!(error(&zip(&[])).contains("non-empty"));
        let many: Vec<String> = (0..=limits::MAX_ZIP_ENTRIES).map(|index| index.to_string()).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
        assert!(error(&zip(&many)).contains("5000 entries"));
        assert_eq!(check(&vec![0; limits::MAX_ZIP_BYTES + 1], "CreateFunction").unwrap_err().status, 413);
    }

    proptest! {
        #[test]
        fn a_safe_path_stays_inside(name in "[a./\\\\\0b]{0,24}") {
            if let Some(path) = safe_path(&name) {
                prop_assert!(path.components().all(|component| matches!(component, Component::Normal(_))));
                prop_assert!(path.components().count() > 0);
            }
        }

        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = check(&bytes, "CreateFunction");
        }
    }
}
