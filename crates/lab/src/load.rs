//! From a content folder to a [`Lab`], or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;

use crate::FORMAT_VERSION;
use crate::engine::Engine;
use crate::error::LintError;
use crate::files::{self, Files};
use crate::format::{LabFile, VariableEntry, format_version, line_at, parse, text_line};
use crate::lint::{self, CODE_FOLDERS, Place, Shape, is_code_path, is_kebab};
use crate::markdown::Markdown;
use crate::model::{Lab, VariableHelp};
use crate::step;
use crate::template::{PlaceholderKind, include, placeholders};
use crate::variables::Variables;
use crate::variant::{Variant, engines, overlay_faults, variant};

/// The file that makes a folder a lab.
const LAB_FILE: &str = "lab.toml";

impl Lab {
    /// The built-in lab in which a SQL application counts.
    ///
    /// # Panics
    /// See [`Lab::embedded_for`].
    #[must_use]
    pub fn embedded() -> Self {
        Self::embedded_for(Engine::SqlApplication)
    }

    /// The built-in lab of this engine.
    ///
    /// # Panics
    /// Never in a released build: this crate's tests refuse embedded content
    /// that does not lint clean.
    #[must_use]
    pub fn embedded_for(engine: Engine) -> Self {
        match files::embedded().and_then(|folder| one(&folder, engine)) {
            Ok(lab) => lab,
            Err(errors) => unreachable!("the embedded lab has faults: {errors:#?}"),
        }
    }

    /// The lab in `folder` in which a SQL application counts.
    ///
    /// # Errors
    /// See [`Lab::load_for`].
    pub fn load(folder: &Path) -> Result<Self, Vec<LintError>> {
        Self::load_for(folder, Engine::SqlApplication)
    }

    /// The lab of this engine in `folder`.
    ///
    /// # Errors
    /// Everything that is wrong with the content of any engine, in order of file
    /// and line. The folder itself being unreadable is one such fault, in file
    /// `.`; having nothing for this engine is another.
    pub fn load_for(folder: &Path, engine: Engine) -> Result<Self, Vec<LintError>> {
        files::read(folder).and_then(|folder| one(&folder, engine))
    }
}

/// What the loader has met so far.
pub(crate) struct Loader<'a> {
    pub(crate) files: &'a Files,
    pub(crate) errors: Vec<LintError>,
    /// Names that must be unique in the whole lab, by kind.
    names: BTreeSet<(&'static str, String)>,
    /// Files that something asked for.
    used: BTreeSet<String>,
}

impl<'a> Loader<'a> {
    pub(crate) fn fault(&mut self, file: &str, line: usize, message: impl Into<String>) {
        self.errors.push(LintError::new(file, line, message));
    }

