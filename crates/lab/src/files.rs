//! A content folder's files as text, embedded or from disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::error::LintError;

/// Text by path inside the folder, with `/` between the parts.
pub(crate) type Files = BTreeMap<String, String>;

/// Far above any honest content file; keeps a stray archive from being read.
const MAX_FILE_BYTES: u64 = 1 << 20;

static CONTENT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/content");

/// The content that was built in.
pub(crate) fn embedded() -> Result<Files, Vec<LintError>> {
    let mut files = Files::new();
    let mut errors = Vec::new();
    collect_embedded(&CONTENT, &mut files, &mut errors);
    if errors.is_empty() { Ok(files) } else { Err(errors) }
}

fn collect_embedded(folder: &Dir<'_>, files: &mut Files, errors: &mut Vec<LintError>) {
    for file in folder.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        match file.contents_utf8() {
            Some(text) => drop(files.insert(path, text.to_owned())),
            None => errors.push(LintError::new(path, 1, "The file is not UTF-8 text.")),
        }
    }
    for inner in folder.dirs() {
        collect_embedded(inner, files, errors);
    }
}

/// The content below `folder`.
pub(crate) fn read(folder: &Path) -> Result<Files, Vec<LintError>> {
    let mut files = Files::new();
    let mut errors = Vec::new();
    collect(folder, "", &mut files, &mut errors);
    errors.sort();
    if errors.is_empty() { Ok(files) } else { Err(errors) }
}

fn collect(folder: &Path, below: &str, files: &mut Files, errors: &mut Vec<LintError>) {
    let shown = if below.is_empty() { "." } else { below };
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            errors.push(LintError::new(shown, 1, format!("The folder cannot be read: {error}.")));
            return;
        }
    };
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), &path, files, errors),
            Ok(kind) if kind.is_file() => match read_text(&entry.path()) {
                Ok(text) => drop(files.insert(path, text)),
                Err(message) => errors.push(LintError::new(path, 1, message)),
            },
            Ok(_) => errors.push(LintError::new(path, 1, "Only plain files and folders belong here, no links.")),
            Err(error) => errors.push(LintError::new(path, 1, format!("The file cannot be read: {error}."))),
        }
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("The file cannot be read: {error}.");
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(format!("The file is larger than {MAX_FILE_BYTES} bytes; content files are short."));
    }
    String::from_utf8(fs::read(path).map_err(unreadable)?).map_err(|_| "The file is not UTF-8 text.".to_owned())
}
