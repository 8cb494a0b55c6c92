//! The rules for text: Markdown, placeholders, names.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Tag};

use crate::error::LintError;
use crate::files::Files;
use crate::format::line_at;
use crate::markdown::{block_language, is_safe_link, parser};
use crate::template::{PlaceholderKind, placeholders};
use crate::variables::Variables;

/// Languages that a code block may have; `bash` blocks are run by tests.
const LANGUAGES: [&str; 5] = ["bash", "json", "python", "sql", "text"];

/// The folders of files that can be included.
pub(crate) const CODE_FOLDERS: [&str; 3] = ["functions", "sql", "shared"];

/// What a Markdown text may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Paragraphs, lists, tables, code blocks.
    Block,
    /// As `Block`, but without shell commands.
    Hint,
    /// One paragraph.
    Inline,
}

/// Where a text stands: its file, and the line on which it begins.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: usize,
}

impl Place<'_> {
    fn error(self, source: &str, byte: usize, message: impl Into<String>) -> LintError {
        LintError::new(self.file, self.line + line_at(source, byte) - 1, message)
    }
}

/// Every fault of a Markdown text.
pub(crate) fn markdown(source: &str, shape: Shape, place: Place<'_>, files: &Files) -> Vec<LintError> {
    if source.trim().is_empty() {
        return vec![place.error(source, 0, "The text is empty.")];
    }
    let mut errors = Vec::new();
    let mut code: Vec<Range<usize>> = Vec::new();
    let mut paragraphs = 0;
    for (event, range) in parser(source).into_offset_iter() {
        let fault = match &event {
            Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_) => {
                Some("Raw HTML is not shown. Write Markdown, or put code between backticks.".to_owned())
            }
            Event::Start(Tag::Image { .. }) => {
                Some("Pictures are not part of the text; describe it in words.".to_owned())
            }
            Event::Start(Tag::Heading { level: HeadingLevel::H1 | HeadingLevel::H2, .. }) => {
                Some("Headings begin at ###: the page has the two levels above.".to_owned())
            }
            Event::Start(Tag::Link { dest_url, .. })
                if !dest_url.starts_with("{{endpoint}}") && !is_safe_link(dest_url) =>
            {
                Some(format!("The link \"{dest_url}\" leads nowhere: begin it with https://, / or #."))
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                code.push(range.clone());
                code_block(source, kind, &range, shape)
            }
            Event::Start(Tag::Paragraph) => {
                paragraphs += 1;
                (shape == Shape::Inline && paragraphs == 2)
                    .then(|| "One paragraph is meant here; this is the second.".to_owned())
            }
            Event::Start(Tag::List(_) | Tag::Table(_) | Tag::BlockQuote(_) | Tag::Heading { .. }) | Event::Rule
                if shape == Shape::Inline =>
            {
                Some("One plain paragraph is meant here.".to_owned())
            }
            _ => None,
        };
        errors.extend(fault.map(|message| place.error(source, range.start, message)));
    }
    errors.extend(text(source, place, files, &code));
    errors
}

fn code_block(source: &str, kind: &CodeBlockKind<'_>, range: &Range<usize>, shape: Shape) -> Option<String> {
    if shape == Shape::Inline {
        return Some("One plain paragraph is meant here, not a code block.".to_owned());
    }
    if matches!(kind, CodeBlockKind::Indented) {
        return Some("Four spaces make a code block by accident. Use a fence of three backticks.".to_owned());
    }
    let language = block_language(kind);
    if !is_closed(&source[range.clone()]) {
        Some("This code fence is never closed.".to_owned())
    } else if language.is_empty() {
        Some(format!("Name the code block's language after the fence: {}.", LANGUAGES.join(", ")))
    } else if !LANGUAGES.contains(&language) {
        Some(format!("Unknown language {language:?} of a code block. Known: {}.", LANGUAGES.join(", ")))
    } else if shape == Shape::Hint && language == "bash" {
        Some("A hint must not give commands to paste; say what to look at instead.".to_owned())
    } else {
        None
    }
}

/// Markdown closes a forgotten fence at the end of the text without a word.
fn is_closed(block: &str) -> bool {
    let mut lines = block.lines();
    let fence = lines.next().unwrap_or_default().trim_start();
    let Some(mark) = fence.chars().next() else { return false };
    let length = fence.chars().take_while(|c| *c == mark).count();
    lines.next_back().is_some_and(|last| {
        let last = last.trim_start_matches(['>', ' ']).trim_end();
        last.len() >= length && last.chars().all(|c| c == mark)
    })
}