    /// The text of a file that must be there.
    pub(crate) fn file(&mut self, path: &str) -> Option<&'a str> {
        self.used.insert(path.to_owned());
        let text = self.files.get(path).map(String::as_str);
        if text.is_none() {
            self.fault(path, 1, "The file is missing.");
        }
        text
    }

    /// Notes a fault when `name` was used before for the same kind of thing.
    pub(crate) fn unique(&mut self, kind: &'static str, name: &str, file: &str, line: usize) {
        if !self.names.insert((kind, name.to_owned())) {
            self.fault(file, line, format!("The {kind} name {name:?} is used twice."));
        }
    }

    /// Markdown that is a file of its own.
    pub(crate) fn markdown_file(&mut self, path: &str, id: String) -> Option<Markdown> {
        let source = self.file(path)?;
        let place = Place { file: path, line: 1 };
        self.errors.extend(lint::markdown(source, Shape::Block, place, self.files));
        Some(self.markdown(source, id))
    }

    /// A program that is a file of its own, with the files that it includes.
    pub(crate) fn program_file(&mut self, path: &str) -> Option<String> {
        let source = self.file(path)?;
        self.errors.extend(lint::program(source, Place { file: path, line: 1 }, self.files));
        self.note_includes(source);
        Some(include(source, self.files))
    }

    /// Markdown inside a TOML file.
    pub(crate) fn markdown_text(
        &mut self,
        file: &str,
        toml: &str,
        text: &Spanned<String>,
        shape: Shape,
        id: String,
    ) -> Markdown {
        let place = Place { file, line: text_line(toml, text) };
        self.errors.extend(lint::markdown(text.get_ref(), shape, place, self.files));
        self.markdown(text.get_ref(), id)
    }

    /// Text that is shown as it is: it has no markup and no names in it.
    pub(crate) fn plain(&mut self, file: &str, toml: &str, text: &Spanned<String>) -> String {
        let line = text_line(toml, text);
        let value = text.get_ref();
        if value.trim().is_empty() {
            self.fault(file, line, "The text is empty.");
        } else if value.contains('\n') || value.contains("{{") || value.contains('`') {
            self.fault(file, line, "This is shown as plain text: one line, no Markdown, no {{names}}.");
        }
        value.clone()
    }

    /// The first value of a form field, files included.
    pub(crate) fn default(&mut self, file: &str, toml: &str, text: &Spanned<String>) -> String {
        let place = Place { file, line: text_line(toml, text) };
        self.errors.extend(lint::default_value(text.get_ref(), place, self.files));
        self.note_includes(text.get_ref());
        include(text.get_ref(), self.files)
    }

    fn markdown(&mut self, source: &str, id: String) -> Markdown {
        self.note_includes(source);
        Markdown { id, source: include(source, self.files) }
    }

    fn note_includes(&mut self, source: &str) {
        for placeholder in placeholders(source) {
            if let PlaceholderKind::Include(path) = placeholder.kind {
                self.used.insert(path.to_owned());
            }
        }
    }

    fn lab_file(&mut self) -> Option<LabFile> {
        let source = self.file(LAB_FILE)?;
        match format_version(LAB_FILE, source) {
            Ok((version, line)) if version > FORMAT_VERSION => {
                let message = format!(
                    "The content has format_version {version}; this Headwater reads up to {FORMAT_VERSION}. \
                     Use a newer Headwater, or older content."
                );
                self.fault(LAB_FILE, line, message);
                return None;
            }
            Ok((0, line)) => {
                self.fault(LAB_FILE, line, "format_version begins at 1.");
                return None;
            }
            Ok(_) => {}
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        }
        parse(LAB_FILE, source).map_err(|error| self.errors.push(error)).ok()
    }

    fn variables(&mut self, toml: &str, entries: &[Spanned<VariableEntry>]) -> Vec<VariableHelp> {
        let described: Vec<VariableHelp> = entries
            .iter()
            .map(|entry| {
                let VariableEntry { name, label, help } = entry.get_ref();
                let line = text_line(toml, name);
                let name = name.get_ref().clone();
                if !Variables::CHOSEN.contains(&name.as_str()) {
                    let message = format!("{name:?} is no name to choose. Known: {}.", Variables::CHOSEN.join(", "));
                    self.fault(LAB_FILE, line, message);
                }
                self.unique("variable", &name, LAB_FILE, line);
                let label = self.plain(LAB_FILE, toml, label);
                let help = self.markdown_text(LAB_FILE, toml, help, Shape::Inline, format!("variable-{name}"));
                VariableHelp { name, label, help }
            })
            .collect();
        for name in Variables::CHOSEN {
            if !described.iter().any(|entry| entry.name == name) {
                self.fault(LAB_FILE, 1, format!("The name {name:?} is not described: add a [[variables]] table."));
            }
        }
        described
    }
}

fn one(folder: &Files, engine: Engine) -> Result<Lab, Vec<LintError>> {
    let message = format!("The lab has nothing for the engine {engine}.");
    assemble(folder)?.remove(&engine).ok_or_else(|| vec![LintError::new("engines", 1, message)])
}

/// The labs of all engines that these files are for.
pub(crate) fn assemble(folder: &Files) -> Result<BTreeMap<Engine, Lab>, Vec<LintError>> {
    let mut errors = overlay_faults(folder);
    let mut used = BTreeSet::new();
    let mut labs = BTreeMap::new();
    for engine in engines(folder) {
        let (variant, faults) = variant(folder, engine);
        errors.extend(faults);
        match assemble_one(engine, &variant, &mut errors) {
            Some((lab, read)) => {
                used.extend(read);
                labs.insert(engine, lab);
            }
            // Nothing else can be judged.
            None => return Err(errors),
        }
    }
    errors.extend(stray_files(folder, &used));
    errors.sort();
    errors.dedup();
    if errors.is_empty() { Ok(labs) } else { Err(errors) }
}

