//! One engine's lab out of the files of all: an engine's own folder is laid
//! over the files that all share, and passages for other engines are left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Engine;
use crate::error::LintError;
use crate::files::Files;

/// The folder with a folder for each engine that has files of its own.
const OVERLAYS: &str = "engines/";
/// Begins a passage for some engines.
const ONLY: &str = "{{only ";
/// Ends it.
const END: &str = "{{end}}";

/// The files of one engine's lab, at the paths at which every lab has them.
#[derive(Default)]
pub(crate) struct Variant {
    pub(crate) files: Files,
    origins: BTreeMap<String, Origin>,
}

/// Where a file lies in the folder, and where each of its lines stood there.
struct Origin {
    path: String,
    lines: Vec<usize>,
}

impl Variant {
    /// The file in the folder that stands at this path.
    pub(crate) fn origin(&self, path: &str) -> Option<&str> {
        self.origins.get(path).map(|origin| origin.path.as_str())
    }

    /// A fault with the file and line at which the author will find it.
    pub(crate) fn locate(&self, mut error: LintError) -> LintError {
        if let Some(origin) = self.origins.get(&error.file) {
            error.file.clone_from(&origin.path);
            let line = origin.lines.get(error.line.saturating_sub(1)).or(origin.lines.last());
            error.line = line.copied().unwrap_or(1);
        }
        error
    }
}

/// The engines that this folder is for: one with nothing of its own is not.
pub(crate) fn engines(folder: &Files) -> BTreeSet<Engine> {
    let named = folder.keys().filter_map(|path| overlay(path)?.0.parse().ok());
    named.chain([Engine::SqlApplication]).collect()
}

/// The files of this engine's lab, and what is wrong with the passages.
pub(crate) fn variant(folder: &Files, engine: Engine) -> (Variant, Vec<LintError>) {
    let mut variant = Variant::default();
    let mut errors = Vec::new();
    let (own, shared): (Vec<_>, Vec<_>) = folder.iter().partition(|(path, _)| path.starts_with(OVERLAYS));
    let own = own.into_iter().filter_map(|(path, text)| {
        let (slug, inner) = overlay(path)?;
        (slug == engine.slug()).then_some((inner, path, text))
    });
    for (place, path, text) in shared.into_iter().map(|(path, text)| (path.as_str(), path, text)).chain(own) {
        let (text, lines) = passages(path, text, engine, &mut errors);
        variant.files.insert(place.to_owned(), text);
        variant.origins.insert(place.to_owned(), Origin { path: path.clone(), lines });
    }
    (variant, errors)
}

/// What is wrong with the overlays as such.
pub(crate) fn overlay_faults(folder: &Files) -> Vec<LintError> {
    let mut errors = Vec::new();
    for (path, text) in folder.iter().filter(|(path, _)| path.starts_with(OVERLAYS)) {
        let named = overlay(path).map(|(slug, inner)| (slug.parse(), inner));
        let message = match named {
            Some((Ok(Engine::SqlApplication), _)) => {
                Some("The files outside engines/ are the lab of sql-application; it has none of its own.".to_owned())
            }
            Some((Ok(_), inner)) if folder.get(inner) == Some(text) => {
                Some(format!("The file is the same as {inner}: without it the engine has that one."))
            }
            Some((Ok(_), _)) => None,
            Some((Err(unknown), _)) => Some(format!("This folder is for no engine: {unknown}.")),
            None => Some("Here are only folders named after engines.".to_owned()),
        };
        errors.extend(message.map(|message| LintError::new(path, 1, message)));
    }
    errors
}

/// Engine and inner path of a file in a folder of one engine.
fn overlay(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(OVERLAYS)?.split_once('/')
}

/// The text without the passages for other engines, and the line of each line
/// that is left.
fn passages(path: &str, text: &str, engine: Engine, errors: &mut Vec<LintError>) -> (String, Vec<usize>) {
    let mut kept = String::with_capacity(text.len());
    let mut lines = Vec::new();
    let mut open: Vec<(usize, bool)> = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index + 1;
        let mark = line.trim_end();
        let mark = mark.strip_prefix("# ").unwrap_or(mark);
        if let Some(names) = mark.strip_prefix(ONLY).and_then(|rest| rest.strip_suffix("}}")) {
            open.push((number, is_for(names, engine, path, number, errors)));
        } else if mark == END {
            if open.pop().is_none() {
                errors.push(LintError::new(path, number, "This {{end}} ends nothing."));
            }
        } else if open.iter().all(|(_, wanted)| *wanted) {
            kept.push_str(line);
            lines.push(number);
        }
    }
    for (number, _) in open {
        errors.push(LintError::new(path, number, "This passage has no {{end}}."));
    }
    (kept, lines)
}

/// Whether a passage with these names is for the engine.
fn is_for(names: &str, engine: Engine, path: &str, line: usize, errors: &mut Vec<LintError>) -> bool {
    let mut named = BTreeSet::new();
    for name in names.split(' ') {
        match name.parse::<Engine>() {
            Ok(engine) => _ = named.insert(engine),
            Err(unknown) => errors.push(LintError::new(path, line, format!("{unknown}."))),
        }
    }
    if named.len() == Engine::ALL.len() {
        errors.push(LintError::new(path, line, "The passage is for all engines: leave the marks away."));
    }
    named.contains(&engine)
}
