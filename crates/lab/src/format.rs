//! The content files as they are written. Positions are kept so that every
//! message can name a line.

use serde::Deserialize;
use toml::Spanned;

use crate::error::LintError;
use crate::model::{HintTier, QuestionKind};

/// `lab.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabFile {
    #[serde(rename = "format_version")]
    pub(crate) _format_version: u32,
    pub(crate) version: Spanned<String>,
    pub(crate) title: Spanned<String>,
    pub(crate) summary: Spanned<String>,
    #[serde(default)]
    pub(crate) variables: Vec<Spanned<VariableEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariableEntry {
    pub(crate) name: Spanned<String>,
    pub(crate) label: Spanned<String>,
    pub(crate) help: Spanned<String>,
}

/// `step.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepFile {
    pub(crate) title: Spanned<String>,
    pub(crate) aim: Spanned<String>,
    pub(crate) minutes: Spanned<u32>,
    #[serde(default)]
    pub(crate) checks: Vec<Spanned<CheckEntry>>,
    #[serde(default)]
    pub(crate) hints: Vec<Spanned<HintEntry>>,
    #[serde(default)]
    pub(crate) questions: Vec<Spanned<QuestionEntry>>,
    #[serde(default)]
    pub(crate) actions: Vec<Spanned<ActionEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckEntry {
    pub(crate) name: Spanned<String>,
    pub(crate) title: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HintEntry {
    pub(crate) tier: HintTier,
    pub(crate) text: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionEntry {
    pub(crate) name: Spanned<String>,
    pub(crate) kind: QuestionKind,
    pub(crate) prompt: Spanned<String>,
    #[serde(default)]
    pub(crate) answers: Vec<Spanned<AnswerEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerEntry {
    pub(crate) text: Spanned<String>,
    #[serde(default)]
    pub(crate) right: bool,
    pub(crate) explanation: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionEntry {
    pub(crate) name: Spanned<String>,
    pub(crate) title: Spanned<String>,
    pub(crate) description: Spanned<String>,
    pub(crate) submit: Spanned<String>,
    #[serde(default)]
    pub(crate) fields: Vec<Spanned<FieldEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldEntry {
    pub(crate) name: Spanned<String>,
    pub(crate) label: Spanned<String>,
    pub(crate) help: Spanned<String>,
    pub(crate) kind: Kind,
    pub(crate) default: Spanned<String>,
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) options: Option<Vec<String>>,
    pub(crate) language: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Text,
    Number,
    Select,
    Code,
}

/// The one key that every format has, read before the rest.
#[derive(Deserialize)]
struct Version {
    format_version: Spanned<u32>,
}

/// The format that `lab.toml` says it has, and the line that says so.
pub(crate) fn format_version(file: &str, source: &str) -> Result<(u32, usize), LintError> {
    let version: Version = parse(file, source)?;
    Ok((*version.format_version.get_ref(), line_at(source, version.format_version.span().start)))
}

/// A TOML file as `T`.
pub(crate) fn parse<'a, T: Deserialize<'a>>(file: &str, source: &'a str) -> Result<T, LintError> {
    toml::from_str(source).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| line_at(source, span.start));
        LintError::new(file, line, error.message().trim().replace('\n', "; "))
    })
}

/// The line, counted from 1, of a byte of the source.
pub(crate) fn line_at(source: &str, byte: usize) -> usize {
    let end = byte.min(source.len());
    source.as_bytes()[..end].iter().filter(|b| **b == b'\n').count() + 1
}

/// The line on which a string's text begins: one further when the string opens
/// with three quotes and a line end, which TOML drops.
pub(crate) fn text_line(source: &str, text: &Spanned<String>) -> usize {
    let start = text.span().start;
    let raw = &source.as_bytes()[start.min(source.len())..];
    let opened = raw.strip_prefix(b"\"\"\"").or_else(|| raw.strip_prefix(b"'''"));
    let dropped = opened.is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"));
    line_at(source, start) + usize::from(dropped)
}
