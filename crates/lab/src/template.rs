//! The template language: `{{name}}` stands for one of the learner's names, and
//! `{{include path}}` for a code file of the lab. Nothing else is special.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::variables::Variables;

/// A placeholder and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placeholder<'a> {
    pub(crate) range: Range<usize>,
    pub(crate) kind: PlaceholderKind<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceholderKind<'a> {
    Variable(&'a str),
    Include(&'a str),
    /// Two opening braces that begin neither.
    Malformed,
}

/// Every placeholder in order.
pub(crate) fn placeholders(text: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("{{").map(|at| from + at) {
        let inner = text[start + 2..].find("}}").map(|length| &text[start + 2..start + 2 + length]);
        let kind = inner.and_then(parse).unwrap_or(PlaceholderKind::Malformed);
        let end = match (kind, inner) {
            (PlaceholderKind::Malformed, _) | (_, None) => start + 2,
            (_, Some(inner)) => start + inner.len() + 4,
        };
        found.push(Placeholder { range: start..end, kind });
        from = end;
    }
    found
}

fn parse(inner: &str) -> Option<PlaceholderKind<'_>> {
    if let Some(path) = inner.strip_prefix("include ") {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
        return (!path.is_empty() && path.chars().all(allowed)).then_some(PlaceholderKind::Include(path));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c == '_';
    (!inner.is_empty() && inner.chars().all(allowed)).then_some(PlaceholderKind::Variable(inner))
}

/// The text with every known `{{name}}` replaced. What is not known stays as it
/// is: the linter refuses it long before a learner could see it.
pub(crate) fn substitute(text: &str, variables: &Variables) -> String {
    replace(text, |kind| match kind {
        PlaceholderKind::Variable(name) => variables.get(name),
        PlaceholderKind::Include(_) | PlaceholderKind::Malformed => None,
    })
}

/// The text with every known `{{include path}}` replaced by that file, without
/// the file's last line end (the including line has its own).
pub(crate) fn include(text: &str, files: &BTreeMap<String, String>) -> String {
    replace(text, |kind| match kind {
        PlaceholderKind::Include(path) => files.get(path).map(|file| file.trim_end_matches('\n').to_owned()),
        PlaceholderKind::Variable(_) | PlaceholderKind::Malformed => None,
    })
}

fn replace(text: &str, value: impl Fn(PlaceholderKind<'_>) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut from = 0;
    for placeholder in placeholders(text) {
        if let Some(value) = value(placeholder.kind) {
            result.push_str(&text[from..placeholder.range.start]);
            result.push_str(&value);
            from = placeholder.range.end;
        }
    }
    result.push_str(&text[from..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566")
    }

    #[test]
    fn names_are_replaced_and_other_braces_stay() {
        let text = "{{stream}} in {{region}}: {\"a\":{\"b\":{}}} {{unknown}} {{{bucket}} {{ x }}";
        insta::assert_snapshot!(
            substitute(text, &variables()),
            @r#"ClickStreamData in us-east-1: {"a":{"b":{}}} {{unknown}} {{{bucket}} {{ x }}"#
        );
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_is_not_replaced_again() {
        let mut variables = variables();
        variables.table = "{{bucket}}".to_owned();
        assert_eq!(substitute("{{table}}!", &variables), "{{bucket}}!");
    }

    #[test]
    fn a_file_is_included_without_its_last_line_end() {
        let files = BTreeMap::from([("sql/a.sql".to_owned(), "SELECT {{stream}};\n".to_owned())]);
        assert_eq!(include("a\n{{include sql/a.sql}}\nb", &files), "a\nSELECT {{stream}};\nb");
        assert_eq!(include("{{include sql/b.sql}}", &files), "{{include sql/b.sql}}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_without_panic_and_text_without_braces_is_kept(text in "\\PC*") {
            let result = substitute(&text, &variables());
            if !text.contains("{{") {
                proptest::prop_assert_eq!(result, text);
            }
        }
    }
}