/// One engine's lab and the files in the folder that were read for it; `None`
/// when it is of a newer format, or has no lab.toml.
fn assemble_one(engine: Engine, variant: &Variant, errors: &mut Vec<LintError>) -> Option<(Lab, BTreeSet<String>)> {
    let files = &variant.files;
    let mut loader = Loader { files, errors: Vec::new(), names: BTreeSet::new(), used: BTreeSet::new() };
    let (Some(file), Some(toml)) = (loader.lab_file(), files.get(LAB_FILE)) else {
        errors.extend(loader.errors.into_iter().map(|error| variant.locate(error)));
        return None;
    };
    let version = loader.plain(LAB_FILE, toml, &file.version);
    let title = loader.plain(LAB_FILE, toml, &file.title);
    let summary = loader.markdown_text(LAB_FILE, toml, &file.summary, Shape::Inline, "summary".to_owned());
    let mut variables = loader.variables(toml, &file.variables);
    variables.retain(|variable| engine.uses(&variable.name));
    let folders = step_folders(&mut loader);
    let steps = folders.iter().filter_map(|folder| step::load(&mut loader, folder)).collect();
    for (path, text) in files.iter().filter(|(path, _)| is_code_path(path)) {
        loader.errors.extend(lint::code_file(path, text));
    }
    let used = loader.used.iter().filter_map(|path| variant.origin(path)).map(str::to_owned).collect();
    errors.extend(loader.errors.into_iter().map(|error| variant.locate(error)));
    let code: Files =
        files.iter().filter(|(path, _)| is_code_path(path)).map(|(p, t)| (p.clone(), t.clone())).collect();
    Some((Lab { engine, version, title, summary, steps, variables, files: code }, used))
}

/// A fault for each file that no engine's lab reads.
fn stray_files(folder: &Files, used: &BTreeSet<String>) -> Vec<LintError> {
    let stray = folder.keys().filter(|path| !used.contains(*path));
    let fault = |path: &String| {
        let code = is_code_path(path) || path.split('/').nth(2).is_some_and(|inner| CODE_FOLDERS.contains(&inner));
        let message =
            if code { "No step includes this file." } else { "This file does not belong here: nothing reads it." };
        LintError::new(path, 1, message)
    };
    stray.map(fault).collect()
}

/// A step's folder, named `<number>-<slug>`.
pub(crate) struct StepFolder {
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(crate) slug: String,
}

/// The folders that begin with a digit, in order; each other one is stray.
fn step_folders(loader: &mut Loader<'_>) -> Vec<StepFolder> {
    let names: BTreeSet<&str> = loader
        .files
        .keys()
        .filter_map(|path| path.split_once('/').map(|(folder, _)| folder))
        .filter(|folder| folder.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let mut folders: Vec<StepFolder> = Vec::new();
    for name in names {
        let parsed = name.split_once('-').and_then(|(number, slug)| Some((number.parse().ok()?, slug)));
        match parsed {
            Some((number, slug)) if is_kebab(slug) => {
                folders.push(StepFolder { name: name.to_owned(), number, slug: slug.to_owned() });
            }
            _ => {
                loader.fault(name, 1, "A step's folder is named <number>-<slug>, for example 1-delivery-stream.");
            }
        }
    }
    folders.sort_by(|a, b| a.number.cmp(&b.number).then_with(|| a.name.cmp(&b.name)));
    if folders.is_empty() {
        loader.fault(LAB_FILE, 1, "There is no step: add a folder such as 0-connect with a step.toml.");
    }
    let mut expected = 0;
    for folder in &folders {
        if folder.number < expected {
            loader.fault(&folder.name, 1, format!("Two steps have the number {}.", folder.number));
        } else if folder.number > expected {
            let message =
                format!("Steps are numbered from 0 without gaps: number {expected} is missing before this one.");
            loader.fault(&folder.name, 1, message);
        }
        loader.unique("step", &folder.slug, &folder.name, 1);
        expected = folder.number + 1;
    }
    folders
}

/// The line of a table in a TOML file.
pub(crate) fn table_line<T>(toml: &str, table: &Spanned<T>) -> usize {
    line_at(toml, table.span().start)
}