/// The placeholders of a code file.
pub(crate) fn code_file(path: &str, source: &str) -> Vec<LintError> {
    let place = Place { file: path, line: 1 };
    let mut errors: Vec<LintError> = placeholders(source)
        .iter()
        .filter_map(|placeholder| {
            let message = match placeholder.kind {
                PlaceholderKind::Include(_) => Some("An included file cannot include another.".to_owned()),
                kind => placeholder_fault(kind),
            };
            message.map(|message| place.error(source, placeholder.range.start, message))
        })
        .collect();
    for (index, line) in source.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            errors.push(LintError::new(
                path,
                index + 1,
                "Three backticks would end the code block that shows this file.",
            ));
        }
    }
    errors
}

/// Every fault of a program that is a file of its own.
pub(crate) fn program(source: &str, place: Place<'_>, files: &Files) -> Vec<LintError> {
    if source.trim().is_empty() {
        return vec![place.error(source, 0, "The file is empty.")];
    }
    let all = 0..source.len();
    text(source, place, files, std::slice::from_ref(&all))
}

/// The placeholders of a form field's first value, which may be a whole file.
pub(crate) fn default_value(source: &str, place: Place<'_>, files: &Files) -> Vec<LintError> {
    if let [only] = placeholders(source).as_slice()
        && let PlaceholderKind::Include(path) = only.kind
    {
        let message = if only.range != (0..source.len()) {
            Some("An included file must be the whole default.".to_owned())
        } else {
            include_fault(path, files)
        };
        return message.map(|message| place.error(source, 0, message)).into_iter().collect();
    }
    text(source, place, files, &[])
}

fn text(source: &str, place: Place<'_>, files: &Files, code: &[Range<usize>]) -> Vec<LintError> {
    let mut errors = Vec::new();
    for placeholder in placeholders(source) {
        let message = match placeholder.kind {
            PlaceholderKind::Include(path) => {
                let inside = code.iter().any(|range| range.contains(&placeholder.range.start));
                let alone = is_whole_line(source, &placeholder.range);
                if inside && alone {
                    include_fault(path, files)
                } else {
                    Some("An {{include ...}} stands alone on a line, not indented, inside a code block.".to_owned())
                }
            }
            kind => placeholder_fault(kind),
        };
        errors.extend(message.map(|message| place.error(source, placeholder.range.start, message)));
    }
    errors
}

fn is_whole_line(source: &str, range: &Range<usize>) -> bool {
    let before = range.start == 0 || source[..range.start].ends_with('\n');
    let after = source[range.end..].chars().next().is_none_or(|c| c == '\n');
    before && after
}

fn include_fault(path: &str, files: &Files) -> Option<String> {
    if !is_code_path(path) {
        Some(format!("Only files below functions/, sql/ and shared/ can be included, not {path:?}."))
    } else if !files.contains_key(path) {
        Some(format!("There is no file {path:?} to include."))
    } else {
        None
    }
}

fn placeholder_fault(kind: PlaceholderKind<'_>) -> Option<String> {
    match kind {
        PlaceholderKind::Variable(name) if !Variables::is_known(name) => {
            let known: Vec<&str> = [&Variables::GIVEN[..], &Variables::CHOSEN, &Variables::DERIVED]
                .into_iter()
                .flatten()
                .copied()
                .collect();
            Some(format!("Unknown name {{{{{name}}}}}. Known: {}.", known.join(", ")))
        }
        PlaceholderKind::Malformed => {
            Some("Two opening braces begin a name such as {{bucket}}, without spaces; this is none.".to_owned())
        }
        PlaceholderKind::Variable(_) | PlaceholderKind::Include(_) => None,
    }
}

/// Whether a file is code that the lab gives away.
pub(crate) fn is_code_path(path: &str) -> bool {
    path.split_once('/').is_some_and(|(folder, _)| CODE_FOLDERS.contains(&folder))
}

/// Lower-case words joined by hyphens, as in `delivery-stream`.
pub(crate) fn is_kebab(name: &str) -> bool {
    is_words(name, '-')
}

/// Lower-case words joined by underscores, as in `buffer_size`.
pub(crate) fn is_snake(name: &str) -> bool {
    is_words(name, '_')
}

fn is_words(name: &str, joint: char) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .split(joint)
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}
